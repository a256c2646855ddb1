"""A program that means harm, for tests: tries what its parameter `attempt` says, and tells what it got.

`all`: every attempt of walls.py and doors.py, each in a process of its own, one JSON line for each on stdout:
{"attempt", "got": what it could do, "" for nothing, "saw": why not}. Any other value: that flood of floods.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import doors
import floods
import walls

PATIENCE = 20  # seconds for one attempt


def main() -> int:
    parameters = json.loads((Path(os.environ.get("JOB_DIR", "/job")) / "parameters.json").read_text())
    targets = json.loads(parameters["targets"])
    if parameters["attempt"] != "all":
        return floods.FLOODS[parameters["attempt"]](targets)
    for name, attempt in {**walls.ATTEMPTS, **doors.ATTEMPTS}.items():
        print(json.dumps({"attempt": name, **apart(attempt, targets)}), flush=True)
    return 0


def apart(attempt: Callable[[dict[str, Any]], str], targets: dict[str, Any]) -> dict[str, str]:
    """What the attempt got, tried by a child: what it spoils is gone with it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        os.write(writing, json.dumps(tried(attempt, targets)).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else {"got": "", "saw": f"its process ended with {status}"}


def tried(attempt: Callable[[dict[str, Any]], str], targets: dict[str, Any]) -> dict[str, str]:
    try:
        return {"got": attempt(targets), "saw": ""}
    except Exception as error:  # whatever stands in its way is what this program is for
        return {"got": "", "saw": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.exit(main())
