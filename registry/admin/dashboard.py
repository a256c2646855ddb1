"""The first page behind the login: figures, how busy and how well it is, next steps, the newest jobs and harvests."""

from __future__ import annotations

from typing import Any

from flask import render_template
from sqlalchemy import Connection

from registry import clock
from registry.admin import drawing, figures, guard, load, remembered, twins
from registry.admin.pages import pages, site
from registry.harvest import quarantine
from registry.uws import store as jobs

JOB_KINDS = ("completed", "error", "other")


@pages.get("/")
def dashboard() -> str:
    """What is here, what runs, what to do next."""
    caller = guard.caller()
    with site().database.read() as connection:
        found = figures.public(connection)
        return render_template(
            "admin/dashboard.html",
            figures=found,
            steps=figures.next_steps(found, caller),
            runs=figures.last_runs(connection),
            conflicts=figures.conflicts(connection),
            waiting=quarantine.waiting(connection),
            jobs=jobs.listing(connection, owner=caller.name, everybody=caller.administrator, last=5),
            twin=twins.reading(site().settings, ("problems",), "problems"),
            drawing=drawing, job_kinds=JOB_KINDS,
            **_load(connection),
        )


def _load(connection: Connection) -> dict[str, Any]:
    now = clock.now()
    states, endpoints = load.endpoints(connection)
    return {
        "hours": load.jobs_per_hour(connection, now), "days": remembered.of_shelf(
            connection, f"changes {now:%Y-%m-%d}", lambda asked: load.changes_per_day(asked, now)),
        "ages": load.ages(connection, now), "engine": load.engine(connection, site().settings),
        "states": states, "endpoints": endpoints,
    }
