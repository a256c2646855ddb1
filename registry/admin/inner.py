"""Pages about the inner space: changes that wait, standards of our own, services without documents, a look at one now."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response
from wtforms import Form, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from registry import access
from registry.admin import guard, twins
from registry.admin.pages import pages, site
from registry.errors import Refusal
from registry.records.store import Record
from registry.records.views import path_of
from registry.services import adding, checking, watches, watching
from registry.services.adding import Said
from registry.services.checking import Checked
from registry.services.describing import Wish
from registry.services.standards import defining
from registry.services.standards.defining import BadDefinition, Definition
from registry.services.watches import Held

_USES = list(adding.USES)


class StandardForm(Form):
    """A standard API of our own."""

    name = StringField("Name", [DataRequired("Give the name.")], description="The last part of its identifier.")
    title = StringField("Title", [Optional(), Length(max=200)])
    description = TextAreaField("What it is for", [Optional()])
    reference_url = StringField("Where its text is", [Optional()], description="Its page here when empty.")
    version = StringField("Version", [Optional()], default="1.0")
    keys = TextAreaField("Keys", [Optional()], description="One a line: query-1.0 = The query.")
    interface_type = SelectField("Type of interface", choices=list(defining.INTERFACES))
    role = StringField("Role of the interface", [Optional()], default="std")
    use = SelectField("How its address is used", choices=_USES)


class NewServiceForm(Form):
    """A service that has no VOSI documents of its own."""

    url = StringField("Address", [DataRequired("Give the address.")])
    key = StringField("Key", [DataRequired("Give the key.")], description="The last part of its identifier.")
    standard_id = StringField("Standard", [Optional()], description="The standardID that it speaks there.")
    title = StringField("Title", [Optional(), Length(max=200)])
    description = TextAreaField("What it offers", [Optional()])
    interface_type = StringField("Type of interface", [Optional()], default="vs:ParamHTTP")
    use = SelectField("How the address is used", choices=_USES)
    version = StringField("Version of the interface", [Optional()])
    security = StringField("Way to log in", [Optional()], description="A standardID; empty: anybody may.")


# --- what waits -------------------------------------------------------------------------------------------------------


@pages.get("/held")
def held() -> str:
    """Changes of services' documents that wait for a person."""
    with site().database.read() as connection:
        found = watches.all_held(connection)
    twin = twins.of_api(site().settings, ("api", "accept", found[0].ivoid), "held/accept", {"ivoid": found[0].ivoid}) \
        if found else twins.reading(site().settings, ("api", "held"), "held")
    return render_template("admin/held.html", found=found, twin=twin, look=request.args.get("look", ""))


@pages.post("/held/accept")
def held_accept() -> Response:
    """Publish one."""
    record = accept(request.form.get("ivoid", ""), guard.who())
    flash(f"{record.ivoid} is published, version {record.version}.", "success")
    return redirect(f"{request.script_root}/admin/held", 303)


@pages.post("/held/refuse")
def held_refuse() -> Response:
    """Leave a record as it is."""
    change = refuse(request.form.get("ivoid", ""), guard.who())
    flash(f"{change.ivoid} stays as it is; the same change does not come back.", "success")
    return redirect(f"{request.script_root}/admin/held", 303)


def accept(ivoid: str, who: str) -> Record:
    """What the page and the API do alike. Raises Refusal."""
    record = watching.accept(site(), ivoid, who=who)
    _note(who, "accept change", record.ivoid)
    return record


def refuse(ivoid: str, who: str) -> Held:
    """What the page and the API do alike. Raises Refusal."""
    change = watching.refuse(site(), ivoid, who=who)
    _note(who, "refuse change", change.ivoid)
    return change


# --- standards and services -------------------------------------------------------------------------------------------


@pages.get("/standards/new")
def standard_form() -> str:
    """Ask what is to be defined."""
    return _standard(StandardForm())


@pages.post("/standards/new")
def standard_post() -> Response | tuple[str, int]:
    """Define it."""
    form = StandardForm(request.form)
    if not form.validate():
        return _standard(form), 400
    try:
        record = define(_definition(form), guard.who())
    except Refusal as error:
        return _standard(form, str(error)), error.status
    flash(f"{record.ivoid} is defined.", "success")
    return redirect(request.script_root + path_of(record.ivoid).replace("/records/", "/standards/", 1), 303)


def define(wish: Definition, who: str) -> Record:
    """What the page and the API do alike. Raises Refusal."""
    record = defining.define(site(), wish, who=who)
    _note(who, "define standard", record.ivoid)
    return record


@pages.get("/services/new")
def service_form() -> str:
    """Ask where the service is and what it speaks."""
    return _service(NewServiceForm())


@pages.post("/services/new")
def service_post() -> Response | tuple[str, int]:
    """Publish its record."""
    form = NewServiceForm(request.form)
    if not form.validate():
        return _service(form), 400
    wish = Wish(key=form.key.data or "", title=form.title.data or "", description=form.description.data or "")
    said = Said(form.url.data or "", form.standard_id.data or "", form.interface_type.data or "vs:ParamHTTP", form.use.data,
                version=form.version.data or "", security=tuple((form.security.data or "").split()))
    try:
        record = add(wish, said, guard.who())
    except Refusal as error:
        return _service(form, str(error)), error.status
    flash(f"{record.ivoid} is published, and its documents are served from here.", "success")
    return redirect(request.script_root + path_of(record.ivoid).replace("/records/", "/services/", 1), 303)


def add(wish: Wish, said: Said, who: str) -> Record:
    """What the page and the API do alike. Raises Refusal."""
    record, _ = adding.add(site(), wish, (said,), who=who)
    _note(who, "add service", record.ivoid)
    return record


@pages.post("/services/check")
def service_check() -> Response:
    """Look at a service now."""
    checked = check(request.form.get("ivoid", ""), guard.who())
    flash(f"{checked.told.record.ivoid} is {checked.told.state}.", "success" if checked.works else "warning")
    return redirect(request.script_root + path_of(checked.told.record.ivoid).replace("/records/", "/services/", 1), 303)


def check(ivoid: str, who: str) -> Checked:
    """What the page and the API do alike. Raises Refusal."""
    checked = checking.check(site(), ivoid)
    _note(who, "check service", checked.told.record.ivoid)
    return checked


def _definition(form: StandardForm) -> Definition:
    pairs = []
    for line in (form.keys.data or "").splitlines():
        key, equals, words = line.partition("=")
        if line.strip() and not equals:
            raise BadDefinition(f"The line {line.strip()[:100]!r} of the keys says not what it stands for: write key = words.")
        if line.strip():
            pairs.append((key.strip(), words.strip()))
    return Definition(
        form.name.data or "", title=form.title.data or "", description=form.description.data or "",
        reference_url=form.reference_url.data or "", version=form.version.data or "1.0", keys=tuple(pairs),
        interface_type=form.interface_type.data, role=form.role.data or "std", use=form.use.data)


def _standard(form: StandardForm, problem: str = "") -> str:
    name = form.name.data or "NAME"
    twin = twins.of_api(site().settings, ("api", "define", name), "standards", {"name": name})
    return render_template("admin/new_standard.html", form=form, problem=problem, twin=twin)


def _service(form: NewServiceForm, problem: str = "") -> str:
    url, key = form.url.data or "URL", form.key.data or "KEY"
    twin = twins.of_api(site().settings, ("api", "add", url, "--key", key), "services/described", {"url": url, "key": key})
    return render_template("admin/new_service.html", form=form, problem=problem, twin=twin)


def _note(who: str, action: str, ivoid: str) -> None:
    with site().database.write() as connection:
        access.audit(connection, who, action, ivoid)
