"""What an attempt finds in its container (decision D13): its folders laid out, its token, and the container to be made.

    <instance>/staging/<job>-<attempt>/  datacenter/  job/  results/  log-cursor.json
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from registry import data_sets
from registry.applications import contract as contracts, parameters as declared
from registry.executor import runtime, sandbox, tree
from registry.executor.runtime import EngineRefuses, Limits, Mount, Network, Spec
from registry.records import store as shelf
from registry.services import inner
from registry.site import Site
from registry.uws import files, record, store
from registry.uws.store import Job

DATACENTER, JOB, RESULTS, DATA = "/datacenter", "/job", "/results", "/data"
NONE, DC = "none", "dc"  # network profiles
_LIMITS = ("cores", "memory", "processes", "disk", "log")


class DataAbsent(EngineRefuses):
    """A data set that the job was granted is not there any more: no container is made."""


def profile(job: Job) -> str:
    """The job's network profile: `none`, or `dc` where its contract says so."""
    return DC if job.contract.get("network") == DC else NONE


def home(site: Site) -> str:
    """A mark on the containers of this very instance: two datacenters may bear the same name on one engine."""
    return hashlib.sha256(b"home" + site.secret).hexdigest()[:12]


def container(site: Site, job: Job) -> str:
    """The name of the present attempt's container (decision D16)."""
    return f"innerspace-{site.settings.engine_name}-{job.id}-{job.attempt}"


def network(site: Site) -> str:
    """The name of the network of profile `dc`."""
    return f"innerspace-{site.settings.engine_name}-dc"


def folder(site: Site, job: Job) -> Path:
    """The folder of the present attempt."""
    return site.settings.instance / "staging" / f"{job.id}-{job.attempt}"


def results(site: Site, job: Job) -> Path:
    """The folder that the container writes its results to."""
    return folder(site, job) / "results"


def cursor(site: Site, job: Job) -> Path:
    """The file that says how far the log has come."""
    return folder(site, job) / "log-cursor.json"


def limits(site: Site, job: Job) -> Limits:
    """The job's limits, none above the site's: what is in the row is not trusted to be."""
    settings = site.settings
    return Limits(**{name: min(job.limits.get(name) or settings.given(name), settings.most(name)) for name in _LIMITS})


def lacking(site: Site, job: Job) -> str:
    """Why the job cannot do its work in this datacenter now, in a sentence; '' where it can."""
    if profile(job) != DC:
        return ""
    with site.database.read() as connection:
        return inner.lacking(connection, inner.required(job.contract))


def prepare(site: Site, job: Job) -> str:
    """Lay out the attempt's folder anew; gives back the hash of its token, for the row. Raises OSError."""
    place = folder(site, job)
    tree.remove(place)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("datacenter", "job/inputs", "results"):
        (place / name).mkdir(parents=True)
    with site.database.read() as connection:
        parameters = store.parameters(connection, job.id)
        routes = inner.routes(connection, site.settings, inner.required(job.contract)) if profile(job) == DC else []
        told = [_endpoint(connection, route) for route in routes]
    record.keep_endpoints(site, job.id, told)
    capabilities, apis = inner.documents(routes)
    token = secrets.token_urlsafe(32)
    _write(place / "datacenter/capabilities.xml", capabilities)
    _write(place / "datacenter/apis.json", apis)
    _write(place / "job/parameters.json", _parameters(job, parameters))
    _write(place / "job/token", token.encode())
    _link_inputs(files.inputs(site, job.id), place / "job/inputs")
    for path in (place / "datacenter", place / "job", place / "job/inputs"):
        path.chmod(0o755)
    _give_away(place / "results")
    return hashlib.sha256(token.encode()).hexdigest()


def spec(site: Site, job: Job, dc: Network | None) -> Spec:
    """The container of the present attempt; `dc` is the network of a job that has that profile. Raises DataAbsent."""
    place = folder(site, job)
    return Spec(
        name=container(site, job), image=job.image,
        labels={runtime.INSTANCE: site.settings.engine_name, runtime.JOB: job.id, runtime.ATTEMPT: str(job.attempt),
                runtime.HOME: home(site)},
        environment={"DATACENTER_DIR": DATACENTER, "JOB_DIR": JOB, "RESULTS_DIR": RESULTS, "JOB_ID": job.id},
        mounts=(Mount(place / "datacenter", DATACENTER), Mount(place / "job", JOB),
                Mount(place / "results", RESULTS, writable=True), *(_data(site, name) for name in job.data)),
        limits=limits(site, job),
        network=network(site) if dc else NONE,
        hosts={inner.HOST: dc.gateway} if dc else {},
    )


def _data(site: Site, name: str) -> Mount:
    """A data set of the site as the job sees it; it may have gone, or lead elsewhere, since the job was made."""
    one = site.settings.data.get(name)
    if one is None:
        raise DataAbsent(f"This datacenter no longer has the data set {name}, which the job was to read.")
    if one.path is None:
        return Mount(Path(), f"{DATA}/{name}", volume=one.volume)
    fault = data_sets.fault({name: one}, site.settings.instance, site.settings.docker_host)
    if fault or not one.path.is_dir():
        raise DataAbsent(f"The data set {name} cannot be read by the job: "
                         f"{fault or 'its folder is missing on this machine'}.")
    return Mount(one.path.resolve(), f"{DATA}/{name}", shared=True)


def _endpoint(connection: Connection, route: inner.Route) -> dict[str, Any]:
    """What the run record says of an API that the job may use."""
    found = shelf.get(connection, route.endpoint.ivoid)
    return {"ivoid": route.endpoint.ivoid, "standardID": route.endpoint.standard_id, "url": route.endpoint.access_url,
            "record_version": found.version if found else None}


def _parameters(job: Job, parameters: Sequence[store.Parameter]) -> bytes:
    pairs = [(one.name, one.value) for one in parameters if not one.by_reference]
    document = declared.document(contracts.read(job.contract), pairs)
    return json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8")


def _link_inputs(source: Path, target: Path) -> None:
    if source.is_dir():
        for path in sorted(source.iterdir()):
            if path.is_file() and not path.is_symlink():
                files.link(path, target / path.name)  # mounted read-only: the job cannot change what others share
                (target / path.name).chmod(0o444)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o444)


def _give_away(path: Path) -> None:
    """Let the container's user write there; what is above it lets nobody in but us.

    Whom it is on this machine only an engine that maps users (userns-remap, rootless) knows.
    """
    with contextlib.suppress(PermissionError):  # we are not root
        os.chown(path, sandbox.USER, sandbox.USER)
    path.chmod(0o777)
