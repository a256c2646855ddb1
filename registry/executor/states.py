"""A container's state, from what an engine answers to `GET /containers/NAME/json`. It asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from registry.executor import frames, runtime
from registry.executor.runtime import State

NAMES = {
    "created": runtime.CREATED, "running": runtime.RUNNING, "restarting": runtime.RUNNING, "paused": runtime.PAUSED,
}


def status(found: Mapping[str, Any]) -> str:
    """Whether the container is created, running, paused or exited."""
    return NAMES.get(found["State"]["Status"], runtime.EXITED)


def inspected(found: Mapping[str, Any], told: Collection[str], killed_for_memory: int | None) -> State:
    """The state in the engine's answer `found`; `told` is what it remembers to have happened to the container.

    An exit code `killed_for_memory` means just that: podman does not say so otherwise (measured), and it has no engine
    process whose end would kill its containers.
    """
    state = found["State"]
    started, finished = frames.moment(state.get("StartedAt", "")), frames.moment(state.get("FinishedAt", ""))
    if started and finished:  # the engine writes the start down late: measured, a short container ends before it
        started = min(started, finished)
    now, code = status(found), state.get("ExitCode")
    return State(
        now, str(found["Name"]).lstrip("/"), dict(found["Config"].get("Labels") or {}), started, finished, code,
        out_of_memory=bool(state.get("OOMKilled")) or (killed_for_memory is not None and code == killed_for_memory),
        stopped=bool({"kill", "stop"} & set(told)),
        seen={runtime.CREATED: "create" in told, runtime.EXITED: "die" in told}.get(now, True),
        error=str(state.get("Error") or ""), id=str(found.get("Id") or ""), pid=int(state.get("Pid") or 0),
    )
