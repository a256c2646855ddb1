"""Jobs for tests: made in the store, without a catalogue."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from registry import clock
from registry.uws import store
from registry.uws.phases import Phase
from registry.uws.store import Job

IMAGE = "127.0.0.1:5000/hr-diagram@sha256:" + "a" * 64


def job(phase: Phase = Phase.PENDING, **values: Any) -> Job:
    """A job that is not in any database."""
    given: dict[str, Any] = {
        "id": secrets.token_hex(10), "owner": None, "run_id": None, "phase": phase, "version": 1,
        "application": "ivo://north.example/app/hr-diagram", "application_version": "1.0", "image": IMAGE,
        "created": clock.fine_stamp(), "queued": None, "started": None, "ended": None, "execution_duration": 60,
        "destruction": clock.fine_stamp(clock.later(3600)), "quote": None, "limits": {}, "contract": {}, "message": "",
        "error_type": None, "error": None, "exit_code": None, "usage": {}, "node": "", "desired": store.RUN,
        "attempt": 0, "step": "", "lease": "", "beat": 0, "token_hash": None,
    }
    made = Job(**{**given, **values})
    return replace(made, rank=made.rank or made.created) if phase is Phase.QUEUED and not made.lease else made


def put(site: Any, *parameters: store.Parameter, **values: Any) -> Job:
    """A job in the site's database."""
    made = job(**values)
    with site.database.write() as connection:
        return store.insert(connection, made, parameters)


def advance(site: Any, found: Job, *phases: Phase, **values: Any) -> Job:
    """Bring a job through `phases` as a worker would; `values` go with the last of them."""
    with site.database.write() as connection:
        found = store.get(connection, found.id)
        for phase in phases:
            moved = store.move(connection, found, phase, **(values if phase is phases[-1] else {}))
            assert moved is not None
            found = moved
    return found
