"""The form of an application, made from the parameters and inputs it declares. It judges no value: `create` does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from registry.applications.contract import Contract, Parameter
from registry.applications.parameters import describe

PREFIX = "p-"  # of a parameter's field, so that no application's parameter meets a field of ours


@dataclass(frozen=True)
class Field:
    """One field of the form: `kind` is text, number, choice, many (a value a line) or file."""

    name: str
    label: str
    kind: str
    value: str
    required: bool
    note: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: str = "any"
    error: str = ""

    @property
    def id(self) -> str:
        """The field's name on the wire and in the page."""
        return PREFIX + self.name


class Sent(Protocol):
    """What a form's fields arrive in."""

    def getlist(self, key: str) -> list[str]: ...


class RunForm:
    """The fields of a contract, with values `given` and the one that `problem` is about marked."""

    def __init__(self, contract: Contract, given: Iterable[tuple[str, str]] = (), problem: str = "") -> None:
        self._contract = contract
        values: dict[str, list[str]] = {}
        for name, value in given:
            values.setdefault(name.lower(), []).append(value)
        self.fields = [_field(one, values.get(one.name.lower()), problem) for one in contract.parameters]
        self.fields += [
            Field(
                one.name,
                one.name,
                "file",
                "",
                one.multiplicity.startswith("1"),
                " ".join(filter(None, (one.description, ", ".join(one.media_types)))),
            )
            for one in contract.inputs
        ]

    def pairs(self, sent: Sent) -> list[tuple[str, str]]:
        """The values that were sent, by declared name; a field that is empty counts as not given."""
        found = []
        for one in self._contract.parameters:
            texts = sent.getlist(PREFIX + one.name)
            if one.many and not one.choices:
                texts = [line for text in texts for line in text.splitlines()]
            found += [(one.name, text) for text in texts if text.strip()]
        return found


def _field(one: Parameter, given: list[str] | None, problem: str) -> Field:
    choices = one.choices or (("true", "false") if one.type == "boolean" else ())
    kind = "choice" if choices and not one.many else "many" if one.many else "text"
    if kind == "text" and one.type in ("integer", "real"):
        kind = "number"
    value = "\n".join(given) if given is not None else one.default or ""
    hurt = f" {one.name} " in problem or f" {one.name}:" in problem
    note = " ".join(
        filter(None, (one.description.rstrip(".") + "." if one.description else "", f"Give {describe(one)}."))
    )
    return Field(
        one.name,
        one.name + (f" ({one.unit})" if one.unit else ""),
        kind,
        value,
        one.required,
        note,
        choices,
        one.low,
        one.high,
        "1" if one.type == "integer" else "any",
        problem if hurt else "",
    )
