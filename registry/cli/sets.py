"""`registry sets`: the OAI sets of this site beside ivo_managed. What may be done is `records.local_sets`' to say."""

from __future__ import annotations

from dataclasses import asdict

import click

from registry.cli.common import emit, json_option, table, with_site
from registry.records import listing, local_sets
from registry.records.listing import Range
from registry.site import Site


@click.group()
def sets() -> None:
    """OAI sets of your own: make one, put records into it, see what is there."""


@sets.command()
@click.argument("spec")
@click.argument("name")
@click.option("--description", default="", help="What it holds, in a sentence; ListSets tells it.")
@json_option
@with_site
def add(site: Site, spec: str, name: str, description: str, as_json: bool) -> None:
    """Make the set SPEC, called NAME by people; a:b lies in the set a."""
    with site.database.write() as connection:
        made = local_sets.create(connection, spec, name, description)
    emit(asdict(made), as_json, lambda: click.echo(
        f"Made the set {made.spec}. `registry sets assign {made.spec} IVOID...` puts records into it."))


@sets.command("list")
@json_option
@with_site
def list_(site: Site, as_json: bool) -> None:
    """List the sets with how many records harvesters get of each."""
    with site.database.read() as connection:
        found = [{**asdict(one), "records": listing.count(connection, Range(one.spec))}
                 for one in listing.all_sets(connection)]
    emit(found, as_json, lambda: table(
        ("set", "name", "records", "description"),
        [(one["spec"], one["name"], one["records"], one["description"]) for one in found], empty=""))


@sets.command()
@click.argument("spec")
@click.argument("ivoids", nargs=-1, required=True, metavar="IVOID...")
@json_option
@with_site
def assign(site: Site, spec: str, ivoids: tuple[str, ...], as_json: bool) -> None:
    """Put the records IVOID... into the set SPEC; harvesters get them again, with their new sets."""
    with site.database.write() as connection:
        number = local_sets.assign(connection, spec, ivoids)
    emit({"set": spec, "assigned": number}, as_json, lambda: click.echo(
        f"{number} put into {spec}, {len(set(ivoids)) - number} were in it."))


@sets.command()
@click.argument("spec")
@click.argument("ivoids", nargs=-1, metavar="[IVOID...]")
@json_option
@with_site
def remove(site: Site, spec: str, ivoids: tuple[str, ...], as_json: bool) -> None:
    """Take the records IVOID... out of the set SPEC; without any, take the set itself away. The records stay."""
    with site.database.write() as connection:
        number = local_sets.withdraw(connection, spec, ivoids) if ivoids else local_sets.remove(connection, spec)
    emit({"set": spec, "removed": number}, as_json, lambda: click.echo(
        f"{number} taken out of {spec}." if ivoids else f"Removed the set {spec}, which held {number}."))
