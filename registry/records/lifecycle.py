"""The life of a record of ours: draft, active, inactive, deleted; and back from each, for every version is kept.

Every change is the next version with who, when and why, and is made from a version that the caller names (`expected`):
where somebody else has saved since, it is refused and nothing is overwritten. Whether a record may be published is
`publish`'s to say; drafts are kept by `drafting`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from registry import clock
from registry.errors import Conflict
from registry.records import drafting, publish, store
from registry.records.drafting import NoDraft, SavedDraft
from registry.records.publish import Overtaken
from registry.records.ready import one_record
from registry.records.store import NoRecord, Record, Version
from registry.site import Site
from vosi import resource, xmlio

__all__ = ["NoDraft", "NoVersion", "Overtaken", "SavedDraft", "begun_from", "deactivate", "delete", "publish_draft",
           "reactivate", "restore", "save", "save_draft", "version_of"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
save_draft = drafting.save_draft


class NoVersion(store.NotFound):
    """The record has never been in that version; the message is one sentence."""


def save(site: Site, xml: bytes, *, who: str, why: str = "", expected: int | None = None) -> Record:
    """Publish a changed record; where its author left `updated` as it was, that moves on with the change.

    Harvesters may take a record whose `updated` stands still for the one they have. Raises PublishRefused, Overtaken,
    and Conflict for a record that others keep.
    """
    return _save(site, xml, who, why, expected)


def publish_draft(site: Site, ivoid: str, *, who: str, why: str = "", anyway: bool = False) -> Record:
    """Publish the draft of that name; it is a draft no longer.

    Raises NoDraft, PublishRefused, and Overtaken where the record has been saved since the draft was begun: `anyway`
    publishes it all the same.
    """
    with site.database.read() as connection:
        draft = drafting.draft_of(connection, ivoid)
        if draft is None:
            raise NoDraft(ivoid)
    return _save(site, draft.xml, who, why or draft.why or "published from a draft", None if anyway else draft.based_on,
                 draft)


def deactivate(site: Site, ivoid: str, *, who: str, why: str = "", expected: int | None = None) -> Record:
    """Offer the record no longer: it stays published, with the status inactive, and leaves searches (VOResource 1.2).

    Raises NoRecord, Overtaken, Conflict, PublishRefused.
    """
    return _with_status(site, ivoid, store.INACTIVE, who, why or "not offered for now", expected)


def reactivate(site: Site, ivoid: str, *, who: str, why: str = "", expected: int | None = None) -> Record:
    """Offer an inactive record again; raises as `deactivate`. A deleted one is restored (`restore`)."""
    return _with_status(site, ivoid, store.ACTIVE, who, why or "offered again", expected)


def delete(site: Site, ivoid: str, *, who: str, why: str = "", expected: int | None = None) -> Record:
    """Leave a tombstone of the record, for ever; `restore` and `publish` lift it.

    Raises NoRecord, Overtaken, Conflict. What is only a draft is discarded with `drafting.discard`.
    """
    return publish.retire(site, ivoid, who=who, why=why, expected=expected)


def restore(
    site: Site, ivoid: str, version: int, *, who: str, why: str = "", expected: int | None = None,
) -> Record:
    """Publish what the record said in `version` again, as its next version; a deleted record is published again.

    Raises NoRecord, NoVersion, Overtaken, Conflict, PublishRefused (the rules may have changed since).
    """
    with site.database.read() as connection:
        record = _ours(connection, ivoid)
        wanted = version_of(connection, record, version)
    if wanted.status == store.DELETED:
        raise NoVersion(f"Version {version} of {record.ivoid} is its tombstone: restore the one before it.")
    why = why or f"version {version} restored"
    return _save(site, wanted.xml, who, why, record.version if expected is None else expected)


def version_of(connection: Connection, record: Record, number: int) -> Version:
    """One version of a record. Raises NoVersion."""
    found = next((one for one in store.versions(connection, record.ivoid) if one.version == number), None)
    if found is None:
        raise NoVersion(f"{record.ivoid} has no version {number}; its newest is {record.version}.")
    return found


def begun_from(connection: Connection, xml: bytes) -> int:
    """The version that a changed text was begun from: the newest with its `updated`, else the present one; 0 for none.

    Raises XmlRefused.
    """
    summary = resource.summarise(one_record(xml)[1])
    record = store.get(connection, summary.ivoid)
    if record is None:
        return 0
    same = (one.version for one in store.versions(connection, record.ivoid)
            if resource.summarise(xmlio.parse(one.xml)).updated == summary.updated)
    return next(same, record.version)


def _ours(connection: Connection, ivoid: str) -> Record:
    record = store.get(connection, ivoid)
    if record is None:
        raise NoRecord(ivoid)
    if record.origin != store.OWN:
        raise Conflict(f"{record.ivoid} {store.SAYS[record.origin]}: it is not changed here.")
    return record


def _with_status(site: Site, ivoid: str, status: str, who: str, why: str, expected: int | None) -> Record:
    with site.database.read() as connection:
        record = _ours(connection, ivoid)
    if record.deleted:
        raise Conflict(f"{record.ivoid} is deleted: `registry records restore` publishes a version of it again.")
    if record.status == status and expected in (None, record.version):
        return record
    changed = resource.amend(record.xml, {"status": status})
    return _save(site, changed, who, why, record.version if expected is None else expected)


def _save(
    site: Site, xml: bytes, who: str, why: str, expected: int | None, draft: SavedDraft | None = None,
) -> Record:
    ready = publish.readied(site, xml)
    with site.database.read() as connection:
        old = store.get(connection, ready.summary.ivoid)
        if old is not None:
            _ours(connection, old.ivoid)
    if old is not None and (old.digest != ready.digest or old.deleted):
        moved = _moved_on(ready.xml, ready.summary.updated, old.updated)
        ready = publish.readied(site, moved) if moved != ready.xml else ready
    with site.database.write() as connection:
        record = publish.put_ours(connection, site, ready, who=who, why=why, expected=expected)
        if draft is not None:
            drafting.drop(connection, draft)
    with site.database.read() as connection:
        return publish.stored(connection, record.ivoid)


def _moved_on(xml: bytes, said: str, before: str) -> bytes:
    """The record with an `updated` later than the one `before`; as it is where it says such a one itself."""
    old = _moment(before)
    if _moment(said) > old:
        return xml
    return resource.amend(xml, {"updated": clock.stamp(max(clock.now(), old + timedelta(seconds=1)))})


def _moment(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError:
        return _EPOCH
