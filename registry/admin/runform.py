"""The form of an application, made from the parameters and inputs it declares. It judges no value: `create` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from registry.applications.contract import Contract, Parameter
from registry.applications.parameters import describe
from registry.config import Settings
from registry.uws import limits
from registry.uws.store import Job

DURATION = "EXECUTIONDURATION"
_LABELS = {"CORES": "Cores", "MEMORY": "Memory", "DISK": "Results", "PROCESSES": "Processes", "LOG": "Log",
           DURATION: "Seconds to run"}
OPTIONS = {**{name: name.lower() for name in _LABELS}, DURATION: "time"}  # of `registry run`
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
                "\n".join(values.get(one.name.lower(), ())),
                one.multiplicity.startswith("1"),
                " ".join(filter(None, (one.description, ", ".join(one.media_types)))),
                error=problem if problem.startswith((f"{one.name} ", f"The file {one.name} ")) else "",
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
        for asked in self._contract.inputs:  # results of other jobs, named a line each; files come beside the form
            lines = [line.strip() for text in sent.getlist(PREFIX + asked.name) for line in text.splitlines()]
            found += [(asked.name, line) for line in lines if line]
        return found


def limit_fields(settings: Settings, contract: Contract, given: Mapping[str, str], problem: str = "") -> list[Field]:
    """Fields of the job's limits, under the names of their control parameters; an empty one leaves what is noted."""
    chosen = limits.chosen(settings, contract.resources, {})
    notes = {
        one.control: f"{one.amount(chosen[one.name])} unless you say; {one.amount(settings.most(one.name))} at most."
        for one in limits.LIMITS
    }
    seconds = contract.resources.time or settings.given("time")
    notes[DURATION] = f"{seconds} seconds unless you say; {settings.most('time')} at most."
    return [Field(name, _LABELS[name], "text", given.get(name, ""), False, note,
                  error=problem if problem.startswith(f"{name}=") else "") for name, note in notes.items()]


def sent_limits(sent: Mapping[str, str]) -> dict[str, str]:
    """The limits that were sent, by control parameter."""
    return {name: sent[name].strip() for name in _LABELS if sent.get(name, "").strip()}


def limits_of(settings: Settings, contract: Contract, job: Job) -> dict[str, str]:
    """The limits that the job has and one without a word of its maker would not have."""
    chosen = limits.chosen(settings, contract.resources, {})
    found = {one.control: f"{job.limits[one.name]:g}" if one.name == "cores" else str(job.limits[one.name])
             for one in limits.LIMITS if job.limits.get(one.name, chosen[one.name]) != chosen[one.name]}
    if job.execution_duration != (contract.resources.time or settings.given("time")):
        found[DURATION] = str(job.execution_duration)
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
