"""Commands about the standard APIs inside this datacenter: describe one, list, find, show, set a credential.

Whether they work (`health`) and which standards there are (`standards`) are commands of the same group.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from registry import lists
from registry.cli import health, standards
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.cli.listed import Form, listed
from registry.errors import NotFound
from registry.services import adding, answers, credentials, describing, importing, query, telling
from registry.services.adding import Said
from registry.services.describing import Wish
from registry.services.find import Endpoint, find, nearest
from registry.services.listed import SERVICES, lines as endpoints
from registry.services.query import Asked
from registry.services.standards.reading import known_ids
from registry.site import Site

_HEADINGS = ("service", "standard", "interface", "address", "access", "state")
_bearer_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def api() -> None:
    """The standard APIs inside this datacenter."""


@api.command("import")
@click.argument("url")
@click.option("--key", required=True, help="Last part of its identifier: ivo://<our authority>/KEY.")
@click.option("--title", default="", help="Its name for people; default: the key.")
@click.option("--description", default="", help="What it offers.")
@click.option("--subject", "subjects", multiple=True, help="A keyword (repeatable).")
@click.option("--short-name", default="", help="At most 16 characters.")
@click.option("--bearer-file", type=_bearer_file, help="A file with the token that the service asks for; it is kept.")
@json_option
@with_site
def import_(site: Site, url: str, bearer_file: Path | None, as_json: bool, **said: Any) -> None:
    """Register the service whose VOSI capabilities are at URL, or at URL/capabilities."""
    bearer = _secret(bearer_file) if bearer_file else ""
    wish = Wish(**said)
    describing.name_of(site, wish.key)  # before anybody is asked
    with progress("Reading the service's documents") as update:
        found = importing.look(site, url, bearer)
        update(1, "publishing")
        record, notes = importing.register_found(site, found, wish, who=who(), bearer=bearer)
    document = {
        "ivoid": record.ivoid, "type": record.type, "title": record.title, "version": record.version, "read": found.url,
        "capabilities": [one.standard_id for one in found.capabilities],
        "available": found.availability.available if found.availability else None,
        "tables": found.tableset is not None, "problems": list(found.problems), "left_out": notes,
    }
    emit(document, as_json, lambda: _told(document))


def _told(document: dict[str, Any]) -> None:
    click.echo(f"published {document['ivoid']} ({document['type']}), read from {document['read']}")
    for standard_id in document["capabilities"]:
        click.echo(f"  speaks {standard_id or '(no standardID)'}")
    for words in (*document["problems"], *document["left_out"]):
        click.echo(f"  note: {words}", err=True)


@api.command("add")
@click.argument("url", required=False, default="")
@click.option("--key", required=True, help="Last part of its identifier: ivo://<our authority>/KEY.")
@click.option("--title", default="", help="Its name for people; default: the key.")
@click.option("--description", default="", help="What it offers.")
@click.option("--subject", "subjects", multiple=True, help="A keyword (repeatable).")
@click.option("--short-name", default="", help="At most 16 characters.")
@click.option("--standard", "standard_id", default="", help="The standardID that it speaks at URL.")
@click.option("--type", "interface_type", default="vs:ParamHTTP", show_default=True, help="xsi:type of the interface.")
@click.option("--use", type=click.Choice(adding.USES), default="base", show_default=True, help="How URL is used.")
@click.option("--role", default="std", show_default=True, help="Role of the interface.")
@click.option("--interface-version", "version", default="", help="Version of the standard that the interface follows.")
@click.option("--security", multiple=True, help="standardID of a way to log in (repeatable); none: anybody may.")
@click.option("--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="A VOSI capabilities document that describes it instead of URL.")
@json_option
@with_site
def add(site: Site, url: str, file: Path | None, as_json: bool, **said: Any) -> None:
    """Register a service that has no VOSI documents of its own: it gets them from here."""
    wish = Wish(**{name: said.pop(name) for name in ("key", "title", "description", "subjects", "short_name")})
    if file is not None:
        record, notes = adding.add_document(site, wish, file.read_bytes(), who=who())
    elif url:
        record, notes = adding.add(site, wish, (Said(url, **said),), who=who())
    else:
        raise click.UsageError("Give the URL where it is, or a file of capabilities with --file.")
    address = site.settings.url(f"services/{record.ivoid.removeprefix('ivo://')}/capabilities")

    def text() -> None:
        click.echo(f"published {record.ivoid} ({record.type}); its documents are at {address}")
        for words in notes:
            click.echo(f"  note: {words}", err=True)

    emit({"ivoid": record.ivoid, "type": record.type, "version": record.version, "capabilities": address,
          "left_out": notes}, as_json, text)


def _filters(function: Any) -> Any:
    """The options of a query."""
    for option in (
        click.option("--words", default="", help="Only those whose record has all of these words."),
        click.option("--status", default="", help="Only those that are up, down, maintenance or unknown."),
        click.option("--datacenter", default="", help="Those of another datacenter, by its authority, or of any."),
        click.option("--zone", default="", help="Only addresses that are internal, or external."),
        click.option("--security", default="", help="Only those that take this method; anonymous for none."),
        click.option("--type", "interface_type", default="", help="Only interfaces of this type, such as vs:ParamHTTP."),
    ):
        function = option(function)
    return function


@api.command("list")
@_filters
@listed(replace(SERVICES, narrows=()))
@with_site
def list_(site: Site, asked: lists.Asked, form: Form, **said: str) -> None:
    """Every endpoint of our services, or those that the options take."""
    page = lists.page_of(endpoints(_asked(site, "", said)), asked)
    found = [one.endpoint for one in page.rows]
    none = "No service matches." if any(said.values()) or asked.searching else (
        "No service is registered yet: `registry api import` registers one.")
    form.show(page, lambda: _table(found, none), answers.as_dictionaries(found))


@api.command("find")
@click.argument("standard_id", metavar="STANDARDID")
@_filters
@json_option
@with_site
def find_(site: Site, standard_id: str, as_json: bool, **said: str) -> None:
    """The endpoints that speak STANDARDID, best first; without a version any, else that or a compatible one."""
    found = _asked(site, standard_id, said)
    with site.database.read() as connection:
        near = "" if found else nearest(connection, standard_id, known_ids(connection))
    if not found and not as_json:
        hint = f" Did you mean {near}?" if near else " `registry api list` shows what there is."
        raise NotFound(f"No service of ours speaks {standard_id}{' so' if any(said.values()) else ''}.{hint}")
    _show(found, as_json, "")


def _asked(site: Site, standard_id: str, said: dict[str, str]) -> list[Endpoint]:
    names = {"interface_type": "type", "words": "q"}
    asked: Asked = query.asked({"standardid": standard_id, **{names.get(one, one): value for one, value in said.items()}})
    with site.database.read() as connection:
        return query.answer(connection, site.settings, asked)


@api.command("show")
@click.argument("ivoid")
@json_option
@with_site
def show(site: Site, ivoid: str, as_json: bool) -> None:
    """One service: where it is, whether it works, what changed; `registry api check` looks at it now."""
    with site.database.read() as connection:
        told = telling.told(connection, site, ivoid)
    document = {**telling.document(told), "credential": bool(credentials.get(site, ivoid))}

    def text() -> None:
        click.echo(f"{told.record.title}\n{told.record.ivoid} ({told.record.type}), changed {told.record.datestamp}")
        click.echo(f"{told.state}; a credential is {'kept for it' if document['credential'] else 'not kept for it'}")
        for one in told.seen:
            up = "unknown" if one.day is None else f"{one.day:.1%}"
            words = f"  {one.row.url}: {one.row.state} since {one.row.since}, up {up} of the last day. {one.row.message}"
            click.echo(words.rstrip())
        for words in told.watch.sentences if told.watch else ():
            click.echo(f"  note: {words}")
        for words in told.held.changes if told.held else ():
            click.echo(f"  waits for `registry api accept {told.record.ivoid}`: {words}")
        _table(told.endpoints, "")

    emit(document, as_json, text)


@api.command("credential")
@click.argument("ivoid")
@click.option("--bearer-file", type=_bearer_file, help="A file with the token; without it the kept one is forgotten.")
@json_option
@with_site
def credential(site: Site, ivoid: str, bearer_file: Path | None, as_json: bool) -> None:
    """Keep, or forget, the token that the gateway sends to a service."""
    with site.database.read() as connection:
        found = find(connection, ivoid=ivoid)
    if not found:
        raise NotFound(f"There is no service {ivoid} of ours; `registry api list` shows what there is.")
    if bearer_file:
        credentials.set_bearer(site, ivoid, _secret(bearer_file))
    else:
        credentials.remove(site, ivoid)
    emit({"ivoid": found[0].ivoid, "credential": bool(bearer_file)}, as_json,
         lambda: click.echo(f"{'kept' if bearer_file else 'forgot'} the token for {found[0].ivoid}"))


def _secret(file: Path) -> str:
    return credentials.checked(file.read_text(encoding="utf-8", errors="replace"))


def _show(found: list[Endpoint], as_json: bool, empty: str) -> None:
    emit(answers.as_dictionaries(found), as_json, lambda: _table(found, empty))


def _table(found: list[Endpoint], empty: str) -> None:
    table(_HEADINGS, (
        (one.ivoid, one.standard_id, f"{one.interface_type} {one.version}".strip(), one.access_url,
         "anybody" if one.anonymous else "with a credential", one.state)
        for one in found), empty=empty)


for _command in (*health.COMMANDS, standards.define, standards.standards):
    api.add_command(_command)
