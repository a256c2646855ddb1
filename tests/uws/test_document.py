"""Job documents as others read them: the schemas, ours and the official ones, pyvo, vo-models."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
import pyvo.io.uws as pyvo_uws
from vo_models.uws.models import Jobs, JobSummary, Parameters

from registry.uws import document, store
from registry.uws.phases import COMPLETED, ERROR, PENDING
from registry.uws.store import Parameter, Result
from tests.uws.jobs_at_hand import IMAGE, job
from tests.vosi.judges import official_faults, problems

URL = "https://dc.example/registry/jobs"
PARAMETERS = [Parameter("maxmag", "8.0"), Parameter("band", "B"), Parameter("band", "V"),
              Parameter("targets", "targets", True)]
RESULTS = [Result("plots/a b.svg", 0, "files/plots/a b.svg", 2**40, "image/svg+xml", "00"),
           Result("stderr", 1, "stderr", 12, "text/plain; charset=utf-8", "01")]
EVERYTHING = job(
    ERROR, owner="ada", run_id="<night> & \"day\"", queued="2026-01-01T00:00:01.000Z",
    started="2026-01-01T00:00:02.000Z", ended="2026-01-01T00:00:03.000Z", quote="2026-01-02T00:00:00.000Z",
    error="It said \x1b[31m<no>\x00.", error_type="transient", exit_code=3, node="north-1", message="", attempt=2,
    usage={"cpuSeconds": 1.5, "peakMemory": 12345, "bad key!": 1, "problems": ["a", "b"]})
NOTHING = job(PENDING)


@pytest.mark.parametrize("made", [EVERYTHING, NOTHING])
def test_a_job_is_valid(made: store.Job) -> None:
    parameters, results = (PARAMETERS, RESULTS) if made is EVERYTHING else ([], [])
    assert problems(document.job_xml(made, parameters, results, URL)) == []
    assert problems(document.parameters_xml(made, parameters, URL)) == []
    assert problems(document.results_xml(made, results, URL)) == []


@pytest.mark.shared
@pytest.mark.parametrize("made", [EVERYTHING, NOTHING])
def test_the_official_schema_finds_a_job_valid(made: store.Job, shared: Any) -> None:
    assert official_faults(document.job_xml(made, PARAMETERS, RESULTS, URL)) == []
    assert official_faults(document.job_xml(made, [], [], URL)) == []


@pytest.mark.shared
def test_the_official_schema_finds_a_list_valid(shared: Any) -> None:
    assert official_faults(_list_xml(_references())) == []
    assert official_faults(_list_xml()) == []
    assert problems(_list_xml(_references())) == []


def test_pyvo_reads_a_job() -> None:
    found = pyvo_uws.parse_job(io.BytesIO(document.job_xml(EVERYTHING, PARAMETERS, RESULTS, URL)), pedantic=True)
    assert (found.version, found.jobid, found.phase, found.ownerid) == ("1.1", EVERYTHING.id, "ERROR", "ada")
    assert found.runid == EVERYTHING.run_id
    assert found.starttime.isot == "2026-01-01T00:00:02.000" and found.executionduration.value == 60
    *plain, uploaded = found.parameters
    assert [(item.id_, item.content) for item in plain] == [("maxmag", "8.0"), ("band", "B"), ("band", "V")]
    assert uploaded.byreference and uploaded.content == f"{URL}/{EVERYTHING.id}/parameters/targets"
    first = found.results[0]
    assert (first.id_, first.size, first.mimetype) == ("plots/a b.svg", 2**40, "image/svg+xml")
    assert found.results[0].href == f"{URL}/{EVERYTHING.id}/results/plots/a%20b.svg"
    assert found.errorsummary.message.content.startswith("It said")
    assert found.jobinfo["image"].text == IMAGE and found.jobinfo["exitCode"].value == 3
    assert found.jobinfo["usage"]["cpuSeconds"].value == 1.5 and found.jobinfo["usage"]["problems"].text == "a; b"
    assert found.jobinfo["node"].text == "north-1"


def test_pyvo_reads_a_job_of_which_little_is_known_and_a_list() -> None:
    found = pyvo_uws.parse_job(io.BytesIO(document.job_xml(NOTHING, [], [], URL)), pedantic=True)
    assert found.phase == "PENDING" and found.starttime is None and len(found.results) == 0
    listed = pyvo_uws.parse_job_list(io.BytesIO(_list_xml(_references())))
    assert [(item.phase, item.ownerid, item.runid) for item in listed] == [
        ("ERROR", "ada", EVERYTHING.run_id), ("PENDING", None, None)]



def test_vo_models_reads_a_job_and_a_list() -> None:
    found = JobSummary[Parameters].from_xml(document.job_xml(EVERYTHING, [], RESULTS, URL))
    assert (found.job_id, found.owner_id, found.phase) == (EVERYTHING.id, "ada", "ERROR")
    assert found.results is not None and found.results.results is not None and found.error_summary is not None
    assert [item.id for item in found.results.results] == ["plots/a b.svg", "stderr"]
    assert found.error_summary.type == "transient" and found.error_summary.has_detail
    bare = JobSummary[Parameters].from_xml(document.job_xml(NOTHING, [], [], URL))
    assert bare.owner_id is None and bare.start_time is None and bare.quote is None
    listed = Jobs.from_xml(_list_xml(_references())).jobref
    assert listed is not None and [item.owner_id for item in listed] == ["ada", None]


def test_json_says_the_same() -> None:
    found = document.job_json(EVERYTHING, PARAMETERS, RESULTS, URL)
    assert found["errorSummary"] == {"type": "transient", "hasDetail": True, "message": EVERYTHING.error}
    assert found["results"][1] == {
        "id": "stderr", "href": f"{URL}/{EVERYTHING.id}/results/stderr", "size": 12,
        "mime-type": "text/plain; charset=utf-8", "sha256": "01"}
    assert found["jobInfo"]["imageDigest"] == "sha256:" + "a" * 64
    assert document.list_json(_references(), URL)["jobs"][1] == {
        "id": NOTHING.id, "href": f"{URL}/{NOTHING.id}", "phase": "PENDING", "runId": None, "ownerId": None,
        "creationTime": NOTHING.created}


def test_a_job_that_waits_says_why() -> None:
    waiting = job(PENDING, message="The Docker engine does not answer.")
    assert document.job_info(waiting)["message"] == "The Docker engine does not answer."
    assert "exitCode" not in document.job_info(waiting)
    assert document.job_info(job(COMPLETED, exit_code=0))["exitCode"] == 0


def _list_xml(references: Iterable[store.Reference] = ()) -> bytes:
    return b"".join(document.list_xml([references], URL))


def _references() -> list[store.Reference]:
    return [store.Reference(item.id, item.phase, item.run_id, item.owner, item.created)
            for item in (EVERYTHING, NOTHING)]
