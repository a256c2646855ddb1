"""The shelf for those who keep it: the list, a record with its faults and the buttons of its life."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access, lists
from registry.admin import guard, listed, twins
from registry.admin.editing import acts, desks as desks, life, record_api as record_api  # these put views on the blueprints
from registry.admin.forms import ConfirmForm
from registry.admin.pages import pages, site
from registry.errors import Refusal
from registry.records import drafting, listing, store
from registry.records.listed import RECORDS
from registry.records.views import path_of

DRAFTS = 20  # on the page of records; the page of problems lists all


@pages.get("/records", defaults={"suffix": ""})
@pages.get("/records.<any(csv, json):suffix>")
def records(suffix: str) -> Response | str:
    """A page of records, tombstones too; the whole state is in the address. CSV and JSON are of the same rows."""
    with site().database.read() as connection:
        page = lists.page(connection, listed.asked(RECORDS))
        if suffix:
            return listed.as_file(page, suffix)
        drafts = drafting.every(connection)
        sets = [one for one in listing.all_sets(connection) if one.spec != listing.MANAGED]
    return render_template("admin/records.html", page=page, drafts=drafts[:DRAFTS], more=len(drafts) > DRAFTS, sets=sets,
                           twin=listed.twin(page.asked, ("records", "list"), "records"))


@pages.get("/records/<path:name>")
def record(name: str) -> str | Response:
    """One record: facts, problems, XML, what can be done with it. What is only a draft is its form."""
    with site().database.read() as connection:
        only_draft = store.get(connection, f"ivo://{name}") is None and drafting.draft_of(connection, f"ivo://{name}")
    if only_draft and guard.caller().may(access.PUBLISHER):
        return redirect(f"{request.script_root}/admin/edit/{name}", 303)
    return _page(name, ConfirmForm())


@pages.post("/records/<path:name>/retire")
def record_retire(name: str) -> Response | tuple[str, int]:
    """Delete a record of ours, which was confirmed by its name; a tombstone stays."""
    form = ConfirmForm(request.form)
    problem = ""
    try:
        acts.confirmed(request.form.get("confirm", ""), f"ivo://{name}")
    except Refusal as refusal:
        problem = str(refusal)
    if not form.validate() or problem:
        return _page(name, form, problem), 400
    gone = acts.act("delete", f"ivo://{name}", form.why.data)
    flash(f"{gone.ivoid} {acts.SAYS['delete']}.", "success")
    return redirect(f"{request.script_root}/admin{path_of(gone.ivoid)}", 303)


def _page(name: str, form: ConfirmForm, problem: str = "") -> str:
    with site().database.read() as connection:
        found = store.get(connection, f"ivo://{name}")
        draft = drafting.draft_of(connection, f"ivo://{name}")
        if found is None:
            raise store.NoRecord(f"ivo://{name}")
        history = store.versions(connection, found.ivoid)
    address = site().settings.url(path_of(found.ivoid)[1:])
    return render_template(
        "admin/record.html",
        record=found,
        history=history,
        draft=draft,
        form=form,
        problem=problem,
        typed=request.form.get("confirm", ""),
        twin=twins.Twin(twins.command("records", "show", found.ivoid), f"curl '{address}.xml'"),
        checks=_checks(found, address),
        may_change=life.may_change(found),
        undo=history[1].version if len(history) > 1 and history[1].status != store.DELETED else 0,
        xml=found.xml.decode("utf-8", "replace"),
    )


def _checks(found: store.Record, address: str) -> list[tuple[str, str]]:
    """How to see that the world has it: what, and a line for a shell."""
    oai = site().settings.url("oai")
    return [
        ("Harvesters", f"curl '{oai}?verb=GetRecord&metadataPrefix=ivo_vor&identifier={found.ivoid}'"),
        ("Programs", f"curl '{address}.xml'"),
        ("Every rule of the Registry of Registries, for it and for the whole registry",
         f"{twins.command('validate', found.ivoid)}\n{twins.command('validate')}"),
    ]
