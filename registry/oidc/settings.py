"""What a site says of its OpenID Connect provider, as the table `[oidc]` of config.toml. It asks nobody anything.

The client's secret is not here: it is in a file of its own (`registry.oidc.secret`).
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Role = Literal["reader", "runner", "publisher", "administrator"]


class Rule(BaseModel):
    """Whoever the provider gives `value` in the role claim has `role` here; a publisher in `authorities` only, none: in all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str = Field(min_length=1)
    role: Role
    authorities: tuple[str, ...] = ()

    @field_validator("authorities")
    @classmethod
    def _of_publishers(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("role") != "publisher":
            raise ValueError("belong to the role publisher alone")
        return tuple(sorted({one.strip().lower().removeprefix("ivo://") for one in value}))


class Provider(BaseModel):
    """One provider and what its word counts for.

    `unknown` says what becomes of a person with no account and no rule: refused, or a reader. `skew` is the seconds by
    which its clock may differ from ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str = Field(min_length=1, max_length=500)
    title: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = Field("preferred_username", min_length=1)
    role_claim: str = ""
    roles: tuple[Rule, ...] = ()
    unknown: Literal["refuse", "reader"] = "refuse"
    skew: int = Field(60, ge=0, le=600)

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        parts = urlsplit(value)
        if not safe(value) or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be an https:// address without query (http:// only on this machine)")
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must hold openid")
        return value

    @field_validator("roles")
    @classmethod
    def _by_a_claim(cls, value: tuple[Rule, ...], info: ValidationInfo) -> tuple[Rule, ...]:
        if value and not info.data.get("role_claim"):
            raise ValueError("need role_claim, the claim that holds their values")
        return value

    @property
    def name(self) -> str:
        """What people call it."""
        return self.title or (urlsplit(self.issuer).hostname or self.issuer)


def safe(url: str) -> bool:
    """Whether nobody on the way can read or change what is sent to this address: https, or http that stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _here(host)))


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
