"""An OAI-PMH client that always comes to an end: it asks one server, page by page, and stores nothing.

What a server may do wrong (torn pages, tokens that repeat, a Retry-After of a day) ends in one sentence and not
in a loop. Every request goes by `registry.fetch`, so its address policy, time limits and size caps hold here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from registry.errors import Refusal
from registry.fetch import AddressRefused, FetchError, Reply
from vosi.oaipage import OaiPage, read_page
from vosi.oaisalvage import salvage
from vosi.xmlio import XmlRefused

TRIES = 4
LONGEST_PAUSE = 60.0  # seconds; a server that asks for more is left until then, and others are harvested meanwhile
EMPTY_PAGES = 20  # so many pages without a record in a row are a server that leads us on
MOST_PAGES = 10_000  # of one list


class HarvestError(Refusal):
    """The harvest cannot go on; the message is one sentence."""


class Interrupted(HarvestError):
    """The server cannot be read just now: its list goes on later from where it stopped.

    `retry_after`: seconds it asks us to stay away, none where it says nothing.
    """

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TokenRefused(HarvestError):
    """The server does not know its resumption token any more (badResumptionToken)."""


class ArgumentRefused(HarvestError):
    """The server refuses what it was asked with (badArgument)."""


@dataclass(frozen=True)
class Query:
    """What is asked of ListRecords; `from_` in the server's own granularity, none for everything."""

    prefix: str = "ivo_vor"
    set_spec: str = ""
    from_: str | None = None

    def arguments(self) -> dict[str, str]:
        """The arguments of the first request (OAI-PMH 2.0 §4.5)."""
        chosen = {"verb": "ListRecords", "metadataPrefix": self.prefix, "set": self.set_spec, "from": self.from_ or ""}
        return {name: value for name, value in chosen.items() if value}


class Way(Protocol):
    """A way to fetch a document; raises FetchError."""

    def get(self, url: str) -> Reply:
        """The document at `url`."""


class Client:
    """One OAI-PMH server; `pause` waits between tries and may raise to give up.

    After `patience` seconds nothing is tried again: what is slow for so long is slow the next time.
    """

    def __init__(
        self, fetcher: Way, base_url: str, *, pause: Callable[[float], None] = time.sleep, patience: float = 300,
    ) -> None:
        self._fetcher = fetcher
        self._base_url = base_url
        self._pause = pause
        self._patience = patience

    def identify(self) -> OaiPage:
        """Who answers there (OAI-PMH 2.0 §4.2). Raises HarvestError."""
        return self._checked({"verb": "Identify"})

    def formats(self) -> tuple[str, ...]:
        """The metadata prefixes it offers (§4.4). Raises HarvestError."""
        return self._checked({"verb": "ListMetadataFormats"}).formats

    def sets(self) -> tuple[str, ...]:
        """The sets it has (§4.6), the first few hundred of them. Raises HarvestError."""
        page = self._checked({"verb": "ListSets"})
        found = list(page.sets)
        for _ in range(10):
            if not page.token:
                break
            page = self._checked({"verb": "ListSets", "resumptionToken": page.token})
            found += page.sets
        return tuple(dict.fromkeys(found))

    def pages(self, query: Query, token: str = "") -> Iterator[OaiPage]:
        """Every page of the list, from `token` on where one is given.

        Raises Interrupted, TokenRefused, ArgumentRefused, HarvestError. A list without records is one page without items.
        """
        seen = {token}
        before: OaiPage | None = None
        empty = 0
        for _ in range(MOST_PAGES):
            page = self._page({"verb": "ListRecords", "resumptionToken": token} if token else query.arguments())
            if before and page.items and page.items == before.items:
                raise HarvestError(f"{self._base_url} sent the same page twice in a row: its list would never end.")
            empty = 0 if page.items else empty + 1
            yield page
            token, before = page.token or "", page
            if not token:
                return
            if token in seen:
                raise HarvestError(f"{self._base_url} gave the same resumption token twice: its list would never end.")
            if empty >= EMPTY_PAGES:
                raise HarvestError(f"{self._base_url} sent {empty} pages without a record in a row: the run is ended.")
            seen.add(token)
        raise HarvestError(f"{self._base_url} had not ended its list after {MOST_PAGES} pages: the run is ended.")

    def _page(self, arguments: Mapping[str, str]) -> OaiPage:
        page = self._ask(arguments)
        if page.error_code == "badResumptionToken":
            raise TokenRefused(f"{self._base_url} does not know its resumption token any more.")
        if page.error_code == "badArgument":
            raise ArgumentRefused(_says(self._base_url, page))
        if page.error_code and page.error_code != "noRecordsMatch":
            raise HarvestError(_says(self._base_url, page))
        return page

    def _checked(self, arguments: Mapping[str, str]) -> OaiPage:
        page = self._ask(arguments)
        if page.error_code:
            raise HarvestError(_says(self._base_url, page))
        if page.verb != arguments["verb"]:
            raise HarvestError(f"{self._base_url} does not answer {arguments['verb']}: it is no OAI-PMH address.")
        return page

    def _ask(self, arguments: Mapping[str, str]) -> OaiPage:
        joint = "&" if "?" in self._base_url else "?"
        url = self._base_url + joint + urlencode(arguments)
        began, broken = time.monotonic(), b""
        for tried in range(1, TRIES + 1):
            try:
                reply = self._fetcher.get(url)
                if reply.status == 200:
                    broken = reply.body  # whole, it may be: what befalls it later takes nothing from that
                    return read_page(reply.body)
                failure = f"{self._base_url} answers with status {reply.status}."
                wait = _asked_to_wait(reply, self._base_url)
            except AddressRefused as error:
                raise HarvestError(str(error)) from None
            except FetchError as error:
                failure, wait = str(error), None
            except XmlRefused as error:
                failure, wait = f"{self._base_url} does not answer as OAI-PMH servers do. {error}", None
            if time.monotonic() - began > self._patience:
                break
            if tried < TRIES:
                self._pause(0.1 * 2**tried if wait is None else wait)
        try:
            return salvage(broken)  # one bad record must not end every harvest of its list for ever
        except XmlRefused:
            raise Interrupted(f"{failure} It was asked {tried} times.") from None


def _asked_to_wait(reply: Reply, base_url: str) -> float | None:
    """Seconds a busy server asks for. Raises Interrupted for too long a pause, HarvestError for a status that stays."""
    if reply.status not in (429, 500, 502, 503, 504):
        raise HarvestError(f"{base_url} answers with status {reply.status}: check the address.")
    text = reply.headers.get("retry-after", "").strip()
    if not text.isascii() or not text.isdigit():
        return None
    seconds = int(text[:9])
    if seconds > LONGEST_PAUSE:
        raise Interrupted(f"{base_url} asks us to stay away for {seconds} s: the harvest goes on after that.", seconds)
    return float(seconds)


def _says(base_url: str, page: OaiPage) -> str:
    return f"{base_url} answers {page.error_code}: {' '.join(page.error_message.split())[:300] or 'no reason given'}."
