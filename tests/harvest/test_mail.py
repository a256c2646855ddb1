"""Operators get one mail when a source begins to fail or does well again; its name cannot write their mail's headers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from registry.harvest import changes, sources
from registry.harvest.sources import Source
from registry.site import Site
from tests.harvest.test_changes import Hook, opened, run
from tests.harvest.test_hostile import Far
from tests.mailbox import Mailbox, open_mailbox


@pytest.fixture()
def far(httpserver: HTTPServer) -> Far:
    return Far(httpserver)


@pytest.fixture()
def hook(httpserver: HTTPServer) -> Hook:
    return Hook(httpserver)


@pytest.fixture()
def box() -> Iterator[Mailbox]:
    with open_mailbox() as made:
        yield made


@pytest.fixture()
def told(site: Site, hook: Hook, box: Mailbox) -> Iterator[Site]:
    made = opened(site, hook.url, mail_host=box.address, mail_from="us@north.example", mail_to=["ann@north.example"])
    yield made
    made.close()


@pytest.fixture()
def source(told: Site, far: Far) -> Source:
    return sources.add(told, far.url, owner="ann")


def test_one_mail_for_each_change(told: Site, far: Far, box: Mailbox, source: Source) -> None:
    good = far.answers[""]
    run(told, source)
    assert box.mails == [], "that all is well is no news"
    for _ in range(3):
        far.answers[""] = Response("", 500)
        run(told, source)
    far.answers[""] = good
    run(told, source)
    assert [one.partition(": ")[2] for one in box.subjects()] == [
        "source far.example is failing, was ok", "source far.example is ok, was failing"]
    assert "status 500" in box.mails[0].get_content() and box.mails[0]["From"] == "us@north.example"


@pytest.mark.parametrize("late", ["hook", "mail"])
def test_who_was_away_hears_later_and_the_other_hears_nothing_twice(
    told: Site, far: Far, hook: Hook, box: Mailbox, source: Source, late: str,
) -> None:
    hook.status = 500 if late == "hook" else 200
    box.refused = {"FROM:"} if late == "mail" else set()
    far.answers[""] = Response("", 500)
    run(told, source)
    assert changes.tell(told) == 0
    hook.status, box.refused = 200, set()
    assert changes.tell(told) == 1
    assert changes.tell(told) == 0
    assert len(box.mails) == 1 and len(hook.told) == (3 if late == "hook" else 1)


@pytest.mark.parametrize("name", [
    "a\r\nBcc: eve@evil.example", "a\n\nBcc: eve@evil.example", "a\x0bBcc: eve@evil.example\x85",
    "=?utf-8?q?a=0D=0ABcc:_eve=40evil.example?=", "\u2028Bcc: eve@evil.example\0",
])
def test_a_name_injects_no_header(told: Site, far: Far, box: Mailbox, name: str) -> None:
    source = sources.add(told, far.url, name=name)
    far.answers[""] = Response("", 500)
    run(told, source)
    assert len(box.mails) == 1 and box.mails[0]["Bcc"] is None
    assert sum(line.startswith("rcpt TO") for line in box.lines) == 1
    assert "eve" in box.subjects()[0] and set(box.mails[0].keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version"}
