"""Who may come in: accounts, sessions, tokens, and failed log-ins."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table

from registry.tables.base import metadata, number

accounts = Table(
    "accounts", metadata, number(),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
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
