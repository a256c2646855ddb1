"""The list of jobs: narrowed, sorted and paged by its address, whose jobs it holds, and its forms for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from sqlalchemy import insert

from registry.tables import jobs


@pytest.fixture()
def many(founded: Any) -> Any:
    with founded.database.write() as connection:
        for number in range(60):
            connection.execute(insert(jobs).values(
                id=f"job{number:017d}", owner="runner" if number % 2 else "publisher",
                phase="ERROR" if number < 3 else "COMPLETED",
                application=f"ivo://north.example/app/{'cross' if number % 3 else 'hr'}", image="h/x@sha256:0",
                created=f"2026-11-24T00:{number:02d}:00.000Z", execution_duration=60, destruction="9999",
                run_id="=HYPERLINK(1)" if number == 1 else f"run{number}", error="it broke" if number < 3 else None))
    return founded


def told(person: Any, query: str = "") -> list[str]:
    return [one["run_id"] for one in person.get(f"/admin/jobs.json{query}").json["jobs"]]


def test_it_is_narrowed_sorted_and_paged(many: Any, browser: Any) -> None:
    person = browser("administrator")
    assert told(person)[:2] == ["run59", "run58"] and len(told(person)) == 50
    following = person.get("/admin/jobs.json").json["next"]
    rest = person.get(following.replace("http://127.0.0.1:8101", "")).json
    assert [one["run_id"] for one in rest["jobs"]] == [f"run{number}" for number in range(9, 1, -1)] + ["=HYPERLINK(1)", "run0"]
    assert rest["count"] == 60 and rest["exact"] and rest["next"] is None
    assert told(person, "?sort=created&limit=25")[:1] == ["run0"] and len(told(person, "?limit=25")) == 25
    assert told(person, "?phase=ERROR") == ["run2", "=HYPERLINK(1)", "run0"]
    assert set(told(person, "?q=broke+runner")) == {"=HYPERLINK(1)"}
    assert told(person, "?q=100%25") == []
    page = person.get("/admin/jobs?sort=phase&q=run").get_data(as_text=True)
    assert 'aria-sort="ascending"' in page and "sort=-phase" in page and 'rel="next"' in page
    assert "No job is like that" in person.get("/admin/jobs?q=nothing").get_data(as_text=True)


def test_it_holds_ones_own_jobs_only(many: Any, browser: Any, bearer: Any, app: Any) -> None:
    assert len(told(browser("runner"), "?limit=100")) == 30
    assert told(browser("reader")) == []
    assert app.test_client().get("/api/jobs", headers=bearer("runner")).json["count"] == 30


def test_as_a_table_for_a_spreadsheet_nothing_in_it_is_a_formula(many: Any, browser: Any) -> None:
    answer = browser("runner").get("/admin/jobs.csv?phase=ERROR")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert answer.mimetype == "text/csv" and [row["run_id"] for row in rows] == ["'=HYPERLINK(1)"]
