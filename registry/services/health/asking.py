"""One look at one address: its own availability document where it has one, else a HEAD; never raises.

A look is short: a service that takes longer than a few seconds to say that it is well is not.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from registry.config import Settings
from registry.errors import Refusal
from registry.fetch import Fetcher, Reply
from registry.services import credentials
from registry.services.health.rules import Look, Row
from registry.services.health.store import AVAILABILITY, said
from registry.site import Site
from vosi import availability
from vosi.xmlio import XmlRefused

SILENT = 10  # seconds a service may stay silent
WHOLE = 15  # seconds that its whole answer may take
LARGEST = 1_000_000  # bytes of a document that says true or false
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)


@dataclass(frozen=True)
class Asker:
    """Looks, on behalf of one site; its threads share it."""

    site: Site
    fetcher: Fetcher

    def look(self, row: Row) -> Look:
        """What is to be seen at the address of `row` now."""
        began = time.monotonic()
        try:
            header = credentials.get(self.site, row.ivoid)
            if row.asked == AVAILABILITY:
                reply = self.fetcher.get(row.url, headers={"Accept": "text/xml, */*;q=0.5", **header}, limit=LARGEST)
                return _document(row, reply, _since(began))
            reply = self.fetcher.head(row.url, headers=header)
            return _answer(row, reply, _since(began))
        except Refusal as error:
            return Look(False, None, str(error))


def asker(site: Site) -> Asker:
    """An asker with time limits of its own."""
    return Asker(site, Fetcher(quick(site.settings)))


def quick(settings: Settings) -> Settings:
    """The settings for a fetcher that only looks."""
    return settings.model_copy(update={
        "fetch_timeout": min(settings.fetch_timeout, SILENT), "fetch_deadline": min(settings.fetch_deadline, WHOLE)})


def _document(row: Row, reply: Reply, millis: int) -> Look:
    elsewhere = _elsewhere(row.url, reply.url)
    if elsewhere:
        return Look(False, millis, f"Its availability document sends on to {elsewhere}: what is said there is not its own.")
    if reply.status != 200:
        return Look(False, millis, f"Its availability document answers with status {reply.status}.")
    if _HTML.match(reply.body):
        return Look(False, millis, "Its availability document is an HTML page.")
    try:
        says = availability.read(reply.body)
    except XmlRefused as error:
        return Look(False, millis, f"Its availability document cannot be read: {error}")
    words = " ".join(says.notes) or ("" if says.available else "It says that it is not available, and not why.")
    return Look(says.available, millis, words[:2000], said(says), definite=True)


def _answer(row: Row, reply: Reply, millis: int) -> Look:
    elsewhere = _elsewhere(row.url, reply.url)
    if elsewhere:
        return Look(False, millis, f"Its address sends on to {elsewhere}: correct the address in its record.")
    words = f"It has no availability document; its address answers with status {reply.status}."
    return Look(reply.status < 500, millis, words)


def _elsewhere(asked: str, answered: str) -> str:
    """The host that answered where it is another one than was asked; '' for the same."""
    one, other = urlsplit(asked), urlsplit(answered)
    return "" if one.hostname == other.hostname else other.netloc


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
