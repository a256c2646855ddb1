"""What the checklist does not say: bad input, downloads, who may see what at every address, pyvo over a real socket."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pyvo.dal import AsyncTAPJob
from sqlalchemy.exc import OperationalError
from werkzeug.serving import make_server

from registry.bell import WORK
from registry.uws import files, jobs, store
from registry.uws.phases import COMPLETED, EXECUTING, QUEUED
from tests.uws.conftest import APP, World

HTML = b"<script>alert(1)</script>"


@pytest.fixture()
def done(world: World) -> str:
    job_id = world.make(PHASE="RUN")
    world.finish(job_id)
    return job_id


# --- downloads --------------------------------------------------------------------------------------------------------


def test_a_result_is_a_download_and_never_a_page(world: World, done: str) -> None:
    answer = world.get(f"/jobs/{done}/results/plots/page.html")
    assert answer.data == HTML and answer.mimetype == "text/html"
    assert answer.headers["Content-Disposition"] == "attachment; filename=page.html"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert int(answer.headers["Content-Length"]) == len(HTML)
    assert answer.headers["ETag"] == f'"{hashlib.sha256(HTML).hexdigest()}"'


def test_a_result_comes_in_parts_and_not_again_when_it_is_known(world: World, done: str) -> None:
    path = f"/jobs/{done}/results/plots/page.html"
    part = world.get(path, headers={"Range": "bytes=8-12"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (206, HTML[8:13], f"bytes 8-12/{len(HTML)}")
    tag = part.headers["ETag"]
    assert world.get(path, headers={"If-None-Match": tag}).status_code == 304
    other = world.get(path, headers={"Range": "bytes=8-12", "If-Range": '"other"'})
    assert (other.status_code, other.data) == (200, HTML)
    beyond = world.get(path, headers={"Range": "bytes=999-"})
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{len(HTML)}"
    assert world.ask("HEAD", path).headers["Content-Length"] == str(len(HTML))


def test_nothing_outside_the_jobs_folder_is_served(world: World, done: str) -> None:
    secret = world.site.settings.instance / "keys" / "secret"
    (files.folder(world.site, done) / "link").symlink_to(secret)
    (files.folder(world.site, done) / "inner").symlink_to("stdout")
    paths = {"inner": "inner",
             "up": "../../keys/secret", "link": "link", "absolute": str(secret), "folder": "files", "gone": "gone"}
    rows = [store.Result(name, number, path, 1, "text/plain", "") for number, (name, path) in enumerate(paths.items())]
    with world.site.database.write() as connection:
        store.set_results(connection, done, rows)
    for name in ("inner", "up", "link", "absolute", "folder", "gone", "../../keys/secret", "%2e%2e/secret"):
        assert world.get(f"/jobs/{done}/results/{name}").status_code == 404, name


# --- bad input --------------------------------------------------------------------------------------------------------


def test_what_a_resource_can_do_is_told(world: World, done: str) -> None:
    assert world.ask("OPTIONS", f"/jobs/{done}/phase").headers["Allow"] == "GET, POST"
    assert world.ask("PATCH", "/jobs").headers["Allow"] == "GET, POST"


def test_a_body_too_large_is_one_sentence(world: World) -> None:
    body = b"APP=" + b"x" * (17 * 2**20)
    answer = world.ask("POST", "/jobs", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413 and answer.mimetype == "text/plain" and answer.text.count("\n") == 1


def test_ten_thousand_parameters_are_refused(world: World) -> None:
    answer = world.ask("POST", "/jobs", data={"APP": APP, **{f"p{number}": "1" for number in range(10_000)}})
    assert answer.status_code == 400 and "10001" in answer.text


def test_a_body_of_another_type_is_refused(world: World) -> None:
    answer = world.ask("POST", "/jobs", json={"APP": APP})
    assert answer.status_code == 415 and "application/x-www-form-urlencoded" in answer.text


def test_a_refusal_is_json_for_who_asks_for_json(world: World) -> None:
    answer = world.ask("POST", "/jobs", data={"APP": "ivo://x/y"}, headers={"Accept": "application/json"})
    assert answer.status_code == 400 and answer.json["status"] == 400 and "no application" in answer.json["error"]
    answer = world.get("/jobs?RESPONSEFORMAT=xml,json", headers={"Accept": "*/*"})
    assert answer.status_code == 400 and answer.mimetype == "text/plain"


@pytest.mark.parametrize("path", [
    "/jobs/none", "/jobs/none/phase", "/jobs/%00", "/jobs/none/nothing", "/jobs/none/results/x", "/jobs/none/nothing/x",
    "/jobs/none/logs/stdout", "/sync/none", "/jobs/" + "x" * 5000,
])
def test_what_is_not_there_is_a_404_in_one_sentence(world: World, path: str) -> None:
    answer = world.get(path)
    assert answer.status_code == 404 and answer.mimetype == "text/plain"
    assert answer.text.count("\n") == 1 and len(answer.text) < 300 and "\0" not in answer.text


def test_odd_queries_are_refused(world: World, done: str) -> None:
    for path in ("logs/stdout?since=-1", "logs/stdout?since=x", "logs/stdout?since=1&since=2"):
        assert world.get(f"/jobs/{done}/{path}").status_code == 400
    assert world.get(f"/jobs/{done}/logs/syslog").status_code == 404
    assert world.get(f"/jobs/{done}/logs/stdout?since=99999").headers["X-Next-Offset"] == "99999"


def test_uploads_that_nobody_asked_for_are_refused_and_leave_nothing(world: World) -> None:
    for data in ({"APP": APP, "other": (io.BytesIO(b"x"), "x")},
                 {"APP": APP, "targets": [(io.BytesIO(b"x"), "x"), (io.BytesIO(b"y"), "y")]}):
        answer = world.ask("POST", "/jobs", data=data)
        assert answer.status_code == 400
    results = world.site.settings.instance / "results"
    assert not results.exists() or not list(results.iterdir())
    job_id = world.make()
    answer = world.ask("POST", f"/jobs/{job_id}/parameters", data={"targets": (io.BytesIO(b"x"), "x")})
    assert answer.status_code == 400


def test_a_job_that_is_not_stored_leaves_no_file(world: World) -> None:
    world.set(queued_jobs=1)
    world.make()
    answer = world.ask("POST", "/jobs", data={"APP": APP, "targets": (io.BytesIO(b"x"), "x")})
    assert answer.status_code == 429
    assert list((world.site.settings.instance / "results").iterdir()) == []


def test_a_database_that_is_away_is_a_503(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(jobs, "references", away)
    answer = world.get("/jobs")
    assert answer.status_code == 503 and "Retry-After" in answer.headers and "SELECT" not in answer.text


def test_a_cookie_says_nothing_about_who_asks(world: World) -> None:
    from registry import access

    world.token("ada")
    with world.site.database.write() as connection:
        secret = access.open_session(connection, "ada")
    job_id = world.make("ada")
    for name in ("session", "innerspace_session"):
        assert world.get(f"/jobs/{job_id}", headers={"Cookie": f"{name}={secret}"}).status_code == 403


# --- every address, every caller --------------------------------------------------------------------------------------

JOB_PATHS = {
    "/jobs/<job_id>": "/jobs/{}", "/jobs/<job_id>/<resource>": "/jobs/{}/phase",
    "/jobs/<job_id>/<resource>/<path:name>": "/jobs/{}/results/stdout", "/sync/<job_id>": "/sync/{}",
}
LIST_PATHS = {"/jobs", "/sync"}


def test_every_address_of_a_job_checks_its_owner(world: World) -> None:
    rules = [rule.rule for rule in world.client.application.url_map.iter_rules() if rule.endpoint.startswith("uws.")]
    assert set(rules) == set(JOB_PATHS) | LIST_PATHS, "a new address needs a line here"
    job_id = world.make("ada", PHASE="RUN")
    world.finish(job_id)
    for path in JOB_PATHS.values():
        statuses = {who: world.get(path.format(job_id), who).status_code for who in ("ada", "root", "bob", "rita", "")}
        assert statuses.pop("ada") in (200, 303) and statuses.pop("root") in (200, 303)
        assert set(statuses.values()) == {403}, path


@pytest.mark.parametrize(("method", "path", "data"), [
    ("POST", "phase", {"PHASE": "ABORT"}), ("POST", "phase", {"PHASE": "RUN"}), ("POST", "", {"ACTION": "DELETE"}),
    ("POST", "destruction", {"DESTRUCTION": "2999-01-01"}), ("POST", "executionduration", {"EXECUTIONDURATION": "1"}),
    ("POST", "parameters", {"maxmag": "1"}), ("PUT", "parameters/maxmag", "1"), ("DELETE", "", None),
    ("GET", "parameters/maxmag", None), ("GET", "error", None), ("GET", "owner", None), ("GET", "quote", None),
    ("GET", "results", None), ("GET", "logs/stderr", None),
])
def test_no_use_of_anothers_job_is_possible(world: World, method: str, path: str, data: Any) -> None:
    job_id = world.make("ada")
    before = world.job(job_id)
    for who in ("bob", "rita", ""):
        assert world.ask(method, f"/jobs/{job_id}/{path}".rstrip("/"), who, data=data).status_code == 403
    assert world.job(job_id) == before


# --- pyvo -------------------------------------------------------------------------------------------------------------


@pytest.fixture()
def address(world: World) -> Iterator[str]:
    """The world over a real socket."""
    server = make_server("127.0.0.1", 0, world.client.application, threaded=True)
    world.set(base_url=f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_pyvo_lives_through_a_job(world: World, address: str) -> None:
    job = AsyncTAPJob(f"{address}/jobs/{world.make(maxmag='4')}")
    job.execution_duration = 30
    assert (job.phase, job.execution_duration.value, job.uws_version) == ("PENDING", 30, "1.1")

    def work() -> None:
        with world.site.bells.listen(WORK) as bell:
            while world.job(job.job_id).phase is not QUEUED:
                bell.wait(1)
        world.move(job.job_id, EXECUTING)
        world.finish(job.job_id)

    worker = threading.Thread(target=work)
    worker.start()
    job.run().wait(timeout=20)
    worker.join()
    assert job.phase == COMPLETED and job.job.results[0].id_ == "summary.json"
    assert job.result_uris[0].startswith(address)
    job.raise_if_error()
    job.delete()
    assert world.get(f"/jobs/{job.job_id}").status_code == 404


def test_pyvo_aborts_a_job(world: World, address: str) -> None:
    job = AsyncTAPJob(f"{address}/jobs/{world.make(PHASE='RUN')}", delete=False)
    job.abort()
    assert job.phase == "ABORTED"
