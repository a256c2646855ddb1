"""The label of an image: what is read from it, and which rule a faulty one is told."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from registry.applications import contract
from registry.applications.contract import ContractError, read_label

GOOD: dict[str, Any] = {
    "contract": "1.0",
    "parameters": [
        {"name": "max_magnitude", "type": "real", "unit": "mag", "ucd": "phot.mag;em.opt.V", "min": -2, "max": 15,
         "default": 12.5, "description": "Faintest star used."},
        {"name": "mode", "choices": ["fast", "exact"], "default": "fast"},
        {"name": "star", "type": "integer", "multiplicity": "1..*"},
    ],
    "inputs": [{"name": "targets", "media_types": ["text/csv"]}],
    "outputs": [{"path": "summary.json", "media_type": "application/json", "primary": True}],
    "data": [{"name": "hipparcos", "description": "The stars."}, {"name": "spectra-2", "required": False}],
    "requires": ["ivo://ivoa.net/std/ConeSearch"],
    "resources": {"cores": 0.5, "memory": 268435456, "time": 600},
    "network": "dc",
}


def label(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


def test_a_whole_label_is_read() -> None:
    found = read_label(json.dumps(GOOD))

    magnitude = found.parameter("MAX_MAGNITUDE")
    assert magnitude is not None and (magnitude.low, magnitude.high, magnitude.default) == (-2, 15, "12.5")
    assert found.parameter("mode").choices == ("fast", "exact")  # type: ignore[union-attr]
    star = found.parameter("star")
    assert star is not None and star.required and star.many
    assert found.requires == ("ivo://ivoa.net/std/ConeSearch",)
    assert (found.resources.cores, found.resources.memory, found.resources.disk) == (0.5, 268435456, 0)
    assert [(one.name, one.required) for one in found.data] == [("hipparcos", True), ("spectra-2", False)]
    assert found.outputs[0].primary and found.network == "dc"


def test_what_is_written_reads_back_the_same() -> None:
    found = read_label(json.dumps(GOOD))

    assert read_label(json.dumps(found.as_json())) == found


@pytest.mark.parametrize("name", sorted(contract.CONTROL) + ["phase", "MaxRec"])
def test_names_of_control_parameters_are_forbidden(name: str) -> None:
    with pytest.raises(ContractError, match=name):
        read_label(label(parameters=[{"name": name}]))


def parameter(**changes: Any) -> str:
    return label(parameters=[{"name": "p", **changes}])


@pytest.mark.parametrize(("text", "words"), [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    (label(contract="2.0"), r"contract '2.0'; this service knows contract 1.x \(now 1.0\): a version of the application for"),
    (label(contract="0.9"), "contract '0.9'; this service knows contract 1.x"),
    (label(contract="1"), "contract '1', which is no version such as 1.0"),
    (label(contract="newest" * 100), "which is no version"),
    (label(contract=1.0), "contract must be a text"),
    (label(contract="1.7", network="mesh"), "'mesh' is not one of none, dc. It is of contract 1.7, of which this service knows"),
    (label(contract=None), "contract is missing"),
    (label(extra=1), "the key 'extra'"),
    (label(network="host"), "'host' is not one of none, dc"),
    (label(network="none"), "it needs network"),
    (label(requires=["http://x"]), "ivo://"),
    (label(requires="ivo://a.b/c"), "must be a list"),
    (label(parameters={}), "must be a list"),
    (label(parameters=[3]), r"parameters\[0\] must be a JSON object"),
    (label(parameters=[{}]), "name is missing"),
    (label(parameters=[{"name": "a b"}]), "'a b' must be a letter"),
    (label(parameters=[{"name": "a"}, {"name": "A"}]), "declared twice"),
    (label(parameters=[{"name": "targets"}]), "declared twice"),
    (parameter(type="float"), "'float' is not one of"),
    (parameter(type="real", default="x"), "its default 'x' is not a number"),
    (parameter(type="real", default=5, max=4), "above the greatest"),
    (parameter(type="integer", default=1.5), "not a whole number"),
    (parameter(type="integer", choices=[1, "two"]), "choice 'two' is not a whole number"),
    (parameter(choices=["a"], default="b"), "'b' is not one of a"),
    (parameter(min=1), "min and max belong"),
    (parameter(type="real", min=2, max=1), "min is greater than max"),
    (parameter(type="real", min=True), "min must be a number"),
    (parameter(multiplicity="2"), "'2' is not one of"),
    (parameter(default="\x00"), "control character"),
    (parameter(description="\ud800"), "control character"),
    (label(outputs=[{"path": "/etc/passwd"}]), "relative to /results"),
    (label(outputs=[{"path": "a/../../b"}]), "relative to /results"),
    (label(outputs=[{"path": "a", "media_type": "csv"}]), "not a media type"),
    (label(outputs=[{"path": "a", "primary": True}, {"path": "b", "primary": True}]), "More than one"),
    (label(data=[{"name": "../etc"}]), "'../etc' must be a small letter"),
    (label(data=[{"name": "a", "required": "yes"}]), "required must be true or false"),
    (label(data=[{"name": "a"}, {"name": "a"}]), "data set a is asked for twice"),
    (label(data=[{"name": "a", "path": "/"}]), "the key 'path'"),
    (label(resources={"memory": -1}), "memory must be a positive"),
    (label(resources={"memory": 1.5}), "memory must be a positive whole"),
    (label(resources={"gpu": 1}), "the key 'gpu'"),
    ('{"contract": "1.0", "resources": {"cores": 1e999}}', "cores must be a number"),
    ("[" * 60000, "not JSON"),
    ('"' + "x" * 10_000_000 + '"', "the contract allows 65536"),
])
def test_a_broken_rule_is_named(text: str, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        read_label(text)

    assert "\n" not in str(caught.value)


def test_a_later_minor_version_may_know_more() -> None:
    later = copy.deepcopy(GOOD) | {"contract": "1.1", "colour": "blue"}

    assert read_label(json.dumps(later)).version == "1.1"
