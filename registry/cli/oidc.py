"""`registry oidc`: the OpenID Connect provider that people may log in by, seen from the side of whoever sets it up."""

from __future__ import annotations

from pathlib import Path

import click

from registry import access
from registry.cli.common import emit, json_option, who, with_site
from registry.errors import Refusal
from registry.oidc import checking, identities, login, secret as secrets_kept
from registry.oidc.errors import NoProvider
from registry.site import Site


@click.group()
def oidc() -> None:
    """Log-in by an OpenID Connect provider: show, secret."""


@oidc.command("show")
@json_option
@with_site
def show(site: Site, as_json: bool) -> None:
    """Say what to register at the provider, and whether it can be logged in by; exit code 1 where not."""
    provider = site.settings.oidc
    if provider is None:
        raise NoProvider("This site has no OpenID Connect provider: write a table [oidc] into config.toml, as "
                         "docs/operating.md shows.")
    found = checking.look(site)
    told = {"issuer": provider.issuer, "client_id": provider.client_id, "redirect_uri": login.redirect_uri(site),
            "scopes": list(provider.scopes), "secret": bool(secrets_kept.get(site)), "works": not found.fault,
            "fault": found.fault, "warnings": list(found.warnings)}

    def say() -> None:
        for name in ("issuer", "client_id", "redirect_uri"):
            click.echo(f"{name:13} {told[name]}")
        click.echo(f"{'scopes':13} {' '.join(provider.scopes)}")
        click.echo(f"{'secret':13} {'kept' if told['secret'] else 'none: a public client'}")
        for words in (found.fault, *found.warnings):
            if words:
                click.echo(words, err=True)
        if not found.fault:
            click.echo("It answers as a log-in needs.")

    emit(told, as_json, say)
    if found.fault:
        raise SystemExit(1)


@oidc.command("secret")
@click.option("--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="First line: the secret; without it the secret is asked for.")
@click.option("--forget", is_flag=True, help="Be a public client, without a secret.")
@with_site
def secret(site: Site, file: Path | None, forget: bool) -> None:
    """Keep the client's secret at the provider, in keys/oidc.json of the instance."""
    if forget:
        secrets_kept.forget(site)
        done = "forget the provider's secret"
    else:
        secrets_kept.keep(site, _read(file))
        done = "set the provider's secret"
    with site.database.write() as connection:
        access.audit(connection, who(), done, site.settings.oidc.issuer if site.settings.oidc else "")
    click.echo("The secret is forgotten." if forget else "The secret is kept; it counts from the next log-in on.")


def _read(file: Path | None) -> str:
    if file is not None:
        return (file.read_text(encoding="utf-8").splitlines() or [""])[0]
    try:
        given: str = click.prompt("Client secret", hide_input=True)
    except click.Abort:
        raise Refusal("The secret is needed: type it, or give a file that holds it as --file.") from None
    return given


# --- below `registry user` --------------------------------------------------------------------------------------------
@click.command("link")
@click.argument("name")
@click.argument("subject")
@click.option("--issuer", default="", help="The provider that calls the person so; that of the setting oidc without it.")
@json_option
@with_site
def link(site: Site, name: str, subject: str, issuer: str, as_json: bool) -> None:
    """Let the person whom the provider calls SUBJECT (its claim sub) log in as NAME."""
    issuer = issuer or (site.settings.oidc.issuer if site.settings.oidc else "")
    if not issuer:
        raise NoProvider("This site has no OpenID Connect provider: give the --issuer, or write a table [oidc] into config.toml.")
    with site.database.write() as connection:
        made = identities.link(connection, name, issuer, subject)
        access.audit(connection, who(), "link identity", name, f"{made.subject} of {issuer}")
    emit(vars(made), as_json, lambda: click.echo(f"{made.subject} of {issuer} is {name} here now."))


@click.command("unlink")
@click.argument("name")
@click.option("--issuer", default="", help="Only that provider's; all of them without it.")
@json_option
@with_site
def unlink(site: Site, name: str, issuer: str, as_json: bool) -> None:
    """Let nobody log in as NAME by a provider any more; log-ins that came so end."""
    with site.database.write() as connection:
        gone = identities.unlink(connection, name, issuer=issuer)
        for one in gone:
            access.audit(connection, who(), "unlink identity", name, f"{one.subject} of {one.issuer}")
    emit([vars(one) for one in gone], as_json, lambda: click.echo(
        "\n".join(f"{one.subject} of {one.issuer} is not {name} here any more." for one in gone)))
