"""The instance's config.toml as people and commands see it: written without losing a line, and each value's origin told.

What the settings mean is `registry.config`'s.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from registry.config import CONFIG_FILE, ENV_PREFIX, ConfigError, Settings
from registry.errors import Conflict


@dataclass(frozen=True)
class Origin:
    """One setting: its value, where that comes from (environment, file, default), what it is for."""

    key: str
    value: Any
    origin: str
    description: str


def write(instance: Path, settings: dict[str, Any]) -> None:
    """Add the settings to the instance's file; what stands there already stays as it is.

    Raises Conflict when a key stands there with another value, ConfigError for an unknown key.
    """
    present = check(instance, settings)
    file = instance / CONFIG_FILE
    instance.mkdir(parents=True, exist_ok=True)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    lines = [_line(key, value) for key, value in settings.items() if key not in present and value not in ("", None)]
    if lines:
        table = re.search(r"^\s*\[", text, re.MULTILINE)  # what comes behind its head is the table's
        before, after = (text[:table.start()], text[table.start():]) if table else (text, "")
        joint = "" if not before or before.endswith("\n") else "\n"
        _replace(file, before + joint + "\n".join(lines) + "\n" + after)


def check(instance: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """What the instance's file holds, where `settings` may be added to it. Raises Conflict and ConfigError as `write`."""
    file = instance / CONFIG_FILE
    present = _read(file)
    for key in settings:
        _known(key)
    changed = [key for key, value in settings.items() if key in present and present[key] != value]
    if changed:
        raise Conflict(f"{file} says {_line(changed[0], present[changed[0]])}, not {settings[changed[0]]!r}: "
                       "edit it there if that is wanted.")
    return present


def from_text(key: str, text: str) -> Any:
    """The value of the setting `key` that `text` stands for; items of a list are separated by commas.

    Raises ConfigError.
    """
    kind = _known(key).annotation
    if kind == list[str]:
        return [item.strip() for item in text.split(",") if item.strip()]
    if key in ("data", "oidc"):
        raise ConfigError(f"Setting {key!r} holds tables: write them into config.toml, as docs/operating.md shows.")
    if kind == list[int]:
        return [from_number(key, item) for item in text.split(",") if item.strip()]
    try:
        value = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raise ConfigError(f"Setting {key!r} cannot be {text!r}: {error.errors()[0]['msg']}.") from None
    return str(value) if isinstance(value, Path) else value


def from_number(key: str, text: str) -> int:
    """A whole number in a list. Raises ConfigError."""
    if not text.strip().isdigit():
        raise ConfigError(f"Setting {key!r} holds whole numbers, and {text.strip()!r} is none.")
    return int(text)


def origins(settings: Settings) -> list[Origin]:
    """Every setting, in the order of `registry.config`, to be shown: without the database's password."""
    present = _read(settings.instance / CONFIG_FILE)
    return [
        Origin(key, _shown(key, getattr(settings, key)), _origin(key, present), field.description or "")
        for key, field in Settings.model_fields.items()
    ]


def _shown(key: str, value: Any) -> Any:
    """The value without what is secret in it: passwords in addresses, and behind a hook's host everything."""
    if key == "data":
        return {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in value.items()}
    if key == "oidc":
        return value.model_dump(mode="json", exclude_defaults=True) if value else ""
    if key == "webhooks":
        return [re.sub(r"^(https?://)(?:[^/@]*@)?([^/]*).*$", r"\1\2/***", one) for one in value]
    if key != "database_url":
        return value
    return re.sub(r"([?&]password=)[^&]*", r"\1***", re.sub(r"(://[^/@]*?):[^/]*@", r"\1:***@", value))


def _origin(key: str, present: dict[str, Any]) -> str:
    if ENV_PREFIX + key.upper() in os.environ:
        return "environment"
    if key == "instance":
        return "command"
    return CONFIG_FILE if key in present else "default"


def _known(key: str) -> Any:
    if key not in Settings.model_fields or key == "instance":
        raise ConfigError(f"There is no setting {key!r}: `registry config` lists them.")
    return Settings.model_fields[key]


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}; correct it and try again.") from None


def _line(key: str, value: Any) -> str:
    return f"{key} = {json.dumps(value)}"  # for texts, numbers, booleans and lists of them JSON is TOML


def _replace(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
