"""Operators get one mail when a service goes down or comes back, also when their mail server was away meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from registry.services.health import hooks, polling, store
from registry.site import Site
from tests.mailbox import Mailbox, open_mailbox
from tests.services.conftest import capability, publish_service

STARS = "ivo://north.example/stars"


class Stars:
    """A service that answers with `status`, at a site that looks at nothing else and mails to `ann` and `bob`."""

    def __init__(self, founded: Site, http: HTTPServer, box: str) -> None:
        self.status = 200
        http.expect_request("/scs").respond_with_handler(lambda _: Response("", status=self.status))
        publish_service(founded, "stars", capability(http.url_for("/scs")))
        self.site = replace(founded, settings=founded.settings.model_copy(update={
            "health_grace": 1, "fetch_timeout": 1, "fetch_deadline": 2, "mail_host": box,
            "mail_to": ["ann@north.example", "bob@north.example"]}))

    def look(self, status: int) -> None:
        self.status = status
        with self.site.database.write() as connection:
            connection.exec_driver_sql("UPDATE health SET due = ''")
        polling.turn(self.site)

    def untold(self) -> list[str]:
        with self.site.database.read() as connection:
            return [one.state for one in store.untold(connection) if one.ivoid == STARS]


def about_stars(box: Mailbox) -> list[str]:
    return [one for one in box.subjects() if STARS in one]


def test_one_mail_for_each_change(founded: Site, httpserver: HTTPServer) -> None:
    with open_mailbox() as box:
        stars = Stars(founded, httpserver, box.address)
        for status in (200, 503, 503, 503, 200, 200):
            stars.look(status)
        assert about_stars(box) == [f"North: {STARS} is down, was up", f"North: {STARS} is up, was down"]
    mail = next(one for one in box.mails if STARS in one["Subject"])
    assert (mail["From"], mail["To"]) == ("ops@north.example", "ann@north.example, bob@north.example")
    text = mail.get_content()
    assert "503" in text and "http://127.0.0.1:8101/services/north.example/stars" in text
    assert mail.get_content_type() == "text/plain" and len({one["Message-ID"] for one in box.mails}) == len(box.mails)


def test_a_mail_server_that_is_away_hears_later_and_breaks_nothing(
    founded: Site, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hooks, "AGAIN", 0.0)
    monkeypatch.setattr(hooks, "TRIES", 10**6)
    with open_mailbox() as box:
        port = box.server_address[1]
    stars = Stars(founded, httpserver, box.address)
    stars.look(200)
    stars.look(503)
    assert stars.untold() == ["down"]
    with open_mailbox(port) as box:
        stars.look(503)
        stars.look(503)
        assert about_stars(box) == [f"North: {STARS} is down, was up"]
    assert stars.untold() == []
