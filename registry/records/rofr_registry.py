"""The rules by which the Registry of Registries judges a whole registry, over what `rofr_reading` brought.

Registry Interfaces 1.1 §3 and OAI-PMH 2.0: who it says that it is, what it manages, and that its records keep to that.
A table of small functions like `rofr`'s; the tallies of its single records come into the same report.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lxml import etree

from registry import clock
from registry.records import rofr, store
from registry.records.listing import MANAGED
from registry.records.rofr import FAIL, PASS, WARN
from registry.records.rofr_reading import EXAMPLES, PREFIX, Reading
from vosi import resource, xmlio
from vosi.schemas import Schemas
from vosi.xmlio import XmlRefused

SECONDS = "YYYY-MM-DDThh:mm:ssZ"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Rule:
    """One rule of whole registries: `breach` is the verdict where `look` finds something."""

    name: str
    breach: str
    words: str
    look: Callable[[Reading, Schemas], Iterator[str]]


@dataclass(frozen=True)
class Line:
    """One rule's line of the report: how often it was broken, and the first cases of it in a sentence each."""

    rule: str
    asks: str
    verdict: str
    count: int = 0
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What all rules say of the registry at `url`, of whose list `records` items in `pages` pages were read."""

    url: str
    records: int
    pages: int
    lines: tuple[Line, ...]

    @property
    def verdict(self) -> str:
        """pass, warn or fail: the worst of all."""
        return rofr.worst(line.verdict for line in self.lines)


def report(reading: Reading, schemas: Schemas) -> Report:
    """The verdict on a registry, rule by rule. Never raises."""
    lines = [_line(rule, reading, schemas) for rule in RULES[:1]]
    if reading.identify is not None:
        lines += [_line(rule, reading, schemas) for rule in RULES[1:]]
        lines += [_tallied(rule, reading) for rule in rofr.RULES]
    return Report(reading.url, len(reading.members), reading.pages, tuple(lines))


def _line(rule: Rule, reading: Reading, schemas: Schemas) -> Line:
    cases = list(rule.look(reading, schemas))
    return Line(rule.name, rule.words, rule.breach if cases else PASS, len(cases), tuple(cases[:EXAMPLES]))


def _tallied(rule: rofr.Rule, reading: Reading) -> Line:
    found = reading.tallies.get(rule.name)
    if found is None:
        return Line(f"records: {rule.name}", rule.words, PASS)
    return Line(f"records: {rule.name}", rule.words, found.verdict, found.count, tuple(found.examples))


# --- the rules --------------------------------------------------------------------------------------------------------


def _answers(reading: Reading, _: Schemas) -> Iterator[str]:
    yield from reading.faults


def _base_url(reading: Reading, _: Schemas) -> Iterator[str]:
    said = reading.identify.base_url if reading.identify else ""
    if said.rstrip("/") != reading.url.rstrip("/"):
        yield f"Identify says baseURL {said[:200] or '(nothing)'}, and it was asked at {reading.url}."


def _name(reading: Reading, _: Schemas) -> Iterator[str]:
    if reading.identify and not reading.identify.repository_name:
        yield "Identify says no repositoryName."


def _granularity(reading: Reading, _: Schemas) -> Iterator[str]:
    said = reading.identify.granularity if reading.identify else ""
    if said != SECONDS:
        yield f"Identify says the granularity {said[:60] or '(nothing)'} and not {SECONDS}."


def _deletions(reading: Reading, _: Schemas) -> Iterator[str]:
    said = reading.identify.deleted_record if reading.identify else ""
    if said not in ("persistent", "transient"):
        yield f"Identify says deletedRecord {said[:60] or '(nothing)'}: harvesters keep ghosts of what is gone."


def _earliest(reading: Reading, _: Schemas) -> Iterator[str]:
    said = reading.identify.earliest if reading.identify else ""
    if not _STAMP.fullmatch(said):
        yield f"Its earliestDatestamp {said[:60] or '(nothing)'} is not of the form {SECONDS}."
        return
    for one in reading.members:
        if _STAMP.fullmatch(one.datestamp) and one.datestamp < said:
            yield f"{one.ivoid} has the datestamp {one.datestamp}, before earliestDatestamp {said}."


def _formats(reading: Reading, _: Schemas) -> Iterator[str]:
    for prefix in (PREFIX, "oai_dc"):
        if prefix not in reading.formats:
            yield f"It does not offer {prefix}."


def _set(reading: Reading, _: Schemas) -> Iterator[str]:
    if MANAGED not in reading.sets:
        yield f"It has no set {MANAGED}."


def _described(reading: Reading, schemas: Schemas) -> Iterator[str]:
    if len(reading.described) != 1:
        yield f"Identify holds {len(reading.described)} descriptions that are records, and it must be one."
    for body in reading.described:
        try:
            element = xmlio.parse(body)
        except XmlRefused as error:
            yield f"The description in Identify cannot be read. {error}"
            continue
        kind = resource.summarise(element).type
        if kind != "vg:Registry":
            yield f"The description in Identify is a {kind or etree.QName(element).localname}, not a vg:Registry."
        for problem in schemas.validate_any(element)[1][:3]:
            yield f"The description in Identify is not valid: {problem.what.rstrip('.')} (line {problem.line})."


def _identical(reading: Reading, _: Schemas) -> Iterator[str]:
    if not reading.registry:
        yield f"No vg:Registry record is in {MANAGED}."
        return
    for body in reading.described:
        try:
            same = xmlio.digest(xmlio.parse(body)) == xmlio.digest(xmlio.parse(reading.registry))
        except XmlRefused:
            continue  # said elsewhere
        if not same:
            yield "The record in Identify and the harvested one differ."


def _harvested_at(reading: Reading, _: Schemas) -> Iterator[str]:
    if not reading.registry:
        return
    urls = rofr.harvest_urls(xmlio.parse(reading.registry))
    if urls and reading.url.rstrip("/") not in (one.rstrip("/?") for one in urls):
        yield f"Its record says that it is harvested at {urls[0][:200]}, and it was asked at {reading.url}."


def _authority_records(reading: Reading, _: Schemas) -> Iterator[str]:
    members = reading.by_key()
    for authority in reading.managed:
        found = members.get(store.key_of(f"ivo://{authority}"))
        if found is None or found.deleted or found.type != "vg:Authority":
            yield f"It manages {authority}, and ivo://{authority} is no vg:Authority record in {MANAGED}."


def _organisations(reading: Reading, _: Schemas) -> Iterator[str]:
    members, managed = reading.by_key(), {name.lower() for name in reading.managed}
    for one in reading.members:
        organisation = store.key_of(one.organisation)
        if one.type != "vg:Authority" or organisation[6:].partition("/")[0] not in managed:
            continue
        found = members.get(organisation)
        if found is None or found.deleted:
            yield f"{one.ivoid} is managed by {one.organisation}, of which there is no record."


def _authorities(reading: Reading, _: Schemas) -> Iterator[str]:
    managed = {name.lower() for name in reading.managed}
    for one in reading.members:
        authority = store.key_of(one.ivoid)[6:].partition("/")[0]
        if not one.deleted and authority not in managed:
            yield f"{one.ivoid} is of an authority that its record does not list as managedAuthority."


def _stamps(reading: Reading, _: Schemas) -> Iterator[str]:
    now = clock.stamp(clock.later(300))
    for one in reading.members:
        if not _STAMP.fullmatch(one.datestamp):
            yield f"{one.ivoid} has the datestamp {one.datestamp[:40] or '(nothing)'}, not of the form {SECONDS}."
        elif one.datestamp > now:
            yield f"{one.ivoid} has the datestamp {one.datestamp}, in the future."


def _member_sets(reading: Reading, _: Schemas) -> Iterator[str]:
    for one in reading.members:
        if MANAGED not in one.sets:
            yield f"{one.ivoid} is listed in {MANAGED}, and its header does not name that set."


def _once(reading: Reading, _: Schemas) -> Iterator[str]:
    counts = Counter(store.key_of(one.ivoid) or one.ivoid for one in reading.members)
    for key, count in counts.items():
        if count > 1:
            yield f"{key} comes {count} times in one list."


def _whole(reading: Reading, _: Schemas) -> Iterator[str]:
    for one in reading.members:
        if one.deleted and one.has_record:
            yield f"{one.ivoid} is deleted and still has metadata."
        elif not one.deleted and not one.has_record:
            yield f"{one.ivoid} has no metadata and is not deleted."


def _size(reading: Reading, _: Schemas) -> Iterator[str]:
    if reading.promised is not None and reading.promised != len(reading.members):
        yield f"Its list promised {reading.promised} records, and {len(reading.members)} came."
    if not reading.closed:
        yield "The last page of its list has no empty resumptionToken."


def _clashes(reading: Reading, _: Schemas) -> Iterator[str]:
    yield from reading.clashes


def _errors(reading: Reading, _: Schemas) -> Iterator[str]:
    for question, code in (("bad verb", "badVerb"), ("unknown item", "idDoesNotExist"),
                           ("unknown format", "cannotDisseminateFormat")):
        said = reading.answers.get(question)
        if said is not None and said.error_code != code:
            yield f"A question with {question} is answered {said.error_code or 'without an error'}, not {code}."


def _single(reading: Reading, _: Schemas) -> Iterator[str]:
    for question in ("one record", "dublin core"):
        said = reading.answers.get(question)
        if said is not None and (said.error_code or len(said.items) != 1):
            yield f"GetRecord of a listed record ({question}) is answered {said.error_code or 'without it'}."


def _moment(reading: Reading, _: Schemas) -> Iterator[str]:
    said = reading.answers.get("moment")
    last = max((one.datestamp for one in reading.members), default="")
    if said is not None and last and not any(one.datestamp == last for one in said.items):
        yield f"ListIdentifiers from {last} until {last} does not give what has that datestamp."


RULES: tuple[Rule, ...] = (
    Rule("answers", FAIL, "It answers OAI-PMH, and its list can be read to its end.", _answers),
    Rule("baseURL", WARN, "Identify names the address at which it was asked.", _base_url),
    Rule("name", FAIL, "Identify names the repository.", _name),
    Rule("granularity", FAIL, "Datestamps are in seconds.", _granularity),
    Rule("deletedRecord", FAIL, "Harvesters are told of deletions.", _deletions),
    Rule("earliestDatestamp", FAIL, "No record is older than earliestDatestamp.", _earliest),
    Rule("formats", FAIL, "It offers ivo_vor and oai_dc.", _formats),
    Rule("ivo_managed", FAIL, "It has the set of the records that originate there.", _set),
    Rule("description", FAIL, "Identify holds its valid vg:Registry record, and only that.", _described),
    Rule("identical", FAIL, "The record in Identify is the harvested one.", _identical),
    Rule("harvest address", WARN, "Its record says that it is harvested where it was asked.", _harvested_at),
    Rule("authority records", FAIL, "Each managedAuthority has a vg:Authority record.", _authority_records),
    Rule("organisations", FAIL, "The organisation that manages an authority of its own has a record.", _organisations),
    Rule("authorities", FAIL, "Every record is of an authority that it manages.", _authorities),
    Rule("datestamps", FAIL, "Datestamps are in seconds, in UTC, and not in the future.", _stamps),
    Rule("sets of headers", FAIL, "Headers name the set that was asked for.", _member_sets),
    Rule("once", FAIL, "No identifier comes twice, in whatever case.", _once),
    Rule("metadata", FAIL, "Records have metadata, and deleted ones have none.", _whole),
    Rule("list", WARN, "The list is as long as it promises, and ends with an empty token.", _size),
    Rule("xs:ID of pages", FAIL, "No two records of a page have the same xs:ID.", _clashes),
    Rule("errors", FAIL, "Questions that cannot be answered are answered by the right error.", _errors),
    Rule("GetRecord", FAIL, "A listed record is also given alone, in both formats.", _single),
    Rule("from = until", FAIL, "The moment of a record's datestamp, asked for as from and until, gives it.", _moment),
)
