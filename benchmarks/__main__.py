"""`make bench`: runs every benchmark, or those named on the command line, and prints a line a figure."""

from __future__ import annotations

import importlib
import sys

# what is measured -> its module below benchmarks, with a function figures() that yields Figure
BENCHMARKS = (
    "ingest", "listing", "lookups", "startup", "harvest", "jobs", "queue", "inner", "regtap", "votable", "catalogue",
    "applications", "pages", "demo",
)


def main() -> int:
    """Run them; 1 when a figure was missed."""
    wanted = sys.argv[1:] or BENCHMARKS
    unknown = sorted(set(wanted) - set(BENCHMARKS))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    missed = 0
    for name in wanted:
        print(f"--- {name}", flush=True)
        for figure in importlib.import_module(f"benchmarks.{name}").figures():
            print(figure.line(), flush=True)
            missed += figure.reached is False
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
