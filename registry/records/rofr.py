"""The rules by which the Registry of Registries judges single records, beside their schemas.

A table of small functions, each with what it asks in one sentence; what it yields is what it found wrong. A broken
rule that is `fail` keeps a registry out of the Virtual Observatory, one that is `warn` only speaks against it. Nothing
is fetched here and nothing stored; `rofr_registry` judges whole registries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from lxml import etree

from registry import clock
from vosi import extensions, identifiers, namespaces as ns
from vosi.resource import Summary
from vosi.schemas import HARVEST, RECOMMENDED, Problem

PASS, WARN, FAIL = "pass", "warn", "fail"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_SERVICES = frozenset({"vr:Service", "vs:DataService", "vs:DataResource", "vs:CatalogService", "vs:CatalogResource"})
_STANDARDS = {one.lower(): one for one in (
    *(value for name, value in vars(ns).items() if name.startswith("STD_")),
    extensions.STD_SIA, extensions.STD_SSA, extensions.STD_SLAP)}
_AHEAD = timedelta(minutes=5)  # clocks differ


@dataclass(frozen=True)
class Subject:
    """One record as it was found: `profile` is the edition it is valid in, '' for none, `problems` those of its schema.

    `header` is the identifier in its OAI-PMH header, '' where it came otherwise; `now` the present stamp.
    """

    element: etree._Element
    summary: Summary
    profile: str
    problems: tuple[Problem, ...]
    now: str
    header: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule: `breach` is the verdict where `look` finds something."""

    name: str
    breach: str
    words: str
    look: Callable[[Subject], Iterator[str]]


@dataclass(frozen=True)
class Finding:
    """What one rule says of one record: pass, or what is wrong in one sentence each."""

    rule: str
    verdict: str
    what: str = ""


def findings(subject: Subject) -> tuple[Finding, ...]:
    """What every rule says of the record, in their order. Never raises."""
    found: list[Finding] = []
    for rule in RULES:
        breaches = [Finding(rule.name, rule.breach, what) for what in rule.look(subject)]
        found += breaches or [Finding(rule.name, PASS)]
    return tuple(found)


def worst(verdicts: Iterator[str]) -> str:
    """The worst of the verdicts; pass where there is none."""
    seen = set(verdicts)
    return next((one for one in (FAIL, WARN) if one in seen), PASS)


# --- the rules --------------------------------------------------------------------------------------------------------


def _schema(subject: Subject) -> Iterator[str]:
    if subject.profile in (RECOMMENDED, HARVEST):
        return
    for problem in subject.problems[:3]:
        yield f"{problem.what.rstrip('.')}{f' (line {problem.line})' if problem.line else ''}."
    if len(subject.problems) > 3:
        yield f"There are {len(subject.problems) - 3} more faults."
    if not subject.problems:
        yield "It is valid in no edition of the schemas."


def _edition(subject: Subject) -> Iterator[str]:
    if subject.profile == HARVEST:
        yield "It is valid in VOResource 1.1 only, not in 1.2."


def _identifier(subject: Subject) -> Iterator[str]:
    try:
        parsed = identifiers.parse_ivoid(subject.summary.ivoid)
    except identifiers.InvalidIdentifier as error:
        yield str(error)
        return
    if parsed.query or parsed.fragment:
        yield f"{subject.summary.ivoid} has a ? or #, which no registered identifier has."


def _header(subject: Subject) -> Iterator[str]:
    if subject.header and subject.header != subject.summary.ivoid:
        yield f"Its OAI-PMH header says {subject.header[:200]}."


def _status(subject: Subject) -> Iterator[str]:
    if subject.summary.status not in ("active", "inactive"):
        yield f"Its status is {subject.summary.status or 'not said'}."


def dates(subject: Subject) -> Iterator[str]:
    """What is wrong with its dates; publishing asks this, too."""
    said = [("created", subject.summary.created), ("updated", subject.summary.updated)]
    said += [("date", "".join(node.itertext()).strip())  # type: ignore[arg-type]
             for curation in subject.element.iterchildren("{*}curation") for node in curation.iterchildren("{*}date")]
    latest = clock.parse(subject.now) + _AHEAD
    for name, text in said:
        moment = _moment(text)
        if text and moment is None:
            yield f"Its {name} {text[:40]} is no date."
        elif moment is not None and moment > latest:
            yield f"Its {name} {text} is in the future."


def _order(subject: Subject) -> Iterator[str]:
    created, updated = _moment(subject.summary.created), _moment(subject.summary.updated)
    if created and updated and created > updated:
        yield f"It was updated at {subject.summary.updated}, before it was created at {subject.summary.created}."


def _short_name(subject: Subject) -> Iterator[str]:
    if len(subject.summary.short_name) > 16:
        yield f"Its shortName has {len(subject.summary.short_name)} characters."


def _has_short_name(subject: Subject) -> Iterator[str]:
    if not subject.summary.short_name and _is_service(subject):
        yield "It is a service and has no shortName."


def _reference(subject: Subject) -> Iterator[str]:
    url = subject.summary.reference_url
    if url.partition(":")[0].lower() not in ("http", "https"):
        yield f"Its referenceURL is {url[:200] or 'empty'}."


def _contact(subject: Subject) -> Iterator[str]:
    emails = [_text(node) for node in subject.element.iterfind("{*}curation/{*}contact/{*}email")]
    if not any(_EMAIL.fullmatch(one) for one in emails):
        yield f"Its contact has {'no e-mail address' if not any(emails) else 'the e-mail address ' + emails[0][:100]}."


def _standard_ids(subject: Subject) -> Iterator[str]:
    for node in subject.element.iterfind("{*}capability"):
        said = node.get("standardID", "").strip()
        right = _STANDARDS.get(said.lower(), said)
        if said != right:
            yield f"The standardID {said} is written {right}."


def _access_urls(subject: Subject) -> Iterator[str]:
    for node in subject.element.iterfind("{*}capability/{*}interface/{*}accessURL"):
        url = _text(node)
        if url.partition(":")[0].lower() not in ("http", "https"):
            yield f"An accessURL is {url[:200] or 'empty'} (line {node.sourceline})."


def _capability(subject: Subject) -> Iterator[str]:
    if _is_service(subject) and subject.element.find("{*}capability") is None:
        yield "It is a service and has no capability."


def _ids(subject: Subject) -> Iterator[str]:
    for text in sorted(xml_ids(subject.element))[:1]:
        yield f"It has the xs:ID {text[:60]}: two records with one ID make a whole page invalid."


def _authority(subject: Subject) -> Iterator[str]:
    if subject.summary.type != "vg:Authority":
        return
    organisation = subject.element.find("{*}managingOrg")
    if organisation is None or not organisation.get("ivo-id", "").strip():
        yield "Its managingOrg has no ivo-id."
    if "/" in subject.summary.ivoid[len("ivo://"):].rstrip("/"):
        yield f"{subject.summary.ivoid} names more than an authority."


def _registry(subject: Subject) -> Iterator[str]:
    if subject.summary.type != "vg:Registry":
        return
    if not harvest_urls(subject.element):
        yield "It has no vg:Harvest capability with a vg:OAIHTTP interface of role std."
    if not any(_text(node) for node in subject.element.iterfind("{*}managedAuthority")):
        yield "It lists no managedAuthority."


RULES: tuple[Rule, ...] = (
    Rule("schema", FAIL, "It is valid in VOResource and the vocabularies that it uses.", _schema),
    Rule("edition", WARN, "It is valid in VOResource 1.2.", _edition),
    Rule("identifier", FAIL, "Its identifier is an IVOA identifier without ? and #.", _identifier),
    Rule("header", FAIL, "Its OAI-PMH header has the record's identifier, in its case.", _header),
    Rule("status", FAIL, "Its status is active or inactive.", _status),
    Rule("dates", FAIL, "None of its dates is in the future.", dates),
    Rule("created", WARN, "It was created before it was updated.", _order),
    Rule("shortName", FAIL, "Its shortName has 16 characters at most.", _short_name),
    Rule("shortName of services", WARN, "A service has a shortName.", _has_short_name),
    Rule("referenceURL", FAIL, "Its referenceURL is one of http or https.", _reference),
    Rule("contact", WARN, "Its contact has an e-mail address.", _contact),
    Rule("standardID", WARN, "Identifiers of standards are written as their publisher writes them.", _standard_ids),
    Rule("accessURL", WARN, "Every accessURL is one of http or https.", _access_urls),
    Rule("capability", WARN, "A service has a capability.", _capability),
    Rule("xs:ID", WARN, "It has no xs:ID.", _ids),
    Rule("authority", FAIL, "A vg:Authority names the organisation that manages it.", _authority),
    Rule("registry", FAIL, "A vg:Registry says how it is harvested and what it manages.", _registry),
)


def harvest_urls(registry: etree._Element) -> list[str]:
    """Where a vg:Registry record says that it answers OAI-PMH (VORegistry 1.1 §3.2)."""
    found = []
    for capability in registry.iterfind("{*}capability"):
        if ns.canonical_type(capability) != "vg:Harvest":
            continue
        for interface in capability.iterfind("{*}interface"):
            if ns.canonical_type(interface) == "vg:OAIHTTP" and interface.get("role", "").strip() == "std":
                found += [_text(node) for node in interface.iterfind("{*}accessURL")]
    return found


def xml_ids(element: etree._Element) -> set[str]:
    """Every xs:ID in a record: xml:id, and the id of STC's elements."""
    found = {node.get(ns.clark(ns.XML, "id"), "") for node in element.iter(etree.Element)}
    found |= {node.get("id", "") for node in element.iter(f"{{{ns.STC}}}*")}
    return found - {""}


def _is_service(subject: Subject) -> bool:
    return subject.summary.type in _SERVICES


def _moment(text: str):  # type: ignore[no-untyped-def]
    try:
        return clock.parse(text)
    except ValueError:
        return None


def _text(element: etree._Element) -> str:
    return " ".join(str(element.xpath("string()")).split())
