"""The commands that list: each searches, sorts and narrows as its page does, and prints CSV and JSON of the same rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from registry.cli import common
from registry.cli.main import registry
from registry.errors import Refusal
from tests.journeys import test_axe

COMMANDS = (("records", "list"), ("user", "list"), ("token", "list"), ("audit",), ("problems",), ("harvest", "status"),
            ("harvest", "runs"), ("harvest", "quarantine", "list"), ("jobs", "list"), ("api", "list"), ("app", "list"),
            ("app", "images"))


@pytest.fixture()
def type_(founded: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Type a command at a datacenter with something in every list."""
    test_axe._fill(founded)

    @contextmanager
    def same(*_given: Any, **_named: Any) -> Iterator[Any]:
        yield founded

    monkeypatch.setattr(common, "site_of", same)
    return lambda *words: CliRunner().invoke(registry, list(words))


def output(done: Result) -> str:
    assert done.exit_code == 0 or done.output and isinstance(done.exception, SystemExit), (done.output, done.exception)
    return str(done.stdout)


def test_each_list_has_the_same_rows_in_every_form(type_: Any) -> None:
    for words in COMMANDS:
        rows = list(csv.DictReader(io.StringIO(output(type_(*words, "--csv")))))
        told = json.loads(output(type_(*words, "--json")))
        assert len(told["jobs"] if isinstance(told, dict) else told) == len(rows), words
        assert len(list(csv.DictReader(io.StringIO(output(type_(*words, "--csv", "--limit", "1")))))) == min(len(rows), 1), words
        wrong = type_(*words, "--sort", "colour")
        assert isinstance(wrong.exception, Refusal) and "cannot be sorted by 'colour': give one of" in str(wrong.exception), words


def test_records_are_sorted_searched_and_narrowed_by_command(type_: Any) -> None:
    def titles(*words: str) -> list[str]:
        return [one["title"] for one in json.loads(output(type_("records", "list", "--json", *words)))]

    own = titles("--origin", "own")
    assert len(own) == 4 and titles("--origin", "own", "--sort", "-title") == sorted(own, key=str.lower, reverse=True)
    assert titles("--search", "naming north", "--limit", "5") == ["North: naming authority"]
    assert titles("--faults", "yes") == ["x"] and titles("--status", "deleted") == []
    assert "There is no origin 'moon'" in str(type_("records", "list", "--origin", "moon").exception)
