"""Fair shares: whose job is the next, what one owner may have, and why a job waits, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, text

from registry import clock
from registry.config import Settings
from registry.tables import job_usage, jobs
from registry.uws import fair, store
from registry.uws.fair import Shares
from registry.uws.phases import COMPLETED, ERROR, EXECUTING, HELD, QUEUED
from registry.uws.store import Job
from tests.uws.conftest import World, tag
from tests.uws.jobs_at_hand import job, put

PLACES = 4


def fill(site: Any, owner: str | None, number: int, **values: Any) -> None:
    """So many jobs of the owner in the queue, the first of them the oldest."""
    first = clock.parse("2026-01-01T00:00:00Z")
    made = [job(QUEUED, owner=owner, created=clock.fine_stamp(clock.later(n, first)), **values) for n in range(number)]
    with site.database.write() as connection:
        connection.execute(insert(jobs), [{**vars(one), "phase": one.phase.value} for one in made])


def claim(site: Any, shares: Shares = store.NO_SHARES, places: int = PLACES) -> Job | None:
    with site.database.write() as connection:
        return store.claim(connection, "w", places, shares)


def claimed(site: Any, shares: Shares = store.NO_SHARES, places: int = PLACES) -> Job:
    found = claim(site, shares, places)
    assert found is not None
    return found


def end(site: Any, taken: Job, seconds: float = 1.0) -> None:
    """The job has run for so long, up to now."""
    with site.database.write() as connection:
        running = store.move(connection, taken, EXECUTING, started=clock.fine_stamp(clock.later(-seconds)))
        assert running is not None and store.move(connection, running, COMPLETED) is not None


# --- whose turn it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hog", ["hog", None])
def test_ten_thousand_jobs_of_one_owner_delay_anothers_first_by_one_place(any_site: Any, hog: str | None) -> None:
    fill(any_site, hog, 10_000)
    running = [claimed(any_site) for _ in range(PLACES)]
    assert {one.owner for one in running} == {hog} and claim(any_site) is None
    late = put(any_site, phase=QUEUED, owner="late")
    with any_site.database.write() as connection:
        fair.count(connection, "late", 10.0**6)  # and even if it has used more than all others
    end(any_site, running.pop(0), seconds=0)
    assert claimed(any_site).id == late.id


def test_owners_with_endless_queues_have_as_many_running(any_site: Any) -> None:
    for owner, number in (("a", 50), ("b", 20), ("c", 20), (None, 20)):
        fill(any_site, owner, number)
    running = [claimed(any_site, places=8) for _ in range(8)]
    assert sorted(str(one.owner) for one in running) == ["None", "None", "a", "a", "b", "b", "c", "c"]


def test_of_those_with_as_many_running_who_has_used_least_lately_is_next(any_site: Any) -> None:
    for owner in ("a", "b"):
        fill(any_site, owner, 3)
    end(any_site, claimed(any_site, places=1), seconds=10)
    second = claimed(any_site, places=1)
    end(any_site, second, seconds=30)
    third = claimed(any_site, places=1)
    assert [second.owner, third.owner] == ["b", "a"]
    end(any_site, third, seconds=10)
    assert claimed(any_site, places=1).owner == "a", "it has used 20 s, b has used 30"


def test_what_was_used_before_the_window_counts_no_more(any_site: Any) -> None:
    with any_site.database.write() as connection:
        hour = clock.stamp(clock.later(-30 * 3600))[:13]
        connection.execute(insert(job_usage).values(owner="a", hour=hour, core_seconds=10.0**6))
        fair.count(connection, "b", 5.0)
    for owner in ("a", "b"):
        fill(any_site, owner, 1)
    assert claimed(any_site).owner == "a"


def test_an_owners_oldest_job_is_their_next_whatever_others_have(any_site: Any) -> None:
    fill(any_site, "a", 5)
    ranks = [claimed(any_site, places=9).created for _ in range(5)]
    assert ranks == sorted(ranks)


def test_a_short_job_goes_before_longer_ones_of_its_owner_for_an_hour(world: World) -> None:
    world.set(queued_jobs=100, short_job=60, short_head_start=3600)
    long = world.make("ada", PHASE="RUN")
    short = world.make("ada", PHASE="RUN", EXECUTIONDURATION="60")
    assert [world.claim().id, world.claim().id] == [short, long]
    settings = Settings(short_job=60, short_head_start=3600)
    assert fair.rank(settings, "2026-01-01T01:00:00.000Z", 60) == "2026-01-01T00:00:00.000Z"
    assert fair.rank(settings, "2026-01-01T01:00:00.000Z", 61) == "2026-01-01T01:00:00.000Z"
    assert fair.rank(settings, "2026-01-01T01:00:00.000Z", 0) == "2026-01-01T01:00:00.000Z"


def test_a_job_that_is_made_long_again_loses_its_head_start(world: World) -> None:
    long = world.make("ada", PHASE="RUN")
    short = world.make("ada", PHASE="RUN", EXECUTIONDURATION="60")
    world.post(f"/jobs/{short}/executionduration", "ada", EXECUTIONDURATION="600")
    assert [world.claim().id, world.claim().id] == [long, short]


def test_short_jobs_starve_nobody(any_site: Any) -> None:
    fill(any_site, "quick", 20, execution_duration=5, rank="2025-01-01T00:00:00.000Z")
    fill(any_site, "slow", 20)
    order = []
    for _ in range(20):
        taken = claimed(any_site, places=1)
        order.append(taken.owner)
        end(any_site, taken, seconds=5 if taken.owner == "quick" else 10)
    assert 6 <= order.count("slow") <= 8, "each has had as many seconds, one third of the turns and two"


def test_a_job_that_a_client_is_changing_holds_up_nobody(any_site: Any) -> None:
    if any_site.database.is_sqlite:
        return  # there one unit of work has the whole file
    for owner in ("a", "b"):
        fill(any_site, owner, 1)
    with any_site.database.write() as connection:
        first = connection.execute(select(jobs.c.id).where(jobs.c.owner == "a").with_for_update()).scalar_one()
        assert claimed(any_site).owner == "b"
    assert claimed(any_site).id == first


# --- what one owner may have ------------------------------------------------------------------------------------------


def test_a_limit_of_running_jobs_leaves_places_to_others(any_site: Any) -> None:
    fill(any_site, "a", 10)
    two = Shares(running=2)
    running = [claimed(any_site, two), claimed(any_site, two)]
    assert claim(any_site, two) is None
    fill(any_site, "b", 1)
    assert claimed(any_site, two).owner == "b" and claim(any_site, two) is None
    end(any_site, running[0])
    assert claimed(any_site, two).owner == "a"


def test_core_hours_are_counted_by_cores_and_hold_jobs_back_until_they_lie_long_ago(
    any_site: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(any_site, "a", 3, limits={"cores": 4})
    hour = Shares(core_seconds=3600.0, window=7200)
    end(any_site, claimed(any_site, hour), seconds=600)
    with any_site.database.read() as connection:
        assert fair.used(connection, "a", 7200) == pytest.approx(2400, abs=5)
    end(any_site, claimed(any_site, hour), seconds=600)
    assert claim(any_site, hour) is None
    with any_site.database.read() as connection:
        assert "1 core-hours within 2 hours" in fair.held_back(connection, hour, "a")
        assert fair.held_back(connection, hour, "b") == ""
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: clock.later(4 * 3600, real()))
    assert claimed(any_site, hour).owner == "a"


def test_what_runs_counts_as_it_goes(any_site: Any) -> None:
    fill(any_site, "a", 2)
    hour = Shares(core_seconds=3600.0)
    taken = claimed(any_site, hour)
    with any_site.database.write() as connection:
        assert store.move(connection, taken, EXECUTING, started=clock.fine_stamp(clock.later(-3700)))
    assert claim(any_site, hour) is None


def test_deleting_a_running_job_does_not_hide_what_it_used(any_site: Any) -> None:
    fill(any_site, "a", 1)
    taken = claimed(any_site)
    with any_site.database.write() as connection:
        running = store.move(connection, taken, EXECUTING, started=clock.fine_stamp(clock.later(-100)))
        assert running is not None
        store.remove(connection, running.id)
        assert fair.used(connection, "a", 86400) == pytest.approx(100, abs=5)


def test_a_job_is_counted_once_and_one_that_never_ran_not_at_all(any_site: Any) -> None:
    fill(any_site, "a", 2)
    end(any_site, claimed(any_site), seconds=50)
    with any_site.database.write() as connection:
        [done, waiting] = sorted(store.listing(connection, owner="a"), key=lambda one: one.phase)
        assert store.move(connection, waiting, ERROR) is not None
        assert store.move(connection, done, store.ARCHIVED) is not None
        store.remove(connection, done.id)
        store.remove(connection, waiting.id)
        assert fair.used(connection, "a", 86400) == pytest.approx(50, abs=5)


def test_a_clock_that_is_set_back_gives_nobody_time(any_site: Any) -> None:
    fill(any_site, "a", 1)
    end(any_site, claimed(any_site), seconds=-3600)
    with any_site.database.read() as connection:
        assert fair.used(connection, "a", 86400) == 0


def test_the_rank_is_there_only_while_a_worker_may_take_the_job(any_site: Any) -> None:
    made = put(any_site, phase=HELD)
    with any_site.database.write() as connection:
        ready = store.move(connection, made, QUEUED)
        assert ready is not None and ready.rank == ready.queued
        unwanted = store.note(connection, ready, desired=store.ABORT)
        assert unwanted is not None and unwanted.rank == "" == store.get(connection, made.id).rank
    assert claim(any_site) is None


# --- what is said of it -----------------------------------------------------------------------------------------------


def test_a_quota_leaves_the_job_queued_with_the_reason_in_jobinfo(world: World) -> None:
    world.set(owner_running_jobs=1)
    first, second = world.make("ada", PHASE="RUN"), world.make("ada", PHASE="RUN")
    assert claimed(world.site, fair.shares(world.site.settings)).id == first
    assert claim(world.site, fair.shares(world.site.settings)) is None
    job_ = world.xml(f"/jobs/{second}", "ada")
    assert job_.findtext(tag("phase")) == "QUEUED"
    assert job_.findtext(f"{tag('jobInfo')}/message").startswith("ada may have 1 jobs running at once here")
    assert world.get(f"/jobs/{second}?RESPONSEFORMAT=json", "ada").json["jobInfo"]["message"].startswith("ada may have")
    assert world.job(second).message == "", "it is told, not stored: it is another reason tomorrow"
    world.finish(first)
    assert world.xml(f"/jobs/{second}", "ada").find(f"{tag('jobInfo')}/message") is None


def test_callers_without_an_account_share_one_quota(world: World) -> None:
    world.set(owner_core_hours=0.5)
    job_id = world.make(PHASE="RUN")
    with world.site.database.write() as connection:
        fair.count(connection, None, 1800.0)
    assert claim(world.site, fair.shares(world.site.settings)) is None
    said = world.xml(f"/jobs/{job_id}").findtext(f"{tag('jobInfo')}/message")
    assert said.startswith("Callers without an account may use 0.5 core-hours within 24 hours here and have used 0.50")


def test_settings_are_shares() -> None:
    assert fair.shares(Settings()) == Shares(None, None, 86400)
    given = Settings(owner_running_jobs=2, owner_core_hours=1.5, usage_window=3600)
    assert fair.shares(given) == Shares(2, 5400.0, 3600)


# --- and quickly ------------------------------------------------------------------------------------------------------


def test_no_claim_reads_the_whole_queue(any_site: Any) -> None:
    """The plans of the queries that every claim makes, on a long queue: by the queue's index, without sorting."""
    fill(any_site, "a", 2000)
    explain = "EXPLAIN QUERY PLAN " if any_site.database.is_sqlite else "EXPLAIN "
    with any_site.database.write() as connection:
        if not any_site.database.is_sqlite:
            connection.execute(text("ANALYZE jobs"))
        heads = "\n".join(str(row) for row in connection.execute(text(explain + fair._HEADS.text)))
        one = store._next_of("a").compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + str(one).replace("%%", "%")))
    for found in (heads, plan):
        assert "jobs_ready" in found and "TEMP B-TREE" not in found and "Sort" not in found and "Seq Scan" not in found
