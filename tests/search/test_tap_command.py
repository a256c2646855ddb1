"""`registry query`: what /tap/sync would answer, as text for people or in a format for programs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from registry.cli.main import main
from registry.records import founding

QUERY = "SELECT ivoid, res_title AS \"title\" FROM rr.resource ORDER BY ivoid"
Said = tuple[int, str, str]


@pytest.fixture()
def query(site: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The command as typed in a founded datacenter: exit code, standard output, standard error."""
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    monkeypatch.setenv("INNERSPACE_AUTHORITY", site.settings.authority)

    def typed(*words: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "argv", ["registry", "--instance", str(site.settings.instance), "query", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert "Traceback" not in said.out + said.err
        return int(ended.value.code or 0), said.out, said.err

    return typed


def test_people_see_columns_under_their_names(query: Callable[..., Said]) -> None:
    code, out, err = query(QUERY)
    assert (code, err) == (0, "")
    head, first = out.splitlines()[:2]
    assert head.split() == ["ivoid", "title"] and first.split(None, 1) == ["ivo://north.example", "North: naming authority"]
    assert head.index("title") == first.index("North: naming")
    assert len(out.splitlines()) == 5
    assert query(QUERY.replace("ORDER", "WHERE ivoid = 'x' ORDER"))[1].split() == ["ivoid", "title"]


def test_programs_get_one_document(query: Callable[..., Said]) -> None:
    assert json.loads(query(QUERY, "--json")[1])["rows"] == json.loads(query(QUERY, "--format", "json")[1])["rows"]
    assert query(QUERY, "--format", "csv", "--maxrec", "1")[1] == "ivoid,title\r\nivo://north.example,North: naming authority\r\n"
    assert len(etree.fromstring(query("-", "--format", "votable", stdin=QUERY)[1].encode()).findall(".//{*}TR")) == 4


def test_more_rows_than_were_asked_for_are_told_beside_them(query: Callable[..., Said]) -> None:
    code, out, err = query(QUERY, "--maxrec", "2")
    assert code == 0 and len(out.splitlines()) == 3 and "more rows" in err
    assert query(QUERY, "--maxrec", "4")[2] == ""


@pytest.mark.parametrize(("words", "code", "says"), [
    (("SELECT nothing FROM rr.resource",), 1, "nothing"), ((QUERY, "--format", "fits"), 1, "fits"), (("-",), 1, "SELECT"),
    ((QUERY, "--maxrec", "-1"), 2, "--maxrec"), ((), 2, "ADQL")])
def test_what_cannot_be_answered_is_one_sentence(query: Callable[..., Said], words: Any, code: int, says: str) -> None:
    ended, out, err = query(*words)
    assert (ended, out) == (code, "") and says in err
