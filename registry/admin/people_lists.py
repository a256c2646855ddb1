"""Accounts, API tokens and the audit trail as lists: pages, CSV and JSON, and the same in the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, render_template

from registry import access, lists, trail
from registry.admin import guard, listed
from registry.admin.pages import api, pages, site
from registry.lists import Page
from registry.rosters import ACCOUNTS, TOKENS
from registry.trail import TRAIL


def accounts() -> Page[Any]:
    """What is asked for of all accounts."""
    with site().database.read() as connection:
        return lists.page_of(access.accounts(connection), listed.asked(ACCOUNTS))


def tokens() -> Page[Any]:
    """What is asked for of one's own tokens; an administrator's list holds everybody's."""
    with site().database.read() as connection:
        found = access.tokens(connection, "" if guard.caller().administrator else guard.who())
    return lists.page_of(found, listed.asked(TOKENS))


@pages.get("/accounts.<any(csv, json):suffix>")
def accounts_file(suffix: str) -> Response:
    """The rows of the page of accounts."""
    return listed.as_file(accounts(), suffix)


@pages.get("/tokens", defaults={"suffix": ""})
@pages.get("/tokens.<any(csv, json):suffix>")
def tokens_page(suffix: str) -> Response | str:
    """API tokens, each with a button that revokes it."""
    page = tokens()
    if suffix:
        return listed.as_file(page, suffix)
    return render_template("admin/tokens.html", page=page, twin=listed.twin(page.asked, ("token", "list"), "tokens"))


@pages.get("/audit", defaults={"suffix": ""})
@pages.get("/audit.<any(csv, json):suffix>")
def audit(suffix: str) -> Response | str:
    """Who did what, newest first; the whole state is in the address."""
    with site().database.read() as connection:
        page = lists.page(connection, listed.asked(TRAIL))
        if suffix:
            return listed.as_file(page, suffix)
        known = {"action": trail.actions(connection), "who": [one.name for one in access.accounts(connection)]}
    return render_template("admin/audit.html", page=page, known=known, twin=listed.twin(page.asked, ("audit",), "audit"))


@api.get("/accounts")
def accounts_listed() -> Response:
    """All accounts."""
    page = accounts()
    return listed.as_json(page, [asdict(one) for one in page.rows])


@api.get("/tokens")
def tokens_listed() -> Response:
    """One's own tokens; an administrator's list holds everybody's."""
    return listed.as_json(tokens())


@api.get("/audit")
def audit_listed() -> Response:
    """Who did what, newest first."""
    with site().database.read() as connection:
        return listed.as_json(lists.page(connection, listed.asked(TRAIL)))
