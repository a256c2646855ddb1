"""`registry validate`: records and whole registries, judged before others judge them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from registry.cli.common import emit, json_option, progress, site_of, table
from registry.errors import Refusal
from registry.records import incoming, judging, store
from registry.records.judging import Verdict
from registry.site import Site
from vosi.schemas import Schemas


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="PATH|IVOID...")
@json_option
@click.pass_obj
def validate(instance: Path, targets: tuple[str, ...], as_json: bool) -> None:
    """Judge records by the schemas: files, folders, - for standard input, or identifiers of records on the shelf.

    Exit code 1 when one is not valid in any edition. Files need no datacenter.
    """
    names = [target for target in targets if target[:6].lower() == "ivo://"]
    paths = [target for target in targets if target not in names]
    verdicts: list[Verdict] = []
    if names or instance.is_dir():
        with site_of(instance) as site:
            verdicts += [judging.of_record(site.schemas, _record(site, name)) for name in names]
            verdicts += _of_files(site.schemas, paths)
    else:
        verdicts += _of_files(Schemas(), paths)
    emit([asdict(verdict) | {"valid": verdict.valid} for verdict in verdicts], as_json, lambda: _say(verdicts))
    faulty = sum(not verdict.valid for verdict in verdicts)
    if faulty:
        raise Refusal(f"{faulty} of {len(verdicts)} not valid.")


def _of_files(schemas: Schemas, paths: list[str]) -> Iterator[Verdict]:
    with progress("validate", total=incoming.count(paths)) as update:
        for done, document in enumerate(incoming.documents(paths, sys.stdin.buffer), 1):
            if not document.skipped:
                yield from judging.of_document(schemas, document)
            update(done, document.name)


def _say(verdicts: list[Verdict]) -> None:
    rows = [(verdict.name or "the shelf", verdict.ivoid, verdict.words, len(verdict.problems) or "",
             _first(verdict)) for verdict in verdicts]
    table(("where", "identifier", "verdict", "problems", "the first"), rows, empty="There was nothing to judge.")


def _first(verdict: Verdict) -> str:
    if not verdict.problems:
        return ""
    first = verdict.problems[0]
    return f"{first.what} (line {first.line})" if first.line else first.what


def _record(site: Site, ivoid: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
    if record is None:
        raise store.NoRecord(ivoid)
    return record
