"""`registry api define` and `registry api standards`: standard APIs of our own, and those that are known."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

from registry.cli.common import emit, json_option, table, who, with_site
from registry.errors import Refusal
from registry.services.standards import defining, reading
from registry.services.standards.defining import Definition
from registry.site import Site


@click.command()
@click.argument("name", required=False, default="")
@click.option("--title", default="", help="Its name for people; default: NAME.")
@click.option("--description", default="", help="What it is for.")
@click.option("--reference-url", default="", help="Where its text is; default: its page here.")
@click.option("--version", default="1.0", show_default=True, help="The endorsed version.")
@click.option("--key", "keys", multiple=True, metavar="FRAGMENT=WORDS",
              help="A key, such as query-1.0=\"The query.\" (repeatable).")
@click.option("--type", "interface_type", default="vs:ParamHTTP", show_default=True, help="xsi:type of its interfaces.")
@click.option("--role", default="std", show_default=True, help="Role of its interfaces.")
@click.option("--use", default="base", show_default=True, help="How its addresses are used: base, full or dir.")
@click.option("--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A TOML file with these names instead; keys as a table.")
@json_option
@with_site
def define(site: Site, file: Path | None, keys: tuple[str, ...], as_json: bool, **said: Any) -> None:
    """Define a standard API: ivo://<our authority>/std/NAME, with a key for each version of each part."""
    wish = _from_file(file) if file else Definition(**said, keys=tuple(map(_pair, keys)))
    record = defining.define(site, wish, who=who())
    ids = [f"{record.ivoid}#{key}" for key, _ in wish.keys]
    emit({"ivoid": record.ivoid, "version": record.version, "standardIDs": [record.ivoid, *ids]}, as_json,
         lambda: click.echo("\n".join((f"defined {record.ivoid}", *(f"  {one}" for one in ids)))))


@click.command()
@json_option
@with_site
def standards(site: Site, as_json: bool) -> None:
    """The standards that are known here, and how many services speak each."""
    with site.database.read() as connection:
        found = reading.listing(connection)
    emit([{"ivoid": one.ivoid, "title": one.title, "origin": one.origin, "services": count} for one, count in found],
         as_json, lambda: table(
             ("standard", "title", "origin", "services"),
             ((one.ivoid, one.title, one.origin, count) for one, count in found),
             empty="No standard is known: `registry api define` defines one."))


def _pair(text: str) -> tuple[str, str]:
    name, equals, words = text.partition("=")
    if not equals:
        raise Refusal(f"--key {text!r} says not what it stands for: write it as FRAGMENT=WORDS.")
    return name.strip(), words.strip()


def _from_file(file: Path) -> Definition:
    try:
        return defining.from_mapping(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} is not TOML: {error}.") from None
