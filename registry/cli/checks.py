"""What `registry doctor` looks at: each thing the service leans on, with a verdict and one sentence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from registry import schema
from registry.cli import checks_of_state as state
from registry.cli.checks_of_state import FAIL, PASS, WARN
from registry.errors import Refusal
from registry.fetch import FetchError
from registry.oidc import checking
from registry.records import authorities, listing, moving
from registry.serve import base_url_fault
from registry.site import Site

LEAST_DISK = 2**30  # bytes


@dataclass(frozen=True)
class Check:
    """One thing looked at: verdict pass, warn or fail, and what was found."""

    name: str
    verdict: str
    words: str


def checks(site: Site) -> list[Check]:
    """All checks, in the order in which things lean on each other."""
    known = not schema.state(site.database).pending  # else the tables are not as this program has them
    looks: tuple[tuple[str, Callable[[Site], tuple[str, str]]], ...] = (
        ("database", _database), ("schema", state.schema_state),
        *((("founding", _founding), ("clock", state.the_clock), ("processes", state.processes)) if known else ()),
        ("disk", _disk), ("permissions", state.permissions), ("data", _data), ("base URL", _base_url),
        ("Docker engine", _engine), ("Docker repository", _repository), ("firewall", _firewall),
        ("log-in", _login),
    )
    return [Check(name, *look(site)) for name, look in looks]


def _database(site: Site) -> tuple[str, str]:
    try:
        with site.database.write() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError as error:
        return FAIL, f"the {site.database.name} cannot be written: {str(error).splitlines()[0]}"
    return PASS, f"the {site.database.name} answers and can be written"


def _founding(site: Site) -> tuple[str, str]:
    with site.database.read() as connection:
        name = authorities.our_registry(site.settings.authority) if site.settings.authority else ""
        published = name and listing.offered(connection, name)
    if not published:
        return FAIL, "the founding records are not there: `registry init` publishes them"
    old = moving.old_base(site)
    if old:
        return FAIL, f"{name} says {old}, and base_url {site.settings.base_url}: `registry init --yes` moves our records"
    return PASS, f"{name} is published"


def _disk(site: Site) -> tuple[str, str]:
    free = shutil.disk_usage(site.settings.instance).free
    words = f"{free / 2**30:.1f} GiB free in {site.settings.instance}"
    return (PASS, words) if free > LEAST_DISK else (FAIL, words + f": less than {LEAST_DISK / 2**30:.0f} GiB")


def _data(site: Site) -> tuple[str, str]:
    folders = {name: one.path for name, one in site.settings.data.items() if one.path is not None}
    missing = sorted(name for name, path in folders.items() if not path.is_dir())
    if missing:
        return FAIL, f"the folders of {', '.join(missing)} are not there: applications that need them are refused"
    closed = sorted(name for name, path in folders.items() if path.stat().st_mode & 0o005 != 0o005)
    if closed:
        return WARN, f"the folders of {', '.join(closed)} are not open to others (o+rx): jobs, which are uid 65534, read nothing"
    return PASS, f"data sets that jobs may ask for: {', '.join(sorted(site.settings.data)) or 'none'}"


def _base_url(site: Site) -> tuple[str, str]:
    fault = base_url_fault(site)
    return (WARN, fault) if fault else (PASS, f"{site.settings.base_url} leads here")


def _engine(site: Site) -> tuple[str, str]:
    from registry.executor.docker_runtime import DockerRuntime  # docker is heavy

    try:
        engine = DockerRuntime(site.settings.docker_host).describe()
    except Exception as error:  # whatever an engine may do wrong is what is asked here
        return FAIL, f"{error}"
    return PASS, f"{engine.name} {engine.version}, {engine.cores} cores"


def _repository(site: Site) -> tuple[str, str]:
    url = f"http://{site.settings.repository}/v2/"
    try:
        status = site.fetcher.get(url).status
    except (FetchError, Refusal) as error:
        return FAIL, str(error)
    return (PASS, f"{url} answers") if status in (200, 401) else (FAIL, f"{url} answers with status {status}")


def _login(site: Site) -> tuple[str, str]:
    if site.settings.oidc is None:
        return PASS, "by names and passwords of this site"
    found = checking.look(site)
    if found.fault:
        return FAIL, found.fault
    if found.warnings:
        return WARN, "; ".join(found.warnings)
    return PASS, f"by {site.settings.oidc.issuer} too, which answers as a log-in needs"


def _firewall(site: Site) -> tuple[str, str]:
    if not site.settings.firewall:
        return WARN, "it is switched off: a job of profile dc reaches whatever listens on all of this host's addresses"
    if os.geteuid() != 0:
        return WARN, ("the worker is not root and cannot bar jobs from this host's other ports: let services listen on "
                      "127.0.0.1 only")
    if not shutil.which("iptables"):
        return FAIL, "iptables is not installed: jobs of profile dc are not barred from this host's other ports"
    return PASS, "the worker bars jobs from every port but the gateway's"
