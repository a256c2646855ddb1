"""`registry records edit`: changes a record of ours or its draft, in an editor, from a file or field by field.

What a person types is in a file of the instance until it is saved, so that no refusal loses it.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from registry import clock
from registry.cli.changing import Begun, begun_record, expected_option, read_one, tell, why_option
from registry.cli.common import json_option, who, with_site
from registry.errors import Refusal
from registry.records import exporting, lifecycle, store
from registry.records.drafting import SavedDraft
from registry.site import Site
from vosi import amend, resource, xmlio
from vosi.xmlio import XmlRefused


@click.command()
@click.argument("ivoid")
@click.option("--file", "file", metavar="PATH|-", help="Take the changed XML from here; no editor is opened.")
@click.option("--set", "pairs", multiple=True, metavar="FIELD=VALUE",
              help="Change one field, such as title=Stars (repeatable; several of a list field make the list).")
@click.option("--draft", "as_draft", is_flag=True, help="Change the draft, and publish nothing.")
@expected_option
@why_option
@json_option
@with_site
def edit(site: Site, ivoid: str, file: str | None, pairs: tuple[str, ...], as_draft: bool, expected: int | None,
         why: str, as_json: bool) -> None:
    """Change the record IVOID: in $EDITOR, from a file, or field by field.

    What you save is judged as at publishing; refused, it is kept in a file that the message names. Where somebody else
    has saved meanwhile, nothing is overwritten.
    """
    if file and pairs:
        raise click.UsageError("Give --file or --set, not both.")
    begun = begun_record(site, ivoid, as_draft)
    if file:
        typed, kept = read_one(file), None
        expected = _from_file(site, typed, begun, as_draft) if expected is None else expected
    elif pairs:
        typed, kept = resource.amend(begun.xml, _changes(pairs)), None
    else:
        typed, kept = _typed(site, begun)
    expected = begun.number if expected is None else expected
    try:
        _same_name(typed, begun.ivoid)
        saved = _save(site, typed, as_draft, why, expected)
    except (Refusal, XmlRefused) as refusal:
        raise Refusal(f"{refusal} {_advice(kept, begun.ivoid, as_draft, expected)}".strip()) from None
    if kept:
        kept.unlink()
    tell(saved, as_json, "draft saved" if as_draft else "saved")


def _typed(site: Site, begun: Begun) -> tuple[bytes, Path]:
    """What a person makes of it in their editor, and the file that keeps it."""
    if not (os.environ.get("VISUAL") or os.environ.get("EDITOR") or sys.stdin.isatty()):
        raise Refusal("There is no terminal to edit at: give --file or --set, or name an editor in EDITOR.")
    folder = site.settings.instance / "edits"
    folder.mkdir(mode=0o700, exist_ok=True)
    stem = exporting.file_of(begun.ivoid).with_suffix("").as_posix().replace("/", "_")[:100]
    path = folder / f"{stem}-{clock.fine_stamp().replace(':', '')}.xml"
    path.touch(mode=0o600)
    path.write_bytes(exporting.DECLARATION + begun.xml + b"\n")
    before = path.read_bytes()
    try:
        click.edit(filename=str(path))
    except click.ClickException as error:
        raise Refusal(f"{error.message}; what you typed is in {path}.") from None
    typed = path.read_bytes()
    if typed == before:
        path.unlink()
        raise Refusal(f"{begun.ivoid} is as it was: nothing was changed in the editor.")
    return typed, path


def _advice(kept: Path | None, ivoid: str, as_draft: bool, expected: int) -> str:
    if kept is None:
        return ""
    flag = " --draft" if as_draft else ""
    return (f"What you typed is in {kept}: correct it and save it with "
            f"`registry records edit {ivoid}{flag} --expected {expected} --file {kept}`.")


def _save(site: Site, typed: bytes, as_draft: bool, why: str, expected: int) -> store.Record | SavedDraft:
    save: Callable[..., Any] = lifecycle.save_draft if as_draft else lifecycle.save
    saved: store.Record | SavedDraft = save(site, typed, who=who(), why=why, expected=expected)
    return saved


def _from_file(site: Site, typed: bytes, begun: Begun, as_draft: bool) -> int:
    """Which version the file was begun from, as far as it tells."""
    if as_draft:
        return begun.number
    with site.database.read() as connection:
        return lifecycle.begun_from(connection, typed)


def _same_name(typed: bytes, ivoid: str) -> None:
    name = resource.summarise(xmlio.parse(xmlio.root_of(typed))).ivoid
    if name and store.key_of(name) != store.key_of(ivoid):
        raise Refusal(f"The text names {name}, and {ivoid} was to be changed: a record keeps its name; "
                      "`registry records publish PATH` publishes a new one.")


def _changes(pairs: tuple[str, ...]) -> dict[str, Any]:
    """The fields to set. Raises Refusal for one that has no plain texts."""
    given: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if not equals:
            raise Refusal(f"--set {pair!r} has no value: write it as FIELD=VALUE.")
        given[field.strip()].append(value)
    changes: dict[str, Any] = {}
    for field, texts in given.items():
        if field in amend.TEXT_LISTS:
            changes[field] = tuple(text for text in texts if text)
        elif field not in amend.TEXTS:
            possible = ", ".join(sorted(amend.TEXTS | amend.TEXT_LISTS))
            raise Refusal(f"--set cannot change {field}; it changes {possible}.")
        elif len(texts) > 1:
            raise Refusal(f"--set {field} is given {len(texts)} times, and a record has one.")
        else:
            changes[field] = texts[0]
    return changes
