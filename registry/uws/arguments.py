"""A request's parameters as UWS and DALI read them: names in any case, some given once, some often. No HTTP here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from registry.uws import values
from registry.uws.errors import BadValue

XML_NAMES, JSON_NAMES = ("xml", "text/xml", "application/xml"), ("json", "application/json")

_Choice = TypeVar("_Choice")


class Arguments:
    """Parameters by name, whatever its case (DALI 1.1 §2.3.1). What is not as it must be raises BadValue."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.upper(), []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of `name`."""
        return self._values.get(name, [])

    def single(self, name: str) -> str | None:
        """The value of `name`, none where it is not given."""
        found = self.all(name)
        if len(found) > 1:
            raise BadValue(f"{name} is given {len(found)} times; give it once.")
        return found[0] if found else None

    def needed(self, name: str) -> str:
        """The value of `name`, which must be there."""
        found = self.single(name)
        if found is None:
            raise BadValue(f"{name} is missing: send it as a form's field of that name.")
        return found

    def choice(self, name: str, choices: Mapping[str, _Choice]) -> _Choice:
        """What the value of `name` stands for."""
        text = self.needed(name)
        if text not in choices:
            raise BadValue(f"{name}={values.shown(text)} cannot be asked for here; {' or '.join(choices)} can.")
        return choices[text]

    def wants_json(self, accepted: bool) -> bool:
        """Whether RESPONSEFORMAT names JSON; `accepted` decides where it is not given."""
        name = self.single("RESPONSEFORMAT")
        if name is None:
            return accepted
        if name.lower() not in XML_NAMES + JSON_NAMES:
            raise BadValue(f"RESPONSEFORMAT={values.shown(name)} is not offered; xml and json are.")
        return name.lower() in JSON_NAMES
