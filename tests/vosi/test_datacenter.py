"""What an application inside a container uses: a copy of one file, alone, in front of a real gateway and a real API."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.services import inner
from registry.site import Site
from tests.gateway.conftest import CONE, add_job, capability, free_port, publish_service
from vosi import datacenter
from vosi.capabilities import Capability, Interface, Param

SIA = "ivo://ivoa.net/std/SIA#query-2.0"
TOKEN = "the-token-of-this-attempt"
# the gateway as `registry gateway` runs it, at an address of the test's choice; it ends when its parent does
SERVE = """
import sys, threading
from pathlib import Path
from registry.gateway.main import run
from registry.site import open_site
stop = threading.Event()
site = open_site(Path(sys.argv[1]), allowed_networks=["127.0.0.0/8"], instance_name="north")
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
run(site, stop, host="127.0.0.1", port=int(sys.argv[2]))
"""


class Box:
    """What a container holds: the contract's folders, and an application beside a copy of the one file."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("datacenter", "job/inputs", "results", "app"):
            (place / name).mkdir(parents=True)
        (place / "job/token").write_text(TOKEN)
        (place / "job/parameters.json").write_text(json.dumps({"limit": 5, "names": ["a", "b"]}))
        shutil.copyfile(datacenter.__file__, place / "app/datacenter.py")

    def tell(self, site: Site, requires: list[str], address: str) -> None:
        with site.database.read() as connection:
            capabilities, apis = inner.documents(inner.routes(connection, site.settings, requires, address))
        (self.place / "datacenter/capabilities.xml").write_bytes(capabilities)
        (self.place / "datacenter/apis.json").write_bytes(apis)

    def start(self, program: str) -> subprocess.Popen[str]:
        """Run `program` with Python's own library and the copy; a proxy in the environment must not matter."""
        script = self.place / "app/main.py"
        script.write_text(f"import sys\nsys.path[:0] = [{str(self.place / 'app')!r}]\nimport datacenter\n{program}")
        environment = {
            "DATACENTER_DIR": str(self.place / "datacenter"), "JOB_DIR": str(self.place / "job"),
            "RESULTS_DIR": str(self.place / "results"), "http_proxy": "http://127.0.0.1:9", "PATH": os.environ["PATH"],
        }
        return subprocess.Popen([sys.executable, "-I", "-S", script], cwd=self.place, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, program: str) -> tuple[int, str, str]:
        process = self.start(program)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture()
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box")


@pytest.fixture()
def served(site: Site, httpserver: HTTPServer) -> Iterator[GatewayProcess]:
    """A gateway process in front of a cone search with a fixed query, for a job with the box's token."""
    publish_service(site, "stars", Capability(CONE, interfaces=(Interface(
        access_url=httpserver.url_for("/south/query") + "?catalogue=hip2&", url_use="base", role="std", version="1.03",
        params=(Param("RA", "Right ascension", "pos.eq.ra", "deg", "real", "required"),)),)), title="Southern stars")
    publish_service(site, "images", capability(httpserver.url_for("/sia"), standard_id=SIA))
    add_job(site, TOKEN, [CONE, SIA])
    process = GatewayProcess(site)
    yield process
    process.stop()


class GatewayProcess:
    """The gateway in a process of its own, which can be killed."""

    def __init__(self, site: Site) -> None:
        self.port = free_port()
        self._site = site
        self.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; that it does not listen yet is what its clients have to bear."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self._site.settings.instance), str(self.port)], stdin=subprocess.PIPE)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        self._process.communicate(timeout=20)
        assert self._process.returncode == 0


def told(box: Box, served: GatewayProcess, site: Site, program: str, requires: tuple[str, ...] = (CONE, SIA)) -> str:
    box.tell(site, list(requires), served.address)
    code, out, err = box.run(program)
    assert (code, err) == (0, "")
    return out


def test_an_application_asks_an_api_that_it_knows_only_by_its_standard(box, served, site, httpserver: HTTPServer):
    httpserver.expect_request("/south/query", query_string="catalogue=hip2&RA=10.5&DEC=-3&SR=180").respond_with_data(
        "stars", content_type="text/plain; charset=utf-8")
    out = told(box, served, site, """
cone = datacenter.endpoint("IVO://ivoa.net/std/conesearch")
answer = cone.get({"RA": 10.5, "DEC": -3, "SR": 180})
print(answer.decode(), answer.text, answer.status, answer.headers.get_content_type(), isinstance(answer, bytes))
print(cone.title, cone.use, cone.version, cone.type, cone.role, cone.parameters[0]["ucd"], cone.url.partition("?")[2])
print(datacenter.parameters(), datacenter.results_dir().name, datacenter.inputs_dir().name)
""")
    assert out.splitlines() == [
        "stars stars 200 text/plain True", "Southern stars base 1.03 vs:ParamHTTP std pos.eq.ra catalogue=hip2&",
        "{'limit': 5, 'names': ['a', 'b']} results inputs"]
    assert httpserver.log[0][0].headers.get("Authorization") is None


def test_redirects_posts_and_paths_below(box, served, site, httpserver: HTTPServer):
    httpserver.expect_request("/sia/async", method="POST", data="QUERY=a+b&LANG=ADQL").respond_with_data(
        "", status=303, headers={"Location": "/sia/async/7"})
    httpserver.expect_request("/sia/async/7").respond_with_json({"phase": "PENDING"})
    httpserver.expect_request("/sia/a b/c").respond_with_data("deep")
    out = told(box, served, site, f"""
sia = datacenter.endpoint({SIA!r})
job = sia.post({{"QUERY": "a b", "LANG": "ADQL"}}, "async")
print(job.json()["phase"], job.url == sia.url + "/async/7")
print(sia.get(path="a b/c").text)
print(sia.address({{"POS": ["a", "b&c"]}}, "/x") == sia.url + "/x?POS=a&POS=b%26c")
""")
    assert out.splitlines() == ["PENDING True", "deep", "True"]


def test_what_is_missing_is_explained(box, served, site):
    out = told(box, served, site, f"""
for wish in ({{"standard_id": "ivo://ivoa.net/std/ConeSerach"}}, {{"standard_id": "ivo://ivoa.net/std/SIA#query-2.1"}},
             {{"standard_id": {CONE!r}, "version": "2.0"}}, {{"standard_id": {CONE!r}, "ivoid": "ivo://other/x"}}):
    try:
        datacenter.endpoint(**wish)
    except datacenter.NoSuchApi as error:
        print(error)
cone, images = datacenter.endpoint({CONE!r}, version="1.0"), datacenter.endpoints("ivo://ivoa.net/std/SIA")
print(cone.version, len(images), len(datacenter.apis()))
""")
    typo, newer, version, elsewhere, last = out.splitlines()
    assert "no API for ivo://ivoa.net/std/ConeSerach. The nearest is ivo://ivoa.net/std/conesearch." in typo
    assert "Southern stars" in typo and "`requires`" in typo
    assert "SIA#query-2.1" in newer and "SIA#query-2.0" in newer
    assert "version 2.0" in version and "at ivo://other/x" in elsewhere
    assert last == "1.03 1 2"


def test_a_job_without_apis_is_told_so(box, site):
    box.tell(site, [], "127.0.0.1:1")
    code, _, err = box.run('datacenter.endpoint("ivo://ivoa.net/std/TAP")')
    assert code == 1 and "may use no API at all" in err
    (box.place / "datacenter/apis.json").unlink()
    code, _, err = box.run("datacenter.apis()")
    assert code == 1 and "expects to run as a job" in err


def test_a_refusal_of_the_api_or_of_the_gateway_is_an_error_with_their_words(box, served, site, httpserver: HTTPServer):
    httpserver.expect_request("/south/query").respond_with_data("RA is missing", status=400, content_type="text/plain")
    out = told(box, served, site, f"""
import pathlib, os
cone = datacenter.endpoint({CONE!r})
def attempt():
    try:
        cone.get()
    except datacenter.ApiError as error:
        print(error.status, error)
attempt()
pathlib.Path(os.environ["JOB_DIR"], "token").write_text("another")
attempt()
""")
    first, second = out.splitlines()
    assert first.startswith("400 http://") and first.endswith(": RA is missing")
    assert second.startswith("401 ") and "not that of a running job" in second


def test_the_token_stays_with_the_gateway(box, httpserver: HTTPServer):
    """A redirect to another host, which the gateway would refuse, must not carry the token even without it."""
    heard: list[Request] = []
    httpserver.expect_request("/away").respond_with_handler(lambda request: heard.append(request) or Response("ok"))
    other = httpserver.url_for("/away").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/here").respond_with_data("", status=302, headers={"Location": other})
    httpserver.expect_request("/same").respond_with_data("", status=302, headers={"Location": "/away"})
    apis = {"apis": [{"standardID": "x:" + name, "url": httpserver.url_for("/" + name)} for name in ("here", "same")]}
    (box.place / "datacenter/apis.json").write_text(json.dumps(apis))
    assert box.run('[datacenter.endpoint("x:" + name).get() for name in ("here", "same")]')[0] == 0
    assert [request.headers.get("Authorization") for request in heard] == [None, f"Bearer {TOKEN}"]


def test_a_gateway_that_is_killed_and_comes_back_is_not_noticed(box, served, site, httpserver: HTTPServer):
    in_flight, go_on = threading.Event(), threading.Event()
    lock, asked = threading.Lock(), []

    def answer(request: Request) -> Response:
        with lock:
            asked.append(request.args["N"])
            first_time = request.args["N"] == "20" and asked.count("20") == 1
        if first_time:
            in_flight.set()
            assert go_on.wait(30)
        return Response(f"answer {request.args['N']} " + "x" * 50_000)

    httpserver.expect_request("/south/query").respond_with_handler(answer)
    box.tell(site, [CONE], served.address)
    process = box.start(f"""
cone = datacenter.endpoint({CONE!r})
for number in range(40):
    answer = cone.get({{"N": number}})
    assert answer.text == "answer %d " % number + "x" * 50000, answer.text[:20]
print("40 answers")
""")
    assert in_flight.wait(60), process.communicate(timeout=60)
    served.kill()  # while the API is at work on a request
    served.start()
    go_on.set()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "40 answers\n", "")
    assert asked.count("20") == 2 and set(asked) == {str(number) for number in range(40)}


def test_nobody_at_all_is_an_error_after_the_retries(box, site, monkeypatch):
    (box.place / "datacenter/apis.json").write_text(json.dumps({"apis": [{"standardID": "x:a", "url": "http://127.0.0.1:9/"}]}))
    code, _, err = box.run('datacenter.RETRY_SECONDS = 0.3\ndatacenter.endpoint("x:a").get()')
    assert code == 1 and "ApiError: http://127.0.0.1:9/ cannot be read" in err


def test_it_imports_the_standard_library_only_and_speaks_python_3_8():
    tree = ast.parse(Path(datacenter.__file__).read_text(), feature_version=(3, 8))
    plain = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    others = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported = {name.partition(".")[0] for name in (*plain, *others)}
    assert imported <= sys.stdlib_module_names | {"__future__"}


