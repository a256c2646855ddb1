"""The application `light-curve`: periods it must find in curves of known stars' shapes, and what it says when it cannot.

The curves are made of published periods, amplitudes and shapes, with noise and the gaps of a survey's nights.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.applications.contract import read_label
from tests.conftest import ROOT

FOLDER = ROOT / "applications" / "light-curve"


def run(folder: Path, curve: str, **parameters: Any) -> subprocess.CompletedProcess[str]:
    """Run the program as a job runs it, with the contract's defaults."""
    declared = read_label((FOLDER / "application.json").read_text())
    for name in ("datacenter", "job/inputs", "results"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    given = {one.name: float(one.default or 0) for one in declared.parameters} | parameters
    (folder / "job/parameters.json").write_text(json.dumps(given))
    (folder / "job/inputs/curve").write_text(curve)
    places = {"DATACENTER_DIR": "datacenter", "JOB_DIR": "job", "RESULTS_DIR": "results"}
    return subprocess.run(
        [sys.executable, str(FOLDER / "main.py")], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT),
             **{name: str(folder / path) for name, path in places.items()}})


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results/summary.json").read_text())
    return found


def nights(shape: Callable[[float], float], period: float, noise: float, number: int = 300, days: int = 200) -> str:
    """A curve as a survey sees it: some nights, within six hours of midnight, with noise of the error that is told."""
    dice = random.Random(7)
    times = sorted(dice.randrange(days) + dice.uniform(-0.25, 0.25) for _ in range(number))
    rows = [f"{48000 + time:.5f}, {shape(time / period % 1) + dice.gauss(0, noise):.4f}, {noise}" for time in times]
    return "\n".join(["MJD, mag, err", *rows, "# the end", ""])


def cepheid(phase: float) -> float:
    """delta Cephei: a steep rise and a slow fall, 0.84 mag in V."""
    return 3.9 + 0.84 * (phase / 0.75 if phase < 0.75 else (1 - phase) / 0.25) - 0.42


def eclipses(phase: float) -> float:
    """Algol: a deep eclipse and a shallow one half a turn later."""
    return 2.1 + 1.3 * math.exp(-(((phase + 0.5) % 1 - 0.5) / 0.05) ** 2) + 0.6 * math.exp(-((phase - 0.5) / 0.05) ** 2)


@pytest.mark.parametrize(("name", "shape", "period", "least"), [
    ("delta Cephei", cepheid, 5.366249, 1.0),
    ("RR Lyrae", cepheid, 0.56686776, 0.3),
    ("Mira in its 332 days", lambda phase: 6.5 - 3 * math.sin(2 * math.pi * phase), 332.0, 20.0),
])
def test_periods_that_are_known_are_found(
    tmp_path: Path, name: str, shape: Callable[[float], float], period: float, least: float,
) -> None:
    days = 3000 if period > 100 else 200
    done = run(tmp_path, nights(shape, period, 0.05, days=days), min_period=least)

    assert done.returncode == 0, done.stderr
    found = summary(tmp_path)
    assert found["period_days"] == pytest.approx(period, abs=max(5 * found["period_error_days"], period * 1e-4)), name
    assert found["periodic"] and not found["doubled"] and found["observations"] == 300
    assert found["period_error_days"] < period / 200


def test_an_eclipsing_binary_has_the_whole_turn(tmp_path: Path) -> None:
    """Two unlike eclipses a turn: the sine's period is the half, 2.867328 d the published whole."""
    done = run(tmp_path, nights(eclipses, 2.867328, 0.02, number=900), min_period=1.0, max_period=20)

    found = summary(tmp_path)
    assert done.returncode == 0 and found["doubled"]
    assert found["period_days"] == pytest.approx(2.867328, rel=2e-4)


def test_noise_has_no_period(tmp_path: Path) -> None:
    done = run(tmp_path, nights(lambda phase: 12.0, 1.0, 0.1), min_period=1.0)

    assert done.returncode == 0 and "No period is sure" in done.stdout
    assert summary(tmp_path)["periodic"] is False


def test_the_power_is_that_of_a_least_squares_fit(tmp_path: Path) -> None:
    """Held to the definition: 1 - chi^2 of the best sine with a mean / chi^2 of the mean, solved by elimination."""
    sys.path.insert(0, str(FOLDER))
    try:
        sys.modules.pop("main", None)
        import main  # the application is no package
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop("main", None)
    dice = random.Random(3)
    times = sorted(dice.uniform(0, 50) for _ in range(60))
    errors = [dice.uniform(0.05, 0.2) for _ in times]
    values = [math.sin(2 * math.pi * time / 3.3) + dice.gauss(0, error) for time, error in zip(times, errors, strict=True)]

    powers = list(main.Periodogram(times, values, errors).powers(0.05, 0.013, 40))

    for number, power in enumerate(powers):
        omega = 2 * math.pi * (0.05 + 0.013 * number)
        rows = [(1.0, math.cos(omega * time), math.sin(omega * time)) for time in times]
        assert power == pytest.approx(1 - _chi(rows, values, errors) / _chi([(1.0,)] * 60, values, errors), abs=1e-9)


def _chi(rows: list[Any], values: list[float], errors: list[float]) -> float:
    """What the best fit of `values` by the columns of `rows` leaves, weighted."""
    size, weights = len(rows[0]), [1 / error**2 for error in errors]
    matrix = [[sum(w * row[i] * row[j] for w, row in zip(weights, rows, strict=True)) for j in range(size)]
              + [sum(w * row[i] * value for w, row, value in zip(weights, rows, values, strict=True))] for i in range(size)]
    for i in range(size):
        matrix[i] = [one / matrix[i][i] for one in matrix[i]]
        for j in range(size):
            if j != i:
                matrix[j] = [a - matrix[j][i] * b for a, b in zip(matrix[j], matrix[i], strict=True)]
    fitted = [sum(matrix[i][size] * row[i] for i in range(size)) for row in rows]
    return sum(w * (value - fit) ** 2 for w, value, fit in zip(weights, values, fitted, strict=True))


@pytest.mark.parametrize(("curve", "words", "parameters"), [
    ("", "has 0 observations", {}),
    ("1 2\n" * 5, "has 5 observations", {}),
    ("1 2\nthree 4\n", "line 2 of the curve has no numbers", {}),
    ("\n".join(f"{n} {n % 3}" for n in range(30)), "periods from 100 days on", {"min_period": 100}),
    ("\n".join(f"{n * 1000} {n % 3}" for n in range(3000)), "too long", {"min_period": 0.01}),
])
def test_what_is_no_curve_is_told(tmp_path: Path, curve: str, words: str, parameters: dict[str, float]) -> None:
    done = run(tmp_path, curve, **parameters)

    assert done.returncode == 1 and words in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_results_are_those_it_declares() -> None:
    declared = read_label((FOLDER / "application.json").read_text())
    text = (FOLDER / "main.py").read_text()

    assert all(f'"{one.path}"' in text for one in declared.outputs)
    assert len(text.splitlines()) < 200
