"""Drafts: what people are still writing. A draft is shown to nobody else and changes nothing that is published.

It has to be XML and to name a record of ours; it need not be valid. Whoever saves one says which revision of it they
saw, so that two people writing the same draft do not overwrite each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import clock
from registry.db import alone
from registry.errors import Conflict, NotFound
from registry.records import authorities, publish, store
from registry.records.publish import PublishRefused
from registry.records.ready import one_placed, prepare
from registry.records.shelf_rows import SHELF
from registry.site import Site
from registry.tables import drafts
from vosi import resource, xmlio
from vosi.resource import Summary
from vosi.schemas import Problem


@dataclass(frozen=True)
class SavedDraft:
    """One draft; `based_on` is the version of the record that it was begun from, 0 where there was none."""

    key: str
    ivoid: str
    based_on: int
    revision: int
    at: str
    who: str
    why: str
    xml: bytes

    @property
    def summary(self) -> Summary:
        """What the draft says of the resource."""
        return resource.summarise(xmlio.parse(self.xml))


class NoDraft(NotFound):
    """There is no draft of that name; the message is one sentence."""

    def __init__(self, ivoid: str) -> None:
        super().__init__(f"There is no draft of {ivoid}; `registry records list --drafts` shows what there is.")


def save_draft(
    site: Site, xml: bytes, *, who: str, why: str = "", expected: int | None = None, based_on: int | None = None,
) -> SavedDraft:
    """Keep the one record in `xml` as the draft of its name.

    `expected` is the revision that the writer saw, 0 where there was no draft; none asks for no check. `based_on` is
    the version of the record that it was begun from: by default that of the draft before, else the present one.
    Raises PublishRefused for what could never be one of ours, Conflict where another record's keeper or another writer
    was first.
    """
    kept, ivoid = _named(site, xml)
    with site.database.write() as connection:
        alone(connection, SHELF)
        record, old = store.get(connection, ivoid), draft_of(connection, ivoid)
        if record is not None and record.origin != store.OWN:
            raise Conflict(f"{record.ivoid} {store.SAYS[record.origin]}: it is not changed here.")
        _check(old, ivoid, expected)
        begun = old.based_on if old else record.version if record else 0
        draft = SavedDraft(
            store.key_of(ivoid), record.ivoid if record else ivoid, begun if based_on is None else based_on,
            old.revision + 1 if old else 1, clock.stamp(), who, why or (old.why if old else ""), kept)
        if old:
            connection.execute(update(drafts).where(drafts.c.key == draft.key).values(vars(draft)))
        else:
            connection.execute(insert(drafts).values(vars(draft)))
    return draft


def draft_of(connection: Connection, ivoid: str) -> SavedDraft | None:
    """The draft named `ivoid` in whatever case."""
    row = connection.execute(select(drafts).where(drafts.c.key == store.key_of(ivoid))).first()
    return _draft(row) if row else None


def every(connection: Connection) -> list[SavedDraft]:
    """All drafts by name."""
    return [_draft(row) for row in connection.execute(select(drafts).order_by(drafts.c.key))]


def problems(site: Site, draft: SavedDraft) -> tuple[Problem, ...]:
    """What stands between the draft and its publication; nothing where it could be published now."""
    try:
        ready = publish.readied(site, draft.xml)
    except PublishRefused as refused:
        return refused.problems
    with site.database.read() as connection:
        fault = publish.claims_too_much(connection, site, ready)
    return (fault,) if fault else ()


def discard(site: Site, ivoid: str, *, expected: int | None = None) -> SavedDraft:
    """Throw the draft away; what is published stays. Raises NoDraft, Conflict. Says what was thrown away."""
    with site.database.write() as connection:
        alone(connection, SHELF)
        draft = draft_of(connection, ivoid)
        if draft is None:
            raise NoDraft(ivoid)
        _check(draft, ivoid, expected)
        connection.execute(delete(drafts).where(drafts.c.key == draft.key))
    return draft


def drop(connection: Connection, draft: SavedDraft) -> None:
    """Take out the draft that has just been published. Raises Conflict where it has been saved again since."""
    gone = connection.execute(delete(drafts).where(drafts.c.key == draft.key, drafts.c.revision == draft.revision))
    if not gone.rowcount:
        _check(draft_of(connection, draft.ivoid), draft.ivoid, draft.revision)


def _named(site: Site, xml: bytes) -> tuple[bytes, str]:
    """The bytes to keep, and the name of the record of ours that they are to become. Raises PublishRefused."""
    try:
        kept, element, first_line = one_placed(xml)
    except xmlio.XmlRefused as error:
        raise PublishRefused(str(error)) from None
    ready = prepare(site.schemas, kept, element, first_line)
    if ready.fault:
        raise PublishRefused(ready.fault, (Problem("identifier", ready.fault, "identifier"),))
    with site.database.read() as connection:
        ours = authorities.ours(connection)
    if ready.summary.authority.lower() not in ours:
        fault = publish.not_ours(ready, ours)
        raise PublishRefused(fault.what, (fault,))
    return kept, ready.summary.ivoid


def _check(draft: SavedDraft | None, ivoid: str, expected: int | None) -> None:
    revision = draft.revision if draft else 0
    if expected is None or expected == revision:
        return
    if draft is None:
        raise Conflict(f"The draft of {ivoid} is there no longer: it was published or discarded meanwhile.")
    raise Conflict(f"The draft of {draft.ivoid} was saved by {draft.who} at {draft.at} (revision {revision}, and you "
                   f"began from {expected}), so nothing was saved: look at it first.")


def _draft(row: Row[tuple[object, ...]]) -> SavedDraft:
    return SavedDraft(**row._mapping)
