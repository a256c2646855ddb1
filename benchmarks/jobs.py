"""Jobs: what queue, web and worker add to the engine's own create + start + wait + remove. Both in the same run, by turns.

All jobs go the users' way: POST to the web, read by a blocking WAIT. The raw engine makes the same containers, with every wall of
the sandbox, by as many threads as the site runs containers at once.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, percentile, timed
from benchmarks.station import AT_ONCE, Application, Caller, Station, station
from registry import clock
from registry.executor import sandbox
from registry.executor.docker_runtime import DockerRuntime
from registry.executor.runtime import INSTANCE, JOB, Limits, Mount, Spec

JOBS = int(os.environ.get("BENCH_JOBS") or 200)
LINES = 500_000
SINGLE = max(JOBS // 2, 20)
_ROUNDS = 4
_FINAL = ("COMPLETED", "ERROR", "ABORTED")


@dataclass
class Seen:
    """Milliseconds of single jobs on an idle machine."""

    raw_start: list[float] = field(default_factory=list)
    executing: list[float] = field(default_factory=list)
    event: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


def figures() -> Iterator[Figure]:
    """Rate, delay at the start, delay at the end, our own CPU."""
    with station() as place:
        nothing, brief = place.application("nothing", "true"), place.application("brief", "sleep 0.3")
        for application in (nothing, brief):  # images, contracts and code are read now
            _await(place.caller(), _submit(place.caller(), application))
        yield from _single(_one_by_one(place, brief))
        yield from _many(place, nothing)
        yield _flood(place, place.application("flood", f"seq {LINES}"))


def _single(seen: Seen) -> Iterator[Figure]:
    for share, most in ((50, 60), (99, 250)):
        name = f"POST RUN to EXECUTING beyond the raw create + start, p{share} of {SINGLE}"
        raw = percentile(seen.raw_start, share)
        beyond = percentile(seen.executing, share) - raw
        yield Figure(name, beyond, raw, "ms", "raw create + start", target=f"<= {most}" if share == 50 else "")
    for share, most in ((50, 50), (99, 250)):
        name = f"end of the container to the end of a blocked WAIT beyond the engine's event, p{share} of {SINGLE}"
        event = percentile(seen.event, share)
        yield Figure(name, percentile(seen.waited, share) - event, event, "ms", "the engine's event", target=f"<= {most}")


def _many(place: Station, nothing: Application) -> Iterator[Figure]:
    ours = raw = used = 0.0
    for _ in range(_ROUNDS):
        raw += timed(lambda: _raw_run(place, nothing, JOBS // _ROUNDS))
        before = place.cpu()
        ours += timed(lambda: _our_run(place, nothing, JOBS // _ROUNDS))
        used += place.cpu() - before
    yield Figure(f"{JOBS} jobs that do nothing, {AT_ONCE} at once", JOBS / ours, JOBS / raw, "jobs/s",
                 "raw create + start + wait + remove", ">= 0.85")
    yield Figure("our own CPU (web, worker, gateway) for one of them", 1000 * used / JOBS, 1000 * raw / JOBS, "ms",
                 "wall time a raw one takes", target="<= 40")


def _flood(place: Station, flood: Application) -> Figure:
    """How long a log that is not kept whole holds up the end of its job."""
    ours, whole = [], []
    caller = place.caller()
    for number in range(_ROUNDS):
        whole.append(_read_whole_log(place, flood, number))
        found = _await(caller, _submit(caller, flood))
        ours.append((datetime.now(UTC) - clock.parse(str(found["endTime"]))).total_seconds())
    caller.close()
    name = f"{LINES:,} lines on stdout: end of the container to COMPLETED"
    return Figure(name, statistics.median(ours), statistics.median(whole), "s", "the engine hands out the whole log", "<= 1")


# --- ours -------------------------------------------------------------------------------------------------------------


def _submit(caller: Caller, application: Application) -> str:
    return caller.post("/jobs", APP=application.ivoid, PHASE="RUN")


def _await(caller: Caller, job: str) -> dict[str, object]:
    """The job when it has ended. Raises SystemExit for another end than COMPLETED."""
    found = caller.get(f"{job}?WAIT=60")
    while found["phase"] not in _FINAL:
        found = caller.get(f"{job}?WAIT=60")
    if found["phase"] != "COMPLETED":
        raise SystemExit(f"{job} is {found['phase']}: {found['errorSummary']}")
    return found


def _our_run(place: Station, application: Application, count: int) -> None:
    caller = place.caller()
    jobs = [_submit(caller, application) for _ in range(count)]
    for job in jobs:
        _await(caller, job)
    caller.close()


def _one_by_one(place: Station, application: Application) -> Seen:
    seen, ends = Seen(), _Ends(place.instance)
    caller = place.caller()
    for number in range(SINGLE):
        seen.raw_start.append(_raw_start(place, application, number))
        job = caller.post("/jobs", APP=application.ivoid)
        began = time.perf_counter()
        caller.post(f"{job}/phase", PHASE="RUN")
        found = caller.get(f"{job}?WAIT=60&PHASE=QUEUED")
        seen.executing.append(1000 * (time.perf_counter() - began))
        if found["phase"] == "EXECUTING":
            found = caller.get(f"{job}?WAIT=60&PHASE=EXECUTING")
        now = datetime.now(UTC)
        ended = clock.parse(str(found["endTime"]))
        seen.waited.append(1000 * (now - ended).total_seconds())
        seen.event.append(1000 * (ends.of(str(found["jobId"])) - ended).total_seconds())
    ends.close()
    caller.close()
    return seen


class _Ends:
    """When the engine told that a container has ended, as any program hears it."""

    def __init__(self, instance: str) -> None:
        self._stop, self._heard = threading.Event(), threading.Condition()
        self._at: dict[str, datetime] = {}
        self._runtime = DockerRuntime()
        self._thread = threading.Thread(target=self._listen, args=(instance,), daemon=True)
        self._thread.start()

    def of(self, job_id: str) -> datetime:
        """The moment at which its end was told."""
        with self._heard:
            if not self._heard.wait_for(lambda: job_id in self._at, 10):
                raise SystemExit(f"The engine told nothing of the end of job {job_id}.")
            return self._at[job_id]

    def close(self) -> None:
        """Listen no longer."""
        self._stop.set()
        self._thread.join(10)
        self._runtime.close()

    def _listen(self, instance: str) -> None:
        for event in self._runtime.events(instance, self._stop):
            if event.action == "die":
                with self._heard:
                    self._at[event.labels.get(JOB, "")] = datetime.now(UTC)
                    self._heard.notify_all()


# --- the raw engine ---------------------------------------------------------------------------------------------------


def _body(place: Station, application: Application, name: str) -> dict[str, object]:
    """The request for a container with the same walls and mounts as a job's."""
    folder = place.folder / "raw" / name
    for part in ("datacenter", "job", "results"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    mounts = tuple(Mount(Path(folder / part), f"/{part}", part == "results") for part in ("datacenter", "job", "results"))
    limits = Limits(1.0, 64 * 2**20, 128, 2**20, 2**20)
    return sandbox.request(Spec(name, application.image, {INSTANCE: f"{place.instance}raw"}, {}, mounts, limits))


def _raw_start(place: Station, application: Application, number: int) -> float:
    """Milliseconds of create + start alone."""
    api, name = place.engine.api, f"innerspace-raw-{os.getpid()}-{number}"
    body = _body(place, application, name)
    began = time.perf_counter()
    made = api.create_container_from_config(body, name)
    api.start(made)
    took = 1000 * (time.perf_counter() - began)
    api.wait(made)
    api.remove_container(made, v=True)
    return took


def _raw_run(place: Station, application: Application, count: int) -> None:
    def one(number: int) -> None:
        api, name = place.engine.api, f"innerspace-raw-{os.getpid()}-{number}"
        made = api.create_container_from_config(bodies[number], name)
        api.start(made)
        api.wait(made)
        api.remove_container(made, v=True)

    bodies = [_body(place, application, f"{number}") for number in range(count)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(one, range(count)))


def _read_whole_log(place: Station, application: Application, number: int) -> float:
    """Seconds that the engine needs to hand out all that a container has written."""
    api, name = place.engine.api, f"innerspace-raw-{os.getpid()}-log-{number}"
    made = api.create_container_from_config(_body(place, application, name), name)
    api.start(made)
    api.wait(made)
    took = timed(lambda: sum(len(part) for part in api.logs(made, stream=True, timestamps=True)))
    api.remove_container(made, v=True)
    return took
