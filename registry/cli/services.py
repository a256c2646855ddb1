"""Commands about the standard APIs inside this datacenter: import one, list, find by standard, set a credential."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.errors import NotFound
from registry.records import store
from registry.services import answers, behalf, credentials, describing, importing
from registry.services.describing import Wish
from registry.services.find import Endpoint, find, nearest
from registry.site import Site

_HEADINGS = ("service", "standard", "interface", "address", "access")
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


@api.command("list")
@json_option
@with_site
def list_(site: Site, as_json: bool) -> None:
    """Every endpoint of our services."""
    with site.database.read() as connection:
        _show(find(connection), as_json, "No service is registered yet: `registry api import` registers one.")


@api.command("find")
@click.argument("standard_id", metavar="STANDARDID")
@click.option("--type", "interface_type", default="", help="Only interfaces of this type, such as vs:ParamHTTP.")
@json_option
@with_site
def find_(site: Site, standard_id: str, interface_type: str, as_json: bool) -> None:
    """The endpoints that speak STANDARDID, best first; without a version any, else that or a compatible one."""
    with site.database.read() as connection:
        found = find(connection, standard_id, interface_type=interface_type)
        near = "" if found else nearest(connection, standard_id)
    if not found and not as_json:
        hint = f" Did you mean {near}?" if near else " `registry api list` shows what there is."
        raise NotFound(f"No service of ours speaks {standard_id}.{hint}")
    _show(found, as_json, "")


@api.command("show")
@click.argument("ivoid")
@json_option
@with_site
def show(site: Site, ivoid: str, as_json: bool) -> None:
    """One service: where it is, and whether it is available now."""
    with site.database.read() as connection:
        record = store.get(connection, ivoid)
        found = find(connection, ivoid=ivoid)
    if record is None or not found:
        raise NotFound(f"There is no service {ivoid} of ours; `registry api list` shows what there is.")
    answer = behalf.availability(site, record)
    document = {
        "ivoid": record.ivoid, "title": record.title, "type": record.type, "datestamp": record.datestamp,
        "availability": asdict(answer), "credential": bool(credentials.get(site, ivoid)),
        "endpoints": answers.as_dictionaries(found),
    }

    def text() -> None:
        click.echo(f"{record.title}\n{record.ivoid} ({record.type}), changed {record.datestamp}")
        click.echo(f"{'available' if answer.available else 'NOT available'} {' '.join(answer.notes)}".rstrip())
        click.echo(f"a credential is {'kept for it' if document['credential'] else 'not kept for it'}")
        _table(found, "")

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
         "anybody" if one.anonymous else "with a credential")
        for one in found), empty=empty)
