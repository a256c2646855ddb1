"""`registry api check|watch|held|accept|refuse`: whether services work, and what changed in their documents."""

from __future__ import annotations

import json
import time

import click

from registry.bell import ANSWERS
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.records.store import key_of
from registry.services import checking, telling, watches, watching
from registry.services.checking import Checked
from registry.services.find import find
from registry.services.health import store
from registry.site import Site


@click.command()
@click.argument("ivoids", nargs=-1, metavar="[IVOID]...")
@json_option
@with_site
def check(site: Site, ivoids: tuple[str, ...], as_json: bool) -> None:
    """Look at services now (all of ours by default) and read their documents again; exit code 1 when one does not work."""
    if not ivoids:
        with site.database.read() as connection:
            ivoids = tuple(dict.fromkeys(one.ivoid for one in find(connection)))
    checked: list[Checked] = []
    with progress("Looking at services", total=len(ivoids)) as update:
        for ivoid in ivoids:
            checked.append(checking.check(site, ivoid))
            update(len(checked), ivoid)
    emit([checking.document(one) for one in checked], as_json, lambda: _told(checked))
    if not all(one.works for one in checked):
        raise SystemExit(1)


def _told(checked: list[Checked]) -> None:
    table(("service", "state", "since", "ms", "says"), (
        (one.told.record.ivoid, one.told.state, seen.row.since, "" if seen.row.millis is None else seen.row.millis,
         seen.row.message) for one in checked for seen in one.told.seen), empty="No service is registered yet.")
    for one in checked:
        problems = one.told.watch.sentences if one.told.watch else []
        for words in (*one.changes, *problems):
            click.echo(f"  {one.told.record.ivoid}: {words}", err=True)


@click.command()
@click.argument("ivoid", required=False, default="")
@click.option("--seconds", type=float, default=None, help="Stop after so many; default: until stopped.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document a line.")
@with_site
def watch(site: Site, ivoid: str, seconds: float | None, as_json: bool) -> None:
    """Print each change of a service's state as it happens, of all of ours or of one."""
    deadline = None if seconds is None else time.monotonic() + seconds
    with site.bells.listen(ANSWERS) as bell:
        if ivoid:
            with site.database.read() as connection:
                telling.told(connection, site, ivoid)  # refuses what is no service
        with site.database.read() as connection:
            last = store.latest(connection)
        while deadline is None or time.monotonic() < deadline:
            bell.wait(min(2.0, deadline - time.monotonic()) if deadline else 2.0)
            with site.database.read() as connection:
                found = store.after(connection, last)
            for one in found:
                last = one.id
                if not ivoid or one.key == key_of(ivoid):
                    click.echo(json.dumps({name: getattr(one, name) for name in (
                        "at", "ivoid", "url", "was", "state", "message")}) if as_json else
                        f"{one.at} {one.ivoid} {one.was} -> {one.state} {one.message}".rstrip())


@click.command()
@json_option
@with_site
def held(site: Site, as_json: bool) -> None:
    """Changes of services' documents that wait for a person, since they take something away."""
    with site.database.read() as connection:
        found = watches.all_held(connection)
    emit([{"ivoid": one.ivoid, "at": one.at, "changes": one.changes} for one in found], as_json, lambda: table(
        ("service", "since", "what changes"), ((one.ivoid, one.at, "\n".join(one.changes)) for one in found),
        empty="Nothing waits."))


@click.command()
@click.argument("ivoid")
@json_option
@with_site
def accept(site: Site, ivoid: str, as_json: bool) -> None:
    """Publish the change of IVOID that waits."""
    record = watching.accept(site, ivoid, who=who())
    emit({"ivoid": record.ivoid, "version": record.version}, as_json,
         lambda: click.echo(f"published {record.ivoid}, version {record.version}"))


@click.command()
@click.argument("ivoid")
@json_option
@with_site
def refuse(site: Site, ivoid: str, as_json: bool) -> None:
    """Leave the record of IVOID as it is; the same change is not held again."""
    change = watching.refuse(site, ivoid, who=who())
    emit({"ivoid": change.ivoid, "refused": change.changes}, as_json, lambda: click.echo(f"refused for {change.ivoid}"))


COMMANDS = (check, watch, held, accept, refuse)
