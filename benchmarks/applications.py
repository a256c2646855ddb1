"""How fast `where` answers over 200 runners and 5,000 services, and what a run elsewhere costs over the same run made there.

The limit of `where` is the same waitress answering a constant; that of a remote run the same application sent straight to the
far datacenter, in the same run and by turns.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert

from applications.demo.datacenter import Datacenter, Wiring
from benchmarks import datacenters
from benchmarks.figures import Figure, percentile, timed
from benchmarks.inner import CONSTANT, OURS, _Process as Process
from benchmarks.scale import FOLDER, ROUNDS
from benchmarks.serving import free_port
from benchmarks.station import Caller, station
from registry import clock
from registry.records import publish, store
from registry.site import Site
from registry.tables import images, runners
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface
from vosi.resource import Draft, compose

RUNNERS, SERVICES, OWN, APPLICATIONS = 200, 5_000, 1_000, 20
STANDARDS = 100  # of services; each datacenter speaks a quarter of them
ASKED = 200  # in a round
RUNS = 11
PUBLISHER = "publisher.example"
_SOURCE = Path(__file__).resolve().parents[1]
_NEEDED = 3  # standards of an application
_MADE = "2026-01-01T00:00:00Z"


def figures() -> Iterator[Figure]:
    """The two."""
    yield from _where(_filled())
    yield from _remote()


def _where(instance: Path) -> Iterator[Figure]:
    paths = [f"/where.json?app=ivo://{PUBLISHER}/app/a{number}&depth={number % 9 + 1}" for number in range(APPLICATIONS)]
    with Process(CONSTANT, instance) as constant, Process(OURS, instance) as ours:
        mine, theirs = ours.client(), constant.client()
        mine.get(paths[0])  # the first request of all loads what Flask loads late
        answered: list[float] = []
        limit: list[float] = []
        for _ in range(ROUNDS):
            answered += [mine.get(paths[number % APPLICATIONS]) * 1000 for number in range(ASKED)]
            limit += [theirs.get("/constant") * 1000 for _ in range(ASKED)]
    for share in (50, 99):
        yield Figure(f"where, {RUNNERS} runners, {SERVICES:,} services, p{share}", percentile(answered, share),
                     percentile(limit, share), "ms", "a constant", target="<= 20" if share == 99 else "")


def _remote() -> Iterator[Figure]:
    """From the request to the results, at both ends by turns; the far one answers the near one's requests as well."""
    with station(accepted_publishers="near.example", anonymous_jobs="true", allowed_networks="127.0.0.0/8") as far:
        application = far.application("nothing", "true")
        near = Datacenter(Wiring("near", "Near", "/", (), "/"), far.folder.parent / "near", {
            kind: free_port() for kind in ("web", "catalogue", "gateway")})
        near.found({"repository": application.image.partition("/")[0], "running_jobs": "4"})
        try:
            near.start()
            near.registry("harvest", "add", f"http://127.0.0.1:{far.port}/oai", "--name", "far")
            near.registry("harvest", "run", "far")
            near.registry("where", application.ivoid, "--now")
            token = near.registry("token", "add", "admin", "--label", "bench").split()[0]
            here, there = Caller(near.ports["web"]), far.caller()
            pairs = [(_there(there, application.ivoid), _elsewhere(here, near, token, application.ivoid)) for _ in range(RUNS)]
        finally:
            near.stop()
    direct, sent = (sorted(column)[RUNS // 2] * 1000 for column in zip(*pairs, strict=True))
    yield Figure("a run elsewhere costs, over the same run there", sent - direct, direct, "ms", "the run there", target="<= 300")


def _there(caller: Caller, application: str) -> float:
    return timed(lambda: _to_the_end(caller, caller.post("/jobs", APP=application, PHASE="RUN")))


def _elsewhere(caller: Caller, near: Datacenter, token: str, application: str) -> float:
    def run() -> None:
        body = json.dumps({"app": application, "at": "bench.example"}).encode()
        request = urllib.request.Request(f"{near.base_url}api/jobs", body, {
            "Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            path = urlsplit(answer.headers["Location"]).path
        _to_the_end(caller, path, {"Authorization": f"Bearer {token}"})

    return timed(run)


def _to_the_end(caller: Caller, path: str, headers: dict[str, str] | None = None) -> None:
    """Wait for the job's end, as a client does; raises SystemExit for any but a good one."""
    phase = ""
    while phase not in ("COMPLETED", "ERROR", "ABORTED", "HELD"):
        still = f"&PHASE={phase}" if phase in ("PENDING", "QUEUED", "EXECUTING") else ""
        document = caller.get(f"{path}?WAIT=60{still}", headers)
        phase = document["phase"]
    if phase != "COMPLETED":
        raise SystemExit(f"The job {path} is {phase}: {document.get('errorSummary') or document.get('jobInfo')}")


# --- the datacenter that is asked -------------------------------------------------------------------------------------


def _filled() -> Path:
    """A datacenter that knows all of them; kept as long as this file and the record's shape are the same."""
    texts = [(_SOURCE / name).read_bytes() for name in (
        "benchmarks/applications.py", "registry/tables/shelf.py", "registry/records/store.py", "registry/records/shelf_rows.py")]
    place = FOLDER / f"applications-{hashlib.sha256(b''.join(texts)).hexdigest()[:12]}"
    if (place / "filled").is_file():
        return place
    for old in FOLDER.glob("applications-*"):
        shutil.rmtree(old)
    print(f"(registering {RUNNERS} runners, {SERVICES:,} services, {APPLICATIONS} applications)", file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    site = datacenters.found(place)
    _fill(site)
    site.close()
    (place / "filled").touch()
    return place


def _fill(site: Site) -> None:
    with site.database.write() as connection:
        for number in range(OWN):
            publish.publish_in(connection, site, _service(datacenters.AUTHORITY, number), who="bench")
    each = (SERVICES - OWN) // RUNNERS
    for number, authority in enumerate(f"dc{number}.example" for number in range(RUNNERS)):
        with site.database.write() as connection:
            for xml in (_runner(authority), *(_service(authority, number + other) for other in range(each))):
                _put(connection, site, xml)
            connection.execute(insert(runners).values(
                key=f"ivo://{authority}/runner", url=f"https://{authority}/runner", read=clock.stamp(), fault="",
                offer=_offer(number, authority)))
    with site.database.write() as connection:
        for number in range(APPLICATIONS):
            reference = f"images.{PUBLISHER}/a{number}@sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"
            _put(connection, site, _application(number, reference))
            connection.execute(insert(images).values(
                reference=reference, contract=_contract(number), labels={}, size=1, platforms=["linux/amd64"],
                read=clock.stamp()))


def _put(connection: Connection, site: Site, xml: bytes) -> None:
    done = store.put(connection, site.schemas, xml, origin=store.HARVESTED, who="bench")
    if done.record is None:
        raise SystemExit(done.reason)


def _offer(number: int, authority: str) -> dict[str, Any]:
    """What a runner says: every second one accepts the publisher, every seventh has no such network."""
    return {
        "version": "1.0", "runner": f"ivo://{authority}/runner", "title": f"Datacenter {number}",
        "jobs": f"https://{authority}/jobs", "anonymous": True, "engine": {"kind": "docker", "working": True, "message": ""},
        "limits": {"cores": 4, "memory": 2**33, "processes": 512, "disk": 2**33, "log": 2**20, "time": 86400},
        "network_profiles": ["none", "dc"] if number % 7 else ["none"],
        "publishers": [authority, *([PUBLISHER] if number % 2 else []), *(f"dc{other}.example" for other in range(20))],
        "repositories": [f"images.{PUBLISHER}", f"images.{authority}"], "data": [{"name": "gaia", "title": "Gaia"}],
        "slots": {"total": 8, "free": number % 8, "queued": number % 3},
        "standards": sorted(_standard(number + other).lower() for other in range(STANDARDS // 4)), "standards_down": [],
    }


def _standard(number: int) -> str:
    return f"ivo://standards.example/std/kind{number % STANDARDS}#query-1.0"


def _service(authority: str, number: int) -> bytes:
    base = f"https://{authority}/s{number}"
    return _record(authority, f"service/{number}", (
        Capability(_standard(number), interfaces=(Interface(access_url=f"{base}/query", url_use="base", role="std"),)),
        Capability(ns.STD_VOSI_CAPABILITIES, interfaces=(Interface(access_url=f"{base}/capabilities", role="std"),))))


def _runner(authority: str) -> bytes:
    return _record(authority, "runner", (
        Capability(ns.STD_UWS, interfaces=(Interface(access_url=f"https://{authority}/jobs", role="std"),)),
        Capability(ns.STD_RUNNER, interfaces=(Interface(access_url=f"https://{authority}/runner", role="std"),))))


def _application(number: int, reference: str) -> bytes:
    host, _, name = reference.partition("/")
    name, _, digest = name.partition("@")
    return _record(PUBLISHER, f"app/a{number}", (Capability(ns.STD_APPLICATION, interfaces=(
        Interface(access_url=f"https://{host}/v2/{name}/manifests/{digest}#1.0", url_use="full", role="std"),)),))


def _contract(number: int) -> dict[str, Any]:
    return {"contract": "1.0", "parameters": [{"name": "depth", "type": "integer", "min": 1, "max": 9}], "network": "dc",
            "requires": [_standard(number * _NEEDED + other).partition("#")[0] for other in range(_NEEDED)],
            "resources": {"cores": 1, "memory": 2**28, "time": 600}}


def _record(authority: str, key: str, capabilities: tuple[Capability, ...]) -> bytes:
    return compose(Draft(
        type="vr:Service", ivoid=f"ivo://{authority}/{key}", title=f"{key} of {authority}", created=_MADE, updated=_MADE,
        publisher=authority, contact_name="Operators", contact_email=f"ops@{authority}", subjects=("tests",),
        description=f"The record {key} of {authority}.", reference_url=f"https://{authority}/", capabilities=capabilities))
