"""What a runner's offer document says, read once and kept as long as the document is the same.

A document of somebody else's is taken for no more than it may be: what is not of its type counts as not said. It asks
nobody and judges nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from registry.services import versions
from vosi.identifiers import standard_key

_KEPT = 2_000  # runners whose offers stay in memory


@dataclass(frozen=True)
class Offered:
    """One offer. `standards` are by their registered part, `down` in lower case, `data` tells who may use each set.

    `limits` are the most that a job gets; `free` and `queued` as it said last; `platform` is os/architecture. `data`
    holds True where it is for anybody. '' and empty are what it does not say, and `said` whether it says anything.
    """

    said: bool = False
    title: str = ""
    jobs: str = ""
    anonymous: bool = False
    engine_fault: str = ""
    platform: str = ""
    publishers: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    data: Mapping[str, bool] = field(default_factory=dict)
    standards: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    free: int = 0
    queued: int = 0

    def speaks(self, wanted: str) -> list[str]:
        """Its standardIDs that satisfy `wanted`, whether up or down."""
        near = self.standards.get(_head(wanted))
        return [one for one in near if versions.satisfies(wanted, one)] if near else []


NOTHING = Offered()


def read(document: object) -> Offered:
    """What the offer `document` says."""
    if not isinstance(document, Mapping) or not document:
        return NOTHING
    engine, slots = _mapping(document, "engine"), _mapping(document, "slots")
    standards: dict[str, list[str]] = {}
    for one in _texts(document, "standards"):
        standards.setdefault(_head(one), []).append(one)
    working = engine.get("working") is not False
    return Offered(
        said=True, title=_text(document, "title")[:100], jobs=_text(document, "jobs").rstrip("/"),
        anonymous=document.get("anonymous") is True,
        engine_fault="" if working else _text(engine, "message") or "it does not say why.",
        platform=_text(engine, "platform"), publishers=frozenset(_texts(document, "publishers")),
        repositories=frozenset(_texts(document, "repositories")), networks=frozenset(_texts(document, "network_profiles")),
        limits={name: most for name, most in _mapping(document, "limits").items() if isinstance(most, int | float)},
        data=_data(document), standards={head: tuple(found) for head, found in standards.items()},
        down=frozenset(one.lower() for one in _texts(document, "standards_down")),
        free=_whole(slots.get("free")), queued=_whole(slots.get("queued")))


_memory: dict[str, tuple[str, Offered]] = {}
_lock = threading.Lock()


def remembered(key: str, text: str) -> Offered:
    """What the JSON `text` of the runner `key` says; it is parsed again only when it is another text than before."""
    known = _memory.get(key)
    if known is not None and known[0] == text:
        return known[1]
    try:
        found = read(json.loads(text))
    except ValueError:
        found = NOTHING
    with _lock:
        if len(_memory) >= _KEPT:
            _memory.clear()
        _memory[key] = (text, found)
    return found


@lru_cache(4096)
def _head(standard_id: str) -> str:
    return standard_key(standard_id)[0]


def _data(document: Mapping[str, Any]) -> dict[str, bool]:
    found = document.get("data")
    sets = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return {name: one.get("anonymous") is True for one in sets if (name := _text(one, "name"))}


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _text(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) else ""


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    found = document.get(name)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
