"""Long lists of jobs: complete, in order, read in stretches and never held, on both databases."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from lxml import etree
from sqlalchemy import insert, text

from registry import clock
from registry.access import ADMINISTRATOR, Caller
from registry.tables import jobs as rows
from registry.uws import jobs, store, values, views
from registry.uws.phases import ARCHIVED, COMPLETED, ERROR, EXECUTING, PENDING
from tests.uws.conftest import World, tag
from tests.uws.jobs_at_hand import job

ROOT = Caller("root", ADMINISTRATOR)
PHASES = (COMPLETED, ERROR, COMPLETED, EXECUTING)


@pytest.fixture()
def world(any_site: Any, one_application: None) -> World:
    app = Flask("registry")
    app.extensions["site"] = any_site
    views.register(app)
    return World(any_site, app.test_client())


def fill(site: Any, number: int, **options: Any) -> list[str]:
    """So many jobs of all kinds, seven in each millisecond; their ids, oldest first."""
    first = clock.parse("2026-01-01T00:00:00Z")
    made = [job(PHASES[n % len(PHASES)], created=clock.fine_stamp(clock.later(n // 7 / 1000, first)), **options)
            for n in range(number)]
    with site.database.write() as connection:
        for start in range(0, number, 5000):
            batch = [{**vars(one), "phase": one.phase.value} for one in made[start:start + 5000]]
            connection.execute(insert(rows), batch)
    return [one.id for one in sorted(made, key=lambda one: (one.created, one.id))]


def test_a_long_list_is_complete_and_in_order_in_both_forms(world: World) -> None:
    made = fill(world.site, 3 * jobs.STRETCH + 7)
    answer = world.get("/jobs")
    assert "Content-Length" not in answer.headers and answer.mimetype == "text/xml"
    assert [item.get("id") for item in etree.fromstring(answer.data).iterfind(tag("jobref"))] == made
    answer = world.get("/jobs?RESPONSEFORMAT=json")
    assert [item["id"] for item in json.loads(answer.data)["jobs"]] == made
    assert world.ask("HEAD", "/jobs").data == b""


@pytest.mark.parametrize("number", [0, 1, jobs.STRETCH - 1, jobs.STRETCH, jobs.STRETCH + 1, 2 * jobs.STRETCH])
def test_a_list_of_any_length_is_whole(world: World, number: int) -> None:
    made = fill(world.site, number)
    assert world.listed() == made
    assert [item["id"] for item in world.get("/jobs?RESPONSEFORMAT=json").json["jobs"]] == made


@pytest.mark.parametrize("last", [1, jobs.STRETCH, jobs.STRETCH + 1, 10**9])
def test_the_newest_so_many(world: World, last: int) -> None:
    made = fill(world.site, 2 * jobs.STRETCH + 3)
    assert world.listed(f"?LAST={last}") == made[::-1][:last]


def test_filters_hold_over_all_stretches(world: World) -> None:
    made = fill(world.site, 4 * jobs.STRETCH)
    fill(world.site, jobs.STRETCH, owner="ada")
    with world.site.database.read() as connection:
        phases = {item.id: item.phase for item in store.references(connection)}
    some = [one for one in made if phases[one] in (COMPLETED, ERROR)]
    assert len(some) > 2 * jobs.STRETCH
    assert world.listed("?PHASE=ERROR&PHASE=COMPLETED") == some
    assert world.listed("?PHASE=ERROR&PHASE=COMPLETED&LAST=350") == some[::-1][:350]
    after = "2026-01-01T00:00:00.100Z"
    assert world.listed(f"?AFTER={after}") == made[707:]
    assert len(world.listed(who="ada")) == jobs.STRETCH and len(world.listed(who="root")) == 5 * jobs.STRETCH


def test_what_is_deleted_while_a_list_is_read_makes_no_gap(any_site: Any) -> None:
    made = fill(any_site, 3 * jobs.STRETCH)
    stretches = jobs.references(any_site, ROOT)
    seen = [item.id for item in next(stretches)]
    with any_site.database.write() as connection:
        for one in (made[0], made[jobs.STRETCH - 1], made[jobs.STRETCH], made[-1]):
            store.remove(connection, one)
    seen += [item.id for stretch in stretches for item in stretch]
    assert seen == [one for one in made if one not in (made[jobs.STRETCH], made[-1])]


def test_the_first_bytes_come_when_two_stretches_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(world.site, 8 * jobs.STRETCH)
    read: list[int] = []
    real = store.references
    monkeypatch.setattr(jobs.store, "references", lambda *words, **more: (read.append(more["limit"]), real(*words, **more))[1])
    answer = world.client.get("/jobs", headers={"Authorization": f"Bearer {world.token('root')}"}, buffered=False)
    pieces: Iterator[bytes] = iter(answer.response)
    assert next(pieces).startswith(b"<?xml") and next(pieces).count(b"<uws:jobref") == jobs.STRETCH
    assert read == [jobs.STRETCH, jobs.STRETCH]
    answer.close()
    assert len(read) == 2, "who goes away has nothing more read for them"


def test_no_list_is_held_in_memory(any_site: Any) -> None:
    fill(any_site, 20_000, run_id="x" * 100)
    sizes: list[int] = []
    for _ in range(2):  # the first fills what is kept for good
        gc.collect()
        tracemalloc.start()
        written = sum(map(len, views.document.list_xml(jobs.references(any_site, ROOT), "http://127.0.0.1/jobs")))
        sizes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert written > 6_000_000
    assert sizes[1] < written / 4


def test_a_page_of_the_list_is_found_by_an_index(any_site: Any) -> None:
    """Whatever is asked for, no query of a page looks at all jobs: the plans, on a table of 20,000."""
    fill(any_site, 20_000, owner="ada")
    seen: list[str] = []
    kinds: list[dict[str, Any]] = [
        {"newest": True}, {"newest": False}, {"newest": True, "phases": [PENDING]}, {"phases": [ARCHIVED, ERROR]},
        {"newest": True, "owner": "ada"}, {"owner": "ada", "phases": [COMPLETED]}, {"after": "2026-01-01T00:00:01Z"}]
    with any_site.database.write() as connection:
        if not any_site.database.is_sqlite:
            connection.execute(text("ANALYZE jobs"))
        explain = "EXPLAIN QUERY PLAN " if any_site.database.is_sqlite else "EXPLAIN "
        for kind in kinds:
            everybody = "owner" not in kind
            for query in _queries(connection, everybody=everybody, limit=100, **kind):
                seen.append("\n".join(str(row) for row in connection.exec_driver_sql(explain + query)))
    for plan in seen:
        assert "INDEX jobs_by_" in plan or "Index Scan" in plan, plan
        assert "Seq Scan" not in plan and "TEMP B-TREE FOR ORDER BY" not in plan, plan


def _queries(connection: Any, **filters: Any) -> list[str]:
    """The statements that a page with these filters needs."""
    found: list[str] = []

    class Listening:
        def execute(self, query: Any) -> list[Any]:
            compiled = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            found.append(str(compiled).replace("%%", "%"))
            return []

    store.references(Listening(), **filters)  # type: ignore[arg-type]
    return found


def test_filters_as_values() -> None:
    assert values.filters([], None, "5").last == 5
