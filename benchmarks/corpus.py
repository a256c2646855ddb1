"""The synthetic corpus: pages of records from ../shared/corpus/make_bulk.py, made once and kept. It stores nothing on a shelf."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.scale import FOLDER, SHARED

PAGE = 500  # records in one file


def pages(count: int, *, small: bool = False) -> list[Path]:
    """The files of `count` records, 500 in each; `small` ones have no tables (3 kB instead of 10).

    Raises SystemExit where the maker of the corpus is not there.
    """
    folder = FOLDER / f"bulk-{count}{'-small' if small else ''}"
    if not (folder / "index.csv").is_file():
        _make(folder, count, small)
    return sorted(folder.glob("ListRecords-*.xml"))


def _make(folder: Path, count: int, small: bool) -> None:
    maker = SHARED / "corpus" / "make_bulk.py"
    if not maker.is_file():
        raise SystemExit(f"The corpus is made by {maker.name}, which is not in {SHARED}: set INNERSPACE_SHARED to its folder.")
    draft = folder.with_name(folder.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    print(f"(making {count:,} records)", file=sys.stderr)
    command = [sys.executable, str(maker), "--count", str(count), "--page-size", str(PAGE), "--out", str(draft)]
    subprocess.run(command + ["--small"] * small, check=True, stderr=subprocess.DEVNULL)
    draft.rename(folder)
