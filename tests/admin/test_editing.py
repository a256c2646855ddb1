"""Writing records on pages: the whole journey without a script, stale and hostile forms, sessions that end in mid edit."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from sqlalchemy import update

from registry import access
from registry.records import comparing, drafting, lifecycle, publish, store
from registry.records.forming import carrying
from registry.records.forming.desk import KINDS
from registry.tables import accounts
from tests.records.conftest import record
from tests.vosi import drafts
from tests.vosi.judges import official_faults
from vosi.resource import amend, compose

NAME = "ivo://north.example/stars"
EDIT = "/admin/edit/north.example/stars"
LEAST = {
    "r/title.n1": "Stars of the North", "r/content.0/subject.n1": "stars", "r/content.0/description.n1": "All of them.",
    "r/capability.": "", "r/capability.n1/@standardID": "ivo://ivoa.net/std/ConeSearch",
    "r/capability.n1/@xsi:type": "cs:ConeSearch", "r/capability.n1/verbosity.n1": "false",
    "r/capability.n1/interface.n1/@xsi:type": "vs:ParamHTTP",
    "r/capability.n1/interface.n1/accessURL.n1": "http://127.0.0.1:8101/stars?",
}


def fields(answer: Any) -> dict[str, str]:
    """What a browser would send back of a page's forms: inputs, texts, what is selected; no buttons."""
    page = answer.get_data(as_text=True).partition('<main id="main"')[2].partition("</main>")[0]
    found: dict[str, str] = {}
    for tag in re.finditer(r'<input\b([^>]*)>', page):
        name, value = (re.search(rf'\b{one}="([^"]*)"', tag[1]) for one in ("name", "value"))
        if name and value and "checkbox" not in tag[1]:
            found[html.unescape(name[1])] = html.unescape(value[1])
    for name, value in re.findall(r'<textarea\b[^>]*\bname="([^"]*)"[^>]*>\n?([^<]*)', page):
        found[name] = html.unescape(value)
    for name, options in re.findall(r'<select\b[^>]*\bname="([^"]*)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = html.unescape(chosen[1]) if chosen else ""
    return found


def send(person: Any, path: str, answer: Any, do: str, **more: str) -> Any:
    """Press a button of the form on a page, with other values in some fields."""
    data = {**fields(answer), **more, "do": do, "csrf_token": person.token}
    return person.client.post(path, data=data, headers={"Accept": "text/html"})


def shown(site: Any, ivoid: str = NAME) -> Any:
    with site.database.read() as connection:
        return store.get(connection, ivoid)


def text(answer: Any) -> str:
    return html.unescape(answer.get_data(as_text=True))


@pytest.fixture()
def stars(founded: Any) -> Any:
    """A published record of ours."""
    return publish.publish(founded, record(NAME, title="First"), who="ann")


def test_from_nothing_to_a_published_record_and_back_by_buttons_alone(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    form = person.get("/admin/new-record?type=vs:CatalogService&key=stars")
    assert fields(form)["r/curation.0/publisher.0"] == "North" and "guessed" in text(form) and "missing" in text(form)
    refused = send(person, EDIT, form, "review")
    assert refused.status_code == 400 and 'href="#f_r_title_n1"' in text(refused) and "This is needed." in text(refused)
    form = send(person, EDIT, refused, "add:r/capability.cs:ConeSearch")
    reviewed = send(person, EDIT, form, "review", **LEAST)
    assert reviewed.status_code == 200 and "Review before publishing" in text(reviewed) and shown(founded) is None
    done = send(person, EDIT, reviewed, "publish", why="begun")
    assert done.location == "/admin/records/north.example/stars"
    assert (shown(founded).title, shown(founded).profile, shown(founded).version) == ("Stars of the North", "recommended", 1)
    again = send(person, EDIT, reviewed, "publish")
    assert again.location == done.location and shown(founded).version == 1, "the back button after publishing"
    with founded.database.read() as connection:
        assert access.trail(connection)[0].action == "publish record"


def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    form = person.get(EDIT)
    answer = send(person, EDIT, form, "review", **{"r/shortName.n1": "x" * 20, "r/title.0": "Kept <&>"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and 'value="Kept &lt;&amp;&gt;"' in page and 'value="xxxxxxxxxxxxxxxxxxxx"' in page
    assert re.search(r'id="f_r_shortName_n1_wrong">16 characters at most, and these are 20\.<', page)
    checked = send(person, "/admin/edit-check/north.example/stars", form, "", **{"r/shortName.n1": "x" * 20})
    assert checked.json["faults"] == [
        {"id": "f_r_shortName_n1", "label": "Short name", "what": "16 characters at most, and these are 20."}]
    assert shown(founded) == stars


def test_a_draft_is_kept_told_and_published(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    saved = send(person, EDIT, person.get(EDIT), "save", **{"r/title.0": "Later"})
    assert "The draft is saved (revision 1" in text(saved) and shown(founded) == stars
    assert "Go on with the draft" in text(person.get("/admin/records/north.example/stars"))
    assert "Later" in text(person.get("/admin/records"))
    form = person.get(EDIT)
    assert fields(form)["r/title.0"] == "Later" and fields(person.get(f"{EDIT}?from=published"))["r/title.0"] == "First"
    kept = send(person, "/admin/edit-check/north.example/stars", form, "", **{"r/title.0": "Later still", "autosave": "1"})
    assert kept.json["draft"] == 2 and kept.json["conflict"] == ""
    other = send(person, "/admin/edit-check/north.example/stars", form, "", **{"r/title.0": "Other", "autosave": "1"})
    assert "was saved by publisher" in other.json["conflict"]
    clash = send(person, EDIT, form, "save", **{"r/title.0": "Other"})
    assert clash.status_code == 409 and fields(clash)["r/title.0"] == "Other" and "save yours in its place" in text(clash)
    assert "revision 3" in text(send(person, EDIT, clash, "overwrite"))
    send(person, "/admin/edit-check/north.example/stars", person.get(EDIT), "", **{"r/title.0": "Later still", "autosave": "1"})
    reviewed = send(person, EDIT, person.get(EDIT), "review")
    assert "Later still" in text(reviewed) and "First" in text(reviewed)
    send(person, EDIT, reviewed, "publish")
    with founded.database.read() as connection:
        assert drafting.every(connection) == []
    assert shown(founded).title == "Later still"


def test_a_draft_of_a_new_record_is_found_under_its_name(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    form = person.get("/admin/new-record?type=vr:Service&key=stars")
    send(person, EDIT, form, "save", **{"r/title.n1": "Begun"})
    assert person.get("/admin/records/north.example/stars").location == EDIT
    assert browser("reader").get("/admin/records/north.example/stars").status_code == 404
    assert "go on with that" in text(person.get("/admin/new-record?type=vr:Service&key=stars"))
    page = person.get(EDIT)
    assert fields(page)["r/title.n1" if "r/title.n1" in fields(page) else "r/title.0"] == "Begun"
    least = {"r/content.0/subject.n1": "s", "r/content.0/description.n1": "D."}
    reviewed = send(person, EDIT, page, "review", **least)
    late = send(person, "/admin/edit-check/north.example/stars", page, "", **least, autosave="1")
    assert late.json["saved"]
    assert send(person, EDIT, reviewed, "publish").status_code == 303
    with founded.database.read() as connection:
        assert drafting.every(connection) == [], "the draft that was saved under way said the same"
    drafting.save_draft(founded, amend(shown(founded).xml, {"title": "Bob's"}), who="bob")
    page = person.get(f"{EDIT}?from=published")
    drafting.save_draft(founded, amend(shown(founded).xml, {"title": "Bob's later"}), who="bob")
    send(person, EDIT, send(person, EDIT, page, "review", **{"r/shortName.n1": "S"}), "publish")
    with founded.database.read() as connection:
        assert [one.summary.title for one in drafting.every(connection)] == ["Bob's later"]


def test_who_saves_second_sees_both_and_chooses(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    reviewed = send(person, EDIT, person.get(EDIT), "review", **{"r/title.0": "Mine", "r/shortName.n1": "M"})
    lifecycle.save(founded, amend(stars.xml, {"title": "Theirs", "description": "Theirs."}), who="bob")
    stale = send(person, EDIT, reviewed, "publish")
    assert stale.status_code == 409 and "was saved by bob" in text(stale) and "Mine" in text(stale) and "Theirs" in text(stale)
    assert shown(founded).title == "Theirs"
    carried = {name: value for name, value in fields(reviewed).items() if name in ("base", "began", "draft", "marks", "watch")}
    merged = person.post(EDIT, **carried, do="theirs")
    assert fields(merged)["r/title.0"] == "Mine" and fields(merged)["r/content.0/description.0"] == "Theirs."
    done = send(person, EDIT, send(person, EDIT, merged, "review"), "publish")
    assert done.status_code == 303 and shown(founded).title == "Mine" and b"Theirs." in shown(founded).xml
    overwritten = person.post(EDIT, **{**carried, "began": str(shown(founded).version)}, do="review")
    assert send(person, EDIT, overwritten, "publish").status_code == 303 and b"Theirs." not in shown(founded).xml


def test_a_session_that_ends_in_mid_edit_loses_nothing(app: Any, founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    form = person.get(EDIT)
    with founded.database.write() as connection:
        access.close_session(connection, person.secret)
    typed = "Typed <b>while</b> logged out"
    ended = send(person, EDIT, form, "publish", **{"r/title.0": typed})
    assert ended.status_code == 401 and "What you typed is kept" in text(ended) and shown(founded) == stars
    wrong = person.client.post("/admin/login", data={**fields(ended), "name": "publisher", "password": "wrong" * 3})
    assert wrong.status_code == 403 and "kept_at" in fields(wrong)
    back = person.client.post("/admin/login", data={**fields(wrong), "name": "publisher", "password": "correct horse battery"})
    assert back.status_code == 200 and "<b>while" not in back.get_data(as_text=True)
    person.secret = person.client.get_cookie("innerspace-north-example").value
    form = person.client.post(EDIT, data={**fields(back), "do": "form"})
    assert form.status_code == 200 and fields(form)["r/title.0"] == typed and shown(founded) == stars


def test_a_form_without_any_cookie_is_offered_after_the_login_too(app: Any, founded: Any, browser: Any, stars: Any) -> None:
    form = fields(browser("publisher").get(EDIT))
    stranger = app.test_client()
    ended = stranger.post(EDIT, data={**form, "r/title.0": "Mine"}, headers={"Accept": "text/html"})
    assert ended.status_code == 400 and "kept_at" in fields(ended)
    back = stranger.post("/admin/login", data={**fields(ended), "name": "publisher", "password": "correct horse battery"})
    assert fields(back)["r/title.0"] == "Mine"
    for place in ("https://evil.example/", "//evil.example/admin/edit/x", "/admin/accounts", "/admin/edit/x y", ""):
        person = app.test_client()
        page = person.get("/admin/login")
        login = {"name": "publisher", "password": "correct horse battery"}
        data = {**fields(page), "kept": fields(ended)["kept"], "kept_at": place, **login}
        assert person.post("/admin/login", data=data).location == "/admin/"
    foreign = stranger.post(EDIT, data=form, headers={"Accept": "text/html", "Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 400 and "kept_at" not in fields(foreign)


def test_the_xml_editor_judges_the_same_way(founded: Any, browser: Any, stars: Any) -> None:
    person, place = browser("publisher"), "/admin/edit-xml/north.example/stars"
    page = person.get(place)
    assert "<title>First</title>" in fields(page)["xml"]
    typed = fields(page)["xml"]
    for broken, words in (("<unclosed>", "not well-formed"), (typed.replace("example/stars", "example/x"), "keeps its name"),
                          (typed.replace("First", "Fir<x/>st"), "Title"), ("<!DOCTYPE r>" + typed, "DOCTYPE")):
        answer = send(person, place, page, "review", xml=broken)
        assert answer.status_code == 400 and fields(answer)["xml"].strip() == broken.strip(), words
        assert words.lower() in text(answer).lower()
    form = send(person, place, page, "form", xml=typed.replace("First", "As XML"))
    assert fields(form)["r/title.0"] == "As XML"
    reviewed = send(person, place, page, "review", xml=typed.replace("First", "As XML"))
    send(person, EDIT, reviewed, "publish")
    assert shown(founded).title == "As XML"


HOSTILE: list[dict[str, str]] = [
    {"base": ""}, {"base": "!"}, {"base": carrying.packed(b"<a/>")}, {"base": carrying.packed(b"\x00")},
    {"began": "x" * 9000}, {"draft": "-1"}, {"marks": "<script>=imported;r=guessed"}, {"do": "add:" * 400},
    {"r/title.0": "\x00\ufffe"}, {"r/title.0": "x" * 1_000_000}, {"r/" + "a.0/" * 400: "x"}, {"watch": "javascript:alert(1)"},
]


def test_hostile_forms_are_refused_in_a_sentence_or_drawn_again(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    as_it_is = fields(person.get(EDIT))
    for change in HOSTILE:
        for act in ("check", "save", "review", "publish", "theirs"):
            answer = person.post(EDIT, **{"do": act, **as_it_is, **change})
            assert answer.status_code in (200, 303, 400, 409, 413), (act, change)
            assert "<script>=imported" not in answer.get_data(as_text=True) and "Traceback" not in text(answer)


def test_every_field_may_hold_anything_and_shows_it_as_text(founded: Any, browser: Any) -> None:
    publish.publish(founded, compose(drafts.FULL).replace(b"north.example/stars", b"north.example/full"), who="ann")
    person, place = browser("publisher"), "/admin/edit/north.example/full"
    form = person.get(place)
    payload = "\"><script>alert(1)</script><img src=x onerror=alert(1)>{{7331*7331}}'"
    hostile = {name: payload for name in fields(form) if name.startswith("r/") and not name.endswith((".", "@xsi:type"))}
    assert len(hostile) > 200
    for act in ("check", "review"):
        page = send(person, place, form, act, **hostile).get_data(as_text=True)
        assert "<script>alert" not in page and "<img src=x" not in page and "53743561" not in page
    saved = send(person, place, form, "save", **hostile)
    for path in (place, "/admin/edit-xml/north.example/full", "/admin/records", "/admin/records/north.example/full"):
        assert "<script>alert" not in person.get(path).get_data(as_text=True), path
    assert saved.status_code == 200


def test_records_of_others_and_deleted_ones_have_no_form(founded: Any, browser: Any, stars: Any) -> None:
    person = browser("publisher")
    with founded.database.write() as connection:
        store.put(connection, founded.schemas, record("ivo://south.example/a"), origin=store.HARVESTED, who="t")
    assert person.get("/admin/edit/south.example/a").status_code == 409
    assert person.get("/admin/edit/north.example/none").status_code == 404
    lifecycle.delete(founded, NAME, who="ann")
    assert "restore a version" in text(person.get(EDIT)) and person.get(EDIT).status_code == 409
    form = person.get("/admin/new-record?type=vr:Service&key=stars")
    assert form.status_code == 200, "its name may be used for it again"
    for query, words in (("vr:Nothing&key=x", "no form"), ("vr:Service&key=a%3Fb", "? or #"), ("vr:Service&key=a%20b", "key"),
                         ("vr:Service&authority=south.example&key=a", "not one of ours"),
                         ("vr:Service&key=runner", "registered already")):
        answer = person.get(f"/admin/new-record?type={query}")
        assert answer.status_code == 400 and words in text(answer)


def test_a_publisher_of_one_authority_writes_in_no_other(founded: Any, browser: Any, bearer: Any, stars: Any, app: Any) -> None:
    with founded.database.write() as connection:
        connection.execute(update(accounts).where(accounts.c.name == "publisher").values(authorities=["else.example"]))
    person = browser("publisher")
    life = "/admin/life/north.example/stars"
    for answer in (person.get(EDIT), person.post(EDIT, do="publish"), person.post(life, do="deactivate"),
                   app.test_client().post("/api/records", data=stars.xml, headers=bearer("publisher"))):
        assert answer.status_code == 403 and "else.example" in answer.get_data(as_text=True)
    assert ">Edit<" not in text(person.get("/admin/records/north.example/stars")) and shown(founded) == stars


def test_what_was_imported_from_a_form_is_what_the_command_makes(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    form = person.get("/admin/new-record?type=vs:CatalogService&key=stars")
    reviewed = send(person, EDIT, send(person, EDIT, form, "add:r/capability.cs:ConeSearch"), "review", **LEAST)
    send(person, EDIT, reviewed, "publish")
    by_form = shown(founded)
    base = carrying.unpacked(fields(form)["base"])
    by_command = amend(base, {"title": LEAST["r/title.n1"], "subjects": ("stars",), "description": "All of them."})
    changes = comparing.compare(by_command, by_form.xml).changes
    assert [(one.path, one.kind) for one in changes] == [("capability", "added")]


ALSO: dict[str, dict[str, str]] = {
    "vstd:Standard": {"r/endorsedVersion.n1": "1.0"},
    "vstd:ServiceStandard": {"r/endorsedVersion.n1": "1.0"},
    "vstd:StandardKeyEnumeration": {"r/key.n1/name.n1": "term", "r/key.n1/description.n1": "What it means."},
}


def test_every_kind_is_described_from_nothing_by_what_its_form_asks_for(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    for number, kind in enumerate(KINDS):
        place = f"/admin/edit/north.example/kind{number}"
        form = person.get(f"/admin/new-record?type={kind}&key=kind{number}")
        asked = set(re.findall(r'href="#f_(r_[A-Za-z0-9_]+)"', text(send(person, place, form, "review"))))
        least = {name: value for name, value in LEAST.items() if "capability" not in name} | ALSO.get(kind, {})
        assert asked == {re.sub("[^A-Za-z0-9]", "_", name) for name in least}, kind
        reviewed = send(person, place, form, "review", **least)
        assert "Review before publishing" in text(reviewed), kind
        send(person, place, reviewed, "publish")
        made = shown(founded, f"ivo://north.example/kind{number}")
        assert (made.type, made.profile) == (kind, "recommended") and official_faults(made.xml) == []
