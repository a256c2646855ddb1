"""The contract of an engine, held by every engine there is: what the worker builds on."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from registry.executor import runtime
from registry.executor.runtime import EngineRefuses, Event, ImageAbsent, Limits, Mount, Spec
from tests.executor.engines import Kit

LIMITS = Limits(1.0, 64 * 2**20, 32, 2**20, 4096)


def make(kit: Kit, program: str, tmp_path: Path | None = None, *, start: bool = True, job: str = "j1") -> str:
    """A container that runs `program`; its name."""
    mounts = ()
    if tmp_path is not None:
        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        results.chmod(0o777)
        mounts = (Mount(results, "/results", writable=True),)
    name = f"innerspace-{kit.instance}-{job}-1"
    labels = {runtime.INSTANCE: kit.instance, runtime.JOB: job, runtime.ATTEMPT: "1"}
    kit.runtime.create(Spec(name, kit.images[program], labels, {"JOB_ID": job}, mounts, LIMITS))
    if start:
        kit.runtime.start(name)
    return name


def await_end(kit: Kit, name: str) -> runtime.State:
    """The state after the container's end: its log ends with it."""
    for _ in kit.runtime.follow(name):
        pass
    stop = threading.Event()
    threading.Timer(30, stop.set).start()
    while not stop.is_set():
        state = kit.runtime.inspect(name)
        if state.status == runtime.EXITED:
            stop.set()
            return state
    raise AssertionError(f"{name} did not end")


def test_an_engine_says_what_it_is(kit: Kit):
    engine = kit.runtime.describe()
    assert engine.version
    assert engine.cores >= 1
    assert engine.memory > 0


def test_a_container_that_is_not_there_is_absent_and_every_verb_leaves_it_at_that(kit: Kit):
    name = f"innerspace-{kit.instance}-none-1"
    assert kit.runtime.inspect(name).status == runtime.ABSENT
    kit.runtime.stop(name, 1)
    kit.runtime.kill(name)
    kit.runtime.remove(name)
    assert list(kit.runtime.follow(name)) == []
    assert kit.runtime.list(kit.instance) == []
    with pytest.raises(EngineRefuses):
        kit.runtime.start(name)


def test_a_container_goes_from_created_to_exited(kit: Kit, tmp_path):
    name = make(kit, "hello", tmp_path, start=False)
    state = kit.runtime.inspect(name)
    assert (state.status, state.started_at, state.name) == (runtime.CREATED, None, name)
    kit.runtime.start(name)
    state = await_end(kit, name)
    assert (state.status, state.exit_code, state.out_of_memory) == (runtime.EXITED, 0, False)
    assert state.started_at is not None
    assert state.finished_at is not None
    assert state.started_at <= state.finished_at
    assert state.labels[runtime.JOB] == "j1"
    assert (tmp_path / "results/deep/answer.txt").read_bytes() == b"42\n"


def test_creating_one_of_the_same_name_leaves_the_first_as_it_is(kit: Kit):
    name = make(kit, "three")
    await_end(kit, name)
    assert make(kit, "hello", start=False) == name
    assert kit.runtime.inspect(name).exit_code == 3


def test_starting_one_that_runs_is_no_error(kit: Kit):
    name = make(kit, "sleeper")
    started = kit.runtime.inspect(name).started_at
    kit.runtime.start(name)
    assert kit.runtime.inspect(name).started_at == started


def test_the_exit_code_is_the_programs(kit: Kit):
    state = await_end(kit, make(kit, "three"))
    assert (state.exit_code, state.stopped, state.seen) == (3, False, True)


def test_both_streams_are_told_apart_and_stamps_sort(kit: Kit):
    name = make(kit, "three")
    chunks = list(kit.runtime.follow(name))
    written = b"".join(chunk.data for chunk in chunks if chunk.stream == runtime.STDERR)
    assert written == b"first\nthe third thing went wrong\n"
    assert not [chunk for chunk in chunks if chunk.stream == runtime.STDOUT]
    again = list(kit.runtime.follow(name, chunks[1].stamp))
    assert [chunk.data for chunk in again if chunk.stamp > chunks[0].stamp] == [b"the third thing went wrong\n"]


def test_following_ends_when_it_is_told_to(kit: Kit):
    name = make(kit, "sleeper")
    stop = threading.Event()
    seen = []
    for chunk in kit.runtime.follow(name, stop=stop):
        seen.append(chunk.data)
        stop.set()
    assert b"".join(seen) == b"asleep\n"


def test_what_there_is_so_far_comes_without_waiting(kit: Kit):
    name = make(kit, "sleeper")
    next(iter(kit.runtime.follow(name)))
    assert b"".join(chunk.data for chunk in kit.runtime.follow(name, wait=False)) == b"asleep\n"


def test_one_stream_or_the_last_of_all_can_be_had(kit: Kit):
    name = make(kit, "three")
    await_end(kit, name)
    assert [chunk.data for chunk in kit.runtime.follow(name, wait=False, streams=("stdout",))] == []
    errors = list(kit.runtime.follow(name, wait=False, streams=("stderr",)))
    assert [chunk.data for chunk in errors] == [b"first\n", b"the third thing went wrong\n"]
    assert list(kit.runtime.follow(name, wait=False, tail=1)) == errors[-1:]
    assert list(kit.runtime.follow(name, wait=False, tail=1, streams=("stdout",))) == []
    assert list(kit.runtime.follow(name, wait=False, tail=10)) == errors


def test_a_long_line_comes_whole(kit: Kit):
    name = make(kit, "wide")
    await_end(kit, name)
    chunks = list(kit.runtime.follow(name, wait=False))
    assert b"".join(chunk.data for chunk in chunks) == b"x" * 100_000 + b"\nend\n"
    assert [chunk.stamp for chunk in chunks] == sorted(chunk.stamp for chunk in chunks)
    again = list(kit.runtime.follow(name, chunks[0].stamp, wait=False))
    assert again == chunks


def test_stopping_asks_first(kit: Kit, tmp_path):
    name = make(kit, "sleeper", tmp_path)
    next(iter(kit.runtime.follow(name)))
    kit.runtime.stop(name, 20)
    assert kit.runtime.inspect(name).status == runtime.EXITED
    assert kit.runtime.inspect(name).exit_code == 143


def test_stopping_does_not_wait_for_ever(kit: Kit):
    name = make(kit, "stubborn")
    next(iter(kit.runtime.follow(name)))
    kit.runtime.stop(name, 1)
    assert kit.runtime.inspect(name).exit_code == 137


def test_killing_is_at_once(kit: Kit):
    name = make(kit, "stubborn")
    kit.runtime.kill(name)
    assert await_end(kit, name).exit_code == 137
    assert kit.runtime.inspect(name).stopped
    kit.runtime.kill(name)  # ended already


def test_removing_ends_what_runs_and_happens_once(kit: Kit):
    name = make(kit, "sleeper")
    kit.runtime.remove(name)
    assert kit.runtime.inspect(name).status == runtime.ABSENT
    kit.runtime.remove(name)


def test_listing_shows_the_instances_own(kit: Kit):
    first, second = make(kit, "sleeper", job="a"), make(kit, "hello", job="b", start=False)
    found = {state.name: state for state in kit.runtime.list(kit.instance)}
    assert {name: state.status for name, state in found.items()} == {first: runtime.RUNNING, second: runtime.CREATED}
    assert found[first].labels[runtime.JOB] == "a"
    assert kit.runtime.list(kit.instance + "x") == []


def test_events_tell_of_a_start_and_an_end(kit: Kit):
    stop, seen, listening = threading.Event(), [], threading.Event()

    def listen() -> None:
        for event in kit.runtime.events(kit.instance, stop):
            seen.append(event)
            listening.set()
            if event.action == "die":
                stop.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(10)
    name = make(kit, "hello")
    thread.join(30)
    assert not thread.is_alive()
    assert seen[0] == Event("listening")
    told = [event for event in seen if event.action in ("start", "die")]
    assert [(event.action, event.name, event.labels.get(runtime.JOB)) for event in told] == [
        ("start", name, "j1"), ("die", name, "j1")]


def test_events_end_when_they_are_told_to(kit: Kit):
    stop = threading.Event()
    for event in kit.runtime.events(kit.instance, stop):
        assert event.action == "listening"
        stop.set()


def test_an_image_that_nobody_has_is_absent(kit: Kit):
    image = "sha256:" + "0" * 64
    assert not kit.runtime.has_image(image)
    with pytest.raises(ImageAbsent, match="0000"):
        kit.runtime.ensure_image(image)
    with pytest.raises(ImageAbsent):
        kit.runtime.create(Spec(f"innerspace-{kit.instance}-x-1", image, {}, {}, (), LIMITS))


def test_an_image_that_is_here_needs_no_fetching(kit: Kit):
    assert kit.runtime.has_image(kit.images["hello"])
    kit.runtime.ensure_image(kit.images["hello"])


def test_a_folder_that_is_not_there_cannot_be_mounted(kit: Kit, tmp_path):
    name = f"innerspace-{kit.instance}-j1-1"
    mounts = (Mount(tmp_path / "missing", "/results", writable=True),)
    with pytest.raises(EngineRefuses):
        kit.runtime.create(Spec(name, kit.images["hello"], {runtime.INSTANCE: kit.instance}, {}, mounts, LIMITS))
    assert kit.runtime.inspect(name).status == runtime.ABSENT


def test_the_network_is_made_once(kit: Kit):
    name = f"innerspace-{kit.instance}-dc"
    network = kit.runtime.ensure_network(name)
    assert network.gateway
    assert kit.runtime.ensure_network(name) == network


def test_what_one_uses_is_known_while_it_runs(kit: Kit):
    name = make(kit, "sleeper")
    next(iter(kit.runtime.follow(name)))
    meter = kit.runtime.meter(kit.runtime.inspect(name))
    used = meter.read()
    assert used is not None
    assert used.peak_memory > 0
    assert used.cpu_seconds > 0
    kit.runtime.kill(name)
    await_end(kit, name)
    assert meter.read() is None
    meter.close()
    ended = kit.runtime.meter(kit.runtime.inspect(name))
    assert ended.read() is None
    ended.close()
