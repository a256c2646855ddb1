"""Every fault of the synthetic registry, each with a fixed seed: the shelf is in the end what it would be without."""

from __future__ import annotations

import pytest

from registry.harvest import quarantine, sources, store
from registry.harvest.sources import Source
from registry.harvest.store import Run
from registry.site import Site, open_site
from tests.harvest.bulk import bulk, shelf
from tests.harvest.conftest import counts, harvest, reasons, turn
from tests.oai import shelves

pytestmark = pytest.mark.shared
Shelf = dict[str, tuple[str, str, int]]


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The shelf after a harvest without any fault."""
    from registry.schema import upgrade

    site = open_site(tmp_path_factory.mktemp("uncut"), authority="north.example", allowed_networks=["127.0.0.0/8"])
    upgrade(site.database)
    try:
        with bulk() as url:
            run = harvest(site, sources.add(site, url))
        assert (run.state, run.pages, run.new, run.list_size) == (store.COMPLETE, 6, len(shelf(site)), 60)
        return shelf(site)
    finally:
        site.close()


def whole(site: Site, source: Source, most: int = 1) -> list[Run]:
    """Harvest until it is complete, `most` times at the most."""
    runs: list[Run] = []
    while not runs or runs[-1].state != store.COMPLETE:
        assert len(runs) < most, runs[-1].message
        runs.append(harvest(site, source))
    return runs


@pytest.mark.parametrize(("options", "most"), [
    (["--fault-503", "3", "--retry-after", "1"], 1),
    (["--fault-truncate", "3"], 1),
    (["--fault-drop", "4"], 1),
    (["--fault-500", "2"], 1),
    (["--fault-expired", "5"], 1),
    (["--fault-loop", "3"], 2),
    (["--fault-truncate", "2", "--fault-drop", "3", "--fault-500", "4", "--fault-expired", "5", "--fault-503", "7"], 1),
    (["--delay", "0.02"], 1),
])
def test_faults_that_pass(site: Site, uncut: Shelf, options: list[str], most: int) -> None:
    with bulk(*options) as url:
        runs = whole(site, sources.add(site, url), most)
    assert shelf(site) == uncut
    assert sum(run.new for run in runs) == len(uncut), "none is stored twice"


def test_a_server_that_is_busy_until_tomorrow(site: Site, uncut: Shelf) -> None:
    with bulk("--fault-503", "4", "--retry-after", "86400") as url:
        source = sources.add(site, url)
        first = harvest(site, source)
        assert (first.state, first.pages) == (store.FAILED, 3) and "86400 s" in first.message
        assert turn(site) == 0
        runs = [first, *whole(site, source, 3)]
    assert shelf(site) == uncut
    assert sum(run.pages for run in runs) == 6, "no page is fetched twice"


@pytest.mark.parametrize("fault", ["--fault-truncate", "--fault-drop", "--fault-500"])
def test_faults_that_stay(site: Site, uncut: Shelf, fault: str) -> None:
    """What came before is there, the run ends, no date moves, and when the fault is gone the rest comes."""
    with bulk(fault, "3", "--sticky") as url:
        source = sources.add(site, url)
        run = harvest(site, source)
    assert (run.state, run.pages) == (store.FAILED, 2) and url in run.message
    assert shelf(site).items() <= uncut.items() and len(shelf(site)) < len(uncut)
    with site.database.read() as connection:
        assert sources.get(connection, source.id).since is None
    with bulk() as url:
        moved(site, source, url)
        rest = whole(site, source)[0]
    assert shelf(site) == uncut and rest.pages == 4


def moved(site: Site, source: Source, url: str) -> None:
    """The source is at another address from here on."""
    with site.database.write() as connection:
        sources.change(connection, source.name, url=url)


def test_a_token_that_always_expires(site: Site) -> None:
    with bulk("--fault-expired", "3", "--sticky") as url:
        run = harvest(site, sources.add(site, url))
    assert run.state == store.FAILED and "does not know its resumption token" in run.message
    assert run.pages == 4, "it was begun a second time, and no third"


def test_a_token_that_leads_to_itself_for_ever(site: Site) -> None:
    with bulk("--fault-loop", "3", "--sticky") as url:
        run = harvest(site, sources.add(site, url))
    assert run.state == store.FAILED and "same resumption token twice" in run.message
    assert run.pages == 3


def test_one_ill_formed_record(site: Site, uncut: Shelf) -> None:
    with bulk("--fault-bad-xml", "40") as url:
        run = harvest(site, sources.add(site, url))
    [missing] = set(uncut) - set(shelf(site))
    assert (run.state, counts(run)["rejected"], run.pages) == (store.COMPLETE, 1, 6)
    [(name, reason)] = reasons(site, run).items()
    assert name.lower() == missing and "not well-formed" in reason
    with site.database.read() as connection:
        [kept] = quarantine.listing(connection)
    assert kept.raw and kept.raw.startswith(b"<ri:Resource") and kept.raw.endswith(b"</ri:Resource>")


def test_one_invalid_record(site: Site, uncut: Shelf) -> None:
    with bulk("--fault-invalid", "40") as url:
        run = harvest(site, sources.add(site, url))
    assert (run.state, run.editions[""], set(shelf(site))) == (store.COMPLETE, 1, set(uncut))
    [key] = [key for key, value in shelf(site).items() if value != uncut[key]]
    record = shelves.get(site, key)
    assert record is not None and record.profile == "" and "curation" in str(record.problems)
    assert any("curation" in str(words) for words, _, _ in run.faults)


def test_everything_at_once_and_again(site: Site, uncut: Shelf) -> None:
    """A second, full harvest of a server with faults changes nothing."""
    options = ["--fault-503", "5", "--retry-after", "0", "--fault-truncate", "2", "--fault-drop", "3", "--fault-500", "4"]
    with bulk(*options) as url:
        source = sources.add(site, url)
        whole(site, source)
    with bulk(*options) as url:
        moved(site, source, url)
        again = harvest(site, source, full=True)
    assert (shelf(site), again.new, again.updated, again.deleted) == (uncut, 0, 0, 0)


