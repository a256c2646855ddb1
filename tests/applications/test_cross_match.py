"""The application `cross-match` on the real stars: held to positions published for J2000, and what it says when it cannot."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from registry.applications.contract import read_label
from tests.applications.test_hr_diagram import sky  # noqa: F401
from tests.conftest import ROOT

FOLDER = ROOT / "applications" / "cross-match"
# ICRS at epoch 2000.0 as SIMBAD has them, degrees; the proper motion in arcsec a year
PUBLISHED = {
    "HIP 87937": ("Barnard's star", 269.4520750, 4.6933911, 10.39),
    "HIP 70890": ("Proxima Centauri", 217.4289422, -62.6794902, 3.86),
    "HIP 104214": ("61 Cygni A", 316.7247482, 38.7494172, 5.28),
    "HIP 19849": ("40 Eridani", 63.8179984, -7.6528717, 4.08),
    "HIP 91262": ("Vega", 279.2347348, 38.7836890, 0.35),
    "HIP 97649": ("Altair", 297.6958273, 8.8683212, 0.66),
}
FAST = [hip for hip, star in PUBLISHED.items() if star[3] > 1]


def run(folder: Path, url: str, listed: str, **parameters: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as a job runs it, with the contract's defaults."""
    declared = read_label((FOLDER / "application.json").read_text())
    for name in ("datacenter", "job/inputs", "results"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    apis = {"apis": [{"standardID": "ivo://ivoa.net/std/ConeSearch", "url": url, "use": "base"}]}
    (folder / "datacenter/apis.json").write_text(json.dumps(apis))
    given = {one.name: float(one.default or 0) for one in declared.parameters} | parameters
    (folder / "job/parameters.json").write_text(json.dumps(given))
    (folder / "job/inputs/targets").write_text(listed)
    places = {"DATACENTER_DIR": "datacenter", "JOB_DIR": "job", "RESULTS_DIR": "results"}
    return subprocess.run(
        [sys.executable, str(FOLDER / "main.py")], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT),
             **{name: str(folder / path) for name, path in places.items()}})


def matches(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "results/matches.csv").open() as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def the_list() -> str:
    rows = [f"{dec},{name},{ra}" for name, ra, dec, _ in PUBLISHED.values()]
    return "\n".join(["Dec,Name,RA", *rows, "0.123,nothing there,12.345", ""])


@pytest.mark.parametrize("flavour", ["north", "south"])
def test_stars_are_found_where_they_were_in_2000(tmp_path: Path, sky: Callable[[str], str], flavour: str) -> None:  # noqa: F811
    done = run(tmp_path, sky(flavour), the_list())

    assert done.returncode == 0, done.stderr
    found = matches(tmp_path)
    for hip, (name, *_) in PUBLISHED.items():
        assert found[name]["id"] == hip and float(found[name]["separation_arcsec"]) < 1.0, found[name]
    assert found["nothing there"]["id"] == ""
    summary = json.loads((tmp_path / "results/summary.json").read_text())
    assert (summary["targets"], summary["matched"], summary["years"]) == (7, 6, 8.75)


def test_without_their_motion_the_fast_ones_are_lost(tmp_path: Path, sky: Callable[[str], str]) -> None:  # noqa: F811
    """Barnard's star has moved by 91 arcsec in the 8.75 years between the catalogue and the list."""
    run(tmp_path, sky("north"), the_list(), epoch=1991.25)
    found = matches(tmp_path)

    assert [found[PUBLISHED[hip][0]]["id"] for hip in FAST] == [""] * len(FAST)
    assert found["Vega"]["id"] == ""  # 3 arcsec, and 2 are allowed

    run(tmp_path, sky("north"), the_list(), epoch=1991.25, radius=100)
    apart = float(matches(tmp_path)["Barnard's star"]["separation_arcsec"])
    assert apart == pytest.approx(10.39 * 8.75, abs=1.0)


def test_a_star_at_the_pole_moves_as_one_elsewhere() -> None:
    """alpha Ursae Minoris: the formula keeps its length where right ascensions run together."""
    sys.path.insert(0, str(FOLDER))
    try:
        import main  # the application is no package
    finally:
        sys.path.remove(str(FOLDER))
    before = (37.9545607, 89.2641094)
    after = main.moved(*before, 44.48 / 3.6e6, -11.85 / 3.6e6, 100.0)
    assert main.separation(before, after) * 3600 == pytest.approx(math.hypot(4.448, 1.185), abs=0.001)
    assert main.moved(359.9999999, 0.0, 1.0, 0.0, 1.0)[0] == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize(("listed", "words"), [
    ("x,y\n1,2\n", "needs a heading with columns ra and dec"),
    ("ra,dec\n1,2\nfive,3\n", "row 2 of the list has no position: ra 'five'"),
    ("ra,dec\n1,91\n", "row 1 of the list has no position"),
    ("", "needs a heading"),
])
def test_a_list_that_is_none_is_told(tmp_path: Path, sky: Callable[[str], str], listed: str, words: str) -> None:  # noqa: F811
    done = run(tmp_path, sky("north"), listed)

    assert done.returncode == 1 and words in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


@pytest.mark.parametrize(("body", "status", "words"), [
    ("<VOTABLE><INFO name='QUERY_STATUS' value='ERROR'>Not today.</INFO></VOTABLE>", 200, "Not today."),
    ("<html>", 200, "No match"), ("", 500, "answers 500"),
])
def test_a_catalogue_that_fails_is_told(
    tmp_path: Path, httpserver: HTTPServer, body: str, status: int, words: str,
) -> None:
    httpserver.expect_request("/odd").respond_with_data(body, status=status)

    done = run(tmp_path, httpserver.url_for("/odd") + "?", "ra,dec\n1,2\n")
    assert done.returncode == 1 and words in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_the_program_is_short() -> None:
    assert len((FOLDER / "main.py").read_text().splitlines()) < 200
