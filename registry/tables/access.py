"""Who may come in: accounts, sessions, tokens, identities elsewhere, and failed and unfinished log-ins."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text

from registry.tables.base import metadata, number

accounts = Table(
    "accounts", metadata, number(),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),  # '' for none: in by the OpenID Connect provider or a token only
    Column("role", String, nullable=False),  # administrator | publisher | runner | reader
    Column("authorities", JSON, nullable=False, default=list),  # that a publisher publishes in, lower case; empty: all of ours
    Column("created", String, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
)
sessions = Table(
    "sessions", metadata,
    Column("token_hash", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("created", String, nullable=False),
    Column("seen", String, nullable=False),
    Column("issuer", String, nullable=False, default=""),  # of the OpenID Connect provider that let them in; '': a password
)
api_tokens = Table(
    "api_tokens", metadata, number(),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("label", String, nullable=False, default=""),
    Column("role", String, nullable=False, default=""),  # that it is no more than; '' for its account's
    Column("created", String, nullable=False),
    Column("expires", String),
    Column("last_used", String),
)
login_attempts = Table(
    "login_attempts", metadata, number(),
    Column("subject", String, nullable=False, index=True),  # "account:NAME" or "address:IP"
    Column("at", String, nullable=False),
)
identities = Table(  # who a person is elsewhere: whom the provider `issuer` calls `subject` is this account here
    "identities", metadata,
    Column("issuer", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("made", Boolean, nullable=False),  # whether that first log-in made the account: then the provider gives its role
    Column("created", String, nullable=False),
    Column("seen", String),  # last log-in by it
)
visits = Table(  # log-ins that were begun at the provider and have not come back
    "visits", metadata,
    Column("state_hash", String, primary_key=True),
    Column("browser_hash", String, nullable=False),  # of the cookie of the browser that began it
    Column("nonce", String, nullable=False),
    Column("verifier", String, nullable=False),
    Column("goal", Text, nullable=False, default=""),  # path to go on to
    Column("account_id", ForeignKey("accounts.id")),  # that is to be linked; none: a log-in
    Column("address", String, nullable=False, index=True),
    Column("at", String, nullable=False),
)
