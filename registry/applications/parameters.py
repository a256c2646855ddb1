"""A caller's parameters held against an application's contract, before any container is made.

It knows nothing of UWS: control parameters (PHASE and the like) are taken out by whoever calls.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from registry.applications import values
from registry.applications.contract import Contract, Parameter
from registry.errors import Refusal

_WORDS = {"string": "a text", "integer": "a whole number", "real": "a number", "boolean": "true or false"}


class ParameterError(Refusal):
    """A parameter is unknown, missing or out of bounds; the message names it and the rule."""


def check(contract: Contract, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """`pairs` as declared: names in the contract's spelling and order, defaults filled in, values canonical.

    Names are case-blind and an empty value counts as not given (DALI 1.1 §2). Raises ParameterError.
    """
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        parameter = contract.parameter(name)
        if parameter is None:
            raise ParameterError(_unknown(contract, name))
        if text.strip():
            given.setdefault(parameter.name, []).append(_checked(parameter, text))
    return [(one.name, text) for one in contract.parameters for text in _final(one, given.get(one.name, []))]


def document(contract: Contract, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Checked pairs as /job/parameters.json holds them: typed values, a list where many are allowed."""
    found: dict[str, Any] = {one.name: [] for one in contract.parameters if one.many}
    for name, text in pairs:
        parameter = contract.parameter(name)
        if parameter is None:
            raise ParameterError(_unknown(contract, name))
        typed = values.value(text, parameter.type)
        if parameter.many:
            found[parameter.name].append(typed)
        else:
            found[parameter.name] = typed
    return found


def _checked(parameter: Parameter, text: str) -> str:
    problem = values.problem(text, parameter.type, parameter.low, parameter.high, parameter.choices)
    if problem:
        shown = text if len(text) <= 60 else text[:60] + "..."
        raise ParameterError(f"Parameter {parameter.name}: {shown!r} {problem}; give {describe(parameter)}.")
    return values.canonical(text, parameter.type)


def _final(parameter: Parameter, given: list[str]) -> list[str]:
    if len(given) > 1 and not parameter.many:
        raise ParameterError(f"Parameter {parameter.name} is given {len(given)} times; give it once.")
    if given:
        return given
    if parameter.required:
        raise ParameterError(f"Parameter {parameter.name} is missing: give {describe(parameter)}.")
    return [] if parameter.default is None else [values.canonical(parameter.default, parameter.type)]


def _unknown(contract: Contract, name: str) -> str:
    names = [one.name for one in contract.parameters]
    shown = name if len(name) <= 60 else name[:60] + "..."
    if not names:
        return f"Parameter {shown!r} is unknown: this application takes none."
    near = difflib.get_close_matches(name.lower(), [one.lower() for one in names], 1)
    hint = f"did you mean {next(one for one in names if one.lower() == near[0])}? It" if near else "The application"
    return f"Parameter {shown!r} is unknown: {hint} takes {', '.join(names)}."


def describe(parameter: Parameter) -> str:
    """What a caller may give, in words: `a number between 0 and 15 (mag)`."""
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}"
    words = _WORDS[parameter.type]
    if parameter.low is not None and parameter.high is not None:
        words += f" between {parameter.low:g} and {parameter.high:g}"
    elif parameter.low is not None:
        words += f" of {parameter.low:g} or more"
    elif parameter.high is not None:
        words += f" of {parameter.high:g} or less"
    return words + (f" ({parameter.unit})" if parameter.unit else "")
