"""The version rules, and that programs inside containers are told the same."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from registry.services import versions
from vosi import datacenter


@pytest.mark.parametrize(("wanted", "offered", "does"), [
    ("ivo://ivoa.net/std/ConeSearch", "ivo://ivoa.net/std/ConeSearch", True),
    ("ivo://IVOA.net/std/conesearch", "ivo://ivoa.net/std/ConeSearch", True),
    ("ivo://ivoa.net/std/SIA", "ivo://ivoa.net/std/SIA#query-2.0", True),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#query-2.0", True),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#query-2.1", True),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#query-2.10", True),
    ("ivo://ivoa.net/std/SIA#query-2.9", "ivo://ivoa.net/std/SIA#query-2.10", True),
    ("ivo://ivoa.net/std/SIA#query-2.1", "ivo://ivoa.net/std/SIA#query-2.0", False),
    ("ivo://ivoa.net/std/SIA#query-1.0", "ivo://ivoa.net/std/SIA#query-2.0", False),
    ("ivo://ivoa.net/std/SIA#query", "ivo://ivoa.net/std/SIA#query-2.0", True),
    ("ivo://ivoa.net/std/SIA#query-2", "ivo://ivoa.net/std/SIA#query-2.0", True),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#query-2", True),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#query", False),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA#table-2.0", False),
    ("ivo://ivoa.net/std/SIA#query-2.0", "ivo://ivoa.net/std/SIA", False),
    ("ivo://ivoa.net/std/VOSI#tables", "ivo://ivoa.net/std/VOSI#tables-1.1", True),
    ("ivo://ivoa.net/std/VOSI#tables", "ivo://ivoa.net/std/VOSI#capabilities", False),
    ("ivo://ivoa.net/std/TAP", "ivo://ivoa.net/std/TAPRegExt", False),
    ("ivo://ivoa.net/std/TAP", "", False),
])
def test_one_standard_does_for_another(wanted: str, offered: str, does: bool):
    assert versions.satisfies(wanted, offered) is does
    assert datacenter.satisfies(wanted, offered) is does


def test_the_very_standard_comes_first_then_the_newest():
    offered = ["ivo://ivoa.net/std/TAP#aux", "ivo://ivoa.net/std/TAP#x-1.9", "ivo://ivoa.net/std/TAP#x-1.10", "ivo://ivoa.net/std/TAP"]
    for rules in (versions, datacenter):
        ordered = sorted(offered, key=lambda one: rules.preference("ivo://ivoa.net/std/TAP", one))
        assert ordered == [offered[3], offered[2], offered[1], offered[0]]


_names = st.builds(
    lambda head, fragment: f"ivo://ivoa.net/std/{head}{fragment}", st.sampled_from(["TAP", "tap/", "SIA"]),
    st.one_of(st.just(""), st.from_regex(r"#[a-c]?(-[0-9]{1,2}(\.[0-9]{1,2})?)?", fullmatch=True)))


@given(_names, _names)
def test_containers_are_told_the_same(wanted: str, offered: str):
    assert versions.satisfies(wanted, offered) == datacenter.satisfies(wanted, offered)
    assert versions.preference(wanted, offered) == datacenter.preference(wanted, offered)
