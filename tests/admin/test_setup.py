"""The first run: the link that opens it, its four screens with no script, and the datacenter that is there at its end."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from registry import access, config, create_app
from registry.admin.setup import acts, keeping
from registry.admin.setup.app import create_setup_app
from registry.records import founding, listing
from registry.schema import upgrade
from registry.search import registering
from registry.site import Site, open_site
from tests.oai.serving import loopback, serving

PASSWORD = "correct horse battery"
ADMINISTRATOR = {"admin": "ada", "password": PASSWORD, "again": PASSWORD}
AUTHORITY = {"authority": "north.example", "title": "North"}
ORGANISATION = {"organisation": "North Observatory", "contact": "", "email": "ops@north.example"}


@pytest.fixture()
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place where nothing is founded; quick hashes."""
    monkeypatch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    opened = open_site(tmp_path / "instance")
    upgrade(opened.database)
    yield opened
    opened.close()


class Operator:
    """A browser without a script, and what the set-up has founded."""

    def __init__(self, site: Site) -> None:
        self.site, self.founded = site, list[Site]()
        self.application = create_setup_app(site, self.founded.append)
        self.client = self.application.app.test_client()

    def opens(self, link: str) -> Any:
        return self.client.get(f"/setup/link/{link}", headers={"Accept": "text/html"})

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Accept": "text/html"})

    def post(self, path: str, **fields: str) -> Any:
        token = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', self.get(path).get_data(as_text=True))
        assert token, path
        return self.client.post(path, data={"csrf_token": token[1], **fields}, headers={"Accept": "text/html"})

    def answers_all(self) -> None:
        assert self.post("/setup/administrator", **ADMINISTRATOR).location == "/setup/authority"
        assert self.post("/setup/authority", **AUTHORITY).location == "/setup/organisation"
        assert self.post("/setup/organisation", **ORGANISATION).location == "/setup/review"


@pytest.fixture()
def operator(bare: Site) -> Iterator[Operator]:
    made = Operator(bare)
    yield made
    for one in made.founded:
        one.close()


def test_from_the_link_to_a_founded_datacenter(bare: Site, operator: Operator) -> None:
    assert operator.opens(keeping.new_link(bare)).location == "/setup"
    assert operator.get("/setup").location == "/setup/administrator"
    operator.answers_all()
    page = unescape(operator.get("/setup/review").get_data(as_text=True))
    assert "5 records: who names things here" in page
    for key in ("", "/registry", "/organisation", "/runner", "/tap"):
        ivoid = f"ivo://north.example{key}"
        assert f"<code>{ivoid}</code>" in page and f"<identifier>{ivoid}</identifier>" in page
    assert "registry --instance" in page and PASSWORD not in page
    done = operator.post("/setup/review", base_url="http://127.0.0.1:8101", networks="127.0.0.0/8, 10.1.0.0/16", do="publish")
    assert done.location == "/admin/"
    (new,) = operator.founded
    app = create_app(new).test_client()
    app.set_cookie("innerspace-north-example", _cookie(done, "innerspace-north-example"))
    assert b"ada" in app.get("/admin/").data
    with new.database.read() as connection:
        own = {one.ivoid for one in listing.every(connection, origin="own")}
        assert access.get_account(connection, "ada").role == access.ADMINISTRATOR
    assert own == {f"ivo://north.example{key}" for key in ("", "/registry", "/organisation", "/runner", "/tap")}
    assert access.check_password(new, "ada", PASSWORD, "127.0.0.1").administrator
    again = config.load(bare.settings.instance)
    assert (again.authority, again.admin_email) == ("north.example", "ops@north.example")
    assert again.base_url == "http://127.0.0.1:8101/"
    assert again.allowed_networks == ["127.0.0.0/8", "10.1.0.0/16"]
    assert keeping.answers(new) == {}


def _cookie(answer: Any, name: str) -> str:
    return next(text.split(";")[0].removeprefix(f"{name}=") for text in answer.headers.getlist("Set-Cookie")
                if text.startswith(f"{name}="))


def test_what_it_publishes_is_what_the_command_publishes(bare: Site, tmp_path: Path) -> None:
    answers = {**AUTHORITY, **ORGANISATION, "base_url": "http://127.0.0.1:8101/", "admin": "ada"}
    shown = [one.xml for one in acts.preview(bare, answers)]
    with_command = open_site(
        tmp_path / "other", authority="north.example", title=answers["title"], base_url="http://127.0.0.1:8101/")
    upgrade(with_command.database)
    made = founding.found(with_command, acts.wish(answers), "test")
    registering.register(with_command, "test")
    with with_command.database.read() as connection:
        published = {one.ivoid: one.xml.decode() for one in listing.every(connection, origin="own")}
    with_command.close()
    names = [*(one.ivoid for one in made), "ivo://north.example/tap"]
    assert [_timeless(xml) for xml in shown] == [_timeless(published[name]) for name in names] and len(published) == 5


def _timeless(xml: str) -> str:
    return re.sub(r'(created|updated)="[^"]*"', "", xml.partition("?>")[2] if xml.startswith("<?") else xml).strip()


@pytest.mark.parametrize("path", ["/setup", "/setup/administrator", "/setup/review", "/setup/authority/check?authority=x"])
def test_without_the_link_nothing_is_shown(bare: Site, operator: Operator, path: str) -> None:
    keeping.new_link(bare)
    assert operator.get(path).status_code == 403
    operator.client.set_cookie("innerspace-setup", "guessed")
    assert operator.get(path).status_code == 403


def test_the_link_is_good_once_and_not_used_up_by_a_look_ahead(bare: Site, operator: Operator) -> None:
    link = keeping.new_link(bare)
    assert operator.opens("wrong").status_code == 403
    assert operator.client.head(f"/setup/link/{link}").status_code == 204
    assert operator.client.get(f"/setup/link/{link}", headers={"Sec-Purpose": "prefetch"}).status_code == 204
    assert operator.opens(link).status_code == 303
    assert operator.opens(link).status_code == 303  # the same browser once more
    stranger = operator.application.app.test_client()
    assert stranger.get(f"/setup/link/{link}").status_code == 403
    newer = keeping.new_link(bare)
    assert stranger.get(f"/setup/link/{newer}").status_code == 303
    assert operator.get("/setup").status_code == 403  # a newer link ends the older browser's turn


def test_the_link_is_kept_as_a_hash_and_ends_after_an_hour(
    bare: Site, operator: Operator, monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = keeping.new_link(bare)
    assert link.encode() not in (bare.settings.instance / "registry.sqlite").read_bytes()
    later = keeping.clock.stamp(keeping.clock.later(keeping.LINK_SECONDS + 1))
    monkeypatch.setattr(keeping.clock, "stamp", lambda moment=None: later)
    assert operator.opens(link).status_code == 403


def test_one_of_two_browsers_that_open_it_at_once_is_let_in(bare: Site) -> None:
    link, found = keeping.new_link(bare), list[str]()
    threads = [threading.Thread(target=lambda: found.append(keeping.redeem(bare, link))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in found if one]) == 1


def test_it_goes_on_where_it_was_left_and_back(bare: Site, operator: Operator) -> None:
    operator.opens(keeping.new_link(bare))
    operator.post("/setup/administrator", **ADMINISTRATOR)
    another = Operator(bare)
    another.opens(keeping.new_link(bare))
    assert another.get("/setup").location == "/setup/authority"
    assert another.get("/setup/review").location == "/setup/authority"
    back = another.get("/setup/administrator").get_data(as_text=True)
    assert 'value="ada"' in back and PASSWORD not in back
    assert another.post("/setup/administrator", admin="ada").location == "/setup/authority"


@pytest.mark.parametrize(("path", "fields", "says"), [
    ("administrator", {**ADMINISTRATOR, "admin": "a b"}, "letters, digits"),
    ("administrator", {"admin": "ada", "password": "short", "again": "short"}, "At least 10"),
    ("administrator", {**ADMINISTRATOR, "again": "something else"}, "not the same"),
    ("administrator", {"admin": ""}, "Give a name"),
    ("authority", {"authority": "ivo://north.example", "title": "N"}, "Leave out ivo://"),
    ("authority", {"authority": "north.example/x", "title": "N"}, "no slash"),
    ("authority", {"authority": "a", "title": "N"}, "three characters"),
    ("authority", {"authority": "ivoa.net", "title": "N"}, "published standards"),
    ("authority", {"authority": "<script>alert(1)</script>", "title": "\"><b>"}, "slash"),
    ("organisation", {"organisation": "", "email": "x"}, "Give a name"),
    ("organisation", {"organisation": "N", "email": "nobody"}, "Give one address"),
    ("organisation", {"organisation": "N", "email": "a@b", "reference_url": "javascript:alert(1)"}, "http://"),
])
def test_a_wrong_answer_is_told_beside_its_field(
    bare: Site, operator: Operator, path: str, fields: dict[str, str], says: str,
) -> None:
    operator.opens(keeping.new_link(bare))
    answer = operator.post(f"/setup/{path}", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and says in unescape(page) and "invalid-feedback" in page and "<script>alert" not in page
    assert keeping.answers(bare) == {}


def test_a_form_without_its_token_is_refused(bare: Site, operator: Operator) -> None:
    operator.opens(keeping.new_link(bare))
    for path in ("administrator", "authority", "organisation", "review"):
        for data in ({}, {"csrf_token": "0" * 64}):
            assert operator.client.post(f"/setup/{path}", data={**ADMINISTRATOR, **data}).status_code == 400
    assert keeping.answers(bare) == {}


def test_a_setting_that_says_otherwise_is_told_before_anything_is_published(bare: Site, operator: Operator) -> None:
    (bare.settings.instance / "config.toml").write_text('title = "South"\n')
    operator.opens(keeping.new_link(bare))
    operator.answers_all()
    answer = operator.post("/setup/review", base_url="http://127.0.0.1:8101/", do="publish")
    assert answer.status_code == 409 and 'title = "South"' in unescape(answer.get_data(as_text=True))
    assert operator.founded == []
    with bare.database.read() as connection:
        assert listing.every(connection, origin="own") == [] or not list(listing.every(connection, origin="own"))


@pytest.mark.parametrize(("field", "value", "says"), [
    ("base_url", "north.example", "http://"), ("base_url", "http://north.example/?a=b", "Without ?"),
    ("base_url", "", "Give the address"),
    ("networks", "everything", "is no network"),
])
def test_the_review_tells_what_cannot_be(bare: Site, operator: Operator, field: str, value: str, says: str) -> None:
    operator.opens(keeping.new_link(bare))
    operator.answers_all()
    answer = operator.post("/setup/review", **{"base_url": "http://127.0.0.1:1/", field: value, "do": "publish"})
    assert answer.status_code == 400 and says in unescape(answer.get_data(as_text=True)) and operator.founded == []


def test_the_address_is_looked_at_from_here(bare: Site) -> None:
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    with serving(create_setup_app(bare, lambda new: None).app, bound):
        assert acts.judge_address(bare, url).good
        assert acts.judge_address(bare, url + "below/a/path").good
    assert not acts.judge_address(bare, url).good
    assert not acts.judge_address(bare, "http://127.0.0.1:1/").good


def test_everything_else_says_that_nothing_is_founded(operator: Operator) -> None:
    assert b"set-up link" in operator.get("/").data
    for path in ("/oai?verb=Identify", "/jobs", "/api/records", "/admin/", "/readyz"):
        assert operator.client.get(path).status_code == 503, path
    assert operator.client.get("/healthz").status_code == 200
    assert "frame-ancestors 'none'" in operator.get("/").headers["Content-Security-Policy"]


def test_what_the_command_founds_meanwhile_is_taken_up(bare: Site, operator: Operator) -> None:
    (bare.settings.instance / "config.toml").write_text('authority = "north.example"\n')
    operator.application({"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "SERVER_NAME": "x", "SERVER_PORT": "80",
                          "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": None, "wsgi.errors": None,
                          "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.version": (1, 0)},
                         lambda status, headers: None)
    assert [one.settings.authority for one in operator.founded] == ["north.example"]
