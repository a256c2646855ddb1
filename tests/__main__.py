"""`make test`: a Docker engine for all of the tests, started where none runs, and pytest on every core.

What a test file starts for itself (repositories, databases, browsers, datacenters) its fixtures start and stop.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from applications.demo import engine
from registry.errors import Refusal


def main() -> int:
    """Run the tests with the arguments given (default: all, three files at a time); pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="innerspace-tests-") as folder:
        try:
            running = engine.ensure(Path(folder))
        except Refusal as error:
            print(f"The tests cannot start: {error}", file=sys.stderr)
            return 1
        try:
            # a file's tests share what its fixtures have started; three on two cores, for many wait for an engine or a browser
            command = [sys.executable, "-m", "pytest", "-n", "3", "--dist", "loadfile", *sys.argv[1:]]
            return subprocess.run(command, check=False).returncode
        finally:
            running.stop()


if __name__ == "__main__":
    sys.exit(main())
