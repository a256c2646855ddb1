"""Commands about jobs: run an application, look at jobs, their logs and results, stop and delete them.

They do what /jobs does, on the datacenter's own database: whoever may write the instance's folder is an administrator.
"""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from registry import access, lists
from registry.access import ADMINISTRATOR, Caller
from registry.bell import PHASES
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.cli.listed import Form, listed
from registry.dispatch import sending
from registry.errors import Denied, Refusal
from registry.lists import Asked
from registry.site import Site
from registry.uws import document, files, jobs as use_cases, store
from registry.uws.files import Upload
from registry.uws.listed import JOBS, theirs
from registry.uws.phases import COMPLETED, FINAL, HELD, QUEUED, Phase
from registry.uws.store import Job

_LOOK = 2.0  # seconds between two looks at a job that is waited for; a change of its phase is told at once
_LOG_LOOK = 0.3  # seconds between two looks at a log
_PATIENCE = 10  # seconds in the queue after which we wonder whether anybody works

_as = click.option("--as", "account", metavar="ACCOUNT", help="Act as this account; default: as an administrator.")
_job = click.argument("job_id", metavar="JOB")
_download = click.option("--download", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
                         help="Copy the results into this folder.")


_LIMITS = {
    "cores": "Cores, such as 0.5.", "memory": "Memory, such as 1GiB.", "disk": "Size of all results, such as 200MB.",
    "processes": "Processes and threads.", "log": "Size kept of stdout, and of stderr.", "time": "Seconds to execute.",
}
_CONTROLS = {**{name: name.upper() for name in _LIMITS}, "time": "EXECUTIONDURATION"}


def _limits(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a job's limits; without one the application's own or the site's default holds."""
    for name, words in reversed(_LIMITS.items()):
        command = click.option(f"--{name}", metavar="AMOUNT", help=words)(command)
    return command


class JobEnded(Refusal):
    """A job that was waited for did not end well; the message is its own."""


# --- run --------------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("app")
@click.argument("pairs", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--file", "uploads", multiple=True, metavar="NAME=PATH", help="Give the application a file (repeatable).")
@click.option("--runid", help="A name of your own for the job.")
@click.option("--at", metavar="DATACENTER", help="Run it at this datacenter (authority or title), and follow it here.")
@_limits
@click.option("--wait", is_flag=True, help="Wait for the end; exit code 0 only where the job is COMPLETED.")
@_download
@_as
@json_option
@with_site
def run(
    site: Site, app: str, pairs: tuple[str, ...], uploads: tuple[str, ...], runid: str | None, at: str | None,
    wait: bool, download: Path | None, account: str | None, as_json: bool, **limits: str | None,
) -> None:
    """Run the application APP (identifier, identifier#version or its last part) with parameters NAME=VALUE.

    A result of a job is given to an input as NAME=@job:ID/results/RESULT: nothing is downloaded.
    """
    caller = _caller(site, account)
    control = {"APP": app, "PHASE": "RUN", "RUNID": runid, **{_CONTROLS[name]: text for name, text in limits.items()}}
    given = [*((name, text) for name, text in control.items() if text), *(_pair(text) for text in pairs)]
    with ExitStack() as opened:
        parts = [Upload(name, opened.enter_context(_input(path))) for name, path in map(_pair, uploads)]
        make = use_cases.create if at is None else functools.partial(sending.send, at=at)
        job = make(site, caller, given, parts=parts)
    if not wait and download is None:
        emit(_document(site, caller, job.id), as_json, lambda: click.echo(_started(site, job)))
        return
    job = to_its_end(site, caller, job.id)
    if download is not None:
        _copy_results(site, caller, job, download)
    emit(_document(site, caller, job.id), as_json, lambda: _show_results(site, caller, job))
    if job.phase is not COMPLETED:
        raise JobEnded(f"Job {job.id} is {job.phase}: {job.error or job.message or 'it was stopped.'}")


def _started(site: Site, job: Job) -> str:
    url = document.job_url(site.settings.url("jobs"), job.id)
    why = f" ({job.message})" if job.message else ""
    return f"Job {job.id} is {job.phase}{why}: {url}"


def to_its_end(site: Site, caller: Caller, job_id: str) -> Job:
    """Wait until the job has ended, or is HELD and cannot without a person; each phase is told on stderr."""
    began, wondered = time.monotonic(), False
    with progress(f"job {job_id}") as update, site.bells.listen(PHASES) as bell:
        while True:
            job = use_cases.visible(site, caller, job_id)
            seconds = time.monotonic() - began
            update(int(seconds), f"{job.phase} {job.message}".rstrip())
            if job.phase in FINAL or job.phase is HELD:
                break
            if job.phase is QUEUED and not job.lease and not job.message and seconds > _PATIENCE and not wondered:
                wondered = True
                click.echo("The job is still in the queue: is a worker running (`registry serve`)?", err=True)
            bell.wait(_LOOK)
    click.echo(f"job {job_id}: {job.phase} after {seconds:.1f} s", err=True)
    return job


# --- look -------------------------------------------------------------------------------------------------------------


@click.group()
def jobs() -> None:
    """List jobs, show one, keep one longer."""


@jobs.command("list")
@_as
@listed(JOBS, limit=50)
@with_site
def list_(site: Site, account: str | None, asked: Asked, form: Form) -> None:
    """List jobs, newest first."""
    with site.database.read() as connection:
        page = lists.page(connection, asked, *theirs(_caller(site, account)))
    refs = [store.Reference(job.id, Phase(job.phase), job.run_id, job.owner, job.created) for job in page.rows]
    form.show(page, lambda: table(
        ("job", "phase", "owner", "application", "made", "run id"),
        ((job.id, job.phase, job.owner or "", job.application, job.created, job.run_id or "") for job in page.rows),
        empty="There are no such jobs; `registry run APP` makes one."), document.list_json(refs, site.settings.url("jobs")))


@jobs.command("show")
@_job
@_as
@json_option
@with_site
def show(site: Site, job_id: str, account: str | None, as_json: bool) -> None:
    """Show a job: phases, parameters, results, what went wrong."""
    caller = _caller(site, account)
    found = use_cases.details(site, caller, job_id)
    with site.database.read() as connection:
        history = store.history(connection, job_id)
    emit(_document(site, caller, job_id), as_json, lambda: _show(found, history))


def _show(found: use_cases.Details, history: list[store.PhaseChange]) -> None:
    job = found.job
    lines = [("job", job.id), ("phase", job.phase), ("owner", job.owner), ("run id", job.run_id), ("error", job.error),
             *document.job_info(job).items()]
    rows = [(name, _plain(value)) for name, value in lines if value is not None]
    rows += [(change.phase, change.at) for change in history]
    rows += [(f"parameter {item.name}", item.value) for item in found.parameters]
    rows += [(f"result {item.id}", f"{item.size} bytes, {item.media_type}") for item in found.results]
    table(("what", "value"), rows, empty="")


@jobs.command()
@_job
@click.argument("until")
@_as
@json_option
@with_site
def keep(site: Site, job_id: str, until: str, account: str | None, as_json: bool) -> None:
    """Keep a job with its results until UNTIL (ISO 8601, UTC), up to the site's lifetime of jobs from now."""
    caller = _caller(site, account)
    done = use_cases.set_destruction(site, caller, job_id, until)
    emit(_document(site, caller, job_id), as_json, lambda: click.echo(f"Job {job_id} is kept until {done.destruction}."))


def _plain(value: Any) -> str:
    return ", ".join(f"{name} {one}" for name, one in value.items()) if isinstance(value, dict) else str(value)


@click.command()
@_job
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@_as
@with_site
def logs(site: Site, job_id: str, follow: bool, account: str | None) -> None:
    """Print what a job has written: its stdout to stdout, its stderr to stderr."""
    caller = _caller(site, account)
    job = use_cases.visible(site, caller, job_id)
    offsets = dict.fromkeys(files.STREAMS, 0)
    with site.bells.listen(PHASES) as bell:
        while True:
            job = use_cases.visible(site, caller, job_id)  # before its log: what it wrote last is then read too
            _print_logs(site, job, offsets)
            if job.final or not follow:
                return
            bell.wait(_LOG_LOOK)


def _print_logs(site: Site, job: Job, offsets: dict[str, int]) -> None:
    for stream, since in offsets.items():
        found, since = use_cases.log(site, job, stream, since)
        while found:
            click.echo(found, nl=False, err=stream == "stderr")
            found, since = use_cases.log(site, job, stream, since)
        offsets[stream] = since


@click.command()
@_job
@_download
@_as
@json_option
@with_site
def results(site: Site, job_id: str, download: Path | None, account: str | None, as_json: bool) -> None:
    """List and download a job's results."""
    caller = _caller(site, account)
    found = use_cases.details(site, caller, job_id)
    if download is not None:
        _copy_results(site, caller, found.job, download)
    listed = document.results_json(found.job, found.results, site.settings.url("jobs"))
    emit(listed, as_json, lambda: _show_results(site, caller, found.job))


def _show_results(site: Site, caller: Caller, job: Job) -> None:
    rows = ((item.id, item.size, item.media_type) for item in use_cases.details(site, caller, job.id).results)
    table(("result", "bytes", "type"), rows, empty=f"Job {job.id} is {job.phase} and has no results.")


def _copy_results(site: Site, caller: Caller, job: Job, folder: Path) -> None:
    found = use_cases.details(site, caller, job.id).results
    with progress("results", total=len(found)) as update:
        for number, item in enumerate(found, start=1):
            source, _ = use_cases.file_of(site, job, item.id)
            target = folder / item.id
            if not target.resolve().is_relative_to(folder.resolve()):
                raise Refusal(f"Result {item.id!r} would lie outside {folder}: it is not copied.")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            update(number, item.id)
    click.echo(f"{len(found)} results are in {folder}.", err=True)


# --- stop and delete --------------------------------------------------------------------------------------------------


@click.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@_as
@with_site
def abort(site: Site, job_ids: tuple[str, ...], account: str | None) -> None:
    """Stop jobs; their results so far are kept."""
    caller = _caller(site, account)
    for job_id in job_ids:
        job = use_cases.abort(site, caller, job_id)
        click.echo(f"Job {job_id} is {job.phase}." if job.final else f"Job {job_id} is being stopped.")


@click.command()
@click.argument("job_ids", metavar="JOB...", nargs=-1, required=True)
@_as
@with_site
def rm(site: Site, job_ids: tuple[str, ...], account: str | None) -> None:
    """Delete jobs with their results."""
    caller = _caller(site, account)
    for job_id in job_ids:
        use_cases.delete(site, caller, job_id)
        click.echo(f"Job {job_id} is deleted.")


# --- what the commands share ------------------------------------------------------------------------------------------


def _caller(site: Site, account: str | None) -> Caller:
    """Who acts. Without an account a job's owner is nobody where the site has such jobs, else this command line."""
    if account is None:
        return Caller(None if site.settings.anonymous_jobs else who(), ADMINISTRATOR)
    with site.database.read() as connection:
        found = access.get_account(connection, account)
    if found.disabled:
        raise Denied(f"The account {account} is disabled: act as another.")
    return Caller(found.name, found.role)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{text!r} is not NAME=VALUE.")
    return name, value


@contextmanager
def _input(path: str) -> Iterator[Any]:
    try:
        with Path(path).open("rb") as file:
            yield file
    except OSError as error:
        raise Refusal(f"{path} cannot be read: {error.strerror}.") from None


def _document(site: Site, caller: Caller, job_id: str) -> dict[str, Any]:
    found = use_cases.details(site, caller, job_id)
    return document.job_json(found.job, found.parameters, found.results, site.settings.url("jobs"))
