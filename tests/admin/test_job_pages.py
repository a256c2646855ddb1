"""Running an application from its form, watching the job, taking its results; what containers write stays data."""

from __future__ import annotations

import io
import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from registry import clock
from registry.admin import applications as application_pages, jobs as job_pages
from registry.applications.contract import read
from registry.errors import NotFound
from registry.tables import jobs as rows
from registry.uws import files, store
from registry.uws.phases import COMPLETED, ERROR, EXECUTING
from registry.uws.store import Result

APP = "ivo://north.example/app/hr-diagram"
IMAGE = "127.0.0.1:5000/hr-diagram@sha256:" + "a" * 64
HOSTILE = "<script>alert(1)</script>"
LABEL = {
    "contract": "1.0",
    "network": "none",
    "parameters": [
        {"name": "maxmag", "type": "real", "min": -2, "max": 15, "default": 8, "unit": "mag", "description": HOSTILE},
        {"name": "band", "choices": ["B", "V"], "multiplicity": "1"},
        {"name": "name", "multiplicity": "0..*", "description": "several"},
        {"name": "csrf_token", "description": "a name that a field of ours has too"},
    ],
    "inputs": [{"name": "targets", "media_types": ["text/csv"]}],
}


@pytest.fixture(autouse=True)
def one_application(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of one application whose contract is LABEL."""
    offer = SimpleNamespace(
        ivoid=APP,
        title=f"HR {HOSTILE}",
        version="1.1",
        image=IMAGE,
        name=f"{APP}#1.1",
        publisher_authority="x",
        record_origin="own",
        missing="",
    )

    def pick(_connection: Any, app: str) -> Any:
        if app.partition("#")[0] != APP:
            raise NotFound(f"There is no application {app} here.")
        return offer

    catalogue = application_pages.catalogue
    monkeypatch.setattr(catalogue, "pick", pick)
    monkeypatch.setattr(catalogue, "offers", lambda _connection: [offer])
    monkeypatch.setattr(catalogue, "contract_of", lambda _site, _offer: read(LABEL))
    monkeypatch.setattr(
        catalogue, "entries", lambda _site: [SimpleNamespace(offer=offer, refusal="", contract=read(LABEL))]
    )


def submit(person: Any, **fields: Any) -> Any:
    return person.post("/admin/applications/run", app=APP, **{"p-band": "V", **fields})


def job_id(answer: Any) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location.rpartition("/")[2]


def finish(site: Any, number: str, phase: Any = COMPLETED, **bodies: tuple[str, bytes]) -> None:
    """What the worker does: files, results, phases."""
    results = []
    for position, (name, (media_type, body)) in enumerate(bodies.items()):
        place = files.folder(site, number) / "files" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        results.append(Result(name, position, f"files/{name}", len(body), media_type, "0" * 64))
    with site.database.write() as connection:
        job = store.move(connection, store.get(connection, number), EXECUTING)
        store.set_results(connection, number, results)
        error = {"error": f"It failed: {HOSTILE}"} if phase is ERROR else {}
        store.move(connection, job, phase, exit_code=0, **error)


def test_the_form_is_made_from_what_the_application_declares(browser: Any) -> None:
    page = browser("runner").get("/admin/applications/run", query_string={"app": APP}).get_data(as_text=True)
    assert 'name="p-maxmag"' in page and 'value="8"' in page and "between -2 and 15 (mag)" in page
    assert "<option>B</option>" in page and 'name="p-band"' in page
    assert "<textarea" in page and 'type="file"' in page and 'name="targets"' in page
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert "registry run" in page and "curl" in page


def test_a_job_is_made_with_its_parameters_and_files(founded: Any, browser: Any) -> None:
    person = browser("runner")
    answer = submit(
        person,
        **{
            "p-maxmag": "7.5",
            "p-name": "one\n\ntwo\r\n",
            "p-csrf_token": "mine",
            "run_id": "my job",
            "targets": (io.BytesIO(b"1,2\n"), "t.csv"),
        },
    )
    number = job_id(answer)
    with founded.database.read() as connection:
        job, given = store.get(connection, number), store.parameters(connection, number)
    assert (job.owner, job.run_id, job.phase.value) == ("runner", "my job", "QUEUED")
    assert [(one.name, one.value) for one in given if not one.by_reference] == [
        ("maxmag", "7.5"),
        ("band", "V"),
        ("name", "one"),
        ("name", "two"),
        ("csrf_token", "mine"),
    ]
    assert [one.name for one in given if one.by_reference] == ["targets"]
    again = person.get(f"/admin/applications/run?app={APP}&job={number}").get_data(as_text=True)
    assert 'value="7.5"' in again and ">one\ntwo</textarea>" in again


@pytest.mark.parametrize(
    ("fields", "says"), [({"p-maxmag": "99"}, "maxmag"), ({"p-band": ""}, "band"), ({"p-band": "X"}, "band")]
)
def test_a_refused_parameter_comes_back_with_the_form_as_sent(
    founded: Any, browser: Any, fields: Any, says: str
) -> None:
    answer = submit(browser("runner"), **{"p-name": "kept", **fields})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400 and f"Parameter {says}" in page and "kept" in page
    assert page.count('aria-invalid="true"') == 1
    with founded.database.read() as connection:
        assert not store.listing(connection, everybody=True)


def test_a_job_goes_along_and_ends_on_its_page(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    page = person.get(f"/admin/jobs/{number}").get_data(as_text=True)
    assert f'data-live="/admin/jobs/{number}/state"' in page and 'http-equiv="refresh"' in page
    stdout = files.folder(founded, number) / "stdout"
    stdout.parent.mkdir(parents=True, exist_ok=True)
    stdout.write_bytes("Größe ".encode()[:-3])  # cut in the middle of a character
    first = person.client.get(f"/admin/jobs/{number}/state?stdout=0").json
    stdout.write_bytes(f"Größe {HOSTILE}\n".encode())
    second = person.client.get(f"/admin/jobs/{number}/state?stdout={first['log']['stdout']['next']}").json
    assert first["log"]["stdout"]["text"] + second["log"]["stdout"]["text"] == f"Größe {HOSTILE}\n"
    assert not second["done"]
    finish(founded, number, **{"a.csv": ("text/csv", HOSTILE.encode()), "p.png": ("image/png", b"png")})
    assert person.client.get(f"/admin/jobs/{number}/state").json["done"]
    page = person.get(f"/admin/jobs/{number}").get_data(as_text=True)
    assert "data-live" not in page and HOSTILE not in page and "&lt;script&gt;alert(1)" in page
    assert f'src="/admin/jobs/{number}/results/p.png"' in page and "COMPLETED" in page


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/xml", "application/pdf"])
def test_results_are_downloads_that_run_nothing(founded: Any, browser: Any, kind: str) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    finish(founded, number, **{"x.html": (kind, HOSTILE.encode())})
    for path in (f"/admin/jobs/{number}/results/x.html", f"/admin/jobs/{number}/log/stdout"):
        answer = person.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<script" not in person.get(f"/admin/jobs/{number}").data.split(b"<main")[1]


def test_an_error_is_told_as_text(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    finish(founded, number, ERROR)
    page = person.get(f"/admin/jobs/{number}").get_data(as_text=True)
    assert "It failed: &lt;script&gt;" in page and 'role="alert"' in page


def test_jobs_are_aborted_and_deleted_by_their_owner(browser: Any) -> None:
    person = browser("runner")
    first, second = job_id(submit(person)), job_id(submit(person))
    assert person.post(f"/admin/jobs/{first}/abort").status_code == 303
    assert b"ABORTED" in person.get(f"/admin/jobs/{first}").data
    asked = person.post(f"/admin/jobs/{second}/delete")
    assert asked.status_code == 200 and f"job {second}" in asked.text and "its log and its run record" in asked.text
    named = re.search(r"Type <code>([^<]+)</code>", asked.text)
    assert named and person.post(f"/admin/jobs/{second}/delete", confirm=named[1]).location == "/admin/jobs"
    assert person.get(f"/admin/jobs/{second}").status_code == 404


def test_somebody_elses_job_is_seen_by_administrators_only(founded: Any, browser: Any) -> None:
    number = job_id(submit(browser("runner")))
    finish(founded, number, **{"x.txt": ("text/plain", b"secret words")})
    paths = [f"/admin/jobs/{number}{rest}" for rest in ("", "/state", "/log/stdout", "/results/x.txt")]
    other, boss = browser("publisher"), browser("administrator")
    for path in paths:
        assert other.get(path).status_code == 403, path
        assert boss.get(path).status_code == 200, path
    for act in ("start", "abort", "delete"):
        assert other.post(f"/admin/jobs/{number}/{act}").status_code == 403
    assert other.get(f"/admin/applications/run?app={APP}&job={number}").status_code == 403
    assert number not in other.get("/admin/jobs").get_data(as_text=True)
    assert number in boss.get("/admin/jobs").get_data(as_text=True)


def test_a_result_that_is_no_longer_there_is_told(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    finish(founded, number, **{"x.txt": ("text/plain", b"x")})
    (files.folder(founded, number) / "files" / "x.txt").unlink()
    assert person.get(f"/admin/jobs/{number}/results/x.txt").status_code == 404
    assert person.get(f"/admin/jobs/{number}").status_code == 200
    with founded.database.write() as connection:
        connection.execute(update(rows).values(owner=None))
    assert person.get(f"/admin/jobs/{number}").status_code == 200


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (256 * 2**20, "256 MiB"),
        (2**50, "1024 TiB"),
    ],
)
def test_sizes_are_for_people(count: int, words: str) -> None:
    assert job_pages.size(count) == words


def test_limits_are_asked_for_on_the_form(browser: Any, founded: Any) -> None:
    person = browser("runner")
    page = person.get("/admin/applications/run", query_string={"app": APP}).get_data(as_text=True)
    assert "512 MiB of memory unless you say; 512 MiB of memory at most." in page and 'name="MEMORY"' in page
    refused = submit(person, MEMORY="64GiB")
    text = refused.get_data(as_text=True)
    assert refused.status_code == 400 and 'value="64GiB"' in text and "512 MiB of memory at most" in text
    made = submit(person, MEMORY="64MiB", EXECUTIONDURATION="30")
    number = made.location.rpartition("/")[2]
    with founded.database.read() as connection:
        job = store.get(connection, number)
    assert (job.limits["memory"], job.execution_duration) == (64 * 2**20, 30)
    again = person.get(f"/admin/applications/run?app={APP}&job={number}").get_data(as_text=True)
    assert f'value="{64 * 2**20}"' in again and "--memory 67108864 --time 30" in again


def test_a_job_is_kept_until_another_time(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    latest = clock.later(founded.settings.job_lifetime)
    until = clock.stamp(clock.later(-3600, latest))[:16]
    kept = person.post(f"/admin/jobs/{number}/keep", until=until)
    assert kept.status_code == 303 and f"kept until {until.replace('T', ' ')}:00 UTC" in person.get(kept.location).text
    with founded.database.read() as connection:
        assert store.get(connection, number).destruction == f"{until}:00.000Z"
    for wrong, says in (("yesterday", "no ISO 8601 time"), ("2001-01-01T00:00", "is in the past")):
        page = person.post(f"/admin/jobs/{number}/keep", until=wrong)
        assert page.status_code == 400 and says in page.text and f'value="{wrong}"' in page.text
    assert browser("publisher").post(f"/admin/jobs/{number}/keep", until=until).status_code == 403


def test_a_page_says_what_came_before_it_in_the_queue(founded: Any, browser: Any) -> None:
    person = browser("runner")
    first, second = job_id(submit(person)), job_id(submit(person))
    told = [person.client.get(f"/admin/jobs/{number}/state").json["before"] for number in (first, second)]
    assert told == [0, 1] and "in the queue came before it" in person.get(f"/admin/jobs/{second}").text
    finish(founded, first)
    assert person.client.get(f"/admin/jobs/{first}/state").json["before"] is None
    assert person.client.get(f"/admin/jobs/{second}/state").json["before"] == 0


def test_a_page_says_how_much_of_its_limits_a_job_used(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    finish(founded, number)
    with founded.database.write() as connection:
        connection.execute(update(rows).where(rows.c.id == number).values(
            started="2026-01-01T00:00:00.000Z", ended="2026-01-01T00:00:10.000Z", execution_duration=40,
            usage={"cpu_seconds": 5.0, "peak_memory": 2**20, "written_bytes": 2**19, "result_bytes": 0},
            limits={"cores": 1.0, "memory": 2**22, "disk": 2**20}))
    page = person.get(f"/admin/jobs/{number}").text
    used = page.partition('id="uses"')[2].partition("</table>")[0]
    assert [" ".join(row) for row in re.findall(r"<td>([^<]+)</td><td>([^<]+)</td><td>(\d+ %)", used)] == [
        "10.0 s 40.0 s 25 %", "5.0 core s 10.0 core s 50 %", "1 MiB 4 MiB 25 %", "512 KiB 1 MiB 50 %"]


def test_a_job_is_cited_by_its_image_and_the_version_of_its_record(founded: Any, browser: Any) -> None:
    person = browser("runner")
    number = job_id(submit(person))
    page = unescape(person.get(f"/admin/jobs/{number}").text)
    cited = page.partition('id="cite">')[2].partition("</cite>")[0]
    assert cited.startswith(f"1.1 ({APP}#1.1); image {IMAGE}; run at North, ivo://north.example/runner, 20")
    assert cited.endswith(f"; job http://127.0.0.1:8101/jobs/{number}.")
