"""Registers our TAP service: a record of its own, ivo://A/tap, and its capability in our registry record (RegTAP 1.2 §3).

Only what is missing is published, and a record of tables that nobody has touched follows what the service can do now; what
people have made of either since stays. It founds no datacenter.
"""

from __future__ import annotations

import logging

from lxml import etree

from registry import clock
from registry.config import Settings
from registry.errors import Refusal
from registry.records import authorities, founding, lifecycle, publish, store, table_access
from registry.records.founding import NotFounded
from registry.records.store import Record
from registry.search.tap import documents
from registry.site import Site
from vosi import capabilities, namespaces as ns, resource, xmlio
from vosi.resource import Draft

_log = logging.getLogger("registry.search")
_WHY = "the TAP service is registered"


def name_of(site: Site) -> str:
    """The identifier of our TAP service's record."""
    return f"ivo://{site.settings.authority}/tap"


def register(site: Site, who: str) -> list[Record]:
    """See that both records tell of the service; those that have changed. Nothing in a place that is not founded yet."""
    if not site.settings.authority:
        return []
    with site.database.read() as connection:
        try:
            ours = founding.registry_record(connection, site)
        except NotFounded:
            return []
        known = store.get(connection, name_of(site))
        untouched = known is not None and known.status == store.ACTIVE and (
            store.versions(connection, known.ivoid)[0].why == _WHY)
    element = xmlio.parse(ours.xml)
    done = []
    if known is None:
        done.append(publish.publish(site, resource.compose(_draft(site.settings, element)), who=who, why=_WHY))
    elif untouched and (xml := _present(site, known)) is not None:
        done.append(lifecycle.save(site, xml, who=who, why=_WHY, expected=known.version))
    if not any(one.standard_id.lower() == ns.STD_TAP.lower() for one in capabilities.of_record(element)):
        done.append(lifecycle.save(site, _told(site.settings, ours.xml), who=who, why=_WHY, expected=ours.version))
    return done


def preview(settings: Settings, registry: bytes) -> tuple[bytes, bytes]:
    """Our registry's record as it tells of the service, and the service's own, in a place that has `settings`; stores nothing."""
    return _told(settings, registry), resource.compose(_draft(settings, xmlio.parse(registry)))


def _told(settings: Settings, registry: bytes) -> bytes:
    every = (*capabilities.of_record(xmlio.parse(registry)), table_access.capability(settings))
    return resource.amend(registry, {"capabilities": every})


def see(site: Site) -> None:
    """`register` for a service that starts, whatever keeps it from being registered: it is told in the log."""
    try:
        for record in register(site, "innerspace"):
            _log.info("published %s", record.ivoid)
    except Refusal as error:
        _log.warning("the TAP service is not registered: %s", error)


def _present(site: Site, known: Record) -> bytes | None:
    """The record with what the service can do now and the tables it has; None where it says that already."""
    xml = resource.amend(known.xml, {
        "capabilities": documents.every_capability(site.settings), "tableset": documents.table_set()})
    return None if xmlio.digest(xmlio.parse(xml)) == xmlio.digest(xmlio.parse(known.xml)) else xml


def _draft(settings: Settings, registry: etree._Element) -> Draft:
    """The service's record: whose it is, as our registry record says; what it can do, as its documents say."""
    now, title = clock.stamp(), settings.title
    publisher = registry.find("curation/publisher")
    return Draft(
        type="vs:CatalogService", ivoid=f"ivo://{settings.authority}/tap", title=f"{title}: tables of the registry",
        short_name="RegTAP",
        created=now, updated=now, publisher=_text(registry, "curation/publisher"),
        publisher_ivoid=publisher.get("ivo-id", "") if publisher is not None else "",
        contact_name=_text(registry, "curation/contact/name"), contact_email=_text(registry, "curation/contact/email"),
        creators=(_text(registry, "curation/publisher"),), subjects=("virtual observatory",),
        description=f"Queries in ADQL (TAP 1.1) over the records of {title}'s registry and of those it harvests, in the "
                    "tables of RegTAP 1.2.",
        reference_url=settings.url("tap"), content_types=("Registry",),
        relationships=(resource.Relationship("IsServedBy", ((authorities.our_registry(settings.authority),
                                                             _text(registry, "title")),)),),
        capabilities=documents.every_capability(settings), tableset=documents.table_set())


def _text(element: etree._Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").split())
