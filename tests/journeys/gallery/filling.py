"""Fills a datacenter so that every page has something to show: records, sources, images, jobs, health, things that went wrong.

What harvests and repositories bring comes over real ones, on loopback; jobs and looks at services are written into the tables,
so that no engine is needed and a day of them takes no day.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import delete, insert, select

from registry import access, clock, create_app
from registry.applications import catalogue, watching
from registry.harvest import harvester, lease, sources, store as harvests
from registry.records import drafting, founding, publish
from registry.schema import upgrade
from registry.services import local
from registry.site import Site, open_site
from registry.tables import (
    harvest_problems,
    harvest_runs,
    health,
    job_parameters,
    job_phases,
    job_results,
    jobs,
    quarantine,
    rr_interface,
    sources as source_rows,
)
from registry.uws import files
from tests.applications.conftest import Pusher
from tests.conftest import ROOT
from tests.oai.serving import loopback, serving
from vosi.capabilities import Capability, Interface
from vosi.resource import Draft, compose

PASSWORD = "correct horse battery"
SHOWN_JOB = "starsoftonight000001"
HR = {"contract": "1.0", "network": "dc", "requires": ["ivo://ivoa.net/std/ConeSearch"], "parameters": [
    {"name": "max_magnitude", "type": "real", "unit": "mag", "ucd": "phot.mag", "min": -2, "max": 30, "default": 12,
     "description": "Faintest magnitude to take."},
    {"name": "band", "choices": ["B", "V", "R"], "default": "V", "description": "Of the magnitude."},
    {"name": "title", "description": "What stands above the diagram."}],
    "inputs": [{"name": "targets", "media_types": ["text/csv"], "description": "Stars of your own."}]}
# key, title, what it is, subjects, waveband, standards
SERVICES = (
    ("stars", "Bright stars of the north", "Positions, magnitudes and colours of 9,110 stars brighter than magnitude 6.5.",
     ("bright-stars", "photometry"), "Optical", ("ConeSearch",)),
    ("plates", "Plate archive 1934-1978", "Scanned photographic plates of the 1.2 m telescope, with their observing logs.",
     ("photographic-plates", "surveys"), "Optical", ("SIA#query-2.0", "TAP")),
    ("spectra", "Spectra of variable stars", "Low-resolution spectra of Cepheids and RR Lyrae stars, taken since 2008.",
     ("variable-stars", "spectroscopy"), "Optical", ("SSA",)),
    ("pulsars", "Pulsar timing", "Times of arrival of 212 pulsars at 1.4 GHz.", ("pulsars", "radio-astronomy"), "Radio",
     ("TAP", "ConeSearch")),
    ("quasars", "Quasars behind clusters", "Redshifts and fluxes of quasars seen through rich clusters of galaxies.",
     ("quasars", "galaxy-clusters"), "X-ray", ("ConeSearch", "TAP")),
)
NEIGHBOURS = ("South Observatory", "South sky survey", "Exoplanet transits of the south", "Light curves of Cepheids",
              "Radio continuum maps", "Catalogue of globular clusters")


def filled(folder: Path, url: str, images: str) -> Site:
    """The datacenter, whose images are in the Docker repository `images`; whoever asks closes it."""
    site = open_site(folder / "north", authority="north.example", title="North Observatory", base_url=url,
                     admin_email="ops@north.example", instance_name="gallery",
                     allowed_networks=["127.0.0.0/8"], repository=images)
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North Observatory", url, email="ops@north.example"), "ada")
    with site.database.write() as connection:
        for name, role in (("ada", "administrator"), ("grace", "publisher"), ("henrietta", "runner"), ("visitor", "reader")):
            access.create_account(connection, name, PASSWORD, role)
        access.create_token(connection, "ada", "nightly export")
    _describe(site)
    with _neighbour(folder) as address:
        _harvest(site, address)
    _offer(site, Pusher(images), images)
    _work(site)
    _look(site)
    local.follow(site)
    return site


def _draft(key: str, title: str, description: str, authority: str, **more: Any) -> bytes:
    stamp = clock.stamp()
    return compose(Draft(**{
        "type": "vs:CatalogService", "ivoid": f"ivo://{authority}/{key}", "title": title, "created": stamp, "updated": stamp,
        "description": description, "reference_url": f"http://{authority}/{key}",
        "publisher": f"{authority.partition('.')[0].title()} Observatory",
        "contact_name": "Operators", "contact_email": f"ops@{authority}", "subjects": ("surveys",),
        **more}))


def _capability(standard: str, key: str) -> Capability:
    return Capability(f"ivo://ivoa.net/std/{standard}", interfaces=(Interface(
        access_url=f"http://{key}.inner/{standard.partition('#')[0].lower()}", url_use="base", role="std"),))


def _describe(site: Site) -> None:
    for key, title, description, subjects, band, standards in SERVICES:
        xml = _draft(key, title, description, "north.example", subjects=subjects,
                     capabilities=tuple(_capability(one, key) for one in standards))
        xml = xml.replace(b"</ri:Resource>", f"<coverage><waveband>{band}</waveband></coverage></ri:Resource>".encode())
        publish.publish(site, xml, who="grace", why="first description")
    changed = _draft("stars", "Bright stars of the north", "Positions, magnitudes and colours of 9,128 stars.", "north.example",
                     subjects=("bright-stars", "photometry"), capabilities=(_capability("ConeSearch", "stars"),))
    publish.publish(site, changed, who="ada", why="18 stars more")
    comets = _draft("comets", "Comets since 1900", "Orbits of comets.", "north.example")
    drafting.save_draft(site, comets, who="grace", expected=0)


@contextmanager
def _neighbour(folder: Path) -> Iterator[str]:
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    south = open_site(folder / "south", authority="south.example", title="South Observatory", base_url=url)
    upgrade(south.database)
    founding.found(south, founding.Founding("south.example", "South Observatory", url, email="ops@south.example"), "test")
    for number, title in enumerate(NEIGHBOURS):
        spoken = _capability(("TAP", "ConeSearch", "SIA")[number % 3], f"r{number}")
        publish.publish(south, _draft(f"r{number}", title, f"{title}, as the south has it.", "south.example",
                                      capabilities=(spoken,)), who="test")
    with serving(create_app(south), bound):
        yield url
    south.close()


def _harvest(site: Site, address: str) -> None:
    """The neighbour, harvested for real; an archive that has failed since yesterday; and what was not taken from it."""
    south = sources.add(site, address + "oai", owner="ada")
    with lease.held(site, "gallery") as ours:
        assert ours
        with site.database.write() as connection:
            asked = harvester.ask(connection, south.id, full=True, who="ada")
        done = harvester.run(site, asked.id, "gallery")
    assert done is not None and done.state == harvests.COMPLETE, done
    now = clock.now()
    ago = lambda hours: clock.stamp(now - timedelta(hours=hours))  # noqa: E731 - a word for the rows below
    with site.database.write() as connection:
        connection.execute(insert(source_rows).values(
            id=2, name="far.example", url="http://far.example/oai", registry="ivo://far.example/registry", interval=12 * 3600,
            next_run=ago(-3), created=ago(900), since=ago(30), health="failing", owner="grace",
            managed_authorities=["far.example", "south.example"]))
        runs: tuple[tuple[float, str, dict[str, Any]], ...] = (
                (78, "complete", {"new": 310, "updated": 12, "pages": 4}),
                (54, "complete", {"new": 4, "updated": 40, "pages": 1}),
                (30, "complete", {"updated": 9, "unchanged": 20, "rejected": 2, "pages": 1}),
                (6, "failed", {"message": "http://far.example/oai does not answer: the connection was refused."}))
        for number, (hours, state, values) in enumerate(runs, 2):
            connection.execute(insert(harvest_runs).values(
                id=number, source_id=2, state=state, started=ago(hours), ended=ago(hours - 0.1), **values))
        for number, reason in enumerate(("Its identifier belongs to south.example, which another registry manages.",
                                         "It is not XML: mismatched tag in line 12."), 1):
            kept = connection.execute(insert(quarantine).values(
                source_id=2, run_id=4, ivoid=f"ivo://far.example/cat{number}", digest=str(number), reason=reason,
                raw=b"<ri:Resource>...", at=ago(30), state="open").returning(quarantine.c.id)).scalar_one()
            connection.execute(insert(harvest_problems).values(
                run_id=4, ivoid=f"ivo://far.example/cat{number}", reason=reason, quarantine_id=kept))


def _offer(site: Site, pusher: Pusher, address: str) -> None:
    """Two applications on offer, a newer version and a faulty image waiting."""
    title = "Hertzsprung-Russell diagram"
    pusher.application("hr-diagram", "1.0", HR, title=title, description="Colours and magnitudes of the stars around.")
    pusher.application("light-curve", "2.1", {"contract": "1.0", "network": "none"}, title="Period of a light curve")
    for name in ("hr-diagram:1.0", "light-curve:2.1"):
        catalogue.register(site, f"{address}/{name}", who="grace")
    pusher.application("hr-diagram", "1.1", {**HR, "parameters": HR["parameters"][:2]}, title=title)
    pusher.push("broken", "1", {"innerspace.application": "{"})
    watching.begin(site, address, who="ada")
    watching.look(site, address)


def _work(site: Site) -> None:
    """A day of jobs; one of them with its results."""
    with site.database.read() as connection:
        offer = catalogue.pick(connection, "hr-diagram")
    dice, now = Random(1), clock.now()
    with site.database.write() as connection:
        for number in range(40):
            begun = now - timedelta(minutes=dice.randrange(20, 1400))
            phase = dice.choice(("COMPLETED",) * 6 + ("ERROR", "ABORTED")) if number > 2 else "QUEUED" if number else "EXECUTING"
            owner = dice.choice(("henrietta", "ada"))
            _job(connection, f"job{number:017d}", begun, phase, offer, run_id=f"night {number}", owner=owner)
        _job(connection, SHOWN_JOB, now - timedelta(minutes=12), "COMPLETED", offer, run_id="stars of tonight", owner="ada")
        _results(site, connection)


def _job(connection: Any, number: str, begun: datetime, phase: str, offer: Any, **values: Any) -> None:
    done, began = phase in ("COMPLETED", "ERROR", "ABORTED"), phase != "QUEUED"
    moments = {"PENDING": begun, "QUEUED": begun + timedelta(seconds=0.1), **(
        {"EXECUTING": begun + timedelta(seconds=1)} if began else {}), **({phase: begun + timedelta(seconds=48)} if done else {})}
    stamps = {one: clock.fine_stamp(at) for one, at in moments.items()}
    connection.execute(insert(jobs).values(
        id=number, phase=phase, application=offer.ivoid, application_version=offer.version, image=offer.image,
        created=stamps["PENDING"], queued=stamps["QUEUED"], started=stamps.get("EXECUTING"),
        ended=stamps[phase] if done else None,
        execution_duration=600, destruction=clock.fine_stamp(begun + timedelta(days=30)), contract=HR,
        exit_code={"COMPLETED": 0, "ERROR": 3}.get(phase), attempt=int(began), node="north-1",
        error="no star is brighter than magnitude -2" if phase == "ERROR" else None,
        error_type="fatal" if phase == "ERROR" else None, **values))
    connection.execute(insert(job_phases), [{"job_id": number, "phase": one, "at": at} for one, at in stamps.items()])


def _results(site: Site, connection: Any) -> None:
    place = files.folder(site, SHOWN_JOB)
    (place / "files").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "pictures" / "north.svg", place / "files" / "hr-diagram.svg")
    (place / "files" / "classes.csv").write_text("class,stars\nmain sequence,1204\ngiant,310\nwhite dwarf,7\n")
    (place / "stdout").write_text("asking http://dc.internal/stars\n1521 stars\ndiagram written\n")
    (place / "stderr").write_text("")
    listed = (("hr-diagram", "files/hr-diagram.svg", "image/svg+xml"), ("classes", "files/classes.csv", "text/csv"),
              ("stdout", "stdout", "text/plain"), ("stderr", "stderr", "text/plain"))
    for position, (name, path, kind) in enumerate(listed):
        body = (place / path).read_bytes()
        connection.execute(insert(job_results).values(
            job_id=SHOWN_JOB, id=name, position=position, path=path, size=len(body), media_type=kind,
            sha256=hashlib.sha256(body).hexdigest()))
    for name, value in (("max_magnitude", "8"), ("band", "V"), ("title", "Stars of tonight")):
        connection.execute(insert(job_parameters).values(job_id=SHOWN_JOB, name=name, value=value, by_reference=False))


def _look(site: Site) -> None:
    """Health of services as it was looked at, and changes of records over two weeks."""
    dice, now = Random(2), clock.now()
    with site.database.write() as connection:
        addresses = connection.execute(select(rr_interface.c.ivoid, rr_interface.c.access_url).where(
            rr_interface.c.access_url.like("http://%.inner/%"), rr_interface.c.ivoid.like("ivo://north.example/%"))).all()
        connection.execute(delete(health))
        for number, (key, url) in enumerate(addresses):
            down = number in (2, 5)
            recent = [None if down and at > 50 else dice.randrange(4, 400) for at in range(60)]
            connection.execute(insert(health).values(
                key=key, url=url, ivoid=key, asked="availability", state="down" if down else "up", failures=9 if down else 0,
                since=clock.stamp(now - timedelta(hours=1 if down else 200)), seen=clock.stamp(), recent=recent,
                millis=None if down else recent[-1], message="It does not answer: the connection was refused." if down else ""))
