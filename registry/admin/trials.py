"""Trying a source on a page: what a harvest would make of its first page of records, before one is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import render_template

from registry.admin import sources as source_pages, twins
from registry.admin.pages import pages, site
from registry.errors import Refusal
from registry.harvest import trial
from registry.harvest.trial import Trial

SHOWN = 20_000  # characters of a record


@pages.post("/sources/<name>/test")
def source_test(name: str) -> str | tuple[str, int]:
    """Fetch its first page and judge it; nothing is kept."""
    source, found, problem = source_pages.named(name), None, ""
    try:
        found = trial.trial(site(), source)
    except Refusal as error:
        problem = str(error)
    twin = twins.of_api(site().settings, ("harvest", "test", source.name), f"sources/{source.name}/test")
    shown = render_template("admin/source_trial.html", source=source, found=found, problem=problem, shown=SHOWN, twin=twin)
    return (shown, 502) if problem else shown


def describe(found: Trial) -> dict[str, Any]:
    """A trial as JSON."""
    problems = [{"ivoid": one.ivoid, "reason": one.reason, **asdict(one.place),
                 "record": (one.raw or b"").decode("utf-8", "replace")} for one in found.problems]
    return {"source": found.source, "read": found.read, **found.counts, "list_size": found.list_size, "pages": found.pages,
            "faults": [{"reason": words, "count": count, "example": example} for words, count, example in found.faults],
            "problems": problems}
