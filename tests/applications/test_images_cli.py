"""`registry app watch`, `pending`, `approve` and the others: what a person at a terminal sees and decides."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from registry import create_app
from registry.access import ANONYMOUS
from registry.applications import approving, catalogue, consequences, logins, seen
from registry.cli import provenance
from registry.cli.main import registry
from registry.errors import Refusal
from registry.site import Site
from registry.tables import jobs
from registry.uws import jobs as use_cases
from tests.applications.conftest import CONTRACT, Opener, Pusher
from tests.applications.test_watching import own

__all__ = ["own"]
Tell = Callable[..., str]


@pytest.fixture()
def datacenter(opened: Opener, own: Pusher) -> Site:
    return opened("north", repository=own.address)


@pytest.fixture()
def tell(datacenter: Site, own: Pusher, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Runs `registry app ...` in the datacenter; what it said."""
    monkeypatch.setenv("INNERSPACE_REPOSITORY", own.address)
    monkeypatch.setenv("INNERSPACE_AUTHORITY", "north.example")

    def run(*words: str, typed: str = "") -> str:
        done = CliRunner().invoke(registry, ["--instance", str(datacenter.settings.instance), "app", *words], input=typed)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return run


def document(tell: Tell, *words: str) -> Any:
    return json.loads(tell(*words, "--json"))


def test_from_a_pushed_image_to_an_offer(tell: Tell, datacenter: Site, own: Pusher) -> None:
    digest = own.application("stars", "1.0", title="Stars")

    assert f"{own.address} is watched" in tell("watch", "add", own.address)
    assert document(tell, "watch", "now", own.address)[0]["states"] == {"draft": 1}
    assert f"{own.address}/stars:1.0" in tell("pending")
    said = tell("approve", f"{own.address}/stars:1.0")
    assert f"ivo://north.example/app/stars#1.0 ({own.address}/stars@{digest}) is approved." in said
    assert "a new application, offered here and to every registry that harvests this one" in said
    assert "No image waits" in tell("pending")
    assert "ivo://north.example/app/stars#1.0" in tell("list")
    assert "1 approved" in tell("watch", "list")


def test_a_person_is_told_what_else_changes(tell: Tell, datacenter: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    tell("watch", "add", own.address)
    tell("watch", "now")
    tell("approve", f"{own.address}/stars:1.0")
    own.application("stars", "1.0", {
        "contract": "1.0", "parameters": [{"name": "band", "choices": ["B"]}, {"name": "limit", "multiplicity": "1"}],
        "data": [{"name": "hipparcos"}], "resources": {"memory": 100}})
    tell("watch", "now")

    changes = document(tell, "approve", f"{own.address}/stars:1.0")["changes"]

    assert changes[0] == ("ivo://north.example/app/stars has it as version 1.0, the newest: it is what runs where no version "
                          "is said.")
    assert changes[1].startswith("Version 1.0 was the image sha256:") and "stays on offer as 1.0-" in changes[1]
    assert changes[2:] == [
        "It takes no parameter max_magnitude any more.", "It takes no parameter star any more.",
        "It takes no parameter exact any more.", "It takes a new parameter limit and needs it.",
        "Its parameter band takes one of B now, not one of B, V.",
        "It needs ivo://ivoa.net/std/ConeSearch no more.", "It needs ivo://ivoa.net/std/SIA#query-2.0 no more.",
        "Its network profile is none now, not dc.", "It asks for the data set hipparcos."]
    said = tell("retract", "stars#1.0", "--why", "wrong")
    assert "is retracted." in said and "Version 1.0 leaves the record" in said and "1.0-" in said
    with pytest.raises(catalogue.NotOffered, match="was retracted by cli:.*: wrong"):
        tell("show", "stars#1.0")


def test_every_decision_has_its_command(tell: Tell, datacenter: Site, own: Pusher) -> None:
    for name in ("a", "b", "c"):
        own.application(name, "1")
    tell("watch", "add", own.address)
    tell("watch", "now")

    assert "is rejected.\nNothing that is published changes." in tell("reject", f"{own.address}/a:1", "--why", "no")
    assert "is approved." in tell("approve", f"{own.address}/b:1")
    assert "Nobody can run it here any more" in tell("mark-vulnerable", "b#1", "--why", "a hole")
    assert [one["state"] for one in document(tell, "images")] == ["rejected", "vulnerable", "draft"]
    assert [one["reference"].split("/")[1][0] for one in document(tell, "images", "--state", "draft")] == ["c"]
    with pytest.raises(Refusal, match="--anyway"):
        tell("approve", "b#1")
    assert "is approved." in tell("approve", "b#1", "--anyway")
    assert "is watched no longer" in tell("watch", "remove", own.address)
    assert "No Docker repository is watched" in tell("watch", "list")


def test_logins_are_kept_and_forgotten(tell: Tell, datacenter: Site, own: Pusher, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")

    assert "logs in at" in tell("login", own.address, "--name", "robot", "--password-file", str(tmp_path / "password"))
    assert logins.get(datacenter, own.address) == logins.Login("robot", "secret")
    assert "secret" not in tell("login", own.address, "--name", "robot", typed="secret2\n")
    assert logins.get(datacenter, own.address) == logins.Login("robot", "secret2")
    assert "does not log in" in tell("logout", own.address)
    with pytest.raises(Refusal, match="has no login"):
        tell("logout", own.address)


def test_under_the_two_person_rule_a_registered_image_waits(
    tell: Tell, datacenter: Site, own: Pusher, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INNERSPACE_TWO_PERSON_RULE", "true")
    own.application("stars", "1.0", {**CONTRACT, "parameters": []})

    assert "another person has to approve it" in tell("register", f"{own.address}/stars:1.0")
    with pytest.raises(Refusal, match="another person has to approve it"):
        tell("approve", "stars#1.0")
    monkeypatch.setattr("registry.cli.app_images.who", lambda: "cli:bob")
    assert "is approved" in tell("approve", "stars#1.0")


def test_a_look_that_fails_says_so(tell: Tell, datacenter: Site, own: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    tell("watch", "add", own.address)
    monkeypatch.setenv("INNERSPACE_REPOSITORY", "127.0.0.1:1")

    with pytest.raises(Refusal, match="takes no images"):
        tell("watch", "now")
    assert "takes no images" in tell("watch", "list")


def test_jobs_of_an_image_are_counted(north: Site, pusher: Pusher) -> None:
    pusher.application("counted", "1")
    catalogue.register(north, f"{pusher.address}/counted:1", who="ann")
    with north.database.read() as connection:
        [one] = seen.of_application(connection, "ivo://north.example/app/counted")
    pairs = [("APP", "counted"), ("band", "B")]
    use_cases.create(north, ANONYMOUS, pairs, [])
    use_cases.create(north, ANONYMOUS, [*pairs, ("PHASE", "RUN")], [])

    assert consequences.of(north, one, seen.RETRACTED) == [
        "ivo://north.example/app/counted has no other version: it is offered no longer, here or where it was harvested.",
        "2 jobs of it wait or run, and go on."]


def test_what_is_decided_is_told_at_every_place(datacenter: Site, own: Pusher, tell: Tell) -> None:
    """By command, UWS, its form of questions, and as a place to run: the same sentence."""
    own.application("stars", "1")
    catalogue.register(datacenter, f"{own.address}/stars:1", who="ann")
    tell("mark-vulnerable", "stars#1", "--why", "it lets strangers in")
    says = "ivo://north.example/app/stars#1 is not offered: it was marked as vulnerable by cli:"
    client = create_app(datacenter).test_client()
    runner = CliRunner()

    for words in (["run", "stars", "band=B"], ["where", "stars"], ["app", "show", "stars"]):
        done = runner.invoke(registry, ["--instance", str(datacenter.settings.instance), *words])
        assert says in str(done.exception) and "lets strangers in" in str(done.exception), words
    for path in ("/where?app=stars", "/where.json?app=stars", "/applications/north.example/app/stars"):
        answer = client.get(path)
        assert answer.status_code == 403 and says in unescape(answer.text), path
    for path in ("/jobs", "/sync"):
        answer = client.post(path, data={"APP": "stars", "band": "B", "PHASE": "RUN"})
        assert answer.status_code == 403 and says in unescape(answer.text), path
    assert client.get("/api/applications").json["applications"] == client.get("/applications.json").json["applications"] == []
    with datacenter.database.read() as connection:
        assert connection.execute(select(jobs.c.id)).all() == []


def test_a_job_is_repeated_with_the_image_that_it_ran_wherever_the_tag_went(north: Site, pusher: Pusher) -> None:
    first = pusher.application("again", "1")
    catalogue.register(north, f"{pusher.address}/again:1", who="ann")
    job = use_cases.create(north, ANONYMOUS, [("APP", "again#1"), ("band", "B")], [])
    pusher.application("again", "1", {**CONTRACT, "parameters": []})
    catalogue.register(north, f"{pusher.address}/again:1", who="ann")

    again = provenance._again(north, ANONYMOUS, use_cases.details(north, ANONYMOUS, job.id))

    assert again.image == job.image == f"{pusher.address}/again@{first}"
    approving.retract(north, f"again#{first}", who="eve", why="wrong")
    with pytest.raises(Refusal, match="was retracted by eve on .*: wrong"):
        provenance._again(north, ANONYMOUS, use_cases.details(north, ANONYMOUS, job.id))
