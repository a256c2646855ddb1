"""The datacenter's own data as jobs may read it: named folders, or volumes of the engine, and who may use each.

It says what may not be shown to a job at all; whether a caller gets a data set is decided where a job is made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

ANYONE = "anyone"  # in `roles`: callers without an account too
NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_BARRED = ("/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/boot", "/var/lib/docker", "/var/lib/containers")

Role = Literal["anyone", "reader", "runner", "publisher", "administrator"]


class DataSet(BaseModel):
    """One data set of the site: a folder's `path`, or the `volume` of the engine that holds it.

    `roles` may use it, each with all roles above it; 'anyone' is whoever may run jobs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = None
    volume: str = ""
    title: str = ""
    roles: tuple[Role, ...] = Field(("runner",), min_length=1)

    @model_validator(mode="after")
    def _in_one_place(self) -> DataSet:
        if (self.path is None) == (not self.volume):
            raise ValueError("needs either the path of a folder or a volume of the engine, and not both")
        if self.path is not None and not self.path.is_absolute():
            raise ValueError(f"path {str(self.path)!r} must be absolute")
        if self.volume and not _VOLUME.fullmatch(self.volume):
            raise ValueError(f"volume {self.volume!r} is no name of a volume")
        return self

    @property
    def open_to_anyone(self) -> bool:
        """Whether a caller without an account may use it."""
        return ANYONE in self.roles


def fault(sets: Mapping[str, DataSet], instance: Path, docker_host: str = "") -> str:
    """What is wrong with the first of `sets` that no job may be shown, as a clause; '' where nothing is."""
    for name, one in sets.items():
        if not NAME.fullmatch(name):
            return f"the name {name!r} must be a small letter, then up to 63 small letters, digits, - or _"
        if one.path is not None and (barred := _met(one.path, instance, docker_host)):
            return f"data set {name} would show {barred} to jobs: {one.path} lies in it, above it, or leads there"
    return ""


def _met(path: Path, instance: Path, docker_host: str) -> str:
    """The place that no job may see and that `path` is, lies in or holds, links followed; '' for none."""
    shown = path.resolve()
    if shown == Path("/"):
        return "this whole machine"
    return next((words for words, place in _places(instance, docker_host)
                 if shown.is_relative_to(place) or place.is_relative_to(shown)), "")


def _places(instance: Path, docker_host: str) -> Iterable[tuple[str, Path]]:
    yield "this datacenter's instance folder", instance.resolve()
    for engine in (docker_host, os.environ.get("DOCKER_HOST", "")):
        if engine.startswith("unix://"):
            yield "the engine's socket", Path(urlsplit(engine).path).resolve()
    for place in _BARRED:
        yield place, Path(place).resolve()
