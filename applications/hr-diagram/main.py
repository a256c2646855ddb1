"""A Hertzsprung-Russell diagram of every star that the datacenter's cone search knows.

It finds the cone search by its standard, columns by what they mean (their UCDs), units by what they say. Absolute
magnitudes are M = m + 5 + 5 log10(parallax in arcsec), not corrected for extinction.
"""

import csv
import json
import math
import statistics
import sys
from collections import Counter
from itertools import pairwise
from xml.parsers import expat

from vosi import datacenter

WANTED = {  # what is needed -> the words of a UCD1+ that it must have (the first as its first), or the UCD1 of old
    "id": (["meta.id", "meta.main"], "id_main"),
    "parallax": (["pos.parallax"], "pos_parlx_trig"),
    "parallax_error": (["stat.error", "pos.parallax"], "error"),
    "magnitude": (["phot.mag", "em.opt"], "phot_mag_optical"),
    "colour": (["phot.color", "em.opt.b", "em.opt.v"], "phot_ci_b-v"),
}
ARCSEC = {"mas": 1e-3, "arcsec": 1.0, "deg": 3600.0}
# B-V and absolute magnitude along the main sequence, from B stars to M dwarfs
SEQUENCE = [(-0.30, -3.5), (-0.10, 0.2), (0.0, 1.0), (0.15, 1.9), (0.30, 2.7), (0.44, 3.5), (0.58, 4.3), (0.65, 4.9),
            (0.81, 6.0), (1.00, 6.8), (1.15, 7.4), (1.40, 8.9), (1.50, 10.4), (1.65, 12.5), (1.80, 14.5)]
CLASSES = ("main_sequence", "giants", "white_dwarfs", "others")
COUNTS = ("plotted", *CLASSES, "without_parallax", "without_photometry", "cut")


class Table:
    """Reads a VOTable as it comes: calls `row` with {what: text} for each row; keeps nothing of them."""

    def __init__(self, row):
        self.row, self.status, self.message, self.rows = row, "OK", "", 0
        self.fields, self.places, self.units, self.cells, self.text = [], [], {}, [], None
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.start, self.end
        self.parser.CharacterDataHandler = self.characters

    def start(self, name, attributes):
        name = name.rpartition(":")[2]  # whatever prefix there is
        if name == "TD":
            self.text = ""
        elif name == "TR":
            self.cells = []
        elif name == "FIELD":
            self.fields.append(attributes)
        elif name == "TABLEDATA":
            found = {what: find(self.fields, *words) for what, words in WANTED.items()}
            self.places = [(what, at) for what, at in found.items() if at is not None]
            self.units = {what: self.fields[at].get("unit", "") for what, at in self.places}
        elif name == "INFO" and attributes.get("name") == "QUERY_STATUS":
            self.status, self.text = attributes.get("value", ""), ""
        elif name in ("INFO", "PARAM") and attributes.get("name") == "Error":  # Simple Cone Search 1.03
            self.status, self.message = "ERROR", attributes.get("value", "")

    def end(self, name):
        name = name.rpartition(":")[2]
        if name == "TD":
            self.cells.append(self.text.strip())
            self.text = None
        elif name == "TR":
            self.rows += 1
            self.row({what: self.cells[at] for what, at in self.places if at < len(self.cells)}, self.units)
        elif name == "INFO" and self.text is not None:
            self.message, self.text = self.text.strip(), None

    def characters(self, text):
        self.text = None if self.text is None else self.text + text


def find(fields, words, old):
    """The number of the first field that has the meaning, or None."""
    for at, field in enumerate(fields):
        ucd = field.get("ucd", "").strip().lower()
        has = [f"{word}." for word in ucd.split(";")]  # so that pos.parallax. begins pos.parallax.trig. too
        present = [any(one.startswith(f"{word}.") for one in has) for word in words]
        if ucd == old or (has[0].startswith(f"{words[0]}.") and all(present)):
            return at
    return None


class Diagram:
    """The stars that pass the cuts: written to a table, counted by class and by place in the diagram."""

    def __init__(self, out, max_magnitude, min_snr):
        self.out, self.max_magnitude, self.min_snr = csv.writer(out, lineterminator="\n"), max_magnitude, min_snr
        self.out.writerow(["id", "parallax_mas", "magnitude", "colour", "absolute_magnitude", "class"])
        self.counts, self.cells, self.sunlike = Counter(), Counter(), []
        self.brightest, self.nearest = (math.inf, ""), (0.0, "")

    def add(self, star, units):
        parallax = number(star.get("parallax")) * ARCSEC.get(units.get("parallax", "mas"), math.nan)
        error = number(star.get("parallax_error")) * ARCSEC.get(units.get("parallax_error", "mas"), math.nan)
        magnitude, colour = number(star.get("magnitude")), number(star.get("colour"))
        if not parallax > 0:
            self.counts["without_parallax"] += 1
        elif math.isnan(magnitude) or math.isnan(colour):
            self.counts["without_photometry"] += 1
        elif magnitude > self.max_magnitude or (self.min_snr > 0 and not parallax >= self.min_snr * error):
            self.counts["cut"] += 1
        else:
            self.plot(star.get("id", ""), parallax, magnitude, colour)

    def plot(self, name, parallax, magnitude, colour):
        absolute = magnitude + 5 + 5 * math.log10(parallax)
        kind = classify(colour, absolute)
        self.out.writerow([name, round(parallax * 1000, 2), magnitude, colour, f"{absolute:.3f}", kind])
        self.counts.update(["plotted", kind])
        self.cells[math.floor(colour / 0.02), math.floor(absolute / 0.1)] += 1
        if kind == "main_sequence" and 0.60 <= colour <= 0.70:  # the Sun's colour is 0.65
            self.sunlike.append(absolute)
        self.brightest = min(self.brightest, (absolute, name))
        self.nearest = max(self.nearest, (parallax, name))


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def on_main_sequence(colour):
    colour = min(max(colour, SEQUENCE[0][0]), SEQUENCE[-1][0])
    (left, high), (right, low) = next(step for step in pairwise(SEQUENCE) if colour <= step[1][0])
    return high + (low - high) * (colour - left) / (right - left)


def classify(colour, absolute):
    """One of CLASSES, by the distance from the main sequence in magnitudes."""
    above = on_main_sequence(colour) - absolute
    if abs(above) <= 1.5:
        return "main_sequence"
    if above > 1.5 and colour >= 0.6 and absolute < 4.0:
        return "giants"
    return "white_dwarfs" if above < -4 and colour < 1.0 else "others"


def draw(diagram, title):
    """The diagram as SVG: cells of 0.02 x 0.1 mag, darker where there are more stars."""
    x, y, paths = (lambda colour: 160 + colour * 200), (lambda absolute: 252 + absolute * 24), {}
    top = math.log(max(diagram.cells.values(), default=1)) or 1.0
    for (column, row), count in diagram.cells.items():
        if -0.5 <= column * 0.02 < 2.5 and -8 <= row * 0.1 < 16:
            level = round(6 * math.log(count) / top)
            paths.setdefault(level, []).append(f"M{x(column * 0.02):.0f} {y(row * 0.1):.1f}h4v2.4h-4z")
    shades = ["#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b", "#041b3d"]
    stars = "".join(f'<path fill="{shades[level]}" d="{"".join(paths[level])}"/>' for level in sorted(paths))
    line = " ".join(f"{x(colour):.0f},{y(absolute):.0f}" for colour, absolute in SEQUENCE)
    ticks = "".join(f'<text x="{x(n / 2):.0f}" y="656" text-anchor="middle">{n / 2:.1f}</text>' for n in range(-1, 6))
    ticks += "".join(f'<text x="52" y="{y(n) + 5:.0f}" text-anchor="end">{n}</text>' for n in range(-8, 17, 4))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 700" font-family="sans-serif" font-size="14">'
        f'<title>{title}</title><rect width="700" height="700" fill="white"/>{stars}'
        f'<text x="60" y="34" font-size="18">{title}</text>'
        f'<polyline points="{line}" fill="none" stroke="#d94801" stroke-width="1.5" stroke-dasharray="6 4"/>'
        f'<rect x="60" y="60" width="600" height="576" fill="none" stroke="black"/>{ticks}'
        '<text x="360" y="686" text-anchor="middle">Colour B-V (mag)</text>'
        '<text x="18" y="348" text-anchor="middle" transform="rotate(-90 18 348)">Absolute magnitude</text></svg>\n')


def main():
    parameters, results = datacenter.parameters(), datacenter.results_dir()
    cone = datacenter.endpoint("ivo://ivoa.net/std/ConeSearch")
    print(f"Asking {cone.title or cone.url} for every star", flush=True)
    answer = cone.get({"RA": 0, "DEC": 90, "SR": 180})
    with open(results / "stars.csv", "w", encoding="utf-8", newline="") as out:
        diagram = Diagram(out, float(parameters.get("max_magnitude", 99)), float(parameters.get("min_parallax_snr", 5)))
        table = Table(diagram.add)
        for start in range(0, len(answer), 1 << 16):
            table.parser.Parse(answer[start:start + (1 << 16)], start + (1 << 16) >= len(answer))
    missing = sorted({"parallax", "magnitude", "colour"} - set(dict(table.places)))
    if table.status == "ERROR" or missing:
        reason = table.message or f"it has no column of {' nor of '.join(missing)}"
        sys.exit(f"No diagram: {cone.url} gives no stars that can be placed: {reason.rstrip('.')}.")
    counts = {name: diagram.counts[name] for name in COUNTS}
    summary = {
        "stars": table.rows, "complete": table.status != "OVERFLOW", **counts,
        "fractions": {name: round(counts[name] / max(1, counts["plotted"]), 4) for name in CLASSES},
        "sun_like_magnitude": round(statistics.median(diagram.sunlike), 3) if diagram.sunlike else None,
        "most_luminous": diagram.brightest[1], "nearest": diagram.nearest[1], "parameters": parameters,
    }
    (results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (results / "hr-diagram.svg").write_text(draw(diagram, f"{counts['plotted']} of {table.rows} stars"))
    files = {"hr-diagram.svg": "image/svg+xml", "summary.json": "application/json", "stars.csv": "text/csv"}
    index = {"primary": "hr-diagram.svg", "results": [{"path": path, "media_type": files[path]} for path in files]}
    (results / "results.json").write_text(json.dumps(index, indent=2) + "\n")
    print(f"{table.rows} stars, {counts['plotted']} plotted, {counts['giants']} giants", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (datacenter.DatacenterError, expat.ExpatError, OSError) as problem:
        sys.exit(f"No diagram: {problem}")
