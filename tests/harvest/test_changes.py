"""Hooks are told once when a source begins to fail, is held, or does well again; and never more than that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.harvest import changes, sources
from registry.harvest.sources import Source
from registry.site import Site, open_site
from tests.harvest.conftest import harvest
from tests.harvest.test_hostile import F, Far, item, listed


class Hook:
    """An address that is told, and answers with `status`."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/hook")
        self.told: list[dict[str, Any]] = []
        self.status = 204
        server.expect_request("/hook", method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        assert request.content_type == "application/json"
        self.told.append(json.loads(request.data))
        return Response(status=self.status)


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture()
def hook(httpserver: HTTPServer) -> Hook:
    return Hook(httpserver)


def opened(site: Site, *hooks: str, **settings: Any) -> Site:
    return open_site(site.settings.instance, **{
        "authority": "north.example", "allowed_networks": ["127.0.0.0/8"], "base_url": "http://127.0.0.1:8101/",
        "webhooks": list(hooks), **settings})


@pytest.fixture()
def told(site: Site, hook: Hook) -> Iterator[Site]:
    made = opened(site, hook.url)
    yield made
    made.close()


@pytest.fixture()
def source(told: Site, far: Far) -> Source:
    return sources.add(told, far.url, owner="ann")


def run(site: Site, source: Source, *, full: bool = False) -> None:
    harvest(site, source, full=full)
    changes.tell(site)


def test_each_change_is_told_once(told: Site, far: Far, hook: Hook, source: Source) -> None:
    good = far.answers[""]
    run(told, source)
    run(told, source)
    assert hook.told == [], "that all is well is no news"
    for _ in range(3):
        far.answers[""] = Response("", 500)
        run(told, source)
    far.answers[""] = good
    for _ in range(2):
        run(told, source)
    assert [(one["was"], one["state"]) for one in hook.told] == [("ok", "failing"), ("failing", "ok")]
    first = hook.told[0]
    assert (first["source"], first["registry"], first["owner"]) == ("far.example", F + "registry", "ann")
    assert "status 500" in first["message"] and first["datacenter"] == "ivo://north.example"
    assert first["page"] == "http://127.0.0.1:8101/admin/runs/3"
    assert len({one["id"] for one in hook.told}) == 2


def test_a_first_harvest_that_fails_is_told(told: Site, far: Far, hook: Hook, source: Source) -> None:
    far.answers[""] = Response("", 500)
    run(told, source)
    assert [(one["was"], one["state"]) for one in hook.told] == [("new", "failing")]


def test_one_that_is_held_is_told(told: Site, far: Far, hook: Hook, source: Source) -> None:
    far.answers[""] = listed(item(F + "a"), item(F + "b"))
    run(told, source)
    far.answers[""] = listed(item(F + "a"))
    run(told, source, full=True)
    assert [one["state"] for one in hook.told] == ["held"]
    assert "1 of its 2 records" in hook.told[0]["message"]


def test_a_hook_that_fails_is_tried_again_with_the_same_id_and_not_for_ever(
    told: Site, far: Far, hook: Hook, source: Source,
) -> None:
    hook.status = 500
    far.answers[""] = Response("", 500)
    run(told, source)
    assert changes.tell(told) == 0
    hook.status = 200
    assert changes.tell(told) == 1
    assert changes.tell(told) == 0
    assert len(hook.told) == 3 and len({one["id"] for one in hook.told}) == 1
    hook.status = 500
    far.answers[""] = listed(item(F + "a"))
    run(told, source)
    for _ in range(10):
        changes.tell(told)
    assert len(hook.told) == 3 + changes.TRIES


def test_nobody_to_tell(site: Site, far: Far) -> None:
    source = sources.add(site, far.url)
    far.answers[""] = Response("", 500)
    run(site, source)
    assert changes.tell(site) == 0
    with site.database.read() as connection:
        assert sources.get(connection, source.id).health == "failing"


def test_hooks_are_reached_by_the_guarded_way_out_alone(site: Site, far: Far, hook: Hook) -> None:
    source = sources.add(site, far.url)
    shut = opened(site, hook.url, allowed_networks=[])
    try:
        far.answers[""] = Response("", 500)
        with shut.database.read() as connection:
            assert sources.get(connection, source.id)
        harvest(shut, source)  # cannot reach the source either, which is a change
        changes.tell(shut)
    finally:
        shut.close()
    assert hook.told == []
