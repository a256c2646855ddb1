"""The forms of the four screens. What an answer may be is judged here field by field, what goes together elsewhere."""

from __future__ import annotations

from ipaddress import ip_network

from wtforms import Form, PasswordField, StringField, TextAreaField
from wtforms.validators import URL, DataRequired, EqualTo, Length, Optional, Regexp, ValidationError

from registry.access import NAME, SHORTEST_PASSWORD
from vosi.identifiers import InvalidIdentifier, parse_ivoid

_MAIL = r"^[^\s@,;:<>()\[\]\"\\]+@[^\s@,;:<>()\[\]\"\\]+$"


def _stripped(text: object) -> object:
    return text.strip() if isinstance(text, str) else text


class AdministratorForm(Form):
    """The first account."""

    admin = StringField(
        "Name", [DataRequired("Give a name."),
                 Regexp(f"^{NAME}$", message="Up to 64 letters, digits and . _ @ -, the first a letter or digit.")],
        filters=[_stripped], default="admin", render_kw={"autocomplete": "username", "autocapitalize": "none"},
        description="Who may do everything here. More accounts are made later.")
    password = PasswordField(
        "Password",
        [DataRequired("Give a password."), Length(SHORTEST_PASSWORD, 1024, f"At least {SHORTEST_PASSWORD} characters.")],
        render_kw={"autocomplete": "new-password"}, description=f"At least {SHORTEST_PASSWORD} characters.")
    again = PasswordField(
        "Password once more", [EqualTo("password", "The two passwords are not the same.")],
        render_kw={"autocomplete": "new-password"})


class AuthorityForm(Form):
    """The name that all identifiers of ours begin with."""

    authority = StringField(
        "Authority identifier", [DataRequired("Give an identifier."), Length(max=100)], filters=[_stripped],
        render_kw={"autocapitalize": "none", "spellcheck": "false", "placeholder": "north.example",
                   "data-check": "authority/check"},
        description="Without ivo://. Most take a name of the internet that is theirs, such as north.example: "
                    "all your records will begin with it, and it does not change any more.")
    title = StringField(
        "Name of the datacenter", [DataRequired("Give a name."), Length(max=120)], filters=[_stripped],
        render_kw={"placeholder": "North Observatory Datacenter"}, description="As people call it; shown on every page.")

    def validate_authority(self, field: StringField) -> None:
        """The rules of IVOA Identifiers 2.0 §2.3.1."""
        fault = authority_fault(field.data or "")
        if fault:
            raise ValidationError(fault)


def authority_fault(text: str) -> str:
    """Why `text` is no authority identifier; '' where it is one."""
    if text.lower().startswith("ivo:"):
        return "Leave out ivo://."
    if "/" in text or "#" in text or "?" in text:
        return "An authority has no slash, ? or #: it is the first part of an identifier only."
    try:
        parse_ivoid(f"ivo://{text}")
    except InvalidIdentifier:
        return ("At least three characters: letters, digits and - _ . ! ~ * ' ( ) + = only, "
                "the first a letter, digit or underscore.")
    return ""


class OrganisationForm(Form):
    """Who stands behind it."""

    organisation = StringField(
        "Organisation", [DataRequired("Give a name."), Length(max=200)], filters=[_stripped],
        description="That runs the datacenter.")
    contact = StringField(
        "Whom to ask", [Optional(), Length(max=200)], filters=[_stripped],
        description="A person or a group; made from the organisation when empty.")
    email = StringField(
        "Mail address of the contact",
        [DataRequired("Give a mail address: other registries must be able to ask you."),
         Regexp(_MAIL, message="Give one address, such as ops@north.example.")],
        filters=[_stripped], render_kw={"autocomplete": "email", "type": "email"},
        description="It is public: it stands in the records.")
    reference_url = StringField(
        "A page about it", [Optional(), URL(require_tld=False, message="Give an address with http:// or https://.")],
        filters=[_stripped], description="This service's own front page when empty.")
    description = TextAreaField(
        "Description", [Optional(), Length(max=20_000)], filters=[_stripped], render_kw={"rows": 3},
        description="What the datacenter offers, in a few sentences; made from its name when empty.")


class BaseUrlForm(Form):
    """Where it is reached, and where it may go."""

    base_url = StringField(
        "Public address of this service",
        [DataRequired("Give the address."), Length(max=500),
         URL(require_tld=False, message="Give an address with http:// or https://.")],
        filters=[_stripped],
        description="With its path, if it has one. It goes into the records, and other registries come to it.")

    def validate_base_url(self, field: StringField) -> None:
        """No query, no fragment."""
        if "?" in (field.data or "") or "#" in (field.data or ""):
            raise ValidationError("Without ? and #: other addresses are made by adding to it.")

    networks = StringField(
        "Networks inside this datacenter", [Optional(), Length(max=1000)], filters=[_stripped],
        render_kw={"placeholder": "10.1.0.0/16, 192.168.7.0/24", "spellcheck": "false"},
        description="With their number of bits, separated by commas. A service at an internal address is asked for its "
                    "description only where its network stands here; public addresses always are.")

    def validate_networks(self, field: StringField) -> None:
        """Each a network in CIDR form."""
        for text in (field.data or "").split(","):
            try:
                if text.strip():
                    ip_network(text.strip(), strict=False)
            except ValueError:
                raise ValidationError(f"{text.strip()!r} is no network: write it such as 10.1.0.0/16.") from None
