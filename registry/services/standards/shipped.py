"""Puts the standards that come with the product on the shelf (D15): origin shipped, read only, never claimed.

A harvest from their own registry replaces them; nothing here replaces that.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select

from registry.records import store
from registry.records.ready import one_record, prepare
from registry.services.standards.known import STANDARDS, Known
from registry.site import Site
from registry.tables import facts
from vosi.capabilities import Interface
from vosi.resource import Draft, compose

WHO = "innerspace"
FACT = "shipped standards"  # digest of what was put there last
_AT = "2026-01-01T00:00:00Z"


def ship(site: Site) -> int:
    """See that they are on the shelf; says how many were new or have changed. Cheap where nothing is to be done."""
    records = [document(one) for one in STANDARDS]
    digest = hashlib.sha256(b"\n".join(records)).hexdigest()
    with site.database.read() as connection:
        if connection.execute(select(facts.c.value).where(facts.c.name == FACT)).scalar() == digest:
            return 0
    ready = [prepare(site.schemas, *one_record(xml)) for xml in records]
    with site.database.write() as connection:
        put = [store.put_ready(connection, one, origin=store.SHIPPED, who=WHO, why="comes with the product")
               for one in ready]
        connection.execute(delete(facts).where(facts.c.name == FACT))
        connection.execute(insert(facts).values(name=FACT, value=digest))
    return sum(one.outcome in (store.NEW, store.UPDATED) for one in put)


def document(known: Known) -> bytes:
    """The vstd:ServiceStandard record of one of them."""
    of_ivoa = known.ivoid.startswith("ivo://ivoa.net/")
    publisher = ("ivo://ivoa.net/IVOA", "IVOA") if of_ivoa else ("", "Inner Space")
    type_, role, use = known.interface
    example = Interface(type=type_, role=role, url_use=use, access_url=f"http://service.example/{known.short_name.lower()}")
    return compose(Draft(
        type="vstd:ServiceStandard", ivoid=known.ivoid, title=known.title, short_name=known.short_name, created=_AT,
        updated=_AT, publisher_ivoid=publisher[0], publisher=publisher[1], contact_name=publisher[1],
        subjects=("virtual observatory", "web service interface"), description=known.description,
        reference_url=known.reference_url, endorsed_versions=known.versions, keys=known.keys, interfaces=(example,),
    ))
