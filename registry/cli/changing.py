"""Commands that take a record of ours from one state to another: publish, restore, delete, deactivate, activate; diff.

`editing` changes what it says. What the commands of records share is here too: their options, and how they tell.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from registry.cli.common import emit, json_option, table, who, with_site
from registry.errors import Refusal
from registry.records import comparing, drafting, incoming, lifecycle, publish, store
from registry.records.drafting import SavedDraft
from registry.site import Site
from vosi.xmlio import XmlRefused

why_option = click.option("--why", default="", help="The reason, for the history.")
expected_option = click.option(
    "--expected", type=click.IntRange(0), metavar="VERSION",
    help="The version that the change was made from; refused where there is a newer one.")


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="IVOID|PATH...")
@click.option("--anyway", is_flag=True, help="A draft: also where the record has been saved since it was begun.")
@why_option
@json_option
@with_site
def publish_(site: Site, targets: tuple[str, ...], anyway: bool, why: str, as_json: bool) -> None:
    """Publish the drafts IVOID, and the records in the files PATH (- for standard input), as ours."""
    done = []
    for target in targets:
        if target[:6].lower() == "ivo://":
            record = lifecycle.publish_draft(site, target, who=who(), why=why, anyway=anyway)
        else:
            record = _published_file(site, target, why)
        done.append(record)
    lines = "\n".join(f"published {one.ivoid} (version {one.version})" for one in done)
    emit([plain(one) for one in done], as_json, lambda: click.echo(lines))


@click.command()
@click.argument("ivoid")
@click.argument("old", type=int, required=False)
@click.argument("new", type=int, required=False)
@click.option("--draft", "with_draft", is_flag=True, help="Between the record and its draft.")
@json_option
@with_site
def diff(site: Site, ivoid: str, old: int | None, new: int | None, with_draft: bool, as_json: bool) -> None:
    """What has changed in the record IVOID from version OLD to NEW; by default from the last but one to the present."""
    before, after = _two(site, ivoid, old, new, with_draft)
    found = comparing.compare(before[1], after[1], (before[0], after[0]))
    document = {"ivoid": ivoid, "old": before[0], "new": after[0], "changes": [asdict(one) for one in found.changes],
                "diff": found.lines}

    def text() -> None:
        rows = [(one.path, one.kind, _short(one.old), _short(one.new)) for one in found.changes]
        table(("element", "", before[0], after[0]), rows, empty="No element differs.")
        if found.lines:
            click.echo("\n" + found.lines, nl=False)

    emit(document, as_json, text)


@click.command()
@click.argument("ivoid")
@click.argument("version", type=int)
@expected_option
@why_option
@json_option
@with_site
def restore(site: Site, ivoid: str, version: int, expected: int | None, why: str, as_json: bool) -> None:
    """Publish what the record IVOID said in VERSION again; a deleted record is published again."""
    record = lifecycle.restore(site, ivoid, version, who=who(), why=why, expected=expected)
    tell(record, as_json, f"version {version} restored")


@click.command()
@click.argument("ivoid")
@click.option("--draft", "of_draft", is_flag=True, help="Throw its draft away; what is published stays.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@expected_option
@why_option
@json_option
@with_site
def delete(site: Site, ivoid: str, of_draft: bool, yes: bool, expected: int | None, why: str, as_json: bool) -> None:
    """Delete the record IVOID; a tombstone tells those who harvest us."""
    begun = begun_record(site, ivoid, of_draft, deleted_too=True)
    if not (yes or begun.deleted):
        click.confirm(f"Delete {'the draft of ' if of_draft else ''}{begun.ivoid} ({begun.title})?", abort=True)
    if of_draft:
        emit(plain(drafting.discard(site, ivoid, expected=expected)), as_json,
             lambda: click.echo(f"draft of {begun.ivoid} thrown away"))
        return
    record = lifecycle.delete(site, ivoid, who=who(), why=why, expected=expected)
    emit(plain(record), as_json, lambda: click.echo(f"deleted {record.ivoid}"))


@click.command()
@click.argument("ivoid")
@expected_option
@why_option
@json_option
@with_site
def deactivate(site: Site, ivoid: str, expected: int | None, why: str, as_json: bool) -> None:
    """Offer the record IVOID no longer: it stays published as inactive, and leaves searches."""
    tell(lifecycle.deactivate(site, ivoid, who=who(), why=why, expected=expected), as_json, "inactive")


@click.command()
@click.argument("ivoid")
@expected_option
@why_option
@json_option
@with_site
def activate(site: Site, ivoid: str, expected: int | None, why: str, as_json: bool) -> None:
    """Offer the inactive record IVOID again."""
    tell(lifecycle.reactivate(site, ivoid, who=who(), why=why, expected=expected), as_json, "active")


COMMANDS: dict[str, click.Command] = {
    "publish": publish_, "diff": diff, "restore": restore, "delete": delete, "deactivate": deactivate,
    "activate": activate,
}


class Begun:
    """What an edit begins from: `number` is the record's version or the draft's revision."""

    def __init__(self, found: store.Record | SavedDraft, number: int, title: str) -> None:
        self.ivoid, self.xml, self.number, self.title = found.ivoid, found.xml, number, title
        self.deleted = isinstance(found, store.Record) and found.deleted


def begun_record(site: Site, ivoid: str, as_draft: bool, deleted_too: bool = False) -> Begun:
    with site.database.read() as connection:
        draft = drafting.draft_of(connection, ivoid) if as_draft else None
        record = store.get(connection, ivoid)
    if draft is not None:
        return Begun(draft, draft.revision, draft.summary.title)
    if record is None or (as_draft and deleted_too):
        raise drafting.NoDraft(ivoid) if as_draft else store.NoRecord(ivoid)
    if record.deleted and not deleted_too:
        raise Refusal(
            f"{record.ivoid} is deleted: `registry records restore {record.ivoid} VERSION` publishes it again.")
    return Begun(record, 0 if as_draft else record.version, record.title)


def read_one(file: str) -> bytes:
    [document] = incoming.documents([file], sys.stdin.buffer)
    if document.fault:
        raise Refusal(f"{document.name}: {document.fault}")
    return document.data


def _published_file(site: Site, target: str, why: str) -> store.Record:
    if Path(target).is_dir():
        raise Refusal(f"{target} is a folder: `registry import --own {target}` takes all records in it.")
    data = read_one(target)
    try:
        with site.database.read() as connection:
            expected = lifecycle.begun_from(connection, data)
        return publish.publish(site, data, who=who(), why=why or "published from a file", expected=expected)
    except (Refusal, XmlRefused) as refusal:
        raise Refusal(f"{target}: {refusal}") from None


def _two(
    site: Site, ivoid: str, old: int | None, new: int | None, with_draft: bool,
) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """The two states to be compared, each with its name."""
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
        if record is None:
            raise store.NoRecord(ivoid)
        number = record.version if new is None else new
        if with_draft:
            draft = drafting.draft_of(connection, ivoid)
            if draft is None:
                raise drafting.NoDraft(ivoid)
            base = record.version if old is None else old
            return (f"version {base}", lifecycle.version_of(connection, record, base).xml), ("draft", draft.xml)
        base = max(number - 1, 1) if old is None else old
        return tuple((f"version {one}", lifecycle.version_of(connection, record, one).xml)  # type: ignore[return-value]
                     for one in (base, number))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def plain(saved: store.Record | SavedDraft) -> dict[str, Any]:
    if isinstance(saved, SavedDraft):
        return {"ivoid": saved.ivoid, "status": store.DRAFT, "revision": saved.revision, "based_on": saved.based_on,
                "who": saved.who, "at": saved.at, "title": saved.summary.title}
    return {"ivoid": saved.ivoid, "status": saved.status, "version": saved.version, "title": saved.title,
            "updated": saved.updated, "datestamp": saved.datestamp}


def tell(saved: store.Record | SavedDraft, as_json: bool, words: str) -> None:
    number = saved.revision if isinstance(saved, SavedDraft) else saved.version
    kind = "revision" if isinstance(saved, SavedDraft) else "version"
    emit(plain(saved), as_json, lambda: click.echo(f"{words}: {saved.ivoid} ({kind} {number})"))
