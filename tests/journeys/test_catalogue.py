"""Two more applications in containers, from a push to their science: a repository is watched, they wait, a person approves."""

from __future__ import annotations

import csv
import json
import math
import random
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from applications.demo import image
from applications.demo.datacenter import Datacenter, fetch
from applications.demo.engine import Engine
from applications.demo.repository import Repository
from tests.conftest import ROOT
from tests.journeys.conftest import WIRING

pytestmark = pytest.mark.docker

# north of 60 degrees, where this datacenter's catalogue is: ICRS at epoch 2000.0 as SIMBAD has them
LISTED = """name,ra,dec
sigma Draconis,293.0899603,69.6611764
Polaris,37.9545606,89.2641089
nothing there,12.345,70.123
"""
PERIOD = 5.366266  # days, of delta Cephei


@pytest.fixture(scope="module")
def approved(datacenter: Datacenter, docker_engine: Engine, docker_repository: Repository, base: str) -> dict[str, str]:
    """cross-match and light-curve, pushed and nothing else: name -> what APP= takes once they are approved."""
    for name in ("cross-match", "light-curve"):
        image.build_and_push(
            ROOT / "applications" / name, docker_repository.address, name, "1.0", base, client=docker_engine.client)
    datacenter.registry("app", "watch", "add", docker_repository.address, "--name", "cross-match", "--name", "light-curve")
    found = json.loads(datacenter.registry("app", "watch", "now", docker_repository.address, "--json"))
    assert found[0]["tags"] == 2 and found[0]["fault"] == ""
    waiting = json.loads(datacenter.registry("app", "pending", "--json"))
    return {one["reference"].partition("/")[2].partition("@")[0]: json.loads(
        datacenter.registry("app", "approve", one["reference"], "--json"))["ivoid"] for one in waiting}


def test_a_list_is_matched_with_the_catalogue_of_the_datacenter(
    datacenter: Datacenter, approved: dict[str, str], tmp_path: Path,
) -> None:
    (tmp_path / "list.csv").write_text(LISTED)
    datacenter.registry("run", approved["cross-match"], "--file", f"targets={tmp_path / 'list.csv'}", "--wait",
                        "--download", str(tmp_path / "out"))

    found = {row["name"]: row for row in csv.DictReader((tmp_path / "out/matches.csv").open())}
    assert {name: row["id"] for name, row in found.items()} == {
        "sigma Draconis": "HIP 96100", "Polaris": "HIP 11767", "nothing there": ""}
    assert float(found["sigma Draconis"]["separation_arcsec"]) < 1.0, "it has moved by 16 arcsec since 1991.25"
    assert WIRING.authority in approved["cross-match"]


def test_the_program_on_its_page_runs_as_it_is(datacenter: Datacenter, approved: dict[str, str], tmp_path: Path) -> None:
    """With pyvo, which knows nothing of us: the page's program, copied and started."""
    page = fetch(f"{datacenter.base_url}applications/{approved['cross-match'].removeprefix('ivo://')}").decode()
    program = unescape(page.partition("With pyvo:")[2].partition("<code>")[2].partition("</code>")[0])
    (tmp_path / "targets").write_text(LISTED)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, program + done.stderr
    assert done.stdout.splitlines()[0].split()[0] == "matches.csv"


def test_the_period_of_a_cepheid_is_found_in_a_container(
    datacenter: Datacenter, approved: dict[str, str], tmp_path: Path,
) -> None:
    rolled = random.Random(1784)
    times = sorted(rolled.uniform(0, 200) for _ in range(300))
    magnitudes = [3.9 + 0.42 * math.sin(2 * math.pi * time / PERIOD) + rolled.gauss(0, 0.02) for time in times]
    lines = [f"{time:.5f},{magnitude:.4f},0.02\n" for time, magnitude in zip(times, magnitudes, strict=True)]
    (tmp_path / "curve.csv").write_text("".join(lines))
    datacenter.registry("run", approved["light-curve"], "min_period=1", "--file", f"curve={tmp_path / 'curve.csv'}", "--wait",
                        "--download", str(tmp_path / "out"))

    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["periodic"] and summary["period_days"] == pytest.approx(PERIOD, rel=1e-3)
