"""Reads one OAI-PMH response: its headers, the bytes of its records, its token or its error. It asks for none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from vosi import namespaces as ns
from vosi.xmlio import MAX_PAGE, Event, Scanner, XmlRefused, to_utf8

_LISTS = frozenset({"ListRecords", "ListIdentifiers", "GetRecord"})


@dataclass(frozen=True)
class OaiItem:
    """One record of a page: `record` holds its own bytes, or None (deleted, or headers only)."""

    identifier: str
    datestamp: str = ""
    sets: tuple[str, ...] = ()
    deleted: bool = False
    record: bytes | None = None


@dataclass(frozen=True)
class OaiPage:
    """One response. `token` is None where the page has no resumptionToken element, '' where that is empty."""

    response_date: str = ""
    verb: str = ""
    items: tuple[OaiItem, ...] = ()
    token: str | None = None
    list_size: int | None = None
    cursor: int | None = None
    error_code: str = ""
    error_message: str = ""
    formats: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    repository_name: str = ""
    base_url: str = ""
    granularity: str = ""
    earliest: str = ""
    deleted_record: str = ""
    descriptions: tuple[bytes, ...] = ()


def read_page(data: bytes, *, max_bytes: int = MAX_PAGE) -> OaiPage:
    """The page in `data`, all of it or none.

    Raises XmlRefused when it is not well-formed to its end, or no OAI-PMH response.
    """
    text = to_utf8(data, max_bytes=max_bytes)
    scanner = Scanner(text, _is_payload).run()
    reader = _Reader()
    for kind, path, body, attributes in scanner.events:
        if path and path[0] != (ns.OAI, "OAI-PMH"):
            raise XmlRefused(f"It is no OAI-PMH response: its root element is {path[0][1]}.")
        reader.take(kind, path, body, attributes)
    return reader.page


def deleted_among(events: Iterable[Event]) -> list[str]:
    """The identifiers of the records that an OAI-PMH page tells as deleted, from what `xmlio.scanned` found in it."""
    found, identifier = [], ""
    for _kind, path, body, attributes in events:
        if path[0] != (ns.OAI, "OAI-PMH") or len(path) < 3 or path[1][1] not in _LISTS:
            continue
        if path[-1] == (ns.OAI, "identifier"):
            identifier = str(body).strip()
        elif path[-1] == (ns.OAI, "header") and attributes.get("status") == "deleted":
            found.append(identifier)
    return found


def _is_payload(path: tuple[tuple[str, str], ...]) -> bool:
    return len(path) > 1 and path[-2] in ((ns.OAI, "metadata"), (ns.OAI, "description"))


_FIELDS = {
    ("Identify", "repositoryName"): "repository_name",
    ("Identify", "baseURL"): "base_url",
    ("Identify", "granularity"): "granularity",
    ("Identify", "earliestDatestamp"): "earliest",
    ("Identify", "deletedRecord"): "deleted_record",
}


class _Reader:
    """Gathers a page from the scanner's events, which come at the end of each element."""

    def __init__(self) -> None:
        self.page = OaiPage()
        self._item = OaiItem("")
        self._items: list[OaiItem] = []

    def take(self, kind, path, body, attributes) -> None:  # type: ignore[no-untyped-def]
        names = [name for _, name in path]
        if kind == "record":
            if names[-2] == "metadata":
                self._item = replace(self._item, record=body)
            else:
                self.page = replace(self.page, descriptions=(*self.page.descriptions, body))
            return
        verb = names[1] if len(names) > 1 else ""
        text = body.strip()
        if verb in _LISTS:
            self._take_list(names, text, attributes)
        elif len(names) == 2:
            self._take_top(names[1], text, attributes)
        elif tuple(names[1:]) in _FIELDS:
            self.page = replace(self.page, **{_FIELDS[verb, names[2]]: text})
        elif names[-1] == "metadataPrefix":
            self.page = replace(self.page, formats=(*self.page.formats, text))
        elif names[-1] == "setSpec":
            self.page = replace(self.page, sets=(*self.page.sets, text))
        if len(names) == 1:
            self.page = replace(self.page, items=tuple(self._items))
        if len(names) == 2 and verb not in ("responseDate", "request", "error"):
            self.page = replace(self.page, verb=verb)

    def _take_top(self, name: str, text: str, attributes) -> None:  # type: ignore[no-untyped-def]
        if name == "responseDate":
            self.page = replace(self.page, response_date=text)
        elif name == "error" and not self.page.error_code:
            self.page = replace(self.page, error_code=attributes.get("code", "unknown"), error_message=text)

    def _take_list(self, names: list[str], text: str, attributes) -> None:  # type: ignore[no-untyped-def]
        name = names[-1]
        if name == "identifier":
            self._item = replace(self._item, identifier=text)
        elif name == "datestamp":
            self._item = replace(self._item, datestamp=text)
        elif name == "setSpec":
            self._item = replace(self._item, sets=(*self._item.sets, text))
        elif name == "header":
            self._item = replace(self._item, deleted=attributes.get("status") == "deleted")
            if names[1] == "ListIdentifiers":
                self._close_item()
        elif name == "record":
            self._close_item()
        elif name == "resumptionToken":
            self.page = replace(
                self.page, token=text, list_size=_number(attributes.get("completeListSize")),
                cursor=_number(attributes.get("cursor")),
            )

    def _close_item(self) -> None:
        self._items.append(self._item)
        self._item = OaiItem("")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
