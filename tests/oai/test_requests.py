"""What is asked, right or wrong, and the condition that answers it (OAI-PMH 2.0 §3.6, §4), request by request."""

from __future__ import annotations

import pytest

from tests.oai.conftest import Asker

RECORD = "ivo://north.example/org1"
BASE = "http://127.0.0.1:8101/oai"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("arguments", "codes"), [
    ([], ["badVerb"]),
    ([("verb", "")], ["badVerb"]),
    ([("verb", "identify")], ["badVerb"]),
    ([("verb", "Nothing"), ("metadataPrefix", "ivo_vor")], ["badVerb"]),
    ([("verb", "Identify"), ("verb", "Identify")], ["badVerb"]),
    ([("verb", "Identify"), ("set", "ivo_managed")], ["badArgument"]),
    ([("verb", "ListSets"), ("metadataPrefix", "ivo_vor")], ["badArgument"]),
    ([("verb", "ListRecords")], ["badArgument"]),
    ([("verb", "ListIdentifiers"), ("from", "2020-01-01")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("metadataPrefix", "ivo_vor")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("page", "2")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("resumptionToken", "x")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo vor")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("set", "")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("set", "a:")], ["badArgument"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "none")], ["cannotDisseminateFormat"]),
    ([("verb", "ListIdentifiers"), ("metadataPrefix", "none")], ["cannotDisseminateFormat"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("set", "nobody")], ["noRecordsMatch"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("until", "2001-01-01")], ["noRecordsMatch"]),
    ([("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), ("from", "2999-01-01")], ["noRecordsMatch"]),
    ([("verb", "ListRecords"), ("resumptionToken", "x")], ["badResumptionToken"]),
    ([("verb", "ListRecords"), ("resumptionToken", "")], ["badArgument"]),
    ([("verb", "ListSets"), ("resumptionToken", "x")], ["badResumptionToken"]),
    ([("verb", "GetRecord"), ("metadataPrefix", "ivo_vor")], ["badArgument"]),
    ([("verb", "GetRecord"), ("identifier", RECORD)], ["badArgument"]),
    ([("verb", "GetRecord"), ("identifier", RECORD), ("metadataPrefix", "none")], ["cannotDisseminateFormat"]),
    ([("verb", "GetRecord"), ("identifier", RECORD + "0"), ("metadataPrefix", "ivo_vor")], ["idDoesNotExist"]),
    ([("verb", "GetRecord"), ("identifier", RECORD + "0"), ("metadataPrefix", "none")],
     ["idDoesNotExist", "cannotDisseminateFormat"]),
    ([("verb", "GetRecord"), ("identifier", "no identifier"), ("metadataPrefix", "ivo_vor")], ["idDoesNotExist"]),
    ([("verb", "GetRecord"), ("identifier", "oai:north:org1"), ("metadataPrefix", "ivo_vor")], ["idDoesNotExist"]),
    ([("verb", "GetRecord"), ("identifier", ""), ("metadataPrefix", "ivo_vor")], ["idDoesNotExist"]),
    ([("verb", "ListMetadataFormats"), ("identifier", RECORD + "0")], ["idDoesNotExist"]),
    ([("verb", "ListMetadataFormats"), ("identifier", "%00<&>\x00\x0b")], ["idDoesNotExist"]),
    ([("verb", "ListMetadataFormats"), ("\x01<odd>", "x")], ["badArgument"]),
])
def test_each_fault_has_its_code(ask: Asker, arguments: list[tuple[str, str]], codes: list[str], method: str) -> None:
    page = ask(*arguments, method=method)
    assert page.errors == codes
    assert all((found.text or "").strip() for found in page.root.iter("{*}error")), "every error says why"


@pytest.mark.parametrize(("since", "until"), [
    ("2020-01-01", "2020-01-02T00:00:00Z"),
    ("2020-01-02", "2020-01-01"),
    ("2020-01-01T00:00:01Z", "2020-01-01T00:00:00Z"),
    ("2020-13-01", None),
    ("2021-02-29", None),
    ("2020-01-01T00:00:00", None),
    ("2020-01-01T00:00:00.000Z", None),
    ("2020-01-01T00:00Z", None),
    ("2020-01-01T24:00:00Z", None),
    ("2020", None),
    ("20200101", None),
    ("yesterday", None),
    ("", None),
    ("٢٠٢٠-01-01", None),
    (None, "2020-01-01 00:00:00"),
    (None, "2020-01-01T00:00:00+00:00"),
])
def test_dates_that_are_none_or_do_not_go_together(ask: Asker, since: str | None, until: str | None) -> None:
    given = [("from", since), ("until", until)]
    page = ask(("verb", "ListRecords"), ("metadataPrefix", "ivo_vor"), *((n, v) for n, v in given if v is not None))
    assert page.errors == ["badArgument"]


def test_request_repeats_the_arguments_only_where_they_were_understood(ask: Asker) -> None:
    good = ask(verb="ListRecords", metadataPrefix="ivo_vor", set="ivo_managed", until="2999-01-01")
    assert dict(good.request.attrib) == {
        "verb": "ListRecords", "metadataPrefix": "ivo_vor", "set": "ivo_managed", "until": "2999-01-01"}
    empty = ask(verb="ListRecords", metadataPrefix="ivo_vor", until="1999-01-01")
    assert empty.errors == ["noRecordsMatch"]
    assert dict(empty.request.attrib)["until"] == "1999-01-01"
    for bad in (ask(verb="Nothing", set="x"), ask(verb="ListRecords", metadataPrefix="ivo_vor", x="y"), ask()):
        assert dict(bad.request.attrib) == {}
    for page in (good, empty, bad):
        assert page.request.text == BASE


def test_the_base_url_is_the_setting_whoever_is_asked(ask: Asker) -> None:
    page = ask.judged(ask.client.get("/oai?verb=Identify", headers={"Host": "evil.example"}))
    assert page.texts("baseURL") == [BASE]
    assert b"evil.example" not in page.data


def test_a_token_stands_beside_no_other_argument_but_the_verb(ask: Asker) -> None:
    token = ask(verb="ListRecords", metadataPrefix="ivo_vor").token
    assert token is not None and token.text
    assert ask(verb="ListRecords", resumptionToken=token.text, metadataPrefix="ivo_vor").errors == ["badArgument"]
    assert ask(verb="ListRecords", resumptionToken=token.text, from_="2020-01-01").errors == ["badArgument"]
    assert ask(verb="ListRecords", resumptionToken=token.text).errors == []


def test_post_and_get_give_the_same(ask: Asker) -> None:
    for arguments in ({"verb": "Identify"}, {"verb": "ListRecords", "metadataPrefix": "oai_dc", "until": "2999-01-01"}):
        get, post = ask(**arguments), ask(**arguments, method="POST")
        assert get.data.split(b"</request>")[1].split(b"<resumptionToken")[0] == \
            post.data.split(b"</request>")[1].split(b"<resumptionToken")[0]


def test_an_argument_in_the_query_and_again_in_the_body_is_repeated(ask: Asker) -> None:
    reply = ask.client.post("/oai?verb=Identify", data={"verb": "Identify"})
    assert ask.judged(reply).errors == ["badVerb"]
    assert ask.judged(ask.client.post("/oai?verb=Identify")).errors == []


def test_bytes_that_are_no_utf8_are_answered(ask: Asker) -> None:
    page = ask.judged(ask.client.get("/oai?verb=ListMetadataFormats&identifier=%ff%fe"))
    assert page.errors == ["idDoesNotExist"]
