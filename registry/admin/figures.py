"""The counts on the front page and the dashboard, and the next steps that follow from them. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, literal, select

from registry.access import ADMINISTRATOR, PUBLISHER, RUNNER, Caller
from registry.admin import remembered
from registry.applications import catalogue
from registry.harvest import sources, store as harvests
from registry.harvest.store import Run
from registry.records import authorities, listing
from registry.records.listing import Range
from registry.tables import records
from registry.uws import store as jobs
from registry.uws.phases import FINAL


@dataclass(frozen=True)
class Figures:
    """What is here, in numbers."""

    own: int
    all: int
    services: int
    applications: int
    sources: int
    running: int
    jobs: int


@dataclass(frozen=True)
class Step:
    """One thing to do next: why, where, what the button says, and the role that it needs."""

    words: str
    href: str
    action: str
    role: str


def public(connection: Connection) -> Figures:
    """The numbers of the present moment."""
    phases = jobs.counts(connection)
    own, every, services, applications = remembered.of_shelf(connection, "figures", _of_shelf)
    return Figures(
        own=own, all=every, services=services, applications=applications,
        sources=len(sources.list_sources(connection)),
        running=sum(number for phase, number in phases.items() if phase not in FINAL),
        jobs=sum(phases.values()),
    )


def next_steps(found: Figures, caller: Caller) -> list[Step]:
    """What an empty place needs of somebody who may do it, the most useful first."""
    steps = []
    if not found.services:
        words, action = "No API of this datacenter is described yet.", "Import a service from its VOSI address"
        steps.append(Step(words, "/admin/import", action, PUBLISHER))
        words = "One that does not tell of itself (no VOSI) is described in a form."
        steps.append(Step(words, "/admin/new-record?type=vs:CatalogService", "Describe a service", PUBLISHER))
    if not found.sources:
        steps.append(Step("No other registry is harvested yet.", "/admin/sources", "Add a source", ADMINISTRATOR))
    if not found.applications:
        words, action = "No packaged application is offered yet.", "Register an application"
        steps.append(Step(words, "/admin/applications/new", action, PUBLISHER))
    elif not found.jobs:
        steps.append(Step("No job has run here yet.", "/admin/applications", "Run an application", RUNNER))
    return [step for step in steps if caller.may(step.role)]


def last_runs(connection: Connection) -> list[tuple[str, Run]]:
    """The newest harvests with their source's name."""
    names = {source.id: source.name for source in sources.list_sources(connection)}
    return [(names.get(run.source_id, "?"), run) for run in harvests.runs(connection, limit=5)]


@dataclass(frozen=True)
class Conflict:
    """A registry that we harvest claims an authority which another one manages: its records of it are not taken."""

    source: str
    authority: str
    holder: str


def conflicts(connection: Connection) -> list[Conflict]:
    """Every second claim to an authority."""
    return [
        Conflict(source.name, name, holder)
        for source in sources.list_sources(connection)
        for name in source.managed_authorities
        if (holder := authorities.holder(connection, name)) not in ("", source.registry.lower())
    ]


def _of_shelf(connection: Connection) -> tuple[int, int, int, int]:
    return (listing.count(connection, Range(listing.MANAGED)), listing.count(connection, Range()), _services(connection),
            len(catalogue.offers(connection)))


def _services(connection: Connection) -> int:
    """Own active services that are not the founding records of this registry itself."""
    query = (
        select(func.count())
        .select_from(records)
        .where(
            records.c.managed.is_(True),
            records.c.status == "active",
            records.c.type.in_(("vs:CatalogService", "vs:DataService", "vs:CatalogResource", "vr:Service")),
            ~records.c.key.endswith("/runner"),
            records.c.key != literal("ivo://").concat(records.c.authority).concat("/tap"),
            ~records.c.key.contains("/app/"),
        )
    )
    return connection.execute(query).scalar_one()
