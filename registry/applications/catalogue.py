"""Which applications there are, ours and harvested, and what may run here; registers those of our own repository.

An offer is one version of one application. What it takes and needs stands on its image's label, read once per digest
and kept in the table `images`. Nothing harvested is looked up before an operator has listed its publisher. What is
decided of images one by one is in `approving`; here it only bars them.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select
from sqlalchemy.exc import IntegrityError

from registry import clock
from registry.applications import contract as contracts, publication, references, repository, seen, values
from registry.applications.contract import Contract, ContractError
from registry.applications.publication import Wording
from registry.applications.references import BadReference
from registry.applications.repository import Image
from registry.db import alone
from registry.errors import Denied, NotFound, Refusal
from registry.records import publish, store
from registry.records.store import Record
from registry.site import Site
from registry.tables import images, records, rr_capability, rr_interface
from vosi import identifiers, namespaces as ns, resource, xmlio

_ORIGINS = (store.OWN, store.HARVESTED)  # of records that offer anything: those from files vouch for nobody


@dataclass(frozen=True)
class Offer:
    """One version of an application: `image` as host/name@sha256:..., `publisher_authority` in lower case.

    `barred` is why it is not offered any more, '' where it is; `missing` that its repository has it no longer.
    """

    ivoid: str
    title: str
    version: str
    image: str
    record_origin: str
    publisher_authority: str
    barred: str = ""
    missing: str = ""

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


class NotOffered(Denied):
    """There is such a version, and a person has decided that it does not run."""


class RecordContradicted(Denied):
    """An application's record says of its image what the image does not say itself."""


def offers(connection: Connection) -> list[Offer]:
    """Every version of every application on offer, by identifier, newest version first (decision D12)."""
    return [one for one in every_version(connection) if not one.barred]


def every_version(connection: Connection, *where: ColumnElement[bool]) -> list[Offer]:
    """As `offers`, with those that are barred; of the records that are as `where` says."""
    capability, interface = rr_capability.c, rr_interface.c
    joined = rr_capability.join(records, records.c.key == capability.ivoid).join(
        rr_interface, (interface.ivoid == capability.ivoid) & (interface.cap_index == capability.cap_index))
    query = select(
        records.c.ivoid, records.c.title, records.c.origin, records.c.authority, interface.access_url,
    ).select_from(joined).where(
        capability.standard_id == ns.STD_APPLICATION.lower(), records.c.status == store.ACTIVE,
        records.c.origin.in_(_ORIGINS), *where,
    ).order_by(records.c.key, interface.intf_index)
    found = []
    for row in connection.execute(query):
        try:
            reference, version = references.of_manifest(row.access_url or "")
        except BadReference:
            continue  # a foreign record's mistake: it offers nothing that could be run
        found.append(Offer(row.ivoid, row.title, version, str(reference), row.origin, row.authority))
    noted = seen.noted(connection, {one.image for one in found})
    return [replace(one, barred=known.barred, missing="" if known.barred else known.reason)
            if (known := noted.get(one.image)) else one for one in found]


def entries(site: Site, some: Sequence[Offer] | None = None) -> list[Entry]:
    """Every offer, or `some`, with what is known of it here; asks no repository."""
    with site.database.read() as connection:
        every = offers(connection) if some is None else some
        query = select(images.c.reference, images.c.contract)
        if some is not None:
            query = query.where(images.c.reference.in_({one.image for one in some}))
        known = {row.reference: row.contract for row in connection.execute(query)}
    return [
        Entry(one, refusal(site, one), contracts.read(known[one.image]) if one.image in known else None)
        for one in every
    ]


def pick(connection: Connection, app: str) -> Offer:
    """The offer that `app` names: an identifier (its newest version), identifier#version, or the last part of one.

    A version may be said as the image's digest, or the beginning of it (sha256:0123abcd...). Raises NoApplication, which
    names near ones, and NotOffered for what a person has decided against.
    """
    wanted, _, version = app.strip().partition("#")
    mine = versions_of(connection, wanted)
    if not mine:
        decided = [one for one in seen.of_application(connection, wanted, *seen.BARRED)
                   if version in ("", one.version) or _by_digest(version, one.reference)]
        if decided:
            raise NotOffered(decided[-1].barred)
        raise NoApplication(_no_such(wanted, offers(connection)))
    fitting = [one for one in mine if version in ("", one.version) or _by_digest(version, one.image)]
    if not fitting:
        decided = [one for one in seen.of_application(connection, mine[0].ivoid, *seen.BARRED)
                   if one.version == version or _by_digest(version, one.reference)]
        if decided:
            raise NotOffered(decided[-1].barred)
        versions = ", ".join(one.version for one in mine if not one.barred) or "none on offer"
        raise NoApplication(f"{mine[0].ivoid} has no version {version[:100]}; it has {versions}.")
    chosen = next((one for one in fitting if not one.barred), None)
    if chosen is None:
        raise NotOffered(fitting[0].barred)
    return chosen


def versions_of(connection: Connection, wanted: str) -> list[Offer]:
    """Every version of the one application that is meant. Raises NoApplication where there are several of that name."""
    try:
        return every_version(connection, records.c.key == identifiers.key(wanted))
    except identifiers.InvalidIdentifier:
        pass
    if not wanted or "/" in wanted:
        return []
    ends = records.c.key.endswith(f"/{wanted.lower()}", autoescape=True)
    found = every_version(connection, ends)
    names = sorted({one.ivoid for one in found})
    if len(names) > 1:
        raise NoApplication(f"Several applications are called {wanted}: {', '.join(names)}.")
    return found


def _by_digest(version: str, image: str) -> bool:
    return len(version) >= len("sha256:") + 8 and image.partition("@")[2].startswith(version)


def contract_of(site: Site, offer: Offer) -> Contract:
    """The offer's contract as its image's label says it, kept once it has been read.

    Raises Denied where this site would not run it or its record contradicts it, and whatever keeps the label from being
    read.
    """
    allowed(site, offer)
    with site.database.read() as connection:
        row = connection.execute(select(images.c.contract).where(images.c.reference == offer.image)).first()
        said = _Said.of(connection, offer)
    if row:
        contract = contracts.read(row.contract)
    else:
        image = repository.resolve(site, offer.image)
        contract = contract_in(image)
        with_kept(site, [(image, contract)])
    if fault := said.contradiction(offer, contract):
        raise RecordContradicted(fault)
    return contract


@dataclass(frozen=True)
class _Said:
    """What a record says of one of its versions: parameters as name -> type, and images by digest."""

    parameters: dict[str, str]
    images: frozenset[str]

    @classmethod
    def of(cls, connection: Connection, offer: Offer) -> _Said:
        """As it stands in the record itself."""
        record = store.get(connection, offer.ivoid)
        element = xmlio.parse(record.xml) if record else None
        if record is None or element is None:
            return cls({}, frozenset())
        mine = [one for one in publication.versions(record.xml) if publication.reference_of(one) == offer.image]
        declared = {one.name.lower(): one.datatype for capability in mine[:1] for interface in capability.interfaces
                    for one in interface.params}
        named = (str(one.text or "").strip() for one in element.iterfind("{*}altIdentifier"))
        pinned = (one.removeprefix("docker://") for one in named if one.startswith("docker://"))
        return cls(declared, frozenset(one for one in pinned if "@sha256:" in one))

    def contradiction(self, offer: Offer, contract: Contract) -> str:
        """In one sentence, what of it is not as the image says; '' where they agree."""
        again = f"Its publisher, {offer.publisher_authority}, has to publish it anew."
        if self.images and offer.image not in self.images:
            return (f"The record of {offer.name} contradicts itself: it offers the image {offer.image}, and names others as "
                    f"its images. {again}")
        own = {one.name.lower(): one.type for one in contract.parameters}
        names = sorted(set(own) ^ set(self.parameters))
        types = sorted(name for name, kind in self.parameters.items() if kind in values.TYPES and own.get(name, kind) != kind)
        if names or types:
            what = f"the parameter {names[0]}" if names else f"the type of the parameter {types[0]}"
            return f"The record of {offer.name} and its image's label differ in {what}, so it is not run. {again}"
        return ""


def allowed(site: Site, offer: Offer) -> None:
    """Raises Denied where this site does not accept the offer's publisher or its image's repository, or bars the image."""
    if offer.barred:
        raise NotOffered(offer.barred)
    if offer.publisher_authority not in site.settings.publishers:
        raise Denied(
            f"{offer.ivoid} is published by {offer.publisher_authority}, whose applications this datacenter does not "
            "run: an administrator can add that authority to accepted_publishers.")
    allowed_repository(site, references.parse(offer.image).host, offer.image)


def register(
    site: Site, reference: str, *, who: str, name: str = "", wording: Wording | None = None, tag: str = "",
    decided: Callable[[Connection, seen.Seen], None] | None = None,
) -> Record:
    """Publish the image `reference` (host/name:tag or by digest) as application `name` (default: the image's own name).

    Other versions stay on offer behind it, or before it where their images are newer; where nothing is new, nothing is
    published. `tag` is its version where it says none and is given by digest. `decided` may refuse within the same unit
    of work. Raises Denied, ContractError, PublishRefused and all that `repository.resolve` raises.
    """
    parsed = references.parse(reference)
    allowed_repository(site, parsed.host, reference)
    image = repository.resolve(site, reference)
    image = replace(image, tag=image.tag or tag)
    contract = contract_in(image)
    with_kept(site, [(image, contract)])
    name = name or parsed.name.rpartition("/")[2]
    made = seen_as(image, contract, publication.identifier(site.settings, name), who=who)
    with site.database.write() as connection:
        alone(connection, seen.IMAGES)
        existing = store.get(connection, made.ivoid)
        newer = {one.reference for one in seen.of_application(connection, made.ivoid, seen.APPROVED)
                 if one.created and one.created > image.created > ""}
        draft = publication.draft(
            site.settings, name, image, contract, organisation=organisation(connection, site), newer=newer,
            wording=wording or Wording(), existing=existing.xml if existing and not existing.deleted else None)
        (decided or _unless_barred)(connection, made)
        seen.rename(connection, made)
        if existing is None or not publication.unchanged(draft, existing, image):
            why = f"version {made.version}, {image.reference}"
            publish.publish_in(connection, site, resource.compose(draft), who=who, why=why)
    with site.database.read() as connection:
        record = store.get(connection, draft.ivoid)
        assert record is not None  # just published, and records are never removed
        return record


def seen_as(image: Image, contract: Contract, ivoid: str, *, who: str) -> seen.Seen:
    """The image as one that is approved as a version of `ivoid`. Raises ContractError for a version that is none."""
    version = publication.version_of(image)
    if not references.VERSION.fullmatch(version):
        raise ContractError(
            f"The version {version[:100]!r} of {image.reference} may only have letters, digits, dots, - and _.")
    title = contract.title or image.labels.get("org.opencontainers.image.title", "")
    now = clock.stamp()
    return seen.Seen(image.reference, references.parse(image.reference).host, image.tag, seen.APPROVED, ivoid=ivoid,
                     version=version, title=title[:500], created=image.created, seen=now, who=who, decided=now, decider=who)


def _unless_barred(connection: Connection, made: seen.Seen) -> None:
    """Write down that a person has offered the image themselves. Raises NotOffered where one has decided against it."""
    known = seen.get(connection, made.reference)
    if known is not None and known.state in (seen.REJECTED, seen.RETRACTED, seen.VULNERABLE):
        raise NotOffered(f"{known.barred} `registry app approve {known.short_digest}` offers it again.")
    seen.put(connection, [replace(made, seen=known.seen, tag=known.tag or made.tag) if known else made])


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


def refusal(site: Site, offer: Offer) -> str:
    """Why it may not run here, '' where it may."""
    try:
        allowed(site, offer)
    except Denied as error:
        return str(error)
    return ""


def contract_in(image: Image) -> Contract:
    """The contract on an image's label. Raises ContractError."""
    text = image.labels.get(contracts.LABEL)
    if text is None:
        raise ContractError(
            f"{image.reference} is no application: it has no label {contracts.LABEL} (docs/application-contract.md).")
    try:
        return contracts.read_label(text)
    except ContractError as error:
        raise ContractError(f"{image.reference} cannot be used: {error}") from None


def with_kept(site: Site, read: Iterable[tuple[Image, Contract]]) -> None:
    """Keep what was read of these images; another process may have kept it already."""
    rows = [{
        "reference": image.reference, "contract": contract.as_json(), "labels": dict(image.labels), "size": image.size,
        "platforms": list(image.platforms), "media_type": image.media_type, "created": image.created, "read": clock.stamp(),
    } for image, contract in read]
    try:
        with site.database.write() as connection:
            known = set(connection.execute(
                select(images.c.reference).where(images.c.reference.in_([row["reference"] for row in rows]))).scalars())
            new = [row for row in rows if row["reference"] not in known]
            if new:
                connection.execute(insert(images), new)
    except IntegrityError:  # another process was faster, and has written the same: a digest has one content
        pass


def kept(connection: Connection, one: seen.Seen) -> tuple[Image, Contract] | None:
    """An image as it was read, and its contract; None where it was not."""
    row = connection.execute(select(images).where(images.c.reference == one.reference)).first()
    if row is None:
        return None
    image = Image(one.reference, references.parse(one.reference).manifest_url, one.tag, row.labels, row.size or 0,
                  (row.platforms or [""])[0], row.media_type, tuple(row.platforms), row.created)
    return image, contracts.read(row.contract)


def allowed_repository(site: Site, host: str, reference: str) -> None:
    """Raises Denied where this site takes no images from `host`."""
    if host not in {one.lower() for one in site.settings.repositories}:
        raise Denied(
            f"{reference} is in the Docker repository {host}, from which this datacenter takes no images: "
            "an administrator can add it to allowed_repositories.")


def organisation(connection: Connection, site: Site) -> str:
    """Who publishes: the name of this datacenter's organisation."""
    record = store.get(connection, f"ivo://{site.settings.authority}/organisation")
    return record.title if record and not record.deleted else site.settings.title


def _no_such(wanted: str, every: list[Offer]) -> str:
    names = list(dict.fromkeys(one.ivoid for one in every))
    near = difflib.get_close_matches(wanted.lower(), [name.lower() for name in names], 3)
    near += [name.lower() for name in names if wanted.lower().rpartition("/")[2] == name.lower().rpartition("/")[2]]
    meant = [name for name in names if name.lower() in near]
    shown = wanted if len(wanted) <= 100 else wanted[:97] + "..."
    hint = f"did you mean {' or '.join(meant)}?" if meant else "/applications and `registry app list` show them."
    return f"There is no application {shown or '(none named)'} here: {hint}"
