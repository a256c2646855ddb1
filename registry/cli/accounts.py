"""Commands about people and what they see to: accounts, API tokens, the audit trail, what is wrong."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from registry import access, lists, rights, sessions
from registry.admin.problem_list import MOST, PROBLEMS, lines
from registry.cli import oidc
from registry.cli.common import emit, json_option, table, who, with_site
from registry.cli.listed import Form, listed
from registry.errors import Refusal
from registry.lists import Asked
from registry.rosters import ACCOUNTS, TOKENS
from registry.site import Site
from registry.trail import TRAIL

_password_file = click.option(
    "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="First line: the password; without it the password is asked for.")


@click.group()
def user() -> None:
    """Accounts: add, list, role, password, disable, logout, link, unlink."""


user.add_command(oidc.link)
user.add_command(oidc.unlink)


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(access.ROLES), default=access.RUNNER, show_default=True,
              help="What the account may do; each role may do what those before it may.")
@_password_file
@json_option
@with_site
def add(site: Site, name: str, role: str, password_file: Path | None, as_json: bool) -> None:
    """Make an account."""
    password = _password(password_file)
    with site.database.write() as connection:
        made = access.create_account(connection, name, password, role)
        access.audit(connection, who(), "add account", name, role)
    emit(asdict(made), as_json, lambda: click.echo(f"{name} is a {role} now."))


@user.command("list")
@listed(ACCOUNTS)
@with_site
def list_(site: Site, asked: Asked, form: Form) -> None:
    """List the accounts."""
    with site.database.read() as connection:
        page = lists.page_of(access.accounts(connection), asked)
    form.show(page, lambda: table(
        ("name", "role", "made", ""),
        ((one.name, one.role, one.created, _state(one)) for one in page.rows),
        empty="No account is like that." if asked.searching else
        "There is no account yet: `registry user add NAME --role administrator` makes one."),
        [asdict(one) for one in page.rows])


def _state(one: access.Account) -> str:
    return ", ".join(filter(None, ("disabled" if one.disabled else "", "by a provider only" if one.provider_only else "")))


@user.command("password")
@click.argument("name")
@_password_file
@with_site
def password_(site: Site, name: str, password_file: Path | None) -> None:
    """Give an account a new password; its logins end."""
    with site.database.read() as connection:
        access.get_account(connection, name)  # before anybody types a password for nothing
    password = _password(password_file)
    with site.database.write() as connection:
        access.set_password(connection, name, password)
        access.audit(connection, who(), "set password", name)
    click.echo(f"{name} has a new password; logins under the old one have ended.")


@user.command("logout")
@click.argument("name")
@with_site
def logout(site: Site, name: str) -> None:
    """End all logins of an account; its tokens stay."""
    with site.database.write() as connection:
        number = sessions.end(connection, name)
        access.audit(connection, who(), "end logins", name, str(number))
    click.echo(f"Logins of {name} that have ended: {number}.")


@user.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Open the account again.")
@with_site
def disable(site: Site, name: str, undo: bool) -> None:
    """Shut an account: its logins end, its tokens are refused."""
    with site.database.write() as connection:
        rights.set_disabled(connection, name, not undo)
        access.audit(connection, who(), "open account" if undo else "disable account", name)
    click.echo(f"{name} is open again." if undo else f"{name} is shut.")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(access.ROLES))
@click.option("--authority", "authorities", multiple=True, metavar="ID",
              help="One that it publishes in (repeatable); all of ours without it.")
@json_option
@with_site
def role_(site: Site, name: str, role: str, authorities: tuple[str, ...], as_json: bool) -> None:
    """Give an account another role, and a publisher its authorities."""
    with site.database.write() as connection:
        changed = rights.set_role(connection, name, role, authorities)
        access.audit(connection, who(), "set role", name, " ".join((role, *changed.authorities)))
    bound = f" of {', '.join(changed.authorities)}" if changed.authorities else ""
    emit(asdict(changed), as_json, lambda: click.echo(f"{name} is a {role}{bound} now."))


@click.group()
def token() -> None:
    """API tokens: add, list, revoke."""


@token.command("add")
@click.argument("name")
@click.option("--label", default="", help="What it is for.")
@click.option("--days", type=int, default=access.TOKEN_DAYS, show_default=True, help="Days for which it is good.")
@click.option("--role", type=click.Choice(access.ROLES), default=None, help="That it is good for no more than; its account's.")
@json_option
@with_site
def token_add(site: Site, name: str, label: str, days: int, role: str | None, as_json: bool) -> None:
    """Make an API token of the account NAME; it is printed once and stored nowhere."""
    with site.database.write() as connection:
        made, secret = access.create_token(connection, name, label, days, role or "")
        access.audit(connection, who(), "add token", name, str(made.id))

    def say() -> None:
        click.echo(secret)
        click.echo(f"Token {made.id} of {name}, good until {made.expires}. It is not shown again.", err=True)

    emit({**asdict(made), "secret": secret}, as_json, say)


@token.command("list")
@click.argument("name", required=False, default="")
@listed(TOKENS)
@with_site
def token_list(site: Site, name: str, asked: Asked, form: Form) -> None:
    """List the API tokens of all accounts, or of NAME."""
    with site.database.read() as connection:
        page = lists.page_of(access.tokens(connection, name), asked)
    form.show(page, lambda: table(
        ("id", "account", "for", "no more than", "made", "good until", "last used"),
        ((one.id, one.account, one.label, one.role, one.created, one.expires or "", one.last_used or "never")
         for one in page.rows),
        empty="No API token is like that." if asked.searching else "There is no API token: `registry token add NAME` makes one."))


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=int)
@with_site
def token_revoke(site: Site, token_id: int) -> None:
    """Forget a token: it is refused from now on."""
    with site.database.write() as connection:
        access.revoke_token(connection, token_id)
        access.audit(connection, who(), "revoke token", str(token_id))
    click.echo(f"Token {token_id} is refused from now on.")


@click.command()
@listed(TRAIL, limit=100)
@with_site
def audit(site: Site, asked: Asked, form: Form) -> None:
    """Print who did what, newest first."""
    with site.database.read() as connection:
        page = lists.page(connection, asked)
    form.show(page, lambda: table(
        ("when", "who", "did", "to", "detail"), ((one.at, one.who, one.action, one.subject, one.detail) for one in page.rows),
        empty="Nothing like that has been done."))


@click.command()
@listed(PROBLEMS)
@with_site
def problems(site: Site, asked: Asked, form: Form) -> None:
    """List what failed, waits for a person, is in conflict or is not well; exit code 1 where there is something."""
    from registry.admin import problems as gathering  # the rooms are heavy, and `--help` needs none of them

    with site.database.read() as connection:
        found = gathering.gather(connection, access.Caller("cli", access.ADMINISTRATOR), MOST)
    page = lists.page_of(lines(found), asked)
    form.show(page, lambda: table(
        ("kind", "what", "why", "since"), ((one.kind, one.subject, one.words, one.since) for one in page.rows),
        empty="Nothing like that is wrong." if asked.searching else "Nothing is wrong, and nothing waits for a person."))
    if page.rows:
        raise SystemExit(1)


def _password(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").split("\n")[0].strip()
    try:
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    except click.Abort:
        raise Refusal("A password is needed: type it, or give a file that holds it as --password-file.") from None
    return password
