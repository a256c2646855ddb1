"""The part of the JSON API that is about harvests: sources, runs, and what waits for a person's word."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify
from werkzeug.wrappers import Response as AnyResponse

from registry import lists
from registry.admin import guard, listed, quarantine as quarantine_pages, runs as run_pages, sources as source_pages, trials
from registry.admin.api import body
from registry.admin.pages import api, site
from registry.harvest import publishers, sources as sources_store, store, trial
from registry.harvest.listed import QUARANTINE


@api.get("/sources")
def sources() -> Response:
    """The registries we harvest."""
    page = source_pages.listing()
    return listed.as_json(page, [asdict(one) for one in page.rows])


@api.post("/sources")
def sources_add() -> tuple[Response, int]:
    """Add a registry to harvest."""
    given = body({"url"}, {"name", "interval", "set_spec", "prefix", "priority", "owner", "later"})
    more = {name: given[name] for name in ("set_spec", "prefix", "priority", "owner", "later") if name in given}
    added = source_pages.add(given["url"], given.get("name", ""), given.get("interval"), guard.who(), **more)
    return jsonify(asdict(added)), 201


@api.post("/sources/look")
def sources_look() -> Response:
    """Who answers at an address and what it offers, before it is added; nothing is kept."""
    given = body({"url"}, {"set_spec", "prefix"})
    found = sources_store.look(site(), given["url"], **{name: given[name] for name in ("set_spec", "prefix") if name in given})
    return jsonify(asdict(found))


@api.post("/sources/publishers/look")
def sources_publishers_look() -> Response:
    """The registries that a Registry of Registries knows, before any is added: `known` are sources here already."""
    found = list(publishers.publishers(site(), body({"url"}, set())["url"]))
    with site().database.read() as connection:
        known = {one.registry.lower() for one in sources_store.list_sources(connection)}
    return jsonify(registries=[asdict(one) | {"known": one.ivoid.lower() in known} for one in found])


@api.post("/sources/publishers")
def sources_publishers() -> Response:
    """Add the registries that a Registry of Registries knows, those in `asked` left out; `left` says how many remain."""
    given = body({"url"}, {"asked"})
    asked = given.get("asked", [])
    found = [one for one in publishers.publishers(site(), given["url"]) if one.ivoid not in asked]
    done = source_pages.add_publishers(found, guard.who())
    return jsonify(registries=[asdict(one) for one in done], left=len(found) - len(done))


@api.get("/sources/<name>")
def source(name: str) -> Response:
    """One source with its last runs, newest first."""
    found = source_pages.named(name)
    with site().database.read() as connection:
        runs = store.runs(connection, found.id)
    return jsonify(asdict(found) | {"runs": [run_pages.describe(one) for one in runs]})


@api.post("/sources/<name>/change")
def source_change(name: str) -> Response:
    """Change how it is harvested: of the values those that are given."""
    return jsonify(asdict(source_pages.change(name, body(set(), {"interval", "set_spec", "priority", "owner"}), guard.who())))


@api.post("/sources/<name>/remove")
def source_remove(name: str) -> Response:
    """Forget it; its records stay, as if imported from a file."""
    return jsonify(asdict(source_pages.remove(name, guard.who())))


@api.post("/sources/<name>/test")
def source_test(name: str) -> Response:
    """What a harvest would make of its first page of records; nothing is kept."""
    return jsonify(trials.describe(trial.trial(site(), source_pages.named(name))))


@api.post("/sources/<name>/harvest")
def source_harvest(name: str) -> tuple[Response, int]:
    """Ask for a harvest now; the answer names its run."""
    asked = source_pages.harvest(name, guard.who(), full=bool(body(set(), {"full"}).get("full")))
    answer = jsonify({**run_pages.describe(asked), "url": site().settings.url(f"api/runs/{asked.id}")})
    answer.headers["Location"] = site().settings.url(f"api/runs/{asked.id}")
    return answer, 202


@api.post("/sources/<name>/pause")
def source_pause(name: str) -> Response:
    """Harvest it by the clock no more."""
    return jsonify(asdict(source_pages.pause(name, True, guard.who())))


@api.post("/sources/<name>/resume")
def source_resume(name: str) -> Response:
    """Harvest it by the clock again."""
    return jsonify(asdict(source_pages.pause(name, False, guard.who())))


@api.get("/runs/<int:number>")
def run(number: int) -> Response:
    """How far a harvest is."""
    return jsonify(run_pages.describe(run_pages.run_of(number)))


@api.get("/runs/<int:number>/problems")
def run_problems(number: int) -> Response:
    """What it did not take or found odd, and why."""
    return jsonify(problems=run_pages.problems_of(number))


@api.post("/runs/<int:number>/pause")
def run_pause(number: int) -> Response:
    """Stop it behind the page it is at; no clock goes on with it."""
    return jsonify(run_pages.describe(run_pages.pause(number, guard.who())))


@api.post("/runs/<int:number>/resume")
def run_resume(number: int) -> tuple[Response, int]:
    """Go on where it was stopped: the answer is the new run."""
    return jsonify(run_pages.describe(run_pages.resume(number, guard.who()))), 202


@api.post("/runs/<int:number>/cancel")
def run_cancel(number: int) -> Response:
    """Stop it behind the page it is at."""
    return jsonify(run_pages.describe(run_pages.cancel(number, guard.who())))


@api.post("/runs/<int:number>/accept-loss")
def run_accept_loss(number: int) -> Response:
    """Delete what was missing from its list, however much that is."""
    return jsonify(run_pages.describe(run_pages.accept_loss(number, guard.who())))


@api.get("/runs")
def runs() -> Response:
    """The harvests of all sources, newest first."""
    return listed.as_json(run_pages.listing())


@api.get("/quarantine")
def quarantine() -> Response:
    """Records that wait for a person, newest first, or those in the `state` that is asked for."""
    with site().database.read() as connection:
        return listed.as_json(lists.page(connection, listed.asked(QUARANTINE)))


@api.get("/quarantine/<int:number>")
def quarantine_one(number: int) -> Response:
    """One record that was not taken, and why."""
    return jsonify(quarantine_pages.describe(quarantine_pages.get(number)))


@api.get("/quarantine/<int:number>/record")
def quarantine_record(number: int) -> AnyResponse:
    """The record as it came, byte for byte."""
    return quarantine_pages.as_it_came(number)


@api.post("/quarantine/<int:number>/accept")
def quarantine_accept(number: int) -> Response:
    """Put the record on the shelf as it came, once."""
    return jsonify(quarantine_pages.describe(quarantine_pages.accept(number, guard.who())))


@api.post("/quarantine/<int:number>/mute")
def quarantine_mute(number: int) -> Response:
    """Hear no more of the record from its source."""
    return jsonify(quarantine_pages.describe(quarantine_pages.mute(number, guard.who())))
