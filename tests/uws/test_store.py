"""Jobs as rows: conditional changes, the queue, leases, lists."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from registry import clock
from registry.uws import phases, store
from registry.uws.phases import ABORTED, ARCHIVED, COMPLETED, ERROR, EXECUTING, HELD, PENDING, QUEUED, UNKNOWN
from registry.uws.store import NoJob, Parameter, Result
from tests.uws.jobs_at_hand import advance, job, put


def test_final_phases_lead_to_archived_only() -> None:
    assert set(phases.MOVES) == set(phases.Phase)
    for phase in phases.FINAL:
        assert phases.MOVES[phase] <= {ARCHIVED}
    assert UNKNOWN not in phases.FINAL


def test_a_job_is_read_as_it_was_written(site: Any) -> None:
    written = put(site, Parameter("a", "1"), Parameter("A2", "file.csv", True), Parameter("a", "0"), run_id="<&>",
                  limits={"cores": 0.5}, owner="ada")
    with site.database.read() as connection:
        assert store.get(connection, written.id) == written
        assert store.parameters(connection, written.id) == [
            Parameter("a", "1"), Parameter("A2", "file.csv", True), Parameter("a", "0")]
        assert [change.phase for change in store.history(connection, written.id)] == [PENDING]
        with pytest.raises(NoJob):
            store.get(connection, "nonesuch")


def test_whoever_read_the_job_before_it_moved_changes_nothing(site: Any) -> None:
    old = put(site)
    with site.database.write() as connection:
        assert store.move(connection, old, QUEUED) is not None
        assert store.move(connection, old, ABORTED) is None
        assert store.note(connection, old, message="late") is None
        assert store.get(connection, old.id).phase is QUEUED


def test_of_two_who_read_the_same_only_one_writes(site: Any) -> None:
    read = put(site)
    with site.database.write() as connection:
        assert store.note(connection, read, desired=store.ABORT) is not None
        assert store.note(connection, read, desired=store.RUN) is None
        assert store.get(connection, read.id).desired == store.ABORT


def test_a_move_that_does_not_exist_is_refused(site: Any) -> None:
    done = advance(site, put(site), QUEUED, EXECUTING, COMPLETED)
    with site.database.write() as connection, pytest.raises(ValueError, match="from COMPLETED to EXECUTING"):
        store.move(connection, done, EXECUTING)


def test_a_final_phase_ends_lease_and_token(site: Any) -> None:
    put(site, phase=QUEUED)
    with site.database.write() as connection:
        taken = store.claim(connection, "worker-1", 4)
        assert taken is not None and (taken.attempt, taken.step, taken.lease) == (1, store.CLAIMED, "worker-1")
        running = store.move(connection, taken, EXECUTING, token_hash="ab", step="started")
        assert running is not None and running.started
        assert store.by_token(connection, "ab") == running
        done = store.move(connection, running, COMPLETED, exit_code=0)
        assert done is not None and done == store.get(connection, done.id)
        assert (done.token_hash, done.lease, done.exit_code) == (None, "", 0) and done.ended
        assert store.by_token(connection, "ab") is None
        assert store.leased(connection) == []
        assert [change.phase for change in store.history(connection, done.id)] == [QUEUED, EXECUTING, COMPLETED]


def test_the_queue_gives_the_oldest_up_to_the_limit(site: Any) -> None:
    late = put(site, phase=QUEUED, created="2026-01-02T00:00:00.000Z")
    early = put(site, phase=QUEUED, created="2026-01-01T00:00:00.000Z")
    put(site, phase=QUEUED, desired=store.ABORT, created="2025-01-01T00:00:00.000Z")
    put(site, phase=HELD, created="2025-01-01T00:00:00.000Z")
    with site.database.write() as connection:
        first, second = store.claim(connection, "w", 2), store.claim(connection, "w", 2)
        assert first is not None and second is not None
        assert [first.id, second.id] == [early.id, late.id]
        assert store.claim(connection, "w", 2) is None
        assert store.claim(connection, "w", 3) is None


def test_two_workers_never_take_the_same_job(site: Any) -> None:
    made = {put(site, phase=QUEUED).id for _ in range(24)}
    taken: list[str] = []

    def work(lease: str) -> None:
        while True:
            with site.database.write() as connection:
                found = store.claim(connection, lease, 1000)
            if found is None:
                return
            taken.append(found.id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(made)


def test_a_renewed_lease_leaves_the_version_and_an_adopted_one_fences(site: Any) -> None:
    put(site, phase=QUEUED)
    with site.database.write() as connection:
        taken = store.claim(connection, "old", 4)
        assert taken is not None
        assert store.renew(connection, "old") == 1
        assert store.get(connection, taken.id).beat == taken.beat + 1
        assert store.note(connection, taken, step="staged") is not None
        mine = store.adopt(connection, store.get(connection, taken.id), "new")
        assert mine is not None and mine.lease == "new" and mine.attempt == 1
        assert store.note(connection, taken, step="created") is None


def test_leased_lists_what_a_worker_has_to_look_at(site: Any) -> None:
    put(site, phase=QUEUED)
    advance(site, put(site), ABORTED)
    taken = put(site, phase=EXECUTING, lease="w")
    stopping = put(site, phase=EXECUTING, desired=store.ABORT)
    going = put(site, phase=COMPLETED, desired=store.DELETE)
    with site.database.read() as connection:
        assert {found.id for found in store.leased(connection)} == {taken.id, stopping.id, going.id}


def test_results_keep_their_order_and_go_with_the_job(site: Any) -> None:
    done = advance(site, put(site, Parameter("a", "1")), QUEUED, EXECUTING, ERROR)
    found = [Result("z.json", 0, "files/z.json", 3, "application/json", "00"),
             Result("stdout", 1, "stdout", 0, "text/plain", "01")]
    with site.database.write() as connection:
        store.set_results(connection, done.id, found)
        store.set_results(connection, done.id, found)
        assert store.results(connection, done.id) == found
        store.remove(connection, done.id)
        store.remove(connection, done.id)
        assert store.results(connection, done.id) == store.parameters(connection, done.id) == []
        assert store.history(connection, done.id) == []
        with pytest.raises(NoJob):
            store.get(connection, done.id)


def test_due_are_those_past_their_destruction(site: Any) -> None:
    past = put(site, destruction="2026-01-01T00:00:00.000Z")
    put(site, destruction="2026-01-01T00:00:00.000Z", desired=store.DELETE)
    kept = put(site, destruction="2026-01-01T00:00:01.000Z", phase=ARCHIVED)
    put(site)
    with site.database.read() as connection:
        now = clock.fine_stamp()
        assert [found.id for found in store.due(connection, now)] == [past.id, kept.id]
        assert [found.id for found in store.due(connection, now, kept=10**8)] == [past.id]
        assert [found.id for found in store.due(connection, "2026-01-01T00:01:00Z", kept=60)] == [past.id]
        assert [found.id for found in store.due(connection, "2026-01-01T00:01:01Z", kept=60)] == [past.id, kept.id]


@pytest.mark.parametrize(("now", "due"), [
    ("2026-01-01T00:00:05.122Z", False), ("2026-01-01T00:00:05Z", False), ("2026-01-01T00:00:05.123Z", True),
    ("2026-01-01T00:00:06Z", True),
])
def test_destruction_is_told_by_the_millisecond(site: Any, now: str, due: bool) -> None:
    put(site, destruction="2026-01-01T00:00:05.123Z")
    with site.database.read() as connection:
        assert bool(store.due(connection, now)) is due


def test_lists_filter_by_owner_phase_time_and_number(site: Any) -> None:
    kinds = [(PENDING, "ada"), (COMPLETED, "ada"), (ARCHIVED, "ada"), (ERROR, "ada"), (PENDING, None), (PENDING, "bob")]
    made = [put(site, phase=phase, owner=owner, created=f"2026-01-0{day}T00:00:00.000Z")
            for day, (phase, owner) in enumerate(kinds, start=1)]
    put(site, owner="ada", desired=store.DELETE)
    ids = [found.id for found in made]

    def listed(**filters: Any) -> list[str]:
        with site.database.read() as connection:
            paged = {"newest": "last" in filters, "limit": filters.get("last")}
            others = {name: value for name, value in filters.items() if name != "last"}
            found = [item.id for item in store.references(connection, **others, **paged)]
            assert [item.id for item in store.listing(connection, **filters)] == found
            return found

    assert listed(owner="ada") == [ids[0], ids[1], ids[3]]
    assert listed() == [ids[4]]
    assert listed(everybody=True) == [ids[0], ids[1], ids[3], ids[4], ids[5]]
    assert listed(owner="ada", phases=[ARCHIVED]) == [ids[2]]
    assert listed(owner="ada", phases=[PENDING, ERROR]) == [ids[0], ids[3]]
    assert listed(everybody=True, after=made[3].created) == [ids[4], ids[5]]
    assert listed(everybody=True, last=2) == [ids[5], ids[4]]
    assert listed(owner="ada", phases=[PENDING, COMPLETED], after=made[0].created, last=5) == [ids[1]]


def test_counts(site: Any) -> None:
    put(site, owner="ada")
    put(site, owner="ada", phase=QUEUED)
    put(site, owner="ada", phase=COMPLETED)
    with site.database.read() as connection:
        assert store.waiting(connection, "ada") == 2 and store.waiting(connection, None) == 0
        assert store.counts(connection) == {PENDING: 1, QUEUED: 1, COMPLETED: 1}


def test_job_needs_every_column() -> None:
    from registry.tables import jobs

    assert set(vars(job())) == set(jobs.c.keys())
