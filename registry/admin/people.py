"""Accounts and the audit trail, for administrators; accounts are made and changed at the command line."""

from __future__ import annotations

from flask import render_template

from registry import access
from registry.admin.pages import pages, site


@pages.get("/accounts")
def accounts() -> str:
    """All accounts and their API tokens."""
    with site().database.read() as connection:
        return render_template(
            "admin/accounts.html", accounts=access.accounts(connection), tokens=access.tokens(connection)
        )


@pages.get("/audit")
def audit() -> str:
    """Who did what, newest first."""
    with site().database.read() as connection:
        return render_template("admin/audit.html", entries=access.trail(connection, 200))
