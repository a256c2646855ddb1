"""What is strange in a service's capabilities though they can be read: each as a sentence. Pure functions."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from registry.config import Settings
from registry.services import versions, zones
from registry.services.find import near_of
from vosi import namespaces as ns
from vosi.capabilities import Capability
from vosi.identifiers import standard_key

_TYPO = 0.8  # from here on one key may be another with a typing error


def about(
    settings: Settings, came_from: str, address: str, found: tuple[Capability, ...], known: Collection[str],
) -> Iterator[str]:
    """The oddities of the document that was asked for at `address` and came from `came_from`; `known` standardIDs."""
    home = _place(address)
    if _place(came_from) != home:
        yield f"{address} sends on to {came_from}: give that address, if that service is meant."
    yield from _another(address, home, found)
    for capability in found:
        yield from _of_one(settings, home, address, capability)
        yield from _spelling(capability.standard_id, known)


def _another(address: str, home: str, found: tuple[Capability, ...]) -> Iterator[str]:
    """Whether the document says that it is another service's: its own address is the one it lists."""
    listed = [
        interface.access_url for one in found if versions.satisfies(ns.STD_VOSI_CAPABILITIES, one.standard_id)
        for interface in one.interfaces if interface.access_url]
    if listed and address.rstrip("/") not in (url.rstrip("/") for url in listed) and home not in map(_place, listed):
        yield f"The document at {address} says that it is the one at {listed[0]}: these may be another service's capabilities."


def _of_one(settings: Settings, home: str, address: str, capability: Capability) -> Iterator[str]:
    name = capability.standard_id or "without standardID"
    for interface in capability.interfaces:
        place = _place(interface.access_url)
        if not place or place == home:
            continue
        yield f"Its capability {name} is at {place}, and the document at {home}: see that this is meant."
        inside = zones.zone(settings, address) == zones.INTERNAL
        if inside and zones.zone(settings, interface.access_url) == zones.EXTERNAL:
            yield f"Its capability {name} is at {place}, which is outside this datacenter."


def _spelling(standard_id: str, known: Collection[str]) -> Iterator[str]:
    near = near_of(standard_id, known) if standard_id else ""
    if not near:
        return
    (head, key), (near_head, near_key) = standard_key(standard_id), standard_key(near)
    if (head, key) == (near_head, near_key):
        if near != near.lower():  # what is only known in lower case says nothing of how it is written
            yield f"The standardID {standard_id} is written {near} by the standard; clients may take it for another."
    elif head != near_head or _mistyped(key, near_key):
        yield f"The standardID {standard_id} is not known here: is {near} meant?"


def _mistyped(key: str, near: str) -> bool:
    """Whether a key looks like another one with a typing error, and not like another version or another part."""
    name, near_name = versions.name_and_version(key)[0], versions.name_and_version(near)[0]
    return name != near_name and difflib.SequenceMatcher(None, name, near_name).ratio() >= _TYPO


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
