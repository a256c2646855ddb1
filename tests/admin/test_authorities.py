"""A publisher of certain authorities on every route that a publisher has: nothing of another authority changes by it.

Each route that needs the role publisher stands in one of two tables, with what is sent or why it needs none; one that
is in neither fails.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import insert, select

from registry import clock, rights
from registry.admin.roles import ROLE_OF
from registry.applications import seen
from registry.applications.seen import Seen
from registry.records import authorities, drafting, local_sets, store
from registry.services import importing
from registry.services.importing import Found
from registry.tables import drafts, held_changes, record_versions, repository_images, set_members, watches
from tests.test_rights import organisation
from vosi.capabilities import Capability, Interface

THEIRS = "ivo://north.example/organisation"
DRAFT = "ivo://north.example/desk"
WAITING, OFFERED, NAMELESS = (f"127.0.0.1:5000/stars@sha256:{letter * 64}" for letter in "abc")
XML = organisation("north.example").decode()

# endpoint -> what is sent; `xml` is a body of its own
SENT: dict[str, tuple[dict[str, Any], ...]] = {
    "admin.new_record": ({"type": "vr:Organisation", "key": "other", "authority": "north.example"},),
    "admin.edit_form": ({"name": "north.example/organisation"},),
    "admin.edit_post": tuple({"name": "north.example/organisation", "do": do} for do in ("save", "overwrite", "publish")),
    "admin.edit_check": ({"name": "north.example/desk", "autosave": "1"},),
    "admin.edit_preview": ({"name": "north.example/desk"},),
    "admin.edit_xml": tuple({"name": "north.example/organisation", "do": do, "xml": XML} for do in ("save", "review")),
    "admin.record_life": (
        *({"name": "north.example/organisation", "do": do} for do in ("deactivate", "activate")),
        {"name": "north.example/organisation", "do": "delete", "confirm": THEIRS},
        {"name": "north.example/organisation", "do": "restore", "version": "1"}, {"name": "north.example/desk", "do": "discard"}),
    "admin.records_bulk": (
        *({"ivoid": THEIRS, "do": do} for do in ("deactivate", "activate")), {"ivoid": THEIRS, "do": "set", "set": "desks"},
        {"ivoid": THEIRS, "do": "delete", "confirm": "delete 1 record"}),
    "admin.record_retire": ({"name": "north.example/organisation", "confirm": THEIRS, "why": "mine"},),
    "admin.import_record": ({"url": "http://127.0.0.1:9/", "key": "stars"},),
    "admin.import_post": ({"url": "http://127.0.0.1:9/", "key": "stars", "title": "Stars"},),
    "admin.standard_post": ({"name": "peaks", "title": "Peaks", "interface_type": "vs:ParamHTTP", "use": "full",
                             "keys": "query-1.0 = The query."},),
    "admin.service_post": ({"url": "http://127.0.0.1:9/", "key": "stars", "interface_type": "vs:ParamHTTP", "use": "base",
                            "standard_id": "ivo://ivoa.net/std/ConeSearch"},),
    "admin.held_accept": ({"ivoid": THEIRS},),
    "admin.held_refuse": ({"ivoid": THEIRS},),
    "admin.register_post": ({"reference": "127.0.0.1:5000/stars:1.0"},),
    "admin.image_decide": (
        {"image": WAITING, "to": "approved"}, {"image": WAITING, "to": "rejected"}, {"image": OFFERED, "to": "retracted"},
        {"image": OFFERED, "to": "vulnerable", "why": "because"}, {"image": NAMELESS, "to": "rejected"}),
    "api.records_add": ({"xml": XML},),
    "api.records_act": (*({"do": do, "ivoids": [THEIRS]} for do in ("deactivate", "activate", "delete")),
                        {"do": "set", "ivoids": [THEIRS], "set": "desks"}),
    "api.records_restore": ({"ivoid": THEIRS, "version": 1},),
    "api.drafts_add": ({"xml": XML},),
    "api.drafts_publish": ({"ivoid": DRAFT},),
    "api.drafts_discard": ({"ivoid": DRAFT},),
    "api.services_add": ({"url": "http://127.0.0.1:9/", "key": "stars", "title": "Stars"},),
    "api.standards_add": ({"name": "peaks", "title": "Peaks", "keys": {"query-1.0": "The query."}},),
    "api.service_describe": ({"url": "http://127.0.0.1:9/", "key": "stars"},),
    "api.held_accept": ({"ivoid": THEIRS},),
    "api.held_refuse": ({"ivoid": THEIRS},),
    "api.applications_add": ({"reference": "127.0.0.1:5000/stars:1.0"},),
    "api.image_approve": ({"image": WAITING}, {"image": NAMELESS, "name": "stars"}),
    "api.image_reject": ({"image": WAITING}, {"image": NAMELESS}),
    "api.image_retract": ({"image": OFFERED},),
    "api.image_mark_vulnerable": ({"image": OFFERED, "why": "because"},),
}
_HARVEST = "harvests belong to no authority of ours"
_LOOKS = "only looks, or shows a form"
CHANGES_NO_RECORD = {
    "admin.import_form": _LOOKS, "admin.standard_form": _LOOKS, "admin.service_form": _LOOKS, "admin.service_check": _LOOKS,
    "admin.register_form": _LOOKS, "admin.image_decide_form": _LOOKS, "admin.repository_look": _LOOKS,
    "api.records_check": _LOOKS, "api.service_check": _LOOKS, "api.repository_look": _LOOKS, "api.image_consequences": _LOOKS,
    **{f"{one}.{act}": _HARVEST for one in ("admin", "api") for act in (
        "source_pause", "source_harvest", "source_test", "run_pause", "run_resume", "run_cancel", "quarantine_mute")},
    "api.source_resume": _HARVEST,
}
WITHOUT_STATUS = {"admin.records_bulk", "api.records_act"}  # which tell of each record by itself


@pytest.fixture()
def bound(founded: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The account `publisher` publishes in east.example alone, and in north.example something of each kind waits."""
    capability = Capability("ivo://ivoa.net/std/ConeSearch", interfaces=(Interface(access_url="http://127.0.0.1:9/"),))
    monkeypatch.setattr(importing, "look", lambda _site, url, *_more: Found(url, (capability,), None, None, ()))
    now = clock.stamp()
    with founded.database.write() as connection:
        authorities.claim(connection, "east.example", "ivo://north.example/registry", own=True)
        rights.set_role(connection, "publisher", "publisher", ["east.example"])
        local_sets.create(connection, "desks", "Desks")
        record = store.get(connection, THEIRS)
        connection.execute(insert(watches).values(key=record.key, ivoid=THEIRS, url="http://127.0.0.1:9/", due=now))
        connection.execute(insert(held_changes).values(
            key=record.key, ivoid=THEIRS, at=now, based_on=record.version, digest="x", changes=["It shrinks."], xml=record.xml))
        seen.put(connection, [Seen(reference, "127.0.0.1:5000", "1.0", state, ivoid=ivoid, version=version, seen=now, who="ann")
                              for reference, state, ivoid, version in (
                                  (WAITING, "draft", "ivo://north.example/app/stars", "1.0"), (NAMELESS, "draft", "", ""),
                                  (OFFERED, "approved", "ivo://north.example/app/stars", "0.9"))])
    drafting.save_draft(founded, XML.encode(), who="ann")
    return founded


def kept(site: Any) -> list[str]:
    """All that a publisher can change of records, drafts, images and sets."""
    with site.database.read() as connection:
        return [repr(row) for table in (record_versions, drafts, held_changes, repository_images, set_members)
                for row in connection.execute(select(table))]


def test_every_route_of_publishers_is_in_one_of_the_tables() -> None:
    routes = {name for name, role in ROLE_OF.items() if role == "publisher"}
    known = SENT.keys() | CHANGES_NO_RECORD.keys()
    assert not routes - known, "a new route: what is sent to it goes into SENT, or why it changes no record into the other table"
    assert routes == known and not SENT.keys() & CHANGES_NO_RECORD.keys()


def test_no_route_changes_what_stands_under_another_authority(bound: Any, app: Any, browser: Any, bearer: Any) -> None:
    person, header, before = browser("publisher"), bearer("publisher"), kept(bound)
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules() if rule.endpoint in SENT}
    for endpoint, sendings in SENT.items():
        for sent in sendings:
            given = dict(sent)
            path = rules[endpoint].rule
            if "<path:name>" in path:
                path = path.replace("<path:name>", given.pop("name"))
            if "POST" not in rules[endpoint].methods:
                answer = person.get(path, query_string=given)
            elif endpoint.startswith("admin."):
                answer = person.post(path, **given)
            elif "xml" in given:
                answer = app.test_client().post(path, data=given["xml"], headers={**header, "Content-Type": "text/xml"})
            else:
                answer = app.test_client().post(path, json=given, headers=header)
            said = answer.get_data(as_text=True)
            if answer.status_code == 303:
                said = person.get(answer.location.split("example", 1)[-1]).get_data(as_text=True)
            told = re.findall('role="alert">.{0,300}|invalid-feedback.{0,200}', said)
            assert "publisher publishes in east.example and not in north.example" in said, (endpoint, sent, told)
            assert endpoint in WITHOUT_STATUS or answer.status_code == 403, (endpoint, answer.status_code)
            assert kept(bound) == before, (endpoint, sent)


def test_in_its_own_authority_the_same_publisher_does_it(bound: Any, app: Any, bearer: Any) -> None:
    with bound.database.write() as connection:
        rights.set_role(connection, "publisher", "publisher", ["north.example"])
    client, header = app.test_client(), bearer("publisher")
    for path, body in (("/api/held/refuse", {"ivoid": THEIRS}), ("/api/images/reject", {"image": WAITING}),
                       ("/api/images/mark-vulnerable", {"image": OFFERED, "why": "because"}),
                       ("/api/drafts/publish", {"ivoid": DRAFT}), ("/api/standards", {"name": "peaks"})):
        answer = client.post(path, json=body, headers=header)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
