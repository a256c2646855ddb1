"""Describing a service by asking it: its VOSI documents become a record of ours.

`look` only reads; `register` reads and publishes. Every way in which that can fail is one sentence about the address.
What VOResource cannot hold of the documents is left out by `describing`, and said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from registry.errors import Refusal
from registry.fetch import Reply
from registry.records.store import Record
from registry.services import credentials, describing, oddities, versions, watches
from registry.services.describing import Wish
from registry.services.find import offered
from registry.services.health import first
from registry.services.standards.reading import known_ids
from registry.site import Site
from vosi import availability, capabilities, namespaces as ns, tables
from vosi.availability import Availability
from vosi.capabilities import Capability, Interface
from vosi.xmlio import XmlRefused

LARGEST = 5_000_000  # bytes of a capabilities or availability document
_TABLES_ANY = "ivo://ivoa.net/std/VOSI#tables"
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.I | re.S)
_T = TypeVar("_T")


class NotDescribed(Refusal):
    """Nothing at the address describes a service; the message says what is there."""


@dataclass(frozen=True)
class Found:
    """What a service says of itself: `url` is where its capabilities were, `problems` one sentence per fault or oddity.

    `tableset` is a document that `vosi.tables` has made ready for a record; None, like `availability`, where the
    capabilities list none or it could not be read. `validators` tell, for the address of each document that the record
    is made from, its ETag, Last-Modified and sha256.
    """

    url: str
    capabilities: tuple[Capability, ...]
    availability: Availability | None
    tableset: bytes | None
    problems: tuple[str, ...]
    validators: Mapping[str, list[str]] = field(default_factory=dict)


def look(site: Site, url: str, bearer: str = "") -> Found:
    """Read the service's documents: `url` is that of its VOSI capabilities, or one that has them at /capabilities.

    `bearer` is sent to the host of `url` alone. Raises FetchError, CredentialRefused or NotDescribed.
    """
    visit = _Visit(site, url.strip(), credentials.checked(bearer) if bearer else "")
    address, reading = _capabilities(visit)
    with site.database.read() as connection:
        spelt = known_ids(connection)
        spelt += set(offered(connection)) - {one.lower() for one in spelt}
    problems = [*reading.problems, *oddities.about(site.settings, visit.came_from.get(address, address), address,
                                                   reading.capabilities, spelt)]
    answer = _listed(visit, reading.capabilities, ns.STD_VOSI_AVAILABILITY, availability.read, problems)
    table_reading = _listed(visit, reading.capabilities, _TABLES_ANY, tables.read, problems)
    if table_reading is not None:
        problems += [f"Its tables: {fault}" for fault in table_reading.problems]
    tableset = table_reading.tableset if table_reading is not None else None
    kept = {url: list(value) for url, value in visit.validators.items()
            if url == address or tableset is not None and url == _address(reading.capabilities, _TABLES_ANY)}
    return Found(address, reading.capabilities, answer, tableset, tuple(dict.fromkeys(problems)), kept)


def register(
    site: Site, url: str, *, key: str, who: str, title: str = "", description: str = "",
    subjects: tuple[str, ...] = (), short_name: str = "", bearer: str = "",
) -> Record:
    """`look`, then publish what was found as ivo://<our authority>/<key>; `bearer` is kept as the site's credential.

    A record of that name is replaced where it describes a service. Raises what `look` and `register_found` raise.
    """
    wish = Wish(key=key, title=title, description=description, subjects=subjects, short_name=short_name)
    describing.name_of(site, key)  # a name that will not do is told before anybody is asked
    return register_found(site, look(site, url, bearer), wish, who=who, bearer=bearer)[0]


def register_found(site: Site, found: Found, wish: Wish, *, who: str, bearer: str = "") -> tuple[Record, list[str]]:
    """Publish what was found; the record, and one sentence for everything that it could not hold.

    Raises Conflict for a name that stands for something else, PublishRefused for a record that is not valid.
    """
    record, notes = describing.publish_described(
        site, wish, found.capabilities, found.tableset, who=who, why=f"imported from {found.url}")
    if bearer:
        credentials.set_bearer(site, record.ivoid, bearer)
    watches.begin(site, record, found.url, found.validators, [*found.problems, *notes])
    first.note(site, record, found.availability)
    return record, notes


# --- one visit --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Visit:
    """A site asks one service; the token goes to the host that was named and to no other."""

    site: Site
    url: str
    bearer: str
    came_from: dict[str, str] = field(default_factory=dict)  # address -> where its answer came from at last
    validators: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def get(self, url: str, limit: int | None = LARGEST) -> Reply:
        token = {"Authorization": f"Bearer {self.bearer}"} if self.bearer and same_host(url, self.url) else {}
        accept = {"Accept": "text/xml, application/xml, */*;q=0.5"}
        reply = self.site.fetcher.get(url, headers={**accept, **token}, limit=limit)
        self.came_from[url] = reply.url
        self.validators[url] = (
            reply.headers.get("etag", ""), reply.headers.get("last-modified", ""), hashlib.sha256(reply.body).hexdigest())
        return reply


def same_host(url: str, other: str) -> bool:
    """Whether both are at one scheme, host and port: what is meant for one may be sent to the other."""
    return urlsplit(url)[:2] == urlsplit(other)[:2]


class _NotThere(Exception):
    """What an address answers instead of the document, as the end of a sentence."""


def _capabilities(visit: _Visit) -> tuple[str, capabilities.Reading]:
    """The first of the likely addresses that has a capabilities document. Raises NotDescribed."""
    said = []
    for address in _addresses(visit.url):
        try:
            reading = _read(visit.get(address), capabilities.read, "capabilities")
            if reading.capabilities:
                return address, reading
            raise _NotThere(_as_end(reading.problems[0]) if reading.problems else "lists no capability")
        except _NotThere as error:
            said.append(f"{address} {error}")
    raise NotDescribed(f"No VOSI capabilities were found: {'; '.join(said)}: give the address of that document.")


def _addresses(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if not parts.path.rstrip("/").lower().endswith("/capabilities"):
        yield urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/capabilities", "", ""))
    yield url


def _as_end(problem: str) -> str:
    """A sentence of `vosi.capabilities` about 'it', as the end of one about an address."""
    return problem.removeprefix("It ").removesuffix(".")


def _read(reply: Reply, read: Callable[[bytes], _T], what: str) -> _T:
    """What `read` makes of the answer. Raises _NotThere."""
    if reply.status in (401, 403):
        raise _NotThere(
            f"asks who we are (status {reply.status}): give a token that it takes (--bearer-file at the command line)")
    if reply.status != 200:
        raise _NotThere(f"answers with status {reply.status}")
    if _HTML.match(reply.body):
        raise _NotThere(f"answers an HTML page, not VOSI {what}")
    try:
        return read(reply.body)
    except XmlRefused as error:
        raise _NotThere(f"answers no VOSI {what}: {str(error).removesuffix('.')}") from None


def _listed(
    visit: _Visit, found: tuple[Capability, ...], standard_id: str, read: Callable[[bytes], _T], problems: list[str],
) -> _T | None:
    """What a document says that the capabilities list; None, with a problem noted, where it cannot be read."""
    interface = _interface(found, standard_id)
    if interface is None:
        return None
    try:
        return _read(visit.get(interface.access_url, None), read, standard_id.rpartition("#")[2])
    except _NotThere as error:
        problems.append(f"{interface.access_url} {error}.")
    except Refusal as error:
        problems.append(str(error))
    return None


def _interface(found: tuple[Capability, ...], standard_id: str) -> Interface | None:
    fitting = [one for one in found if versions.satisfies(standard_id, one.standard_id)]
    return next((interface for one in fitting for interface in one.interfaces if interface.access_url), None)


def _address(found: tuple[Capability, ...], standard_id: str) -> str:
    interface = _interface(found, standard_id)
    return interface.access_url if interface else ""
