"""What tests of jobs share: a client of /jobs, a catalogue of one application, somebody who plays the worker."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import insert
from werkzeug.test import TestResponse

from registry import access, clock
from registry.applications.contract import read
from registry.bell import PHASES
from registry.errors import NotFound
from registry.tables import accounts
from registry.uws import creation, files, store, views
from registry.uws.phases import COMPLETED, EXECUTING, QUEUED, Phase
from registry.uws.store import Job, Result
from tests.uws.jobs_at_hand import IMAGE
from vosi import namespaces as ns

APP = "ivo://north.example/app/hr-diagram"
LABEL: dict[str, Any] = {
    "contract": "1.0",
    "parameters": [
        {"name": "maxmag", "type": "real", "min": -2, "max": 15, "default": 8, "description": "faintest magnitude"},
        {"name": "title", "description": "of the picture"},
        {"name": "band", "choices": ["B", "V"], "multiplicity": "0..*"},
    ],
    "inputs": [{"name": "targets"}, {"name": "tables", "multiplicity": "0..*"}],
    "requires": ["ivo://ivoa.net/std/ConeSearch"],
    "network": "dc",
    "resources": {"cores": 0.5, "time": 600},
}
ROLES = {"ada": "runner", "bob": "runner", "rita": "reader", "root": "administrator"}
SHORT = {"APP": APP}


class NoApplication(NotFound):
    """Stands for the catalogue's own."""


@dataclass
class World:
    """A datacenter as its clients see it, with accounts ada and bob (runners), rita (reader) and root."""

    site: Any
    client: FlaskClient
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, name: str) -> str:
        """An API token of the account; it is made when it is first asked for, without the cost of a password's hash."""
        if name not in self.tokens:
            with self.site.database.write() as connection:
                connection.execute(insert(accounts).values(
                    name=name, password_hash="none", role=ROLES[name], created=clock.stamp(), disabled=False))
                self.tokens[name] = access.create_token(connection, name)[1]
        return self.tokens[name]

    def set(self, **settings: Any) -> None:
        """Change settings of the site."""
        object.__setattr__(self.site, "settings", self.site.settings.model_copy(update=settings))

    def get(self, path: str, who: str = "", **options: Any) -> TestResponse:
        return self.ask("GET", path, who, **options)

    def post(self, path: str, who: str = "", **data: Any) -> TestResponse:
        return self.ask("POST", path, who, data=data)

    def ask(self, method: str, path: str, who: str = "", **options: Any) -> TestResponse:
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {self.token(who)}"} if who else {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def make(self, who: str = "", **parameters: Any) -> str:
        """A job made over HTTP; its id."""
        answer = self.post("/jobs", who, **{**SHORT, **parameters})
        assert answer.status_code == 303, answer.text
        return answer.location.rpartition("/")[2]

    def xml(self, path: str, who: str = "") -> etree._Element:
        answer = self.get(path, who)
        assert answer.status_code == 200, answer.text
        assert answer.mimetype == "text/xml"
        return etree.fromstring(answer.data)

    def text(self, path: str, who: str = "") -> str:
        answer = self.get(path, who)
        assert answer.status_code == 200 and answer.mimetype == "text/plain", answer.text
        return answer.text

    def listed(self, query: str = "", who: str = "") -> list[str]:
        return [item.get("id") for item in self.xml(f"/jobs{query}", who).iterfind(tag("jobref"))]

    def job(self, job_id: str) -> Job:
        with self.site.database.read() as connection:
            return store.get(connection, job_id)

    def move(self, job_id: str, *phases: Phase, **values: Any) -> Job:
        """What a worker does to a job, and its bell; `values` go with the last phase."""
        with self.site.database.write() as connection:
            job = store.get(connection, job_id)
            for phase in phases:
                moved = store.move(connection, job, phase, **(values if phase is phases[-1] else {}))
                assert moved is not None
                job = moved
        self.site.bells.ring(PHASES)
        return job

    def note(self, job_id: str, **values: Any) -> None:
        with self.site.database.write() as connection:
            assert store.note(connection, store.get(connection, job_id), **values)

    def claim(self) -> Job:
        with self.site.database.write() as connection:
            job = store.claim(connection, "worker", 100)
        assert job is not None
        return job

    def finish(self, job_id: str, phase: Phase = COMPLETED, **values: Any) -> Job:
        """Run a job to its end with files of its own."""
        self.write(job_id)
        if self.job(job_id).phase is QUEUED:
            self.move(job_id, EXECUTING)
        return self.move(job_id, phase, exit_code=0, **values)

    def write(self, job_id: str) -> list[Result]:
        bodies = {"summary.json": ("files/summary.json", "application/json", b'{"stars": 3}'),
                  "plots/page.html": ("files/plots/page.html", "text/html", b"<script>alert(1)</script>"),
                  "stdout": ("stdout", "text/plain", b"hello\n"),
                  "stderr": ("stderr", "text/plain", b"a\nb\nlast words\n")}
        found = []
        for position, (name, (path, media_type, body)) in enumerate(bodies.items()):
            place = files.folder(self.site, job_id) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
            found.append(Result(name, position, path, len(body), media_type, hashlib.sha256(body).hexdigest()))
        with self.site.database.write() as connection:
            store.set_results(connection, job_id, found)
        return found


def tag(name: str) -> str:
    return ns.clark(ns.UWS, name)


@pytest.fixture()
def label() -> dict[str, Any]:
    """The contract of the one application; a test may change it before it makes a job."""
    return {**LABEL}


@pytest.fixture()
def one_application(monkeypatch: pytest.MonkeyPatch, label: dict[str, Any]) -> None:
    def pick(_connection: Any, app: str) -> Any:
        if app.partition("#")[0].lower() != APP:
            raise NoApplication(f"There is no application {app} here.")
        return SimpleNamespace(ivoid=APP, title="HR diagram", version=app.partition("#")[2] or "1.1", image=IMAGE)

    monkeypatch.setattr(creation.catalogue, "pick", pick)
    monkeypatch.setattr(creation.catalogue, "contract_of", lambda _site, _offer: read(label))


@pytest.fixture()
def client(site: Any) -> FlaskClient:
    app = Flask("registry")
    app.extensions["site"] = site
    app.config.update(MAX_CONTENT_LENGTH=site.settings.body_limit)
    views.register(app)
    return app.test_client()


@pytest.fixture()
def world(site: Any, client: FlaskClient, one_application: None) -> World:
    return World(site, client)
