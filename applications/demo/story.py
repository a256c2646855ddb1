"""The story of the demo: an application published at one datacenter runs at three, and one of them dies in the middle of it.

Every step is what an operator types, or what any UWS client sends. What it makes is told by `show`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.table import Table

from applications.demo import base_image, engine, image, ports as ports_of, repository
from applications.demo.datacenter import Datacenter, DemoFailed, Wiring, fetch
from applications.demo.teller import Teller
from registry import clock

HERE = Path(__file__).resolve().parent.parent
NORTH = Wiring("north", "North", "/", ("--dec-from", "20"), "/vo/cone")
SOUTH = Wiring("south", "South", "/space/", ("--dec-to", "-20", "--flavour", "south"), "/services/stars/scs", needs_token=True)
MOUNTAIN = Wiring("mountain", "Mountain", "/", (
    "--dec-from", "-20", "--dec-to", "20", "--flavour", "mountain", "--pause", "2"), "/archive")
CONE = "ivo://ivoa.net/std/ConeSearch"
APPLICATION = f"ivo://{NORTH.authority}/app/hr-diagram"
WHOLE_CATALOGUE = 117_955
JOB_LIMIT = 240  # seconds


def tell(teller: Teller, stack: ExitStack, folder: Path) -> list[dict[str, Any]]:
    """Tell it; what each datacenter answered. Raises Refusal."""
    ports = ports_of.chosen(folder)
    with teller.step("Docker engine"):
        running = engine.ensure(folder / "engine")
        stack.callback(running.stop)
    with teller.step("Docker repository"):
        store = stack.enter_context(repository.start(folder / "repository", ports["repository"]))
    with teller.step("Python base image, without any image hub"):
        base = base_image.build(client=running.client)
    with teller.step("the application hr-diagram: build the image, push it"):
        reference = image.build_and_push(HERE / "hr-diagram", store.address, "hr-diagram", "1.0", base, client=running.client)
    centers = _found(teller, stack, folder, ports, store.address)
    north, south, mountain = centers
    with teller.step("north, south: register their catalogues from the VOSI documents of these"):
        _at_once(Datacenter.describe_catalogue, [center for center in (north, south) if not _has_catalogue(center)])
    with teller.step(f"north: register the application {reference}"):
        north.registry("app", "register", reference)
    with teller.step("all: harvest each other over OAI-PMH, and so learn of the application and of each other's runners"):
        _at_once(lambda center: learn(center, (north,)) if center is not north else learn(north, (south, mountain)), centers)
    if not _has_catalogue(mountain):
        with teller.step(f"north: registry where {APPLICATION}") as say:
            _where(north, say, {"north": "", "south": "", "mountain": f"It has no {CONE}."})
        with teller.step(f"mountain: register its catalogue, which is wired otherwise, at {mountain.catalogue_url}"):
            mountain.describe_catalogue()
    with teller.step(f"north: registry where {APPLICATION}") as say:
        _where(north, say, {"north": "", "south": "", "mountain": ""})
    return _run(teller, north, south, mountain)


def _found(
    teller: Teller, stack: ExitStack, folder: Path, ports: dict[str, Any], store: str,
) -> tuple[Datacenter, Datacenter, Datacenter]:
    """Found the datacenters, or find them founded; start their catalogues and their services."""
    authorities = ",".join(one.authority for one in (NORTH, SOUTH, MOUNTAIN))
    north, south, mountain = (
        Datacenter(wiring, folder / wiring.name,
                   {kind: ports[f"{wiring.name} {kind}"] for kind in ("web", "catalogue", "gateway")})
        for wiring in (NORTH, SOUTH, MOUNTAIN))

    def begin(center: Datacenter) -> None:
        center.found({"repository": store, "accepted_publishers": authorities,
                      "instance_name": ports[f"{center.wiring.name} name"]})
        center.start_catalogue()
        center.start()

    for center in (north, south, mountain):
        stack.callback(center.stop)
    places = ", ".join(center.base_url for center in (north, south, mountain))
    with teller.step(f"north, south, mountain: found the datacenters, start their catalogues and services at {places}"):
        _at_once(begin, (north, south, mountain))
    return north, south, mountain


def _at_once(act: Callable[[Datacenter], None], centers: Iterable[Datacenter]) -> None:
    """Do the same at several datacenters at the same time. Raises what one of them raises."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(act, centers))


def _has_catalogue(center: Datacenter) -> bool:
    """Whether an earlier demo has registered its catalogue."""
    return center.wiring.authority.encode() in fetch(f"{center.base_url}find.txt?standardID={CONE}")


def learn(reader: Datacenter, sources: Iterable[Datacenter]) -> None:
    """Make each source one of `reader`, and harvest it."""
    for source in sources:
        url, name = f"{source.base_url}oai", source.wiring.name
        if not (reader.folder / f"knows-{name}").exists():
            if url not in {entry["url"] for entry in json.loads(reader.registry("harvest", "status", "--json"))}:
                reader.registry("harvest", "add", url, "--name", name)
            (reader.folder / f"knows-{name}").touch()
        reader.registry("harvest", "run", name)


def _where(center: Datacenter, say: Callable[[str], None], expected: dict[str, str]) -> None:
    """Ask where it can run, and say so. Raises DemoFailed where that is not as `expected`: '' for yes, or why not."""
    answer = json.loads(center.registry("where", APPLICATION, "--now", "--json"))
    found = {one["datacenter"].partition(".")[0]: " ".join(one["reasons"]) for one in answer["runners"]}
    say("; ".join(f"{name}: {f'no. {why}' if why else 'yes'}" for name, why in found.items()))
    if found != expected:
        raise DemoFailed(f"`registry where` says {found}, and {expected} is so.")


def _run(teller: Teller, north: Datacenter, south: Datacenter, mountain: Datacenter) -> list[dict[str, Any]]:
    """Run it from north by a command each; mountain is killed while it runs there, and brought back."""
    made: dict[str, dict[str, Any]] = {}

    def command(center: Datacenter) -> None:
        at = () if center is north else ("--at", center.wiring.authority)
        made[center.wiring.name] = json.loads(north.registry("run", APPLICATION, *at, "--wait", "--json"))

    words = f"north: registry run hr-diagram, and the same --at {SOUTH.authority} and --at {MOUNTAIN.authority}"
    with teller.step(words) as say, ThreadPoolExecutor() as pool:
        running = [pool.submit(command, center) for center in (mountain, south, north)]
        if _until(lambda: _jobs(mountain, "EXECUTING"), running[0].done):
            mountain.kill()
            say("mountain: its service is killed (kill -9) while the job runs there")
            unknown = _until(lambda: _jobs(north, "UNKNOWN"), running[0].done)
            mountain.start()
            say(f"mountain: it is back; north {'called its job there UNKNOWN' if unknown else 'had not missed it'} meanwhile")
        for one in running:
            one.result()
    url = f"{north.base_url}jobs/"
    return [answer_of(north, center, f"{url}{made[center.wiring.name]['jobId']}") for center in (north, south, mountain)]


def _until(look: Callable[[], bool], over: Callable[[], bool]) -> bool:
    """Look again and again until it is so, or it is over; whether it was so."""
    pause, deadline = threading.Event(), time.monotonic() + JOB_LIMIT
    while not over() and time.monotonic() < deadline:
        if look():
            return True
        pause.wait(0.1)
    return False


def _jobs(center: Datacenter, phase: str) -> bool:
    """Whether one of its jobs is in that phase."""
    return b"jobref " in fetch(f"{center.base_url}jobs?PHASE={phase}&LAST=5")


def answer_of(asked: Datacenter, center: Datacenter, job: str) -> dict[str, Any]:
    """What came of the job that `asked` had run at `center`. Raises DemoFailed when it has not COMPLETED."""
    state = asked.look(job)
    if state["phase"] != "COMPLETED":
        error = (state.get("errorSummary") or {}).get("message") or state.get("jobInfo") or "no reason given"
        raise DemoFailed(f"The job at {center.wiring.name} is {state['phase']}: {error} (see {job})")
    results = {result["id"]: result["href"] for result in state["results"]}
    summary = json.loads(fetch(results["summary.json"]))
    return {"center": center, "job": job, "state": state, "results": results, "summary": summary}


def show(teller: Teller, answers: list[dict[str, Any]]) -> bool:
    """The table at the end; True when the counts add up to the whole catalogue."""
    table = Table(title="One application, three datacenters")
    for heading in ("ran at", "job", "phase", "seconds", "stars", "with B-V and M", "giants", "results"):
        table.add_column(heading, overflow="fold")
    for answer in answers:
        state, summary = answer["state"], answer["summary"]
        table.add_row(
            answer["center"].wiring.name, answer["job"], state["phase"], f"{seconds(state):.1f}", str(summary["stars"]),
            str(summary["plotted"]), str(summary["giants"]), ", ".join(name for name in answer["results"] if "." in name))
    teller.console.print(table)
    total = sum(answer["summary"]["stars"] for answer in answers)
    good = total == WHOLE_CATALOGUE
    counts = " + ".join(str(answer["summary"]["stars"]) for answer in answers)
    verdict = "the whole catalogue" if good else f"NOT the {WHOLE_CATALOGUE} of the catalogue"
    teller.console.print(f"{counts} = {total} stars: {verdict}.")
    for answer in answers:
        center = answer["center"]
        password = center.folder / "admin-password"
        teller.console.print(f"\n{center.wiring.title}: {center.base_url} (admin, password in {password})", soft_wrap=True)
        picture = next(url for name, url in answer["results"].items() if name.endswith(".svg"))
        for words, url in (("pages", "admin/"), ("records", "records"), ("harvest", "oai?verb=Identify"), ("find", "find.txt")):
            teller.console.print(f"  {words:9}{center.base_url}{url}", soft_wrap=True)
        teller.console.print(f"  {'picture':9}{picture}", soft_wrap=True)
    teller.console.print(f"\nTook {time.monotonic() - teller.started:.0f} s.")
    return good


def seconds(state: dict[str, Any]) -> float:
    """How long the job executed."""
    return (clock.parse(state["endTime"]) - clock.parse(state["startTime"])).total_seconds()
