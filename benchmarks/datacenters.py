"""Filled datacenters: founded, with the corpus imported as records of their own. Kept as long as the code that fills them is the same."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterable
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
_FILLED_BY = ("registry/records/store.py", "registry/records/shelf_rows.py", "registry/records/ready.py", "registry/records/projection",
              "registry/migrations", "registry/tables.py", "registry/db.py", "vosi/xmlio.py")


def filled(count: int, *, small: bool = False) -> Path:
    """The instance folder of a datacenter with `count` records of the corpus (those it marks deleted are none)."""
    folder = place(count, small=small)
    if not (folder / "filled").is_file():
        files = corpus.pages(count, small=small)
        print(f"(filling a datacenter with {count:,} records)", file=sys.stderr)
        fill(folder, files, lambda site, file: import_file(site, file))
    return folder


def place(count: int, *, small: bool = False) -> Path:
    """Where the datacenter of that size is kept, filled or not."""
    return FOLDER / f"datacenter-{count}{'-small' if small else ''}-{_fingerprint()}"


def fill(folder: Path, files: Iterable[Path], take: Callable[[Site, Path], object]) -> None:
    """Found a datacenter in `folder` and hand it to `take` with each file in turn."""
    for old in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        if len(old.name) == len(folder.name):  # of the same size, and filled by other code or not to the end
            shutil.rmtree(old)
    site = found(folder)
    try:
        for file in files:
            take(site, file)
    finally:
        site.close()
    (folder / "filled").touch()


def found(folder: Path) -> Site:
    """A new datacenter in `folder`; whoever asks closes it."""
    folder.mkdir(parents=True)
    base_url = "http://127.0.0.1:8080/"
    config_file.write(folder, {"authority": AUTHORITY, "title": "Bench", "base_url": base_url, "admin_email": "ops@bench.example"})
    site = open_site(folder)
    upgrade(site.database)
    founding.found(site, founding.Founding(
        authority=AUTHORITY, title="Bench", base_url=base_url, organisation="Bench", contact="Bench", email="ops@bench.example",
        description="A datacenter for benchmarks.", reference_url=base_url), "bench")
    return site


def import_file(site: Site, file: Path) -> Report:
    """`registry import --own` of one file; raises SystemExit where a record is refused, for then the figures tell nothing."""
    report = import_paths(site, [file], who="bench", own=True)
    refused = [entry for one in report.files for entry in one.entries if not entry.taken]
    if refused:
        raise SystemExit(f"{file.name}: {refused[0].ivoid} was {refused[0].outcome}: {refused[0].reason}")
    return report


def _fingerprint() -> str:
    """Changes with the code that a filled datacenter depends on."""
    found_ = hashlib.sha256()
    for name in _FILLED_BY:
        path = _SOURCE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found_.update(file.read_bytes())
    return found_.hexdigest()[:12]
