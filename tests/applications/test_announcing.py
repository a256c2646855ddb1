"""Hooks and mailboxes are told once of images that begin to wait for a person, and again only where they did not hear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.applications import announcing, approving, seen, watching
from registry.applications.seen import Seen
from registry.site import Site
from tests.applications.conftest import Opener, Pusher
from tests.mailbox import open_mailbox

HERE = ["127.0.0.0/8"]


class Hook:
    """An address that is told, and answers with `status`."""

    def __init__(self, server: HTTPServer, path: str = "/hook") -> None:
        self.url, self.status = server.url_for(path), 204
        self.told: list[dict[str, Any]] = []
        server.expect_request(path, method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.told.append(json.loads(request.data))
        return Response(status=self.status)


@pytest.fixture()
def hook(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Hook:
    monkeypatch.setattr(announcing, "AGAIN", 0.0)
    return Hook(httpserver)


def waiting(site: Site, *names: str) -> None:
    drafts = [Seen(f"127.0.0.1:5000/{name}@sha256:{number:064d}", "127.0.0.1:5000", "1", seen.DRAFT,
                   ivoid=f"ivo://north.example/app/{name}", version="1", seen="2026-01-01T00:00:00Z", who="watch")
              for number, name in enumerate(names)]
    with site.database.write() as connection:
        seen.put(connection, drafts)
        announcing.note(connection, site, drafts)


def test_what_a_look_finds_is_told_once(opened: Opener, pusher: Pusher, hook: Hook) -> None:
    site = opened("north", repository=pusher.address, allowed_networks=HERE, webhooks=[hook.url])
    pusher.application("news/one", "1.0", title="One")
    pusher.application("news/two", "2.0", title="Two")
    pusher.push("news/plain", "1", {"maintainer": "x"})
    watching.begin(site, pusher.address, ["news/one", "news/two", "news/plain"], who="ann")
    assert watching.turn(site) == 1 and watching.turn(site) == 0
    assert len(hook.told) == 1
    [told] = hook.told
    assert told["waiting"] == 2 and sorted(told["images"]) == ["ivo://north.example/app/one#1.0", "ivo://north.example/app/two#2.0"]
    assert told["message"].startswith("2 new images wait for a person to approve or reject: ")
    assert told["page"] == site.settings.url("admin/applications/images?state=draft") and told["id"].startswith("drafts-")
    watching.look(site, pusher.address)
    pusher.application("news/one", "1.1", title="One, corrected")
    watching.look(site, pusher.address)
    announcing.tell(site)
    assert [one["images"] for one in hook.told[1:]] == [["ivo://north.example/app/one#1.1"]]
    assert len({one["id"] for one in hook.told}) == 2


def test_an_image_that_waits_for_a_second_person_is_told_too(opened: Opener, pusher: Pusher, hook: Hook) -> None:
    site = opened("north", repository=pusher.address, allowed_networks=HERE, webhooks=[hook.url], two_person_rule=True)
    pusher.application("second", "1.0", title="Second")
    for _ in range(2):
        approving.submit(site, f"{pusher.address}/second:1.0", who="ann")
        announcing.tell(site)
    assert [one["images"] for one in hook.told] == [["ivo://north.example/app/second#1.0"]]


def test_who_did_not_hear_is_told_again_and_who_did_is_not(opened: Opener, httpserver: HTTPServer, hook: Hook) -> None:
    late = Hook(httpserver, "/late")
    late.status = 500
    site = opened("north", allowed_networks=HERE, webhooks=[hook.url, late.url])
    waiting(site, *(f"app{number}" for number in range(announcing.SHOWN + 5)))
    for _ in range(announcing.TRIES + 3):
        announcing.tell(site)
    assert len(hook.told) == 1 and len(late.told) == announcing.TRIES
    assert len({one["id"] for one in late.told}) == 1
    assert len(hook.told[0]["images"]) == announcing.SHOWN and hook.told[0]["message"].endswith("and 5 more.")
    waiting(site, "another")
    late.status = 204
    assert announcing.tell(site) == 1 and announcing.tell(site) == 0
    assert hook.told[1]["message"] == (
        "A new image waits for a person to approve or reject: ivo://north.example/app/another#1.")


def test_a_pause_keeps_a_hook_that_is_away_from_being_asked_by_every_turn(
    opened: Opener, hook: Hook, monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = opened("north", allowed_networks=HERE, webhooks=[hook.url])
    monkeypatch.setattr(announcing, "AGAIN", 60.0)
    hook.status = 503
    waiting(site, "stars")
    for _ in range(5):
        announcing.tell(site)
    assert len(hook.told) == 1


def test_one_mail_for_all_that_came_and_nothing_where_nobody_is_to_be_told(opened: Opener) -> None:
    with open_mailbox() as box:
        site = opened("north", mail_host=box.address, mail_to=["ann@north.example"])
        waiting(site, "stars", "galaxies")
        waiting(site, "quasars")
        assert announcing.tell(site) == 1
        assert box.subjects() == ["North: 3 new images wait for approval"]
        assert "app/quasars#1" in box.mails[0].get_content()
    silent = opened("south")
    waiting(silent, "stars")
    assert announcing.tell(silent) == 0
