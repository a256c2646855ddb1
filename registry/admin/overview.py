"""Pages for whoever keeps this place in order: what is wrong, and the settings. They change nothing."""

from __future__ import annotations

from typing import Any

from flask import render_template

from registry import config_file
from registry.admin import guard, problems as gathering, twins
from registry.admin.pages import pages, site
from registry.config import CONFIG_FILE, ENV_PREFIX


@pages.get("/problems")
def problems() -> str:
    """Everything that failed, waits, is in conflict or is not well, and where it is mended."""
    with site().database.read() as connection:
        found = gathering.gather(connection, guard.caller())
    return render_template("admin/problems.html", kinds=found, twin=twins.reading(site().settings, ("problems",), "problems"))


@pages.get("/settings")
def settings() -> str:
    """Every setting, and where its value comes from."""
    return render_template(
        "admin/settings.html", rows=config_file.origins(site().settings), file=CONFIG_FILE, prefix=ENV_PREFIX,
        twin=twins.reading(site().settings, ("config",), "settings"))


def told(found: list[gathering.Kind]) -> list[dict[str, Any]]:
    """The problems as programs read them."""
    def address(path: str) -> str:
        return path if not path.startswith("/") else site().settings.url(path[1:])

    return [{"kind": kind.name, "count": kind.count, "problems": [
        {"subject": one.subject, "words": one.words, "since": one.since or None, "mend": address(one.href),
         "raw": address(one.raw) or None} for one in kind.problems]} for kind in found]
