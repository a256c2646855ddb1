"""Finds the period of a variable star in its light curve, and folds the curve by it.

The curve is read line by line, of each observation only time, magnitude and error are kept. The period is the highest peak
of the generalised Lomb-Scargle periodogram (a sine with a floating mean, observations weighted by their errors); twice that
where the curve folded so scatters less by far, as that of an eclipsing binary does.
"""

import cmath
import csv
import json
import math
import re
import sys
from array import array
from operator import mul

from vosi import datacenter

BINS = 20          # of the folded curve, when its scatter is measured
SCATTER = 0.75     # of the curve folded by twice the period, to that by the period: below it the longer one is taken
AFRESH = 2000      # frequencies after which rounding errors are swept away
SURE = 0.001       # chance of a peak as high in noise alone, above which no period is told
MOST = 40_000_000  # observations times frequencies: some minutes


def observations(path):
    """Times, magnitudes and errors (0: none given) of a text: columns split by commas or blanks, # begins a remark."""
    curve = array("d"), array("d"), array("d")
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            cells = re.split(r"[,;\s]+", line.partition("#")[0].strip())
            try:
                values = [float(cell) for cell in cells[:3] if cell]
            except ValueError:
                if len(curve[0]):
                    sys.exit(f"No period: line {number} of the curve has no numbers: {line.strip()[:60]!r}.")
                continue  # a heading
            if len(values) < 2 or not all(map(math.isfinite, values)) or values[1] > 90:
                continue  # an empty line; magnitudes of 99 stand for none
            for column, value in zip(curve, [*values, 0.0][:3], strict=True):
                column.append(value)
    return curve


def weights(errors):
    """1 / error^2, to a sum of one; all alike where any error is not given."""
    raw = [1 / error**2 for error in errors] if all(error > 0 for error in errors) else [1.0] * len(errors)
    total = sum(raw)
    return [one / total for one in raw]


class Periodogram:
    """The power of the best sine at each frequency: 0 for none, 1 for a curve that is that sine."""

    def __init__(self, times, values, errors):
        self.start, self.weights = times[0], weights(errors)
        self.times = [time - self.start for time in times]
        mean = sum(map(mul, self.weights, values))
        self.weighted = [weight * (value - mean) for weight, value in zip(self.weights, values, strict=True)]
        self.variance = sum(weight * (value - mean) ** 2 for weight, value in zip(self.weights, values, strict=True))

    def powers(self, first, step, count):
        """The power at `count` frequencies from `first` on."""
        turns = [cmath.exp(2j * math.pi * step * time) for time in self.times]
        for number in range(count):
            if number % AFRESH == 0:
                frequency = first + number * step
                waves = [cmath.exp(2j * math.pi * frequency * time) for time in self.times]
            yield self.power(waves)
            waves = list(map(mul, waves, turns))

    def power(self, waves):
        """Zechmeister and Kuerster 2009, equations 4 to 15, with z = exp(i omega t)."""
        along = list(map(mul, self.weights, waves))
        z, yz, zz = sum(along), sum(map(mul, self.weighted, waves)), sum(map(mul, along, waves))
        cc, ss = (1 + zz.real) / 2 - z.real**2, (1 - zz.real) / 2 - z.imag**2
        cs = zz.imag / 2 - z.real * z.imag
        area = cc * ss - cs**2
        if area <= 1e-12 or not self.variance:
            return 0.0
        return (ss * yz.real**2 + cc * yz.imag**2 - 2 * cs * yz.real * yz.imag) / (self.variance * area)

    def peak(self, first, step, count, out):
        """(frequency, power) of the highest peak, between the grid's points; all of it written to `out`."""
        best = (0.0, first)
        for number, power in enumerate(self.powers(first, step, count)):
            frequency = first + number * step
            out.writerow([f"{frequency:.7f}", f"{power:.5f}"])
            best = max(best, (power, frequency))
        for finer in (step / 10, step / 100, step / 1000):
            begin = max(best[1] - 10 * finer, finer)
            best = max(best, *((power, begin + at * finer) for at, power in enumerate(self.powers(begin, finer, 21))))
        return best[1], best[0]


def scatter(times, values, period, bins):
    """How much the folded curve scatters within its bins, to all of its scatter: 1 for a period that means nothing."""
    cells = {}
    for time, value in zip(times, values, strict=True):
        cells.setdefault(int(time / period % 1 * bins) % bins, []).append(value)
    within = freedom = 0.0
    for cell in cells.values():
        mean = sum(cell) / len(cell)
        within, freedom = within + sum((value - mean) ** 2 for value in cell), freedom + len(cell) - 1
    mean = sum(values) / len(values)
    whole = sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)
    return within / max(1.0, freedom) / whole if whole else 1.0


def chance(power, number, trials):
    """The chance that noise alone has so high a peak somewhere."""
    single = max(0.0, 1 - power) ** ((number - 3) / 2)
    return single * trials if single * trials < 1e-6 else 1 - (1 - single) ** trials


def draw(phases, values, title):
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    dots = "".join(f"M{70 + (phase + again) * 280:.1f} {70 + (value - low) / span * 400:.1f}h2v2h-2z"
                   for phase, value in zip(phases, values, strict=True) for again in (0, 1))
    ticks = "".join(f'<text x="{70 + at * 140}" y="504" text-anchor="middle">{at / 2:g}</text>' for at in range(5))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 540" font-family="sans-serif" font-size="14">'
            f'<title>{title}</title><rect width="700" height="540" fill="white"/><path fill="#08519c" d="{dots}"/>'
            f'<rect x="70" y="60" width="560" height="420" fill="none" stroke="black"/>{ticks}'
            f'<text x="70" y="36" font-size="18">{title}</text><text x="350" y="530" text-anchor="middle">Phase</text>'
            f'<text x="60" y="76" text-anchor="end">{low:.2f}</text>'
            f'<text x="60" y="480" text-anchor="end">{high:.2f}</text></svg>\n')


def main():
    parameters, results = datacenter.parameters(), datacenter.results_dir()
    times, values, errors = observations(datacenter.inputs_dir() / "curve")
    if len(times) < 20:
        sys.exit(f"No period: the curve has {len(times)} observations, and 20 are the fewest that tell anything.")
    span = max(times) - min(times)
    shortest, longest = parameters["min_period"], min(parameters["max_period"], span)
    if not 0 < shortest < longest:
        sys.exit(f"No period: the curve spans {span:g} days, and periods from {shortest:g} days on are asked for.")
    first, step = 1 / longest, 1 / (parameters["oversampling"] * span)
    count = int((1 / shortest - first) / step) + 1
    if count * len(times) > MOST * 10:
        sys.exit(f"No period: {count} frequencies for {len(times)} observations would take too long: raise min_period.")
    print(f"{len(times)} observations in {span:.1f} days, {count} frequencies", flush=True)
    diagram = Periodogram(times, values, errors)
    with open(results / "periodogram.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["frequency", "power"])
        frequency, power = diagram.peak(first, step, count, writer)
    period, falsely = 1 / frequency, chance(power, len(times), max(1.0, span / shortest))
    once, twice = (scatter(times, values, period * n, BINS * n) for n in (1, 2))
    doubled = twice < SCATTER * once
    period = period * 2 if doubled else period
    phases = [(time - times[0]) / period % 1 for time in times]
    with open(results / "folded.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["phase", "magnitude"])
        writer.writerows(sorted((f"{phase:.6f}", value) for phase, value in zip(phases, values, strict=True)))
    ordered = sorted(values)
    amplitude = ordered[int(len(ordered) * 0.98)] - ordered[int(len(ordered) * 0.02)]
    summary = {
        "observations": len(times), "span_days": span, "periodic": falsely < SURE, "period_days": period,
        "period_error_days": period**2 / span * math.sqrt(max(0.0, 1 - power) / max(1e-9, power) * 2 / len(times)),
        "power": power, "false_alarm_probability": falsely, "doubled": doubled, "scatter": min(once, twice),
        "amplitude_mag": amplitude, "parameters": parameters}
    (results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    title = f"Period {period:.6f} d" if falsely < SURE else "No period is sure"
    (results / "folded.svg").write_text(draw(phases, values, title))
    print(f"{title}, chance of a false alarm {falsely:.1g}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (datacenter.DatacenterError, OSError, UnicodeDecodeError) as problem:
        sys.exit(f"No period: {problem}")
