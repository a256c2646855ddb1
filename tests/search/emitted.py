"""Short digests of the SQL that is made of the queries that clients send: what changes it, such as a new sqlglot, is seen.

    python -m tests.search.emitted    writes them anew, once a change is known to be right
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from registry.search.adql import translate
from tests.conftest import SHARED
from tests.search import pool

FILE = Path(__file__).with_name("emitted.txt")


def digests(queries: dict[str, str]) -> list[str]:
    """A line for each query: its name, and what its SQL and parameters come to for each database."""
    lines = []
    for name, adql in queries.items():
        made = [translate(adql, dialect, 20000) for dialect in ("sqlite", "postgresql")]
        short = [hashlib.sha256(repr((one.sql, one.parameters)).encode()).hexdigest()[:6] for one in made]
        lines.append(" ".join([name, *short]))
    return lines


if __name__ == "__main__":
    FILE.write_text("\n".join(digests(pool.forms(SHARED))) + "\n", encoding="utf-8")
