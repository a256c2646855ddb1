"""Jobs on pages: the list, one job as it goes along, its log and results, and the buttons that stop and remove it.

Whose job somebody may see is decided by the loader of `registry.uws.jobs`. Results are what a container wrote:
they are given for download, and never as pages of ours.
"""

from __future__ import annotations

import codecs
from typing import Any
from urllib.parse import quote

from flask import Response as FlaskResponse, flash, jsonify, redirect, render_template, request, send_file
from werkzeug.wrappers import Response

from registry import access, clock, lists
from registry.admin import drawing, guard, job_facts, listed, sure, twins
from registry.admin.pages import pages, site
from registry.errors import NotFound
from registry.lists import Page
from registry.uws import jobs as use_cases, place, store
from registry.uws.errors import BadValue, WrongPhase
from registry.uws.files import STREAMS
from registry.uws.listed import JOBS, theirs
from registry.uws.phases import STARTABLE
from registry.uws.store import Job, Result

SHOWN_LOG = 64 * 1024  # characters at the end of a stream that the page shows at first
SHOWN_TEXT = 4000  # characters of a text result that the page shows
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_OF_BYTES = {"memory": "memory", "disk": "results", "log": "log", "result_bytes": "results"}
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@pages.get("/jobs", defaults={"suffix": ""})
@pages.get("/jobs.<any(csv, json):suffix>")
def jobs(suffix: str) -> Response | str:
    """The jobs that the caller may see: a page, CSV or JSON."""
    page = listing()
    if suffix:
        return listed.as_file(page, suffix)
    return render_template("admin/jobs.html", page=page, twin=listed.twin(page.asked, ("jobs", "list"), "jobs"))


def listing() -> Page[Any]:
    """What the page and the API do alike: the caller's jobs, and an administrator's list holds everybody's."""
    with site().database.read() as connection:
        return lists.page(connection, listed.asked(JOBS), *theirs(guard.caller()))


@pages.get("/jobs/<job_id>")
def job(job_id: str) -> str:
    """One job: where it is, what it was given, what it says, what it made."""
    return _page(job_id)


def _page(job_id: str, problem: str = "", until: str = "") -> str:
    found = use_cases.visible(site(), guard.caller(), job_id)
    with site().database.read() as connection:
        parameters = store.parameters(connection, job_id)
        results = store.results(connection, job_id)
        history = store.history(connection, job_id)
        cited = job_facts.cite(connection, site().settings, found)
    return render_template(
        "admin/job.html",
        job=found,
        parameters=parameters,
        results=results,
        history=history,
        state=describe(found),
        logs={stream: _end_of_log(found, stream) for stream in STREAMS},
        startable=found.phase in STARTABLE,
        picture=next((one for one in results if one.media_type.split(";")[0] in PICTURES), None),
        text=_text_of(found, results),
        twin=_twin(found),
        amount=amount,
        size=size,
        uses=job_facts.uses(found),
        drawing=drawing,
        cited=cited,
        problem=problem,
        until=until or found.destruction[:16],
        latest=clock.stamp(clock.later(site().settings.job_lifetime))[:16],
        keep_twin=twins.of_uws(site().settings, ("jobs", "keep", found.id, found.destruction[:16]),
                               f"jobs/{found.id}/destruction", [("DESTRUCTION", found.destruction[:16])]),
    )


@pages.get("/jobs/<job_id>/state")
def job_state(job_id: str) -> FlaskResponse:
    """What the page's script asks for: the phase, and each stream's text from the offset given under its name."""
    found = use_cases.visible(site(), guard.caller(), job_id)
    log = {stream: _part(found, stream, request.args.get(stream, 0, type=int)) for stream in STREAMS}
    return jsonify({**describe(found), "log": log})


@pages.get("/jobs/<job_id>/log/<stream>")
def job_log(job_id: str, stream: str) -> Response:
    """A whole stream, for download."""
    found = use_cases.visible(site(), guard.caller(), job_id)
    if stream not in STREAMS:
        raise NotFound(f"A job has no stream {stream}: {' and '.join(STREAMS)} are there.")
    return _as_file(Response(_whole_log(found, stream), content_type="text/plain; charset=utf-8"), f"{stream}.txt")


@pages.get("/jobs/<job_id>/results/<path:result_id>")
def job_result(job_id: str, result_id: str) -> Response:
    """One result, for download."""
    found = use_cases.visible(site(), guard.caller(), job_id)
    path, result = use_cases.file_of(site(), found, result_id)
    return _as_file(send_file(path, mimetype=result.media_type, conditional=True), result.path.rpartition("/")[2])


@pages.post("/jobs/<job_id>/start")
def job_start(job_id: str) -> Response:
    """Put a job that waits for its maker into the queue."""
    use_cases.run(site(), guard.caller(), job_id)
    _audit("start job", job_id)
    return _back(job_id)


@pages.post("/jobs/<job_id>/abort")
def job_abort(job_id: str) -> Response:
    """Stop the job; what it has made so far is kept."""
    abort(job_id)
    flash("The job is told to stop.", "success")
    return _back(job_id)


def abort(job_id: str) -> None:
    """What one button and many ticks do alike. Raises Refusal."""
    use_cases.abort(site(), guard.caller(), job_id)
    _audit("abort job", job_id)


@pages.post("/jobs/<job_id>/keep")
def job_keep(job_id: str) -> Response | tuple[str, int]:
    """Keep it until another time, up to the site's lifetime of jobs from now."""
    until = request.form.get("until", "").strip()
    try:
        done = use_cases.set_destruction(site(), guard.caller(), job_id, until)
    except (BadValue, WrongPhase) as error:
        return _page(job_id, str(error), until), error.status
    _audit("keep job", job_id)
    flash(f"The job is kept until {done.destruction[:19].replace('T', ' ')} UTC.", "success")
    return _back(job_id)


@pages.post("/jobs/<job_id>/delete")
def job_delete(job_id: str) -> Response:
    """Remove the job with its log and results, once its name was typed."""
    found = use_cases.visible(site(), guard.caller(), job_id)
    with site().database.read() as connection:
        results = store.results(connection, job_id)
    named = found.run_id or job_id
    goes = [f"job {job_id}{f' ({found.run_id})' if found.run_id else ''}, {found.phase.value}", "its log and its run record",
            *(f"result {one.id}, {size(one.size)}" for one in results)]
    ask = sure.question(named, title=f"Delete job {named}", goes=goes, stays="", button="Delete it", back=f"/admin/jobs/{job_id}")
    if ask:
        return ask
    delete(job_id)
    flash(f"Job {job_id} is deleted with its log and results.", "success")
    return redirect(f"{request.script_root}/admin/jobs", 303)


def delete(job_id: str) -> None:
    """What one button and many ticks do alike. Raises Refusal."""
    use_cases.delete(site(), guard.caller(), job_id)
    _audit("delete job", job_id)


def describe(found: Job) -> dict[str, Any]:
    """A job's state as JSON for the script."""
    with site().database.read() as connection:
        before = place.before(connection, found)
    return {
        "id": found.id,
        "phase": found.phase.value,
        "before": before,
        "step": found.step,
        "message": found.message,
        "started": found.started,
        "ended": found.ended,
        "attempt": found.attempt,
        "done": found.final,
    }


def size(count: float) -> str:
    """A number of bytes for people, in binary units."""
    unit = next(one for one in _UNITS if abs(count) < 1024 ** (_UNITS.index(one) + 1) or one == _UNITS[-1])
    number = count / 1024 ** _UNITS.index(unit)
    return f"{number:.0f} {unit}" if number == int(number) or unit == _UNITS[0] else f"{number:.1f} {unit}"


def amount(name: str, value: Any) -> str:
    """A limit or a use by its name in the job's row: `256 MiB of memory`, `cores 1.0`."""
    words = _OF_BYTES.get(name)
    return f"{size(value)} of {words}" if words and isinstance(value, int) else f"{name.replace('_', ' ')} {value}"


def _part(found: Job, stream: str, since: int) -> dict[str, Any]:
    """What the stream holds from the byte `since` on; a character cut in two is left for the next time."""
    data, following = use_cases.log(site(), found, stream, max(0, since))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    return {"text": text, "next": following - len(decoder.getstate()[0])}


def _whole_log(found: Job, stream: str) -> bytes:
    parts: list[bytes] = []
    since = 0
    while True:
        data, since = use_cases.log(site(), found, stream, since)
        if not data:
            return b"".join(parts)
        parts.append(data)


def _end_of_log(found: Job, stream: str) -> dict[str, Any]:
    data = _whole_log(found, stream)
    text = data.decode("utf-8", "replace")
    return {"text": text[-SHOWN_LOG:], "next": len(data), "cut": len(text) > SHOWN_LOG}


def _text_of(found: Job, results: list[Result]) -> tuple[Result, str] | None:
    """The first result that is text, and how it begins; streams are shown as log."""
    for one in results:
        kind = one.media_type.split(";")[0]
        if one.id not in (*STREAMS, "exitcode") and (kind.startswith("text/") or kind == "application/json"):
            return _beginning(found, one)
    return None


def _beginning(found: Job, result: Result) -> tuple[Result, str] | None:
    try:
        path, _ = use_cases.file_of(site(), found, result.id)
    except NotFound:  # its row is there and its file is not: the page lists it all the same
        return None
    with path.open("rb") as file:
        return result, file.read(SHOWN_TEXT).decode("utf-8", "replace")


def _as_file(response: Response, name: str) -> Response:
    """Never a page of ours, whatever it holds: an attachment, sandboxed, of the type it says and no other."""
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Security-Policy"] = _SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _twin(found: Job) -> twins.Twin:
    return twins.of_uws(site().settings, ("abort", found.id), f"jobs/{found.id}/phase", [("PHASE", "ABORT")])


def _audit(action: str, job_id: str) -> None:
    with site().database.write() as connection:
        access.audit(connection, guard.who(), action, job_id)


def _back(job_id: str) -> Response:
    return redirect(f"{request.script_root}/admin/jobs/{job_id}", 303)
