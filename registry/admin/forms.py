"""The forms of the pages as WTForms. The CSRF token is the guard's, so a form holds only what it asks for."""

from __future__ import annotations

from typing import Any

from wtforms import (
    BooleanField,
    Form,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import URL, DataRequired, Length, NumberRange, Optional, Regexp


def _needed(what: str) -> DataRequired:
    return DataRequired(f"Give {what}.")


def _stripped(text: Any) -> Any:
    return text.strip() if isinstance(text, str) else text


class LoginForm(Form):
    """Name and password."""

    name = StringField(
        "Name",
        [_needed("your name"), Length(max=64)],
        render_kw={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"},
    )
    password = PasswordField(
        "Password", [_needed("your password"), Length(max=1024)], render_kw={"autocomplete": "current-password"}
    )
    next = HiddenField()


def _interval() -> IntegerField:
    return IntegerField(
        "Seconds between harvests",
        [Optional(), NumberRange(60, 31_536_000, "Between 60 and 31536000.")],
        description="The setting harvest_interval when empty.",
    )


def _priority() -> IntegerField:
    return IntegerField(
        "Priority",
        [Optional(), NumberRange(-100, 100, "Between -100 and 100.")],
        description="Of those that wait the higher is harvested first; 0 when empty.",
    )


def _owner() -> StringField:
    return StringField(
        "Who looks after it",
        [Optional(), Length(max=64)],
        filters=[_stripped],
        description="Name of an account; hooks are told it.",
    )


class SourceForm(Form):
    """Another registry to harvest."""

    url = StringField(
        "Address of its OAI-PMH interface",
        [_needed("the address"), URL(require_tld=False, message="Give an address with http:// or https://.")],
        filters=[_stripped],
        description="Without ?verb=. It is asked who it is before it is added.",
    )
    name = StringField(
        "Name here",
        [Optional(), Regexp(r"^[A-Za-z0-9][A-Za-z0-9.-]{0,60}$", message="Letters, digits, dots and hyphens only.")],
        filters=[_stripped],
        description="Short; made from the registry's identifier when empty.",
    )
    interval = _interval()
    set_spec = SelectField(
        "Set",
        choices=[],
        validate_choice=False,
        description="ivo_managed holds the records that originate there, and none that came from elsewhere.",
    )
    prefix = SelectField(
        "Format",
        choices=[],
        validate_choice=False,
        description="Registries exchange VOResource records as ivo_vor; what comes in another form is put aside.",
    )
    priority = _priority()
    owner = _owner()


class SourceEditForm(Form):
    """How a source is harvested."""

    interval = IntegerField(
        "Seconds between harvests",
        [DataRequired("Give the seconds."), NumberRange(60, 31_536_000, "Between 60 and 31536000.")],
    )
    set_spec = StringField(
        "Set",
        [Optional(), Regexp(r"^[A-Za-z0-9_.!~*'():-]*$", message="A set's name has no such characters.")],
        filters=[_stripped],
        description="Everything when empty. When it changes, the next harvest asks for the whole list.",
    )
    priority = _priority()
    owner = _owner()


class PublishersForm(Form):
    """A Registry of Registries."""

    registries = StringField(
        "Address of a Registry of Registries",
        [_needed("the address"), URL(require_tld=False, message="Give an address with http:// or https://.")],
        filters=[_stripped],
        description="Its set ivoa_publishers is read; nothing is added before you look at each.",
    )


class LookForm(Form):
    """Where a service's VOSI documents are."""

    url = StringField(
        "VOSI address of the service",
        [_needed("the address"), URL(require_tld=False, message="Give an address with http:// or https://.")],
        filters=[_stripped],
        description="Its base address, or that of its capabilities document; availability and tables are found by it.",
    )


class ServiceForm(LookForm):
    """What becomes the record of an imported service."""

    key = StringField(
        "Identifier",
        [
            _needed("the part of the identifier behind the authority"),
            Regexp(r"^[A-Za-z0-9][A-Za-z0-9._~/-]{0,200}$", message="Letters, digits and . _ ~ - / only."),
        ],
        filters=[_stripped],
        description="The part behind the authority, such as catalogue/stars.",
    )
    title = StringField("Title", [_needed("a title"), Length(max=250)], filters=[_stripped])
    description = TextAreaField(
        "Description", [Optional(), Length(max=20_000)], filters=[_stripped], render_kw={"rows": 4}
    )
    subjects = StringField(
        "Subjects",
        [Optional(), Length(max=1000)],
        filters=[_stripped],
        description="Terms of the Unified Astronomy Thesaurus, separated by commas.",
    )


class RegisterForm(Form):
    """An image to offer as an application."""

    reference = StringField(
        "Image",
        [_needed("the image")],
        filters=[_stripped],
        description="In the site's Docker repository, as host:port/name:tag; it is pinned by its digest.",
    )


class ConfirmForm(Form):
    """Why a record is withdrawn."""

    why = StringField(
        "Why", [_needed("a reason"), Length(max=500)], filters=[_stripped], description="Kept in the record's history."
    )


__all__ = [
    "BooleanField",
    "ConfirmForm",
    "LoginForm",
    "LookForm",
    "PublishersForm",
    "RegisterForm",
    "SelectField",
    "ServiceForm",
    "SourceEditForm",
    "SourceForm",
]
