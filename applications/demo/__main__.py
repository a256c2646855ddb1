"""`make demo`: two datacenters, one application, an answer from each, told step by step.

Real parts throughout: a Docker engine and repository, two instances of the service, two star catalogues. What it makes lies in
one folder (default .demo) and is used again the next time.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from applications.demo import base_image, engine, image, repository
from applications.demo.datacenter import FINAL, Datacenter, DemoFailed, Wiring, fetch
from registry.errors import Refusal

HERE = Path(__file__).resolve().parent.parent
NORTH = Wiring("north", "North", "/", ("--dec-from", "0"), "/vo/cone")
SOUTH = Wiring("south", "South", "/space/", ("--dec-to", "0", "--flavour", "south"), "/services/stars/scs", needs_token=True)
WHOLE_CATALOGUE = 117_955
JOB_LIMIT = 240  # seconds


class Teller:
    """Says what is done: a bar with the present step on a terminal, a line a step elsewhere."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:  # a log wants whole rows
            self.console = Console(highlight=False, width=160)
        self.started = time.monotonic()

    @contextmanager
    def step(self, words: str) -> Iterator[Any]:
        """One step; yields a function that shows how far it is."""
        began = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("  {task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[now]}"),
                       TimeElapsedColumn())
            with Progress(*columns, console=self.console, transient=True) as bar:
                task = bar.add_task(words, total=None, now="")
                yield lambda now: bar.update(task, now=now)
        else:
            self.console.print(f"... {words}")
            yield lambda now: self.console.print(f"    {now}")
        self.console.print(f"[green]ok[/]  {words} ({time.monotonic() - began:.1f} s)")


def main() -> int:
    """Tell the story; 0 when both answers came and add up."""
    parser = argparse.ArgumentParser(prog="make demo", description="Two datacenters, one application, an answer from each.")
    parser.add_argument("--once", action="store_true", help="tear down at the end instead of waiting for Ctrl-C")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where everything is kept (default: .demo)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    teller = Teller()
    with ExitStack() as stack:
        try:
            answers = tell(teller, stack, options.folder.absolute())
        except Refusal as error:
            teller.console.print(f"[red]The demo stops:[/] {error}", soft_wrap=True)
            return 1
        except KeyboardInterrupt:
            teller.console.print("Stopped.")
            return 1
        good = show(teller, answers)
        if not options.once:
            wait_for_interrupt(teller)
        teller.console.print("Tearing down.")
    return 0 if good else 1


def tell(teller: Teller, stack: ExitStack, folder: Path) -> list[dict[str, Any]]:
    """The six steps of the story; what each datacenter answered. Raises Refusal."""
    ports = chosen_ports(folder)
    with teller.step("Docker engine"):
        running = engine.ensure(folder / "engine")
        stack.callback(running.stop)
    with teller.step("Docker repository"):
        store = stack.enter_context(repository.start(folder / "repository", ports["repository"]))
    with teller.step("Python base image, without any image hub"):
        base = base_image.build(client=running.client)
    with teller.step("the application hr-diagram: build the image, push it"):
        reference = image.build_and_push(HERE / "hr-diagram", store.address, "hr-diagram", "1.0", base, client=running.client)
    settings = {"repository": store.address, "accepted_publishers": f"{NORTH.authority},{SOUTH.authority}"}
    north, south = (
        Datacenter(wiring, folder / wiring.name,
                   {kind: ports[f"{wiring.name} {kind}"] for kind in ("web", "catalogue", "gateway")})
        for wiring in (NORTH, SOUTH))
    for center in (north, south):
        stack.callback(center.stop)
        with teller.step(f"{center.wiring.name}: found the datacenter, start its catalogue and its service at {center.base_url}"):
            center.found({**settings, "instance_name": ports[f"{center.wiring.name} name"]})
            center.start_catalogue()
            center.start()
        with teller.step(f"{center.wiring.name}: register the catalogue from its VOSI documents at {center.catalogue_url}"):
            center.describe_catalogue()
    with teller.step(f"north: register the application {reference}"):
        north.registry("app", "register", reference)
    with teller.step("south: harvest north over OAI-PMH, and so learn of the application"):
        learn(south, north)
    return run_both(teller, (north, south), f"ivo://{NORTH.authority}/app/hr-diagram")


def learn(reader: Datacenter, source: Datacenter) -> None:
    """Make `source` a source of `reader`, and harvest it."""
    url = f"{source.base_url}oai"
    known = json.loads(reader.registry("harvest", "status", "--json"))
    if url not in {entry["url"] for entry in known}:
        reader.registry("harvest", "add", url, "--name", source.wiring.name)
    reader.registry("harvest", "run", source.wiring.name)


def run_both(teller: Teller, centers: tuple[Datacenter, ...], application: str) -> list[dict[str, Any]]:
    """Run the application in each datacenter at once, by UWS."""
    with teller.step(f"both: run {application}") as now:
        began = time.monotonic()
        jobs = {center.wiring.name: center.submit(application) for center in centers}
        phases: dict[str, str] = {}
        while time.monotonic() - began < JOB_LIMIT:
            seen = {center.wiring.name: center.look(jobs[center.wiring.name], wait=2)["phase"] for center in centers}
            if seen != phases:
                phases = seen
                now(", ".join(f"{name} {phase}" for name, phase in phases.items()))
            if all(phase in FINAL for phase in phases.values()):
                break
    return [answer_of(center, jobs[center.wiring.name]) for center in centers]


def answer_of(center: Datacenter, job: str) -> dict[str, Any]:
    """What one datacenter's job came to. Raises DemoFailed when it has not COMPLETED."""
    state = center.look(job)
    if state["phase"] != "COMPLETED":
        error = (state.get("errorSummary") or {}).get("message") or state.get("jobInfo") or "no reason given"
        raise DemoFailed(f"The job at {center.wiring.name} is {state['phase']}: {error} (see {job})")
    results = {result["id"]: result["href"] for result in state["results"]}
    summary = json.loads(fetch(results["summary.json"]))
    return {"center": center, "job": job, "state": state, "results": results, "summary": summary}


def show(teller: Teller, answers: list[dict[str, Any]]) -> bool:
    """The table at the end; True when the counts add up to the whole catalogue."""
    table = Table(title="One application, two datacenters")
    for heading in ("datacenter", "job", "phase", "seconds", "stars", "with B-V and M", "giants", "results"):
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
    from registry import clock

    return (clock.parse(state["endTime"]) - clock.parse(state["startTime"])).total_seconds()


def wait_for_interrupt(teller: Teller) -> None:
    """Stay until Ctrl-C or SIGTERM."""
    teller.console.print("Ctrl-C stops everything.")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    done.wait()


def chosen_ports(folder: Path) -> dict[str, Any]:
    """The ports of this demo, chosen once: they are in its records and must stay. Raises DemoFailed where one is taken."""
    file = folder / "ports.json"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tag = f"{time.time_ns() % 16**6:06x}"  # container names must not meet those of another demo
        chosen: dict[str, Any] = {"north name": f"north{tag}", "south name": f"south{tag}"}
        with ExitStack() as held:
            for name, wish in (("repository", 5001), ("north web", 8101), ("north catalogue", 8201), ("north gateway", 8765),
                               ("south web", 8102), ("south catalogue", 8202), ("south gateway", 8766)):
                chosen[name] = _free(held, wish)
        file.write_text(json.dumps(chosen, indent=1))
    ports: dict[str, Any] = json.loads(file.read_text())
    for name, port in ports.items():
        if isinstance(port, int) and name != "repository" and _taken(port):
            raise DemoFailed(f"Port {port} ({name}) is in use by another program: stop that one, or `make clean` and start "
                             "the demo anew.")
    return ports


def _free(held: ExitStack, wish: int) -> int:
    """The wished port, or a free one; held until all are chosen."""
    for port in (wish, 0):
        probe = held.enter_context(socket.socket())
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that have just ended do not count
        try:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
        except OSError:
            continue
    raise DemoFailed("This machine has no free port.")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
