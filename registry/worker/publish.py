"""A job's results as its clients see them: files in the job's own folder, and their list. It writes no row.

    <instance>/results/<job>/  stdout  stderr  exitcode  files/<path>
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from registry.executor import collect, durable, logs
from registry.executor.runtime import EXITED, STDERR, STDOUT, State, Usage
from registry.site import Site
from registry.uws import files
from registry.uws.store import Job, Result
from registry.worker import stage
from registry.worker.outcome import Left

EXIT_CODE = "exitcode"
_TEXT = "text/plain; charset=utf-8"
_CHUNK = 2**20
_NOTHING = Usage()
# measured: the engine reads what a container writes, and what nobody has read is gone with the container's end
_LOG_GAP = "The Docker engine was away when the container ended: some of its stdout and stderr may be missing."
_CHILD_KILLED = "A process of the application was ended because the job's memory was used up."


@dataclass(frozen=True)
class Published:
    """What there is to list, and what it says about the end."""

    results: tuple[Result, ...]
    left: Left
    usage: dict[str, object]


def publish(site: Site, job: Job, state: State, used: Usage = _NOTHING,
            confirm: Callable[[], None] = lambda: None) -> Published:
    """Take over the results of an attempt that has ended; the same again gives the same. Raises OSError.

    All of them are on the disk when it returns: what a client is told of outlives a power cut.
    `confirm` is called before anything is replaced, and what it raises is passed on; `used` is what the container had
    used when it was last seen running.
    """
    place = files.folder(site, job.id)
    place.mkdir(parents=True, exist_ok=True)
    outputs = {str(one["path"]): one for one in job.contract.get("outputs", ())}
    primary = next((path for path, one in outputs.items() if one.get("primary")), "")
    media_types = {path: str(one["media_type"]) for path, one in outputs.items() if one.get("media_type")}
    most = stage.limits(site, job).disk
    taken = collect.collect(stage.results(site, job), place / "files", most, media_types, primary, confirm)
    if state.exit_code is not None:
        (place / EXIT_CODE).write_text(f"{state.exit_code}\n")
    logs_of_ours = [name for name in (STDOUT, STDERR, EXIT_CODE) if (place / name).is_file()]
    found = [Result(_id(one.path), 0, f"files/{one.path}", one.size, one.media_type, one.sha256) for one in taken.files]
    found += [_own(place, name) for name in logs_of_ours]
    durable.settle(place)
    numbered = tuple(Result(**{**vars(result), "position": number}) for number, result in enumerate(found))
    usage: dict[str, object] = {"result_bytes": taken.bytes, "result_files": len(taken.files)}
    usage |= _told(used, max(used.written, taken.bytes))
    problems = [*taken.problems, *([_CHILD_KILLED] if state.out_of_memory and state.exit_code == 0 else [])]
    problems += [_LOG_GAP] if state.status == EXITED and not state.seen else []
    if problems:
        usage["problems"] = problems
    return Published(numbered, Left(taken.bytes, taken.over, logs.last_line(place / STDERR), used), usage)


def _told(used: Usage, written: int) -> dict[str, object]:
    """What is known of it: nothing is where the container had ended before it could be looked at."""
    if used == _NOTHING:
        return {}
    return {"cpu_seconds": round(used.cpu_seconds, 3), "peak_memory": used.peak_memory, "written_bytes": written}


def _id(path: str) -> str:
    """A result's name; one that is called as our own are goes by its whole path."""
    return f"files/{path}" if path in (STDOUT, STDERR, EXIT_CODE) else path


def _own(place: Path, name: str) -> Result:
    digest, size = hashlib.sha256(), 0
    with (place / name).open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Result(name, 0, name, size, _TEXT, digest.hexdigest())
