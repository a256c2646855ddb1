"""Commands of the shelf: list, show, history; import, export, reproject.

Those that change records are in `editing` and `changing`.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from registry import lists
from registry.cli import changing, editing
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.cli.listed import Form, listed
from registry.errors import Refusal
from registry.lists import Asked
from registry.records import drafting, exporting, importing, incoming, lifecycle, listing, reprojecting, store
from registry.records.importing import Report
from registry.records.listed import ANY, RECORDS
from registry.site import Site
from registry.tables import records as shelf

_ORIGINS = click.Choice([store.OWN, store.HARVESTED, store.FOREIGN_FILE, store.SHIPPED])


@click.group()
def records() -> None:
    """The records on the shelf: look at them, change ours, see what has changed."""


for _name, _command in {"edit": editing.edit, **changing.COMMANDS}.items():
    records.add_command(_command, _name)


@records.command("list")
@click.argument("words", nargs=-1)
@click.option("--deleted", is_flag=True, help="Tombstones too.")
@click.option("--drafts", is_flag=True, help="The drafts, and nothing else.")
@click.option("--after", default="", help="Go on behind this identifier, in the order of identifiers.")
@listed(RECORDS)
@with_site
def list_(site: Site, words: tuple[str, ...], after: str, asked: Asked, form: Form, deleted: bool, drafts: bool) -> None:
    """List records by name; WORDS are looked for in title and identifier."""
    if drafts:
        _list_drafts(site, words, form.as_json)
        return
    if after and asked.sort != RECORDS.sort:
        raise click.UsageError("--after goes on in the order of identifiers: leave --sort out.")
    asked = replace(asked, words=" ".join((*words, asked.words)).strip(), after=store.key_of(after))
    there = () if deleted or asked.narrowed["status"] != ANY else (shelf.c.status != store.DELETED,)
    with site.database.read() as connection:
        page = lists.page(connection, asked, *there)
    form.show(page, lambda: table(
        ("identifier", "title", "type", "origin", "status", "changed"),
        ((one.ivoid, one.title, one.type, one.origin, one.status, one.datestamp) for one in page.rows),
        empty="No record matches."))


@records.command()
@click.argument("words", nargs=-1)
@click.option("--type", default="", help="Only those of this type, such as vs:CatalogService.")
@click.option("--standard", default="", help="Only those that speak this standard, such as ivo://ivoa.net/std/ConeSearch.")
@click.option("--waveband", default="", help="Only those of this waveband, such as infrared.")
@click.option("--authority", default="", help="Only those whose identifier begins with this authority.")
@click.option("--subject", default="", help="Only those with exactly this subject.")
@click.option("--datacenter", default="", help="Only services of this datacenter, by its authority.")
@click.option("--status", default="", help="active (without it), inactive or deleted.")
@click.option("--origin", default="", help="own: only records of ours.")
@click.option("--page", default="1", help="Which page of them.")
@click.option("--limit", default="", help="How many make a page.")
@click.option("--adql", "as_adql", is_flag=True, help="Print the same search as ADQL and nothing else.")
@json_option
@with_site
def find(site: Site, words: tuple[str, ...], as_adql: bool, as_json: bool, **facets: str) -> None:
    """Search the records: all WORDS in title, description, subjects or identifier, the best first."""
    from registry.search.finding import asking, documents, records as finding  # its parser of ADQL is heavy

    with site.database.read() as connection:
        found = finding.search(connection, asking.asked({"q": " ".join(words), **facets}))
    if as_adql:
        click.echo(found.adql)
        return

    def text() -> None:
        table(("identifier", "title", "type", "waveband"),
              [(one.ivoid, one.title, one.type, one.waveband) for one in found.items], empty="No record matches.")
        if found.pages > 1:
            click.echo(f"page {found.asked.page} of {found.pages}, {found.total} records")

    emit(documents.plain(site.settings, found), as_json, text)


@records.command()
@click.argument("ivoid")
@click.option("--xml", "as_xml", is_flag=True, help="The record itself and nothing else.")
@click.option("--draft", "as_draft", is_flag=True, help="The XML of its draft and nothing else.")
@json_option
@with_site
def show(site: Site, ivoid: str, as_xml: bool, as_draft: bool, as_json: bool) -> None:
    """Show the record IVOID, in whatever case it is written."""
    if as_draft:
        with site.database.read() as connection:
            draft = drafting.draft_of(connection, ivoid)
        if draft is None:
            raise drafting.NoDraft(ivoid)
        _print_xml(draft.xml)
        return
    record = _record(site, ivoid)
    if as_xml:
        _print_xml(record.xml)
        return
    document = {**_plain(record), "version": record.version, "problems": _problems(record),
                "xml": record.xml.decode()}

    def text() -> None:
        table(("field", "value"), [(name, value) for name, value in _plain(record).items() if value], empty="")
        for problem in _problems(record):
            click.echo(f"line {problem['line']}: {problem['what']}")
        click.echo(f"The XML: registry records show --xml {record.ivoid}")

    emit(document, as_json, text)


@records.command()
@click.argument("ivoid")
@click.option("--version", type=int, help="Print the XML of this version and nothing else.")
@json_option
@with_site
def history(site: Site, ivoid: str, version: int | None, as_json: bool) -> None:
    """Every state that the record IVOID has been in, the newest first."""
    record = _record(site, ivoid)
    with site.database.read() as connection:
        versions = store.versions(connection, record.ivoid)
    if version is not None:
        with site.database.read() as connection:
            _print_xml(lifecycle.version_of(connection, record, version).xml)
        return
    rows = [(one.version, one.at, one.who, one.status, one.why) for one in versions]
    names = ("version", "at", "who", "status", "why")
    emit([dict(zip(names, row, strict=True)) for row in rows], as_json, lambda: table(names, rows, empty=""))


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--own", is_flag=True, help="They become records of ours: valid, and their authorities adopted.")
@click.option("--force-own", is_flag=True, help="With --own: also authorities that another registry manages.")
@json_option
@with_site
def import_(site: Site, paths: tuple[str, ...], own: bool, force_own: bool, as_json: bool) -> None:
    """Put the records in PATH... on the shelf: files, folders with all *.xml below them, - for standard input.

    A file may hold one record, a list of them or an OAI-PMH page. Each is kept as it came. The exit code is 0 when
    every file is accounted for and at least one record is on the shelf (new, changed or equal), 1 when none is.
    """
    if force_own and not own:
        raise click.UsageError("--force-own goes with --own.")
    with progress("import", total=incoming.count(paths)) as update:
        report = importing.import_paths(
            site, paths, own=own, force_own=force_own, who=who(), progress=update, stdin=sys.stdin.buffer,
            processes=len(os.sched_getaffinity(0)))
    emit(_report(report), as_json, lambda: _tell(report))
    if not report.taken:
        raise Refusal("Nothing could be taken; the report says why, file by file.")


@click.command()
@click.argument("target", metavar="DIR|-")
@click.option("--origin", type=_ORIGINS, help="Only those that came this way.")
@with_site
def export(site: Site, target: str, origin: str | None) -> None:
    """Write the records to DIR, each as <authority>/<key>.xml, or with - as one document to standard output.

    Tombstones and drafts are left out. `registry import` reads both forms back.
    """
    folder = None if target == incoming.STDIN else Path(target)
    with site.database.read() as connection, progress("export") if folder else nullcontext(_silent) as update:
        found = (one for one in listing.every(connection, origin=origin or "")
                 if one.status not in (store.DELETED, store.DRAFT))
        if folder is None:
            exporting.to_stream(found, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        count = exporting.to_folder(found, folder, update)
    click.echo(f"{count} records written to {target}")


@click.command()
@click.option("--behind", is_flag=True, help="Only records whose rows were made from another state of theirs.")
@with_site
def reproject(site: Site, behind: bool) -> None:
    """Derive the tables of searches from the records anew."""
    with progress("reproject") as update:
        count = reprojecting.reproject(site, behind_only=behind, progress=update)
    click.echo(f"{count} records projected")


def _list_drafts(site: Site, words: tuple[str, ...], as_json: bool) -> None:
    with site.database.read() as connection:
        found = [(one, one.summary) for one in drafting.every(connection)]
    wanted = [word.lower() for word in words]
    found = [(one, said) for one, said in found if all(word in f"{one.key} {said.title.lower()}" for word in wanted)]
    rows = [(one.ivoid, said.title, said.type, one.who, one.at, one.revision, one.based_on) for one, said in found]
    names = ("identifier", "title", "type", "who", "at", "revision", "based on")
    keys = ("ivoid", *(name.replace(" ", "_") for name in names[1:]))
    emit([dict(zip(keys, row, strict=True)) for row in rows], as_json, lambda: table(
        names, rows, empty="There is no draft."))


def _silent(_done: int, _words: str = "") -> None:
    """Standard output is the document itself."""


def _report(report: Report) -> dict[str, Any]:
    return {"files": [asdict(file) for file in report.files], "counts": report.counts, "adopted": list(report.adopted)}


def _tell(report: Report) -> None:
    """The report for people: a line per record that was not simply taken, then the sums."""
    rows = [(file.name, entry.ivoid, entry.outcome, entry.reason or f"{entry.problems} problems by the schemas")
            for file in report.files for entry in file.entries if entry.reason or entry.problems]
    if rows:
        table(("file", "record", "outcome", "reason"), rows, empty="")
    counts = ", ".join(f"{number} {name}" for name, number in report.counts.items() if number)
    click.echo(f"{len(report.files)} files: {counts or 'no record'}")
    if report.adopted:
        click.echo(f"adopted: {', '.join(report.adopted)}")


def _record(site: Site, ivoid: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
    if record is None:
        raise store.NoRecord(ivoid)
    return record


def _plain(record: store.Record) -> dict[str, Any]:
    return {
        "ivoid": record.ivoid, "title": record.title, "type": record.type, "status": record.status,
        "origin": record.origin, "datestamp": record.datestamp, "updated": record.updated,
        "valid_in": record.profile, "managed": record.managed,
    }


def _problems(record: store.Record) -> list[dict[str, Any]]:
    names = ("where", "what", "field", "line")
    return [dict(zip(names, problem, strict=True)) for problem in record.problems]


def _print_xml(xml: bytes) -> None:
    sys.stdout.buffer.write(exporting.DECLARATION + xml + b"\n")
    sys.stdout.buffer.flush()
