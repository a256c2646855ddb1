"""Reads what another registry publishes, as the Registry of Registries does, and gathers what its rules need to know.

All of `ivo_managed` page by page, a few questions besides; records are judged as they come and let go. It stores
nothing: harvesting is another room's, and so are its retries. It never raises for what the server answers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from lxml import etree

from registry.fetch import Fetcher, FetchError
from registry.records import authorities, rofr, store
from registry.records.judging import subject
from registry.records.listing import MANAGED
from registry.records.ready import prepare
from registry.records.rofr import PASS, Finding
from vosi import xmlio
from vosi.oaipage import OaiItem, OaiPage, read_page
from vosi.schemas import Schemas
from vosi.xmlio import XmlRefused

PREFIX = "ivo_vor"
MOST_PAGES = 10_000
EXAMPLES = 5  # of records that break a rule
_PATIENCE = 30  # seconds that a busy server may ask us to wait
_TRIES = 3

Progress = Callable[[int, str], None]


@dataclass(frozen=True)
class Member:
    """What is kept of one item of the list; `organisation` is the managingOrg of a vg:Authority."""

    ivoid: str
    datestamp: str
    sets: tuple[str, ...]
    deleted: bool
    has_record: bool
    type: str = ""
    organisation: str = ""


@dataclass
class Tally:
    """How many records a rule has been broken by, and the first few of them with what is wrong."""

    verdict: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, ivoid: str, finding: Finding) -> None:
        """Count one breach."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{ivoid}: {finding.what}")


@dataclass
class Reading:
    """What came of a registry; pages are none where the question was not answered by OAI-PMH, and `faults` say why.

    `registry` is its vg:Registry record as it was harvested, `described` the ones in Identify. `answers` hold the
    replies to single questions by their names.
    """

    url: str
    identify: OaiPage | None = None
    described: tuple[bytes, ...] = ()
    formats: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    members: list[Member] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    registry: bytes = b""
    managed: tuple[str, ...] = ()
    promised: int | None = None
    pages: int = 0
    closed: bool = True
    answers: dict[str, OaiPage] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def by_key(self) -> dict[str, Member]:
        """The items by their identifiers' comparison form."""
        return {store.key_of(one.ivoid): one for one in self.members}


def read_registry(
    fetcher: Fetcher, schemas: Schemas, url: str, *, progress: Progress = lambda done, words: None,
    pause: Callable[[float], None] = time.sleep,
) -> Reading:
    """Everything that the registry at `url` publishes, and its answers to a few questions."""
    asking = _Asking(fetcher, url.strip(), pause)
    reading = Reading(asking.url, faults=asking.faults)
    reading.identify = asking.ask({"verb": "Identify"})
    if reading.identify is None or reading.identify.verb != "Identify":
        if reading.identify is not None:
            reading.faults.append(f"{url} does not answer Identify: {_error(reading.identify)}")
            reading.identify = None
        return reading
    reading.described = reading.identify.descriptions
    formats, sets = asking.ask({"verb": "ListMetadataFormats"}), asking.ask({"verb": "ListSets"})
    reading.formats = formats.formats if formats else ()
    reading.sets = sets.sets if sets else ()
    for page in _pages(asking, reading):
        _take(page, reading, schemas)
        progress(len(reading.members), f"page {reading.pages}")
    _questions(asking, reading)
    return reading


class _Asking:
    """One server: asks it, waits where it asks for that, and writes down what does not work."""

    def __init__(self, fetcher: Fetcher, url: str, pause: Callable[[float], None]) -> None:
        self.url, self.faults = url, list[str]()
        self._fetcher, self._pause = fetcher, pause

    def ask(self, arguments: Mapping[str, str]) -> OaiPage | None:
        url = f"{self.url}{'&' if '?' in self.url else '?'}{urlencode(arguments)}"
        try:
            return read_page(self._body(url))
        except FetchError as error:
            self.faults.append(str(error))
        except XmlRefused as error:
            self.faults.append(f"{url} is not answered by OAI-PMH. {error}")
        return None

    def _body(self, url: str) -> bytes:
        for tried in range(_TRIES):
            reply = self._fetcher.get(url)
            wait = reply.headers.get("retry-after", "").strip()
            if reply.status == 503 and wait.isdigit() and int(wait) <= _PATIENCE and tried + 1 < _TRIES:
                self._pause(int(wait))
                continue
            if reply.status != 200:
                raise FetchError(f"{url} answers with status {reply.status}.")
            return reply.body
        raise AssertionError("the last try returns or raises")


def _pages(asking: _Asking, reading: Reading) -> Iterator[OaiPage]:
    """Every page of what the registry manages itself."""
    arguments = {"verb": "ListRecords", "metadataPrefix": PREFIX, "set": MANAGED}
    seen: set[str] = set()
    while reading.pages < MOST_PAGES:
        page = asking.ask(arguments)
        if page is None:
            return
        if page.error_code:
            reading.faults.append(f"{reading.url} does not list its records: {_error(page)}")
            return
        reading.pages += 1
        reading.promised = page.list_size if page.list_size is not None else reading.promised
        yield page
        if not page.token:
            reading.closed = reading.pages == 1 or page.token == ""
            return
        if page.token in seen:
            reading.faults.append(f"{reading.url} gives the same resumption token twice: its list never ends.")
            return
        seen.add(page.token)
        arguments = {"verb": "ListRecords", "resumptionToken": page.token}
    reading.faults.append(f"{reading.url} had not ended its list after {MOST_PAGES} pages.")


def _take(page: OaiPage, reading: Reading, schemas: Schemas) -> None:
    ids: Counter[str] = Counter()
    for item in page.items:
        element = _judged(item, reading, schemas)
        if element is not None:
            ids.update(rofr.xml_ids(element))
    clashing = sorted(name for name, count in ids.items() if count > 1)
    if clashing:
        reading.clashes.append(f"On page {reading.pages} several records have the xs:ID {clashing[0]}.")


def _judged(item: OaiItem, reading: Reading, schemas: Schemas) -> etree._Element | None:
    """Put one item among the members, and what the rules say of its record into the tallies."""
    kind = organisation = ""
    element = None
    if item.record is not None and not item.deleted:
        try:
            element = xmlio.parse(item.record)
        except XmlRefused as error:
            _tally(reading, item.identifier, Finding("schema", rofr.FAIL, str(error)))
        else:
            ready = prepare(schemas, item.record, element)
            kind, organisation = ready.summary.type, _organisation(element)
            if ready.fault:
                _tally(reading, item.identifier, Finding("identifier", rofr.FAIL, ready.fault))
            for finding in rofr.findings(subject(ready, header=item.identifier)):
                _tally(reading, ready.summary.ivoid, finding)
            _remember_registry(reading, item.record, element, kind, ready.summary.ivoid)
    reading.members.append(Member(
        item.identifier, item.datestamp, item.sets, item.deleted, item.record is not None, kind, organisation))
    return element


def _remember_registry(reading: Reading, record: bytes, element: etree._Element, kind: str, ivoid: str) -> None:
    """Keep the record of the registry itself: the one that Identify names, else the first vg:Registry."""
    if kind != "vg:Registry" or (reading.registry and store.key_of(ivoid) not in _described_keys(reading)):
        return
    reading.registry, reading.managed = record, tuple(authorities.listed(element))


def _described_keys(reading: Reading) -> set[str]:
    keys = set()
    for body in reading.described:
        try:
            keys.add(store.key_of(" ".join((xmlio.parse(body).findtext("{*}identifier") or "").split())))
        except XmlRefused:
            continue
    return keys - {""}


def _organisation(element: etree._Element) -> str:
    found = element.find("{*}managingOrg")
    return found.get("ivo-id", "").strip() if found is not None else ""


def _tally(reading: Reading, ivoid: str, finding: Finding) -> None:
    if finding.verdict != PASS:
        reading.tallies.setdefault(finding.rule, Tally(finding.verdict)).add(ivoid, finding)


def _questions(asking: _Asking, reading: Reading) -> None:
    """What a harvester may also ask (OAI-PMH 2.0 §4): each answer is kept by the name of its question."""
    there = [one for one in reading.members if not one.deleted]
    last = max((one.datestamp for one in reading.members), default="")
    questions = {
        "bad verb": {"verb": "Nonsense"},
        "unknown item": {"verb": "GetRecord", "metadataPrefix": PREFIX, "identifier": "ivo://nobody.invalid/nothing"},
        "unknown format": {"verb": "ListRecords", "metadataPrefix": "nonsense", "set": MANAGED},
        "moment": {"verb": "ListIdentifiers", "metadataPrefix": PREFIX, "set": MANAGED, "from": last, "until": last},
    }
    if there:
        questions["one record"] = {"verb": "GetRecord", "metadataPrefix": PREFIX, "identifier": there[0].ivoid}
        questions["dublin core"] = {"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": there[0].ivoid}
    for name, arguments in questions.items():
        answer = asking.ask(arguments) if "" not in arguments.values() else None
        if answer is not None:
            reading.answers[name] = answer


def _error(page: OaiPage) -> str:
    words = " ".join(page.error_message.split())[:200]
    return f"{page.error_code}: {words or 'no reason given'}." if page.error_code else "it answers something else."
