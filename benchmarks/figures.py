"""What one figure is, how it is measured and told. It measures nothing by itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Ours and the limit, both in `unit`, of the same run.

    `wanted` is what the ratio (ours / limit) should be, such as '<= 4', `target` what ours itself should be, in `unit`.
    """

    name: str
    ours: float
    limit: float
    unit: str
    limit_name: str
    wanted: str = ""
    target: str = ""

    @property
    def ratio(self) -> float:
        """Ours by the limit."""
        return self.ours / self.limit if self.limit else float("inf")

    @property
    def reached(self) -> bool | None:
        """Whether ratio and value are as wanted; None where nothing is wanted."""
        checks = [_holds(value, rule) for value, rule in ((self.ratio, self.wanted), (self.ours, self.target)) if rule]
        return all(checks) if checks else None

    def line(self) -> str:
        """The figure as one line."""
        verdict = {True: "reached", False: "MISSED", None: ""}[self.reached]
        target = f" (wanted {self.target})" if self.target else ""
        wanted = f" (wanted {self.wanted})" if self.wanted else ""
        return (f"{self.name}: {show(self.ours)} {self.unit}{target}; {self.limit_name}: {show(self.limit)} {self.unit}; "
                f"ratio {self.ratio:.2f}{wanted} {verdict}").rstrip()


def _holds(value: float, rule: str) -> bool:
    sign, _, number = rule.partition(" ")
    return value <= float(number) if sign == "<=" else value >= float(number)


def show(value: float) -> str:
    """A number with three digits that mean something."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def timed(call: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: int) -> float:
    """The `share`-th percentile (1 to 99) of the values, or the median for 50."""
    if share == 50 or len(values) < 3:
        return statistics.median(values)
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
