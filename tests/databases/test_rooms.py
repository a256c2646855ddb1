"""What other rooms ask of either database: lists for harvesters under edits, searches for services, facts."""

from __future__ import annotations

import threading
import time

from lxml import etree

from registry.oai import verbs
from registry.oai.request import parse
from registry.records import founding, listing
from registry.services import find as finding, own
from registry.site import Site
from tests.databases.crowd import at_once
from tests.oai import shelves
from tests.oai.shelves import record
from vosi import namespaces as ns

OAI = f"{{{ns.OAI}}}"


def listed(repo: verbs.Repository, **arguments: str) -> tuple[dict[str, str], str]:
    """Every header of a list (identifier -> datestamp) read page by page, and its first responseDate."""
    found: dict[str, str] = {}
    first = ""
    token = ""
    while True:
        given = {"resumptionToken": token} if token else {"metadataPrefix": "ivo_vor", **arguments}
        try:
            answer = verbs.answer(repo, parse([("verb", "ListIdentifiers"), *given.items()]))
        except verbs.NoRecordsMatch as none:
            return found, first or none.moment
        first = first or answer.moment
        root = etree.fromstring(b'<r xmlns="%s">%s</r>' % (ns.OAI.encode(), b"".join(answer.body)))
        for header in root.iter(f"{OAI}header"):
            found[header.findtext(f"{OAI}identifier", "")] = header.findtext(f"{OAI}datestamp", "")
        token = root.findtext(f".//{OAI}resumptionToken") or ""
        if not token:
            return found, first


def test_no_record_is_missed_though_writers_commit_while_the_list_is_read(any_site: Site) -> None:
    """Whole list, then incrementals from each first responseDate: together they hold every record's last stamp."""
    object.__setattr__(any_site, "settings", any_site.settings.model_copy(update={"page_size": 7}))
    shelves.found(any_site)
    repo = verbs.repository(any_site)
    stop = threading.Event()
    known: dict[str, str] = {}

    def write(number: int) -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            names = [f"ivo://north.example/{number}/{one % 40}" for one in (turn, turn + 13)]
            shelves.put(any_site, *(record(name, f"Turn {turn}") for name in names))

    def incremental(since: str) -> str:
        found, following = listed(repo, **({"from": since} if since else {}))
        known.update(found)
        return following

    writers = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(3)]
    for thread in writers:
        thread.start()
    since, end = "", time.monotonic() + 4
    try:
        while time.monotonic() < end:
            since = incremental(since)
    finally:
        stop.set()
        for thread in writers:
            thread.join()
    incremental(since)
    with any_site.database.read() as connection:
        assert known == {one.ivoid: one.datestamp for one in listing.every(connection)}


def test_services_are_found_by_standard_with_and_without_a_fragment(any_site: Site) -> None:
    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")
    for name, standard in (("a", "ivo://ivoa.net/std/TAP"), ("b", "ivo://IVOA.net/std/tap#aux"),
                           ("c", "ivo://ivoa.net/std/TAPregext"), ("d", "ivo://ivoa.net/std/TAP%#x_y")):
        shelves.put(any_site, record(
            f"ivo://north.example/{name}", type_="vr:Service",
            more=f'<capability standardID="{standard}"><interface xsi:type="vr:WebBrowser"><accessURL use="full">'
                 f"http://127.0.0.1/{name}</accessURL></interface></capability>"))
    with any_site.database.read() as connection:
        def found(standard: str) -> list[str]:
            return [one.access_url.rpartition("/")[2] for one in finding.find(connection, standard)]

        assert sorted(found("ivo://ivoa.net/std/TAP")) == ["a", "b"]
        assert found("ivo://ivoa.net/std/TAP#aux") == ["b"]
        assert found("ivo://ivoa.net/std/UWS#rest-1.1") != [] == found("ivo://ivoa.net/std/UWS_")
        assert [one.ivoid for one in finding.find(connection, ivoid="ivo://NORTH.example/A")] == [
            "ivo://north.example/a"]


def test_processes_that_tell_the_same_fact_at_once_agree(any_site: Site) -> None:
    at_once(*(lambda number=number: own.tell_engine(any_site, f"fault {number % 2}") for number in range(8)))
    with any_site.database.read() as connection:
        assert own.engine_fault(connection) in ("fault 0", "fault 1")
