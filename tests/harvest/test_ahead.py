"""Large pages: the next is fetched and judged elsewhere while one is stored, and nobody can tell but by the clock."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from registry.harvest import ahead, harvester, lease, sources, store, verdicts
from registry.harvest.sources import Source
from registry.harvest.verdicts import Judge
from registry.site import Site
from tests.conftest import ROOT
from tests.harvest.conftest import counts, harvest, last_run, turn
from tests.harvest.test_cuts import SEED, Order, Template, cut_at_statements, open_of, order, pages, server, whole
from tests.harvest.test_hostile import F, Far, held, item, listed
from tests.oai import shelves

__all__ = ["order", "server"]  # fixtures
_BEGIN = """
import sys
from registry.harvest.verdicts import Judge
from vosi.schemas import Schemas
judge = Judge(Schemas())
judge.ask([b"<a/>"])
print(judge.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture()
def judges(monkeypatch: pytest.MonkeyPatch) -> list[Judge]:
    """The processes that have been begun; even small pages are worth one."""
    begun: list[Judge] = []
    made: Callable[..., None] = Judge.__init__

    def begin(self: Judge, *arguments: Any) -> None:
        made(self, *arguments)
        begun.append(self)

    monkeypatch.setattr(ahead, "WORTH_IT", 0)
    monkeypatch.setattr(Judge, "__init__", begin)
    return begun


@pytest.fixture()
def far() -> Iterator[Far]:
    with HTTPServer(threaded=True) as there:  # a page may be asked for while another is looked at
        yield Far(there)


@pytest.fixture()
def source(site: Site, far: Far) -> Source:
    return sources.add(site, far.url)


def test_what_is_judged_elsewhere_is_the_same(tmp_path: Path, far: Far, judges: list[Judge], monkeypatch: Any) -> None:
    pages(far, 6, 60)  # more than are answered together
    with monkeypatch.context() as patched:
        patched.setattr(ahead, "WORTH_IT", 10**9)
        template = Template(tmp_path, far)
    assert judges == []
    instance = template.copy()
    site = open_of(instance)
    assert turn(site) == 1
    site.close()
    whole(template, instance)
    assert len(judges) == 1 and judges[0].process and judges[0].process.returncode is not None, "it does not outlive the harvest"
    assert not (instance / "run" / "pages" / "1").exists(), "nor do pages"


def test_a_judge_that_is_killed_is_done_without(
    site: Site, far: Far, source: Source, judges: list[Judge], monkeypatch: pytest.MonkeyPatch,
) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"), item(F + "c"), token="u"),
                   "u": listed(item(F + "d"))}
    asked = Judge.ask

    def dying(self: Judge, records: Any) -> list[bytes]:
        if len(records) == 2:
            assert self.process
            self.process.kill()
        return asked(self, records)

    monkeypatch.setattr(Judge, "ask", dying)
    done = harvest(site, source)
    assert (done.state, counts(done)) == (store.COMPLETE, {"new": 4}) and len(judges) == 1


def test_where_every_processor_has_its_work_there_is_no_judge(
    site: Site, far: Far, source: Source, judges: list[Judge], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdicts, "_ROOM", threading.BoundedSemaphore(1))
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"))}
    with verdicts.another(site.schemas) as first, verdicts.another(site.schemas) as second:
        assert first and second is None
        done = harvest(site, source)
    assert (done.state, counts(done), len(judges)) == (store.COMPLETE, {"new": 2}, 1)
    with verdicts.another(site.schemas) as third:
        assert third


def test_a_judge_ends_with_its_parent_whatever_it_does() -> None:
    with subprocess.Popen([sys.executable, "-c", _BEGIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          cwd=ROOT) as parent:
        assert parent.stdout
        number = int(parent.stdout.readline())
        judge = os.pidfd_open(number)
        os.kill(number, signal.SIGSTOP)  # now it neither reads nor writes
        parent.kill()
    watch = select.poll()
    watch.register(judge, select.POLLIN)
    try:
        assert watch.poll(20_000), "it is still there"
    finally:
        os.close(judge)


def test_one_page_is_read_ahead_and_no_more(site: Site, far: Far, source: Source, judges: list[Judge]) -> None:
    reached, go_on = threading.Event(), threading.Event()
    far.asked.clear()
    far.answers = {"": listed(item(F + "a"), token="t1"), "t1": listed(item(F + "b"), token="t2"),
                   "t2": listed(item(F + "c"), token="t3"), "t3": listed(item(F + "d"))}
    seen: list[list[str]] = []

    def stored(run: store.Run) -> None:
        if run.pages == 1:
            reached.set()
            assert go_on.wait(30)
        seen.append(list(far.lists))

    with site.database.write() as connection:
        run = harvester.ask(connection, source.id)
    with lease.held(site, "w"):
        thread = threading.Thread(target=harvester.run, args=(site, run.id, "w"), kwargs={"progress": stored})
        thread.start()
        assert reached.wait(30)
        folder = site.settings.instance / "run" / "pages" / str(run.id)
        assert "t2" not in far.lists, "the page behind the next is not asked for before the next is taken"
        assert len(list(folder.iterdir())) <= 2
        go_on.set()
        thread.join(30)
    assert far.lists == ["", "t1", "t2", "t3"] and last_run(site, source).state == store.COMPLETE
    assert not folder.exists()


def test_a_cancelled_harvest_lets_go_of_all(site: Site, far: Far, source: Source, judges: list[Judge]) -> None:
    far.asked.clear()
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"), token="u"), "u": listed(item(F + "c"))}

    def stop(run: store.Run) -> None:
        if run.pages == 1:
            harvester.cancel(site, source.id, "ann")

    with site.database.write() as connection:
        run = harvester.ask(connection, source.id)
    with lease.held(site, "w"):
        stopped = harvester.run(site, run.id, "w", progress=stop)
    assert stopped and (stopped.state, stopped.token, counts(stopped)) == (store.CANCELLED, "t", {"new": 1})
    assert judges[0].process and judges[0].process.returncode is not None
    done = harvest(site, source)
    assert (done.state, counts(done)) == (store.COMPLETE, {"new": 2})
    assert far.lists.count("") == 1, "it goes on where it was"


def test_a_record_that_comes_on_two_pages_is_the_later_one(site: Site, far: Far, source: Source, judges: list[Judge]) -> None:
    first, second = (shelves.record(F + "a", title=words) for words in ("One", "Two"))
    far.answers = {"": listed(item(F + "a", first.decode()), token="t"), "t": listed(item(F + "b"))}
    assert counts(harvest(site, source)) == {"new": 2}
    # what is on the shelf when the second page is judged is not what is there when it is stored
    far.answers = {"": listed(item(F + "a", second.decode()), token="t"),
                   "t": listed(item(F + "a", first.decode()), item(F + "b"))}
    assert counts(harvest(site, source, full=True)) == {"updated": 2, "unchanged": 1}


def test_where_nothing_is_to_be_judged_there_is_no_process(site: Site, far: Far, source: Source, judges: list[Judge]) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"))}
    harvest(site, source)
    assert counts(harvest(site, source, full=True)) == {"unchanged": 2}
    assert [judge.process is None for judge in judges] == [False, True]


def test_a_failure_comes_behind_what_was_stored_before_it(site: Site, far: Far, source: Source, judges: list[Judge]) -> None:
    far.answers = {"": listed(item(F + "a"), token="t"), "t": listed(item(F + "b"), token="t")}
    done = harvest(site, source)
    assert (done.state, done.pages) == (store.FAILED, 2) and "same resumption token twice" in done.message
    assert held(site) == [F + "a", F + "b"]


def test_a_killed_harvest_leaves_its_pages_to_the_next(tmp_path: Path, far: Far, order: Order) -> None:
    pages(far, 6, 3)
    template = Template(tmp_path, far)
    chance = random.Random(SEED)
    last = template.statements - 2
    cut_at_statements(template, order, chance.sample(range(2, last), 5), "ahead")


@pytest.mark.soak
def test_killed_at_100_random_statements_with_judges(tmp_path: Path, far: Far, order: Order, server: Any) -> None:
    pages(far, 30, 3)
    template = Template(tmp_path, far, server)
    chance = random.Random(SEED)
    cut_at_statements(template, order, chance.sample(range(2, template.statements - 2), 100), "judges")


def test_pages_of_runs_that_are_over_are_swept(site: Site, far: Far, source: Source) -> None:
    left = site.settings.instance / "run" / "pages"
    for name in ("999", "draft"):
        (left / name).mkdir(parents=True)
    turn(site)
    assert not list(left.iterdir())
