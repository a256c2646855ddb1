"""Sets of this site: made and filled by command, told by OAI-PMH, and every change of them harvested."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from registry.cli import main
from registry.records import local_sets, store
from registry.site import Site
from tests.oai import shelves
from tests.oai.conftest import Asker

Command = Callable[..., tuple[int, str, str]]
N = "ivo://north.example/"


@pytest.fixture()
def sets(small: Site, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Command:
    """Type `registry sets ...` at the registry `small`; gives exit code, stdout and stderr."""
    monkeypatch.setenv("INNERSPACE_AUTHORITY", "north.example")

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(small.settings.instance), "sets", *words])
        with pytest.raises(SystemExit) as ended:
            main.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return command


def names(ask: Asker, **arguments: str) -> set[str]:
    pages = ask.all("ListIdentifiers", metadataPrefix="ivo_vor", **arguments)
    return {key.rpartition("/")[2].lower() for page in pages for key in page.headers_of}


def test_a_set_from_its_making_to_its_end(sets: Command, ask: Asker) -> None:
    code, out, _ = sets("add", "best", "Best of all", "--description", "Chosen <by hand>")
    assert code == 0 and "registry sets assign best" in out
    assert sets("assign", "best", f"{N}ORG1", f"{N}org2", f"{N}org5")[1] == "3 put into best, 0 were in it.\n"
    assert json.loads(sets("assign", "best", f"{N}org1", "--json")[1]) == {"set": "best", "assigned": 0}
    assert names(ask, set="best") == {"org1", "org2", "org5"}
    page = ask(verb="ListSets")
    assert (page.texts("setSpec"), page.texts("setName")[1]) == (["ivo_managed", "best"], "Best of all")
    listed = json.loads(sets("list", "--json")[1])
    assert [(one["spec"], one["records"]) for one in listed] == [("ivo_managed", 7), ("best", 3)]
    assert "Chosen <by hand>" in sets("list")[1]
    assert "1 taken out of best" in sets("remove", "best", f"{N}org1")[1]
    assert names(ask, set="best") == {"org2", "org5"}
    assert "Removed the set best, which held 2" in sets("remove", "best")[1]
    assert ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", set="best").errors == ["noRecordsMatch"]
    assert ask(verb="ListSets").texts("setSpec") == ["ivo_managed"]


def test_a_tombstone_stays_in_its_sets(sets: Command, small: Site, ask: Asker) -> None:
    sets("add", "best", "Best")
    sets("assign", "best", f"{N}org1", f"{N}org5")
    shelves.delete(small, f"{N}org1")
    page = ask(verb="ListRecords", metadataPrefix="ivo_vor", set="best")
    assert {key.lower(): header.get("status") for key, header in page.headers_of.items()} == {
        f"{N}org1": "deleted", f"{N}org5": "deleted"}
    alone = ask(verb="GetRecord", identifier=f"{N}org1", metadataPrefix="oai_dc")
    assert alone.texts("setSpec") == ["ivo_managed", "best"]


def test_whoever_harvests_changes_hears_of_a_record_that_came_into_a_set_or_left_it(
    sets: Command, small: Site, ask: Asker,
) -> None:
    before = ask(verb="ListIdentifiers", metadataPrefix="ivo_vor").date
    assert names(ask, from_=before) == set()
    sets("add", "best", "Best")
    sets("assign", "best", f"{N}org1", f"{N}org2")
    assert names(ask, from_=before, set="best") == {"org1", "org2"}
    first = ask(verb="ListIdentifiers", metadataPrefix="ivo_vor")
    sets("remove", "best", f"{N}org2")
    page = ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", from_=first.date)
    assert list(page.headers_of) == ["ivo://North.Example/Org2"]
    assert page.texts("setSpec") == ["ivo_managed"]
    kept = shelves.get(small, f"{N}org2")
    assert kept is not None and kept.version == 1, "the record itself has not changed"


def test_a_set_holds_what_lies_in_the_sets_below_it(sets: Command, ask: Asker) -> None:
    for spec in ("a", "a:b", "a:B", "a-b"):
        assert sets("add", spec, f"Set {spec}")[0] == 0
    sets("assign", "a", f"{N}org1")
    sets("assign", "a:b", f"{N}org2")
    sets("assign", "a:B", f"{N}org3")
    sets("assign", "a-b", f"{N}org4")
    assert names(ask, set="a") == {"org1", "org2", "org3"}
    assert names(ask, set="a:b") == {"org2"}
    assert ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", set="a:b").texts("setSpec") == ["ivo_managed", "a:b"]
    code, _, err = sets("remove", "a")
    assert code == 1 and "a:B, a:b" in err


def test_a_set_may_hold_others_records_and_no_draft(sets: Command, small: Site, ask: Asker) -> None:
    shelves.put(small, shelves.record("ivo://south.example/x"), origin=store.FOREIGN_FILE)
    shelves.put(small, shelves.record(f"{N}draft"), draft=True)
    sets("add", "best", "Best")
    code, _, err = sets("assign", "best", "ivo://south.example/x", f"{N}draft")
    assert code == 1 and f"no record {N}draft" in err
    assert ask(verb="ListIdentifiers", metadataPrefix="ivo_vor", set="best").errors == ["noRecordsMatch"], "all or none"
    sets("assign", "best", "ivo://south.example/x")
    assert names(ask, set="best") == {"x"}


@pytest.mark.parametrize(("words", "code", "says"), [
    (("add", "ivo_best", "Best"), 1, "keeps for itself"),
    (("add", "ivo_managed", "Best"), 1, "keeps for itself"),
    (("add", "a b", "Best"), 1, "no name of a set"),
    (("add", "a:", "Best"), 1, "no name of a set"),
    (("add", "", "Best"), 1, "no name of a set"),
    (("add", "a", " "), 1, "the name that people see is missing"),
    (("add", "a:b", "Best"), 1, "There is no set a"),
    (("add", "a"), 2, "Missing argument"),
    (("assign", "a", f"{N}org1"), 1, "There is no set a"),
    (("assign", "a"), 2, "Missing argument"),
    (("remove", "a"), 1, "There is no set a"),
    (("remove", "ivo_managed"), 1, "There is no set ivo_managed"),
])
def test_what_cannot_be_done_is_one_sentence(sets: Command, words: tuple[str, ...], code: int, says: str) -> None:
    got, out, err = sets(*words)
    assert (got, out) == (code, "")
    assert says in err and "Traceback" not in err


def test_a_set_is_made_once(any_site: Site) -> None:
    with any_site.database.write() as connection:
        local_sets.create(connection, "a", "A")
    with any_site.database.write() as connection, pytest.raises(local_sets.SetExists):
        local_sets.create(connection, "a", "Another")
