"""Packaged applications on pages: the offer, a form made from what an application declares, a form for a new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, lists
from registry.admin import guard, listed, twins
from registry.admin.forms import RegisterForm
from registry.admin.pages import pages, site
from registry.admin.runform import OPTIONS, PREFIX, RunForm, limit_fields, limits_of, sent_limits
from registry.admin.twins import Twin
from registry.applications import approving, catalogue
from registry.applications.catalogue import Offer
from registry.applications.contract import Contract
from registry.applications.listed import APPLICATIONS, lines
from registry.applications.parameters import ParameterError
from registry.applications.seen import Seen
from registry.dispatch import sending, where
from registry.dispatch.runners import NoRunner
from registry.dispatch.sending import CannotRunThere
from registry.errors import Refusal
from registry.records.store import Record
from registry.uws import jobs as use_cases, store as jobs
from registry.uws.data import NoData
from registry.uws.errors import BadValue
from registry.uws.files import Upload
from registry.uws.store import Job


@pages.get("/applications", defaults={"suffix": ""})
@pages.get("/applications.<any(csv, json):suffix>")
def applications(suffix: str) -> Response | str:
    """The applications on offer here; CSV and JSON are of the same rows."""
    page = lists.page_of(lines(site()), listed.asked(APPLICATIONS))
    if suffix:
        return listed.as_file(page, suffix)
    return render_template("admin/applications.html", page=page,
                           twin=listed.twin(page.asked, ("app", "list"), "applications"))


@pages.get("/applications/run")
def application_form() -> str:
    """The form of the application `app`, to run `at` a datacenter; filled in as the query says, or as `job` was."""
    given = [(name.removeprefix(PREFIX), value) for name, value in request.args.items(multi=True) if name.startswith(PREFIX)]
    earlier: Job | None = None
    if job_id := request.args.get("job", ""):
        earlier = use_cases.visible(site(), guard.caller(), job_id)
        with site().database.read() as connection:
            given = [(one.name, one.origin if one.by_reference else one.value)
                     for one in jobs.parameters(connection, job_id) if one.origin or not one.by_reference]
    elsewhere = earlier.node.removeprefix("ivo://").partition("/")[0] if earlier and earlier.node.startswith("ivo://") else ""
    return _form(request.args.get("app", ""), given, earlier=earlier, at=request.args.get("at", elsewhere))


@pages.post("/applications/run")
def application_run() -> Response | tuple[str, int]:
    """Make the job and put it into the queue; a parameter that is refused comes back with the form as it was sent."""
    app, at = request.form.get("app", ""), request.form.get("at", "").strip()
    contract = _contract(app, at)[1]
    pairs = RunForm(contract).pairs(request.form)
    uploads = [Upload(name, file.stream) for name, file in request.files.items(multi=True) if file.filename]
    control = [("APP", app), ("PHASE", "RUN")]
    if run_id := request.form.get("run_id", "").strip():
        control.append(("RUNID", run_id))
    limits = sent_limits(request.form)
    try:
        job = run([*control, *limits.items(), *pairs], at, uploads)
    except (ParameterError, BadValue, NoData, CannotRunThere, NoRunner) as error:
        return _form(app, pairs, str(error), limits, at=at), error.status
    return redirect(f"{request.script_root}/admin/jobs/{job.id}", 303)


def run(pairs: list[tuple[str, str]], at: str = "", uploads: Iterable[Upload] = ()) -> Job:
    """What the page and the API do alike: a job of ours, here or `at` another datacenter. Raises Refusal."""
    caller, app = guard.caller(), dict(pairs)["APP"]
    job = sending.send(site(), caller, pairs, at, uploads) if at else use_cases.create(site(), caller, pairs, uploads)
    with site().database.write() as connection:
        access.audit(connection, guard.who(), "run", job.id, f"{app} at {at}" if at else app)
    return job


@pages.get("/applications/new")
def register_form() -> str:
    """The form for an image that is to be offered."""
    return _new(RegisterForm())


@pages.post("/applications/new")
def register_post() -> Response | tuple[str, int]:
    """Read the image's contract, and publish its record."""
    form = RegisterForm(request.form)
    if not form.validate():
        return _new(form), 400
    try:
        made = register(form.reference.data, guard.who())
    except Refusal as error:
        return _new(form, str(error)), error.status
    if isinstance(made, Seen):
        flash(f"{made.app} waits until another person has approved it.", "success")
        return redirect(f"{request.script_root}/admin/applications/images", 303)
    flash(f"{made.ivoid} is published.", "success")
    return redirect(f"{request.script_root}/admin/applications/run?app={quote(made.ivoid, safe='')}", 303)


def register(reference: str, who: str) -> Record | Seen:
    """What the page and the API do alike: its record, or the draft that waits for another person. Raises Refusal."""
    made = approving.submit(site(), reference, who=who)
    with site().database.write() as connection:
        access.audit(connection, who, "register application", made.ivoid, reference)
    return made


def _contract(app: str, at: str) -> tuple[Offer, Contract]:
    """The application and what it takes; of one that may run elsewhere alone what is known here, which may be nothing."""
    with site().database.read() as connection:
        known = where.look_up(connection, app)
    try:
        return known.offer, catalogue.contract_of(site(), known.offer)
    except Refusal:
        if not at:
            raise
        return known.offer, known.contract or Contract()


def _form(
    app: str, given: list[tuple[str, str]], problem: str = "", limits: dict[str, str] | None = None,
    earlier: Job | None = None, at: str = "",
) -> str:
    offer, contract = _contract(app, at)
    if earlier is not None:
        limits = limits_of(site().settings, contract, earlier)
    words = tuple(f"{name}={value}" for name, value in given) or tuple(
        f"{one.name}={one.default or '...'}" for one in contract.parameters if one.required
    )
    places = where.where(site(), app, caller=guard.caller()).verdicts
    shown: dict[str, Any] = {"offer": offer, "contract": contract, "app": app, "problem": problem, "at": at}
    shown["limits"] = limit_fields(site().settings, contract, limits or {}, problem)
    shown["places"] = [one for one in places if one.possible or one.own or at in (one.datacenter, one.title)]
    named = {name.lower() for name, _ in given}
    files = tuple(one.name for one in contract.inputs if one.multiplicity.startswith("1") and one.name.lower() not in named)
    shown["limited"], shown["twin"] = bool(limits), _run_twin(app, words, limits or {}, at, files)
    return render_template("admin/run_application.html", form=RunForm(contract, given, problem), **shown)


def _run_twin(app: str, words: tuple[str, ...], limits: dict[str, str], at: str, files: tuple[str, ...]) -> Twin:
    """The same by command; and by UWS here, which has no word for elsewhere, so that takes our own API."""
    options = [part for name, value in limits.items() for part in (f"--{OPTIONS[name]}", value)]
    options += [part for name in files for part in ("--file", f"{name}={name}")]
    pairs = [tuple(word.split("=", 1)) for word in words]
    if at:
        parameters: dict[str, list[str]] = {}
        for name, value in (*limits.items(), *pairs):
            parameters.setdefault(name, []).append(value)
        return twins.of_api(site().settings, ("run", app, *words, *options, "--at", at, "--wait"), "jobs",
                            {"app": app, "at": at, "parameters": parameters})
    fields: list[tuple[str, str]] = [("APP", app), *limits.items(), *pairs, ("PHASE", "RUN")]  # type: ignore[list-item]
    return twins.of_uws(site().settings, ("run", app, *words, *options, "--wait"), "jobs", fields, files=files)


def _new(form: RegisterForm, problem: str = "") -> str:
    reference = form.reference.data or f"{site().settings.repository}/name:1.0"
    twin = twins.of_api(site().settings, ("app", "register", reference), "applications", {"reference": reference})
    return render_template("admin/new_application.html", form=form, problem=problem, twin=twin)
