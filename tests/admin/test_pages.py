"""What the pages show and do: every page opens, empty ones say what to do next, strangers' text stays text."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from registry import access
from registry.records import store
from registry.tables import records

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{ 7331*7331 }}",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&lt;script&gt;",
]
RECORD = """<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="vr:Service"
 created="2020-01-01T00:00:00Z" updated="2020-01-01T00:00:00Z"
 status="active"><title>{text}</title><shortName>{text}</shortName><identifier>ivo://south.example/hostile</identifier>
<curation><publisher>{text}</publisher>
<creator><name>{text}</name></creator><date>{text}</date><contact><name>{text}</name></contact></curation>
<content><subject>{text}</subject><description>{text}</description><referenceURL>{text}</referenceURL></content></ri:Resource>"""


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/admin/",
        "/admin/records",
        "/admin/import",
        "/admin/sources",
        "/admin/applications",
        "/admin/applications/new",
        "/admin/jobs",
        "/admin/accounts",
        "/admin/audit",
        "/admin/records/north.example/registry",
        "/records",
    ],
)
def test_every_page_opens_with_its_landmarks(browser: Any, path: str) -> None:
    answer = browser("administrator").get(path)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert '<html lang="en"' in page and 'href="#main"' in page and '<main id="main"' in page
    assert page.count("<h1") == 1


def test_an_empty_place_says_what_to_do_next(browser: Any) -> None:
    page = browser("administrator").get("/admin/").get_data(as_text=True)
    for path in ("/admin/import", "/admin/sources", "/admin/applications/new"):
        assert f'href="{path}"' in page


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_a_harvested_record_says_stays_text(founded: Any, browser: Any, payload: str) -> None:
    import html

    text = html.escape(payload)
    with founded.database.write() as connection:
        put = store.put(
            connection,
            founded.schemas,
            RECORD.replace("{text}", text).encode(),
            origin=store.FOREIGN_FILE,
            who=payload,
            why=payload,
        )
        assert put.record, put.reason
        access.audit(connection, payload, payload, payload, payload)
    person = browser("administrator")
    for path in (
        "/admin/records",
        "/admin/records/south.example/hostile",
        "/admin/audit",
        "/admin/",
        "/",
        "/records",
        "/records/south.example/hostile",
    ):
        page = person.get(path).get_data(as_text=True)
        if payload.startswith(("<", '"', "'")):
            assert payload not in page, path
        assert 'href="javascript:' not in page, path
        assert "53743561" not in page, path


def test_what_is_sent_comes_back_as_text(browser: Any) -> None:
    person = browser("administrator")
    hostile = '"><script>alert(1)</script>'
    for path in (
        f"/admin/records?q={hostile}",
        f"/admin/jobs?phase={hostile}",
        f"/admin/import?url={hostile}",
        f"/records?q={hostile}",
        f"/admin/records/{hostile}",
        f"/nowhere/{hostile}",
        f"/admin/login?next={hostile}",
    ):
        assert b"<script>alert" not in person.get(path).data, path
    for path, fields in (
        ("/admin/sources", {"url": hostile, "name": hostile}),
        ("/admin/applications/new", {"reference": hostile}),
        ("/admin/import", {"url": hostile, "key": hostile, "title": hostile}),
        ("/admin/applications/run", {"app": hostile}),
    ):
        answer = person.post(path, **fields)
        assert answer.status_code >= 400 and b"<script>alert" not in answer.data, path


def test_a_source_that_does_not_answer_is_told_in_the_form(browser: Any) -> None:
    answer = browser("administrator").post("/admin/sources", url="http://127.0.0.1:1/oai", name="south")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and 'role="alert"' in page
    assert 'value="http://127.0.0.1:1/oai"' in page and 'value="south"' in page


def test_a_record_of_ours_is_withdrawn_with_a_reason(founded: Any, browser: Any) -> None:
    person = browser("publisher")
    page = "/admin/records/north.example/organisation"
    assert person.post(f"{page}/retire").status_code == 400
    assert person.post(f"{page}/retire", why="closed", confirm="organisation").status_code == 400
    name = "ivo://north.example/organisation"
    assert person.post(f"{page}/retire", why="closed", confirm=name).location == page
    assert b"deleted" in person.get(page).data
    with founded.database.read() as connection:
        assert store.get(connection, "ivo://north.example/organisation").deleted
        assert access.trail(connection)[0].action == "delete record"


def test_the_shelf_is_paged_by_its_address(founded: Any, browser: Any) -> None:
    person = browser("reader")
    with founded.database.write() as connection:
        for number in range(60):
            xml = RECORD.replace("{text}", "x").replace("/hostile", f"/r{number:02d}")
            store.put(connection, founded.schemas, xml.encode(), origin=store.FOREIGN_FILE, who="test")
    first = person.get("/admin/records").get_data(as_text=True)
    second = person.get("/admin/records?after=ivo://south.example/r45").get_data(as_text=True)
    assert 'rel="next"' in first and "r59" not in first
    assert "r46" in second and "r45<" not in second and 'rel="next"' not in second


def test_colours_are_kept_in_a_cookie_and_lead_back(app: Any) -> None:
    client = app.test_client()
    answer = client.post("/theme", data={"to": "dark", "next": "/records?q=x"})
    assert answer.location == "/records?q=x"
    assert b'data-bs-theme="dark"' in client.get("/").data
    assert client.post("/theme", data={"to": "evil\r\n", "next": "//evil.example"}).location == "/"


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nowhere", "text/html", "text/html"),
        ("/nowhere", "*/*", "text/plain"),
        ("/nowhere", "application/json", "application/json"),
        ("/api/nowhere", "text/html", "application/json"),
        ("/api/runs/7", "*/*", "application/json"),
    ],
)
def test_what_cannot_be_done_is_told_in_the_clients_own_form(
    app: Any, bearer: Any, path: str, accept: str, kind: str
) -> None:
    answer = app.test_client().get(path, headers={"Accept": accept, **bearer("reader")})
    assert answer.status_code == 404 and answer.mimetype == kind
    if kind == "text/html":
        assert answer.headers["X-Request-Id"].encode() in answer.data
    if kind == "application/json":
        assert {"error", "next", "status", "request"} == set(answer.json)


def test_a_fault_of_our_own_shows_a_number_and_no_traceback(
    app: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    from registry.admin import front

    monkeypatch.setattr(front.figures, "public", lambda connection: 1 / 0)
    answer = app.test_client().get("/", headers={"Accept": "text/html"})
    number = answer.headers["X-Request-Id"]
    assert answer.status_code == 500 and number.encode() in answer.data
    assert b"ZeroDivision" not in answer.data and "ZeroDivisionError" in caplog.text and number in caplog.text


def test_a_database_that_is_away_is_503(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def away(connection: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database or disk is full"))

    from registry.admin import front

    monkeypatch.setattr(front.figures, "public", away)
    answer = app.test_client().get("/")
    assert answer.status_code == 503 and b"secret" not in answer.data


def test_it_says_that_it_lives(app: Any) -> None:
    assert app.test_client().get("/healthz").json == {"status": "ok"}
    assert app.test_client().get("/readyz").json["status"] == "ready"


def test_deleted_and_foreign_records_cannot_be_withdrawn_here(founded: Any, browser: Any) -> None:
    with founded.database.write() as connection:
        store.put(
            connection, founded.schemas, RECORD.replace("{text}", "x").encode(), origin=store.HARVESTED, who="test"
        )
        connection.execute(update(records).where(records.c.origin == "harvested").values(managed=False))
    answer = browser("publisher").post("/admin/records/south.example/hostile/retire", why="mine",
                                       confirm="ivo://south.example/hostile")
    assert answer.status_code == 409 and b"harvest" in answer.data


def test_the_menu_and_the_next_steps_are_those_of_the_role(browser: Any) -> None:
    reader, publisher = (browser(role).get("/admin/").get_data(as_text=True) for role in ("reader", "publisher"))
    assert "/admin/import" not in reader and "/admin/accounts" not in reader and "/admin/sources" in reader
    assert "/admin/import" in publisher and "/admin/accounts" not in publisher
