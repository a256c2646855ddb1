"""A TAP request's parameters: names in any case, each understood or refused in a sentence that says what would do."""

from __future__ import annotations

import pytest

from registry.search.tap import formats
from registry.search.tap.parameters import BadParameter, asked

QUERY = ("QUERY", "SELECT 1")
ADQL = ("LANG", "ADQL")


@pytest.mark.parametrize("pairs", [
    [QUERY, ADQL], [("query", "SELECT 1"), ("lang", "adql-2.0")], [QUERY, ADQL, ("REQUEST", "doQuery")],
    [QUERY, ADQL, ("colour", "red"), ("UPLOAD", "")], [QUERY, QUERY, ADQL, ("MAXREC", "")]])
def test_a_request_in_any_spelling(pairs: list[tuple[str, str]]) -> None:
    found = asked(pairs)
    assert (found.query, found.maxrec, found.format.media_type) == ("SELECT 1", None, formats.VOTABLE)


def test_rows_and_format_are_read() -> None:
    found = asked([QUERY, ADQL, ("maxrec", " 0 "), ("format", "csv")])
    assert (found.maxrec, found.format.media_type) == (0, formats.CSV)
    both = asked([QUERY, ADQL, ("FORMAT", "csv"), ("RESPONSEFORMAT", "votable/b2")])
    assert both.format.media_type == formats.BINARY2


@pytest.mark.parametrize(("pairs", "says"), [
    ([], "LANG is missing"),
    ([QUERY], "LANG is missing"),
    ([ADQL], "QUERY is missing"),
    ([ADQL, ("QUERY", "  \n")], "QUERY is missing"),
    ([QUERY, ("LANG", "PQL")], "LANG='PQL' is not understood"),
    ([QUERY, ADQL, ("REQUEST", "getCapabilities")], "only doQuery"),
    ([QUERY, ADQL, ("MAXREC", "-1")], "MAXREC='-1' is no number"),
    ([QUERY, ADQL, ("MAXREC", "many")], "no number"),
    ([QUERY, ADQL, ("MAXREC", "٣")], "no number"),
    ([QUERY, ADQL, ("RESPONSEFORMAT", "image/png")], "text/csv"),
    ([QUERY, ADQL, ("RESPONSEFORMAT", "x" * 500)], r"x\.\.\."),
    ([QUERY, ADQL, ("UPLOAD", "t,http://x/")], "UPLOAD is not offered"),
    ([QUERY, ADQL, ("query", "SELECT 2")], "QUERY is given more than once"),
])
def test_what_means_nothing_is_refused_with_what_would_do(pairs: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(BadParameter, match=says) as told:
        asked(pairs)
    assert told.value.status == 400 and len(str(told.value)) < 300
