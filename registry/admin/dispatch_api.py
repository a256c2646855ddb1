"""The part of the JSON API that is about jobs: what UWS has no word for, to run one elsewhere and to look through them."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request

from registry.admin import applications as pages, jobs as job_pages, listed
from registry.admin.api import BadBody
from registry.admin.pages import api, site
from registry.uws import document

_TEXTS = ("app", "at", "run_id")


@api.get("/jobs")
def jobs() -> Response:
    """One's own jobs; an administrator's list holds everybody's."""
    return listed.as_json(job_pages.listing())


@api.post("/jobs")
def jobs_add() -> tuple[Response, int]:
    """Make a job of ours that runs, here or `at` a datacenter; it is followed under its own address like any other."""
    given = _body()
    pairs = [("APP", given["app"]), ("PHASE", "RUN"), *([("RUNID", given["run_id"])] if given.get("run_id") else [])]
    job = pages.run([*pairs, *_pairs(given.get("parameters", {}))], given.get("at", ""))
    jobs_url = site().settings.url("jobs")
    answer = jsonify(document.job_json(job, (), (), jobs_url))
    answer.headers["Location"] = document.job_url(jobs_url, job.id)
    return answer, 201


def _body() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise BadBody("The body is not a JSON object: send one with Content-Type: application/json.")
    for name, value in found.items():
        if name not in (*_TEXTS, "parameters"):
            raise BadBody(f"The key {name[:60]!r} is unknown here: app, at, parameters, run_id can be given.")
        if name in _TEXTS and not isinstance(value, str):
            raise BadBody(f"The key {name!r} must be a text.")
    if not found.get("app", "").strip():
        raise BadBody("The key 'app' is needed.")
    return found


def _pairs(parameters: object) -> list[tuple[str, str]]:
    """The application's parameters, and the job's limits by their control parameters."""
    if not isinstance(parameters, dict):
        raise BadBody("The key 'parameters' must be an object: a value, or a list of values, by name.")
    found = []
    for name, value in parameters.items():
        if name.upper() in ("APP", "PHASE", "RUNID", "UPLOAD"):
            raise BadBody(f"The parameter {name[:60]!r} is not one of an application.")
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, str | int | float):
                raise BadBody(f"The parameter {name[:60]!r} must be a text, a number, true or false, or a list of such.")
            found.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return found
