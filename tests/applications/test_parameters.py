"""Parameters of a run, held against the contract."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from registry.applications import parameters
from registry.applications.contract import read_label
from registry.applications.parameters import ParameterError, check

CONTRACT = read_label(json.dumps({
    "contract": "1.0",
    "parameters": [
        {"name": "max_magnitude", "type": "real", "unit": "mag", "min": -2, "max": 15, "default": 12},
        {"name": "exact", "type": "boolean"},
        {"name": "mode", "choices": ["fast", "slow"]},
        {"name": "star", "type": "integer", "multiplicity": "1..*", "min": 1},
    ],
}))


def test_names_are_case_blind_and_defaults_are_filled_in() -> None:
    found = check(CONTRACT, [("STAR", " 7 "), ("star", "8"), ("Exact", "1"), ("mode", "")])

    assert found == [("max_magnitude", "12"), ("exact", "true"), ("star", "7"), ("star", "8")]


def test_programs_get_typed_values() -> None:
    found = parameters.document(CONTRACT, check(CONTRACT, [("star", "7"), ("exact", "false")]))

    assert found == {"star": [7], "max_magnitude": 12.0, "exact": False}


@pytest.mark.parametrize(("pairs", "words"), [
    ([], "star is missing: give a whole number of 1 or more"),
    ([("star", "")], "star is missing"),
    ([("star", "x")], "star: 'x' is not a whole number"),
    ([("star", "0")], "below the least allowed, 1"),
    ([("star", "1"), ("max_magnitude", "16")], r"above the greatest .*, 15; give a number between -2 and 15 \(mag\)"),
    ([("star", "1"), ("max_magnitude", "nan")], "'nan' is not a number"),
    ([("star", "1"), ("max_magnitude", "1"), ("MAX_MAGNITUDE", "2")], "given 2 times"),
    ([("star", "1"), ("mode", "quick")], "not one of fast, slow"),
    ([("star", "1"), ("exact", "maybe")], "neither true nor false"),
    ([("star", "1"), ("magnitude", "1")], "did you mean max_magnitude"),
    ([("star", "1"), ("mode", "\x07")], "control character"),
    ([("star", "1"), ("mode", "f" * 5000)], "longer than 4096"),
])
def test_a_wrong_parameter_is_named_with_its_rule(pairs: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(ParameterError, match=words) as caught:
        check(CONTRACT, pairs)

    assert len(str(caught.value)) < 400


@given(st.lists(st.tuples(st.sampled_from(["star", "mode", "exact", "max_magnitude", "other"]), st.text())))
def test_any_text_is_accepted_or_refused_with_a_sentence(pairs: list[tuple[str, str]]) -> None:
    try:
        found = check(CONTRACT, pairs)
    except ParameterError as error:
        assert str(error).endswith(".")
        return
    json.dumps(parameters.document(CONTRACT, found), allow_nan=False)
