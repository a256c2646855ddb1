"""Somebody else saved first: what they changed, what was typed here, what both changed; and the ways on from there."""

from __future__ import annotations

from dataclasses import replace

from flask import render_template

from registry.admin.pages import site
from registry.records import comparing, store
from registry.records.forming import merging, shape
from registry.records.forming.desk import Desk
from registry.records.lifecycle import NoVersion, version_of
from registry.records.publish import Overtaken
from registry.records.store import Record
from registry.site import Site
from vosi import xmlio


def page(desk: Desk, overtaken: Overtaken, carried: dict[str, str]) -> tuple[str, int]:
    """What happened, three ways compared; nothing that was typed is lost."""
    record = overtaken.record
    theirs = mine = None
    both: tuple[merging.Clash, ...] = ()
    if record is not None and not record.deleted:
        base = _began(site(), desk, record)
        theirs = comparing.compare(base, record.xml, ("where you began", "theirs"))
        mine = comparing.compare(base, desk.xml, ("where you began", "yours"))
        both = merging.merge(shape.shapes(site().schemas), base, desk.xml, record.xml).both
    answer = render_template("admin/edit_stale.html", desk=desk, record=record, message=str(overtaken), theirs=theirs,
                             mine=mine, both=both, carried=carried, version=record.version if record else 0)
    return answer, 409


def merged(site: Site, desk: Desk) -> Desk:
    """My changes on top of what is published now. Raises NoRecord."""
    with site.database.read() as connection:
        record = store.get(connection, desk.ivoid)
    if record is None:
        raise store.NoRecord(desk.ivoid)
    base = _began(site, desk, record)
    put_together = merging.merge(shape.shapes(site.schemas), base, desk.xml, record.xml)
    return replace(desk, base=xmlio.root_of(record.xml), root=put_together.root, began=record.version, marks={})


def _began(site: Site, desk: Desk, record: Record) -> bytes:
    """The XML of the version that the edit began from; what is there now for a record that was to be a new one."""
    with site.database.read() as connection:
        try:
            return version_of(connection, record, desk.began).xml
        except NoVersion:
            return record.xml
