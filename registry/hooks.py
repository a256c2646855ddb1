"""Tells people and programs outside of a change: a POST of JSON to each webhook, and one plain-text mail.

It is the only door for mail (decision 0002). It does not know what changed, and it tries once: who calls keeps what
has been told, and tells the rest again.
"""

from __future__ import annotations

import json
import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import localtime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from registry.config import Settings
from registry.errors import Refusal
from registry.site import Site

MAIL = "mail"  # what stands for all of mail_to among those who have heard
_LONGEST = 200  # characters of a subject
_log = logging.getLogger(__name__)


def anyone(settings: Settings) -> bool:
    """Whether there is anybody to be told."""
    return bool(settings.webhooks or settings.mail_to)


def tell(site: Site, change: dict[str, Any], subject: str, heard: list[str]) -> str:
    """Tell of one change those who have not `heard` of it, and add them there; '' when everybody knows now.

    Else a sentence for each that could not be told. `change` is what a webhook is sent: flat, with `id`, `message` and
    `page`. Waits no longer than the site's settings let an outbound request be silent. Never raises for what others do.
    """
    faults = []
    for url in site.settings.webhooks:
        if url not in heard:
            faults.append(_posted(site, url, change))
            if not faults[-1]:
                heard.append(url)
    if site.settings.mail_to and MAIL not in heard:
        faults.append(_mailed(site.settings, letter(site.settings, change, subject)))
        if not faults[-1]:
            heard.append(MAIL)
    for fault in filter(None, faults):
        _log.warning("%s", fault)
    return " ".join(filter(None, faults))


def letter(settings: Settings, change: dict[str, Any], subject: str) -> EmailMessage:
    """The mail that tells of `change`. Whatever stands in it, no header comes of it."""
    made = EmailMessage()
    made["Subject"] = _header(f"{settings.title}: {subject}")[:_LONGEST]
    made["From"] = _header(settings.mail_from or settings.admin_email)
    made["To"] = ", ".join(settings.mail_to)
    made["Date"] = localtime()
    # the same when it is sent again, so that a mailbox may know what it has already
    made["Message-ID"] = f"<change-{change['id']}@{settings.authority or 'innerspace'}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice is to answer
    rest = [f"{name}: {_line(value)}" for name, value in change.items() if name not in ("message", "page")]
    said = [_line(subject) + ".", _line(change["message"]), _line(change["page"]), "\n".join(rest)]
    # not 8bit: not every server takes that
    made.set_content("\n\n".join(filter(None, said)) + "\n", cte="quoted-printable")
    return made


def _header(text: str) -> str:
    # EmailMessage reads encoded words in what it is given, and a line end that is written in one becomes real
    return _line(text).replace("=?", "= ?")


def _line(value: object) -> str:
    return "".join(letter for letter in " ".join(str(value).split()) if letter.isprintable())


def _posted(site: Site, url: str, change: dict[str, Any]) -> str:
    body = json.dumps(change, ensure_ascii=False).encode()
    try:
        with site.fetcher.stream("POST", url, headers={"Content-Type": "application/json"}, body=body) as answer:
            if 200 <= answer.status < 300:
                return ""
            return f"The webhook {url} answers with status {answer.status}."
    except Refusal as error:
        return f"A webhook is not told: {error}"


def _mailed(settings: Settings, made: EmailMessage) -> str:
    host, _, port = settings.mail_host.rpartition(":")
    try:
        with smtplib.SMTP(host.strip("[]"), int(port), _our_name(settings), timeout=settings.fetch_timeout) as server:
            if settings.mail_tls:
                server.starttls(context=ssl.create_default_context())
            refused = server.send_message(made)
    except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: addresses that cannot be written
        return f"No mail is sent by {settings.mail_host}: {_line(error)}"
    if refused:  # the others have it; to send again would tell them twice
        _log.warning("%s takes no mail for %s", settings.mail_host, ", ".join(refused))
    return ""


def _our_name(settings: Settings) -> str:
    """What we call ourselves to a mail server (RFC 5321 4.1.3); without it smtplib would ask the resolver."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    try:
        return f"[{'IPv6:' if ip_address(host).version == 6 else ''}{host}]"
    except ValueError:
        return host
