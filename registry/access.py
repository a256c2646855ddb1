"""Who asks, and what they may: accounts, logins, sessions, API tokens, the audit trail.

It knows nothing of web pages or of any room: it is given names, secrets and header texts, and answers with a
`Caller` or raises. Secrets are stored as hashes only: passwords by argon2, random 256 bit tokens by SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from registry import clock
from registry.db import alone
from registry.errors import Busy, Denied, NotFound, Refusal, Unauthenticated
from registry.site import Site
from registry.tables import accounts as people, api_tokens, audit as audit_table, login_attempts, sessions

READER, RUNNER, PUBLISHER, ADMINISTRATOR = "reader", "runner", "publisher", "administrator"
ROLES = (READER, RUNNER, PUBLISHER, ADMINISTRATOR)  # each may do what those before it may

TRIES = 10  # passwords looked at per account, and per address, in a window
WINDOW = 900  # seconds
SHORTEST_PASSWORD = 10
TOKEN_DAYS = 90
_SEEN_STEP = 60  # seconds; a login's or token's last use is written no finer than this
NAME = "[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"  # of an account
_NOT_RIGHT = "The name or the password is not right: check both and try again."

_hasher = PasswordHasher()
_hashing = threading.BoundedSemaphore(2)  # each hash takes 64 MB: a flood of logins must not take all memory
_known_good: dict[bytes, bytes] = {}  # digest of Basic credentials -> stored hash they were right for
_KNOWN_LIMIT = 1000


class AccountError(Refusal):
    """The account or token cannot be made or changed so; the message names the rule."""


class NoAccount(NotFound):
    """There is no account or token of that name."""


@dataclass(frozen=True)
class Caller:
    """Who asks: `name` is none and `role` '' for somebody unknown."""

    name: str | None
    role: str

    @property
    def administrator(self) -> bool:
        """Whether every job and every page is theirs to see."""
        return self.role == ADMINISTRATOR

    def may(self, role: str) -> bool:
        """Whether they have `role` or one above it; '' is everybody's."""
        return not role or (self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role))

    def require(self, role: str) -> None:
        """Raises Unauthenticated for somebody unknown and Denied for somebody with a lesser role."""
        if self.may(role):
            return
        if self.name is None:
            raise Unauthenticated("This needs an account: log in, or send a bearer token or name and password.")
        raise Denied(f"This needs the role {role}, and {self.name} is {self.role}: ask an administrator.")


ANONYMOUS = Caller(None, "")


@dataclass(frozen=True)
class Account:
    """One account as people see it."""

    name: str
    role: str
    created: str
    disabled: bool
    authorities: tuple[str, ...] = ()  # that a publisher publishes in; none: all of ours
    provider_only: bool = False  # it has no password


@dataclass(frozen=True)
class Token:
    """One API token as people see it; its secret is shown once, when it is made."""

    id: int
    account: str
    label: str
    created: str
    expires: str | None
    last_used: str | None
    role: str = ""  # that it is no more than; '' for its account's


# --- accounts ---------------------------------------------------------------------------------------------------------
def create_account(connection: Connection, name: str, password: str | None, role: str, *, hashed: str = "") -> Account:
    """Make an account, of a password or of what `password_hash` made of it; None for one without a password.

    Raises AccountError naming the rule that name, password or role breaks.
    """
    if not re.fullmatch(NAME, name):
        raise AccountError(
            f"{name!r} cannot be an account's name: up to 64 letters, digits and . _ @ -, the first a letter or digit.")
    if role not in ROLES:
        raise AccountError(f"There is no role {role!r}: one of {', '.join(ROLES)}.")
    alone(connection, "accounts")
    if _row(connection, name) is not None:
        raise AccountError(f"There is an account {name} already: choose another name, or set its password.")
    connection.execute(insert(people).values(
        name=name, password_hash="" if password is None else hashed or password_hash(password), role=role, authorities=[],
        created=clock.stamp(), disabled=False))
    return get_account(connection, name)


def get_account(connection: Connection, name: str) -> Account:
    """The account of that name. Raises NoAccount."""
    return _account(_existing(connection, name))


def accounts(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    return [_account(row) for row in connection.execute(select(people).order_by(people.c.name))]


def set_password(connection: Connection, name: str, password: str) -> None:
    """Give the account a new password and end its logins. Raises NoAccount, AccountError."""
    row = _existing(connection, name)
    connection.execute(update(people).where(people.c.id == row.id).values(password_hash=password_hash(password)))
    connection.execute(delete(sessions).where(sessions.c.account_id == row.id))


def set_disabled(connection: Connection, name: str, disabled: bool = True) -> Account:
    """Shut the account (its logins end, its tokens fail) or open it again. Raises NoAccount."""
    row = _existing(connection, name)
    connection.execute(update(people).where(people.c.id == row.id).values(disabled=disabled))
    if disabled:
        connection.execute(delete(sessions).where(sessions.c.account_id == row.id))
    return get_account(connection, name)


def _existing(connection: Connection, name: str) -> Row[Any]:
    row = _row(connection, name)
    if row is None:
        raise NoAccount(f"There is no account {name}; `registry user list` shows what there is.")
    return row


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(people).where(people.c.name == name)).first()


def _account(row: Row[Any]) -> Account:
    return Account(row.name, row.role, row.created, row.disabled, tuple(row.authorities), not row.password_hash)


def password_hash(password: str) -> str:
    """What is stored in a password's place. Raises AccountError for one that is too short or too long."""
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError(f"The password is too short: at least {SHORTEST_PASSWORD} characters.")
    if len(password) > 1024:
        raise AccountError("The password is too long: at most 1024 characters.")
    with _hashing:
        return _hasher.hash(password)


# --- passwords, looked at a few times only ----------------------------------------------------------------------------
def check_password(site: Site, name: str, password: str, address: str) -> Caller:
    """Who has this name and password, asking from `address`.

    Raises Busy when the account or the address has had its tries, Unauthenticated otherwise; an unknown name
    takes as long as a wrong password.
    """
    subjects = (f"account:{name[:64]}", f"address:{address}")
    with site.database.read() as connection:
        _refuse_flood(connection, subjects)
        row = _row(connection, name)
    tag = hmac.new(site.secret, f"{name}\0{password}".encode("utf-8", "replace"), hashlib.sha256).digest()
    if row and not row.disabled and _known_good.get(tag) == row.password_hash.encode():
        return Caller(row.name, row.role)
    with site.database.write() as connection:
        _refuse_flood(connection, subjects)
        made = [_count_try(connection, subject) for subject in subjects]
    stored = (row.password_hash if row else "") or _nobody()  # of an account without a password none is right
    if not _right(stored, password) or row is None or row.disabled:
        with site.database.write() as connection:  # a name that is none may be a password in the wrong field
            audit(connection, "anonymous", "refuse login", row.name if row else "", address)
        raise Unauthenticated(_NOT_RIGHT)
    with site.database.write() as connection:
        connection.execute(delete(login_attempts).where(login_attempts.c.id.in_(made)))
    if len(_known_good) >= _KNOWN_LIMIT:
        _known_good.clear()
    _known_good[tag] = row.password_hash.encode()
    return Caller(row.name, row.role)


def _count_try(connection: Connection, subject: str) -> int:
    row = insert(login_attempts).values(subject=subject, at=clock.stamp())
    # the key of one row that was inserted is never None
    return cast(Row[Any], connection.execute(row).inserted_primary_key)[0]


def _refuse_flood(connection: Connection, subjects: tuple[str, str]) -> None:
    since = clock.stamp(clock.later(-WINDOW))
    if connection.info.get("writes"):
        alone(connection, "logins")  # many guesses at once are counted one by one
        connection.execute(delete(login_attempts).where(login_attempts.c.at < since))
    query = select(func.count()).where(login_attempts.c.at >= since).group_by(login_attempts.c.subject)
    counts = connection.execute(query.where(login_attempts.c.subject.in_(subjects))).scalars().all()
    if counts and max(counts) >= TRIES:
        raise Busy(f"Too many failed logins: wait {WINDOW // 60} minutes and try again.", retry_after=WINDOW)


def _right(stored: str, password: str) -> bool:
    with _hashing:
        try:
            return _hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    """The hash that an unknown name's password is held against, so that it takes as long as a known one's."""
    return _hasher.hash(secrets.token_hex(16))


# --- the Authorization header -----------------------------------------------------------------------------------------
def from_header(site: Site, authorization: str | None, address: str) -> Caller:
    """Who a request with this Authorization header comes from: Basic or Bearer; ANONYMOUS without one.

    Raises Unauthenticated for anything that is not right, Busy after too many wrong passwords.
    """
    if not authorization or not authorization.strip():
        return ANONYMOUS
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return _of_token(site, rest.strip())
    if scheme.lower() == "basic":
        name, password = _basic(rest.strip())
        return check_password(site, name, password, address)
    raise Unauthenticated("Of the ways to say who asks, only Basic and Bearer are understood here.")


def _basic(text: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = name = password = ""
    if not colon or "\0" in name:
        raise Unauthenticated("The Basic authorization is not base64 of name:password in UTF-8.")
    return name, password


def _of_token(site: Site, secret: str) -> Caller:
    now = clock.stamp()
    query = select(people.c.name, people.c.role.label("may"), people.c.disabled, api_tokens).join(
        people, people.c.id == api_tokens.c.account_id).where(api_tokens.c.token_hash == digest(secret))
    with site.database.read() as connection:
        row = connection.execute(query).first()
    if row is None or row.disabled or (row.expires and row.expires <= now):
        raise Unauthenticated("The bearer token is unknown, revoked or expired: `registry token add` makes another.")
    if not row.last_used or row.last_used < clock.stamp(clock.later(-_SEEN_STEP)):
        with site.database.write() as connection:
            connection.execute(update(api_tokens).where(api_tokens.c.id == row.id).values(last_used=now))
    return Caller(row.name, lesser(row.may, row.role))


# --- API tokens -------------------------------------------------------------------------------------------------------
def lesser(role: str, bound: str) -> str:
    """The role that is left of `role` within `bound`; '' bounds nothing."""
    return min(role, bound, key=ROLES.index) if bound in ROLES and role in ROLES else role


def create_token(
    connection: Connection, name: str, label: str = "", days: int = TOKEN_DAYS, role: str = "", until: str = "",
) -> tuple[Token, str]:
    """Make a token of the account good for `days`, at most `until`, and no more than `role`; it and its secret, stored nowhere.

    Raises NoAccount, AccountError.
    """
    if role and role not in ROLES:
        raise AccountError(f"There is no role {role!r}: one of {', '.join(ROLES)}.")
    if not 1 <= days <= 3650:
        raise AccountError("A token is good for 1 to 3650 days.")
    row = _existing(connection, name)
    secret = secrets.token_urlsafe(32)
    made = connection.execute(insert(api_tokens).values(
        account_id=row.id, token_hash=digest(secret), label=label[:200], role=role, created=clock.stamp(),
        expires=min(filter(None, (clock.stamp(clock.later(days * 86400)), until)))))
    # the key of one row that was inserted is never None
    number = cast(Row[Any], made.inserted_primary_key)[0]
    return next(token for token in tokens(connection) if token.id == number), secret


def tokens(connection: Connection, name: str = "") -> list[Token]:
    """The tokens of all accounts or of one, newest last."""
    query = select(people.c.name.label("account"), api_tokens).join(people, people.c.id == api_tokens.c.account_id)
    if name:
        query = query.where(people.c.name == name)
    return [Token(row.id, row.account, row.label, row.created, row.expires, row.last_used, row.role)
            for row in connection.execute(query.order_by(api_tokens.c.id))]


def revoke_token(connection: Connection, token_id: int) -> None:
    """Forget a token: it is refused from now on. Raises NoAccount."""
    if not connection.execute(delete(api_tokens).where(api_tokens.c.id == token_id)).rowcount:
        raise NoAccount(f"There is no token {token_id}; `registry token list` shows what there is.")


# --- sessions ---------------------------------------------------------------------------------------------------------
def open_session(connection: Connection, name: str, old: str = "", issuer: str = "") -> str:
    """Log in: a new random token, and an end to `old`; `issuer` vouches for them, '' their password. Raises NoAccount."""
    row = _existing(connection, name)
    close_session(connection, old)
    secret = secrets.token_urlsafe(32)
    now = clock.stamp()
    connection.execute(insert(sessions).values(
        token_hash=digest(secret), account_id=row.id, created=now, seen=now, issuer=issuer))
    return secret


def close_session(connection: Connection, secret: str) -> None:
    """Log out: the token is worth nothing any more."""
    connection.execute(delete(sessions).where(sessions.c.token_hash == digest(secret)))


def of_session(site: Site, secret: str) -> Caller:
    """Who is logged in under this token; ANONYMOUS when it is unknown, idle too long, or too old."""
    if not secret:
        return ANONYMOUS
    oldest = clock.stamp(clock.later(-site.settings.session_lifetime))
    idle = clock.stamp(clock.later(-site.settings.session_idle))
    query = select(people.c.name, people.c.role, sessions).join(
        people, people.c.id == sessions.c.account_id).where(
        sessions.c.token_hash == digest(secret), people.c.disabled.is_(False))
    with site.database.read() as connection:
        row = connection.execute(query).first()
    if row is None or row.created <= oldest or row.seen <= idle:
        return ANONYMOUS
    if row.seen < clock.stamp(clock.later(-_SEEN_STEP)):
        with site.database.write() as connection:
            mine = sessions.c.token_hash == row.token_hash
            connection.execute(update(sessions).where(mine).values(seen=clock.stamp()))
            connection.execute(delete(sessions).where(sessions.c.created <= oldest))
    return Caller(row.name, row.role)


def csrf_token(site: Site, secret: str) -> str:
    """What a form must send back beside the session `secret`: nobody without the site's key can make it."""
    return hmac.new(site.secret, b"csrf\0" + secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def csrf_right(site: Site, secret: str, sent: str) -> bool:
    """Whether `sent` is the CSRF token of that session."""
    return hmac.compare_digest(csrf_token(site, secret).encode(), sent.encode("utf-8", "replace"))


def digest(secret: str) -> str:
    """The form in which a random token is stored."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


# --- the audit trail --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Entry:
    """One line of the audit trail."""

    at: str
    who: str
    action: str
    subject: str
    detail: str
    id: int = 0


def audit(connection: Connection, who: str, action: str, subject: str, detail: str = "") -> None:
    """Write down that `who` did `action` to `subject`, in the transaction that does it."""
    connection.execute(insert(audit_table).values(
        at=clock.stamp(), who=who, action=action, subject=subject, detail=detail))


def trail(connection: Connection, limit: int = 100) -> list[Entry]:
    """The newest lines of the audit trail."""
    query = select(audit_table).order_by(audit_table.c.id.desc()).limit(limit)
    return [Entry(row.at, row.who, row.action, row.subject, row.detail, row.id) for row in connection.execute(query)]
