"""`registry harvest`: other registries as sources of records. It asks and shows; the harvest room does the work."""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict
from typing import Any

import click

from registry.cli.common import emit, json_option, progress, table, with_site
from registry.harvest import harvester, lease as leases, schedule, sources, store
from registry.harvest.client import HarvestError
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.site import Site

_INNER = ("lease", "token", "source_id")  # of a run, and nobody's business outside


@click.group()
def harvest() -> None:
    """Other registries: add them, harvest them, see what came and what was not taken."""


@harvest.command()
@click.argument("url")
@click.option("--name", default="", help="Short name; made from the registry's identifier when not given.")
@click.option("--set", "set_spec", default="ivo_managed", show_default=True, help="OAI set to harvest; '' for all.")
@click.option("--every", type=click.IntRange(min=60), help="Seconds between harvests; else the site's setting.")
@json_option
@with_site
def add(site: Site, url: str, name: str, set_spec: str, every: int | None, as_json: bool) -> None:
    """Add the registry whose OAI-PMH address is URL; its first harvest is due at once."""
    source = sources.add(site, url, name=name, set_spec=set_spec, interval=every)
    emit(_described(site, source), as_json, lambda: click.echo(
        f"Added {source.name}: {source.registry} speaks for {_listed(source.managed_authorities)}.\n"
        f"`registry harvest run {source.name}` harvests it now; the worker does every {source.interval} s."))


@harvest.command()
@click.argument("url")
@json_option
@with_site
def test(site: Site, url: str, as_json: bool) -> None:
    """Ask the registry at URL (or the source of that name) what it offers; nothing is stored."""
    if "://" not in url:
        with site.database.read() as connection:
            url = sources.get(connection, url).url
    found = sources.look(site, url)

    def text() -> None:
        who = found.identity
        click.echo(f"{who.ivoid} ({who.title})")
        click.echo(f"speaks for: {_listed(who.authorities)}")
        for authority, holder in found.taken.items():
            click.echo(f"not taken: {authority}, which {holder} manages")
        click.echo(f"offers: {', '.join(found.formats)}; granularity {found.granularity}, "
                   f"deleted records {found.deleted_record}")
        click.echo(f"own records: {'an unknown number' if found.size is None else found.size}; "
                   f"of the first {found.read}, {found.invalid} are not valid VOResource")

    emit({"url": url, **asdict(found)}, as_json, text)


@harvest.command()
@click.argument("name", required=False)
@click.option("--full", is_flag=True, help="Ask for everything, not only for what has changed.")
@json_option
@with_site
def run(site: Site, name: str | None, full: bool, as_json: bool) -> None:
    """Harvest the source NAME now, or all that are not paused, and wait for the end."""
    with site.database.read() as connection:
        chosen = [sources.get(connection, name)] if name else [
            one for one in sources.list_sources(connection) if not one.paused]
    ended = [(source, _harvested(site, source, full)) for source in chosen]
    emit([_run(source, done) for source, done in ended], as_json, lambda: table(
        ("source", "state", "pages", *store.COUNTS),
        [(of.name, done.state, done.pages, *(getattr(done, one) for one in store.COUNTS)) for of, done in ended],
        empty="There is nothing to harvest: `registry harvest add URL` adds a source."))
    failed = [(source, done) for source, done in ended if done.state != store.COMPLETE]
    if failed:
        raise HarvestError(" ".join(f"{source.name}: {done.message}" for source, done in failed))


def _harvested(site: Site, source: Source, full: bool) -> Run:
    """Carry the harvest out here, or wait for the worker that is at it already."""
    lease = f"command {os.getpid()} {secrets.token_hex(8)}"
    with leases.held(site, lease):
        with site.database.write() as connection:
            asked = harvester.ask(connection, source.id, full=full)
        with progress(f"Harvesting {source.name}") as show:
            return schedule.follow(site, asked, lease, lambda now: show(
                now.records, f"of {now.list_size} records" if now.list_size else "records"))


@harvest.command()
@json_option
@with_site
def status(site: Site, as_json: bool) -> None:
    """List the sources with their last harvests."""
    with site.database.read() as connection:
        found = sources.list_sources(connection)
    documents = [_described(site, source) for source in found]
    rows = []
    for document in documents:
        last = document["last"] or {}
        rows.append((document["name"], document["url"], last.get("state", "never harvested"), last.get("ended") or "",
                     *(last.get(count, "") for count in store.COUNTS),
                     "paused" if document["paused"] else document["next_run"], last.get("message", "")))
    emit(documents, as_json, lambda: table(
        ("source", "address", "last", "ended", *store.COUNTS, "next", "message"), rows,
        empty="No source yet: `registry harvest add URL` adds one."))


@harvest.command()
@click.argument("name", required=False)
@json_option
@with_site
def errors(site: Site, name: str | None, as_json: bool) -> None:
    """List what the last harvest of NAME, or of every source, did not take, and why."""
    documents: list[dict[str, Any]] = []
    with site.database.read() as connection:
        for source in [sources.get(connection, name)] if name else sources.list_sources(connection):
            for last in store.runs(connection, source.id, limit=1):
                if last.state == store.FAILED:
                    documents.append({"source": source.name, "ivoid": "", "reason": last.message, "record": None})
                documents += [
                    {"source": source.name, "ivoid": one.ivoid, "reason": one.reason,
                     "record": one.raw.decode("utf-8", "replace") if one.raw else None}
                    for one in store.problems(connection, last.id, limit=10_000)]
    emit(documents, as_json, lambda: table(
        ("source", "record", "reason"), [(one["source"], one["ivoid"], one["reason"]) for one in documents],
        empty="The last harvests took everything."))


@harvest.command()
@click.argument("name")
@json_option
@with_site
def pause(site: Site, name: str, as_json: bool) -> None:
    """Harvest the source NAME no more by itself; `run NAME` still does."""
    _set_paused(site, name, True, as_json)


@harvest.command()
@click.argument("name")
@json_option
@with_site
def resume(site: Site, name: str, as_json: bool) -> None:
    """Harvest the source NAME by itself again."""
    _set_paused(site, name, False, as_json)


def _set_paused(site: Site, name: str, paused: bool, as_json: bool) -> None:
    with site.database.write() as connection:
        source = sources.pause(connection, name, paused)
    emit(_described(site, source), as_json, lambda: click.echo(
        f"{source.name} is {'paused' if paused else f'harvested again, next at {source.next_run}'}."))


@harvest.command()
@click.argument("name")
@json_option
@with_site
def remove(site: Site, name: str, as_json: bool) -> None:
    """Forget the source NAME and its claims to authorities; the records that came from it stay."""
    with site.database.write() as connection:
        source = sources.remove(connection, name)
    emit({"removed": source.name, "url": source.url}, as_json, lambda: click.echo(
        f"Removed {source.name}; the records that came from it stay, as if imported from a file."))


def _listed(authorities: tuple[str, ...]) -> str:
    return ", ".join(authorities) or "no authority"


def _described(site: Site, source: Source) -> dict[str, Any]:
    with site.database.read() as connection:
        last = next(iter(store.runs(connection, source.id, limit=1)), None)
    return {**asdict(source), "last": _run(source, last) if last else None}


def _run(source: Source, done: Run) -> dict[str, Any]:
    document = asdict(done)
    return {"source": source.name, **{key: document[key] for key in document if key not in _INNER}}
