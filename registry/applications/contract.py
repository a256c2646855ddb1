"""What an application says of itself: the label `innerspace.application` of its image, read strictly (decision D13).

docs/application-contract.md is the text of the contract; this module is its rules. It fetches nothing and judges no
parameter values given by callers: see `parameters`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.applications import values
from registry.errors import Refusal
from vosi import identifiers

LABEL = "innerspace.application"
VERSION = "1.0"
MAX_LABEL = 64 * 1024  # characters
NETWORKS = ("none", "dc")
MULTIPLICITIES = ("0..1", "1", "0..*", "1..*")
CONTROL = frozenset((  # names that UWS, DALI and this service use themselves (decision D12)
    "PHASE", "RUNID", "WAIT", "APP", "ACTION", "LAST", "AFTER", "UPLOAD", "RESPONSEFORMAT", "MAXREC", "DESTRUCTION",
    "EXECUTIONDURATION", "CORES", "MEMORY", "DISK", "PROCESSES", "LOG",
))
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_DATA_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+( *;.*)?")
_WORDS = ("title", "description", "publisher")
_KEYS = {
    "label": "contract title description publisher parameters inputs outputs data requires resources network",
    "parameters": "name type unit ucd min max choices default multiplicity description",
    "inputs": "name media_types multiplicity description",
    "outputs": "path media_type description primary",
    "data": "name description required",
    "resources": "cores memory time disk",
}


class ContractError(Refusal):
    """The label breaks a rule of the contract; the message names the place and the rule."""


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; values are text as on the wire, `low` and `high` numbers or None."""

    name: str
    type: str = "string"  # string | integer | real | boolean
    unit: str = ""
    ucd: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    multiplicity: str = "0..1"
    description: str = ""

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.multiplicity.startswith("1") and self.default is None

    @property
    def many(self) -> bool:
        """Whether it may be given more than once."""
        return self.multiplicity.endswith("*")


@dataclass(frozen=True)
class Input:
    """A file that a caller gives."""

    name: str
    media_types: tuple[str, ...] = ()
    multiplicity: str = "0..1"
    description: str = ""


@dataclass(frozen=True)
class Output:
    """A file that the application writes below /results."""

    path: str
    media_type: str = ""
    description: str = ""
    primary: bool = False


@dataclass(frozen=True)
class DataSet:
    """A data set of the datacenter that the application reads at /data/NAME; without a `required` one it does not run."""

    name: str
    description: str = ""
    required: bool = True


@dataclass(frozen=True)
class Resources:
    """What the application asks for: cores, bytes of memory, seconds, bytes of results; 0 where it does not say."""

    cores: float = 0.0
    memory: int = 0
    time: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Contract:
    """A whole contract; `requires` are standardIDs of APIs that must be there, a fragment being a version.

    Title, description and publisher are '' where the image's own annotations say them.
    """

    version: str = VERSION
    title: str = ""
    description: str = ""
    publisher: str = ""
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    data: tuple[DataSet, ...] = ()
    requires: tuple[str, ...] = ()
    resources: Resources = field(default_factory=Resources)
    network: str = "none"

    def parameter(self, name: str) -> Parameter | None:
        """The declared parameter of that name, whatever its case."""
        return next((one for one in self.parameters if one.name.lower() == name.lower()), None)

    def as_json(self) -> dict[str, Any]:
        """The contract as a JSON document that `read` takes back."""
        words = {key: getattr(self, key) for key in _WORDS if getattr(self, key)}
        return {
            "contract": self.version, **words,
            "parameters": [_parameter_json(one) for one in self.parameters],
            "inputs": [
                {"name": one.name, "media_types": list(one.media_types), "multiplicity": one.multiplicity,
                 "description": one.description} for one in self.inputs
            ],
            "outputs": [
                {"path": one.path, "media_type": one.media_type, "description": one.description, "primary": one.primary}
                for one in self.outputs
            ],
            "data": [{"name": one.name, "description": one.description, "required": one.required} for one in self.data],
            "requires": list(self.requires),
            "resources": {key: getattr(self.resources, key) for key in _KEYS["resources"].split()
                          if getattr(self.resources, key)},
            "network": self.network,
        }


def read_label(text: str) -> Contract:
    """The contract in the text of an image's label. Raises ContractError."""
    if len(text) > MAX_LABEL:
        raise ContractError(f"The label {LABEL} holds {len(text)} characters; the contract allows {MAX_LABEL}.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"The label {LABEL} is not JSON: {error}.") from None
    return read(document)


def read(document: Any) -> Contract:
    """The contract in a parsed JSON document. Raises ContractError."""
    place = f"The label {LABEL}"
    if not isinstance(document, Mapping):
        raise ContractError(f"{place} is not a JSON object.")
    version = _version(document, place)
    if version == VERSION:
        return _read(document, version, place, strict=True)
    try:
        return _read(document, version, place, strict=False)  # later minor versions may add keys
    except ContractError as error:
        raise ContractError(f"{error} It is of contract {version}, of which this service knows what {VERSION} has: a newer "
                            "version of this service may understand it.") from None


def _version(document: Mapping[str, Any], place: str) -> str:
    version = _text(document, "contract", place)
    known = re.fullmatch(r"(\d{1,3})\.\d{1,3}", version)
    if known is None:
        raise ContractError(f"{place} says contract {version[:40]!r}, which is no version such as {VERSION}.")
    major = VERSION.partition(".")[0]
    if known[1] != major:
        raise ContractError(
            f"{place} says contract {version!r}; this service knows contract {major}.x (now {VERSION}): a version of the "
            f"application for contract {major} runs here, or another version of this service runs it.")
    return version


def _read(document: Mapping[str, Any], version: str, place: str, *, strict: bool) -> Contract:
    _known(document, "label", place, strict)
    contract = Contract(
        version=version, **{key: _text(document, key, place, "") for key in _WORDS},
        parameters=tuple(_parameter(one, where, strict) for one, where in _list(document, "parameters")),
        inputs=tuple(_input(one, where, strict) for one, where in _list(document, "inputs")),
        outputs=tuple(_output(one, where, strict) for one, where in _list(document, "outputs")),
        data=tuple(_data(one, where, strict) for one, where in _list(document, "data")),
        requires=_requires(document),
        resources=_resources(document, strict),
        network=_one_of(document, "network", place, NETWORKS, "none"),
    )
    _check_whole(contract)
    return contract


def _check_whole(contract: Contract) -> None:
    seen: set[str] = set()
    for name in [*(one.name for one in contract.parameters), *(one.name for one in contract.inputs)]:
        if name.upper() in CONTROL:
            raise ContractError(f"Parameter {name}: the name is one that the protocols use themselves; choose another.")
        if name.lower() in seen:
            raise ContractError(f"Parameter {name} is declared twice (names differ by more than their case).")
        seen.add(name.lower())
    if contract.requires and contract.network == "none":
        raise ContractError('The contract requires APIs but has network "none": it needs network "dc" to reach them.')
    if sum(one.primary for one in contract.outputs) > 1:
        raise ContractError("More than one of the outputs is primary.")
    names = [one.name for one in contract.data]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ContractError(f"The data set {twice} is asked for twice.")


def _parameter(one: Any, where: str, strict: bool) -> Parameter:
    _known(one, "parameters", where, strict)
    name = _name(one, where)
    where = f"Parameter {name}"
    parameter = Parameter(
        name=name,
        type=_one_of(one, "type", where, values.TYPES, "string"),
        unit=_text(one, "unit", where, ""), ucd=_text(one, "ucd", where, ""),
        low=_number(one, "min", where), high=_number(one, "max", where),
        choices=tuple(_scalar(choice, f"{where}: choices") for choice in _sequence(one, "choices", where)),
        default=None if one.get("default") is None else _scalar(one["default"], f"{where}: default"),
        multiplicity=_one_of(one, "multiplicity", where, MULTIPLICITIES, "0..1"),
        description=_text(one, "description", where, ""),
    )
    if parameter.type not in ("integer", "real") and (parameter.low is not None or parameter.high is not None):
        raise ContractError(f"{where}: min and max belong to integer and real parameters; it is {parameter.type}.")
    if parameter.low is not None and parameter.high is not None and parameter.low > parameter.high:
        raise ContractError(f"{where}: min is greater than max.")
    for choice in parameter.choices:
        _check_own(parameter, "choice", choice, ())
    if parameter.default is not None:
        _check_own(parameter, "default", parameter.default, parameter.choices)
    return parameter


def _check_own(parameter: Parameter, key: str, text: str, choices: tuple[str, ...]) -> None:
    problem = values.problem(text, parameter.type, parameter.low, parameter.high, choices)
    if problem:
        raise ContractError(f"Parameter {parameter.name}: its {key} {text!r} {problem}.")


def _parameter_json(one: Parameter) -> dict[str, Any]:
    document = {
        "name": one.name, "type": one.type, "unit": one.unit, "ucd": one.ucd, "min": one.low, "max": one.high,
        "choices": list(one.choices), "default": one.default, "multiplicity": one.multiplicity,
        "description": one.description,
    }
    return {key: value for key, value in document.items() if value not in ("", None, [])}


def _input(one: Any, where: str, strict: bool) -> Input:
    _known(one, "inputs", where, strict)
    name = _name(one, where)
    where = f"Input {name}"
    types = tuple(_scalar(entry, where) for entry in _sequence(one, "media_types", where))
    for entry in types:
        _check_media_type(entry, where)
    return Input(name, types, _one_of(one, "multiplicity", where, MULTIPLICITIES, "0..1"),
                 _text(one, "description", where, ""))


def _output(one: Any, where: str, strict: bool) -> Output:
    _known(one, "outputs", where, strict)
    path = _text(one, "path", where)
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ContractError(f"{where}: path {path!r} must be relative to /results and stay below it.")
    media_type = _text(one, "media_type", where, "")
    if media_type:
        _check_media_type(media_type, where)
    return Output(path, media_type, _text(one, "description", where, ""), _flag(one, "primary", where, False))


def _data(one: Any, where: str, strict: bool) -> DataSet:
    _known(one, "data", where, strict)
    name = _text(one, "name", where)
    if not _DATA_NAME.fullmatch(name):
        raise ContractError(
            f"{where}: name {name!r} must be a small letter, then up to 63 small letters, digits, - or _.")
    return DataSet(name, _text(one, "description", where, ""), _flag(one, "required", where, True))


def _check_media_type(text: str, where: str) -> None:
    if not _MEDIA_TYPE.fullmatch(text):
        raise ContractError(f"{where}: {text!r} is not a media type such as text/csv.")


def _requires(document: Mapping[str, Any]) -> tuple[str, ...]:
    found = tuple(_scalar(one, "requires") for one in _sequence(document, "requires", "The contract"))
    for one in found:
        try:
            identifiers.parse_ivoid(one)
        except identifiers.InvalidIdentifier as error:
            raise ContractError(f"requires: {error}") from None
    return found


def _resources(document: Mapping[str, Any], strict: bool) -> Resources:
    asked = document.get("resources", {})
    _known(asked, "resources", "resources", strict)
    numbers = {key: _number(asked, key, "resources") or 0 for key in _KEYS["resources"].split()}
    for key, number in numbers.items():
        if number < 0 or (key != "cores" and number != int(number)):
            kind = "number" if key == "cores" else "whole number"
            raise ContractError(f"resources: {key} must be a positive {kind}.")
    return Resources(float(numbers["cores"]), int(numbers["memory"]), int(numbers["time"]), int(numbers["disk"]))


def _known(one: Any, kind: str, where: str, strict: bool) -> None:
    if not isinstance(one, Mapping):
        raise ContractError(f"{where} must be a JSON object.")
    known = _KEYS[kind].split()
    unknown = sorted(set(one) - set(known))
    if unknown and strict:
        raise ContractError(f"{where} has the key {unknown[0]!r}; contract {VERSION} knows {', '.join(known)}.")


def _list(document: Mapping[str, Any], key: str) -> list[tuple[Any, str]]:
    return [(one, f"{key}[{index}]") for index, one in enumerate(_sequence(document, key, "The contract"))]


def _sequence(one: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = one.get(key, [])
    if not isinstance(found, list):
        raise ContractError(f"{where}: {key} must be a list.")
    return found


def _text(one: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    found = one.get(key, default)
    if not isinstance(found, str):
        raise ContractError(f"{where}: {key} {'is missing' if found is None else 'must be a text'}.")
    problem = values.text_problem(found)
    if problem:
        raise ContractError(f"{where}: {key} {problem}.")
    return found


def _flag(one: Mapping[str, Any], key: str, where: str, default: bool) -> bool:
    found = one.get(key, default)
    if not isinstance(found, bool):
        raise ContractError(f"{where}: {key} must be true or false.")
    return found


def _name(one: Mapping[str, Any], where: str) -> str:
    name = _text(one, "name", where)
    if not _NAME.fullmatch(name):
        raise ContractError(f"{where}: name {name!r} must be a letter, then up to 63 letters, digits or underscores.")
    return name


def _one_of(one: Mapping[str, Any], key: str, where: str, allowed: tuple[str, ...], default: str) -> str:
    found = _text(one, key, where, default)
    if found not in allowed:
        raise ContractError(f"{where}: {key} {found!r} is not one of {', '.join(allowed)}.")
    return found


def _number(one: Mapping[str, Any], key: str, where: str) -> float | int | None:
    found = one.get(key)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not values.finite(found):
        raise ContractError(f"{where}: {key} must be a number.")
    return found


def _scalar(one: Any, where: str) -> str:
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, int | float) and values.finite(one):
        return repr(one)
    if not isinstance(one, str):
        raise ContractError(f"{where} must be a text or a number.")
    problem = values.text_problem(one)
    if problem:
        raise ContractError(f"{where} {problem}.")
    return one
