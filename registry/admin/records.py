"""The shelf for those who keep it: the list, a record with its faults and history, the button that withdraws it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry import access
from registry.admin import guard, twins
from registry.admin.editing import desks as desks  # puts its views on the blueprint
from registry.admin.forms import ConfirmForm
from registry.admin.pages import pages, site
from registry.records import listing, publish, store
from registry.records.views import path_of

PAGE = 50


@pages.get("/records")
def records() -> str:
    """A page of records; the whole state is in the address."""
    wanted = {name: request.args.get(name, "").strip()[:200] for name in ("q", "origin", "type", "after")}
    with site().database.read() as connection:
        found = listing.browse(
            connection,
            origin=wanted["origin"],
            type_=wanted["type"],
            words=wanted["q"],
            deleted=True,
            after=wanted["after"],
            limit=PAGE + 1,
        )
    more = found[PAGE - 1].key if len(found) > PAGE else ""
    return render_template(
        "admin/records.html",
        records=found[:PAGE],
        wanted=wanted,
        more=more,
        origins=(store.OWN, store.HARVESTED, store.FOREIGN_FILE, store.SHIPPED),
    )


@pages.get("/records/<path:name>")
def record(name: str) -> str:
    """One record: facts, problems, XML, history."""
    return _page(name, ConfirmForm())


@pages.post("/records/<path:name>/retire")
def record_retire(name: str) -> Response | tuple[str, int]:
    """Withdraw a record of ours; a tombstone stays."""
    form = ConfirmForm(request.form)
    if not form.validate():
        return _page(name, form), 400
    gone = publish.retire(site(), f"ivo://{name}", who=guard.who(), why=form.why.data)
    with site().database.write() as connection:
        access.audit(connection, guard.who(), "retire", gone.ivoid, form.why.data)
    flash(f"{gone.ivoid} is withdrawn; harvesters are told that it is deleted.", "success")
    return redirect(f"{request.script_root}/admin{path_of(gone.ivoid)}", 303)


def _page(name: str, form: ConfirmForm) -> str:
    with site().database.read() as connection:
        found = store.get(connection, f"ivo://{name}")
        if found is None:
            raise store.NoRecord(f"ivo://{name}")
        history = store.versions(connection, found.ivoid)
    twin = twins.Twin(
        twins.command("records", "show", found.ivoid), f"curl '{site().settings.url(path_of(found.ivoid)[1:])}.xml'"
    )
    return render_template(
        "admin/record.html",
        record=found,
        history=history,
        form=form,
        twin=twin,
        may_retire=found.origin == store.OWN and not found.deleted and guard.caller().may(access.PUBLISHER),
        xml=found.xml.decode("utf-8", "replace"),
    )
