"""The life of a record on pages: buttons that say what they do, its history with what changed, and many records at once."""

from __future__ import annotations

import io

from flask import Response as FlaskResponse, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from registry.admin import guard, twins
from registry.admin.editing import acts
from registry.admin.pages import pages, site
from registry.errors import Conflict, Refusal
from registry.records import comparing, drafting, exporting, lifecycle, store
from registry.records.store import Record, Version
from registry.records.views import path_of

MOST = 500  # records of one bulk action


class NothingChosen(Refusal):
    """A bulk action without records, or without a thing to do."""


@pages.post("/life/<path:name>")
def record_life(name: str) -> Response:
    """Deactivate, activate, delete, restore, or throw the draft away."""
    ivoid, verb = f"ivo://{name}", request.form.get("do", "")
    why, expected = request.form.get("why", "").strip()[:500], _number("expected")
    if verb == "discard":
        acts.discard(ivoid)
        flash(f"The draft of {ivoid} is thrown away; what is published stays.", "success")
        with site().database.read() as connection:
            gone = store.get(connection, ivoid) is None
        return _to("/admin/records" if gone else f"/admin{path_of(ivoid)}")
    if verb == "restore":
        record = acts.restore(ivoid, _number("version") or 0, why, expected)
        flash(f"{record.ivoid} says again what it said in version {_number('version')}; that is its version {record.version}.",
              "success")
        return _to(f"/admin{path_of(record.ivoid)}")
    if verb not in acts.ACTS:
        raise NothingChosen("Nothing was asked for: use one of the buttons.")
    if verb == "delete":
        acts.confirmed(request.form.get("confirm", ""), ivoid)
    record = acts.act(verb, ivoid, why, expected)
    flash(f"{record.ivoid} {acts.SAYS[verb]}. Its page has a button that undoes this.", "success")
    return _to(f"/admin{path_of(record.ivoid)}")


@pages.get("/history/<path:name>")
def history(name: str) -> str:
    """Every version with who, when and why, and what changed between two of them."""
    ivoid = f"ivo://{name}"
    with site().database.read() as connection:
        record = store.get(connection, ivoid)
        if record is None:
            raise store.NoRecord(ivoid)
        versions = store.versions(connection, record.ivoid)
        draft = drafting.draft_of(connection, ivoid)
    old, new = _two(record, versions)
    difference = comparing.compare(old.xml, new.xml, (f"version {old.version}", f"version {new.version}"))
    words = ("records", "diff", record.ivoid, str(old.version), str(new.version))
    twin = twins.Twin(twins.command(*words), "curl -H 'Authorization: Bearer TOKEN' "
                      f"'{site().settings.url('api/history' + path_of(record.ivoid).removeprefix('/records'))}'")
    return render_template(
        "admin/record_history.html", record=record, versions=versions, draft=draft, old=old, new=new, difference=difference,
        twin=twin, may_change=may_change(record))


@pages.post("/records-bulk")
def records_bulk() -> Response | str | tuple[str, int]:
    """One act for all records that were chosen; each is told, and one that cannot be is told why."""
    names = list(dict.fromkeys(request.form.getlist("ivoid")))[:MOST]
    verb = request.form.get("do", "")
    if not names:
        raise NothingChosen("No record was chosen: tick some, then press the button again.")
    if verb == "export":
        return _exported(names)
    if verb == "set":
        number = acts.into_set(request.form.get("set", ""), names)
        flash(f"{number} of {len(names)} records are new in the set {request.form.get('set', '')}.", "success")
        return _to("/admin/records")
    if verb not in acts.ACTS:
        raise NothingChosen("Nothing was asked for: use one of the buttons.")
    if verb == "delete":
        wanted = f"delete {len(names)} record{'' if len(names) == 1 else 's'}"
        if request.form.get("confirm", "").strip().lower() != wanted:
            return _ask(names, wanted)
    _each(verb, names, request.form.get("why", "").strip()[:500])
    return _to("/admin/records")


def may_change(record: Record) -> bool:
    """Whether the caller may change the record."""
    if record.origin != store.OWN or not guard.caller().may("publisher"):
        return False
    try:
        acts.require(record.ivoid)
    except Refusal:
        return False
    return True


def _each(verb: str, names: list[str], why: str) -> None:
    done = 0
    for name in names:
        try:
            acts.act(verb, name, why)
            done += 1
        except Refusal as refusal:
            flash(str(refusal), "warning")
    if done:
        flash(f"{done} of {len(names)} records: {verb} done.", "success")


def _ask(names: list[str], wanted: str) -> tuple[str, int]:
    with site().database.read() as connection:
        found = [record for name in names if (record := store.get(connection, name)) is not None]
    wrong = "confirm" in request.form
    answer = render_template("admin/record_bulk_delete.html", records=found, wanted=wanted, why=request.form.get("why", ""),
                             problem=f"That is not {wanted!r}: nothing was deleted." if wrong else "")
    return answer, 400 if wrong else 200


def _exported(names: list[str]) -> Response:
    with site().database.read() as connection:
        found = [record for name in names if (record := store.get(connection, name)) is not None]
    out = io.BytesIO()
    exporting.to_stream(found, out)
    return FlaskResponse(out.getvalue(), content_type="text/xml; charset=utf-8", headers={
        "Content-Disposition": 'attachment; filename="records.xml"', "Content-Security-Policy": "sandbox; default-src 'none'"})


def _two(record: Record, versions: list[Version]) -> tuple[Version, Version]:
    """The versions to compare: those asked for, else the present one and the one before it."""
    numbers = {one.version: one for one in versions}
    new = _number("new") or record.version
    old = _number("old") or max(new - 1, 1)
    for number in (old, new):
        if number not in numbers:
            raise lifecycle.NoVersion(f"{record.ivoid} has no version {number}; its newest is {record.version}.")
    return numbers[old], numbers[new]


def _number(name: str) -> int | None:
    value = request.values.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Conflict(f"{name} is not the number of a version.")
    return int(value)


def _to(path: str) -> Response:
    return redirect(request.script_root + path, 303)
