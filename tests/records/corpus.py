"""The real records of the corpus that are valid by the official schemas, and how they must come back."""

from __future__ import annotations

import csv
from pathlib import Path


def valid_files(shared: Path) -> list[Path]:
    """The 66 schema-valid files, in the order of the manifest."""
    with (shared / "corpus" / "MANIFEST.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "resource" and row["valid_rec"] == "yes"]
    return [shared / "corpus" / row["file"] for row in rows]


def all_files(shared: Path) -> list[Path]:
    """Every document of the manifest, malformed ones too."""
    with (shared / "corpus" / "MANIFEST.csv").open(encoding="utf-8") as file:
        return [shared / "corpus" / row["file"] for row in csv.DictReader(file)]


def without_declarations(record: bytes) -> bytes:
    """`record` (a root element) with the namespace declarations of its root tag taken out, all else as it is."""
    end = _tag_end(record)
    tag, rest = record[:end], record[end:]
    kept, at = b"", 0
    while (found := tag.find(b"xmlns", at)) >= 0:
        quote = min(place for mark in (b'"', b"'") if (place := tag.find(mark, found)) >= 0)
        kept += tag[at:found].rstrip()
        at = tag.index(tag[quote:quote + 1], quote + 1) + 1
    return kept + tag[at:] + rest


def root_of(document: bytes) -> bytes:
    """The root element's own bytes in a UTF-8 document without DOCTYPE; line ends as LF."""
    text = document.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    at = 0
    while True:
        at = text.index(b"<", at)
        if text.startswith(b"<?", at):
            at = text.index(b"?>", at)
        elif text.startswith(b"<!--", at):
            at = text.index(b"-->", at)
        else:
            break
    end = len(text)
    while text.rfind(b"<!--", at, end) > text.rfind(b"</", at, end):
        end = text.rfind(b"<!--", at, end)
    return text[at:text.rfind(b">", at, end) + 1]


def _tag_end(record: bytes) -> int:
    quote = 0
    for index, byte in enumerate(record):
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in (0x22, 0x27):
            quote = byte
        elif byte == 0x3E:
            return index + 1
    raise ValueError("no start tag")
