"""Two versions of a record: which elements differ, and which lines."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from registry.records.comparing import ADDED, CHANGED, REMOVED, Change, compare
from tests.records.conftest import record
from vosi import resource

NAME = "ivo://north.example/a"


def test_equal_documents_differ_in_nothing() -> None:
    found = compare(record(NAME), record(NAME))
    assert (found.changes, found.lines) == ((), "")


def test_what_was_amended_is_what_differs() -> None:
    new = resource.amend(record(NAME), {"title": "Other & more", "status": "inactive", "short_name": "sn"})
    found = compare(record(NAME), new, ("version 1", "version 2"))
    assert found.changes == (
        Change("@status", CHANGED, "active", "inactive"), Change("title", CHANGED, "A title", "Other & more"),
        Change("shortName", ADDED, "", "sn"))
    assert found.lines.startswith("--- version 1\n+++ version 2\n@@")
    assert "\n- <title>A title</title>\n" in found.lines and "\n+ <title>Other &amp; more</title>\n" in found.lines


def test_an_element_put_in_front_is_one_change() -> None:
    old = record(NAME, inside="<capability standardID='ivo://x.y/a'/><capability standardID='ivo://x.y/b'/>")
    new = record(NAME, inside="<capability standardID='ivo://x.y/n'><description>d</description></capability>"
                              "<capability standardID='ivo://x.y/a'/><capability standardID='ivo://x.y/c'/>")
    assert compare(old, new).changes == (
        Change("capability[1]", ADDED, "", "d"), Change("capability[3]/@standardID", CHANGED, "ivo://x.y/b", "ivo://x.y/c"))
    gone = compare(new, old).changes
    assert gone[0] == Change("capability[1]", REMOVED, "d", "")


def test_only_lines_tell_of_white_space_and_comments() -> None:
    found = compare(record(NAME), record(NAME).replace(b"<title>", b"<!-- c -->\n\t<title>"))
    assert found.changes == () and "<!-- c -->" in found.lines


def test_names_are_shown_with_their_usual_prefixes() -> None:
    old, new = (record(NAME, kind=kind) for kind in ("vr:Service", "vr:Organisation"))
    assert compare(old, new).changes == (Change("@xsi:type", CHANGED, "vr:Service", "vr:Organisation"),)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda text: text.strip() and "\ufffe" not in text and "\uffff" not in text)


@settings(deadline=None, max_examples=60)
@given(subjects=st.lists(texts, min_size=1, max_size=5), others=st.lists(texts, min_size=1, max_size=5))
def test_whatever_changes_is_found_and_nothing_else(subjects: list[str], others: list[str]) -> None:
    old, new = (resource.amend(record(NAME), {"subjects": tuple(some)}) for some in (subjects, others))
    changes = compare(old, new).changes
    tidy = [[" ".join(one.split()) for one in some] for some in (subjects, others)]
    assert bool(changes) == (tidy[0] != tidy[1])
    assert all(one.path.startswith("content/subject") for one in changes)
