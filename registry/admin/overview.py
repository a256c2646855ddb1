"""Pages for whoever keeps this place in order: what is wrong, and the settings. They change nothing."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template

from registry import config_file, lists
from registry.admin import guard, listed, problems as gathering, twins
from registry.admin.pages import pages, site
from registry.admin.problem_list import MOST, PROBLEMS, Line, lines
from registry.config import CONFIG_FILE, ENV_PREFIX
from registry.lists import Page


@pages.get("/problems", defaults={"suffix": ""})
@pages.get("/problems.<any(csv, json):suffix>")
def problems(suffix: str) -> Response | str:
    """Everything that failed, waits, is in conflict or is not well, and where it is mended; by kind, or as a list."""
    asked = listed.asked(PROBLEMS)
    if suffix:
        return listed.as_file(listing(), suffix)
    twin = listed.twin(asked, ("problems",), "problems")
    if asked.searching or asked.after or asked.sort != PROBLEMS.sort:
        return render_template("admin/problem_list.html", page=listing(), twin=twin)
    with site().database.read() as connection:
        found = gathering.gather(connection, guard.caller())
    whole: Page[Line] = Page(asked, [], sum(kind.count for kind in found), True, None, None)
    return render_template("admin/problems.html", kinds=found, page=whole, twin=twin)


def listing() -> Page[Line]:
    """What the page and the API do alike."""
    asked = listed.asked(PROBLEMS)
    with site().database.read() as connection:
        found = gathering.gather(connection, guard.caller(), MOST)
    return lists.page_of(lines(found), asked)


@pages.get("/settings")
def settings() -> str:
    """Every setting, and where its value comes from."""
    return render_template(
        "admin/settings.html", rows=config_file.origins(site().settings), file=CONFIG_FILE, prefix=ENV_PREFIX,
        twin=twins.reading(site().settings, ("config",), "settings"))


def told(page: Page[Line]) -> list[dict[str, Any]]:
    """The problems as programs read them: addresses are whole."""
    def address(path: str) -> str | None:
        return site().settings.url(path[1:]) if path.startswith("/") else path or None

    return [{**PROBLEMS.told(one), "since": one.since or None, "mend": address(one.href), "raw": address(one.raw)}
            for one in page.rows]
