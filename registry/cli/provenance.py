"""Commands about what a job was: its run record, and the same run once more."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import click

from registry.access import ADMINISTRATOR, Caller
from registry.applications import catalogue
from registry.cli.common import emit, json_option, who, with_site
from registry.cli.jobs import to_its_end
from registry.dispatch import sending
from registry.errors import Conflict, NotFound
from registry.site import Site
from registry.uws import jobs as use_cases, kinds, record as records
from registry.uws.files import Upload
from registry.uws.store import Job

_CONTROLS = ("cores", "memory", "disk", "processes", "log")


@click.command()
@click.argument("job_id", metavar="JOB")
@with_site
def record(site: Site, job_id: str) -> None:
    """Print the run record of a job: image, parameters, endpoints, inputs, results with checksums, limits, usage."""
    click.echo(json.dumps(_record(site, _caller(site), job_id), indent=2, ensure_ascii=False))


@click.command()
@click.argument("job_id", metavar="JOB")
@json_option
@with_site
def rerun(site: Site, job_id: str, as_json: bool) -> None:
    """Run JOB once more, with the same image, parameters, inputs and limits, and say what differs."""
    caller = _caller(site)
    found = use_cases.details(site, caller, job_id)
    if found.job.kind == kinds.QUERIES:
        raise Conflict(f"Job {job_id} is a query: `registry query` asks it again.")
    if not found.job.final:
        raise Conflict(f"Job {job_id} is {found.job.phase}: it can be repeated once it has ended.")
    made = to_its_end(site, caller, _again(site, caller, found).id)
    old, new = _record(site, caller, job_id), _record(site, caller, made.id)
    differs = records.differences(old, new)
    emit({"job": made.id, "of": job_id, "phase": new["phase"], "differences": differs}, as_json, lambda: click.echo(
        "\n".join([f"Job {made.id} is {new['phase']}.", *(differs or ["Nothing differs."])])))


def _again(site: Site, caller: Caller, found: use_cases.Details) -> Job:
    job = found.job
    app = f"{job.application}#{job.application_version}" if job.application_version else job.application
    with site.database.read() as connection:
        offer = catalogue.pick(connection, app)
        if offer.image != job.image:  # another image has the version's name now; the one that ran may still be on offer
            exact = f"{job.application}#{job.image.partition('@')[2]}"
            with contextlib.suppress(NotFound):
                offer, app = catalogue.pick(connection, exact), exact
    if offer.image != job.image:
        raise Conflict(f"{app} is another image now ({offer.image}) than job {job.id} ran ({job.image}): what runs now "
                       "would be another run.")
    pairs = [("APP", app), ("PHASE", "RUN"), ("EXECUTIONDURATION", str(job.execution_duration))]
    pairs += [(name.upper(), f"{job.limits[name]:g}" if name == "cores" else str(int(job.limits[name])))
              for name in _CONTROLS if name in job.limits]
    pairs += [(one.name, one.value) for one in found.parameters if not one.by_reference]
    elsewhere = job.node if job.node.startswith("ivo://") else ""
    parts = [Upload(one.name, use_cases.input_of(site, job, one), one.origin)
             for one in found.parameters if one.by_reference]
    if elsewhere:
        return sending.send(site, caller, pairs, elsewhere, parts)
    return use_cases.create(site, caller, pairs, parts)


def _record(site: Site, caller: Caller, job_id: str) -> dict[str, Any]:
    found = use_cases.details(site, caller, job_id)
    return records.document(site, found.job, found.parameters, found.results)


def _caller(site: Site) -> Caller:
    return Caller(None if site.settings.anonymous_jobs else who(), ADMINISTRATOR)
