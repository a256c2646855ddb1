"""Four harvesters read one list while a hundred edits a second happen, and an incremental when they are over.

Sickle, oaipmh-scythe, oaipmh and our own harvester then hold what the shelf holds, record for record.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import oaipmh.client
import oaipmh.error
import pytest
from lxml import etree
from oaipmh.metadata import MetadataRegistry
from oaipmh_scythe import NoRecordsMatch, Scythe
from oaipmh_scythe.iterator import OAIResponseIterator
from sickle import Sickle
from sickle.iterator import OAIResponseIterator as SicklePages
from sickle.oaiexceptions import NoRecordsMatch as SickleNothing

from registry.harvest import sources, store as harvests
from registry.records import listing, store
from registry.records.ready import one_record, prepare
from registry.schema import upgrade
from registry.site import Site, open_site
from tests.databases.crowd import at_once
from tests.harvest.conftest import harvest
from tests.oai import shelves
from tests.oai.conftest import OAI, app_of
from tests.oai.serving import loopback, serving
from vosi import namespaces as ns, xmlio

N = "ivo://north.example/"
RECORDS, PAGE = 300, 15
PER_SECOND, AT_ONCE, PER_PAGE = 100, 5, 4
Held = dict[str, str]  # digest of each record by its identifier; '' for one that is deleted


class Editor:
    """Edits, adds, deletes and republishes records of a registry, a hundred a second, as long as it is told to."""

    def __init__(self, site: Site) -> None:
        self._site, self._chance = site, random.Random(3)
        self._stop, self._done, self.edits = threading.Event(), threading.Condition(), 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Editor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def pass_by(self, edits: int) -> None:
        """Wait until that many more edits were made, or the editing is over."""
        with self._done:
            wanted = self.edits + edits
            assert self._done.wait_for(lambda: self.edits >= wanted or self._stop.is_set(), 60)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += AT_ONCE / PER_SECOND
            self._some()
            with self._done:
                self.edits += AT_ONCE
                self._done.notify_all()
        with self._done:
            self._done.notify_all()

    def _some(self) -> None:
        keys = [f"{N}r{self._chance.randrange(RECORDS + self.edits // 10)}" for _ in range(AT_ONCE)]
        ready = [prepare(self._site.schemas, *one_record(shelves.record(key, f"Edit {self.edits}"))) for key in keys]
        with self._site.database.write() as connection:
            for key, one in zip(keys, ready, strict=True):
                if self._chance.random() < 0.2 and store.get(connection, key):
                    store.delete(connection, key, who="test", why="gone")
                else:
                    store.put_ready(connection, one, origin=store.OWN, who="test")


@pytest.fixture()
def north(any_site: Site) -> Iterator[tuple[Site, Editor, str]]:
    """The registry, who edits it, and its address; a page behind a token comes only when some edits have passed."""
    settings = any_site.settings
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    site = open_site(settings.instance, authority="north.example", base_url=url, page_size=PAGE,
                     database_url=settings.database_url)
    with shelves.at():
        shelves.found(site)
        shelves.put(site, *(shelves.record(f"{N}r{n}", f"Record {n}") for n in range(RECORDS)))
    editor, app = Editor(site), app_of(site)
    inner = app.wsgi_app

    def paced(environ: dict[str, Any], start: Any) -> Any:
        if "resumptionToken" in environ["QUERY_STRING"]:
            editor.pass_by(PER_PAGE)
        return inner(environ, start)

    app.wsgi_app = paced  # type: ignore[method-assign]
    with serving(app, bound, threads=12):
        yield site, editor, f"{url}oai"
    site.close()


def of_elements(records: Iterator[etree._Element]) -> Held:
    return {one.findtext(f"{OAI}header/{OAI}identifier", ""): _digest(one) for one in records}


def _digest(record: etree._Element) -> str:
    found = record.find(f"{OAI}metadata/{{{ns.RI}}}Resource")
    return "" if found is None else xmlio.digest(etree.fromstring(etree.tostring(found, with_tail=False)))


class ByPages:
    """A client that hands over whole responses; `since` is the date of the first of the last list."""

    def __init__(self, pages: Callable[..., Iterator[etree._Element]]) -> None:
        self._pages, self.since = pages, ""
        self.held: Held = {}

    def read(self) -> None:
        """The list, or what changed since the last one."""
        first = ""
        for page in self._pages(**({"from": self.since} if self.since else {})):
            first = first or page.findtext(f"{OAI}responseDate", "")
            self.held.update(of_elements(page.iter(f"{OAI}record")))
        self.since = first


def sickle(url: str) -> ByPages:
    client = Sickle(url, iterator=SicklePages, max_retries=5)

    def pages(**arguments: str) -> Iterator[etree._Element]:
        try:
            yield from (one.xml for one in client.ListRecords(metadataPrefix="ivo_vor", **arguments))
        except SickleNothing:
            return

    return ByPages(pages)


def scythe(url: str) -> ByPages:
    def pages(**arguments: str) -> Iterator[etree._Element]:
        with Scythe(url, iterator=OAIResponseIterator) as client:
            try:
                for one in client.list_records(metadata_prefix="ivo_vor", from_=arguments.get("from")):
                    yield one.xml
            except NoRecordsMatch:
                return

    return ByPages(pages)


def pyoai(url: str) -> ByPages:
    class Client(oaipmh.client.Client):
        def makeRequest(self, **arguments: Any) -> bytes:
            answer: bytes = super().makeRequest(**arguments)
            got.append(etree.fromstring(answer))
            return answer

    got: list[etree._Element] = []
    readers = MetadataRegistry()
    readers.registerReader("ivo_vor", lambda element: element)
    client = Client(url, readers, force_http_get=True)
    client.updateGranularity()

    def pages(**arguments: str) -> Iterator[etree._Element]:
        got.clear()
        since = {"from_": _moment(arguments["from"])} if "from" in arguments else {}
        try:
            for _ in client.listRecords(metadataPrefix="ivo_vor", **since):
                pass
        except oaipmh.error.NoRecordsMatchError:
            return
        yield from got

    return ByPages(pages)


def _moment(stamp: str) -> Any:
    from datetime import datetime

    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")


class Ours:
    """Our own harvester: a datacenter that has the registry as a source."""

    def __init__(self, site: Site, url: str) -> None:
        self._site = site
        self._source = sources.add(site, url)

    def read(self) -> None:
        run = harvest(self._site, self._source)
        assert (run.state, run.message) == (harvests.COMPLETE, "")

    @property
    def held(self) -> Held:
        return on_shelf(self._site, store.HARVESTED)


def on_shelf(site: Site, origin: str) -> Held:
    """What the shelf holds."""
    with site.database.read() as connection:
        return {one.ivoid: "" if one.deleted else one.digest for one in listing.every(connection, origin=origin)}


@pytest.fixture()
def south(tmp_path: Any) -> Iterator[Site]:
    site = open_site(tmp_path / "south", authority="south.example", allowed_networks=["127.0.0.0/8"])
    upgrade(site.database)
    yield site
    site.close()


def test_four_clients_hold_what_the_shelf_holds(north: tuple[Site, Editor, str], south: Site) -> None:
    site, editor, url = north
    others = [sickle(url), scythe(url), pyoai(url)]
    clients = [*others, Ours(south, url)]
    with editor:
        at_once(*(client.read for client in clients), seconds=120)
        assert editor.edits >= PER_PAGE * (RECORDS // PAGE - 1)
    assert any(client.held != on_shelf(site, store.OWN) for client in clients), "else nothing happened meanwhile"
    for client in clients:
        client.read()
    truth = on_shelf(site, store.OWN)
    for other in others:
        assert other.held == truth
    # who was never told of a record has no tombstone of it to keep
    ours = clients[-1].held
    assert alive(ours) == alive(truth) and set(ours) <= set(truth)


def alive(held: Held) -> Held:
    return {key: digest for key, digest in held.items() if digest}
