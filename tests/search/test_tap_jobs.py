"""Queries as jobs: the life of one under /tap/async, whose it is, and what becomes of it when its worker ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from pyvo.dal import TAPService
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError
from vo_models.uws.models import Jobs, JobSummary, Parameters

from registry import access, clock
from registry.bell import WORK
from registry.executor.fake import FakeRuntime
from registry.records import founding
from registry.search import views
from registry.search.running import Queries
from registry.tables import accounts
from registry.uws import kinds, store, views as runs
from registry.uws.phases import EXECUTING, QUEUED
from registry.worker import queries as worker
from registry.worker.lease import Lease
from registry.worker.queries import Crew
from tests.oai.serving import loopback, serving
from tests.vosi.judges import official_faults, problems
from tests.worker.bench import Worker
from vosi import namespaces as ns

QUERY = {"LANG": "ADQL", "QUERY": "SELECT ivoid FROM rr.resource ORDER BY ivoid"}
# each row with each: more than a second's work for any machine
LONG = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM tap_schema.columns AS b, tap_schema.columns AS c, "
        "tap_schema.columns AS d, tap_schema.columns AS e WHERE b.description < c.description AND d.description < e.ucd"}


class World:
    """A datacenter, a client of its lists of jobs, and crews that answer."""

    def __init__(self, site: Any) -> None:
        self.site = site
        founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
        app = Flask("registry")
        app.extensions["site"] = site
        views.register(app)
        runs.register(app)
        self.client: FlaskClient = app.test_client()
        self._leases: list[Lease] = []
        self._crews: list[Crew] = []

    def crew(self) -> tuple[Crew, Lease]:
        """Another worker's threads for queries, and its lease."""
        lease = Lease(self.site)
        self._leases.append(lease)
        made = Crew(self.site, lease.name, threading.Event())
        self._crews.append(made)
        return made, lease

    def end(self, lease: Lease) -> None:
        """What the kernel does when the worker with this lease ends."""
        self._leases.remove(lease)
        lease.close()

    def close(self) -> None:
        for crew in self._crews:
            crew.leave()
            until(lambda crew=crew: not crew._running)  # type: ignore[misc]
        for lease in self._leases:
            lease.close()

    def make(self, **said: str) -> str:
        answer = self.client.post("/tap/async", data={**QUERY, **said})
        assert answer.status_code == 303, answer.text
        return str(answer.location)

    def job(self, url: str) -> store.Job:
        with self.site.database.read() as connection:
            return store.get(connection, name(url))

    def token(self, who: str, role: str = "reader") -> dict[str, str]:
        with self.site.database.write() as connection:
            connection.execute(insert(accounts).values(
                name=who, password_hash="none", role=role, created=clock.stamp(), disabled=False))
            return {"Authorization": f"Bearer {access.create_token(connection, who)[1]}"}


@pytest.fixture()
def world(site: Any) -> Iterator[World]:
    made = World(site)
    yield made
    made.close()


@pytest.fixture()
def any_world(any_site: Any) -> Iterator[World]:
    made = World(any_site)
    yield made
    made.close()


def name(url: str) -> str:
    return url.rpartition("/")[2]


def path(url: str) -> str:
    return url.removeprefix("http://127.0.0.1:8101")


def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def look_until(crew: Crew, true: Callable[[], Any]) -> None:
    def done() -> bool:
        crew.look()
        return bool(true())

    until(done)


@pytest.mark.shared
def test_a_query_lives_from_pending_to_its_answer(any_world: World) -> None:
    world = any_world
    url = world.make(RUNID="mine", MAXREC="1")
    assert url.startswith("http://127.0.0.1:8101/tap/async/q")
    get = world.client.get
    assert get(f"{path(url)}/phase").text == "PENDING"
    assert world.client.post(f"{path(url)}/phase", data={"PHASE": "RUN"}).location == url
    crew, _ = world.crew()
    look_until(crew, lambda: get(f"{path(url)}/phase").text == "COMPLETED")
    document = get(path(url)).data
    assert (problems(document), official_faults(document)) == ([], [])
    assert JobSummary[Parameters].from_xml(document).results.results[0].id == "result"
    assert [one.phase for one in Jobs.from_xml(get("/tap/async").data).jobref or ()] == ["COMPLETED"]
    root = etree.fromstring(document)
    (result,) = root.iterfind(f".//{{{ns.UWS}}}result")
    assert (result.get("id"), result.get("mime-type")) == ("result", "application/x-votable+xml")
    assert result.get(f"{{{ns.XLINK}}}href") == f"{url}/results/result"
    answer = get(path(url) + "/results/result")
    assert answer.mimetype == "application/x-votable+xml" and len(answer.data) == int(result.get("size") or 0)
    assert answer.data.count(b"<TR>") == 1 and b'value="OVERFLOW"' in answer.data
    assert (root.findtext(f"{{{ns.UWS}}}runId"), get(path(url) + "/owner").text) == ("mine", "")


def test_what_cannot_be_answered_ends_in_error_with_a_votable(world: World) -> None:
    crew, _ = world.crew()
    for said, says in (({"QUERY": "SELECT nothing FROM rr.resource"}, "nothing"), ({"LANG": "PQL"}, "PQL"),
                       ({"MAXREC": "x"}, "MAXREC"), ({"RESPONSEFORMAT": "fits"}, "RESPONSEFORMAT")):
        url = world.make(PHASE="RUN", **said)
        look_until(crew, lambda url=url: world.job(url).final)  # type: ignore[misc]
        assert world.job(url).phase == "ERROR" and says in (world.job(url).error or "")
        told = world.client.get(f"{path(url)}/error")
        assert told.mimetype == "application/x-votable+xml" and says in told.text and 'value="ERROR"' in told.text
        assert 'hasDetail="true"' in world.client.get(path(url)).text
        assert world.client.get(f"{path(url)}/results/result").status_code == 404


def test_parameters_may_come_one_by_one_while_it_is_pending(world: World) -> None:
    answer = world.client.post("/tap/async", data={"lang": "ADQL"})
    url = str(answer.location)
    parameters = f"{path(url)}/parameters"
    assert world.client.post(parameters, data={"query": QUERY["QUERY"], "RESPONSEFORMAT": "csv"}).status_code == 303
    assert world.client.post(parameters, data={"RUNID": "later"}).status_code == 303
    assert world.job(url).run_id == "later" and "csv" in world.client.get(parameters).text
    assert world.client.get(f"{parameters}/QUERY").text == QUERY["QUERY"]
    assert world.client.post(parameters, data={"COLOUR": "red"}).status_code == 400
    world.client.post(f"{path(url)}/phase", data={"PHASE": "RUN"})
    assert world.client.post(parameters, data={"QUERY": "SELECT 1"}).status_code == 403
    crew, _ = world.crew()
    look_until(crew, lambda: world.job(url).final)
    result = world.client.get(f"{path(url)}/results/result")
    assert result.mimetype == "text/csv" and result.text.startswith("ivoid\r\nivo://north.example\r\n")


@pytest.mark.parametrize("said", [{"PHASE": "ABORT"}, {"MAXREC": "1", "maxrec": "2"}, {"EXECUTIONDURATION": "soon"},
                                  {"DESTRUCTION": "2001-01-01"}, {"RUNID": "\x01"}, {"QUERY": "x" * 70_000}])
def test_a_job_that_means_nothing_is_not_made(world: World, said: dict[str, str]) -> None:
    answer = world.client.post("/tap/async", data={**QUERY, **said})
    assert answer.status_code == 400 and answer.text.strip().endswith(".")
    assert b"jobref" not in world.client.get("/tap/async").data


def test_a_query_that_runs_is_stopped(any_world: World) -> None:
    world = any_world
    crew, _ = world.crew()
    url = world.make(PHASE="RUN", **LONG)
    look_until(crew, lambda: world.job(url).phase is EXECUTING)
    assert world.client.post(f"{path(url)}/phase", data={"PHASE": "ABORT"}).status_code == 303
    look_until(crew, lambda: world.job(url).final)
    assert (world.job(url).phase, world.job(url).error) == ("ABORTED", None)
    until(lambda: not crew._running)


def test_a_query_that_takes_too_long_is_ended(any_world: World) -> None:
    world = any_world
    crew, _ = world.crew()
    url = world.make(PHASE="RUN", EXECUTIONDURATION="1", **LONG)
    look_until(crew, lambda: world.job(url).final)
    assert world.job(url).phase == "ABORTED" and "longer" in (world.job(url).error or "")


def test_an_answer_that_is_too_large_is_given_up(world: World) -> None:
    object.__setattr__(world.site, "settings", world.site.settings.model_copy(update={"job_disk": 4096, "job_disk_max": 4096}))
    crew, _ = world.crew()
    urls = [world.make(PHASE="RUN", QUERY="SELECT description FROM tap_schema.columns"), world.make(PHASE="RUN")]
    look_until(crew, lambda: all(world.job(url).final for url in urls))
    assert [world.job(url).phase for url in urls] == ["ERROR", "COMPLETED"]
    assert "4 KiB, job_disk_max" in (world.job(urls[0]).error or "")
    until(lambda: not (world.site.settings.instance / "results" / name(urls[0])).exists())


def test_deleted_queries_and_those_whose_time_has_come_leave_nothing(world: World) -> None:
    crew, _ = world.crew()
    urls = [world.make(PHASE="RUN"), world.make(PHASE="RUN"), world.make(), world.make(PHASE="RUN", **LONG)]
    look_until(crew, lambda: all(world.job(url).final for url in urls[:2]) and world.job(urls[3]).phase is EXECUTING)
    assert (world.site.settings.instance / "results" / name(urls[0])).is_dir()
    for url in (urls[0], urls[2], urls[3]):
        assert world.client.delete(path(url)).status_code == 303
        assert world.client.get(path(url)).status_code == 404
    with world.site.database.write() as connection:
        store.note(connection, store.get(connection, name(urls[1])), destruction=clock.fine_stamp(clock.later(-1)))
    crew._looked = float("-inf")
    look_until(crew, lambda: not any((world.site.settings.instance / "results").iterdir()))

    def rows() -> int:
        with world.site.database.read() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one()

    look_until(crew, lambda: rows() == 0)


def test_a_query_whose_worker_died_is_answered_by_the_next(any_world: World) -> None:
    world = any_world
    (dead, lease), urls = world.crew(), [world.make(PHASE="RUN"), world.make(PHASE="RUN")]
    with world.site.database.write() as connection:
        taken = [store.claim_query(connection, lease.name) for _ in urls]
        assert store.claim_query(connection, lease.name) is None
        assert taken[0] and store.move(connection, taken[0], EXECUTING)
    world.end(lease)
    crew, _ = world.crew()
    look_until(crew, lambda: all(world.job(url).final for url in urls))
    assert [(world.job(url).phase, world.job(url).attempt) for url in urls] == [("COMPLETED", 2)] * 2
    assert not dead._running


def test_a_query_that_kills_its_workers_is_not_tried_for_ever(world: World) -> None:
    url = world.make(PHASE="RUN")
    for _ in range(3):
        _, lease = world.crew()
        with world.site.database.write() as connection:
            taken = store.claim_query(connection, lease.name)
            assert taken and store.move(connection, taken, EXECUTING)
        world.end(lease)
        crew, _ = world.crew()
        crew._most = 0  # it takes over, and answers none itself
        crew.look()
    assert world.job(url).phase == "ERROR" and "3 workers ended" in (world.job(url).error or "")


def test_a_worker_that_ends_leaves_its_query_to_the_next(world: World) -> None:
    first, lease = world.crew()
    url = world.make(PHASE="RUN", **LONG)
    look_until(first, lambda: world.job(url).phase is EXECUTING)
    first._stop.set()
    first.leave()
    until(lambda: not first._running)
    assert world.job(url).phase is EXECUTING
    world.end(lease)
    second, _ = world.crew()
    second._most = 0
    second.look()
    assert (world.job(url).phase, world.job(url).lease) == (QUEUED, "")


def test_no_more_are_answered_at_once_than_may(world: World) -> None:
    crew, _ = world.crew()
    urls = [world.make(PHASE="RUN", **LONG) for _ in range(4)]
    look_until(crew, lambda: sum(world.job(url).phase is EXECUTING for url in urls) == 2)
    crew.look()
    assert [world.job(url).phase for url in urls[2:]] == [QUEUED] * 2
    for url in urls:
        world.client.post(f"{path(url)}/phase", data={"PHASE": "ABORT"})
    look_until(crew, lambda: all(world.job(url).final for url in urls))


def test_a_fault_of_ours_ends_the_query_and_not_the_thread(world: World, monkeypatch: Any, caplog: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault")

    crew, _ = world.crew()
    with monkeypatch.context() as patched:
        patched.setattr(Queries, "answer", broken)
        url = world.make(PHASE="RUN")
        look_until(crew, lambda: world.job(url).final)
    assert world.job(url).phase == "ERROR" and "a fault" in caplog.text and "a fault" not in (world.job(url).error or "")
    again = world.make(PHASE="RUN")
    look_until(crew, lambda: world.job(again).final)
    assert world.job(again).phase == "COMPLETED"


def test_a_query_that_the_database_broke_off_is_answered_again(world: World, monkeypatch: Any) -> None:
    tried = 0

    def away(*_: Any, **__: Any) -> None:
        nonlocal tried
        tried += 1
        raise OperationalError("SELECT", {}, Exception("the server has gone away"))

    crew, _ = world.crew()
    with monkeypatch.context() as patched:
        patched.setattr(Queries, "answer", away)
        url = world.make(PHASE="RUN")
        look_until(crew, lambda: tried >= 5)
    look_until(crew, lambda: world.job(url).final)
    assert (world.job(url).phase, world.job(url).attempt) == ("COMPLETED", 1)


def test_times_and_lists_are_those_of_uws(world: World) -> None:
    get, post = world.client.get, world.client.post
    first, second = world.make(), world.make(EXECUTIONDURATION="7", DESTRUCTION="2999-01-01T00:00:00Z")
    assert (get(f"{path(first)}/executionduration").text, get(f"{path(second)}/executionduration").text) == ("600", "7")
    assert get(f"{path(second)}/destruction").text < "2999" and get(f"{path(second)}/quote").text == ""
    post(f"{path(first)}/executionduration", data={"EXECUTIONDURATION": "99999"})
    post(f"{path(first)}/destruction", data={"DESTRUCTION": "2001-01-01"})
    assert get(f"{path(first)}/executionduration").text == "600" and get(f"{path(first)}/destruction").text > "2026"
    post(f"{path(second)}/phase", data={"PHASE": "RUN"})

    def listed(query: str) -> list[str]:
        return [one.get("id") or "" for one in etree.fromstring(get(f"/tap/async{query}").data)]

    assert listed("?PHASE=QUEUED") == [name(second)] and listed("?LAST=1") == [name(second)]
    assert listed("") == [name(first), name(second)] and get("/tap/async?PHASE=ASLEEP").status_code == 400
    crew, _ = world.crew()
    threading.Timer(0.1, crew.look).start()
    assert b">QUEUED<" not in get(f"{path(second)}?WAIT=20&PHASE=QUEUED").data
    until(lambda: world.job(second).final)
    answer = world.client.delete(path(first))
    assert (answer.status_code, answer.location) == (303, "http://127.0.0.1:8101/tap/async?LAST=100")


def test_runs_and_queries_are_in_lists_of_their_own(world: World) -> None:
    url = world.make(PHASE="RUN")
    assert name(url) in world.client.get("/tap/async").text and name(url) not in world.client.get("/jobs").text
    assert world.client.get(f"/jobs/{name(url)}").status_code == 404
    assert world.client.get("/tap/async/0123456789abcdef0123").status_code == 404
    for lacking in ("run.json", "logs/stdout"):
        assert world.client.get(f"{path(url)}/{lacking}").status_code == 404
    with world.site.database.write() as connection:
        assert kinds.of(name(url)) == kinds.QUERIES
        assert store.claim(connection, "a starter of containers", 10) is None
        assert store.leased(connection) == [] and store.due(connection, "2999-01-01T00:00:00Z") == []
        assert store.waiting(connection, None) == 0 and store.counts(connection) == {}


def test_a_query_is_its_owners(world: World) -> None:
    ada, bob, root = (world.token(*one) for one in (("ada",), ("bob",), ("root", "administrator")))
    made = world.client.post("/tap/async", data=QUERY, headers=ada)
    place = path(str(made.location))
    assert world.client.get(place, headers=ada).status_code == 200
    assert world.client.get(place, headers=root).status_code == 200
    assert world.client.get(place, headers=bob).status_code == 403 and world.client.get(place).status_code == 403
    assert world.client.delete(place, headers=bob).status_code == 403
    assert world.client.get("/tap/async", headers=bob).text.count("jobref") == 0
    assert world.client.get("/tap/async", headers=ada).text.count("<uws:jobref") == 1


def test_queries_need_no_account_where_runs_do(world: World) -> None:
    object.__setattr__(world.site, "settings", world.site.settings.model_copy(update={"anonymous_jobs": False}))
    assert world.client.get("/jobs").status_code == 401
    url = world.make(PHASE="RUN")
    crew, _ = world.crew()
    look_until(crew, lambda: world.client.get(f"{path(url)}/phase").text == "COMPLETED")


def test_too_many_that_wait_are_refused(world: World) -> None:
    object.__setattr__(world.site, "settings", world.site.settings.model_copy(update={"queued_jobs": 2}))
    world.make()
    world.make()
    answer = world.client.post("/tap/async", data=QUERY)
    assert answer.status_code == 429 and answer.headers["Retry-After"]


def test_pyvo_keeps_queries_as_jobs_and_waits_for_them(tmp_path: Any) -> None:
    """Over HTTP, with the worker's own loop: submit, run, wait, fetch, delete."""
    from registry.schema import upgrade
    from registry.site import open_site

    held = loopback()
    base = f"http://127.0.0.1:{held.getsockname()[1]}/"
    site = open_site(tmp_path / "instance", authority="north.example", base_url=base, instance_name="north")
    upgrade(site.database)
    world, stop = World(site), threading.Event()
    lease = Lease(site)
    thread = threading.Thread(target=worker.run, args=(site, lease.name, stop))
    thread.start()
    try:
        with serving(world.client.application, held) as url:
            service = TAPService(f"{url}tap")
            job = service.submit_job(QUERY["QUERY"], maxrec=2)
            assert job.phase == "PENDING"
            job.run().wait(phases={"COMPLETED", "ERROR"}, timeout=20)
            assert [row["ivoid"] for row in job.fetch_result()] == ["ivo://north.example", "ivo://north.example/organisation"]
            job.delete()
            assert len(service.run_async(QUERY["QUERY"])) == 4
            assert service.get_job_list() is not None
    finally:
        stop.set()
        site.bells.ring(WORK)
        thread.join(10)
        lease.close()
        site.close()
    assert not thread.is_alive()


def test_the_starters_of_containers_leave_the_lease_of_a_query_whose_worker_died(world: World) -> None:
    """By that file the next worker knows at once, and not in half a minute, that nobody works on it."""
    _, lease = world.crew()
    url = world.make(PHASE="RUN")
    with world.site.database.write() as connection:
        assert store.claim_query(connection, lease.name)
    world.end(lease)
    starters = Worker(world.site, FakeRuntime())
    starters.once()
    assert (world.site.settings.instance / "run" / "workers" / lease.name).exists()
    crew, _ = world.crew()
    look_until(crew, lambda: world.job(url).final)
    starters.die()


@pytest.mark.soak
def test_killed_workers_leave_their_queries_to_the_next(any_world: World) -> None:
    """Real processes and kill -9, again and again, while queries come; each is answered once, and none is lost."""
    world = any_world
    slow = [world.make(PHASE="RUN", **LONG) for _ in range(2)]
    urls: list[str] = []
    for turn in range(3):
        running = worker_process(world)
        try:
            until(lambda turn=turn: [world.job(url).attempt for url in slow] == [turn + 1] * 2, 60)  # type: ignore[misc]
            urls += [world.make(PHASE="RUN", MAXREC="3") for _ in range(5)]
        finally:
            running.kill()
            running.wait()
    assert all(not world.job(url).final for url in slow)
    for url in slow:
        world.client.post(f"{path(url)}/phase", data={"PHASE": "ABORT"})
    last = worker_process(world)
    try:
        until(lambda: all(world.job(url).final for url in [*slow, *urls]), 90)
    finally:
        last.terminate()
        last.wait()
    assert [world.job(url).phase for url in slow] == ["ABORTED"] * 2
    assert {world.job(url).phase for url in urls} == {"COMPLETED"}
    answers = {world.client.get(f"{path(url)}/results/result").data for url in urls}
    assert len(answers) == 1 and answers.pop().count(b"<TR>") == 3


def worker_process(world: World) -> subprocess.Popen[bytes]:
    settings = world.site.settings
    environment = {**os.environ, "INNERSPACE_AUTHORITY": "north.example", "INNERSPACE_BASE_URL": settings.base_url,
                   "INNERSPACE_INSTANCE_NAME": f"tapsoak{os.getpid()}", "INNERSPACE_DATABASE_URL": settings.database_url,
                   "INNERSPACE_TAP_ASYNC_CLIENTS": "2", "DOCKER_HOST": "unix:///nowhere"}
    return subprocess.Popen([sys.executable, "-m", "registry.cli", "--instance", str(settings.instance), "worker"],
                            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
