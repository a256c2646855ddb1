"""Whether a record, or the deletion of one, may be ours by what it says alone.

Nothing here asks a database, so that processes which only judge do without its libraries. Whose authority it is of is
for `publish` and `adopting` to ask.
"""

from __future__ import annotations

from dataclasses import replace

from registry import clock
from registry.records import rofr
from registry.records.ready import Ready
from vosi import identifiers
from vosi.schemas import RECOMMENDED, Problem, Schemas


def our_registry(settings_authority: str) -> str:
    """The identifier of our own registry record."""
    return f"ivo://{settings_authority}/registry"


def why_not_deleted(ivoid: str, authority: str) -> str:
    """Why nothing can be deleted under that name, '' where it can; `authority` is ours where ours are deleted."""
    try:
        key = identifiers.key(ivoid)
    except identifiers.InvalidIdentifier as error:
        return str(error)
    kept = (our_registry(authority), f"ivo://{authority}") if authority else ()
    if key in map(identifiers.key, kept):
        return f"{ivoid} says who we are, and is not deleted by an import."
    return ""


def why_not_ours(schemas: Schemas, authority: str, ready: Ready) -> tuple[str, tuple[Problem, ...]]:
    """Why the record may not be published whoever holds its authority, in one sentence and in full; '' where it may.

    `authority` is the one of this registry itself.
    """
    if ready.fault:
        return ready.fault, (Problem("identifier", ready.fault, "identifier"),)
    name = ready.summary.ivoid
    if "?" in name or "#" in name:
        fault = (f"{name} has a ? or #: a record is registered under its name without them (Identifiers 2.0 §2.1) "
                 f"{ready.place('identifier')}.")
        return fault, (Problem("identifier", fault, "identifier"),)
    if _breaks_our_registry(authority, ready):
        fault = f"{name} is this registry's own record: it must stay an active vg:Registry {ready.place('status')}."
        return fault, (Problem("Resource", fault, "status"),)
    if ready.publishable:
        return _of_no_good_date(ready)
    missing = schemas.missing_namespaces(ready.element)
    if missing:
        first = ready.told[0]
        return (f"{name} cannot be judged, so it cannot be ours: there is no schema here for {', '.join(missing)} "
                f"(line {first.line}, in element {first.where})."), ready.told
    problems = ready.told or replace(ready, problems=tuple(schemas.validate(ready.element, RECOMMENDED))).told
    return f"{name} is not valid, so it cannot be ours: {_worded(problems)}", problems


def _of_no_good_date(ready: Ready) -> tuple[str, tuple[Problem, ...]]:
    """Why a valid record would be refused by the Registry of Registries, and harvested by nobody in order: its dates."""
    subject = rofr.Subject(ready.element, ready.summary, ready.profile, (), clock.stamp())
    problems = tuple(Problem("Resource", f"{what.rstrip('.')} {ready.place('date')}.", "updated")
                     for what in rofr.dates(subject))
    return (f"{ready.summary.ivoid} cannot be ours: {problems[0].what}", problems) if problems else ("", ())


def _breaks_our_registry(authority: str, ready: Ready) -> bool:
    """Whether the record stands for our registry record and could not be shown by Identify."""
    summary = ready.summary
    ours = bool(authority) and identifiers.key(summary.ivoid) == identifiers.key(our_registry(authority))
    return ours and (summary.type != "vg:Registry" or summary.status != "active")


def _worded(problems: tuple[Problem, ...]) -> str:
    if not problems:
        return "it is only valid in an older edition."
    first = problems[0]
    place = f" (line {first.line})" if first.line else ""
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return first.what.rstrip(".") + place + "." + more
