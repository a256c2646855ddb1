"""Accounts on pages: the list, one account and what may be changed of it, one's own password and API tokens."""

from __future__ import annotations

from collections import Counter

from flask import flash, make_response, redirect, render_template, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response
from wtforms import Form, IntegerField, PasswordField, SelectField, StringField
from wtforms.validators import DataRequired, EqualTo, Length, NumberRange, Optional, Regexp

from registry import access, rights, sessions
from registry.access import NAME, ROLES, SHORTEST_PASSWORD, TOKEN_DAYS, Account, Token
from registry.admin import guard, listed, people_lists, sure, twins
from registry.admin.pages import pages, site
from registry.errors import Denied, Refusal
from registry.oidc import identities
from registry.records import authorities

_MAY = ("A reader sees the pages, a runner runs applications too, a publisher describes services and publishes too, "
        "an administrator does everything.")


def _new_password(label: str) -> PasswordField:
    return PasswordField(
        label, [DataRequired("Give a password."), Length(SHORTEST_PASSWORD, 1024, f"At least {SHORTEST_PASSWORD} characters.")],
        render_kw={"autocomplete": "new-password"}, description=f"At least {SHORTEST_PASSWORD} characters.")


class AccountForm(Form):
    """A new account."""

    name = StringField("Name", [DataRequired("Give a name."), Regexp(
        f"^{NAME}$", message="Up to 64 letters, digits and . _ @ -, the first a letter or digit.")],
        render_kw={"autocomplete": "off", "autocapitalize": "none"})
    role = SelectField("Role", choices=ROLES, default="runner", description=_MAY)
    password = _new_password("First password")


class RoleForm(Form):
    """What an account may do."""

    role = SelectField("Role", choices=ROLES, description=_MAY)
    authorities = StringField(
        "Authorities that it publishes in", [Optional(), Length(max=2000)],
        description="Of a publisher, separated by spaces; all of ours when empty.")


class SetPasswordForm(Form):
    """A new password of somebody else's."""

    password = _new_password("New password")


class OwnPasswordForm(Form):
    """A new password of one's own."""

    present = PasswordField("Present password", [DataRequired("Give your present password.")],
                            render_kw={"autocomplete": "current-password"})
    password = _new_password("New password")
    again = PasswordField("New password once more", [EqualTo("password", "The two are not the same.")],
                          render_kw={"autocomplete": "new-password"})


class LinkForm(Form):
    """Whom an account belongs to elsewhere."""

    subject = StringField("Subject", [DataRequired("Give the subject."), Length(max=255)], description=(
        "What the provider calls the person (its claim sub), which the audit log names when somebody is refused."))


class TokenForm(Form):
    """A new API token."""

    label = StringField("What it is for", [DataRequired("Say what it is for, so that you know it again."), Length(max=200)])
    role = SelectField("Good for no more than", choices=ROLES, description="And never for more than you may do yourself.")
    days = IntegerField("Days", [DataRequired("Give the days."), NumberRange(1, 3650, "Between 1 and 3650.")], default=TOKEN_DAYS)


# --- accounts, for administrators -------------------------------------------------------------------------------------
@pages.get("/accounts")
def accounts() -> str:
    """All accounts and their API tokens, and the form for another."""
    return _accounts(AccountForm())


@pages.post("/accounts")
def accounts_add() -> Response | tuple[str, int]:
    """Make an account."""
    form = AccountForm(request.form)
    if not form.validate():
        return _accounts(form), 400
    try:
        made = add(form.name.data, form.password.data, form.role.data, guard.who())
    except Refusal as error:
        return _accounts(form, str(error)), error.status
    flash(f"{made.name} is a {made.role} now.", "success")
    return redirect(_address(made.name), 303)


@pages.get("/accounts/<name>")
def account(name: str) -> str:
    """One account and what may be changed of it."""
    return _account(name)


@pages.post("/accounts/<name>/role")
def account_role(name: str) -> Response | tuple[str, int]:
    """Give it another role."""
    form = RoleForm(request.form)
    if not form.validate():
        return _account(name, role_form=form), 400
    try:
        changed = set_role(name, form.role.data, (form.authorities.data or "").replace(",", " ").split(), guard.who())
    except Refusal as error:
        return _account(name, role_form=form, problem=str(error)), error.status
    flash(f"{name} is a {changed.role} now; its logins have ended.", "success")
    return redirect(_address(name), 303)


@pages.post("/accounts/<name>/password")
def account_password(name: str) -> Response | tuple[str, int]:
    """Give it a new password; its logins end."""
    form = SetPasswordForm(request.form)
    if not form.validate():
        return _account(name, password_form=form), 400
    set_password(name, form.password.data, guard.who())
    flash(f"{name} has a new password; logins under the old one have ended.", "success")
    return redirect(_address(name), 303)


@pages.post("/accounts/<name>/disable")
def account_disable(name: str) -> Response:
    """Shut it, or open it again."""
    done = set_disabled(name, request.form.get("disabled") != "0", guard.who())
    flash(f"{name} is {'shut' if done.disabled else 'open again'}.", "success")
    return redirect(_address(name), 303)


# --- one's own --------------------------------------------------------------------------------------------------------
@pages.get("/me")
def me() -> str:
    """One's own account: password and API tokens."""
    return _me()


@pages.post("/me/password")
def me_password() -> Response | tuple[str, int]:
    """Change one's own password; all logins end but this one."""
    form = OwnPasswordForm(request.form)
    if not form.validate():
        return _me(password_form=form), 400
    try:
        change_password(form.present.data, form.password.data)
    except Refusal as error:
        status = 400 if error.status == 401 else error.status  # who asks is known: what was typed is wrong
        return _me(password_form=form, problem=str(error)), status
    with site().database.write() as connection:
        secret = access.open_session(connection, guard.who())
    flash("Your password is changed; other logins of yours have ended.", "success")
    done = redirect(f"{request.script_root}/admin/me", 303)
    guard.set_cookie(done, secret)
    return done


@pages.post("/me/tokens")
def me_token() -> Response | tuple[str, int]:
    """Make an API token; its secret is on the page that answers, and nowhere else."""
    form = TokenForm(request.form)
    if not form.validate():
        return _me(token_form=form), 400
    made, secret = add_token(form.label.data, form.days.data, form.role.data)
    answer = make_response(_me(made=made, secret=secret), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/tokens/<int:number>/revoke")
def token_revoke(number: int) -> Response:
    """Forget a token of one's own, or as an administrator anybody's."""
    found = token_of(number)
    ask = sure.question(
        str(number), title=f"Revoke token {number}", button="Revoke it", back="/admin/tokens",
        goes=[f"token {number} of {found.account}, for {found.label or 'what nobody has said'}"],
        stays="Programs that use it are refused from then on.")
    if ask:
        return ask
    gone = revoke(number)
    flash(f"Token {gone.id} ({gone.label or 'without a label'}) is refused from now on.", "success")
    return redirect(f"{request.script_root}" + ("/admin/me" if gone.account == guard.who() else _path(gone.account)), 303)


# --- what pages and API do alike; each raises Refusal -----------------------------------------------------------------
def add(name: str, password: str, role: str, who: str) -> Account:
    """Make an account."""
    hashed = access.password_hash(password)  # slow, so not within the unit of work
    with site().database.write() as connection:
        made = access.create_account(connection, name, "", role, hashed=hashed)
        access.audit(connection, who, "add account", name, role)
    return made


def set_role(name: str, role: str, wanted: list[str], who: str) -> Account:
    """Give it a role, and a publisher its authorities."""
    with site().database.write() as connection:
        changed = rights.set_role(connection, name, role, wanted)
        access.audit(connection, who, "set role", name, " ".join((role, *changed.authorities)))
    return changed


def set_password(name: str, password: str, who: str) -> None:
    """Give it a new password."""
    with site().database.write() as connection:
        access.set_password(connection, name, password)
        access.audit(connection, who, "set password", name)


def set_disabled(name: str, disabled: bool, who: str) -> Account:
    """Shut it or open it."""
    with site().database.write() as connection:
        done = rights.set_disabled(connection, name, disabled)
        access.audit(connection, who, "disable account" if disabled else "open account", name)
    return done


def change_password(present: str, new: str) -> None:
    """Change the caller's own."""
    rights.change_password(site(), guard.who(), present, new, request.remote_addr or "")
    with site().database.write() as connection:
        access.audit(connection, guard.who(), "change password", guard.who())


def add_token(label: str, days: int, role: str) -> tuple[Token, str]:
    """Make one of the caller's own, for no more than the caller may, nor for longer than the token that they ask with."""
    bound = access.lesser(guard.caller().role, role)
    with site().database.write() as connection:
        until = rights.token_ends(connection, request.headers.get("Authorization", ""))
        made, secret = access.create_token(connection, guard.who(), label, days, role if role == bound else bound, until)
        access.audit(connection, guard.who(), "add token", guard.who(), f"{made.id} {label}")
    return made, secret


def revoke(number: int) -> Token:
    """Forget a token of the caller's own, or as an administrator anybody's. Raises NoAccount, Denied."""
    found = token_of(number)
    with site().database.write() as connection:
        access.revoke_token(connection, number)
        access.audit(connection, guard.who(), "revoke token", str(number), found.account)
    return found


def token_of(number: int) -> Token:
    """A token of the caller's own, or as an administrator anybody's. Raises NoAccount, Denied."""
    with site().database.read() as connection:
        found = _token(connection, number)
    if found.account != guard.who() and not guard.caller().administrator:
        raise Denied(f"Token {number} is not yours: an administrator can revoke it.")
    return found


def _token(connection: Connection, number: int) -> Token:
    found = next((one for one in access.tokens(connection) if one.id == number), None)
    if found is None:
        raise access.NoAccount(f"There is no token {number}; it may have been revoked already.")
    return found


# --- pages ------------------------------------------------------------------------------------------------------------
def _accounts(form: AccountForm, problem: str = "") -> str:
    page = people_lists.accounts()
    with site().database.read() as connection:
        tokens = Counter(one.account for one in access.tokens(connection))
    name, role = form.name.data or "NAME", form.role.data or "runner"
    twin = twins.of_api(site().settings, ("user", "add", name, "--role", role), "accounts",
                        {"name": name, "role": role, "password": "..."})
    return render_template(
        "admin/accounts.html", page=page, tokens=tokens, form=form, problem=problem, twin=twin,
        reading=listed.twin(page.asked, ("user", "list"), "accounts"))


def _account(
    name: str, *, role_form: RoleForm | None = None, password_form: SetPasswordForm | None = None, problem: str = "",
) -> str:
    with site().database.read() as connection:
        found = access.get_account(connection, name)
        tokens, ours = access.tokens(connection, name), sorted(authorities.ours(connection))
        elsewhere = identities.of_account(connection, name)
        logins = sessions.of_account(connection, site().settings, name, guard.cookie())
    role_form = role_form or RoleForm(role=found.role, authorities=" ".join(found.authorities))
    bound = [part for one in (role_form.authorities.data or "").split() for part in ("--authority", one)]
    words = ("user", "role", name, role_form.role.data or found.role, *bound)
    said = {"role": role_form.role.data, "authorities": (role_form.authorities.data or "").split()}
    twin = twins.of_api(site().settings, words, f"accounts/{name}/role", said)
    return render_template(
        "admin/account.html", account=found, tokens=tokens, ours=ours, role_form=role_form, identities=elsewhere, logins=logins,
        password_form=password_form or SetPasswordForm(), link_form=LinkForm(), problem=problem, twin=twin)


def _me(
    *, password_form: OwnPasswordForm | None = None, token_form: TokenForm | None = None, problem: str = "",
    made: Token | None = None, secret: str = "",
) -> str:
    with site().database.read() as connection:
        found, tokens = access.get_account(connection, guard.who()), access.tokens(connection, guard.who())
        elsewhere = identities.of_account(connection, guard.who())
        logins = sessions.of_account(connection, site().settings, guard.who(), guard.cookie())
    twin = twins.of_api(site().settings, ("token", "add", guard.who(), "--label", "LABEL"), "tokens", {"label": "LABEL"})
    return render_template(
        "admin/me.html", account=found, tokens=tokens, identities=elsewhere, logins=logins,
        password_form=password_form or OwnPasswordForm(),
        token_form=token_form or TokenForm(role=found.role), problem=problem, made=made, secret=secret, twin=twin)


def _path(name: str) -> str:
    return f"/admin/accounts/{name}"


def _address(name: str) -> str:
    return request.script_root + _path(name)
