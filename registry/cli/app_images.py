"""`registry app ...`: Docker repositories that are watched, logins there, and a person's word on each image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from registry import access, lists
from registry.applications import approving, consequences, logins, references, seen, watching
from registry.applications.listed import IMAGES
from registry.applications.seen import Seen
from registry.cli.common import emit, json_option, progress, table, who, with_site
from registry.cli.listed import Form, listed
from registry.errors import Refusal
from registry.lists import Asked
from registry.site import Site

_why = click.option("--why", default="", help="What the history and those who want to run it are told.")
_image = click.argument("image")


@click.group()
def watch() -> None:
    """Docker repositories whose new images become drafts: add, list, remove, now."""


@watch.command()
@click.argument("host")
@click.option("--name", "names", multiple=True, help="Watch only images of this name (repeatable).")
@json_option
@with_site
def add(site: Site, host: str, names: tuple[str, ...], as_json: bool) -> None:
    """Watch the Docker repository HOST (host:port), which must be one that images are taken from."""
    one = watching.begin(site, host, names, who=who())
    _audit(site, "watch repository", one.host)
    emit(one.as_json(), as_json, lambda: click.echo(
        f"{one.host} is watched: `registry app watch now {one.host}` looks at it at once."))


@watch.command("list")
@json_option
@with_site
def list_(site: Site, as_json: bool) -> None:
    """List the repositories that are watched, when they were read, and what is wrong."""
    with site.database.read() as connection:
        found = seen.watched(connection)
    rows = [(one.host, ", ".join(one.only) or "all", one.read or "never",
             ", ".join(f"{number} {state}" for state, number in sorted(one.counts.items())), one.fault) for one in found]
    emit([one.as_json() for one in found], as_json, lambda: table(
        ("repository", "images", "read", "seen", "fault"), rows,
        empty="No Docker repository is watched: `registry app watch add` begins that."))


@watch.command()
@click.argument("host")
@with_site
def remove(site: Site, host: str) -> None:
    """Watch HOST no longer; what was approved stays on offer, what waits is forgotten."""
    one = watching.end(site, host)
    _audit(site, "stop watching repository", one.host)
    click.echo(f"{one.host} is watched no longer.")


@watch.command()
@click.argument("host", required=False)
@click.option("--again", is_flag=True, help="Read also those images once more that could not be used.")
@json_option
@with_site
def now(site: Site, host: str | None, again: bool, as_json: bool) -> None:
    """Look at HOST, or at every repository that is watched, and say what was found."""
    with site.database.read() as connection:
        hosts = [seen.one_watched(connection, host).host] if host else [one.host for one in seen.watched(connection)]
    found = []
    for one in hosts:
        with progress(one) as update:
            found.append(watching.look(site, one, again=again, progress=update))
    rows = [(one.host, one.names, one.tags, one.read, one.states.get(seen.DRAFT, 0), f"{one.seconds:.1f}", one.fault)
            for one in found]
    emit([one.as_json() for one in found], as_json, lambda: table(
        ("repository", "images", "tags", "read", "new drafts", "seconds", "fault"), rows,
        empty="No Docker repository is watched: `registry app watch add` begins that."))
    if faults := [one.fault for one in found if one.fault]:
        raise Refusal(faults[0])


@click.command()
@click.argument("host")
@click.option("--name", required=True, help="Whom to log in as.")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="First line: the password or token; without it that is asked for.")
@with_site
def login(site: Site, host: str, name: str, password_file: Path | None) -> None:
    """Keep a login for the Docker repository HOST, readable by this site's processes alone."""
    host = references.parse(f"{host}/x").host
    password = (password_file.read_text(encoding="utf-8").splitlines() or [""])[0] if password_file else click.prompt(
        "Password", hide_input=True)
    logins.keep(site, host, name, password)
    _audit(site, "keep login at repository", host, name)
    click.echo(f"This site logs in at {host} as {name}.")


@click.command()
@click.argument("host")
@with_site
def logout(site: Site, host: str) -> None:
    """Forget the login for the Docker repository HOST."""
    if not logins.forget(site, host):
        raise logins.LoginRefused(f"This site has no login at {host[:100]}.")
    _audit(site, "forget login at repository", host)
    click.echo(f"This site does not log in at {host} any more.")


@click.command()
@listed(IMAGES)
@with_site
def images(site: Site, asked: Asked, form: Form) -> None:
    """List every image that was seen in a watched repository, and what was decided of it."""
    with site.database.read() as connection:
        page = lists.page(connection, asked)
    form.show(page, lambda: _listed(page.rows, False, "No such image was seen."), [one.as_json() for one in page.rows])


@click.command()
@json_option
@with_site
def pending(site: Site, as_json: bool) -> None:
    """List the images that wait for a person's word."""
    with site.database.read() as connection:
        found = seen.listing(connection, state=seen.DRAFT, limit=100_000)
    _listed(found, as_json, "No image waits to be approved.")


@click.command()
@_image
@click.option("--name", default="", help="Last part of the application's identifier, where the image's own will not do.")
@click.option("--anyway", is_flag=True, help="Also when it is marked as vulnerable.")
@json_option
@with_site
def approve(site: Site, image: str, name: str, anyway: bool, as_json: bool) -> None:
    """Offer IMAGE (host/name:tag, host/name@digest, a digest or its beginning, identifier#version)."""
    _decided(site, approving.find(site, image, seen.APPROVED), seen.APPROVED, as_json, lambda one: approving.approve(
        site, one.reference, who=who(), name=name, anyway=anyway))


@click.command()
@_image
@_why
@json_option
@with_site
def reject(site: Site, image: str, why: str, as_json: bool) -> None:
    """Do not offer IMAGE, which waits to be approved."""
    _decided(site, approving.find(site, image, seen.REJECTED), seen.REJECTED, as_json, lambda one: approving.reject(
        site, one.reference, who=who(), why=why))


@click.command("mark-vulnerable")
@_image
@click.option("--why", required=True, help="What was found; those who want to run it are told.")
@json_option
@with_site
def mark_vulnerable(site: Site, image: str, why: str, as_json: bool) -> None:
    """Run IMAGE no longer, whoever publishes it, and offer it no longer where that is us."""
    _decided(site, approving.find(site, image, seen.VULNERABLE), seen.VULNERABLE, as_json, lambda one: approving.mark_vulnerable(
        site, one.reference, who=who(), why=why))


def retract_version(site: Site, image: str, why: str) -> None:
    """Offer one version of an application no longer."""
    _decided(site, approving.find(site, image, seen.RETRACTED), seen.RETRACTED, False, lambda one: approving.retract(
        site, one.reference, who=who(), why=why))


def _decided(site: Site, one: Seen, to: str, as_json: bool, act: Callable[[Seen], Seen]) -> None:
    """Do it, and say what else that changed."""
    effects = consequences.of(site, one, to)
    done = act(one)
    emit({**done.as_json(), "changes": effects}, as_json, lambda: click.echo("\n".join(
        [f"{done.app or done.shown} ({done.reference}) is {done.state}.", *effects])))


def _listed(found: list[Seen], as_json: bool, empty: str) -> None:
    rows = [(one.shown, one.short_digest, one.seen[:16], one.state, one.app, one.reason) for one in found]
    emit([one.as_json() for one in found], as_json, lambda: table(
        ("image", "digest", "seen", "state", "application", "reason"), rows, empty=empty))


def _audit(site: Site, action: str, subject: str, detail: str = "") -> None:
    with site.database.write() as connection:
        access.audit(connection, who(), action, subject, detail)


COMMANDS = (watch, login, logout, images, pending, approve, reject, mark_vulnerable)
