"""Issue 4's bad input, each with its status: one sentence, in the form that was asked for, and nothing changed by it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from registry.uws import store
from registry.uws.phases import EXECUTING
from tests.uws.conftest import APP, World

Ask = Callable[..., TestResponse]
FORM = "application/x-www-form-urlencoded"
MANY = {f"p{number}": "1" for number in range(10_000)}


class Scene:
    """A world in which ada has a job of each kind; `ask` is the world's, in one form."""

    def __init__(self, world: World) -> None:
        world.set(queued_jobs=10)
        self.world = world
        self.pending, self.running, self.queued, self.done, self.gone = (
            world.make("ada", maxmag="3"), *(world.make("ada", PHASE="RUN") for _ in range(3)), world.make("ada"))
        world.move(self.running, EXECUTING)
        world.write(self.running)  # files are there, and results are none before the end
        with world.site.database.write() as connection:
            store.set_results(connection, self.running, ())
        world.finish(self.done)
        world.ask("DELETE", f"/jobs/{self.gone}", "ada")


def create(**data: Any) -> Callable[[Scene, Ask], TestResponse]:
    return lambda _, ask: ask("POST", "/jobs", data={"APP": APP, **data})


def post(job: str, path: str, **data: Any) -> Callable[[Scene, Ask], TestResponse]:
    return lambda scene, ask: ask("POST", f"/jobs/{getattr(scene, job)}{path}", data=data)


def get(job: str, path: str = "") -> Callable[[Scene, Ask], TestResponse]:
    return lambda scene, ask: ask("GET", f"/jobs/{getattr(scene, job)}{path}")


def url(path: str) -> Callable[[Scene, Ask], TestResponse]:
    return lambda _, ask: ask("GET", path)


# what, who asks, status, a word of the sentence, how
TABLE: list[tuple[str, str, int, str, Callable[[Scene, Ask], TestResponse]]] = [
    ("unknown application", "ada", 400, "no application", create(APP="ivo://north.example/app/none")),
    ("no application", "ada", 400, "APP", create(APP="")),
    ("application that is no identifier", "ada", 400, "no application", create(APP="../../etc/passwd")),
    ("unknown parameter", "ada", 400, "nonsense", create(nonsense="1")),
    ("parameter of a wrong type", "ada", 400, "maxmag", create(maxmag="bright")),
    ("parameter out of range", "ada", 400, "15", create(maxmag="99")),
    ("parameter that is none of the choices", "ada", 400, "one of B, V", create(band="X")),
    ("parameter given twice", "ada", 400, "2 times", create(maxmag=["1", "2"])),
    ("file that nobody takes", "ada", 400, "takes no file",
     lambda _, ask: ask("POST", "/jobs", data={"APP": APP, "other": (io.BytesIO(b"x"), "x")})),
    ("body of 16 MB and more", "ada", 413, "cannot be answered",
     lambda _, ask: ask("POST", "/jobs", data=b"APP=" + b"x" * 16 * 2**20, content_type=FORM)),
    ("10,000 parameters", "ada", 400, "1000 are the most", create(**MANY)),
    ("body that is no form", "ada", 415, "application/x-www-form-urlencoded", lambda _, ask: ask("POST", "/jobs", json={})),
    ("PHASE=FLY for a new job", "ada", 400, "'FLY'", create(PHASE="FLY")),
    ("PHASE=FLY", "ada", 400, "'FLY'", post("pending", "/phase", PHASE="FLY")),
    ("PHASE=FLY in a list", "ada", 400, "'FLY'", url("/jobs?PHASE=FLY")),
    ("WAIT=-2", "ada", 400, "-2", get("pending", "?WAIT=-2")),
    ("WAIT=soon", "ada", 400, "soon", get("pending", "?WAIT=soon")),
    ("MEMORY that is no amount", "ada", 400, "GiB", create(MEMORY="lots")),
    ("more memory than there is", "ada", 400, "at most", create(MEMORY="10TiB")),
    ("RUN twice", "ada", 403, "is QUEUED", post("queued", "/phase", PHASE="RUN")),
    ("RUN of one that runs", "ada", 403, "is EXECUTING", post("running", "/phase", PHASE="RUN")),
    ("RUN of one that has ended", "ada", 403, "is COMPLETED", post("done", "/phase", PHASE="RUN")),
    ("parameters of one that is queued", "ada", 403, "is QUEUED", post("queued", "/parameters", maxmag="4")),
    ("duration of one that has ended", "ada", 403, "is COMPLETED", post("done", "/executionduration", EXECUTIONDURATION="9")),
    ("somebody else's job", "bob", 403, "somebody else", get("pending")),
    ("somebody else's result", "bob", 403, "somebody else", get("done", "/results/stdout")),
    ("somebody else's phase", "bob", 403, "somebody else", post("pending", "/phase", PHASE="RUN")),
    ("somebody's job for nobody", "", 403, "somebody else", get("pending")),
    ("a job for a reader", "rita", 403, "runner", create()),
    ("a deleted job", "ada", 404, "no job", get("gone")),
    ("a deleted job's phase", "ada", 404, "no job", post("gone", "/phase", PHASE="ABORT")),
    ("a job that never was", "ada", 404, "no job", url("/jobs/nonesuch")),
    ("a result of a running job", "ada", 404, "yet: it is EXECUTING", get("running", "/results/stdout")),
    ("the result of a running job", "ada", 404, "yet: it is EXECUTING", get("running", "/results/result")),
    ("the error of a running job", "ada", 404, "no error", get("running", "/error")),
    ("a result that is none", "ada", 404, "stdout", get("done", "/results/nonesuch")),
    ("a log that is none", "ada", 404, "stdout and stderr", get("done", "/logs/syslog")),
]
FORMS = {"text/xml": "text/plain", "*/*": "text/plain", "application/json": "application/json"}


@pytest.fixture()
def scene(world: World) -> Scene:
    return Scene(world)


def state(scene: Scene) -> list[Any]:
    with scene.world.site.database.read() as connection:
        return [store.listing(connection, everybody=True), store.parameters(connection, scene.pending)]


@pytest.mark.parametrize(("who", "status", "says", "how"), [pytest.param(*row[1:], id=row[0]) for row in TABLE])
def test_bad_input_is_one_sentence_with_its_status(
    scene: Scene, who: str, status: int, says: str, how: Callable[[Scene, Ask], TestResponse],
) -> None:
    before = state(scene)
    for accept, form in FORMS.items():
        def ask(method: str, path: str, accept: str = accept, **options: Any) -> TestResponse:
            return scene.world.ask(method, path, who, headers={"Accept": accept}, **options)

        answer = how(scene, ask)
        assert (answer.status_code, answer.mimetype) == (status, form), answer.text
        sentence = answer.json["error"] if form == "application/json" else answer.text
        assert says in sentence and sentence.strip().count("\n") == 0 and len(sentence) < 400
        assert "Traceback" not in answer.text and "<html" not in answer.text
        assert form == "text/plain" or answer.json["status"] == status
    assert state(scene) == before


def test_results_of_a_running_job_are_an_empty_list_and_its_log_can_be_read(scene: Scene) -> None:
    assert len(scene.world.xml(f"/jobs/{scene.running}/results", "ada")) == 0
    assert scene.world.get(f"/jobs/{scene.running}/logs/stdout", "ada").text == "hello\n"
