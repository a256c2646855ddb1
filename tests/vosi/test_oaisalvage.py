"""Pages that are whole but not well-formed: every good record is read, every bad one is kept as it came."""

from __future__ import annotations

import pytest

from vosi.oaipage import read_page
from vosi.oaisalvage import salvage
from vosi.xmlio import XmlRefused, parse

_HEAD = ('<?xml version="1.0"?>\n<{p}OAI-PMH xmlns{c}="http://www.openarchives.org/OAI/2.0/">'
         "<{p}responseDate>2024-01-01T00:00:00Z</{p}responseDate><{p}request>http://x/</{p}request><{p}ListRecords>")
_TAIL = '<{p}resumptionToken completeListSize="9">t&amp;u</{p}resumptionToken></{p}ListRecords></{p}OAI-PMH>\n'


def item(name: str, inside: str) -> str:
    return ("<{p}record><{p}header><{p}identifier>" + name + "</{p}identifier><{p}datestamp>2023-01-01</{p}datestamp>"
            "</{p}header><{p}metadata>" + inside + "</{p}metadata></{p}record>\n")


def page(*items: str, prefix: str = "") -> bytes:
    text = _HEAD + "".join(items) + _TAIL
    return text.replace("{p}", prefix).replace("{c}", ":" + prefix[:-1] if prefix else "").encode()


GOOD = '<r xmlns="urn:x" a="1">good</r>'


@pytest.mark.parametrize("prefix", ["", "oai:"])
@pytest.mark.parametrize("broken", [
    "<r>a & b</r>", "<r><a></r>", "<r b=1/>", "<p:r/>", "<r>\x00</r>", "<r>&nbsp;</r>", "<r/><r/>x</r>", "<!-- -- --><r/>"])
def test_one_bad_record_costs_only_itself(broken: str, prefix: str) -> None:
    data = page(item("ivo://x/1", GOOD), item("ivo://x/2", broken), item("ivo://x/3", GOOD), prefix=prefix)
    with pytest.raises(XmlRefused):
        read_page(data)
    found = salvage(data)
    assert [one.identifier for one in found.items] == ["ivo://x/1", "ivo://x/2", "ivo://x/3"]
    assert (found.token, found.list_size, found.response_date) == ("t&u", 9, "2024-01-01T00:00:00Z")
    assert found.items[1].record == broken.encode()
    for one in (found.items[0], found.items[2]):
        assert one.record and parse(one.record).text == "good" and one.datestamp == "2023-01-01"


def test_a_page_without_fault_is_read_the_same() -> None:
    data = page(item("ivo://x/1", GOOD), item("ivo://x/2", GOOD))
    assert salvage(data) == read_page(data)


def test_a_broken_header_deletes_nothing() -> None:
    gone = ('<record><header status="deleted"><identifier>ivo://x/1</identifier><datestamp>2023</header></record>')
    [one] = salvage(page(gone)).items
    assert (one.identifier, one.deleted) == ("ivo://x/1", False) and one.record


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_page_is_not_taken_for_a_whole_one(cut: int) -> None:
    data = page(*(item(f"ivo://x/{number}", GOOD) for number in range(4)))
    with pytest.raises(XmlRefused):
        salvage(data[:len(data) * cut // 12])


@pytest.mark.parametrize("data", [
    b"", b"<html><body>ListRecords</body></html>", b"Welcome", page().replace(b"completeListSize", b"&"),
    page(item("ivo://x/1", GOOD)).replace(b"<responseDate>", b"<responseDate><&>"),
    b"<!DOCTYPE x><OAI-PMH><ListRecords></ListRecords></OAI-PMH>", b"\xff\xfe\x00",
])
def test_what_cannot_be_salvaged(data: bytes) -> None:
    with pytest.raises(XmlRefused):
        salvage(data)


def test_rubbish_between_records_is_no_record() -> None:
    found = salvage(page(item("ivo://x/1", GOOD), " & ", item("ivo://x/2", GOOD)))
    assert [one.identifier for one in found.items] == ["ivo://x/1", "ivo://x/2"]
    assert found.items[1].record and b"&" not in found.items[0].record  # type: ignore[operator]
