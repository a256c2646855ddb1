"""Which applications there are, ours and harvested, and what may run here; registers those of our own repository.

An offer is one version of one application. What it takes and needs stands on its image's label, read once per digest
and kept in the table `images`. Nothing harvested is looked up before an operator has listed its publisher.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from registry import clock
from registry.applications import contract as contracts, publication, references, repository
from registry.applications.contract import Contract, ContractError
from registry.applications.publication import Wording
from registry.applications.references import BadReference
from registry.applications.repository import Image
from registry.errors import Denied, NotFound, Refusal
from registry.records import publish, store
from registry.records.store import Record
from registry.site import Site
from registry.tables import images, records, rr_capability, rr_interface
from vosi import identifiers, namespaces as ns, resource

_ORIGINS = (store.OWN, store.HARVESTED)  # of records that offer anything: those from files vouch for nobody


@dataclass(frozen=True)
class Offer:
    """One version of an application: `image` as host/name@sha256:..., `publisher_authority` in lower case."""

    ivoid: str
    title: str
    version: str
    image: str
    record_origin: str
    publisher_authority: str

    @property
    def name(self) -> str:
        """What APP= takes: the identifier with its version."""
        return f"{self.ivoid}#{self.version}" if self.version else self.ivoid


@dataclass(frozen=True)
class Entry:
    """An offer as the catalogue shows it: why it may not run here ('' where it may), its contract if known."""

    offer: Offer
    refusal: str
    contract: Contract | None

    def as_json(self) -> dict[str, Any]:
        """The entry as a JSON document."""
        one = self.offer
        return {
            "app": one.name, "ivoid": one.ivoid, "version": one.version, "title": one.title, "image": one.image,
            "publisher": one.publisher_authority, "origin": one.record_origin, "accepted": not self.refusal,
            "refusal": self.refusal, "contract": self.contract.as_json() if self.contract else None,
        }


class NoApplication(NotFound):
    """There is no such application, or no such version of it."""


def offers(connection: Connection) -> list[Offer]:
    """Every version of every application on the shelf, by identifier, newest version first (decision D12)."""
    capability, interface = rr_capability.c, rr_interface.c
    joined = rr_capability.join(records, records.c.key == capability.ivoid).join(
        rr_interface, (interface.ivoid == capability.ivoid) & (interface.cap_index == capability.cap_index))
    query = select(
        records.c.ivoid, records.c.title, records.c.origin, records.c.authority, interface.access_url,
    ).select_from(joined).where(
        capability.standard_id == ns.STD_APPLICATION.lower(), records.c.status == store.ACTIVE,
        records.c.origin.in_(_ORIGINS),
    ).order_by(records.c.key, interface.intf_index)
    found = []
    for row in connection.execute(query):
        try:
            reference, version = references.of_manifest(row.access_url or "")
        except BadReference:
            continue  # a foreign record's mistake: it offers nothing that could be run
        found.append(Offer(row.ivoid, row.title, version, str(reference), row.origin, row.authority))
    return found


def entries(site: Site) -> list[Entry]:
    """Every offer with what is known of it here; asks no repository."""
    with site.database.read() as connection:
        every = offers(connection)
        rows = connection.execute(select(images.c.reference, images.c.contract))
        known = {row.reference: row.contract for row in rows}
    return [
        Entry(one, _refusal(site, one), contracts.read(known[one.image]) if one.image in known else None)
        for one in every
    ]


def pick(connection: Connection, app: str) -> Offer:
    """The offer that `app` names: an identifier (its newest version), identifier#version, or the last part of one.

    Raises NoApplication, which names near ones.
    """
    wanted, _, version = app.strip().partition("#")
    every = offers(connection)
    mine = [one for one in every if _same(one.ivoid, wanted)]
    if not mine and "/" not in wanted:
        mine = [one for one in every if one.ivoid.rpartition("/")[2].lower() == wanted.lower()]
        names = sorted({one.ivoid for one in mine})
        if len(names) > 1:
            raise NoApplication(f"Several applications are called {wanted}: {', '.join(names)}.")
    if not mine:
        raise NoApplication(_no_such(wanted, every))
    chosen = next((one for one in mine if version in ("", one.version)), None)
    if chosen is None:
        versions = ", ".join(one.version for one in mine)
        raise NoApplication(f"{mine[0].ivoid} has no version {version}; it has {versions}.")
    return chosen


def contract_of(site: Site, offer: Offer) -> Contract:
    """The offer's contract as its image's label says it, kept once it has been read.

    Raises Denied where this site would not run it, and whatever keeps the label from being read.
    """
    allowed(site, offer)
    with site.database.read() as connection:
        row = connection.execute(select(images.c.contract).where(images.c.reference == offer.image)).first()
    if row:
        return contracts.read(row.contract)
    image = repository.resolve(site, offer.image)
    contract = _contract(image)
    _keep(site, image, contract)
    return contract


def allowed(site: Site, offer: Offer) -> None:
    """Raises Denied where this site does not accept the offer's publisher or its image's repository."""
    if offer.publisher_authority not in site.settings.publishers:
        raise Denied(
            f"{offer.ivoid} is published by {offer.publisher_authority}, whose applications this datacenter does not "
            "run: an administrator can add that authority to accepted_publishers.")
    _allowed_repository(site, references.parse(offer.image).host, offer.image)


def register(site: Site, reference: str, *, who: str, name: str = "", wording: Wording | None = None) -> Record:
    """Publish the image `reference` (host/name:tag or by digest) as application `name` (default: the image's own name).

    A version that is there already is replaced, others stay behind it; where nothing is new, nothing is published.
    Raises Denied, ContractError, PublishRefused and all that `repository.resolve` raises.
    """
    parsed = references.parse(reference)
    _allowed_repository(site, parsed.host, reference)
    image = repository.resolve(site, reference)
    contract = _contract(image)
    version = publication.version_of(image)
    if not references.VERSION.fullmatch(version):
        raise ContractError(f"The version {version!r} of {reference} may only have letters, digits, dots, - and _.")
    _keep(site, image, contract)
    name = name or parsed.name.rpartition("/")[2]
    with site.database.write() as connection:
        existing = store.get(connection, publication.identifier(site.settings, name))
        draft = publication.draft(
            site.settings, name, image, contract, organisation=_organisation(connection, site),
            wording=wording or Wording(), existing=existing)
        if existing is None or not publication.unchanged(draft, existing, image):
            why = f"version {version}, {image.reference}"
            publish.publish_in(connection, site, resource.compose(draft), who=who, why=why)
    with site.database.read() as connection:
        record = store.get(connection, draft.ivoid)
        assert record is not None  # just published, and records are never removed
        return record


def warm(site: Site) -> int:
    """Read the contracts of all accepted applications that are not known yet; how many were. Never raises Refusal."""
    with site.database.read() as connection:
        known = set(connection.execute(select(images.c.reference)).scalars())
        missing = [one for one in offers(connection) if one.image not in known]
    done = 0
    for offer in missing:
        try:
            contract_of(site, offer)
            done += 1
        except Refusal:
            continue  # whoever asks for that application is told why
    return done


def _refusal(site: Site, offer: Offer) -> str:
    try:
        allowed(site, offer)
    except Denied as error:
        return str(error)
    return ""


def _contract(image: Image) -> Contract:
    text = image.labels.get(contracts.LABEL)
    if text is None:
        raise ContractError(
            f"{image.reference} is no application: it has no label {contracts.LABEL} (docs/application-contract.md).")
    try:
        return contracts.read_label(text)
    except ContractError as error:
        raise ContractError(f"{image.reference} cannot be used: {error}") from None


def _keep(site: Site, image: Image, contract: Contract) -> None:
    row = {
        "reference": image.reference, "contract": contract.as_json(), "labels": dict(image.labels), "size": image.size,
        "platforms": list(image.platforms), "read": clock.stamp(),
    }
    try:
        with site.database.write() as connection:
            if not connection.execute(select(images.c.read).where(images.c.reference == image.reference)).first():
                connection.execute(insert(images).values(row))
    except IntegrityError:  # another process was faster, and has written the same: a digest has one content
        pass


def _allowed_repository(site: Site, host: str, reference: str) -> None:
    if host not in {one.lower() for one in site.settings.repositories}:
        raise Denied(
            f"{reference} is in the Docker repository {host}, from which this datacenter takes no images: "
            "an administrator can add it to allowed_repositories.")


def _organisation(connection: Connection, site: Site) -> str:
    record = store.get(connection, f"ivo://{site.settings.authority}/organisation")
    return record.title if record and not record.deleted else site.settings.title


def _same(one: str, other: str) -> bool:
    try:
        return identifiers.key(one) == identifiers.key(other)
    except identifiers.InvalidIdentifier:
        return False


def _no_such(wanted: str, every: list[Offer]) -> str:
    names = list(dict.fromkeys(one.ivoid for one in every))
    near = difflib.get_close_matches(wanted.lower(), [name.lower() for name in names], 3)
    near += [name.lower() for name in names if wanted.lower().rpartition("/")[2] == name.lower().rpartition("/")[2]]
    meant = [name for name in names if name.lower() in near]
    shown = wanted if len(wanted) <= 100 else wanted[:97] + "..."
    hint = f"did you mean {' or '.join(meant)}?" if meant else "/applications and `registry app list` show them."
    return f"There is no application {shown or '(none named)'} here: {hint}"
