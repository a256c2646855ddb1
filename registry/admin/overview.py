"""Pages for whoever keeps this place in order: what is wrong, who did what, the settings. They change nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import render_template, request

from registry import access, config_file, trail
from registry.admin import guard, problems as gathering, twins
from registry.admin.pages import pages, site
from registry.config import CONFIG_FILE, ENV_PREFIX
from registry.trail import Wanted

AUDIT_PAGE = 100


@pages.get("/problems")
def problems() -> str:
    """Everything that failed, waits, is in conflict or is not well, and where it is mended."""
    with site().database.read() as connection:
        found = gathering.gather(connection, guard.caller())
    return render_template("admin/problems.html", kinds=found, twin=twins.reading(site().settings, ("problems",), "problems"))


@pages.get("/audit")
def audit() -> str:
    """Who did what, newest first; the whole state is in the address."""
    wanted, before = wanted_of_audit()
    with site().database.read() as connection:
        found = trail.entries(connection, wanted, before=before, limit=AUDIT_PAGE + 1)
        actions = trail.actions(connection)
        people = [one.name for one in access.accounts(connection)]
    options = [part for name, value in asdict(wanted).items() if value for part in (f"--{name}", value)]
    twin = twins.reading(site().settings, ("audit", *options), "audit", asdict(wanted))
    return render_template("admin/audit.html", entries=found[:AUDIT_PAGE], more=len(found) > AUDIT_PAGE, wanted=wanted,
                           actions=actions, people=people, before=before, twin=twin)


def wanted_of_audit() -> tuple[Wanted, int]:
    """What the address narrows the trail down to, and the number to go on before."""
    said = {name: request.args.get(name, "").strip()[:200] for name in ("who", "action", "since", "words")}
    return Wanted(**said), request.args.get("before", 0, type=int)


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
