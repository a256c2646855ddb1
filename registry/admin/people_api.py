"""The part of the JSON API that is about people and order: what accounts and tokens go through, settings, problems."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify

from registry import access, config_file
from registry.admin import guard, listed, oidc, overview, people
from registry.admin.api import body
from registry.admin.pages import api, site
from registry.oidc import identities


@api.post("/accounts")
def accounts_add() -> tuple[Response, int]:
    """Make one."""
    given = body({"name", "password"}, {"role"})
    return jsonify(asdict(people.add(given["name"], given["password"], given.get("role", access.RUNNER), guard.who()))), 201


@api.post("/accounts/<name>/role")
def account_role(name: str) -> Response:
    """Give it a role, and a publisher its authorities."""
    given = body({"role"}, {"authorities"})
    return jsonify(asdict(people.set_role(name, given["role"], given.get("authorities", []), guard.who())))


@api.post("/accounts/<name>/password")
def account_password(name: str) -> Response:
    """Give it a new password."""
    people.set_password(name, body({"password"}, set())["password"], guard.who())
    with site().database.read() as connection:
        return jsonify(asdict(access.get_account(connection, name)))


@api.post("/accounts/<name>/disable")
def account_disable(name: str) -> Response:
    """Shut it: its logins end, its tokens are refused."""
    return jsonify(asdict(people.set_disabled(name, True, guard.who())))


@api.post("/accounts/<name>/enable")
def account_enable(name: str) -> Response:
    """Open it again."""
    return jsonify(asdict(people.set_disabled(name, False, guard.who())))


@api.get("/accounts/<name>/identities")
def account_identities(name: str) -> Response:
    """Who may log in to it by a provider."""
    with site().database.read() as connection:
        access.get_account(connection, name)
        return jsonify(identities=[asdict(one) for one in identities.of_account(connection, name)])


@api.post("/accounts/<name>/link")
def account_link(name: str) -> tuple[Response, int]:
    """Link it to a person of the site's provider."""
    return jsonify(asdict(oidc.link(name, body({"subject"}, set())["subject"], guard.who()))), 201


@api.post("/accounts/<name>/unlink")
def account_unlink(name: str) -> Response:
    """Let nobody of a provider in to it."""
    return jsonify(identities=[asdict(one) for one in oidc.unlink(name, guard.who())])


@api.post("/me/password")
def me_password() -> Response:
    """Change one's own password."""
    given = body({"present", "password"}, set())
    people.change_password(given["present"], given["password"])
    return jsonify(name=guard.who(), changed=True)


@api.post("/tokens")
def tokens_add() -> tuple[Response, int]:
    """Make one of one's own; its secret is told this once."""
    given = body({"label"}, {"days", "role"})
    made, secret = people.add_token(given["label"], given.get("days", access.TOKEN_DAYS), given.get("role", ""))
    answer = jsonify({**asdict(made), "secret": secret})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 201


@api.post("/tokens/<int:number>/revoke")
def token_revoke(number: int) -> Response:
    """Forget it."""
    return jsonify(asdict(people.revoke(number)))


@api.get("/settings")
def settings() -> Response:
    """Every setting and where it comes from, without what is secret."""
    rows = config_file.origins(site().settings)
    return jsonify(settings=[{"key": row.key, "value": _plain(row.value), "origin": row.origin, "description": row.description}
                             for row in rows])


@api.get("/problems")
def problems() -> Response:
    """Everything that failed, waits, is in conflict or is not well."""
    page = overview.listing()
    return listed.as_json(page, overview.told(page))


def _plain(value: object) -> object:
    """The value as JSON has it: paths and the like as text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value if isinstance(value, str | int | float | bool | list | None) else str(value)
