"""What a job may take: cores, memory, disk, processes, log. Its maker may ask for more or less, up to the site's most.

Which control parameter sets which limit, how values are written, and what keeps a job from running on this site. What a
container is really given is clamped once more where it is made: nothing here is trusted there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from registry.applications.contract import Resources
from registry.config import Settings
from registry.uws import kinds, values
from registry.uws.errors import BadValue
from registry.uws.store import Job

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([a-z]*)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", start=1)},
          **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", start=1)}}
_BINARY = ("TiB", "GiB", "MiB", "KiB")


@dataclass(frozen=True)
class Limit:
    """One limit: `name` in the job's row and in the settings job_NAME and job_NAME_max, `least` that makes sense."""

    name: str
    least: float
    words: str

    @property
    def control(self) -> str:
        """The control parameter that sets it."""
        return self.name.upper()

    def amount(self, value: float) -> str:
        """So much of it, in words: `512 MiB of memory`."""
        return f"{size(value) if 'bytes' in _HOW[self.name] else f'{value:g}'}{self.words}"


LIMITS = (
    Limit("cores", 0.01, " cores"), Limit("memory", 2**24, " of memory"), Limit("disk", 2**12, " of results"),
    Limit("processes", 2, " processes"), Limit("log", 2**12, " of log"),
)
CONTROLS = {limit.control: limit for limit in LIMITS}
_SIZES = "bytes, or a number with kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024)"
_HOW = {"cores": "a number of cores, such as 0.5", "processes": "a whole number", "memory": _SIZES, "disk": _SIZES,
        "log": _SIZES}


def chosen(settings: Settings, asked: Resources, control: Mapping[str, str]) -> dict[str, float]:
    """A job's limits by name: what its maker says, else what the application asks for, else the site's default.

    Raises BadValue for what is no amount, too little for any job, or more than the site gives one. What the
    application asks for is taken as it is: whether it can be had is `obstacle`'s.
    """
    return {limit.name: _read(settings, limit, control[limit.control]) if control.get(limit.control, "").strip()
            else max(getattr(asked, limit.name, 0) or settings.given(limit.name), limit.least) for limit in LIMITS}


def obstacle(settings: Settings, job: Job) -> str:
    """Why the job cannot run on this site as it is, in one sentence; '' where it can."""
    for limit in LIMITS:
        wanted, most = job.limits.get(limit.name, 0), settings.most(limit.name)
        if wanted > most:
            return (f"The job asks for {limit.amount(wanted)} and this site gives at most {limit.amount(most)}: an "
                    f"administrator may raise job_{limit.name}_max and RUN be asked for again, or the job be made anew "
                    f"with {limit.control}.")
    if job.execution_duration > (most := kinds.most_time(settings, job.kind)):
        return (f"The job asks for {job.execution_duration} seconds and this site gives at most "
                f"{most}: set its executionDuration, or have an administrator raise job_time_max, "
                "then ask for RUN again.")
    return ""


def size(count: float) -> str:
    """A number of bytes for people, in the largest binary unit that leaves no more than three decimals."""
    for power, unit in zip(range(4, 0, -1), _BINARY, strict=True):
        if count >= 1024**power:
            return f"{count / 1024**power:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{count:g} bytes"


def _read(settings: Settings, limit: Limit, text: str) -> float:
    value = _value(limit, text.strip())
    shown = f"{limit.control}={values.shown(text)}"
    if value is None:
        raise BadValue(f"{shown} is no amount{limit.words}: give {_HOW[limit.name]}.")
    most = settings.most(limit.name)
    if value < limit.least:
        raise BadValue(f"{shown} is too little for any job: give {limit.amount(limit.least)} or more.")
    if value > most:
        raise BadValue(f"{shown} is more than a job may have here: this site gives {limit.amount(most)} at most.")
    return value


def _value(limit: Limit, text: str) -> float | None:
    if limit.name == "cores":
        return float(text) if _NUMBER.fullmatch(text) else None
    if limit.name == "processes":
        return int(text) if _NUMBER.fullmatch(text) and "." not in text else None
    found = _SIZE.fullmatch(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return int(float(found[1]) * _UNITS[found[2].lower()])
