"""The first page behind the login: figures, next steps, the newest jobs and harvests."""

from __future__ import annotations

from flask import render_template

from registry.admin import figures, guard
from registry.admin.pages import pages, site
from registry.harvest import quarantine
from registry.uws import store as jobs


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
        )
