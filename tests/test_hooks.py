"""What a mail of a change may look like, which settings make one, and what a server that refuses does to the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from registry import config, hooks
from registry.config import ConfigError
from registry.site import Site
from tests.mailbox import open_mailbox

CHANGE: dict[str, Any] = {"id": 7, "state": "down", "message": "Nobody listens at é.", "page": "http://north.example/p"}


def mailing(site: Site, host: str, **more: Any) -> Site:
    return replace(site, settings=site.settings.model_copy(update={
        "mail_host": host, "mail_to": ["ann@north.example"], "fetch_timeout": 5, **more}))


def test_a_title_with_line_breaks_injects_no_header(site: Site) -> None:
    with open_mailbox() as box:
        title = "Nörth\r\nBcc: eve@evil.example\r\n\r\n=?utf-8?q?x=0ABcc:_eve=40evil.example?="
        assert hooks.tell(mailing(site, box.address, title=title), CHANGE, "it is\ndown", heard := []) == ""
    mail, = box.mails
    assert heard == [hooks.MAIL] and mail["Bcc"] is None and mail["Subject"].startswith("Nörth Bcc: eve")
    assert mail.get_content().split("\r\n\r\n")[:3] == ["it is down.", "Nobody listens at é.", "http://north.example/p"]


def test_where_tls_is_wanted_nothing_is_sent_without(site: Site) -> None:
    with open_mailbox() as box:
        fault = hooks.tell(mailing(site, box.address, mail_tls=True), CHANGE, "down", heard := [])
    assert "STARTTLS" in fault and box.address in fault and heard == [] and box.mails == []
    assert not any("MAIL" in line.upper() for line in box.lines)


def test_one_address_that_is_refused_keeps_the_mail_from_nobody_else(site: Site) -> None:
    with open_mailbox() as box:
        box.refused = {"gone@"}
        both = mailing(site, box.address, mail_to=["gone@north.example", "ann@north.example"])
        assert hooks.tell(both, CHANGE, "down", []) == "" and len(box.mails) == 1
        gone = mailing(site, box.address, mail_to=["gone@north.example"])
        assert "nobody here" in hooks.tell(gone, CHANGE, "down", []) and len(box.mails) == 1


@pytest.mark.parametrize(("settings", "word"), [
    ({"mail_to": ["ann@north.example"]}, "mail_host"),
    ({"mail_to": ["ann@north.example"], "mail_host": "localhost:25"}, "admin_email"),
    ({"mail_to": ["a@b\nBcc: eve@evil.example"], "mail_host": "localhost:25", "mail_from": "us@a"}, "no mail address"),
    ({"mail_from": "us@a\r\nBcc: eve@evil.example"}, "no mail address"),
    ({"mail_to": [""], "mail_host": "a:25"}, "no mail address"),
    ({"mail_host": "localhost"}, "host:port"), ({"mail_host": "localhost:99999"}, "host:port"),
])
def test_settings_that_cannot_mail_are_refused_at_the_start(tmp_path: Path, settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        config.load(tmp_path, **settings)


def test_settings_that_mail(tmp_path: Path) -> None:
    made = config.load(tmp_path, mail_to=["ann@north.example"], mail_host="[::1]:25", admin_email="ops@north.example")
    assert hooks.anyone(made) and hooks.letter(made, CHANGE, "down")["From"] == "ops@north.example"
    assert not hooks.anyone(config.load(tmp_path))
