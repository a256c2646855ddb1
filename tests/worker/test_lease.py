"""Whether a worker is gone: at once on this host, by its beat elsewhere, and never by the time of day."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time

import pytest

from registry.uws import store
from registry.uws.phases import QUEUED
from registry.worker import lease as leases
from registry.worker.lease import Lease, Watch
from tests.conftest import ROOT
from tests.worker.jobs import a_job


def test_a_worker_of_this_host_is_gone_when_its_lease_is(site):
    lease, watch = Lease(site), Watch(site)
    job = a_job(lease=lease.name)
    assert not watch.is_gone(job)
    lease.close()
    assert watch.is_gone(job)


def test_one_that_was_killed_is_gone_at_once(site):
    program = (
        "import sys; from pathlib import Path; from registry.worker.lease import Lease\n"
        "from tests.worker.conftest import site_in\n"
        "print(Lease(site_in(Path(sys.argv[1]), sys.argv[2])).name, flush=True); sys.stdin.read()")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(site.settings.instance), site.settings.engine_name], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    job = a_job(lease=process.stdout.readline().strip())
    assert not Watch(site).is_gone(job)
    process.kill()
    process.communicate()
    assert Watch(site).is_gone(job)


@pytest.fixture()
def clock(monkeypatch):
    """Our monotonic clock, moved by the test."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def look(watch: Watch, clock: list[float], seconds: float, **row: object) -> bool:
    """Look every few seconds, as a worker does; what the last look said."""
    gone = watch.is_gone(a_job(**row))
    for _ in range(int(seconds // 5)):
        clock[0] += 5
        gone = watch.is_gone(a_job(**row))
    return gone


ELSEWHERE = {"id": "j", "lease": "elsewhere-1-a"}


def test_one_of_another_host_is_gone_when_its_beat_stands_still(site, clock):
    watch = Watch(site)
    assert not look(watch, clock, leases.PATIENCE, **ELSEWHERE, beat=7)
    assert not look(watch, clock, leases.PATIENCE, **ELSEWHERE, beat=8)
    clock[0] += 1
    assert watch.is_gone(a_job(**ELSEWHERE, beat=8))


def test_another_lease_starts_the_count_anew(site, clock):
    watch = Watch(site)
    look(watch, clock, leases.PATIENCE, **ELSEWHERE, beat=7)
    clock[0] += 1
    assert not watch.is_gone(a_job(id="j", lease="elsewhere-2-b", beat=7))


def test_one_that_hangs_on_this_host_is_gone_though_it_keeps_its_lock(site, clock):
    lease, watch = Lease(site), Watch(site)
    assert not look(watch, clock, leases.PATIENCE, id="j", lease=lease.name, beat=7)
    clock[0] += 1
    assert watch.is_gone(a_job(id="j", lease=lease.name, beat=7))
    lease.close()


def test_while_nobody_could_look_nobody_is_called_gone(site, clock):
    """A database that was away for minutes let no beat move."""
    watch = Watch(site)
    look(watch, clock, 10, **ELSEWHERE, beat=7)
    clock[0] += 600
    assert not watch.is_gone(a_job(**ELSEWHERE, beat=7))
    assert not look(watch, clock, leases.PATIENCE - 5, **ELSEWHERE, beat=7)


def test_files_of_leases_that_nobody_names_are_cleared_away(site):
    dead, named, alive = Lease(site), Lease(site), Lease(site)
    dead.close()
    named.close()
    Watch(site).forget([a_job(lease=named.name)])
    left = set(os.listdir(site.settings.instance / "run/workers"))
    assert left == {named.name, alive.name}
    alive.close()


def test_the_file_of_one_that_took_a_job_and_died_since_the_jobs_were_listed_stays(site):
    """Else nobody on its own host would know that it is gone."""
    dead, watch = Lease(site), Watch(site)
    with site.database.write() as connection:
        store.insert(connection, a_job(lease=dead.name, phase=QUEUED))
    dead.close()

    watch.forget([])
    assert watch.is_gone(a_job(lease=dead.name))


def test_a_file_that_is_cleared_away_before_it_is_locked_is_made_anew(site, monkeypatch):
    plain, cleared = fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        if not cleared:
            cleared.extend((site.settings.instance / "run/workers").iterdir())
            cleared[0].unlink()
        plain(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lease = Lease(site)
    assert cleared and not Watch(site).is_gone(a_job(lease=lease.name))
    lease.close()
    assert Watch(site).is_gone(a_job(lease=lease.name))
