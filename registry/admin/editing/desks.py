"""The form of a record: opened, filled in with or without a script, checked, kept as a draft, reviewed, published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response as FlaskResponse, flash, jsonify, redirect, render_template, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from registry import rights
from registry.admin import guard, services, twins
from registry.admin.editing import acts, begin_watch, stale
from registry.admin.forms import ServiceForm
from registry.admin.pages import pages, site
from registry.errors import Conflict, Denied, Refusal
from registry.records import comparing, store
from registry.records.forming import carrying, desk as desks, posting, shape, showing, vocabulary
from registry.records.forming.desk import Desk
from registry.records.forming.faults import Fault
from registry.records.publish import Overtaken, PublishRefused
from registry.records.views import path_of
from registry.services import describing, importing
from registry.services.describing import Wish
from vosi import capabilities, resource, xmlio
from vosi.xmlio import XmlRefused

LIVE = 300_000  # bytes of a record up to which it is judged while somebody types
Answer = str | Response | tuple[str, int]


@pages.record_once
def _form_size(state: BlueprintSetupState) -> None:
    """A record's form may be as large as any body; Flask's own limit of forms is half a megabyte."""
    state.app.config["MAX_FORM_MEMORY_SIZE"] = state.app.config["MAX_CONTENT_LENGTH"]


@pages.after_request
def _go_back(response: FlaskResponse) -> FlaskResponse:
    """Let the browser's back button show what was typed: it has no copy of an answer that it may not store."""
    if request.endpoint in ("admin.edit_post", "admin.edit_xml", "admin.import_record"):
        response.headers["Cache-Control"] = "private, no-cache"
    return response


@pages.get("/new-record")
def new_record() -> Answer:
    """Choose what to describe and under which name; with both, the form."""
    wanted = {name: request.args.get(name, "").strip()[:500] for name in ("type", "authority", "key")}
    with site().database.read() as connection:
        ours = sorted(rights.publishes_in(connection, guard.who()))
    own = site().settings.authority
    wanted["authority"] = wanted["authority"] or (own if own.lower() in ours else "".join(ours[:1])) or own
    problem, status = "", 200
    if "type" in request.args:
        try:
            acts.require(f"ivo://{wanted['authority']}")
            return page(desks.begun(site(), wanted["type"], wanted["authority"], wanted["key"]))
        except Refusal as refusal:
            problem, status = str(refusal), 403 if isinstance(refusal, Denied) else 400
    return render_template("admin/edit_new.html", kinds=desks.KINDS, ours=ours, wanted=wanted, problem=problem,
                           twin=_publishing("records", "publish", "record.xml")), status


@pages.post("/import-record")
def import_record() -> Answer:
    """What a service says of itself as a form: each field says where its value is from."""
    form = ServiceForm(request.form)
    given = {name: (form[name].data or "")[:20_000] for name in ("url", "key", "title", "description", "subjects")}
    try:
        desk, oddities = _imported(given)
    except Refusal as refusal:
        return services.again(form, str(refusal)), refusal.status
    return page(desk, note=f"Read from {desk.watch}. Nothing is published yet.", oddities=oddities)


def _imported(given: dict[str, str]) -> tuple[Desk, list[str]]:
    """The desk of a service's record, and what its documents have that is odd. Raises Refusal."""
    subjects = tuple(word.strip() for word in given["subjects"].split(",") if word.strip())
    wish = Wish(given["key"], given["title"], given["description"], subjects)
    ivoid = describing.name_of(site(), given["key"])
    acts.require(ivoid)
    found = importing.look(site(), given["url"])
    made = describing.described(site(), wish, found.capabilities, found.tableset)
    said = frozenset(name for name in ("title", "description", "subjects") if given[name])
    return desks.imported(site(), ivoid, made.xml, found.url, said), [*found.problems, *made.notes]


@pages.get("/edit/<path:name>")
def edit_form(name: str) -> Answer:
    """The form of the draft of that name, else of the record."""
    acts.require(f"ivo://{name}")
    return page(desks.opened(site(), f"ivo://{name}", published=request.args.get("from") == "published"))


@pages.post("/edit/<path:name>")
def edit_post(name: str) -> Answer:
    """What a button of the form asks for; the form is drawn again with all that was typed, whatever becomes of it."""
    desk = _sent(name)
    act = request.form.get("do", "check")
    if act in ("save", "overwrite"):
        return _save(desk, anyway=act == "overwrite")
    if act == "review":
        faults = desks.check(site(), desk)
        return page(desk, faults, status=400) if faults else review(desk)
    if act == "publish":
        return _publish(desk)
    if act == "theirs":
        return page(stale.merged(site(), desk), note="This is what they saved with your changes on top: look it through.")
    if act in ("form", "check", ""):
        return page(desk, desks.check(site(), desk) if act == "check" else [], checked=act == "check")
    place = posting.act(shape.shapes(site().schemas), desk.root, act)
    return page(desk, [], focus=place)


@pages.post("/edit-check/<path:name>")
def edit_check(name: str) -> FlaskResponse:
    """For the script: the faults by field; with `autosave`, the draft is kept too."""
    desk = _sent(name)
    faults = desks.check(site(), desk)
    answer: dict[str, Any] = {
        "faults": [{"id": showing.identify(one.path) if one.path else "", "label": one.label, "what": one.what}
                   for one in faults],
        "draft": desk.draft, "conflict": "", "saved": "",
    }
    if request.form.get("autosave"):
        try:
            saved = desks.save(site(), desk, guard.who())
            answer |= {"draft": saved.revision, "saved": saved.at}
        except (Refusal, XmlRefused) as refusal:
            answer["conflict"] = str(refusal)
    return jsonify(answer)


@pages.post("/edit-preview/<path:name>")
def edit_preview(name: str) -> str:
    """For the script: a part of a page that shows what is on the desk, valid or not yet."""
    return render_template("admin/edit_preview.html", **_previewed(_sent(name)))


@pages.route("/edit-xml/<path:name>", methods=["GET", "POST"])
def edit_xml(name: str) -> Answer:
    """The record as XML, for those who know it; judged by the same rules."""
    if request.method == "GET":
        acts.require(f"ivo://{name}")
        return xml_page(desks.opened(site(), f"ivo://{name}"))
    typed = request.form.get("xml", "").replace("\r\n", "\n")
    desk = _sent(name)
    if request.form.get("do") == "xml":
        return xml_page(desk)
    try:
        desk = desks.of_xml(site(), desk, typed.encode())
    except (Refusal, XmlRefused, UnicodeEncodeError) as refusal:
        return xml_page(desk, [Fault("", "The XML", str(refusal))], typed), 400
    faults = desks.check(site(), desk)
    act = request.form.get("do", "check")
    if act == "form":
        return page(desk, faults)
    if act == "save":
        return _save(desk)
    if act == "review" and not faults:
        return review(desk)
    return xml_page(desk, faults, typed, checked=not faults), 400 if faults else 200


def page(
    desk: Desk, faults: Iterable[Fault] = (), *, problem: str = "", note: str = "", focus: str = "", checked: bool = False,
    status: int = 200, oddities: Iterable[str] = (), overwrite: bool = False,
) -> Answer:
    """The form as it stands, with what is wrong beside each field."""
    told = list(faults)
    answer = render_template(
        "admin/edit.html", desk=desk, sections=showing.sections(desk.root, told, desk.marks), faults=told,
        problem=problem, note=note, oddities=list(oddities), overwrite=overwrite,
        live=len(desk.base) <= LIVE, checked=checked, carried=_carried(desk),
        focus=showing.identify(focus) if focus else "",
        lists=vocabulary.suggestions(), identify=showing.identify, twin=_twin(desk), kind=desks.KINDS.get(desk.type, desk.type))
    return (answer, status) if status != 200 else answer


def xml_page(desk: Desk, faults: Iterable[Fault] = (), typed: str = "", *, checked: bool = False) -> str:
    """The record as XML in one large field."""
    return render_template("admin/edit_xml.html", desk=desk, faults=list(faults), typed=typed or desk.xml.decode(),
                           carried=_carried(desk), checked=checked, twin=_twin(desk))


def review(desk: Desk, problem: str = "") -> str:
    """What would be published: as a page, as XML, and how it differs from what is published."""
    return render_template(
        "admin/edit_review.html", desk=desk, carried=_carried(desk, made=True), problem=problem,
        why=request.form.get("why", ""), **_previewed(desk))


def _previewed(desk: Desk) -> dict[str, Any]:
    element = xmlio.parse(desk.xml)
    with site().database.read() as connection:
        record = store.get(connection, desk.ivoid)
    difference = None
    if record is not None and not record.deleted:
        difference = comparing.compare(record.xml, desk.xml, (f"version {record.version}", "yours"))
    return {"summary": resource.summarise(element), "capabilities": capabilities.of_record(element), "record": record,
            "difference": difference, "xml": desk.xml.decode(), "kind": desks.KINDS.get(desk.type, desk.type)}


def _sent(name: str) -> Desk:
    pairs = [(key, value) for key, value in request.form.items(multi=True) if key == "r" or key.startswith("r/")]
    acts.require(f"ivo://{name}")
    return desks.sent(site(), f"ivo://{name}", request.form, pairs)


def _carried(desk: Desk, made: bool = False) -> dict[str, str]:
    """The hidden fields that bring the desk back."""
    return {"base": carrying.packed(desk.xml if made else desk.base), "began": str(desk.began), "draft": str(desk.draft),
            "marks": desks.write_marks(desk.marks), "watch": desk.watch}


def _save(desk: Desk, anyway: bool = False) -> Answer:
    """Keep the draft; `anyway` in the place of one that somebody else has saved meanwhile."""
    try:
        saved = desks.save(site(), desk, guard.who(), request.form.get("why", ""), anyway=anyway)
    except Conflict as conflict:
        return page(desk, problem=str(conflict), overwrite=True, status=conflict.status)
    except (Refusal, XmlRefused) as refusal:
        status = getattr(refusal, "status", 400)
        return page(desk, problem=str(refusal), status=status)
    desk.draft = saved.revision
    return page(desk, note=f"The draft is saved (revision {saved.revision}, {saved.at}). Nothing is published by that.")


def _publish(desk: Desk) -> Answer:
    why = request.form.get("why", "").strip()[:500]
    try:
        record = desks.publish_now(site(), desk, guard.who(), why)
    except Overtaken as overtaken:
        return stale.page(desk, overtaken, _carried(desk, made=True))
    except PublishRefused as refused:
        found = desks.check(site(), desk)
        return page(desk, found, problem="" if found else str(refused), status=400)
    except (Refusal, XmlRefused) as refusal:
        return page(desk, problem=str(refusal), status=getattr(refusal, "status", 400))
    acts.note("publish record", record.ivoid, why)
    begin_watch.begin(site(), record, desk.watch)
    flash(f"{record.ivoid} is published (version {record.version}): harvesters and searches find it from now on.", "success")
    return redirect(f"{request.script_root}/admin{path_of(record.ivoid)}", 303)


def _twin(desk: Desk) -> twins.Twin:
    if desk.began:
        return _publishing("records", "edit", desk.ivoid, "--file", "record.xml", expected=desk.began)
    return _publishing("records", "publish", "record.xml")


def _publishing(*words: str, expected: int = 0) -> twins.Twin:
    """The command, and a POST of the record's XML."""
    return twins.Twin(
        twins.command(*words),
        "curl -X POST -H 'Authorization: Bearer TOKEN' -H 'Content-Type: text/xml' --data-binary @record.xml "
        f"'{site().settings.url('api/records')}?expected={expected}'")
