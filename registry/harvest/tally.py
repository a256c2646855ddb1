"""Sums up what a run found wrong: records by the edition they are valid in, and the most frequent faults. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MOST = 100  # different faults that a run remembers

# what differs from record to record in faults that are the same
_NAMES = re.compile(r"\b(?:ivo|oai|https?|ftp)://[^\s'\"<>]*|\boai:[^\s'\"<>]*")
_VALUES = re.compile(r"(?<=[Vv]alue )'[^']*'")
_DATES = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z?)?")


@dataclass
class Tally:
    """Of some records: how many are valid in which profile ('' for none), and fault -> (how many, an example)."""

    editions: Counter[str] = field(default_factory=Counter)
    faults: dict[str, tuple[int, str]] = field(default_factory=dict)

    def judged(self, ivoid: str, profile: str, faults: Iterable[str]) -> None:
        """Count one record that was judged by the schemas."""
        self.editions[profile] += 1
        self.found(ivoid, faults)

    def found(self, ivoid: str, faults: Iterable[str]) -> None:
        """Count what is wrong with one record, each fault once."""
        for words in {grouped(fault) for fault in faults}:
            number, example = self.faults.get(words, (0, ivoid))
            self.faults[words] = (number + 1, example)


def grouped(fault: str) -> str:
    """The fault without what is the record's own: names, values, dates."""
    words = _DATES.sub("…", _VALUES.sub("'…'", _NAMES.sub("…", fault)))
    return words if len(words) <= 300 else words[:300] + "…"


def merged(faults: Sequence[Sequence[object]], more: Tally) -> list[list[object]]:
    """The faults of a run so far ([words, how many, an example] each) with more: most frequent first."""
    found = {str(words): (int(str(number)), str(example)) for words, number, example in faults}
    for words, (number, example) in more.faults.items():
        before, first = found.get(words, (0, example))
        found[words] = (before + number, first)
    ordered = sorted(found.items(), key=lambda item: (-item[1][0], item[0]))
    return [[words, number, example] for words, (number, example) in ordered[:MOST]]
