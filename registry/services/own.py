"""Our own VOSI documents: what this datacenter's service can do, whether it can do it now, the tables it holds.

They are made from the settings and from cheap looks at what the service leans on, so that they answer while the
database is down. It knows nothing of the services registered here.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from registry import clock, space
from registry.db import alone
from registry.errors import Refusal
from registry.records import table_access
from registry.services.memory import Memory
from registry.site import Site
from registry.tables import facts
from vosi import namespaces as ns
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface

BASIC_LOGIN = "ivo://ivoa.net/sso#BasicAA"
ENGINE_FACT = "engine fault"  # the worker's sentence while the Docker engine does not answer; else there is none
PLATFORM_FACT = "engine platform"  # os/architecture of the Docker engine, as the worker saw it last
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}  # as the OCI calls them
_STARTED = clock.stamp()
_looks: Memory[str] = Memory()


def capabilities(site: Site) -> tuple[Capability, ...]:
    """Everything that can be asked here, VOSI itself included (VOSI 1.1 §2.1)."""
    def at(path: str) -> Interface:
        return Interface(access_url=site.settings.url(path), url_use="full", role="std")

    offer = replace(at("runner"), version="1.0", result_type="application/json")
    return (
        *(Capability(standard, interfaces=(at(path),)) for standard, path in (
            (ns.STD_VOSI_CAPABILITIES, "capabilities"), (ns.STD_VOSI_AVAILABILITY, "availability"),
            (ns.STD_VOSI_TABLES, "tables"))),
        Capability(ns.STD_REGISTRY, type="vg:Harvest", extra=(("maxRecords", "0"),),
                   interfaces=(replace(at("oai"), type="vg:OAIHTTP", url_use="base", version="1.0"),)),
        table_access.capability(site.settings),
        Capability(ns.STD_UWS, interfaces=_jobs(site)),
        Capability(ns.STD_RUNNER, interfaces=(offer,)),
    )


def _jobs(site: Site) -> tuple[Interface, ...]:
    """One interface per way of logging in (VOResource 1.2 §3.2.1)."""
    plain = Interface(access_url=site.settings.url("jobs"), url_use="base", role="std", version="1.1")
    ways = ((plain,) if site.settings.anonymous_jobs else ())
    return (*ways, replace(plain, security_methods=(BASIC_LOGIN,)))


def availability(site: Site) -> Availability:
    """Whether all that the service leans on is well; one note for each thing that is not. Never raises."""
    notes = tuple(note for look in (_database, _disk, _repository) if (note := look(site)))
    return Availability(available=not notes, up_since=_STARTED, notes=notes)


def tell_engine(site: Site, fault: str) -> None:
    """Write down, for every process, that the Docker engine does not answer and why; '' for one that does."""
    _tell(site, ENGINE_FACT, fault)


def tell_platform(site: Site, architecture: str) -> None:
    """Write down, for every process, what images the engine runs: `architecture` as the engine calls its own."""
    _tell(site, PLATFORM_FACT, f"linux/{_ARCHITECTURES.get(architecture, architecture)}")


def engine_platform(connection: Connection) -> str:
    """The engine's os/architecture; '' while no worker has seen it."""
    return _fact(connection, PLATFORM_FACT)


def _tell(site: Site, name: str, value: str) -> None:
    with site.database.read() as connection:
        known = _fact(connection, name)
    if known != value:
        with site.database.write() as connection:
            alone(connection, name)
            connection.execute(delete(facts).where(facts.c.name == name))
            if value:
                connection.execute(insert(facts).values(name=name, value=value))


def _fact(connection: Connection, name: str) -> str:
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar() or ""


def engine_fault(connection: Connection) -> str:
    """What the worker says of the engine: '' while it is well, else one sentence."""
    return _fact(connection, ENGINE_FACT)


def _database(site: Site) -> str:
    """Also tells what the worker says of the engine, which is written there."""
    try:
        with site.database.read() as connection:
            fault = engine_fault(connection)
    except SQLAlchemyError:
        return "The database does not answer: nothing can be looked up or submitted until it does."
    return f"The Docker engine does not work, and jobs wait: {fault}" if fault else ""


def _disk(site: Site) -> str:
    return space.shortage(site.settings)


def _repository(site: Site) -> str:
    url = f"http://{site.settings.repository}/v2/"

    def look() -> str:
        try:
            status = site.fetcher.head(url).status
        except Refusal as error:
            return f"The Docker repository cannot be reached, so no application can be fetched: {error}"
        if status in (200, 401):  # 401: it is there and asks who we are
            return ""
        return f"The Docker repository answers with status {status}, so no application can be fetched."

    return _looks.get(url, look)
