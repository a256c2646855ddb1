"""Where podman's Docker-compatible API differs from Docker's (measured with 4.3), for `docker_runtime.py`.

Pure functions; it reaches no engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from registry.executor.runtime import EngineRefuses, LogChunk, Spec

POLL = 0.5  # seconds between two looks at a log: its own following loses lines
KILLED = 128 + 9
_CONFLICT = re.compile(r"already in use|state improper")  # what Docker answers with 409
_TMPFS_FILES = re.compile(r",nr_inodes=\d+")
_OWN_TMPFS = ("/run", "/tmp", "/var/tmp")  # podman makes these writable, with programs that run, unless told otherwise
_ACCOUNT_PROCESSES = 16_384  # of all containers together; each has its own limit below it


def is_podman(version: Mapping[str, Any]) -> bool:
    """Whether the answer to `GET /version` is podman's."""
    return any(str(part.get("Name", "")).startswith("Podman") for part in version.get("Components") or ())


def is_conflict(words: str) -> bool:
    """Whether an answer with status 500 is what Docker answers with 409."""
    return _CONFLICT.search(words) is not None


def request(body: dict[str, Any], spec: Spec) -> dict[str, Any]:
    """The body of `POST /containers/create` as podman takes it. Raises EngineRefuses.

    It knows no limit of files in a tmpfs: there they end where the job's memory does. Where no limit of processes per
    account is named it sets a million, which it may not do without CAP_SYS_RESOURCE.
    """
    for mount in spec.mounts:
        if not mount.volume and not mount.source.exists():  # podman would make it, for root
            raise EngineRefuses(f"The container is not made: there is no {mount.source} to mount in it.")
    host = body["HostConfig"]
    tmpfs = {path: _TMPFS_FILES.sub("", options) for path, options in host["Tmpfs"].items()}
    tmpfs = {**dict.fromkeys(_OWN_TMPFS, "ro,noexec,nosuid,nodev,size=65536,mode=755"), **tmpfs}
    limit = {"Name": "nproc", "Soft": _ACCOUNT_PROCESSES, "Hard": _ACCOUNT_PROCESSES}
    return {**body, "HostConfig": {**host, "Tmpfs": tmpfs, "Ulimits": [*host["Ulimits"], limit]}}


def numbered(chunks: Iterable[LogChunk]) -> Iterator[LogChunk]:
    """The chunks from a second's beginning on with stamps that sort: podman's name the second, and no more."""
    second, number = "", 0
    for chunk in chunks:
        moment = datetime.fromisoformat(chunk.stamp).astimezone(UTC)
        now = f"{moment:%Y-%m-%dT%H:%M:%S}"
        second, number = (second, number + 1) if now == second else (now, 0)
        yield chunk._replace(stamp=f"{now}.{number:09d}Z")


def second_of(stamp: str) -> str:
    """The beginning of the second of a stamp that `numbered` made; '' stays ''."""
    return stamp and f"{stamp.partition('.')[0]}Z"
