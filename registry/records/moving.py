"""Moves our records to a new public address: where they say the old base URL, they say the new one.

The old one is what our registry record says that it is harvested at. Only addresses below it change, each as an update
of our own; drafts stay, and so do the records of others.
"""

from __future__ import annotations

from registry.records import authorities, lifecycle, listing, rofr, store
from registry.records.store import Record
from registry.site import Site
from vosi import spans, xmlio

_ADDRESSES = frozenset({"accessURL", "mirrorURL", "referenceURL"})
_OAI = "oai"


def old_base(site: Site) -> str:
    """The base URL that our registry record says, where it is another than the setting; '' where nothing is to move."""
    with site.database.read() as connection:
        record = store.get(connection, authorities.our_registry(site.settings.authority))
    if record is None or record.deleted or record.origin != store.OWN:
        return ""
    bases = [url.removesuffix(_OAI) for url in rofr.harvest_urls(xmlio.parse(record.xml)) if url.endswith("/" + _OAI)]
    return next((base for base in bases if base != site.settings.base_url), "")


def move(site: Site, who: str) -> list[Record]:
    """Let every record of ours say the present base URL; the records that have changed.

    Raises PublishRefused where one would not be valid: those before it have been moved by then, and moving again goes on
    with the rest, the registry record being the last.
    """
    base = old_base(site)
    if not base:
        return []
    with site.database.read() as connection:
        ours = [one for one in listing.every(connection, origin=store.OWN) if one.status in (store.ACTIVE, store.INACTIVE)]
    registry = store.key_of(authorities.our_registry(site.settings.authority))
    done = []
    for record in sorted(ours, key=lambda one: one.key == registry):
        xml = _readdressed(record.xml, base, site.settings.base_url)
        if xml != record.xml:
            why = f"moved from {base} to {site.settings.base_url}"
            done.append(lifecycle.save(site, xml, who=who, why=why, expected=record.version))
    return done


def _readdressed(xml: bytes, old: str, new: str) -> bytes:
    def at_new(url: str) -> str:
        return new + url[len(old):] if url.startswith(old) else new if url + "/" == old else url

    return spans.with_texts(xml, lambda span: span.path[-1] in _ADDRESSES and not span.namespace, at_new)
