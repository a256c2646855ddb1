"""`registry harvest`: other registries as sources of records. It asks and shows; the harvest room does the work."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import asdict
from typing import Any

import click

from registry import lists
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.cli.listed import Form, listed
from registry.cli.quarantine import quarantine
from registry.harvest import changes, harvester, lease as leases, publishers, schedule, seen, sources, store, trial
from registry.harvest.client import HarvestError
from registry.harvest.listed import RUNS, SOURCES
from registry.harvest.placing import Place
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.lists import Asked
from registry.site import Site

_INNER = ("lease", "token", "source_id", "taken_pages", "tail")  # of a run, and nobody's business outside


@click.group()
def harvest() -> None:
    """Other registries: add them, harvest them, see what came and what was not taken."""


harvest.add_command(quarantine)


_EVERY = click.IntRange(min=60, max=31_536_000)
_PRIORITY = click.IntRange(min=-100, max=100)


@harvest.command()
@click.argument("url")
@click.option("--all-from", is_flag=True, help="URL is a Registry of Registries: add every registry that it knows.")
@click.option("--preview", is_flag=True, help="With --all-from: show which these are, and add none.")
@click.option("--name", default="", help="Short name; made from the registry's identifier when not given.")
@click.option("--set", "set_spec", help="OAI set to harvest, '' for all; else ivo_managed.")
@click.option("--prefix", default=sources.VOR, show_default=True, help="Metadata format to ask for.")
@click.option("--every", type=_EVERY, help="Seconds between harvests; else the site's setting.")
@click.option("--priority", type=_PRIORITY, default=0, show_default=True, help="The higher is harvested first.")
@click.option("--owner", default="", help="Account that looks after it.")
@click.option("--later", is_flag=True, help="Harvest it first after an interval, and not at once.")
@json_option
@with_site
def add(site: Site, url: str, all_from: bool, preview: bool, name: str, set_spec: str | None, prefix: str, every: int | None,
        priority: int, owner: str, later: bool, as_json: bool) -> None:
    """Add the registry whose OAI-PMH address is URL; its first harvest is due at once."""
    if all_from:
        if name or set_spec is not None or prefix != sources.VOR or later:
            raise click.UsageError("--all-from goes with --every, --priority and --owner only.")
        if preview:
            _show_all(site, url, as_json)
        else:
            _add_all(site, url, every, priority, owner, as_json)
        return
    if preview:
        raise click.UsageError("--preview goes with --all-from; `registry harvest test URL` shows what one registry offers.")
    spec = sources.MANAGED if set_spec is None else set_spec
    source = sources.add(site, url, name=name, set_spec=spec, interval=every, prefix=prefix, priority=priority,
                         owner=owner, later=later)
    emit(_described(site, source), as_json, lambda: click.echo(
        f"Added {source.name}: {source.registry} speaks for {_listed(source.managed_authorities)}.\n"
        f"`registry harvest run {source.name}` harvests it now; the worker does every {source.interval} s."))


def _show_all(site: Site, url: str, as_json: bool) -> None:
    found = list(publishers.publishers(site, url))
    with site.database.read() as connection:
        known = {one.registry.lower() for one in sources.list_sources(connection)}
    emit([asdict(one) | {"known": one.ivoid.lower() in known} for one in found], as_json, lambda: table(
        ("registry", "title", "address", ""),
        [(one.ivoid, one.title, one.url or "none in its record", "harvested already" if one.ivoid.lower() in known else "")
         for one in found],
        empty=f"{url} knows no registry (its set {publishers.PUBLISHERS} is empty)."))


def _add_all(site: Site, url: str, every: int | None, priority: int, owner: str, as_json: bool) -> None:
    with progress("Asking registries who they are") as show:
        done = publishers.add_all(site, url, interval=every, priority=priority, owner=owner, progress=show)
    emit([asdict(one) for one in done], as_json, lambda: table(
        ("registry", "address", "", "source", "why"),
        [(one.ivoid, one.url, one.outcome, one.name, one.reason) for one in done],
        empty=f"{url} knows no registry (its set {publishers.PUBLISHERS} is empty)."))
    if done and all(one.outcome == publishers.REFUSED for one in done):
        raise HarvestError("None of them could be added; the list says why.")


@harvest.command()
@click.argument("name")
@click.option("--set", "set_spec", help="OAI set to harvest, '' for all.")
@click.option("--every", "interval", type=_EVERY, help="Seconds between harvests.")
@click.option("--priority", type=_PRIORITY, help="Of those that wait the higher is first.")
@click.option("--owner", help="Account that looks after it.")
@json_option
@with_site
def change(site: Site, name: str, as_json: bool, **values: Any) -> None:
    """Change how the source NAME is harvested."""
    given = {key: value for key, value in values.items() if value is not None}
    if not given:
        raise click.UsageError("Say what to change: --set, --every, --priority or --owner.")
    with site.database.write() as connection:
        source = sources.change(connection, name, **given)
    emit(_described(site, source), as_json, lambda: click.echo(
        f"{source.name}: set {source.set_spec or '(all)'}, every {source.interval} s, priority {source.priority}, "
        f"owner {source.owner or '(nobody)'}."))


@harvest.command()
@click.argument("url")
@json_option
@with_site
def test(site: Site, url: str, as_json: bool) -> None:
    """Ask the registry at URL what it offers; of the source of that name also what its first page would bring.

    Nothing is stored.
    """
    tried = None
    if "://" not in url:
        with site.database.read() as connection:
            source = sources.get(connection, url)
        url, tried = source.url, trial.trial(site, source)
    found = sources.look(site, url)

    def text() -> None:
        it = found.identity
        click.echo(f"{it.ivoid} ({it.title})")
        click.echo(f"speaks for: {_listed(it.authorities)}")
        for authority, holder in found.taken.items():
            click.echo(f"not taken: {authority}, which {holder} manages")
        click.echo(f"offers: {', '.join(found.formats)}; granularity {found.granularity}, "
                   f"deleted records {found.deleted_record}")
        click.echo(f"sets: {', '.join(found.sets) or 'none'}; looked into: {found.set_spec or 'all'}")
        click.echo(f"own records: {'an unknown number' if found.size is None else found.size}; "
                   f"of the first {found.read}, {found.invalid} are not valid VOResource")
        if tried:
            click.echo("a harvest would make of them: " + ", ".join(f"{tried.counts[name]} {name}" for name in store.COUNTS))
            for one in tried.problems:
                click.echo(f"not taken: {one.ivoid or 'a record without identifier'}: {one.reason}")

    emit({"url": url, **asdict(found), **({"trial": _trial(tried)} if tried else {})}, as_json, text)


@harvest.command()
@click.argument("name", required=False)
@click.option("--full", is_flag=True, help="Ask for everything, not only for what has changed.")
@click.option("--accept-loss", is_flag=True, help="Delete what is missing from NAME's full list, however much it is.")
@json_option
@with_site
def run(site: Site, name: str | None, full: bool, accept_loss: bool, as_json: bool) -> None:
    """Harvest the source NAME now, or all that are not paused, and wait for the end."""
    if accept_loss and not name:
        raise click.UsageError("--accept-loss is said of one source: give its NAME.")
    with site.database.read() as connection:
        chosen = [sources.get(connection, name)] if name else [
            one for one in sources.list_sources(connection) if not one.paused]
    ended = [(source, _harvested(site, source, full, accept_loss)) for source in chosen]
    emit([_run(source, done) for source, done in ended], as_json, lambda: table(
        ("source", "state", "pages", *store.COUNTS),
        [(of.name, done.state, done.pages, *(getattr(done, one) for one in store.COUNTS)) for of, done in ended],
        empty="There is nothing to harvest: `registry harvest add URL` adds a source."))
    changes.tell(site)
    failed = [(source, done) for source, done in ended if done.state != store.COMPLETE]
    if failed:
        raise HarvestError(" ".join(f"{source.name}: {_advice(source, done)}" for source, done in failed))


def _advice(source: Source, done: Run) -> str:
    more = f" (`registry harvest run {source.name} --accept-loss`)" if done.state == store.HELD else ""
    return f"{done.message}{more}"


def _harvested(site: Site, source: Source, full: bool, accept_loss: bool) -> Run:
    """Carry the harvest out here, or wait for the worker that is at it already; one that is held needs no other."""
    with site.database.read() as connection:
        held = seen.held(connection, source.id, store.HELD)
    if accept_loss and held is not None and not full:
        return harvester.accept_loss(site, held, who())
    lease = f"command {os.getpid()} {secrets.token_hex(8)}"
    with leases.held(site, lease):
        with site.database.write() as connection:
            asked = harvester.ask(connection, source.id, full=full or accept_loss, who=who(), accept_loss=accept_loss)
        with progress(f"Harvesting {source.name}") as show:
            return schedule.follow(site, asked, lease, lambda now: show(
                now.records, f"of {now.list_size} records" if now.list_size else "records"))


@harvest.command()
@listed(SOURCES)
@with_site
def status(site: Site, asked: Asked, form: Form) -> None:
    """List the sources with their last harvests."""
    with site.database.read() as connection:
        page = lists.page_of(sources.list_sources(connection), asked)
    documents = [_described(site, source) for source in page.rows]
    rows = []
    for document in documents:
        last = document["last"] or {}
        rows.append((document["name"], document["url"], last.get("state", "never harvested"), last.get("ended") or "",
                     *(last.get(count, "") for count in store.COUNTS),
                     "paused" if document["paused"] else document["next_run"], last.get("message", "")))
    form.show(page, lambda: table(
        ("source", "address", "last", "ended", *store.COUNTS, "next", "message"), rows,
        empty="No source is like that." if asked.searching else "No source yet: `registry harvest add URL` adds one."),
        documents)


@harvest.command()
@listed(RUNS)
@with_site
def runs(site: Site, asked: Asked, form: Form) -> None:
    """List the harvests of all sources, newest first."""
    with site.database.read() as connection:
        page = lists.page(connection, asked)
    form.show(page, lambda: table(
        ("run", "source", "state", "asked for", "ended", *store.COUNTS, "message"),
        [(one.id, one.source, one.state, one.started, one.ended or "", *(getattr(one, name) for name in store.COUNTS),
          one.message) for one in page.rows],
        empty="No run is like that." if asked.searching else "Nothing has been harvested yet."))


@harvest.command()
@click.argument("name", required=False)
@json_option
@with_site
def errors(site: Site, name: str | None, as_json: bool) -> None:
    """List what the last harvest of NAME, or of every source, did not take or found odd, and why."""
    documents: list[dict[str, Any]] = []
    with site.database.read() as connection:
        for source in [sources.get(connection, name)] if name else sources.list_sources(connection):
            for last in store.runs(connection, source.id, limit=1):
                if last.state == store.FAILED:
                    documents.append({"source": source.name, "ivoid": "", "reason": last.message, "path": "", "line": 0,
                                      "record": None, "kind": last.state, "quarantine": None})
                documents += [
                    {"source": source.name, "ivoid": one.ivoid, "reason": one.reason, **asdict(one.place),
                     "record": one.raw.decode("utf-8", "replace") if one.raw else None,
                     "kind": one.kind, "quarantine": one.quarantine_id}
                    for one in store.problems(connection, last.id, limit=10_000)]
    emit(documents, as_json, lambda: table(
        ("source", "record", "", "reason", "place in it"),
        [(one["source"], one["ivoid"], one["kind"], one["reason"], Place(one["path"], one["line"])) for one in documents],
        empty="The last harvests took everything."))


@harvest.command()
@click.argument("name")
@json_option
@with_site
def cancel(site: Site, name: str, as_json: bool) -> None:
    """Stop the harvest of NAME behind the page it is at; `run NAME` goes on from there."""
    with site.database.read() as connection:
        source = sources.get(connection, name)
    done = harvester.cancel(site, source.id, who())
    emit(_run(source, done), as_json, lambda: click.echo(
        f"Stopped the harvest of {source.name} after {done.pages} pages; what they held stays."))


@harvest.command()
@click.argument("name")
@click.option("--now", is_flag=True, help="Stop also the harvest that is under way, behind the page it is at.")
@json_option
@with_site
def pause(site: Site, name: str, now: bool, as_json: bool) -> None:
    """Harvest the source NAME no more by itself; `run NAME` still does."""
    _set_paused(site, name, True, now, as_json)


@harvest.command()
@click.argument("name")
@click.option("--now", is_flag=True, help="Have the worker go on at once, and not by the clock.")
@json_option
@with_site
def resume(site: Site, name: str, now: bool, as_json: bool) -> None:
    """Harvest the source NAME by itself again."""
    _set_paused(site, name, False, now, as_json)


def _set_paused(site: Site, name: str, paused: bool, now: bool, as_json: bool) -> None:
    with site.database.write() as connection:
        source = sources.pause(connection, name, paused)
    if now and paused:
        with contextlib.suppress(harvester.NothingToStop):
            harvester.cancel(site, source.id, who())
    elif now:
        harvester.request(site, source.id, who())
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


def _trial(tried: trial.Trial) -> dict[str, Any]:
    problems = [{"ivoid": one.ivoid, "reason": one.reason, **asdict(one.place)} for one in tried.problems]
    return {"read": tried.read, **tried.counts, "list_size": tried.list_size, "pages": tried.pages, "problems": problems}


def _listed(authorities: tuple[str, ...]) -> str:
    return ", ".join(authorities) or "no authority"


def _described(site: Site, source: Source) -> dict[str, Any]:
    with site.database.read() as connection:
        last = next(iter(store.runs(connection, source.id, limit=1)), None)
    return {**asdict(source), "last": _run(source, last) if last else None}


def _run(source: Source, done: Run) -> dict[str, Any]:
    document = asdict(done)
    return {"source": source.name, **{key: document[key] for key in document if key not in _INNER}}
