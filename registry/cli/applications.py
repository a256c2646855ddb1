"""Commands of packaged applications: make, try and publish one, offer one from a Docker repository, list, show."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import click

from registry.applications import approving, catalogue, logins, references
from registry.applications.contract import Contract
from registry.applications.listed import APPLICATIONS, entries
from registry.applications.parameters import describe
from registry.applications.publication import Wording, identifier
from registry.applications.seen import Seen
from registry.cli import app_images, app_template
from registry.cli.common import emit, json_option, table, who, with_site
from registry.cli.listed import Form, listed
from registry.errors import Refusal
from registry.executor.runtime import EngineFault
from registry.lists import Asked
from registry.records import lifecycle
from registry.records.store import Record
from registry.site import Site


@click.group()
def app() -> None:
    """Packaged applications: make, test, publish, watch repositories, approve, retract, list, show."""


for _command in app_images.COMMANDS:
    app.add_command(_command)
_base = click.option("--base", default="", metavar="IMAGE", help="Build on this image (the Dockerfile's BASE_IMAGE).")
_folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
_given = click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter (repeatable).")
_files = click.option("--file", "files", multiple=True, metavar="NAME=PATH", help="An input (repeatable).")
_apis = click.option("--api", "apis", multiple=True, metavar="STANDARD=URL",
                     help="An API to try it on, for each standard that it needs (repeatable).")
_data = click.option("--data", "data", multiple=True, metavar="NAME=FOLDER", help="A data set that it asks for (repeatable).")


@app.command()
@_folder
@click.option("--title", default="", help="What it is called; default: the folder's name.")
def new(folder: Path, title: str) -> None:
    """Write a new application into FOLDER: it runs, and its tests pass."""
    for path in app_template.write(folder, title):
        click.echo(path)


@app.command()
@_folder
@_base
@_given
@_files
@_apis
@_data
@json_option
def test(
    folder: Path, base: str, pairs: tuple[str, ...], files: tuple[str, ...], apis: tuple[str, ...], data: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build the application in FOLDER and run it behind the walls that jobs have; say which rule it breaks."""
    from registry.cli import app_trial  # the engine's library is heavy, and no other command needs it
    from registry.executor.building import Builder

    tag = f"innerspace-trial/{secrets.token_hex(6)}:latest"
    _, contract = app_trial.read_contract(folder)
    engine = Builder()
    try:
        image = app_trial.build(engine, folder, tag, "", base)
        inputs = {name: Path(path) for name, path in map(_pair, files)}
        folders = {name: Path(path) for name, path in map(_pair, data)}
        tried = app_trial.run(
            engine, image, contract, [_pair(text) for text in pairs], inputs, dict(map(_pair, apis)), folders)
    finally:
        with contextlib.suppress(EngineFault):
            engine.forget(tag)
        engine.close()
    document = {"seconds": round(tried.seconds, 1), "log": tried.log,
                "results": [{"path": one.path, "size": one.size, "media_type": one.media_type} for one in tried.files]}
    emit(document, as_json, lambda: table(
        ("result", "bytes", "type"), [(one.path, one.size, one.media_type) for one in tried.files], empty=""))
    click.echo(f"It keeps to the contract; it ran for {tried.seconds:.1f} s.", err=True)


@app.command()
@_folder
@click.option("--name", default="", help="Last part of its identifier and the image's name; default: the folder's name.")
@click.option("--version", default="1.0", show_default=True, help="Its version, and the image's tag.")
@_base
@json_option
@with_site
def publish(site: Site, folder: Path, name: str, version: str, base: str, as_json: bool) -> None:
    """Build the application in FOLDER, push it to this site's repository, and offer it."""
    from registry.cli import app_trial
    from registry.executor.building import Builder

    name = name or folder.resolve().name.lower()
    tag = str(references.parse(f"{site.settings.repository}/{name}:{version}"))
    engine = Builder(site.settings.docker_host, logins.of(site))
    try:
        app_trial.build(engine, folder, tag, version, base)
        digest = engine.push(tag)
    except EngineFault as error:
        raise Refusal(str(error)) from None
    finally:
        engine.close()
    _offered(site, approving.submit(site, f"{tag.rpartition(':')[0]}@{digest}", who=who(), name=name), as_json)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{text!r} is not NAME=VALUE.")
    return name, value


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
    _offered(site, approving.submit(site, reference, who=who(), name=name, wording=wording), as_json)


def _offered(site: Site, made: Record | Seen, as_json: bool) -> None:
    """Say what is on offer now, or what waits for another person."""
    if isinstance(made, Seen):
        emit({**made.as_json(), "waits": True}, as_json, lambda: click.echo(
            f"{made.app} is {made.reference}; another person has to approve it: `registry app approve {made.short_digest}`."))
        return
    with site.database.read() as connection:
        offer = catalogue.pick(connection, made.ivoid)
    document = {"ivoid": made.ivoid, "title": made.title, "version": offer.version, "image": offer.image}
    emit(document, as_json, lambda: click.echo(f"{offer.name} is {offer.image}"))


@app.command()
@click.argument("application")
@click.option("--why", default="", help="What the history says, such as the vulnerability that was found.")
@click.option("--back", is_flag=True, help="Offer it again.")
@with_site
def retract(site: Site, application: str, why: str, back: bool) -> None:
    """Offer APPLICATION (its identifier, or the last part of it) no longer; its record and jobs that ran it stay.

    With #VERSION, or an image's digest, one version of it: `registry app approve` offers that again.
    """
    if not back and ("#" in application or "@" in application or application.startswith("sha256:")):
        app_images.retract_version(site, application, why)
        return
    ivoid = application if application.startswith("ivo://") else identifier(site.settings, application)
    change = lifecycle.reactivate if back else lifecycle.deactivate
    record = change(site, ivoid, who=who(), why=why)
    click.echo(f"{record.ivoid} is {'offered again' if back else 'offered no longer'}.")


@app.command("list")
@listed(APPLICATIONS)
@with_site
def list_(site: Site, asked: Asked, form: Form) -> None:
    """List all applications, our own and harvested, newest version first."""
    page, found = entries(site, asked)
    form.show(page, lambda: table(
        ("application", "title", "origin", "may run here"),
        ((one.offer.name, one.offer.title, one.offer.record_origin, "no" if one.refusal else "yes") for one in found),
        empty="No application is like that." if asked.searching else
        "No application is offered yet: `registry app register` offers one."), [one.as_json() for one in found])


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
