"""Packaged applications on pages: the offer, a form made from what an application declares, a form for a new one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard, twins
from registry.admin.forms import RegisterForm
from registry.admin.pages import pages, site
from registry.admin.runform import OPTIONS, RunForm, limit_fields, limits_of, sent_limits
from registry.applications import catalogue
from registry.applications.parameters import ParameterError
from registry.errors import Refusal
from registry.records.store import Record
from registry.uws import jobs as use_cases, store as jobs
from registry.uws.errors import BadValue
from registry.uws.files import Upload
from registry.uws.store import Job


@pages.get("/applications")
def applications() -> str:
    """All applications on offer here."""
    return render_template("admin/applications.html", entries=catalogue.entries(site()))


@pages.get("/applications/run")
def application_form() -> str:
    """The form of the application `app`; with `job`, filled in as that job was."""
    given: list[tuple[str, str]] = []
    earlier: Job | None = None
    if job_id := request.args.get("job", ""):
        earlier = use_cases.visible(site(), guard.caller(), job_id)
        with site().database.read() as connection:
            given = [(one.name, one.origin if one.by_reference else one.value)
                     for one in jobs.parameters(connection, job_id) if one.origin or not one.by_reference]
    return _form(request.args.get("app", ""), given, earlier=earlier)


@pages.post("/applications/run")
def application_run() -> Response | tuple[str, int]:
    """Make the job and put it into the queue; a parameter that is refused comes back with the form as it was sent."""
    app = request.form.get("app", "")
    with site().database.read() as connection:
        contract = catalogue.contract_of(site(), catalogue.pick(connection, app))
    pairs = RunForm(contract).pairs(request.form)
    uploads = [Upload(name, file.stream) for name, file in request.files.items(multi=True) if file.filename]
    control = [("APP", app), ("PHASE", "RUN")]
    if run_id := request.form.get("run_id", "").strip():
        control.append(("RUNID", run_id))
    limits = sent_limits(request.form)
    try:
        job = use_cases.create(site(), guard.caller(), [*control, *limits.items(), *pairs], uploads)
    except (ParameterError, BadValue) as error:
        return _form(app, pairs, str(error), limits), error.status
    with site().database.write() as connection:
        access.audit(connection, guard.who(), "run", job.id, app)
    return redirect(f"{request.script_root}/admin/jobs/{job.id}", 303)


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
        record = register(form.reference.data, guard.who())
    except Refusal as error:
        return _new(form, str(error)), error.status
    flash(f"{record.ivoid} is published.", "success")
    return redirect(f"{request.script_root}/admin/applications/run?app={quote(record.ivoid, safe='')}", 303)


def register(reference: str, who: str) -> Record:
    """What the page and the API do alike. Raises Refusal."""
    record = catalogue.register(site(), reference, who=who)
    with site().database.write() as connection:
        access.audit(connection, who, "register application", record.ivoid, reference)
    return record


def _form(
    app: str, given: list[tuple[str, str]], problem: str = "", limits: dict[str, str] | None = None,
    earlier: Job | None = None,
) -> str:
    with site().database.read() as connection:
        offer = catalogue.pick(connection, app)
    contract = catalogue.contract_of(site(), offer)
    if earlier is not None:
        limits = limits_of(site().settings, contract, earlier)
    fields_of_limits = limit_fields(site().settings, contract, limits or {}, problem)
    words = tuple(f"{name}={value}" for name, value in given) or tuple(
        f"{one.name}={one.default or '...'}" for one in contract.parameters if one.required
    )
    fields: list[tuple[str, str]] = [("APP", app), *[tuple(word.split("=", 1)) for word in words], ("PHASE", "RUN")]  # type: ignore[list-item]
    options = [part for name, value in (limits or {}).items() for part in (f"--{OPTIONS[name]}", value)]
    fields[1:1] = list((limits or {}).items())
    twin = twins.of_uws(site().settings, ("run", app, *words, *options, "--wait"), "jobs", fields)
    shown: dict[str, Any] = {"offer": offer, "contract": contract, "app": app, "problem": problem, "twin": twin}
    shown["limits"], shown["limited"] = fields_of_limits, bool(limits)
    return render_template("admin/run_application.html", form=RunForm(contract, given, problem), **shown)


def _new(form: RegisterForm, problem: str = "") -> str:
    reference = form.reference.data or f"{site().settings.repository}/name:1.0"
    twin = twins.of_api(site().settings, ("app", "register", reference), "applications", {"reference": reference})
    return render_template("admin/new_application.html", form=form, problem=problem, twin=twin)
