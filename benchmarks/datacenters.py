"""Filled datacenters: founded, with the corpus imported as records of their own.

They are kept as long as the code that fills them is the same.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from benchmarks import corpus
from benchmarks.scale import FOLDER
from registry import config_file
from registry.records import founding
from registry.records.importing import Report, import_paths
from registry.schema import upgrade
from registry.site import Site, open_site

AUTHORITY = "bench.example"
_SOURCE = Path(__file__).resolve().parents[1]
_FILLED_BY = (
    "registry/records/store.py", "registry/records/shelf_rows.py", "registry/records/projection", "registry/migrations",
    "registry/tables", "registry/words.py", "vosi/octets.py", "vosi/xmlio.py",
)


def filled(count: int, *, small: bool = False) -> Path:
    """The instance folder of a datacenter with `count` records of the corpus (those it marks deleted are none)."""
    folder = place(count, small=small)
    if not (folder / "filled").is_file():
        files = corpus.pages(count, small=small)
        print(f"(filling a datacenter with {count:,} records)", file=sys.stderr)
        fill(folder, [files], import_files)
    return folder


def place(count: int, *, small: bool = False) -> Path:
    """Where the datacenter of that size is kept, filled or not."""
    return FOLDER / f"datacenter-{count}{'-small' if small else ''}-{_fingerprint()}"


def fill(folder: Path, parts: Iterable[Sequence[Path]], take: Callable[[Site, Sequence[Path]], object]) -> None:
    """Found a datacenter in `folder` and hand it to `take` with each part of the corpus in turn."""
    for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        if len(old.name) == len(folder.name):  # of the same size, and filled by other code or not to the end
            shutil.rmtree(old)
    site = found(folder)
    try:
        for files in parts:
            take(site, files)
    finally:
        site.close()
    (folder / "filled").touch()


def found(folder: Path) -> Site:
    """A new datacenter in `folder`; whoever asks closes it."""
    folder.mkdir(parents=True)
    base_url = "http://127.0.0.1:8080/"
    config_file.write(folder, {
        "authority": AUTHORITY, "title": "Bench", "base_url": base_url, "admin_email": "ops@bench.example"})
    site = open_site(folder)
    upgrade(site.database)
    founding.found(site, founding.Founding(
        authority=AUTHORITY, title="Bench", base_url=base_url, organisation="Bench", contact="Bench",
        email="ops@bench.example", description="A datacenter for benchmarks.", reference_url=base_url), "bench")
    return site


def import_files(site: Site, files: Sequence[Path]) -> Report:
    """`registry import --own`; raises SystemExit where a record is refused, for then the figures tell nothing."""
    report = import_paths(site, files, who="bench", own=True, processes=len(os.sched_getaffinity(0)))
    for file in report.files:
        for entry in file.entries:
            if not entry.taken:
                raise SystemExit(f"{file.name}: {entry.ivoid} was {entry.outcome}: {entry.reason}")
    return report


def _fingerprint() -> str:
    """Changes with the code that a filled datacenter depends on."""
    found_ = hashlib.sha256()
    for name in _FILLED_BY:
        path = _SOURCE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found_.update(file.read_bytes())
    return found_.hexdigest()[:12]
