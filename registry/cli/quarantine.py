"""`registry harvest quarantine`: records that were not taken, and a person's word on each."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import click

from registry import lists
from registry.cli.common import emit, json_option, table, who, with_site
from registry.cli.listed import Form, listed
from registry.harvest import quarantine as kept, sources
from registry.harvest.listed import QUARANTINE
from registry.harvest.quarantine import Kept
from registry.lists import Asked
from registry.site import Site


@click.group()
def quarantine() -> None:
    """Records that were not taken: look at them, let one in, or hear no more of it."""


@quarantine.command("list")
@click.argument("of", metavar="SOURCE", required=False, default="")
@listed(QUARANTINE)
@with_site
def list_(site: Site, of: str, asked: Asked, form: Form) -> None:
    """List them, of SOURCE or of all sources, newest first."""
    with site.database.read() as connection:
        if name := of or asked.narrowed["source"]:
            asked = replace(asked, narrowed={**asked.narrowed, "source": sources.get(connection, name).name})
        page = lists.page(connection, asked)
    form.show(page, lambda: table(
        ("number", "source", "record", "since", "state", "reason", "place in it"),
        [(one.id, one.source, one.ivoid, one.at, one.state, one.reason, one.place) for one in page.rows],
        empty="Nothing is in quarantine."), [_plain(one) for one in page.rows])


@quarantine.command()
@click.argument("number", type=int)
@click.option("--xml", "as_xml", is_flag=True, help="The record as it came and nothing else.")
@json_option
@with_site
def show(site: Site, number: int, as_xml: bool, as_json: bool) -> None:
    """Show record NUMBER as it came, and why it was not taken."""
    with site.database.read() as connection:
        found = kept.get(connection, number)
    raw = found.raw or b""
    if as_xml:
        click.echo(raw, nl=False)
        return

    def text() -> None:
        table(("field", "value"), [(name, value) for name, value in _plain(found).items() if value], empty="")
        click.echo(raw.decode("utf-8", "replace"))

    emit(_plain(found) | {"record": raw.decode("utf-8", "replace")}, as_json, text)


@quarantine.command()
@click.argument("number", type=int)
@json_option
@with_site
def accept(site: Site, number: int, as_json: bool) -> None:
    """Put record NUMBER on the shelf as it came, this once; when it changes it waits here again."""
    done = kept.accept(site, number, who())
    emit(_plain(done), as_json, lambda: click.echo(f"{done.ivoid or 'The record'} is on the shelf now."))


@quarantine.command()
@click.argument("number", type=int)
@json_option
@with_site
def mute(site: Site, number: int, as_json: bool) -> None:
    """Hear no more of record NUMBER from its source, whatever comes under its name."""
    with site.database.write() as connection:
        done = kept.mute(connection, number, who())
    emit(_plain(done), as_json, lambda: click.echo(
        f"{done.ivoid or 'The record'} from {done.source} is left out from now on and told of no more."))


def _plain(one: Kept) -> dict[str, Any]:
    document = asdict(one) | asdict(one.place)
    return {name: document[name] for name in document if name not in ("raw", "source_id")}
