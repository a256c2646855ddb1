"""What people decide of images one by one: approve, reject, retract, mark as vulnerable; and the drafts that wait for it.

A draft record (`records.drafting`) shows what an application would say with its waiting images; what counts is each
image's own state. Nothing is pulled or run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from registry import access, clock, rights
from registry.applications import announcing, catalogue, publication, references, repository, seen
from registry.applications.publication import Wording
from registry.applications.references import BadReference
from registry.applications.seen import APPROVED, BARRED, DRAFT, REJECTED, RETRACTED, VULNERABLE, Seen
from registry.db import alone
from registry.errors import Conflict, Denied, NotFound, Refusal
from registry.records import drafting, lifecycle, store
from registry.records.store import Record
from registry.site import Site
from registry.tables import records
from vosi import identifiers, resource

WHO = "watch"  # whom the history names for drafts that nobody made by hand
_SHOWN = 20  # waiting images that a draft record shows at most
_MOVES = {  # what may become what
    REJECTED: (DRAFT,), RETRACTED: (APPROVED,), VULNERABLE: tuple(one for one in seen.STATES if one != VULNERABLE),
    APPROVED: (DRAFT, REJECTED, RETRACTED, VULNERABLE),
}
_VERBS = {REJECTED: "rejected", RETRACTED: "retracted", VULNERABLE: "marked as vulnerable", APPROVED: "approved"}


class NoImage(NotFound):
    """No image of that name has been seen, or more than one."""


class NotNow(Conflict):
    """The image is not in a state from which that can be done, or somebody was faster."""


def find(site: Site, text: str, to: str = "") -> Seen:
    """The image that a person means: host/name@digest, host/name:tag, a digest or its beginning, identifier#version.

    Of several the one that can be moved to the state `to`. One that no repository here was seen with is made of the offer
    that names it. Raises NoImage.
    """
    text = text.strip().removeprefix("docker://")
    with site.database.read() as connection:
        if text.lower().startswith("ivo://") or "#" in text:
            own = text if "/" in text else publication.identifier(site.settings, text)
            found = _of_offer(connection, own) or _of_offer(connection, text)
        elif "/" in text:
            found = [one for one in [_referred(connection, text)] if one]
        else:
            found = seen.matching(connection, text)
    fitting = [one for one in found if one.state in _MOVES.get(to, ())]
    found = fitting if len(fitting) == 1 else found
    if len(found) == 1:
        return found[0]
    shown = text if len(text) <= 100 else text[:97] + "..."
    if found:
        raise NoImage(f"{shown} may be {' or '.join(one.reference for one in found[:3])}: give more of the digest.")
    raise NoImage(f"No image {shown or '(none named)'} has been seen here: `registry app pending` and `registry app images` "
                  "list those that were.")


def approve(site: Site, image: str, *, who: str, name: str = "", anyway: bool = False) -> Seen:
    """Offer the image, as its digest has it, as a version of its application.

    `name` is the application's, where its image's own will not do; `anyway` is needed for one that is marked as
    vulnerable. Raises NoImage, NotNow, Denied (the two-person rule, a publisher of other authorities), and what keeps it
    from being published.
    """
    one = _movable(find(site, image, APPROVED), APPROVED)
    _require(site, one.ivoid, who)
    _check_approver(site, one, who, anyway)
    if not (one.ivoid or name):
        raise NotNow(f"{one.shown} needs a name of its own: {one.reason} Give --name.")
    record = catalogue.register(
        site, one.reference, who=who, name=name or one.ivoid.rpartition("/")[2], tag=one.tag, decided=_still(one, who))
    if record.status == store.INACTIVE:
        lifecycle.reactivate(site, record.ivoid, who=who, why=f"{one.shown} is approved")
    for ivoid in {one.ivoid, record.ivoid} - {""}:
        refresh(site, ivoid)
    return _now(site, one)


def reject(site: Site, image: str, *, who: str, why: str) -> Seen:
    """Do not offer an image that waits. Raises NoImage, NotNow, Denied."""
    return _move(site, find(site, image, REJECTED), REJECTED, who, why)


def retract(site: Site, image: str, *, who: str, why: str) -> Seen:
    """Offer an approved image no longer: it leaves the record, so that others hear of it. Raises NoImage, NotNow, Denied."""
    return _move(site, find(site, image, RETRACTED), RETRACTED, who, why)


def mark_vulnerable(site: Site, image: str, *, who: str, why: str) -> Seen:
    """Run an image no longer, whoever publishes it, and offer it no longer where that is us.

    Raises NoImage, NotNow, Denied.
    """
    if not why.strip():
        raise NotNow("Say why: those who want to run the image are told.")
    return _move(site, find(site, image, VULNERABLE), VULNERABLE, who, why)


def submit(site: Site, reference: str, *, who: str, name: str = "", wording: Wording | None = None) -> Record | Seen:
    """Offer an image of a person's choice: its record; under the two-person rule the draft that another has to approve.

    Raises as `catalogue.register`.
    """
    _require(site, "", who)  # in whose name all applications of ours stand
    if not site.settings.two_person_rule:
        return catalogue.register(site, reference, who=who, name=name, wording=wording)
    parsed = references.parse(reference)
    catalogue.allowed_repository(site, parsed.host, reference)
    image = repository.resolve(site, reference)
    contract = catalogue.contract_in(image)
    catalogue.with_kept(site, [(image, contract)])
    ivoid = publication.identifier(site.settings, name or parsed.name.rpartition("/")[2])
    made = catalogue.seen_as(image, contract, ivoid, who=who)
    with site.database.write() as connection:
        alone(connection, seen.IMAGES)
        known = seen.get(connection, made.reference)
        if known is not None and known.state in (APPROVED, VULNERABLE, RETRACTED, REJECTED):
            raise NotNow(known.barred or f"{known.app} is {known.reference} already: it was approved by {known.decider}.")
        waiting = replace(made, state=DRAFT, decided="", decider="")
        seen.put(connection, [waiting])
        if known is None:
            announcing.note(connection, site, [waiting])
    refresh(site, ivoid)
    return _now(site, made)


def refresh(site: Site, ivoid: str) -> None:
    """Make the draft of an application what its waiting images would say; away with it where none waits.

    A draft that a person has made or changed is left alone.
    """
    with site.database.read() as connection:
        waiting = seen.of_application(connection, ivoid, DRAFT)[-_SHOWN:]
        draft = drafting.draft_of(connection, ivoid)
        if draft is not None and draft.who != WHO:
            return
        xml = _composed(connection, site, ivoid, waiting)
    if not xml:
        if draft is not None:
            with contextlib.suppress(NotFound, Conflict):  # somebody else was faster
                drafting.discard(site, ivoid, expected=draft.revision)
        return
    if draft is None or draft.xml != xml:
        names = ", ".join(one.version for one in waiting)
        drafting.save_draft(site, xml, who=WHO, why=f"new images wait for approval: {names}"[:500])


def _composed(connection: Connection, site: Site, ivoid: str, waiting: list[Seen]) -> bytes:
    existing = store.get(connection, ivoid)
    xml = existing.xml if existing and not existing.deleted else b""
    organisation = catalogue.organisation(connection, site)
    made = b""
    for one in waiting:
        if read := catalogue.kept(connection, one):
            made = resource.compose(publication.draft(
                site.settings, ivoid.rpartition("/")[2], *read, organisation=organisation, wording=Wording(),
                existing=made or xml or None))
    return made


def _move(site: Site, one: Seen, state: str, who: str, why: str) -> Seen:
    """Write down the decision, and take the image out of our record where it stands there."""
    one = _movable(one, state)
    _require(site, one.ivoid, who)
    with site.database.write() as connection:
        alone(connection, seen.IMAGES)
        if seen.get(connection, one.reference) is None:
            seen.put(connection, [one])
        if not seen.decide(connection, one, state, who=who, reason=why):
            raise NotNow(f"Somebody else has just decided about {one.reference}: look again.")
        access.audit(connection, who, f"{_VERBS[state]} image", one.reference, why)
    if one.ivoid:
        _withdraw(site, one, state, who, why)
        if one.state == DRAFT:
            refresh(site, one.ivoid)
    return _now(site, one)


def _withdraw(site: Site, one: Seen, state: str, who: str, why: str) -> None:
    """Take the version out of our record; one that offers nothing any more becomes inactive."""
    with site.database.read() as connection:
        record = store.get(connection, one.ivoid)
    if record is None or record.origin != store.OWN or record.deleted:
        return
    if one.reference not in map(publication.reference_of, publication.versions(record.xml)):
        return
    words = f"{one.version} ({one.short_digest}) was {_VERBS[state]}" + (f": {why}" if why else "")
    left = publication.without(record.xml, one.reference)
    if left is None:
        lifecycle.deactivate(site, record.ivoid, who=who, why=words, expected=record.version)
    else:
        lifecycle.save(site, left, who=who, why=words, expected=record.version)


def _require(site: Site, ivoid: str, who: str) -> None:
    """Raises Denied for a publisher who is bound to other authorities than that of the application, '' for one of ours."""
    authority = identifiers.parse_ivoid(ivoid).authority if ivoid else site.settings.authority
    with site.database.read() as connection:
        rights.require_authority(connection, who, authority)


def _check_approver(site: Site, one: Seen, who: str, anyway: bool) -> None:
    if one.state == VULNERABLE and not anyway:
        raise NotNow(f"{one.barred} Say so (--anyway) if it is to be offered all the same.")
    if site.settings.two_person_rule and one.who == who:
        raise Denied(f"{one.shown} was put up by {who}: another person has to approve it (two_person_rule).")


def _still(one: Seen, who: str) -> Callable[[Connection, Seen], None]:
    """Approves the image within the unit of work that publishes it. Raises NotNow where its state has moved on."""
    def decide(connection: Connection, made: Seen) -> None:
        if not seen.decide(connection, one, APPROVED, who=who, reason="", ivoid=made.ivoid, version=made.version,
                           title=made.title):
            raise NotNow(f"Somebody else has just decided about {one.reference}: look again.")
        access.audit(connection, who, f"{_VERBS[APPROVED]} image", one.reference, made.app)
    return decide


def _movable(one: Seen, state: str) -> Seen:
    if one.state in _MOVES[state]:
        return one
    if one.state == state:
        raise NotNow(f"{one.app or one.shown} ({one.short_digest}) is {_VERBS[state]} already.")
    why = f": {one.reason}" if one.reason else "."
    raise NotNow(f"{one.app or one.shown} ({one.short_digest}) is {one.state} and cannot be {_VERBS[state]}{why}")


def _now(site: Site, one: Seen) -> Seen:
    with site.database.read() as connection:
        return seen.get(connection, one.reference) or one


def _referred(connection: Connection, text: str) -> Seen | None:
    try:
        named = references.parse(text)
    except BadReference:
        return None
    digest = named.digest or seen.tag_now(connection, named.host, named.name, named.tag)
    reference = f"{named.host}/{named.name}@{digest}"
    return (seen.get(connection, reference) or _made_of(connection, reference)) if digest else None


def _of_offer(connection: Connection, text: str) -> list[Seen]:
    ivoid, _, version = text.partition("#")
    found = [one for one in seen.of_application(connection, ivoid) if version in ("", one.version)]
    if found:
        return found if version else [one for one in found if one.state not in BARRED][-1:] or found[-1:]
    try:
        offer = catalogue.pick(connection, text)
    except Refusal:
        return []
    return [seen.get(connection, offer.image) or _as_seen(offer)]


def _made_of(connection: Connection, reference: str) -> Seen | None:
    """An image that is on offer and was never seen in a repository: harvested, or offered before they were watched."""
    ours = records.c.origin.in_((store.OWN, store.HARVESTED))
    return next((_as_seen(one) for one in catalogue.every_version(connection, ours) if one.image == reference), None)


def _as_seen(offer: catalogue.Offer) -> Seen:
    host = references.parse(offer.image).host
    return Seen(offer.image, host, "", APPROVED, ivoid=offer.ivoid, version=offer.version, title=offer.title,
                seen=clock.stamp(), who=offer.publisher_authority)
