"""Reads an OAI-PMH page that is whole but not well-formed: record by record, so that one bad record costs only itself.

A page that was torn is no such page: it is to be asked for again. `oaipage` reads pages as they should be.
"""

from __future__ import annotations

import re
from dataclasses import replace

from vosi.oaipage import OaiItem, OaiPage, read_page
from vosi.xmlio import MAX_PAGE, XmlRefused, to_utf8

_ROOT = re.compile(rb"<(?:[\w.-]+:)?OAI-PMH[\s>]")
_LIST = re.compile(rb"<((?:[\w.-]+:)?)ListRecords[^<>]*>")
_IDENTIFIER = re.compile(rb"<(?:[\w.-]+:)?identifier[^<>]*>([^<]*)<")
_DELETED = re.compile(rb"<(?:[\w.-]+:)?header\s[^<>]*status\s*=\s*[\"']deleted[\"']")
_METADATA = re.compile(rb"<(?:[\w.-]+:)?metadata[^<>]*>(.*)</(?:[\w.-]+:)?metadata\s*>", re.DOTALL)
_MOST_SHOWN = 1000  # characters of an identifier


def salvage(data: bytes, *, max_bytes: int = MAX_PAGE) -> OaiPage:
    """The page in `data`, its records read one by one; those that cannot be are items with the bytes they came with.

    Raises XmlRefused where it is no whole ListRecords page, or its head or its end cannot be read.
    """
    text = to_utf8(data, max_bytes=max_bytes)
    opened = _LIST.search(text)
    if not opened or not _ROOT.search(text, 0, opened.start()):
        raise XmlRefused("It is no OAI-PMH list of records.")
    prefix = opened.group(1)
    end = re.search(rb"</" + prefix + rb"ListRecords\s*>\s*</(?:[\w.-]+:)?OAI-PMH\s*>\s*\Z", text)
    if not end:
        raise XmlRefused("It breaks off before its end.")
    head, inside, tail = text[:opened.end()], text[opened.end():end.start()], end.group()
    closing = b"</" + prefix + b"record"
    parts = re.split(rb"(?<=" + closing + rb">)", inside)
    frame = read_page(head + parts[-1] + tail, max_bytes=max_bytes)  # its date, and the token behind the records
    items = [_item(part, head, tail, max_bytes) for part in parts[:-1]]
    return replace(frame, items=tuple(items))


def _item(part: bytes, head: bytes, tail: bytes, max_bytes: int) -> OaiItem:
    try:
        page = read_page(head + part + tail, max_bytes=max_bytes)
        if len(page.items) == 1:
            return page.items[0]
    except XmlRefused:
        pass
    named = _IDENTIFIER.search(part)
    name = named.group(1).decode("utf-8", "replace").strip()[:_MOST_SHOWN] if named else ""
    if _DELETED.search(part):  # what is broken in a deletion is no reason to believe it
        return OaiItem(name, record=part.strip())
    body = _METADATA.search(part)
    return OaiItem(name, record=(body.group(1) if body else part).strip())
