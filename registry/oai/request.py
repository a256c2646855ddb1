"""What a harvester asks: the arguments of each verb as a table, and a request checked against it. No data is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from registry import clock
from registry.oai.errors import BadArgument, BadVerb

RESUMPTION = "resumptionToken"
_SELECTIVE = frozenset({"from", "until", "set"})


@dataclass(frozen=True)
class Rule:
    """The arguments of one verb (OAI-PMH 2.0 §4); `resumes`: a resumptionToken may stand instead of them all."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    resumes: bool = False


VERBS: Mapping[str, Rule] = {
    "Identify": Rule(),
    "ListMetadataFormats": Rule(optional=frozenset({"identifier"})),
    "ListSets": Rule(resumes=True),
    "ListIdentifiers": Rule(frozenset({"metadataPrefix"}), _SELECTIVE, resumes=True),
    "ListRecords": Rule(frozenset({"metadataPrefix"}), _SELECTIVE, resumes=True),
    "GetRecord": Rule(frozenset({"identifier", "metadataPrefix"})),
}

# what the OAI-PMH schema lets stand in the attributes of <request>
_PREFIX = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
_SET = re.compile(r"[A-Za-z0-9\-_.!~*'()]+(:[A-Za-z0-9\-_.!~*'()]+)*")
_TOKEN = re.compile(r"[\x20-\x7e]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9\-._~:/?@!$&'()*+,;=]*(#[A-Za-z0-9\-._~:/?@!$&'()*+,;=]*)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True)
class Request:
    """A request that fits its verb's rule. `since` and `until` are in whole seconds, both inclusive, '' when open."""

    verb: str
    identifier: str = ""
    prefix: str = ""
    set_spec: str = ""
    since: str = ""
    until: str = ""
    token: str = ""
    attributes: dict[str, str] = field(default_factory=dict)  # as given, for <request>


def parse(arguments: Iterable[tuple[str, str]]) -> Request:
    """The request that `arguments` (name, value; in any order, repeats included) make.

    Raises BadVerb and BadArgument (OAI-PMH 2.0 §3.6).
    """
    given = list(arguments)
    verbs = [value for name, value in given if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in VERBS:
        raise BadVerb(f"Give one verb, and only once: {', '.join(VERBS)}.")
    named = _once([(name, value) for name, value in given if name != "verb"])
    verb = verbs[0]
    _fits(verb, VERBS[verb], named)
    since, until = _period(named.get("from"), named.get("until"))
    _checked("metadataPrefix", named, _PREFIX)
    _checked("set", named, _SET)
    _checked(RESUMPTION, named, _TOKEN)
    identifier = named.get("identifier", "")
    # an identifier that is no URI is simply not here (idDoesNotExist), but must not stand in an xs:anyURI attribute
    shown = {"verb": verb, **named} if not identifier or _URI.fullmatch(identifier) else {}
    return Request(verb, identifier, named.get("metadataPrefix", ""), named.get("set", ""), since, until,
                   named.get(RESUMPTION, ""), shown)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise BadArgument("An argument is given more than once.")
    return named


def _fits(verb: str, rule: Rule, named: dict[str, str]) -> None:
    known = rule.required | rule.optional | ({RESUMPTION} if rule.resumes else set())
    unknown = sorted(set(named) - known)
    if unknown:
        allowed = ", ".join(sorted(known)) or "no arguments"
        raise BadArgument(f"{verb} takes {allowed}; it does not take {', '.join(unknown)[:200]}.")
    if RESUMPTION in named:
        if len(named) > 1:
            raise BadArgument("A resumptionToken stands alone: leave the other arguments out.")
        return
    missing = sorted(rule.required - set(named))
    if missing:
        raise BadArgument(f"{verb} needs {', '.join(missing)}.")


def _checked(name: str, named: dict[str, str], pattern: re.Pattern[str]) -> None:
    if name in named and not pattern.fullmatch(named[name]):
        raise BadArgument(f"The value of {name} has characters that it may not have, or is empty.")


def _period(since: str | None, until: str | None) -> tuple[str, str]:
    """Both ends in seconds, '' where not given; a day as `until` means all of that day (§2.7.1)."""
    day_since = since is not None and _is_day("from", since)
    day_until = until is not None and _is_day("until", until)
    if since and until and day_since != day_until:
        raise BadArgument("Give from and until in the same granularity: both days, or both seconds.")
    first = f"{since}T00:00:00Z" if day_since else since or ""
    last = f"{until}T23:59:59Z" if day_until else until or ""
    if first and last and first > last:
        raise BadArgument("from is later than until.")
    return first, last


def _is_day(name: str, value: str) -> bool:
    """Whether `value` is a day; raises BadArgument where it is neither a day nor a second that exist."""
    is_day = bool(_DAY.fullmatch(value))
    try:
        if is_day:
            datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        elif _SECOND.fullmatch(value):
            datetime.strptime(value, clock.FORMAT).replace(tzinfo=UTC)
        else:
            raise ValueError(value)
    except ValueError:
        raise BadArgument(f"{name} is not a date of the forms YYYY-MM-DD and YYYY-MM-DDThh:mm:ssZ.") from None
    return is_day
