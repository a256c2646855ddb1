"""Takes what a dump of an OAI-PMH list tells of deleted records: headers without a record. Called by imports alone.

A registry that moves here brings its tombstones along, so that those who harvest it hear of every deletion; a dump of
somebody else's only takes away what an earlier dump brought (D15).
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from sqlalchemy import Connection

from registry.records import store
from registry.records.ready import Ready
from vosi import namespaces as ns, resource, xmlio

_WHY = "deleted in the list it was imported from"
# all that is known of a record which was deleted before it came here
_TOMBSTONE = f'<ri:Resource xmlns="" xmlns:ri="{ns.RI}" status="deleted"><identifier>%s</identifier></ri:Resource>'


def bury_ours(connection: Connection, ivoid: str, who: str) -> store.Put:
    """Leave a tombstone of ours under that name, whether the record was ever here or not."""
    old = store.get(connection, ivoid)
    if old is None or old.origin != store.OWN:
        return store.put_ready(connection, _tombstone(ivoid), origin=store.OWN, who=who, why=_WHY)
    if old.deleted:
        return store.Put(old, store.UNCHANGED)
    return store.Put(store.delete(connection, ivoid, who=who, why=_WHY), store.UPDATED)


def bury_theirs(connection: Connection, ivoid: str, who: str) -> store.Put:
    """Take away a record that came by a file; `record` is none where there is none to take away."""
    old = store.get(connection, ivoid)
    if old is None:
        return store.Put(None, store.UNCHANGED, "Its registry has deleted it, and it was never here.")
    if old.origin != store.FOREIGN_FILE:
        return store.Put(None, store.REFUSED, f"{old.ivoid} {store.SAYS[old.origin]}: it is left as it is.")
    if old.deleted:
        return store.Put(old, store.UNCHANGED)
    return store.Put(store.delete(connection, ivoid, who=who, why=_WHY), store.UPDATED)


def _tombstone(ivoid: str) -> Ready:
    xml = (_TOMBSTONE % escape(ivoid.strip())).encode()
    element = xmlio.parse(xml)
    return Ready(xml, element, resource.summarise(element), xmlio.digest(element), "", ())
