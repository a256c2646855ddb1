"""The dashboard's numbers and drawings: what is counted, how it is drawn, and that the table behind says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import insert

from registry import clock
from registry.admin import drawing, load, remembered
from registry.tables import health, jobs, sources

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def job(number: int, phase: str, created: datetime) -> dict[str, Any]:
    return {"id": f"job{number:017d}", "owner": None, "phase": phase, "application": "ivo://x.example/app",
            "image": "h/x@sha256:0", "created": clock.fine_stamp(created), "execution_duration": 60, "destruction": "9999"}


@pytest.fixture()
def busy(founded: Any) -> Any:
    with founded.database.write() as connection:
        made = [("COMPLETED", 0), ("COMPLETED", 0), ("ERROR", 1), ("QUEUED", 2), ("EXECUTING", 23), ("COMPLETED", 30)]
        for number, (phase, hours) in enumerate(made):
            connection.execute(insert(jobs).values(**job(number, phase, NOW - timedelta(hours=hours))))
        for name, age, paused in (("fresh", 1, False), ("late", 40, False), ("stopped", 99, True), ("new", None, False)):
            since = clock.stamp(NOW - timedelta(hours=age)) if age else None
            connection.execute(insert(sources).values(
                name=name, url=f"http://{name}.example/oai", interval=12 * 3600, next_run="2026", created="2026", since=since,
                paused=paused))
        for state, recent in (("up", [12, 340, None]), ("down", [None, None])):
            connection.execute(insert(health).values(
                key=f"ivo://north.example/{state}", url=f"http://127.0.0.1:1/{state}", ivoid=f"ivo://north.example/{state}",
                asked="head", state=state, since="2026-11-24T00:00:00Z", recent=recent, failures=1))
    return founded


def test_what_is_counted(busy: Any) -> None:
    with busy.database.read() as connection:
        hours = load.jobs_per_hour(connection, NOW)
        ages = load.ages(connection, NOW)
        states, endpoints = load.endpoints(connection)
        engine = load.engine(connection, busy.settings)
        days = load.changes_per_day(connection, clock.now())
    assert len(hours) == 24 and hours[-1].counts == {"completed": 2} and hours[-2].counts == {"error": 1}
    assert (hours[-3].counts, hours[0].counts, sum(one.total for one in hours)) == ({"other": 1}, {"other": 1}, 5)
    assert [(one.name, one.state) for one in ages] == [
        ("new", "never yet"), ("stopped", "paused"), ("late", "overdue"), ("fresh", "fresh")]
    assert (states["up"], states["down"], endpoints[0].state) == (1, 1, "down")
    assert (engine.running, engine.waiting, engine.slots, engine.fault) == (1, 1, busy.settings.running_jobs, "")
    assert len(days) == 14 and days[-1].total >= 4


def test_the_page_draws_and_tells_the_same(busy: Any, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.clock, "now", lambda: NOW)
    page = unescape(browser("administrator").get("/admin/").get_data(as_text=True))
    assert "<title>2026-11-24 12: 2 completed</title>" in page
    assert re.search(r'<th scope="row"><time [^>]*>2026-11-24 12</time></th><td>2</td><td>0</td><td>0</td>', page)
    assert 'aria-label="the last 3 looks: 1 without an answer"' in page and "style=" not in page
    assert "1 up" in page and "1 down" in page and "overdue" in page


def test_the_highest_column_fills_the_drawing_and_the_smallest_is_seen() -> None:
    boxes = drawing.columns([("a", {"x": 1000}), ("b", {"x": 1, "y": 1}), ("c", {})], ["x", "y"])
    assert boxes[0].height == drawing.HEIGHT - 4 and boxes[1].height == 2 and boxes[2].y < boxes[1].y
    assert boxes[-1].kind == "none" and boxes[-1].words == "c: none"
    assert drawing.bar(0.5) == drawing.BAR // 2 and drawing.bar(7) == 2 * drawing.BAR and drawing.bar(-1) == 0
    assert [box.kind for box in drawing.looks([3, None])] == ["up", "down"]
    assert all(box.y >= 0 and box.y + box.height <= drawing.LOOKS for box in drawing.looks([0, 1, 10, 10**9, None]))


def test_counts_of_the_shelf_are_kept_until_a_record_changes(founded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(connection: Any) -> int:
        asked.append(1)
        return len(asked)

    def look() -> int:
        with founded.database.read() as connection:
            return remembered.of_shelf(connection, "test", counted)

    assert [look(), look()] == [1, 2]  # a record may still change within this second
    late = clock.stamp(clock.later(60))
    monkeypatch.setattr(remembered.clock, "stamp", lambda moment=None: late)
    assert [look(), look(), look()] == [3, 3, 3]
    monkeypatch.undo()
    with founded.database.write() as connection:
        connection.exec_driver_sql("UPDATE records SET datestamp = '2999-01-01T00:00:00Z' WHERE key = 'ivo://north.example'")
    assert look() == 4
