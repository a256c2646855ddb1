"""One application as its page and its JSON show it: versions and their fate, contract, image, who vouches, how it is run."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from registry.applications import catalogue, seen
from registry.applications.catalogue import Entry, Offer
from registry.applications.contract import Contract, Parameter
from registry.applications.repository import Image
from registry.applications.seen import Seen
from registry.config import Settings
from registry.errors import Refusal
from registry.records import store
from registry.site import Site
from registry.tables import sources
from vosi import resource, xmlio

_OCI = "org.opencontainers.image."
_EXAMPLES: dict[str, Callable[[Parameter], str]] = {  # a value of each type that is within the bounds
    "string": lambda one: "...", "boolean": lambda one: "true",
    "integer": lambda one: f"{one.low if one.low is not None else one.high if one.high is not None else 1:.0f}",
    "real": lambda one: f"{one.low if one.low is not None else one.high if one.high is not None else 1:g}",
}
_LABELS = {"authors": "Authors", "licenses": "Licence", "documentation": "Documentation", "source": "Source"}


@dataclass(frozen=True)
class Version:
    """One version: on offer, or why not (`barred`); `missing` that its repository has it no longer."""

    app: str
    version: str
    image: str
    barred: str
    missing: str = ""

    @property
    def short_digest(self) -> str:
        """As much of the digest as tells images apart."""
        return self.image.partition("@")[2][:19]


@dataclass(frozen=True)
class Application:
    """An application with one of its versions looked at more closely."""

    entry: Entry
    description: str
    publisher: str
    vouched: str
    versions: tuple[Version, ...]
    image: Image | None
    asked: tuple[tuple[str, str], ...]  # what it asks for of each limit, and what this site gives at most

    @property
    def labels(self) -> list[tuple[str, str]]:
        """What the image says of itself, for people."""
        labels = self.image.labels if self.image else {}
        return [(words, labels[_OCI + key]) for key, words in _LABELS.items() if labels.get(_OCI + key)]

    @property
    def example(self) -> dict[str, str]:
        """A value for each parameter that has a default or must be given: what a first run may be made with."""
        contract = self.entry.contract or Contract()
        return {one.name: str(one.default) if one.default else _sample(one) for one in contract.parameters
                if one.required or one.default}

    def as_json(self) -> dict[str, Any]:
        """The application as a JSON document."""
        image = self.image
        return {
            **self.entry.as_json(), "description": self.description, "publisher_name": self.publisher,
            "vouched_for_by": self.vouched, "platforms": list(image.platforms) if image else [],
            "size": image.size if image else None, "created": image.created if image else "",
            "versions": [dict(vars(one)) for one in self.versions], "example": self.example,
        }


def application(site: Site, app: str) -> Application:
    """The application that `app` names, as APP= does. It asks no repository. Raises NoApplication, NotOffered."""
    with site.database.read() as connection:
        offer = catalogue.pick(connection, app)
        record = store.get(connection, offer.ivoid)
        assert record is not None  # the offer is read from it
        known = catalogue.kept(connection, Seen(offer.image, "", offer.version, seen.APPROVED))
        every = catalogue.versions_of(connection, offer.ivoid)
        decided = seen.of_application(connection, offer.ivoid, seen.REJECTED, seen.RETRACTED, seen.VULNERABLE)
        named = select(sources.c.name).where(sources.c.id == record.source_id)
        source = str(connection.execute(named).scalar() or "") if record.source_id else ""
    image, contract = known or (None, None)
    summary = resource.summarise(xmlio.parse(record.xml))
    return Application(
        Entry(offer, _refusal(site, offer), contract), summary.description, _publisher(record.xml),
        _vouched(site.settings, offer, source), _versions(every, decided), image, _asked(site.settings, contract))


def command(described: Application) -> str:
    """The line that runs it at a shell."""
    given, files = _examples(described)
    words = [f"{name}={value}" for name, value in given.items()]
    words += [part for name in files for part in ("--file", f"{name}={name}")]
    return shlex.join(["registry", "run", described.entry.offer.name, *words, "--wait"])


def curl(site: Site, described: Application) -> str:
    """The request that runs it, as UWS 1.1 has it."""
    given, files = _examples(described)
    line = ["curl", "-L", *([] if site.settings.anonymous_jobs else ["-H", "Authorization: Bearer TOKEN"])]
    for name, value in {"APP": described.entry.offer.name, **given, "PHASE": "RUN"}.items():
        line += ["--form-string", f"{name}={value}"] if files else ["--data-urlencode", f"{name}={value}"]
    for name in files:
        line += ["-F", f"{name}=@{name}"]
    return shlex.join([*line, site.settings.url("jobs")])


def snippet(site: Site, described: Application) -> str:
    """A Python program that runs it with pyvo, whose client of TAP jobs is one of all UWS jobs."""
    given, files = _examples(described)
    opened = "".join(f', "{name}": open("{name}", "rb")' for name in files)
    lines = [
        "import requests", "from pyvo.dal import AsyncTAPJob", "", "session = requests.Session()",
        *([] if site.settings.anonymous_jobs else ['session.headers["Authorization"] = "Bearer TOKEN"']),
        f"made = session.post({site.settings.url('jobs')!r},",
        f"    data={({'APP': described.entry.offer.name} | given)!r}{',' if files else ')'}",
        *([f"    files={{{opened[2:]}}})"] if files else []),
        "made.raise_for_status()", "job = AsyncTAPJob(made.url, session=session, delete=False)", "job.run().wait()",
        "job.raise_if_error()", "for result in job.job.results:", "    print(result.id_, result.href)",
    ]
    return "\n".join(lines) + "\n"


def _examples(described: Application) -> tuple[dict[str, str], list[str]]:
    """What has to be given: parameters with a value each that may be one, and the names of inputs."""
    contract = described.entry.contract or Contract()
    given = {one.name: _sample(one) for one in contract.parameters if one.required}
    return given, [one.name for one in contract.inputs if one.multiplicity.startswith("1")]


def _sample(one: Parameter) -> str:
    return one.choices[0] if one.choices else _EXAMPLES[one.type](one)


def _refusal(site: Site, offer: Offer) -> str:
    try:
        catalogue.allowed(site, offer)
    except Refusal as error:
        return str(error)
    return ""


def _versions(every: list[Offer], decided: list[Seen]) -> tuple[Version, ...]:
    found = {one.image: Version(one.name, one.version, one.image, one.barred, one.missing) for one in every}
    for one in reversed(decided):
        found.setdefault(one.reference, Version(one.app, one.version, one.reference, one.barred))
    return tuple(found.values())


def _publisher(xml: bytes) -> str:
    return (xmlio.parse(xml).findtext("{*}curation/{*}publisher") or "").strip()


def _vouched(settings: Settings, offer: Offer, source: str) -> str:
    """Who stands for it: we do, or the registry of its authority, from which it was harvested."""
    if offer.record_origin == store.OWN:
        return f"{settings.title}, this datacenter"
    place = f", harvested from {source}" if source else ", harvested"
    accepted = "accepted" if offer.publisher_authority in settings.publishers else "not accepted"
    return f"the authority {offer.publisher_authority}{place}; as a publisher it is {accepted} here"


def _asked(settings: Settings, contract: Contract | None) -> tuple[tuple[str, str], ...]:
    if contract is None:
        return ()
    units = {"cores": ("cores", 1), "memory": ("MiB of memory", 2**20), "disk": ("MiB of results", 2**20), "time": ("s", 1)}
    found = []
    for key, (words, size) in units.items():
        wanted, most = getattr(contract.resources, key), settings.most(key)
        own = f"{wanted / size:g} {words}" if wanted else f"{settings.given(key) / size:g} {words}, since it does not say"
        found.append((own, f"{most / size:g} {words} at most here" + (": more than this site gives" if wanted > most else "")))
    return tuple(found)
