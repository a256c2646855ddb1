"""Commands about the datacenter itself: found it, run it, look whether it is well."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import click

from registry import config, config_file, serve as serving
from registry.cli.common import emit, json_option, site_as_it_is, site_of, table, who, with_site
from registry.errors import Refusal
from registry.site import Site

_parent = click.option("--with-parent", is_flag=True, hidden=True, help="End when standard input ends.")


@click.command()
@click.option("--authority", help="IVOA authority identifier, such as north.example (without ivo://).")
@click.option("--title", help="The datacenter's name.")
@click.option("--base-url", help="Public address of this service, with its path.")
@click.option("--admin", help="Name of the first administrator.")
@click.option("--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="First line: the password.")
@click.option("--organisation", default="", help="Name of the organisation behind it; default: the title.")
@click.option("--contact", default="", help="Whom to ask; default: the administrators of the organisation.")
@click.option("--email", default="", help="Address of the contact.")
@click.option("--description", default="", help="What the datacenter offers.")
@click.option("--reference-url", default="", help="A page about it; default: the base URL.")
@click.option("--set", "extra", multiple=True, metavar="KEY=VALUE", help="Write a further setting to config.toml (repeatable).")
@click.option("--yes", is_flag=True, help="Ask nothing: use the defaults for what is not given.")
@click.pass_obj
def init(instance: Path, extra: tuple[str, ...], yes: bool, **given: Any) -> None:
    """Found a datacenter and publish its five records: authority, registry, organisation, runner, tables.

    Asked for again, it publishes what is missing, and where base_url has changed in config.toml our records move there.
    """
    file = instance / config.CONFIG_FILE
    fresh = not file.exists()
    known = None if fresh else config.load(instance)
    answers = _ask(given, yes, known if known and known.authority else None)
    settings = {
        "authority": answers["authority"], "title": answers["title"], "base_url": answers["base_url"],
        "admin_email": answers["email"], **_pairs(extra),
    }
    config_file.write(instance, settings)
    try:
        with site_of(instance) as site:
            _found(site, answers, yes, given["password_file"])
    except Refusal:
        if fresh:  # so that the next try may give other answers
            file.unlink()
        raise
    click.echo(f"Founded in {instance}. Start it with: registry --instance {instance} serve")


def _found(site: Site, answers: dict[str, str], yes: bool, password_file: Path | None) -> None:
    from registry import access  # heavy, and `registry --help` needs none of it
    from registry.records import founding, moving
    from registry.search import registering
    from registry.services.standards import shipped

    with site.database.read() as connection:
        known = {account.name for account in access.accounts(connection)}
    wanted = answers["admin"] or ("" if known else "admin")  # asked for again, it makes no further account by default
    password = answers["password"] or _password(password_file, yes) if wanted and wanted not in known else ""
    wish = founding.Founding(
        authority=site.settings.authority, title=site.settings.title, base_url=site.settings.base_url,
        **{name: answers[name] for name in ("organisation", "contact", "email", "description", "reference_url")})
    for record in founding.found(site, wish, who()):
        click.echo(f"published {record.ivoid}")
    for record in registering.register(site, who()):
        click.echo(f"published {record.ivoid}")
    for record in moving.move(site, who()):
        click.echo(f"moved to {site.settings.base_url}: {record.ivoid}")
    shipped.ship(site)
    if password:
        with site.database.write() as connection:
            access.create_account(connection, wanted, password, "administrator")


def _ask(given: dict[str, Any], yes: bool, known: config.Settings | None) -> dict[str, str]:
    """All answers; on a terminal those that are missing are asked for. `known` is what config.toml says by now.

    Raises Refusal where an answer is needed and nobody is there.
    """
    answers = {name: value or "" for name, value in given.items() if name != "password_file"}
    if known:
        return _again(answers, known)
    defaults = {"title": answers["authority"] or "Inner Space", "base_url": "http://127.0.0.1:8080/", "admin": "admin"}
    questions = {"authority": "Authority identifier (such as north.example)", "title": "Name of the datacenter",
                 "base_url": "Public address", "admin": "Name of the administrator"}
    for name, question in questions.items():
        if answers[name]:
            continue
        if not yes:
            answers[name] = click.prompt(question, default=defaults.get(name))
        elif name in defaults:
            answers[name] = defaults[name]
        else:
            raise Refusal(f"The {name} is needed: give it as --{name.replace('_', '-')}.")
    answers["password"] = _password(given["password_file"], yes)
    return answers


def _again(answers: dict[str, str], known: config.Settings) -> dict[str, str]:
    """The answers with those of the first time where none is given now."""
    said = {"authority": known.authority, "title": known.title, "base_url": known.base_url, "email": known.admin_email}
    return answers | {name: answers[name] or value for name, value in said.items()} | {"password": ""}


def _password(file: Path | None, yes: bool) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").split("\n")[0].strip()
    if yes:
        raise Refusal("The administrator needs a password: give a file that holds it as --password-file.")
    password: str = click.prompt("Password of the administrator", hide_input=True, confirmation_prompt=True)
    return password


def _pairs(texts: tuple[str, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise Refusal(f"--set {text!r} has no value: write it as KEY=VALUE.")
        result[key.strip()] = config_file.from_text(key.strip(), value)
    return result


@click.command()
@click.option("--host", help="Address to listen on; default: the setting.")
@click.option("--port", type=int, help="Port to listen on; default: the setting.")
@click.pass_obj
def serve(instance: Path, host: str | None, port: int | None) -> None:
    """Run web, worker and gateway until SIGTERM or Ctrl-C.

    Where nothing is founded yet, print a one-time link to set it up in a browser, and go on from there.
    """
    from registry.search import registering  # lxml and the schemas are heavy, and `registry --help` needs neither
    from registry.services.standards import shipped

    serving.set_up_log()
    began = time.monotonic()
    overrides = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    instance.mkdir(parents=True, exist_ok=True)
    with site_of(instance, _upgrade, **overrides) as site:
        address = f"{site.settings.host}:{site.settings.port}"
        if site.settings.authority:
            shipped.ship(site)
            registering.see(site)
            words = [f"{site.settings.title} is at {site.settings.base_url} (listening on {address})"]
        else:
            words = _set_up(instance, site, address)
        serving.serve(site, ready=lambda: click.echo("\n".join([*words, f"ready in {time.monotonic() - began:.1f} s"]), err=True))


def _upgrade(site: Site) -> None:
    """Bring the database of an older version up to date, after a backup: whoever starts this program wants it to run."""
    from registry.backup import upgrading

    upgrading.upgrade(site.settings, site.database, tell=lambda words: click.echo(words, err=True))


def _set_up(instance: Path, site: Site, address: str) -> list[str]:
    """What to tell the operator of a place where nothing is founded: above all the link."""
    from registry.admin.setup import keeping  # flask is heavy, and `registry --help` needs none of it

    host = site.settings.host
    near = "127.0.0.1" if host in ("0.0.0.0", "::", "127.0.0.1", "localhost") else host
    near = f"[{near}]" if ":" in near else near
    words = [f"Nothing is founded in {instance} yet. Set it up in a browser, with this link (good once, for an hour):", "",
             f"    http://{near}:{site.settings.port}/setup/link/{keeping.new_link(site)}", "",
             f"or without one: registry --instance {instance} init"]
    if host not in ("127.0.0.1", "localhost", "::1"):
        words.append(f"It listens on {address}: over plain http a password can be read on the way; from elsewhere rather use a "
                     f"tunnel: ssh -L {site.settings.port}:127.0.0.1:{site.settings.port} THIS-HOST")
    return words


@click.command()
@_parent
@with_site
def worker(site: Site, with_parent: bool) -> None:
    """Run the worker alone: it holds the Docker engine, runs jobs and harvests."""
    from registry.worker.main import run  # docker is heavy, and only the worker needs it

    run(site, _until_stopped(with_parent))


@click.command()
@_parent
@with_site
def gateway(site: Site, with_parent: bool) -> None:
    """Run the gateway alone: the way from running jobs to the datacenter's APIs."""
    from registry.gateway.main import run

    run(site, _until_stopped(with_parent))


def _until_stopped(with_parent: bool) -> threading.Event:
    serving.set_up_log()
    stop = threading.Event()
    serving.stop_on_signals(stop)
    if with_parent:
        serving.stop_with_parent(stop)
    return stop


@click.command(name="config")
@json_option
@click.pass_obj
def config_command(instance: Path, as_json: bool) -> None:
    """Show every setting, its value and where it comes from."""
    settings = config.load(instance)
    rows = config_file.origins(settings)
    lines = [(row.key, row.value, row.origin, row.description) for row in rows]
    emit({row.key: {"value": row.value, "origin": row.origin, "description": row.description} for row in rows}, as_json,
         lambda: table(("setting", "value", "from", "what for"), lines, empty=""))


@click.command()
@json_option
@click.pass_obj
def doctor(instance: Path, as_json: bool) -> None:
    """Look at everything this service leans on; exit code 1 when something fails."""
    from registry import schema
    from registry.cli.checks import checks

    with site_as_it_is(instance) as site:
        if not schema.state(site.database).present:
            schema.upgrade(site.database)
        found = checks(site)
    emit([vars(check) for check in found], as_json,
         lambda: table(("", "what", "found"), ((c.verdict, c.name, c.words) for c in found), empty=""))
    if any(check.verdict == "fail" for check in found):
        raise SystemExit(1)


