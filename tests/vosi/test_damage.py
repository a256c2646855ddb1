"""Documents damaged at random: readers and editors refuse them in a sentence or handle them, and make no broken XML."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.vosi import drafts
from tests.vosi.judges import documents
from vosi import capabilities, tables, xmlio
from vosi.resource import amend, compose, summarise

ROUNDS = 4_000
PIECES = (
    b"<", b">", b'"', b"'", b"&", b' xmlns=""', b' xmlns="urn:x"', b"/>", b"<![CDATA[", b"]]>", b"<!--", b"-->",
    b"\x00", b"\xff", b"\xc3\xa9", b"tableset", b"capability", b' xsi:type="q:r"', b":", b"<?x ?>",
    b"\r\n", b' xml:lang="a"',
)


def damaged() -> Iterator[bytes]:
    rng = random.Random(20261125)
    folders = ("vosi-capabilities", "vosi-availability", "vosi-tables", "resource")
    small = [data for folder in folders for _, data in documents(folder) if len(data) < 10_000]
    for _ in range(ROUNDS):
        data = bytearray(rng.choice(small))
        for _ in range(rng.choice((1, 1, 2, 4))):
            at, other = rng.randrange(len(data)), rng.randrange(len(data))
            kind = rng.randrange(3)
            if kind == 0:
                data[at:at] = rng.choice(PIECES)
            elif kind == 1:
                del data[at:at + rng.choice((1, 2, 10))]
            else:
                data[at:at] = data[other:other + rng.choice((5, 30, 200))]
        yield bytes(data)


@pytest.mark.shared
def test_nothing_but_a_refusal_comes_of_damage_and_what_is_made_is_xml(shared):
    whole = 0
    for data in damaged():
        try:
            element = xmlio.parse(data)
        except xmlio.XmlRefused:
            with pytest.raises(xmlio.XmlRefused):
                capabilities.read(data)
            continue
        whole += 1
        summarise(element)
        xmlio.digest(element)
        found = capabilities.read(data).capabilities
        xmlio.parse(compose(drafts.minimal(capabilities=found)))
        for one in found:
            xmlio.parse(capabilities.readdressed(one, lambda url: "http://n/?a&b").xml or b"")
        check_tables(data)
        check_amended(data)
    assert whole > ROUNDS // 10


def check_tables(data: bytes) -> None:
    tableset = tables.read(data).tableset
    if tableset is not None:
        root = xmlio.parse(tableset)
        xmlio.parse(tables.document(root, "min"))
        for name in filter(None, tables.names(root)):
            xmlio.parse(tables.table(root, name) or b"")


def check_amended(data: bytes) -> None:
    changes = {"title": "A <", "status": "deleted", "subjects": ("a",), "capabilities": (drafts.CONE,)}
    try:
        changed = amend(data, changes)
    except xmlio.XmlRefused as refusal:
        assert "no element content" in str(refusal)
        return
    summary = summarise(xmlio.parse(changed))
    assert (summary.title, summary.status) == ("A <", "deleted")
