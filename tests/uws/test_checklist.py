"""The checklist of UWS 1.1 and DALI 1.1, item by item: the standards, and where servers and clients have stumbled.

Each item is one sentence and one check; the table is `CHECKLIST`.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from registry import clock
from registry.uws import files, store
from registry.uws.phases import (
    ABORTED,
    ARCHIVED,
    COMPLETED,
    ERROR,
    EXECUTING,
    HELD,
    PENDING,
    QUEUED,
    SUSPENDED,
    UNKNOWN,
    Phase,
)
from tests.uws.conftest import APP, World, tag
from tests.uws.jobs_at_hand import put
from vosi import namespaces as ns

Check = Callable[[World], None]
CHECKLIST: list[tuple[str, Check]] = []
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
JOB_ELEMENTS = (
    "jobId", "runId", "ownerId", "phase", "quote", "creationTime", "startTime", "endTime", "executionDuration",
    "destruction", "parameters", "results", "jobInfo")
NIL = ns.clark(ns.XSI, "nil")


def item(words: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKLIST.append((words, check))
        return check
    return keep


# --- documents --------------------------------------------------------------------------------------------------------


@item("elements of job come in the schema's order; ownerId, startTime, endTime, destruction, results are always there")
def _(world: World) -> None:
    job = world.xml(f"/jobs/{world.make(RUNID='r1')}")
    assert [child.tag for child in job] == [tag(name) for name in JOB_ELEMENTS]
    assert len(job.find(tag("results"))) == 0


@item("the namespace stays v1.0; version=1.1 is on job and jobs, and on nothing else")
def _(world: World) -> None:
    job, jobs = world.xml(f"/jobs/{world.make()}"), world.xml("/jobs")
    assert job.tag == "{http://www.ivoa.net/xml/UWS/v1.0}job" and jobs.tag == "{http://www.ivoa.net/xml/UWS/v1.0}jobs"
    assert job.get("version") == jobs.get("version") == "1.1"
    assert not [child for root in (job, jobs) for child in root.iter() if child is not root and child.get("version")]


@item("jobref has an unqualified id, phase, runId, ownerId, creationTime, xlink:type and xlink:href")
def _(world: World) -> None:
    job_id = world.make("ada", RUNID="<mine>")
    ref = world.xml("/jobs", "ada").find(tag("jobref"))
    assert ref.get("id") == job_id
    assert [child.tag for child in ref] == [tag(name) for name in ("phase", "runId", "ownerId", "creationTime")]
    assert [child.text for child in ref][:3] == ["PENDING", "<mine>", "ada"]
    assert ref.get(ns.clark(ns.XLINK, "type")) == "simple"
    assert ref.get(ns.clark(ns.XLINK, "href")) == f"http://127.0.0.1:8101/jobs/{job_id}"


@item("times are UTC with T and Z")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    world.finish(job_id)
    job = world.xml(f"/jobs/{job_id}")
    for name in ("creationTime", "startTime", "endTime", "destruction"):
        assert STAMP.fullmatch(job.findtext(tag(name)))
    assert STAMP.fullmatch(world.text(f"/jobs/{job_id}/destruction"))


@item("what is not known is xsi:nil in XML and an empty body as text")
def _(world: World) -> None:
    job_id = world.make()
    job = world.xml(f"/jobs/{job_id}")
    for name in ("ownerId", "quote", "startTime", "endTime"):
        assert job.find(tag(name)).get(NIL) == "true" and not job.find(tag(name)).text
    assert world.text(f"/jobs/{job_id}/quote") == world.text(f"/jobs/{job_id}/owner") == ""


@item("atomic resources are text/plain, containers XML")
def _(world: World) -> None:
    job_id = world.make("ada", EXECUTIONDURATION="30")
    found = [world.text(f"/jobs/{job_id}/{name}", "ada") for name in ("phase", "executionduration", "owner")]
    assert found == ["PENDING", "30", "ada"]
    assert world.xml(f"/jobs/{job_id}/parameters", "ada").tag == tag("parameters")
    assert world.xml(f"/jobs/{job_id}/results", "ada").tag == tag("results")


@item("whoever takes anything, and every browser, gets XML; JSON is for those who prefer it or ask by RESPONSEFORMAT")
def _(world: World) -> None:
    path = f"/jobs/{world.make()}"
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
    for accept in ("*/*", browser, "text/xml", "application/xml, application/json;q=0.5"):
        assert world.get(path, headers={"Accept": accept}).mimetype == "text/xml"
    for accept in ("application/json", "application/json, text/plain;q=0.5, */*;q=0.1"):
        assert world.get(path, headers={"Accept": accept}).json["phase"] == "PENDING"
    assert world.get(f"{path}?responseformat=json").json["jobId"] == path.rpartition("/")[2]
    assert world.get(f"{path}?RESPONSEFORMAT=votable").status_code == 400


# --- creation ---------------------------------------------------------------------------------------------------------


@item("POST to the list answers 303 with the job's address, and the job is committed before")
def _(world: World) -> None:
    answer = world.post("/jobs", APP=APP)
    assert answer.status_code == 303
    assert answer.location.startswith("http://127.0.0.1:8101/jobs/")
    assert world.job(answer.location.rpartition("/")[2]).phase is PENDING


@item("PHASE=RUN is taken in the creating request, in its body and in its query")
def _(world: World) -> None:
    assert world.job(world.make(PHASE="RUN")).phase is QUEUED
    answer = world.ask("POST", "/jobs?PHASE=RUN", data={"APP": APP})
    assert world.job(answer.location.rpartition("/")[2]).phase is QUEUED
    answer = world.ask("POST", f"/jobs?APP={APP.replace(':', '%3A')}&phase=RUN")
    assert world.job(answer.location.rpartition("/")[2]).phase is QUEUED


@item("parameter names count in any case, several values of one are kept, RUNID is the job's and no parameter")
def _(world: World) -> None:
    answer = world.ask("POST", "/jobs", data={"app": APP, "MaxMag": "5", "BAND": ["B", "V"], "runid": "night 7"})
    job = world.xml("/jobs/" + answer.location.rpartition("/")[2])
    found = [(item.get("id"), item.text) for item in job.iter(tag("parameter"))]
    assert found == [("maxmag", "5"), ("band", "B"), ("band", "V")]
    assert job.findtext(tag("runId")) == "night 7"


@item("an uploaded file is listed by reference and served at /parameters/{name}")
def _(world: World) -> None:
    answer = world.ask("POST", "/jobs", data={
        "APP": APP, "UPLOAD": "targets,param:part1", "part1": (io.BytesIO(b"ra,dec\n"), "x.csv"),
        "tables": [(io.BytesIO(b"1"), "../../etc/passwd"), (io.BytesIO(b"2"), "b")]})
    job_id = answer.location.rpartition("/")[2]
    found = [item for item in world.xml(f"/jobs/{job_id}").iter(tag("parameter")) if item.get("byReference") == "true"]
    assert [item.get("id") for item in found] == ["targets", "tables", "tables"]
    bodies = [world.get(item.text.removeprefix("http://127.0.0.1:8101")) for item in found]
    assert [body.data for body in bodies] == [b"ra,dec\n", b"1", b"2"]
    assert all(body.headers["Content-Disposition"].startswith("attachment") for body in bodies)
    assert sorted(path.name for path in files.inputs(world.site, job_id).iterdir()) == ["tables", "tables.2", "targets"]


@item("creation refused: 400 for an unknown APP, and for what is missing, unknown or bad among the parameters")
def _(world: World) -> None:
    bad = [{}, {"APP": ""}, {"APP": "ivo://north.example/app/none"},
           {"APP": APP, "nonsense": "1"}, {"APP": APP, "maxmag": "bright"},
           {"APP": APP, "maxmag": "99"}, {"APP": APP, "PHASE": "FLY"}, {"APP": APP, "PHASE": "ABORT"},
           {"APP": APP, "EXECUTIONDURATION": "long"},
           {"APP": APP, "EXECUTIONDURATION": "-1"}, {"APP": APP, "DESTRUCTION": "tomorrow"}, {"APP": [APP, APP]},
           {"APP": APP, "RUNID": "a\0b"}, {"APP": APP, "UPLOAD": "targets,http://x.example/"},
           {"APP": APP, "UPLOAD": "targets,param:none"}]
    for data in bad:
        answer = world.ask("POST", "/jobs", data=data)
        assert answer.status_code == 400 and answer.text.count("\n") == 1, (data, answer.text)
    assert world.listed() == []


@item("creation refused: 403 for who may not, 429 with Retry-After for who has too many waiting")
def _(world: World) -> None:
    assert world.post("/jobs", "rita", APP=APP).status_code == 403
    world.set(queued_jobs=2)
    world.make("ada")
    world.make("ada", PHASE="RUN")
    answer = world.post("/jobs", "ada", APP=APP)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    world.make("bob")
    assert len(world.listed(who="ada")) == 2


# --- changes ----------------------------------------------------------------------------------------------------------


@item("POST of phase, executionduration and destruction answers 303 to the job")
def _(world: World) -> None:
    job_id = world.make()
    later = clock.stamp(clock.later(3600))
    for path, data in (("executionduration", {"EXECUTIONDURATION": "5"}), ("destruction", {"DESTRUCTION": later}),
                       ("phase", {"PHASE": "RUN"}), ("phase", {"phase": "ABORT"})):
        answer = world.post(f"/jobs/{job_id}/{path}", **data)
        assert (answer.status_code, answer.location) == (303, f"http://127.0.0.1:8101/jobs/{job_id}")
    assert world.text(f"/jobs/{job_id}/phase") == "ABORTED"


@item("DELETE and POST of ACTION=DELETE answer 303 to the list, narrowed by LAST; the job is 404 from then on")
def _(world: World) -> None:
    for delete in (lambda path: world.ask("DELETE", path), lambda path: world.post(path, action="DELETE")):
        path = f"/jobs/{world.make()}"
        answer = delete(path)
        assert answer.status_code == 303
        assert re.fullmatch(r"http://127\.0\.0\.1:8101/jobs\?LAST=\d+", answer.location)
        assert world.get(path).status_code == world.get(f"{path}/phase").status_code == 404
        assert delete(path).status_code == 404
    assert world.listed() == []


@item("RUN in a phase other than PENDING or HELD is 403; ABORT in a final phase is 303 and changes nothing")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    assert world.post(f"/jobs/{job_id}/phase", PHASE="RUN").status_code == 403
    world.finish(job_id)
    before = world.job(job_id)
    assert world.post(f"/jobs/{job_id}/phase", PHASE="RUN").status_code == 403
    assert world.post(f"/jobs/{job_id}/phase", PHASE="ABORT").status_code == 303
    assert world.job(job_id) == before


@item("illegal for the phase 403; unknown job 404; somebody else's 403; bad value 400")
def _(world: World) -> None:
    job_id = world.make("ada", PHASE="RUN")
    world.finish(job_id)
    assert world.post(f"/jobs/{job_id}/executionduration", "ada", EXECUTIONDURATION="5").status_code == 403
    assert world.post(f"/jobs/{job_id}/parameters", "ada", maxmag="5").status_code == 403
    assert world.get("/jobs/nonesuch").status_code == world.post("/jobs/nonesuch/phase", PHASE="RUN").status_code == 404
    for answer in (world.get(f"/jobs/{job_id}", "bob"), world.get(f"/jobs/{job_id}"),
                   world.get(f"/jobs/{job_id}/phase", "bob"), world.ask("DELETE", f"/jobs/{job_id}", "bob"),
                   world.post(f"/jobs/{job_id}/phase", "bob", PHASE="ABORT")):
        assert answer.status_code == 403
    assert world.post(f"/jobs/{job_id}/phase", "ada", PHASE="FLY").status_code == 400
    assert world.post(f"/jobs/{job_id}/phase", "ada").status_code == 400
    assert world.get(f"/jobs/{job_id}", "root").status_code == 200


@item("the server may set other times than asked, and says what it set; duration 0 is the site's most")
def _(world: World) -> None:
    job_id = world.make()
    for asked, got in (("5", "5"), ("0", "3600"), ("999999999999", "3600")):
        world.post(f"/jobs/{job_id}/executionduration", EXECUTIONDURATION=asked)
        assert world.text(f"/jobs/{job_id}/executionduration") == got
    world.post(f"/jobs/{job_id}/destruction", DESTRUCTION="2999-01-01")
    latest = clock.later(world.site.settings.job_lifetime)
    assert abs((clock.parse(world.text(f"/jobs/{job_id}/destruction")) - latest).total_seconds()) < 60
    assert world.post(f"/jobs/{job_id}/destruction", DESTRUCTION="2001-01-01").status_code == 400


@item("a job that was stopped for its time is ABORTED and keeps its results")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    world.finish(job_id, ABORTED, error="It ran longer than 60 seconds.", error_type="fatal")
    job = world.xml(f"/jobs/{job_id}")
    assert job.findtext(tag("phase")) == "ABORTED" and len(job.find(tag("results"))) == 4
    assert job.findtext(f"{tag('errorSummary')}/{tag('message')}") == "It ran longer than 60 seconds."


@item("parameters are changed only while PENDING and at /parameters; none is made anew; the job's address takes none")
def _(world: World) -> None:
    job_id = world.make(maxmag="3", band="B")
    assert world.post(f"/jobs/{job_id}/parameters", MAXMAG="4", band="V").status_code == 303
    assert world.ask("PUT", f"/jobs/{job_id}/parameters/maxmag", data="4.5").status_code == 303
    found = [(item.get("id"), item.text) for item in world.xml(f"/jobs/{job_id}/parameters")]
    assert found == [("maxmag", "4.5"), ("band", "V")]
    assert world.text(f"/jobs/{job_id}/parameters/maxmag") == "4.5"
    for bad in ({"title": "new"}, {"maxmag": "99"}, {"nonsense": "1"}):
        assert world.post(f"/jobs/{job_id}/parameters", **bad).status_code == 400
    assert world.post(f"/jobs/{job_id}", maxmag="5").status_code == 400
    world.post(f"/jobs/{job_id}/phase", PHASE="RUN")
    assert world.ask("PUT", f"/jobs/{job_id}/parameters/maxmag", data="2").status_code == 403
    assert world.text(f"/jobs/{job_id}/parameters/maxmag") == "4.5"


@item("nothing but the job itself can be deleted, and results are read only: 405 with what is allowed")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    world.finish(job_id)
    for path in ("phase", "parameters", "parameters/maxmag", "results", "results/stdout", "error", "owner", "quote"):
        answer = world.ask("DELETE", f"/jobs/{job_id}/{path}")
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"] and "DELETE" not in answer.headers["Allow"]
    for method in ("POST", "PUT"):
        assert world.ask(method, f"/jobs/{job_id}/results/stdout", data="x").status_code == 405
    assert world.ask("DELETE", "/jobs").status_code == 405


# --- blocking ---------------------------------------------------------------------------------------------------------


def _timed(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def _while_waiting(world: World, path: str, act: Callable[[], object]) -> tuple[str, float]:
    """The phase a blocking request answers with, and the seconds from `act` to its answer."""
    found: list[tuple[str, float]] = []
    waiter = threading.Thread(target=lambda: found.append((world.xml(path).findtext(tag("phase")), time.monotonic())))
    bells = world.site.settings.instance / "run" / "phases"
    waiter.start()
    deadline = time.monotonic() + 10
    while not (bells.is_dir() and list(bells.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.002)  # until the waiter listens: there is no event for that
    start = time.monotonic()
    act()
    waiter.join(20)
    return found[0][0], found[0][1] - start


@item("WAIT returns when the phase changes, soon after")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    phase, seconds = _while_waiting(world, f"/jobs/{job_id}?WAIT=30", lambda: world.move(job_id, EXECUTING))
    assert phase == "EXECUTING" and seconds < 4  # a look once in 5 s would be the safety net at work
    phase, _ = _while_waiting(world, f"/jobs/{job_id}?wait=-1&phase=EXECUTING", lambda: world.finish(job_id))
    assert phase == "COMPLETED"


@item("WAIT blocks only in PENDING, QUEUED and EXECUTING")
def _(world: World) -> None:
    for phase in (HELD, SUSPENDED, UNKNOWN, COMPLETED, ERROR, ABORTED, ARCHIVED):
        job = put(world.site, phase=phase)
        assert _timed(lambda path=f"/jobs/{job.id}?WAIT=20": world.xml(path)) < 10


@item("WAIT=0 and a PHASE beside WAIT that the job is not in return at once; WAIT without a change ends in time")
def _(world: World) -> None:
    job_id = world.make()
    assert _timed(lambda: world.xml(f"/jobs/{job_id}?WAIT=0")) < 10
    assert _timed(lambda: world.xml(f"/jobs/{job_id}?WAIT=20&PHASE=EXECUTING")) < 10
    assert _timed(lambda: world.xml(f"/jobs/{job_id}?WAIT=1&PHASE=PENDING")) >= 0.9


@item("WAIT is whole seconds or -1, capped by the site; a PHASE beside it must be one that passes")
def _(world: World) -> None:
    job_id = world.make()
    for query in ("WAIT=abc", "WAIT=-2", "WAIT=1.5", "WAIT=", "WAIT=1&WAIT=2", "WAIT=1&PHASE=COMPLETED",
                  "WAIT=1&PHASE=FLY"):
        assert world.get(f"/jobs/{job_id}?{query}").status_code == 400, query
    world.set(wait_limit=1)
    for query in ("WAIT=-1", "WAIT=1000000"):
        assert _timed(lambda path=f"/jobs/{job_id}?{query}": world.xml(path)) < 10


@item("no more than half of the threads wait: beyond that a request is answered at once")
def _(world: World) -> None:
    from registry.uws import waiting

    job_id = world.make()
    world.set(threads=2)
    with waiting.place(world.site) as free:
        assert free
        assert _timed(lambda: world.xml(f"/jobs/{job_id}?WAIT=20")) < 10
        assert world.get(f"/sync/{job_id}").status_code == 429


@item("a deleted job ends the waits for it")
def _(world: World) -> None:
    job_id = world.make()
    found: list[int] = []
    waiter = threading.Thread(target=lambda: found.append(world.get(f"/jobs/{job_id}?WAIT=20").status_code))
    waiter.start()
    world.ask("DELETE", f"/jobs/{job_id}")
    waiter.join(15)
    assert found == [404]


# --- lists ------------------------------------------------------------------------------------------------------------


@item("PHASE repeated is a union; ARCHIVED is shown only when asked for; the list is complete otherwise")
def _(world: World) -> None:
    made = {phase: put(world.site, phase=phase).id for phase in Phase}
    assert set(world.listed()) == set(made.values()) - {made[ARCHIVED]}
    assert set(world.listed("?PHASE=ERROR&phase=HELD")) == {made[ERROR], made[HELD]}
    assert world.listed("?PHASE=ARCHIVED") == [made[ARCHIVED]]
    assert set(world.listed("?PHASE=ARCHIVED&PHASE=ERROR")) == {made[ARCHIVED], made[ERROR]}


@item("AFTER is strict, in any ISO 8601 form; LAST is the newest so many, newest first; LAST comes last")
def _(world: World) -> None:
    made = [put(world.site, created=f"2026-03-0{day}T12:00:00.500Z", phase=PENDING if day % 2 else ERROR).id
            for day in range(1, 6)]
    for text in ("2026-03-03T12:00:00.500Z", "2026-03-03T12:00:00.500", "2026-03-03T13:00:00.500%2B01:00",
                 "2026-03-03T13:00:00.500+01:00", "20260303T120000.500", "2026-W10-2T12:00:00.5",
                 "2026-03-03 12:00:00,5"):
        assert world.listed(f"?AFTER={text}") == made[3:], text
    assert world.listed("?AFTER=2026-03-03") == made[2:]
    assert world.listed("?AFTER=2026-03") == world.listed("?AFTER=2026") == made
    assert world.listed("?LAST=2") == [made[4], made[3]]
    assert world.listed("?LAST=99999999999") == made[::-1]
    assert world.listed("?LAST=2&PHASE=PENDING&AFTER=2026-03-01T12:00:00.500Z") == [made[4], made[2]]


@item("a filter that means nothing is a 400: PHASE that is none, LAST below 1, AFTER that is no time")
def _(world: World) -> None:
    for query in ("PHASE=FLY", "PHASE=", "LAST=0", "LAST=-1", "LAST=x", "LAST=1&LAST=2", "AFTER=yesterday", "AFTER=",
                  "AFTER=2026-13-01", "PHASE=PENDING&PHASE=none"):
        assert world.get(f"/jobs?{query}").status_code == 400, query


@item("the list shows a caller their own jobs, an administrator all, the unknown those without owner")
def _(world: World) -> None:
    mine, others, nobodys = world.make("ada"), world.make("bob"), world.make()
    assert world.listed(who="ada") == [mine] and world.listed(who="bob") == [others]
    assert world.listed() == [nobodys] and set(world.listed(who="root")) == {mine, others, nobodys}


# --- phases -----------------------------------------------------------------------------------------------------------


@item("RUN may give HELD, with the reason; the client has to ask again once a person has changed what was wrong")
def _(world: World) -> None:
    world.set(job_time=60)  # the application asks for 600 s
    job_id = world.make(PHASE="RUN")
    job = world.xml(f"/jobs/{job_id}")
    assert job.findtext(tag("phase")) == "HELD" and "600 seconds" in job.findtext(f"{tag('jobInfo')}/message")
    assert world.post(f"/jobs/{job_id}/phase", PHASE="RUN").status_code == 303
    assert world.text(f"/jobs/{job_id}/phase") == "HELD"
    world.set(job_time=3600)
    world.post(f"/jobs/{job_id}/phase", PHASE="RUN")
    assert world.text(f"/jobs/{job_id}/phase") == "QUEUED" and world.job(job_id).message == ""


@item("a quote later than the destruction says that the job will not run here")
def _(world: World) -> None:
    world.set(job_time=60)
    job_id = world.make()
    job = world.xml(f"/jobs/{job_id}")
    assert job.findtext(tag("quote")) > job.findtext(tag("destruction"))
    world.post(f"/jobs/{job_id}/destruction", DESTRUCTION=clock.stamp(clock.later(7200)))
    assert world.text(f"/jobs/{job_id}/quote") > world.text(f"/jobs/{job_id}/destruction")


@item("final phases change only to ARCHIVED, UNKNOWN is not final, SUSPENDED goes on by itself")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    world.move(job_id, EXECUTING, SUSPENDED, EXECUTING, UNKNOWN, EXECUTING, COMPLETED)
    for phase in (PENDING, QUEUED, EXECUTING, ABORTED, ERROR):
        with pytest.raises(ValueError, match="cannot go"):
            world.move(job_id, phase)
    world.move(job_id, ARCHIVED)
    assert world.text(f"/jobs/{job_id}/phase") == "ARCHIVED"


@item("ABORT of a job that no worker has is done at once; that of one at work is its worker's to do")
def _(world: World) -> None:
    pending, queued = world.make(), world.make(PHASE="RUN")
    for job_id in (pending, queued):
        world.post(f"/jobs/{job_id}/phase", PHASE="ABORT")
        assert world.text(f"/jobs/{job_id}/phase") == "ABORTED"
    at_work = world.make(PHASE="RUN")
    world.claim()
    world.post(f"/jobs/{at_work}/phase", PHASE="ABORT")
    assert (world.job(at_work).phase, world.job(at_work).desired) == (QUEUED, store.ABORT)
    world.ask("DELETE", f"/jobs/{at_work}")
    assert world.job(at_work).desired == store.DELETE


# --- errors and results -----------------------------------------------------------------------------------------------


@item("a failed job's address is 200; errorSummary has type and hasDetail; the detail is at /error, else 404")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    assert world.get(f"/jobs/{job_id}/error").status_code == 404
    world.finish(job_id, ERROR, error="last words \x1b[31m", error_type="transient")
    summary = world.xml(f"/jobs/{job_id}").find(tag("errorSummary"))
    assert (summary.get("type"), summary.get("hasDetail")) == ("transient", "true")
    assert summary.findtext(tag("message")).startswith("last words")
    assert "a\nb\nlast words" in world.text(f"/jobs/{job_id}/error")


@item("results have unique ids, size and mime-type; `result` is an address of the first")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    world.finish(job_id)
    found = list(world.xml(f"/jobs/{job_id}/results"))
    assert [item.get("id") for item in found] == ["summary.json", "plots/page.html", "stdout", "stderr"]
    assert found[0].get("size") == "12" and found[0].get("mime-type") == "application/json"
    assert not [name for item in found for name in item.attrib if name.startswith("{") and ns.XLINK not in name]
    for item in found:
        path = item.get(ns.clark(ns.XLINK, "href")).removeprefix("http://127.0.0.1:8101")
        assert len(world.get(path).data) == int(item.get("size"))
    assert world.get(f"/jobs/{job_id}/results/result").json == {"stars": 3}


@item("stdout and stderr are results of failed and aborted jobs too, and of a running one they can be followed")
def _(world: World) -> None:
    job_id = world.make(PHASE="RUN")
    assert world.get(f"/jobs/{job_id}/results/stdout").status_code == 404
    world.write(job_id)
    first = world.get(f"/jobs/{job_id}/logs/stdout")
    assert (first.text, first.headers["X-Next-Offset"]) == ("hello\n", "6")
    assert world.get(f"/jobs/{job_id}/logs/stdout?since=6").text == ""
    world.finish(job_id, ERROR, error="it failed")
    assert world.get(f"/jobs/{job_id}/results/stderr").text.endswith("last words\n")


# --- who --------------------------------------------------------------------------------------------------------------


@item("the owner comes from authentication only; without it ownerId is nil")
def _(world: World) -> None:
    job_id = world.make("ada")
    assert world.xml(f"/jobs/{job_id}", "ada").findtext(tag("ownerId")) == "ada"
    assert world.xml(f"/jobs/{world.make()}").find(tag("ownerId")).get(NIL) == "true"


@item("runId is opaque and comes back as it was")
def _(world: World) -> None:
    odd = "<&\"'> ünï \t x" * 3
    job_id = world.make(RUNID=odd)
    assert world.xml(f"/jobs/{job_id}").findtext(tag("runId")) == odd
    assert world.xml("/jobs").findtext(f"{tag('jobref')}/{tag('runId')}") == odd


@item("a site without anonymous jobs answers 401 and says how; one with them takes an empty Basic header for nobody")
def _(world: World) -> None:
    for header in ("Basic", "Basic ", "Basic Og==", ""):
        assert world.get("/jobs", headers={"Authorization": header}).status_code == 200, header
    answer = world.get("/jobs", headers={"Authorization": "Basic bm90OnJpZ2h0"})
    assert answer.status_code == 401
    job_id = world.make()
    world.set(anonymous_jobs=False)
    for answer in (world.get("/jobs"), world.post("/jobs", APP=APP), world.get(f"/jobs/{job_id}"),
                   world.post("/sync", APP=APP)):
        assert answer.status_code == 401
        assert [value.split()[0] for value in answer.headers.getlist("WWW-Authenticate")] == ["Basic", "Bearer"]
    assert world.get("/jobs", "ada").status_code == 200


# --- the synchronous face ---------------------------------------------------------------------------------------------


@item("/sync leads to /sync/{id}, which blocks and leads to the main result; the job is one of /jobs")
def _(world: World) -> None:
    for answer in (world.post("/sync", APP=APP, maxmag="4"), world.get(f"/sync?APP={APP}&MAXMAG=4")):
        assert answer.status_code == 303 and answer.location.startswith("http://127.0.0.1:8101/sync/")
        job_id = answer.location.rpartition("/")[2]
        assert world.text(f"/jobs/{job_id}/phase") == "QUEUED" and job_id in world.listed()
        found: list[str] = []
        path = f"/sync/{job_id}"
        waiter = threading.Thread(target=lambda path=path, found=found: found.append(world.get(path).location))
        waiter.start()
        world.finish(job_id)
        waiter.join(15)
        assert found == [f"http://127.0.0.1:8101/jobs/{job_id}/results/summary.json"]
    assert world.ask("HEAD", f"/sync?APP={APP}").status_code == 405


@item("/sync of a failed job says why; one that takes longer than a request may leads to itself")
def _(world: World) -> None:
    job_id = world.post("/sync", APP=APP).location.rpartition("/")[2]
    world.set(wait_limit=1)
    assert world.get(f"/sync/{job_id}").location == f"http://127.0.0.1:8101/sync/{job_id}"
    world.finish(job_id, ERROR, error="no stars")
    answer = world.get(f"/sync/{job_id}")
    assert answer.status_code == 400 and "no stars" in answer.text


@pytest.mark.parametrize("check", [pytest.param(check, id=words) for words, check in CHECKLIST])
def test_uws(check: Check, world: World) -> None:
    check(world)


def test_stamps_are_times() -> None:
    assert datetime.fromisoformat(clock.fine_stamp())
