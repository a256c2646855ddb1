"""What goes wrong is told in one sentence at the command line, on the page and in the UWS job, and nothing stored is lost."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

from applications.demo.datacenter import FINAL, Datacenter
from tests.journeys.conftest import HR_DIAGRAM, free_ports

pytestmark = pytest.mark.docker


def typed(datacenter: Datacenter, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "registry.cli", "--instance", str(datacenter.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def refused(datacenter: Datacenter, *arguments: str) -> str:
    """The sentence with which a command refuses."""
    done = typed(datacenter, *arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def posted(datacenter: Datacenter, **form: str) -> tuple[int, str]:
    body = urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(f"{datacenter.base_url}jobs", data=body, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ended(datacenter: Datacenter, application: str) -> dict:
    job = datacenter.submit(application)
    for _ in range(60):
        state = datacenter.look(job, wait=10)
        if state["phase"] in FINAL:
            return state
    raise AssertionError(state)


def test_an_unknown_application_is_named_everywhere(datacenter):
    status, words = posted(datacenter, APP="ivo://journey.example/app/hr-diagramm", PHASE="RUN")
    assert status == 400 and "hr-diagramm" in words and "\n" not in words.strip()
    assert "hr-diagramm" in refused(datacenter, "run", "ivo://journey.example/app/hr-diagramm")


def test_a_missing_and_a_wrong_parameter_are_named(datacenter, packaged):
    status, words = posted(datacenter, APP=packaged("exits-three"), COUNT="99")
    assert status == 400 and "count" in words.lower() and "10" in words
    status, words = posted(datacenter, PHASE="RUN")
    assert status == 400 and "APP" in words
    assert "count" in refused(datacenter, "run", packaged("exits-three"), "count=many").lower()


def test_a_container_that_exits_three_says_so_and_why(datacenter, packaged):
    state = ended(datacenter, packaged("exits-three"))
    assert state["phase"] == "ERROR"
    assert "3" in state["errorSummary"]["message"] and "the third thing went wrong" in state["errorSummary"]["message"]
    assert {"stdout", "stderr", "exitcode"} <= {result["id"] for result in state["results"]}


def test_a_container_that_writes_a_gigabyte_is_stopped_and_named(datacenter, packaged):
    state = ended(datacenter, packaged("writes-much"))
    assert state["phase"] == "ERROR"
    assert "more results than it may" in state["errorSummary"]["message"] and "256 MiB" in state["errorSummary"]["message"]


def test_an_image_that_is_gone_from_the_repository_is_named(datacenter, packaged, docker_engine, docker_repository):
    application = packaged("vanishes")
    for reference in {tag for image in docker_engine.client.images.list() for tag in image.attrs["RepoDigests"] or []}:
        if reference.startswith(f"{docker_repository.address}/vanishes@"):
            docker_engine.client.images.remove(reference, force=True)
            digest = reference.partition("@")[2]
            urllib.request.urlopen(urllib.request.Request(
                f"http://{docker_repository.address}/v2/vanishes/manifests/{digest}", method="DELETE"), timeout=30).close()
    state = ended(datacenter, application)
    assert state["phase"] == "ERROR"
    assert "vanishes" in state["errorSummary"]["message"] and "repository" in state["errorSummary"]["message"]


def test_a_port_in_use_is_one_sentence(datacenter):
    sentence = refused(datacenter, "serve")
    assert f"Port {datacenter.ports['web']}" in sentence and "in use" in sentence


def test_an_api_whose_document_is_no_xml_is_one_sentence_and_stores_nothing(datacenter):
    before = datacenter.registry("records", "list", "--json")
    assert "XML" in refused(datacenter, "api", "import", f"{datacenter.base_url}runner", "--key", "broken")
    port = free_ports("nobody")["nobody"]
    assert "nobody listens" in refused(datacenter, "api", "import", f"http://127.0.0.1:{port}/capabilities", "--key", "broken")
    assert datacenter.registry("records", "list", "--json") == before


def test_no_repository_and_no_engine_are_named_by_the_commands_that_need_them(datacenter, monkeypatch):
    port = free_ports("nobody")["nobody"]
    monkeypatch.setenv("INNERSPACE_REPOSITORY", f"127.0.0.1:{port}")
    monkeypatch.setenv("INNERSPACE_DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    done = typed(datacenter, "doctor")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    lines = {name: line for line in done.stdout.splitlines() for name in ("Docker engine", "Docker repository") if name in line}
    assert all("fail" in line for line in lines.values()) and len(lines) == 2
    assert str(port) in refused(datacenter, "app", "register", f"127.0.0.1:{port}/hr-diagram:1.0")


def test_a_base_url_that_does_not_answer_is_warned_of(datacenter, monkeypatch):
    monkeypatch.setenv("INNERSPACE_BASE_URL", f"http://127.0.0.1:{free_ports('nobody')['nobody']}/")
    line = next(line for line in typed(datacenter, "doctor").stdout.splitlines() if "base URL" in line)
    assert "warn" in line and "does not lead here" in line


def test_after_all_that_the_datacenter_still_works(datacenter):
    assert ended(datacenter, HR_DIAGRAM)["phase"] == "COMPLETED"
