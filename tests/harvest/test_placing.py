"""Each record that was not taken says where the reason lies: the path of its element and the line."""

from __future__ import annotations

import pytest

from registry.harvest.placing import Place, place
from tests.records.conftest import record

GOOD = record("ivo://north.example/one")


@pytest.mark.parametrize("raw, path, line", [
    (GOOD, "/ri:Resource/identifier", 6),
    (GOOD.replace(b"<identifier>ivo://north.example/one</identifier>", b""), "/ri:Resource", 1),
    (b"<ri:VOResources xmlns:ri='urn:r'>\n<ri:Resource>\n<identifier/></ri:Resource></ri:VOResources>",
     "/ri:VOResources/ri:Resource/identifier", 3),
    (GOOD.replace(b"</title>", b"</titel>"), "/ri:Resource/title", 5),
    (GOOD.replace(b"stars<", b"st\xffars<"), "", 0),
    (GOOD.replace(b"<subject>", b"<curation><identifier>other</identifier></curation><subject>"), "/ri:Resource/identifier", 6),
    (b"", "", 0), (None, "", 0), (b"no xml", "", 1),
])
def test_a_record_says_where_the_reason_lies(raw: bytes | None, path: str, line: int) -> None:
    assert place(raw) == Place(path, line)


def test_a_place_is_told_in_a_few_words() -> None:
    assert [str(place(one)) for one in (GOOD, b"no xml", None)] == ["/ri:Resource/identifier, line 6", "line 1", ""]
