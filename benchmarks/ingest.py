"""How fast records come onto the shelf: judged, stored and projected, beside lxml that only parses and validates them.

Ours and the limit take turns, some files each. What it fills is kept for the other benchmarks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lxml import etree

from benchmarks import corpus, datacenters
from benchmarks.figures import Figure, timed
from benchmarks.scale import RECORDS
from registry.site import Site
from vosi import xmlio
from vosi.schemas import RECOMMENDED, Schemas

PART = 33  # files of 500 records that ours and the limit take in turn


def figures() -> Iterator[Figure]:
    """Records a second through `registry import`, and the factor over a bare parse and validation."""
    schema = Schemas()._schema(RECOMMENDED)  # the very schema object that ours validates with, without what ours adds
    ours: list[float] = []
    bare: list[float] = []
    counts: list[int] = []
    cpu = {"ours": 0.0, "bare": 0.0}

    def take(site: Site, files: Sequence[Path]) -> None:
        bodies = [body for file in files for body in xmlio.records_in(file.read_bytes())]
        before = _cpu()
        bare.append(timed(lambda: _bare(schema, bodies)))
        between = _cpu()
        ours.append(timed(lambda: datacenters.import_files(site, files)))
        cpu["bare"] += between - before
        cpu["ours"] += _cpu() - between
        counts.append(len(bodies))

    files = corpus.pages(RECORDS)
    parts = [files[start:start + PART] for start in range(0, len(files), PART)]
    datacenters.fill(datacenters.place(RECORDS), parts, take)
    records = sum(counts)
    yield Figure(f"ingest of {records:,} records", sum(ours), sum(bare), "s", "lxml alone", "<= 4")
    yield Figure("ingest, CPU of all its processes", cpu["ours"] / records * 1000, cpu["bare"] / records * 1000, "ms a record",
                 "lxml alone")
    yield Figure("ingest", records / sum(ours), records / sum(bare), "records/s", "lxml alone")
    if len(parts) > 1:
        last, first = ours[-1] / counts[-1], ours[0] / counts[0]
        yield Figure("ingest, last part", last * 1000, first * 1000, "ms a record", "the first part", "<= 1.5")


def _bare(schema: etree.XMLSchema, bodies: list[bytes]) -> None:
    for body in bodies:
        if not schema.validate(etree.fromstring(body)):
            raise SystemExit(f"A record of the corpus is not valid: {schema.error_log[0].message}")


def _cpu() -> float:
    """CPU seconds of this process and of those that it has started and seen end."""
    return sum(os.times()[:4])
