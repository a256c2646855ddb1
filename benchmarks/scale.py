"""How large the benchmarks are, and where they keep what is slow to make, the corpus and filled datacenters: not in git.

BENCH_RECORDS is the size of the shelf (33,000; 3,300 gives a quick look), BENCH_FULL=1 adds one ten times as large,
BENCH_FOLDER is another place for what is kept.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

RECORDS = int(os.environ.get("BENCH_RECORDS") or 33_000)
SMALL = max(RECORDS // 10, 300)  # the shelf that flatness is measured against
FULL = os.environ.get("BENCH_FULL") == "1"
FULL_RECORDS = 10 * RECORDS
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 5)
FOLDER = Path(os.environ.get("BENCH_FOLDER") or Path(tempfile.gettempdir()) / f"innerspace-bench-{os.getuid()}")
SHARED = Path(os.environ.get("INNERSPACE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
