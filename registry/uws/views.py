"""The addresses /jobs and /sync: which resource answers which method, and in what form. It decides nothing about jobs.

Who asks is told by the Authorization header alone, never by a cookie: so no page of others can act for a person here.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, g, request, send_file

from registry import access
from registry.access import Caller
from registry.site import Site
from registry.uws import document, jobs, kinds, record, sync, values
from registry.uws.arguments import Arguments
from registry.uws.errors import BadValue, NoSuchThing, UnknownBody, WrongMethod
from registry.uws.files import Upload
from registry.uws.refusing.views import JSON, TEXT, answering, json_accepted, json_answer
from registry.uws.store import Job, NoJob, Parameter

blueprint = answering(Blueprint("uws", __name__))

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_XML = "text/xml; charset=utf-8"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "")
_AFTER_DELETE = 100  # jobs in the list that a client is led to when it has deleted one
_EMPTY_BASIC = re.compile(r"\s*basic\s*(Og==)?\s*", re.IGNORECASE)
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Face:
    """One list of jobs on the web: its `path` below the base URL, and what differs there from the others.

    `lacks` are resources that its jobs have not; `error` makes (body, media type) of what went wrong with one.
    """

    path: str
    kind: str
    create: Callable[[Site, Caller, Pairs, list[Upload]], Job]
    lacks: frozenset[str] = frozenset()
    error: Callable[[Site, Job], tuple[bytes | str, str]] = lambda site, job: (jobs.error_text(site, job), TEXT)


RUNS = Face("jobs", kinds.RUNS, jobs.create)


def register(app: Flask) -> None:
    """Serve /jobs and /sync from the app's datacenter."""
    app.register_blueprint(blueprint)


# --- the list and the job ---------------------------------------------------------------------------------------------


@blueprint.route("/jobs", methods=_METHODS, strict_slashes=False)
def job_list() -> Response:
    """The job list (UWS 1.1 §2.2.2.1): GET lists, POST makes a job."""
    return _dispatch({"GET": _get_list, "POST": _post_list})


@blueprint.route("/jobs/<job_id>", methods=_METHODS, strict_slashes=False)
def job(job_id: str) -> Response:
    """A job (§2.2.2.2): GET shows it, with WAIT when it moves; DELETE, or POST of ACTION=DELETE, deletes it."""
    return _dispatch({"GET": _get_job, "POST": _post_job, "DELETE": _delete_job}, job_id)


@blueprint.route("/jobs/<job_id>/<resource>", methods=_METHODS, strict_slashes=False)
def job_resource(job_id: str, resource: str) -> Response:
    """What a job has: see `_RESOURCES`."""
    if resource not in _RESOURCES or resource in _face().lacks:
        has = ", ".join(name for name in _RESOURCES if name not in _face().lacks)
        raise NoSuchThing(f"A job has no {values.shown(resource)}; it has {has}.")
    return _dispatch(_RESOURCES[resource], job_id)


@blueprint.route("/jobs/<job_id>/<resource>/<path:name>", methods=_METHODS)
def job_item(job_id: str, resource: str, name: str) -> Response:
    """One of several things that a job has: see `_ITEMS`."""
    if resource not in _ITEMS or resource in _face().lacks:
        raise NoSuchThing(f"A job has no {values.shown(f'{resource}/{name}')}.")
    return _dispatch(_ITEMS[resource], job_id, name)


def _get_list() -> Response:
    asked = _query()
    filters = values.filters(asked.all("PHASE"), asked.single("AFTER"), asked.single("LAST"))
    as_json = asked.wants_json(json_accepted())
    stretches = jobs.references(_site(), _caller(), filters, _face().kind)
    first = list(itertools.islice(stretches, 2))  # what is refused is refused before an answer has begun
    write = document.list_json_text if as_json else document.list_xml
    pieces = write(itertools.chain(first, stretches), _jobs_url())
    return Response(pieces if len(first) > 1 else b"".join(pieces), content_type=JSON if as_json else _XML)


def _post_list() -> Response:
    made = _face().create(_site(), _caller(), _pairs(), _uploads())
    return _see_job(made.id)


def _get_job(job_id: str) -> Response:
    asked = _query()
    wait, phase = asked.single("WAIT"), asked.single("PHASE")
    if wait is not None:
        seconds = values.wait(wait, _site().settings.wait_limit)
        jobs.wait(_site(), _caller(), job_id, seconds, values.active_phase(phase) if phase is not None else None)
    found = jobs.details(_site(), _caller(), job_id)
    return _in_form(document.job_json, document.job_xml, found.job, found.parameters, found.results, _jobs_url())


def _post_job(job_id: str) -> Response:
    jobs.visible(_site(), _caller(), job_id)
    asked = _given()
    if not asked.all("ACTION"):
        raise BadValue("A job takes ACTION=DELETE here; its phase is changed at /phase, its parameters at /parameters.")
    return asked.choice("ACTION", {"DELETE": _delete_job})(job_id)


def _delete_job(job_id: str) -> Response:
    jobs.delete(_site(), _caller(), job_id)
    return _see(f"{_jobs_url()}?LAST={_AFTER_DELETE}")


# --- what a job has ---------------------------------------------------------------------------------------------------


def _get_phase(job_id: str) -> Response:
    return _text(jobs.visible(_site(), _caller(), job_id).phase)


def _post_phase(job_id: str) -> Response:
    change = _given().choice("PHASE", {"RUN": jobs.run, "ABORT": jobs.abort})
    change(_site(), _caller(), job_id)
    return _see_job(job_id)


def _get_duration(job_id: str) -> Response:
    return _text(str(jobs.visible(_site(), _caller(), job_id).execution_duration))


def _post_duration(job_id: str) -> Response:
    jobs.set_duration(_site(), _caller(), job_id, _given().needed("EXECUTIONDURATION"))
    return _see_job(job_id)


def _get_destruction(job_id: str) -> Response:
    return _text(jobs.visible(_site(), _caller(), job_id).destruction)


def _post_destruction(job_id: str) -> Response:
    jobs.set_destruction(_site(), _caller(), job_id, _given().needed("DESTRUCTION"))
    return _see_job(job_id)


def _get_quote(job_id: str) -> Response:
    return _text(jobs.visible(_site(), _caller(), job_id).quote or "")


def _get_owner(job_id: str) -> Response:
    return _text(jobs.visible(_site(), _caller(), job_id).owner or "")


def _get_error(job_id: str) -> Response:
    body, kind = _face().error(_site(), jobs.visible(_site(), _caller(), job_id))
    return Response(body, content_type=kind)


def _get_parameters(job_id: str) -> Response:
    found = jobs.details(_site(), _caller(), job_id)
    return _in_form(document.parameters_json, document.parameters_xml, found.job, found.parameters, _jobs_url())


def _post_parameters(job_id: str) -> Response:
    if request.files:
        raise BadValue("A job's files cannot be changed: make another job with the files it is to have.")
    jobs.set_parameters(_site(), _caller(), job_id, _pairs())
    return _see_job(job_id)


def _get_parameter(job_id: str, name: str) -> Response:
    found = jobs.details(_site(), _caller(), job_id)
    named = [(item.value if item.by_reference else item.name, item) for item in found.parameters]
    chosen = [item for key, item in named if key.lower() == name.lower()]
    if not chosen:
        raise NoSuchThing(f"Job {job_id} has no parameter {values.shown(name)}.")
    if chosen[0].by_reference:
        return _input(found.job, chosen[0])
    return _text("\n".join(item.value for item in chosen))


def _put_parameter(job_id: str, name: str) -> Response:
    text = request.get_data(cache=False).decode("utf-8", "replace")
    jobs.set_parameters(_site(), _caller(), job_id, [(name, text)])
    return _see_job(job_id)


def _get_results(job_id: str) -> Response:
    found = jobs.details(_site(), _caller(), job_id)
    return _in_form(document.results_json, document.results_xml, found.job, found.results, _jobs_url())


def _get_result(job_id: str, name: str) -> Response:
    return send_result(_site(), jobs.visible(_site(), _caller(), job_id), name)


def _get_log(job_id: str, name: str) -> Response:
    """What the job wrote from the byte `since` on; X-Next-Offset says where to go on."""
    since = values.offset(_query().single("SINCE") or "0")
    found, after = jobs.log(_site(), jobs.visible(_site(), _caller(), job_id), name, since)
    return Response(found, content_type=TEXT, headers={**_SAFE, "X-Next-Offset": str(after)})


def _get_record(job_id: str) -> Response:
    """The run record: what ran, on what, and what came of it."""
    found = jobs.details(_site(), _caller(), job_id)
    body = json.dumps(record.document(_site(), found.job, found.parameters, found.results), indent=1, ensure_ascii=False)
    return Response(body + "\n", content_type=JSON)


Handler = Callable[..., Response]
# what is not here does not exist, and a method that is not beside it is refused (405)
_RESOURCES: dict[str, dict[str, Handler]] = {
    "phase": {"GET": _get_phase, "POST": _post_phase},
    "executionduration": {"GET": _get_duration, "POST": _post_duration},
    "destruction": {"GET": _get_destruction, "POST": _post_destruction},
    "quote": {"GET": _get_quote},
    "owner": {"GET": _get_owner},
    "error": {"GET": _get_error},
    "parameters": {"GET": _get_parameters, "POST": _post_parameters},
    "results": {"GET": _get_results},
    "run.json": {"GET": _get_record},
}
_ITEMS: dict[str, dict[str, Handler]] = {
    "parameters": {"GET": _get_parameter, "PUT": _put_parameter},
    "results": {"GET": _get_result},
    "logs": {"GET": _get_log},
}


# --- the synchronous face ---------------------------------------------------------------------------------------------


@blueprint.route("/sync", methods=_METHODS, strict_slashes=False)
def sync_list() -> Response:
    """A request that makes a job and leads to what blocks until it is done."""
    if request.method == "HEAD":
        raise WrongMethod("HEAD would make a job here; use GET or POST.", ("GET", "POST"))
    return _dispatch({"GET": _post_sync, "POST": _post_sync})


@blueprint.route("/sync/<job_id>", methods=_METHODS, strict_slashes=False)
def sync_job(job_id: str) -> Response:
    """Blocks until the job has a result and leads to it; to itself again where that takes longer than a request may."""
    return _dispatch({"GET": _get_sync}, job_id)


def _post_sync() -> Response:
    made = sync.submit(_site(), _caller(), _pairs(), _uploads())
    return _see(_sync_url(made.id))


def _get_sync(job_id: str) -> Response:
    result = sync.main_result(_site(), _caller(), job_id)
    return _see(document.result_url(_jobs_url(), job_id, result.id) if result else _sync_url(job_id))


# --- requests ---------------------------------------------------------------------------------------------------------


def _dispatch(handlers: dict[str, Handler], *names: str) -> Response:
    if names and kinds.of(names[0]) != _face().kind:
        raise NoJob(names[0])  # it is in another list
    method = "GET" if request.method == "HEAD" else request.method
    allowed = tuple(handlers)
    if method == "OPTIONS":
        return Response(status=204, headers={"Allow": ", ".join(allowed)})
    if method not in handlers:
        raise WrongMethod(f"{request.method} is not possible at {request.path}: only {', '.join(allowed)}.", allowed)
    return handlers[method](*names)


def _face() -> Face:
    found: Face = g.get("uws_face", RUNS)
    return found


def _site() -> Site:
    found: Site = current_app.extensions["site"]
    return found


def _caller() -> Caller:
    if "uws_caller" not in g:
        header = request.headers.get("Authorization", "")
        said = None if _EMPTY_BASIC.fullmatch(header) else header  # some clients send it before they know anybody
        g.uws_caller = access.from_header(_site(), said, request.remote_addr or "")
    found: Caller = g.uws_caller
    return found


def _pairs() -> Pairs:
    """Every parameter, of the query and of the body alike."""
    if request.mimetype not in _FORMS:
        raise UnknownBody(f"A body of type {values.shown(request.mimetype)} is not understood: send "
                          "application/x-www-form-urlencoded or multipart/form-data.")
    return [*request.args.items(multi=True), *request.form.items(multi=True)]


def _uploads() -> list[Upload]:
    return [Upload(name, part.stream) for name, part in request.files.items(multi=True)]


def _query() -> Arguments:
    return Arguments(request.args.items(multi=True))


def _given() -> Arguments:
    return Arguments(_pairs())


# --- answers ----------------------------------------------------------------------------------------------------------


def send_result(site: Site, found: Job, result_id: str) -> Response:
    """The file of one result, whole or in parts, never shown as a page; `jobs.visible` has let the caller see it."""
    path, result = jobs.file_of(site, found, result_id)
    answer = send_file(path, mimetype=result.media_type, as_attachment=True, download_name=path.name, conditional=True,
                       etag=result.sha256 or True)
    answer.headers.update(_SAFE)
    return answer


def _input(found: Job, parameter: Parameter) -> Response:
    answer = send_file(jobs.input_of(_site(), found, parameter), mimetype="application/octet-stream",
                       as_attachment=True, download_name=parameter.value, conditional=True)
    answer.headers.update(_SAFE)
    return answer


def _jobs_url() -> str:
    return _site().settings.url(_face().path)


def _sync_url(job_id: str) -> str:
    return _site().settings.url(f"sync/{quote(job_id, safe='')}")


def _see_job(job_id: str) -> Response:
    return _see(document.job_url(_jobs_url(), job_id))


def _see(url: str) -> Response:
    return Response(f"{url}\n", 303, {"Location": url}, content_type=TEXT)


def _text(text: str) -> Response:
    return Response(text, content_type=TEXT)


def _in_form(as_json: Callable[..., Any], as_xml: Callable[..., bytes], *whole: Any) -> Response:
    """JSON where RESPONSEFORMAT says so, or Accept prefers it to XML; XML for whoever takes anything."""
    if _query().wants_json(json_accepted()):
        return json_answer(as_json(*whole))
    return Response(as_xml(*whole), content_type=_XML)
