"""Finds the stars of a list in the datacenter's own catalogue, each moved by its proper motion to the list's epoch.

The catalogue is asked by Simple Cone Search, one cone around each position; columns are found by their UCDs. A star is
moved along a straight line in space, and nothing is known of its radial velocity.
"""

import csv
import json
import math
import sys
from xml.parsers import expat

from vosi import datacenter

WANTED = {  # what is needed -> a UCD1+ as its first word and others that it must have, and the UCD1 of old
    "id": (["meta.id", "meta.main"], "id_main"), "ra": (["pos.eq.ra", "meta.main"], "pos_eq_ra_main"),
    "dec": (["pos.eq.dec", "meta.main"], "pos_eq_dec_main"), "pmra": (["pos.pm", "pos.eq.ra"], "pos_eq_pmra"),
    "pmdec": (["pos.pm", "pos.eq.dec"], "pos_eq_pmdec"), "magnitude": (["phot.mag", "em.opt"], "phot_mag_optical"),
}
TO_DEGREES = {"deg": 1.0, "rad": 180 / math.pi, "mas/yr": 1 / 3.6e6, "arcsec/yr": 1 / 3600, "deg/yr": 1.0}
FASTEST = 11.0  # arcsec a year: no star moves faster than Barnard's, 10.4
COLUMNS = ["name", "ra", "dec", "id", "catalogue_ra", "catalogue_dec", "separation_arcsec", "magnitude"]


class Table:
    """A VOTable (TABLEDATA) as rows of {what: text}."""

    def __init__(self, data):
        self.rows, self.fields, self.places, self.units = [], [], {}, {}
        self.cells, self.text, self.error = [], None, ""
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.characters
        parser.Parse(data, True)

    def start(self, name, attributes):
        name = name.rpartition(":")[2]
        if name in ("TD", "INFO"):
            self.text = ""
        if name == "TR":
            self.cells = []
        elif name == "FIELD":
            self.fields.append(attributes)
        elif name == "TABLEDATA":
            self.places = {what: find(self.fields, *words) for what, words in WANTED.items()}
            self.units = {what: self.fields[at].get("unit", "") for what, at in self.places.items() if at is not None}
        elif name in ("INFO", "PARAM") and attributes.get("name", "").lower() == "error":
            self.error = attributes.get("value", "") or "an error"
        elif name == "INFO" and attributes.get("name") == "QUERY_STATUS" and attributes.get("value") == "ERROR":
            self.error = "an error"

    def end(self, name):
        name = name.rpartition(":")[2]
        if name == "TD":
            self.cells.append(self.text.strip())
        elif name == "INFO" and self.error == "an error":
            self.error = self.text.strip() or self.error
        elif name == "TR":
            self.rows.append({what: self.cells[at] for what, at in self.places.items()
                              if at is not None and at < len(self.cells)})
        if name in ("TD", "INFO"):
            self.text = None

    def characters(self, text):
        self.text = None if self.text is None else self.text + text


def find(fields, words, old):
    for at, field in enumerate(fields):
        ucd = field.get("ucd", "").strip().lower()
        has = [f"{word}." for word in ucd.split(";")]
        if ucd == old or (has[0].startswith(f"{words[0]}.") and all(
                any(one.startswith(f"{word}.") for one in has) for word in words)):
            return at
    return None


def number(text):
    try:
        value = float(text)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def vector(ra, dec):
    ra, dec = math.radians(ra), math.radians(dec)
    return math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)


def moved(ra, dec, pmra, pmdec, years):
    """The position after `years` in degrees; proper motions in degrees a year, in RA times cos(dec)."""
    a, d = math.radians(ra), math.radians(dec)
    east, north = math.radians(pmra) * years, math.radians(pmdec) * years
    at = vector(ra, dec)
    to_east = (-math.sin(a), math.cos(a), 0.0)
    to_north = (-math.sin(d) * math.cos(a), -math.sin(d) * math.sin(a), math.cos(d))
    x, y, z = (p + east * e + north * n for p, e, n in zip(at, to_east, to_north, strict=True))
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def separation(one, other):
    """Degrees between two positions, exact for small and large ones."""
    a, b = vector(*one), vector(*other)
    across = math.dist(a, b) / 2
    return math.degrees(2 * math.asin(min(1.0, across)))


def targets(path):
    """(name, ra, dec) of the list: CSV with a heading; columns name, ra, dec in degrees, whatever their order."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = {(name or "").strip().lower(): name for name in reader.fieldnames or []}
        if not {"ra", "dec"} <= set(names):
            sys.exit("No match: the list needs a heading with columns ra and dec, in degrees (CSV).")
        for row, line in enumerate(reader, 1):
            ra, dec = number(line[names["ra"]]), number(line[names["dec"]])
            if not (0 <= ra <= 360 and -90 <= dec <= 90):
                sys.exit(f"No match: row {row} of the list has no position: "
                         f"ra {line[names['ra']]!r}, dec {line[names['dec']]!r}.")
            yield (line.get(names.get("name", "name")) or f"row {row}").strip(), ra, dec


def candidates(cone, ra, dec, radius, years):
    """(separation in degrees, position at the list's epoch, row) of each star of the catalogue that is near then."""
    table = Table(cone.get({"RA": ra, "DEC": dec, "SR": min(180.0, radius + FASTEST * abs(years) / 3600)}))
    if table.error:
        sys.exit(f"No match: {cone.url} answers: {table.error.rstrip('.')}.")
    for row in table.rows:
        def degrees(what, row=row):
            return number(row.get(what)) * TO_DEGREES.get(table.units.get(what, ""), 1.0)
        motion = [0.0 if math.isnan(value) else value for value in (degrees("pmra"), degrees("pmdec"))]
        place = moved(degrees("ra"), degrees("dec"), *motion, years)
        apart = separation((ra, dec), place)
        if apart <= radius:
            yield apart, place, row


def main():
    parameters, results = datacenter.parameters(), datacenter.results_dir()
    cone = datacenter.endpoint("ivo://ivoa.net/std/ConeSearch")
    radius = parameters["radius"] / 3600
    years = parameters["epoch"] - parameters["catalogue_epoch"]
    found = several = total = 0
    with open(results / "matches.csv", "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, ra, dec in targets(datacenter.inputs_dir() / "targets"):
            near = sorted(candidates(cone, ra, dec, radius, years), key=lambda one: one[0])
            total, found, several = total + 1, found + bool(near), several + (len(near) > 1)
            if near:
                apart, place, row = near[0]
                writer.writerow([name, ra, dec, row.get("id", ""), f"{place[0]:.7f}", f"{place[1]:.7f}",
                                 f"{apart * 3600:.3f}", row.get("magnitude", "")])
            else:
                writer.writerow([name, ra, dec, "", "", "", "", ""])
    summary = {"targets": total, "matched": found, "ambiguous": several, "years": years, "parameters": parameters}
    (results / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{found} of {total} matched", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (datacenter.DatacenterError, expat.ExpatError, OSError, UnicodeDecodeError, csv.Error) as problem:
        sys.exit(f"No match: {problem}")
