"""Whether there is room on a disk for new work to begin. It measures, and stops nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.config import Settings

_MIB = 2**20


def shortage(settings: Settings, folder: Path | None = None, whose: str = "instance") -> str:
    """One sentence when less is free than free_space wants on the disk of `folder` (default: the instance's); else ''."""
    place = folder or settings.instance
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return f"The {whose}'s disk cannot be read: {error.strerror}."
    if free >= settings.free_space:
        return ""
    return (f"The {whose}'s disk is nearly full: {free // _MIB} MiB are free where {settings.free_space // _MIB} must be "
            "(free_space); jobs start again when there is room.")
