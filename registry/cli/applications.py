"""Commands of packaged applications: offer one from a Docker repository, list them, show one."""

from __future__ import annotations

import click

from registry.applications import catalogue
from registry.applications.contract import Contract
from registry.applications.parameters import describe
from registry.applications.publication import Wording
from registry.cli.common import emit, json_option, table, who, with_site
from registry.site import Site


@click.group()
def app() -> None:
    """Packaged applications: register, list, show."""


@app.command()
@click.argument("reference")
@click.option("--name", default="", help="Last part of its identifier; default: the image's own name.")
@click.option("--title", default="", help="Instead of the image's own title.")
@click.option("--description", default="", help="Instead of the image's own description.")
@click.option("--reference-url", default="", help="Page for people instead of the image's own.")
@json_option
@with_site
def register(
    site: Site, reference: str, name: str, title: str, description: str, reference_url: str, as_json: bool,
) -> None:
    """Publish the image REFERENCE (host:port/name:tag, or by digest) as an application of this datacenter."""
    wording = Wording(title, description, reference_url)
    record = catalogue.register(site, reference, who=who(), name=name, wording=wording)
    with site.database.read() as connection:
        offer = catalogue.pick(connection, record.ivoid)
    document = {"ivoid": record.ivoid, "title": record.title, "version": offer.version, "image": offer.image}
    emit(document, as_json, lambda: click.echo(f"{offer.name} is {offer.image}"))


@app.command("list")
@json_option
@with_site
def list_(site: Site, as_json: bool) -> None:
    """List all applications, our own and harvested, newest version first."""
    entries = catalogue.entries(site)
    rows = [
        (one.offer.name, one.offer.title, one.offer.record_origin, "no" if one.refusal else "yes") for one in entries
    ]
    emit([one.as_json() for one in entries], as_json, lambda: table(
        ("application", "title", "origin", "may run here"), rows,
        empty="No application is offered yet: `registry app register` offers one."))


@app.command()
@click.argument("application")
@json_option
@with_site
def show(site: Site, application: str, as_json: bool) -> None:
    """Show what APPLICATION takes, needs and gives (an identifier, identifier#version, or its last part)."""
    with site.database.read() as connection:
        offer = catalogue.pick(connection, application)
    contract = catalogue.contract_of(site, offer)
    emit(catalogue.Entry(offer, "", contract).as_json(), as_json, lambda: _print(offer, contract))


def _print(offer: catalogue.Offer, contract: Contract) -> None:
    resources = contract.resources
    facts = [
        ("application", offer.name), ("title", offer.title), ("image", offer.image),
        ("publisher", f"{offer.publisher_authority} ({offer.record_origin})"),
        ("needs", ", ".join(contract.requires)), ("network", contract.network),
        ("inputs", ", ".join(one.name for one in contract.inputs)),
        ("results", ", ".join(one.path for one in contract.outputs)),
        ("asks for", ", ".join(_asked(resources.cores, resources.memory, resources.time, resources.disk))),
    ]
    table(("field", "value"), [fact for fact in facts if fact[1]], empty="")
    click.echo()
    rows = [
        (one.name, "needed" if one.required else one.default or "", describe(one), one.description)
        for one in contract.parameters
    ]
    table(("parameter", "default", "takes", "meaning"), rows, empty="It takes no parameters.")


def _asked(cores: float, memory: int, time: int, disk: int) -> list[str]:
    words = [(cores, f"{cores:g} cores"), (memory, f"{memory / 2**20:g} MiB of memory"), (time, f"{time} s"),
             (disk, f"{disk / 2**20:g} MiB of results")]
    return [text for amount, text in words if amount]
