"""What else a decision about an image changes, in sentences for the person who is about to make it. It changes nothing."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from registry.applications import catalogue, publication, seen
from registry.applications.contract import Contract
from registry.applications.parameters import describe
from registry.applications.seen import APPROVED, REJECTED, VULNERABLE, Seen
from registry.records import store
from registry.records.store import Record
from registry.site import Site
from registry.tables import jobs

_ENDED = ("COMPLETED", "ERROR", "ABORTED", "ARCHIVED")


def of(site: Site, one: Seen, to: str) -> list[str]:
    """The sentences for moving the image to the state `to`, the most important first."""
    with site.database.read() as connection:
        record = store.get(connection, one.ivoid) if one.ivoid else None
        if record is not None and (record.deleted or record.origin != store.OWN):
            record = None
        if to == REJECTED:
            return ["Nothing that is published changes.", "The same image is not put up again; a new one under its tag is."]
        found = _approved(connection, one, record) if to == APPROVED else _withdrawn(one, record)
        if to == VULNERABLE:
            found.insert(0, "Nobody can run it here any more, whoever publishes it; it is one digest, and no other image.")
        return found + _of_jobs(connection, one)


def _approved(connection: Connection, one: Seen, record: Record | None) -> list[str]:
    read = catalogue.kept(connection, one)
    contract = read[1] if read else None
    if not one.ivoid:
        found = [f"It needs a name of its own: {one.reason}"]
    elif record is None or not publication.versions(record.xml):
        found = [f"{one.ivoid} is published: a new application, offered here and to every registry that harvests this one."]
    else:
        found = _beside(connection, one, record)
        newest = publication.reference_of(publication.versions(record.xml)[0])
        before = catalogue.kept(connection, Seen(newest, one.host, "", APPROVED))
        if before and contract:
            found += differences(before[1], contract)
    if contract is not None:
        found += [f"It asks for the data set {data.name}." for data in contract.data]
    return found


def _beside(connection: Connection, one: Seen, record: Record) -> list[str]:
    """Its place among the versions that are there."""
    offered = publication.versions(record.xml)
    images = [publication.reference_of(version) for version in offered]
    newer = [other for other in seen.of_application(connection, one.ivoid, APPROVED)
             if other.created and other.created > one.created > "" and other.reference in images]
    place = f"behind {newer[-1].version}, which is newer" if newer else "the newest: it is what runs where no version is said"
    found = [f"{one.ivoid} has it as version {one.version}, {place}."]
    if record.status == store.INACTIVE:
        found.append("The application is offered again.")
    for version, reference in zip(offered, images, strict=True):
        name = version.interfaces[0].access_url.partition("#")[2] if version.interfaces else ""
        if name == one.version and reference != one.reference:
            digest = reference.rpartition(":")[2][:12]
            found.append(f"Version {name} was the image sha256:{digest} so far, which stays on offer as {name}-{digest}.")
    return found


def differences(before: Contract, now: Contract) -> list[str]:
    """What callers and this datacenter meet otherwise than with the newest version that is published."""
    old = {one.name.lower(): one for one in before.parameters}
    new = {one.name.lower(): one for one in now.parameters}
    found = [f"It takes no parameter {old[name].name} any more." for name in old if name not in new]
    found += [f"It takes a new parameter {new[name].name}{' and needs it' if new[name].required else ''}."
              for name in new if name not in old]
    found += [f"Its parameter {new[name].name} takes {describe(new[name])} now, not {describe(old[name])}."
              for name in new if name in old and describe(new[name]) != describe(old[name])]
    found += [f"It needs {name} now." for name in now.requires if name not in before.requires]
    found += [f"It needs {name} no more." for name in before.requires if name not in now.requires]
    if before.network != now.network:
        found.append(f"Its network profile is {now.network} now, not {before.network}.")
    for key in ("cores", "memory", "time", "disk"):
        if getattr(now.resources, key) > getattr(before.resources, key) > 0:
            found.append(f"It asks for more {key} ({getattr(now.resources, key):g}, not {getattr(before.resources, key):g}).")
    return found


def _withdrawn(one: Seen, record: Record | None) -> list[str]:
    if record is None:
        return []
    offered = publication.versions(record.xml)
    left = [version for version in offered if publication.reference_of(version) != one.reference]
    if len(left) == len(offered):
        return ["Nothing that is published changes."]
    if not left:
        return [f"{record.ivoid} has no other version: it is offered no longer, here or where it was harvested."]
    newest = next((url.access_url.partition("#")[2] for url in left[0].interfaces), "")
    return [f"Version {one.version} leaves the record of {record.ivoid}; {newest} is the newest of those that stay."]


def _of_jobs(connection: Connection, one: Seen) -> list[str]:
    counted = select(jobs.c.phase, func.count()).where(jobs.c.image == one.reference).group_by(jobs.c.phase)
    phases = {row[0]: row[1] for row in connection.execute(counted)}
    ended = sum(number for phase, number in phases.items() if phase in _ENDED)
    going = sum(phases.values()) - ended
    found = [f"{going} {'job of it waits or runs, and goes' if going == 1 else 'jobs of it wait or run, and go'} on."]
    found = found if going else []
    if ended:
        found.append(f"{ended} {'job has' if ended == 1 else 'jobs have'} run it: results and run records stay.")
    return found
