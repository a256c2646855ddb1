"""Answers the six verbs of OAI-PMH 2.0 §4 from the shelf: a request in, the bytes of its answer out.

What cannot be answered is raised as an OaiError. It writes nothing, and knows no HTTP.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from registry.oai import envelope
from registry.oai.dublin_core import dublin_core
from registry.oai.envelope import Header, Resumption
from registry.oai.errors import (
    BadResumptionToken,
    CannotDisseminateFormat,
    IdDoesNotExist,
    NoRecordsMatch,
    OaiError,
    Several,
)
from registry.oai.moments import Moments, moved
from registry.oai.request import Request
from registry.oai.token import Position, Tokens
from registry.records import authorities, listing
from registry.records.listing import Item, Range
from registry.site import Site
from vosi import namespaces as ns

IVO_VOR, OAI_DC = "ivo_vor", "oai_dc"
# prefix -> (schema, namespace), as ListMetadataFormats names them (Registry Interfaces 1.1 §3.1.2)
FORMATS: Mapping[str, tuple[str, str]] = {OAI_DC: (ns.OAI_DC_SCHEMA, ns.OAI_DC), IVO_VOR: (ns.RI, ns.RI)}
GRANULARITY = "YYYY-MM-DDThh:mm:ssZ"
_SETTLED = 60  # seconds after which nothing more comes under an old datestamp (RFC 9110 §8.8.2.2)
_EMAIL = re.compile(r"\S+@(\S+\.)+\S+")  # what the schema asks of adminEmail


@dataclass(frozen=True)
class Repository:
    """What the verbs answer from: made once per process."""

    site: Site
    tokens: Tokens
    moments: Moments

    @property
    def base_url(self) -> str:
        """Our address, a setting (D9)."""
        return self.site.settings.url("oai")


@dataclass(frozen=True)
class Answer:
    """The verb's element in pieces to be joined, and the moment that the response is dated with.

    `tag` names this state of a single record, '' where nobody need ask whether it has changed; `changed` is its
    datestamp, '' while that is so new that another change may come under it.
    """

    body: list[bytes]
    moment: str
    tag: str = ""
    changed: str = ""


def repository(site: Site) -> Repository:
    """The repository of one datacenter."""
    return Repository(site, Tokens(site.secret, site.settings.token_lifetime), Moments(site.database))


def answer(repo: Repository, request: Request) -> Answer:
    """The answer to `request`. Raises OaiError."""
    return _VERBS[request.verb](repo, request)


def _identify(repo: Repository, _request: Request) -> Answer:
    settings = repo.site.settings
    moment = repo.moments.now()
    with repo.site.database.read() as connection:
        earliest = listing.earliest(connection) or moment
        ours = listing.offered(connection, authorities.our_registry(settings.authority))
    parts = [
        ("repositoryName", settings.title), ("baseURL", repo.base_url), ("protocolVersion", "2.0"),
        ("adminEmail", _admin_email(settings.admin_email, settings.authority)), ("earliestDatestamp", earliest),
        ("deletedRecord", "persistent"), ("granularity", GRANULARITY), ("compression", "gzip"),
    ]
    lines = [envelope.element(name, text).encode() for name, text in parts]
    if ours and not ours.deleted:
        lines.append(b"<description>" + ours.xml + b"</description>")
    return Answer(envelope.wrapped("Identify", lines), moment)


def _admin_email(email: str, authority: str) -> str:
    """An address that the schema lets stand: Identify must name one."""
    made = f"registry@{authority or 'localhost'}"
    return next(one for one in (email.strip(), made, f"{made}.invalid") if _EMAIL.fullmatch(one))


def _list_metadata_formats(repo: Repository, request: Request) -> Answer:
    moment = repo.moments.now()
    if request.identifier:
        with repo.site.database.read() as connection:
            if listing.offered(connection, request.identifier) is None:
                raise _unknown(request)
    formats = [
        "<metadataFormat>" + envelope.element("metadataPrefix", prefix) + envelope.element("schema", schema)
        + envelope.element("metadataNamespace", namespace) + "</metadataFormat>"
        for prefix, (schema, namespace) in FORMATS.items()
    ]
    return Answer(envelope.wrapped("ListMetadataFormats", [line.encode() for line in formats]), moment)


def _list_sets(repo: Repository, request: Request) -> Answer:
    if request.token:
        raise BadResumptionToken("The list of sets comes whole: no resumptionToken was ever given out for it.")
    with repo.site.database.read() as connection:
        found = listing.all_sets(connection)
    sets = ["<set>" + envelope.element("setSpec", one.spec) + envelope.element("setName", one.name)
            + _set_description(one.description) + "</set>" for one in found]
    return Answer(envelope.wrapped("ListSets", [line.encode() for line in sets]), repo.moments.now())


def _set_description(text: str) -> str:
    if not text:
        return ""
    inside = envelope.element("dc:description", text)
    return (f'<setDescription><oai_dc:dc xmlns:oai_dc="{ns.OAI_DC}" xmlns:dc="{ns.DC}">{inside}</oai_dc:dc>'
            "</setDescription>")


def _get_record(repo: Repository, request: Request) -> Answer:
    with repo.site.database.read() as connection:
        moment = repo.moments.now(connection)
        found = listing.item(connection, request.identifier)
        sets = listing.sets_of(connection, [found]) if found else {}
    faults: list[OaiError] = [] if found else [_unknown(request)]
    if request.prefix not in FORMATS:
        faults.append(_no_format(request.prefix))
    if faults or found is None:
        raise faults[0] if len(faults) == 1 else Several(*faults)
    body = envelope.wrapped("GetRecord", _record(found, sets, request.prefix))
    settled = found.datestamp < moved(moment, -_SETTLED)
    return Answer(body, moment, _tag(found, request.prefix), found.datestamp if settled else "")


def _tag(record: Item, prefix: str) -> str:
    """Differs for any two states that GetRecord shows: an edit moves the version, a change of sets the datestamp."""
    state = (record.key, record.version, record.datestamp, prefix)
    return hashlib.sha256(repr(state).encode()).hexdigest()[:24]


def _list(repo: Repository, request: Request) -> Answer:
    """ListRecords and ListIdentifiers: the first page, or the one behind a token."""
    if request.token:
        position, moment = repo.tokens.read(request.token, request.verb), repo.moments.now()
    else:
        if request.prefix not in FORMATS:
            raise _no_format(request.prefix)
        moment = repo.moments.opening()
        position = Position(request.verb, request.prefix, request.set_spec, request.since, request.until,
                            bound=moved(moment, -1), last_stamp="", last_key="", cursor=0, size=0)
    with repo.site.database.read() as connection:
        position, page, more = _page(repo, connection, position)
        sets = listing.sets_of(connection, page)
    if request.verb == "ListIdentifiers":
        parts = [envelope.header(_header(record, sets)) for record in page]
    else:
        parts = [part for record in page for part in _record(record, sets, position.prefix)]
    parts += _resumption(repo, position, page, more)
    return Answer(envelope.wrapped(request.verb, parts), moment)


def _page(repo: Repository, connection: Connection, at: Position) -> tuple[Position, list[Item], bool]:
    """The records behind the position, and whether more follow; the position knows the list's size then."""
    which = Range(at.set_spec, at.since, min(at.until, at.bound) if at.until else at.bound)
    size = repo.site.settings.page_size
    after = (at.last_stamp, at.last_key) if at.last_key else None
    bodies = at.verb == "ListRecords"
    found = listing.select_records(connection, which, after=after, limit=size + 1, bodies=bodies)
    page = found[:size]
    # a page may be cut short by the bytes of its records: then only a look behind it tells
    more = len(found) > size or bool(page) and listing.goes_on(connection, which, page[-1])
    if after is None:
        if not page:
            raise NoRecordsMatch("No record matches: try without set, from and until.", moved(at.bound, 1))
        return replace(at, size=listing.count(connection, which) if more else len(page)), page, more
    return at, page or [_again(connection, at)], more


def _again(connection: Connection, at: Position) -> Item:
    """The record that was sent last, where every record still to come has been changed meanwhile.

    Those come with the next incremental. A list may not be empty, and this one shall not end in an error (§3.5).
    """
    record = listing.item(connection, at.last_key)
    if record is None:
        raise BadResumptionToken("The records that were still to come have all been changed: start the list again.")
    return record


def _resumption(repo: Repository, at: Position, page: list[Item], more: bool) -> list[bytes]:
    """The token behind a page; none where the whole list fits on one."""
    if more:
        following = replace(at, last_stamp=page[-1].datestamp, last_key=page[-1].key, cursor=at.cursor + len(page))
        token, expires = repo.tokens.write(following)
        return [envelope.resumption(Resumption(token, at.size, at.cursor, expires))]
    if at.last_key:
        return [envelope.resumption(Resumption("", at.size, at.cursor))]
    return []


def _header(record: Item, sets: Mapping[str, list[str]]) -> Header:
    return Header(record.ivoid, record.datestamp, tuple(sets[record.key]), record.deleted)


def _record(record: Item, sets: Mapping[str, list[str]], prefix: str) -> tuple[bytes, ...]:
    head = _header(record, sets)
    if record.deleted:
        return envelope.record(head, None)
    return envelope.record(head, record.xml if prefix == IVO_VOR else dublin_core(record.ivoid, record.xml))


def _unknown(request: Request) -> IdDoesNotExist:
    return IdDoesNotExist(f"There is no record {request.identifier[:200]} here.")


def _no_format(prefix: str) -> CannotDisseminateFormat:
    return CannotDisseminateFormat(f"{prefix[:100]} is not offered; there are {' and '.join(FORMATS)}.")


_VERBS: Mapping[str, Callable[[Repository, Request], Answer]] = {
    "Identify": _identify,
    "ListMetadataFormats": _list_metadata_formats,
    "ListSets": _list_sets,
    "ListIdentifiers": _list,
    "ListRecords": _list,
    "GetRecord": _get_record,
}
