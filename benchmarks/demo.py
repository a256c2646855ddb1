"""How long `make demo` takes: a first time in an empty folder, and again. Packages and virtual environment are there already."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, timed

_LIMIT = 600  # seconds


def figures() -> Iterator[Figure]:
    """Seconds of both times; the engine may still have images of earlier ones."""
    folder = Path(tempfile.mkdtemp(prefix="innerspace-bench-demo-"))
    try:
        first, second = (timed(lambda: _demo(folder)) for _ in range(2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield Figure("the demo, the first time", first, second, "s", "the second time", target="<= 300")
    yield Figure("the demo, the second time", second, first, "s", "the first time", target="<= 30")


def _demo(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "applications.demo", "--once", "--folder", str(folder / "demo")], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_LIMIT, cwd=Path(__file__).resolve().parents[1], check=False)
    if done.returncode:
        raise SystemExit(f"The demo failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
