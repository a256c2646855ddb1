"""What differs between two states of a service's record, in words: capabilities, addresses, tables. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from vosi import capabilities, xmlio
from vosi.capabilities import Capability, Interface


@dataclass(frozen=True)
class Change:
    """One difference as a sentence; `removes` says whether somebody may miss something."""

    words: str
    removes: bool


def changes(old: bytes, new: bytes) -> list[Change]:
    """The differences between two records of a service."""
    before, after = xmlio.parse(old), xmlio.parse(new)
    return [
        *_of_capabilities(capabilities.of_record(before), capabilities.of_record(after)),
        *_of_tables(_tables(before), _tables(after)),
    ]


def _of_capabilities(before: tuple[Capability, ...], after: tuple[Capability, ...]) -> Iterator[Change]:
    old, new = _by_standard(before), _by_standard(after)
    for name in [*old, *(name for name in new if name not in old)]:
        told = name or "without standardID"
        if name not in new:
            yield Change(f"The capability {told} is gone.", True)
        elif name not in old:
            yield Change(f"The capability {told} is new.", False)
        else:
            yield from _of_interfaces(told, old[name], new[name])
            changed = sorted(one.xml or b"" for one in before if one.standard_id == name) != sorted(
                one.xml or b"" for one in after if one.standard_id == name)
            if changed and old[name] == new[name]:
                yield Change(f"What the capability {told} says of itself has changed.", False)


def _of_interfaces(name: str, old: dict[str, Interface], new: dict[str, Interface]) -> Iterator[Change]:
    gone = [url for url in old if url not in new]
    come = [url for url in new if url not in old]
    if len(gone) == 1 and len(come) == 1:
        yield Change(f"The capability {name} moved from {gone[0]} to {come[0]}.", True)
    else:
        for url in gone:
            yield Change(f"The capability {name} is not at {url} any more.", True)
        for url in come:
            yield Change(f"The capability {name} is at {url} too.", False)
    for url in old:
        if url in new and old[url] != new[url]:
            yield from _of_one(name, url, old[url], new[url])


def _of_one(name: str, url: str, old: Interface, new: Interface) -> Iterator[Change]:
    methods, now = set(old.security_methods), set(new.security_methods)
    lost = [one for one in old.params if one.name.lower() not in {other.name.lower() for other in new.params}]
    for one in lost:
        yield Change(f"The parameter {one.name} of {name} at {url} is gone.", True)
    if methods != now:
        closed = (not methods or "" in methods) and bool(now) and "" not in now
        yield Change(f"The interface of {name} at {url} has other security methods: {', '.join(sorted(now)) or 'none'}.",
                     closed or bool(methods - now - {""}))
    if (old.type, old.role, old.version, old.url_use) != (new.type, new.role, new.version, new.url_use):
        yield Change(f"The interface of {name} at {url} is now {new.type} {new.version} {new.role} {new.url_use}.", True)
    if not lost and (old.params != new.params or old.result_type != new.result_type):
        yield Change(f"The interface of {name} at {url} describes itself otherwise.", False)


def _of_tables(old: dict[str, set[str]], new: dict[str, set[str]]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Change(f"The table {name} is gone.", True)
        elif name not in old:
            yield Change(f"The table {name} is new.", False)
        else:
            for column in sorted(old[name] - new[name]):
                yield Change(f"The column {column} of the table {name} is gone.", True)
            for column in sorted(new[name] - old[name]):
                yield Change(f"The column {column} of the table {name} is new.", False)


def _by_standard(found: tuple[Capability, ...]) -> dict[str, dict[str, Interface]]:
    listed: dict[str, dict[str, Interface]] = {}
    for one in found:
        listed.setdefault(one.standard_id, {}).update({interface.access_url: interface for interface in one.interfaces})
    return listed


def _tables(record: etree._Element) -> dict[str, set[str]]:
    """The tables of a record and the columns of each."""
    return {
        _name(table): {_name(column) for column in table.iterchildren("{*}column")}
        for table in record.iterfind("{*}tableset/{*}schema/{*}table")
    }


def _name(element: etree._Element) -> str:
    return " ".join((element.findtext("{*}name") or "").split())
