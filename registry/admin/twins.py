"""The same act without the page: the command line and the curl line that each writing page shows."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from registry.config import Settings


@dataclass(frozen=True)
class Twin:
    """Two lines for a shell."""

    command: str
    curl: str


def command(*words: str) -> str:
    """A call of `registry`, quoted for a shell."""
    return shlex.join(("registry", *words))


def of_api(settings: Settings, words: tuple[str, ...], path: str, body: dict[str, Any] | None = None) -> Twin:
    """The command, and a POST of JSON to `path` below /api."""
    line = ["curl", "-X", "POST", "-H", "Authorization: Bearer TOKEN"]
    if body is not None:
        line += ["-H", "Content-Type: application/json", "-d", json.dumps(body, ensure_ascii=False)]
    return Twin(command(*words), shlex.join([*line, settings.url(f"api/{path}")]))


def reading(settings: Settings, words: tuple[str, ...], path: str, query: dict[str, str] | None = None) -> Twin:
    """The command, and a GET of JSON from `path` below /api."""
    given = {name: value for name, value in (query or {}).items() if value}
    url = settings.url(f"api/{path}") + (f"?{urlencode(given)}" if given else "")
    return Twin(command(*words), shlex.join(["curl", "-H", "Authorization: Bearer TOKEN", url]))


def open_to_all(
    settings: Settings, words: tuple[str, ...], path: str, query: dict[str, str] | None = None, accept: str = "",
) -> Twin:
    """The command, and a GET of `path` as anybody may send it."""
    given = {name: value for name, value in (query or {}).items() if value}
    line = ["curl", *(["-H", f"Accept: {accept}"] if accept else [])]
    return Twin(command(*words), shlex.join([*line, settings.url(path) + (f"?{urlencode(given)}" if given else "")]))


def for_templates(settings: Settings) -> dict[str, Callable[..., Twin]]:
    """What templates call for lines of their own: a GET that anybody may send, and a POST to the API."""
    return {"twin_of": partial(open_to_all, settings), "twin_of_api": partial(of_api, settings)}


def of_uws(
    settings: Settings, words: tuple[str, ...], path: str, fields: list[tuple[str, str]], method: str = "POST",
    files: tuple[str, ...] = (),
) -> Twin:
    """The command, and a request of the UWS job list with form fields, and `files` that lie under their own names."""
    line = ["curl", "-X", method, "-H", "Authorization: Bearer TOKEN"]
    for name, value in fields:
        line += ["--form-string" if files else "--data-urlencode", f"{name}={value}"]
    for name in files:
        line += ["-F", f"{name}=@{name}"]
    return Twin(command(*words), shlex.join([*line, settings.url(path)]))
