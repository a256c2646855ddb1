"""`registry validate`: records and whole registries, judged before others judge them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from registry import config
from registry.cli.common import emit, json_option, progress, site_of, table
from registry.errors import Refusal
from registry.fetch import Fetcher
from registry.records import incoming, judging, rofr_reading, rofr_registry, store
from registry.records.judging import Verdict
from registry.records.rofr import FAIL, PASS, WARN
from registry.records.rofr_registry import Report
from registry.site import Site
from vosi.schemas import Schemas

_ALL = ["0.0.0.0/0", "::/0"]  # our own address may be in a network that no other record may name


@click.command()
@click.argument("targets", nargs=-1, metavar="[PATH|IVOID|URL]...")
@click.option("--strict", is_flag=True, help="Exit code 1 for warnings too.")
@json_option
@click.pass_obj
def validate(instance: Path, targets: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Judge records by the schemas and by the rules of the Registry of Registries, before it judges them.

    A target is a file, a folder, - for standard input, the identifier of a record on the shelf, or the OAI-PMH address
    (http or https) of a whole registry. Without one it is this registry, as it answers at its own address. Exit code 1
    when a rule that would keep it out is broken. Files and addresses need no datacenter.
    """
    anywhere = not targets
    targets = targets or (_own(instance),)
    names = [target for target in targets if target[:6].lower() == "ivo://"]
    urls = [target for target in targets if target.partition("://")[0].lower() in ("http", "https")]
    paths = [target for target in targets if target not in names and target not in urls]
    if names or instance.is_dir():
        with site_of(instance) as site:
            verdicts = [judging.of_record(site.schemas, _record(site, name)) for name in names]
            verdicts += _of_files(site.schemas, paths)
            fetcher = Fetcher(site.settings.model_copy(update={"allowed_networks": _ALL})) if anywhere else site.fetcher
            reports = _of_registries(fetcher, site.schemas, urls)
    else:
        schemas = Schemas()
        verdicts, reports = list(_of_files(schemas, paths)), []
        if urls:
            reports = _of_registries(Fetcher(config.load(instance)), schemas, urls)
    document = [_plain(one) for one in verdicts] + [_plain_report(one) for one in reports]
    emit(document, as_json, lambda: _say(verdicts, reports))
    _end([*(one.verdict for one in verdicts), *(one.verdict for one in reports)], strict)


def _own(instance: Path) -> str:
    if not instance.is_dir():
        raise click.UsageError(f"Say what to judge: there is no datacenter in {instance} that could be judged itself.")
    with site_of(instance) as site:
        return site.settings.url("oai")


def _end(verdicts: list[str], strict: bool) -> None:
    """Raises Refusal where something is not as it must be."""
    failed, warned = verdicts.count(FAIL), verdicts.count(WARN)
    if failed:
        raise Refusal(f"{failed} of {len(verdicts)} fail.")
    if strict and warned:
        raise Refusal(f"{warned} of {len(verdicts)} have warnings, and --strict takes none.")


def _of_files(schemas: Schemas, paths: list[str]) -> Iterator[Verdict]:
    with progress("validate", total=incoming.count(paths)) as update:
        for done, document in enumerate(incoming.documents(paths, sys.stdin.buffer), 1):
            if not document.skipped:
                yield from judging.of_document(schemas, document)
            update(done, document.name)


def _of_registries(fetcher: Fetcher, schemas: Schemas, urls: list[str]) -> list[Report]:
    found = []
    for url in urls:
        with progress(url) as update:
            reading = rofr_reading.read_registry(fetcher, schemas, url, progress=update)
        found.append(rofr_registry.report(reading, schemas))
    return found


def _plain(verdict: Verdict) -> dict[str, Any]:
    return asdict(verdict) | {"valid": verdict.valid, "verdict": verdict.verdict}


def _plain_report(report: Report) -> dict[str, Any]:
    return {"name": report.url, "verdict": report.verdict, "records": report.records, "pages": report.pages,
            "rules": [asdict(line) for line in report.lines]}


def _say(verdicts: list[Verdict], reports: list[Report]) -> None:
    if verdicts or not reports:
        rows = [(verdict, one.name or "the shelf", one.ivoid, rule, what) for one in verdicts
                for verdict, rule, what in _found(one)]
        table(("", "where", "identifier", "rule", "what"), rows, empty="There was nothing to judge.")
    for report in reports:
        click.echo(f"{report.url}: {report.verdict}, {report.records} records on {report.pages} pages")
        lines = [(line.verdict, line.rule, line.count or "", text) for line in report.lines for text in _cases(line)]
        table(("", "rule", "cases", "what"), lines, empty="")


def _found(verdict: Verdict) -> list[tuple[str, str, str]]:
    """What is said of one record, a line for each breach; one line where there is none."""
    if not verdict.findings:
        first = verdict.problems[0]
        return [(FAIL, "document", f"{first.what} (line {first.line})" if first.line else first.what)]
    said = [(one.verdict, one.rule, one.what) for one in verdict.findings if one.verdict != PASS]
    return said or [(PASS, "all", f"It is {verdict.words}.")]


def _cases(line: rofr_registry.Line) -> list[str]:
    return list(line.cases) or [line.asks]


def _record(site: Site, ivoid: str) -> store.Record:
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
    if record is None:
        raise store.NoRecord(ivoid)
    return record
