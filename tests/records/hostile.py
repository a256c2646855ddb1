"""Documents that nobody should send, by name: what each is, and what the sentence about it must name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.records.conftest import record

NAME = "ivo://north.example/bad"


@dataclass(frozen=True)
class Bad:
    """One document: `says` are what a refusal names; `line` and `element` where it says the place."""

    make: Callable[[], bytes]
    says: tuple[str, ...]


def _good() -> bytes:
    return record(NAME)


def _swap(old: bytes, new: bytes) -> Callable[[], bytes]:
    return lambda: _good().replace(old, new, 1)


_SUBJECT = b"<subject>stars</subject>"
_DEEP = 10_000
_ENTITIES = (b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
             b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>\n')

BAD: Mapping[str, Bad] = {
    "ill-formed": Bad(_swap(b"</subject>", b"</sbject>"), ("line 8", "subject")),
    "cut off": Bad(lambda: _good()[:-30], ("line 8", "referenceURL")),
    "doctype": Bad(lambda: b"<!DOCTYPE Resource>\n" + _good(), ("DOCTYPE", "line 1")),
    "external entity": Bad(lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n' + _good().replace(
        b"stars", b"&x;"), ("DOCTYPE", "line 1")),
    "entities": Bad(lambda: _ENTITIES + _good().replace(b"stars", b"&c;"), ("DOCTYPE", "line 1")),
    "entity that nobody declared": Bad(_swap(b"stars", b"&nbsp;"), ("entity", "line 8", "subject")),
    "20 MB of text": Bad(_swap(b"stars", b"s" * 20_000_000), ("line", "subject")),
    "200,000 attributes": Bad(
        _swap(b"<subject>", b"<subject " + b" ".join(b"a%d='%d'" % (n, n) for n in range(200_000)) + b">"),
        ("attributes", "line 8", "subject")),
    "10,000 deep": Bad(_swap(_SUBJECT, _SUBJECT + b"<x>" * _DEEP + b"</x>" * _DEEP), ("deeper", "line 8", "x")),
    "a million elements": Bad(_swap(_SUBJECT, _SUBJECT * 1_000_000), ("bytes long", "line 8", "subject")),
    "300,000 elements": Bad(_swap(_SUBJECT, _SUBJECT + b"<x/>" * 300_000), ("elements", "line 8", "x")),
    "wrong namespace": Bad(_swap(b"http://www.ivoa.net/xml/RegistryInterface/v1.0", b"urn:nobody"),
                           ("urn:nobody", "line 4", "Resource")),
    "unknown type": Bad(_swap(b'"vr:Service"', b'"vr:Servant"'), ("Servant", "line", "Resource")),
    "type in an unbound prefix": Bad(_swap(b'"vr:Service"', b'"zz:Service"'), ("zz:Service", "line", "Resource")),
    "unbound prefix": Bad(_swap(b"<title>A title</title>", b"<zz:title>A</zz:title>"), ("zz", "line 5", "title")),
    "duplicate ids": Bad(_swap(b"<title>", b"<title xml:id='a'/><title xml:id='a'>"), ("line 5", "title")),
    "percent in the identifier": Bad(_swap(NAME.encode(), b"ivo://north.example/a%20b"), ("identifier", "line 6")),
    "not the encoding it says": Bad(lambda: b'<?xml version="1.0" encoding="UTF-8"?>\n' + _good().replace(
        b"A title", b"Caf\xe9"), ("UTF-8", "line 6", "title")),
    "an encoding of nobody": Bad(lambda: b'<?xml version="1.0" encoding="x-nobody"?>\n' + _good(), ("x-nobody", "line 1")),
    "nothing": Bad(lambda: b"", ()),
    "bytes": Bad(lambda: bytes(range(256)) * 100, ("line 2",)),
    "HTML": Bad(lambda: b"<html><body><p>404<br></body></html>", ("line 1",)),
}

# what is unusual and right: it is taken, and its title is what it says
FINE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "UTF-16": (lambda: ('<?xml version="1.0" encoding="UTF-16"?>' + record(NAME, title="Caf\u00e9").decode()).encode(
        "utf-16"), "Caf\u00e9"),
    "UTF-16 without a mark": (lambda: ('<?xml version="1.0" encoding="UTF-16BE"?>' + record(
        NAME, title="Caf\u00e9").decode()).encode("utf-16-be"), "Caf\u00e9"),
    "Latin-1": (lambda: ('<?xml version="1.0" encoding="ISO-8859-1"?>' + record(NAME, title="Caf\u00e9").decode()).encode(
        "latin-1"), "Caf\u00e9"),
    "a byte order mark": (lambda: b"\xef\xbb\xbf" + record(NAME, title="Caf\u00e9"), "Caf\u00e9"),
    "blank lines before": (lambda: b"\n\n  " + record(NAME, title="Caf\u00e9"), "Caf\u00e9"),
}
