"""Sources from a Registry of Registries: its list read, each registry asked who it is, none stopping the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from registry.cli import main
from registry.harvest import publishers, sources
from registry.harvest.client import HarvestError
from registry.harvest.publishers import ADDED, KNOWN, REFUSED
from registry.records import local_sets, store as shelf
from registry.site import Site
from tests.oai import shelves

Maker = Callable[..., Site]


@pytest.fixture()
def south(datacenter: Maker) -> Site:
    return datacenter("south.example")


@pytest.fixture()
def rofr(datacenter: Maker, south: Site) -> Site:
    """A Registry of Registries that knows north, east, south and three that will not do."""
    site = datacenter("rofr.example", page_size=2)
    known = [datacenter("north.example"), datacenter("east.example"), south]
    with shelves.at():
        shelves.put(site, *(shelves.registry_record(one.settings.authority, one.settings.base_url) for one in known),
                    shelves.registry_record("gone.example", "http://127.0.0.1:9/"),
                    shelves.registry_record("false.example", known[0].settings.base_url.replace("127.0.0.1", "localhost")),
                    shelves.record("ivo://mute.example/registry", "Mute", type_="vg:Registry", more="<full>false</full>"),
                    shelves.record("ivo://other.example/thing"),
                    shelves.record("ivo://old.example/registry", type_="vg:Registry", status="inactive"),
                    origin=shelf.FOREIGN_FILE)
    with site.database.write() as connection:
        local_sets.create(connection, publishers.PUBLISHERS, "Publishers")
        local_sets.assign(connection, publishers.PUBLISHERS, [
            f"ivo://{name}.example/registry" for name in ("north", "east", "south", "gone", "false", "mute", "old")]
            + ["ivo://other.example/thing"])
    return site


def test_every_registry_that_answers_becomes_a_source(south: Site, rofr: Site) -> None:
    done = publishers.add_all(south, rofr.settings.url("oai"), interval=7200, priority=3, owner="ann")
    told = {one.ivoid.split("/")[2].split(".")[0]: one for one in done}
    assert {name: one.outcome for name, one in told.items()} == {
        "north": ADDED, "east": ADDED, "south": KNOWN, "gone": REFUSED, "false": REFUSED, "mute": REFUSED}
    assert "127.0.0.1:9" in told["gone"].reason and "names no OAI-PMH address" in told["mute"].reason
    assert "is said to be ivo://false.example/registry" in told["false"].reason
    with south.database.read() as connection:
        found = sources.list_sources(connection)
    assert [(one.name, one.interval, one.priority, one.owner) for one in found] == [
        ("east.example", 7200, 3, "ann"), ("north.example", 7200, 3, "ann")]
    again = publishers.add_all(south, rofr.settings.url("oai"))
    assert {one.outcome for one in again} == {KNOWN, REFUSED}, "a second time adds nobody twice"


def test_a_registry_without_such_a_list_knows_nobody(south: Site, datacenter: Maker) -> None:
    assert publishers.add_all(south, datacenter("north.example").settings.url("oai")) == []
    with pytest.raises(HarvestError, match="127.0.0.1:9"):
        publishers.add_all(south, "http://127.0.0.1:9/oai")


def test_the_same_by_command(south: Site, rofr: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("INNERSPACE_AUTHORITY", "south.example")
    monkeypatch.setenv("INNERSPACE_ALLOWED_NETWORKS", '["127.0.0.0/8"]')

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(south.settings.instance), "harvest", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    code, out, _ = command("add", "--all-from", rofr.settings.url("oai"), "--preview", "--json")
    shown = {one["ivoid"].split("/")[2]: (bool(one["url"]), one["known"]) for one in json.loads(out)}
    assert code == 0 and shown["north.example"] == (True, False) and shown["mute.example"] == (False, False)
    assert command("status", "--json")[1].strip() == "[]", "nothing is added yet"
    code, out, _ = command("add", "--all-from", rofr.settings.url("oai"), "--json")
    assert code == 0
    assert [one["outcome"] for one in json.loads(out)].count("added") == 2
    code, out, _ = command("add", "--all-from", rofr.settings.url("oai"))
    assert code == 0 and "It is this registry itself." in out and "known" in out
    code, out, _ = command("add", "--all-from", rofr.settings.url("oai"), "--preview")
    assert code == 0 and "harvested already" in out and "none in its record" in out
    code, _, err = command("add", rofr.settings.url("oai"), "--preview")
    assert code == 2 and "goes with --all-from" in err
    code, _, err = command("add", "--all-from", rofr.settings.url("oai"), "--name", "x")
    assert code == 2 and "--all-from goes with" in err
