"""The functions that a query may call, and how each is written; what is not here is refused.

ADQL 2.1 §2.3 (mathematics), §4.2 (LOWER, UPPER), COALESCE of §4.6, the aggregates of §2.2.5, RegTAP 1.2 §9 and, of the
catalogue of user defined functions, ivo_specconv and ivo_to_mjd, also by the names they had at GAVO.
"""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = "whole"  # a result is a whole number where all arguments are


@dataclass(frozen=True)
class Arithmetic:
    """A function of numbers: its form on SQLite and on PostgreSQL, how many arguments it takes, what it gives."""

    sqlite: str
    postgresql: str
    arguments: int = 1
    gives: str = "double"


def _both(form: str, arguments: int = 1, gives: str = "double") -> Arithmetic:
    return Arithmetic(form, form, arguments, gives)


def _within(name: str, condition: str, postgresql: str = "") -> Arithmetic:
    """NULL outside of where it is defined, as SQLite has it."""
    return Arithmetic(f"{name}({{0}})", f"{postgresql or name}(CASE WHEN {condition} THEN {{0}} END)")


_ROUNDED = "CAST({}(CAST({{0}} AS numeric), {{1}}) AS double precision)"
ARITHMETIC: dict[tuple[str, int], Arithmetic] = {
    ("abs", 1): _both("abs({0})", gives=WHOLE),
    ("ceiling", 1): _both("ceil({0})"),
    ("floor", 1): _both("floor({0})"),
    ("degrees", 1): _both("degrees({0})"),
    ("radians", 1): _both("radians({0})"),
    ("exp", 1): _both("exp({0})"),
    ("log", 1): _within("ln", "{0} > 0"),
    ("log10", 1): _within("log10", "{0} > 0", "log"),
    ("sqrt", 1): _within("sqrt", "{0} >= 0"),
    ("sin", 1): _both("sin({0})"),
    ("cos", 1): _both("cos({0})"),
    ("tan", 1): _both("tan({0})"),
    ("cot", 1): Arithmetic("(1.0 / tan({0}))", "(1.0 / NULLIF(tan({0}), 0))"),
    ("asin", 1): _within("asin", "{0} BETWEEN -1 AND 1"),
    ("acos", 1): _within("acos", "{0} BETWEEN -1 AND 1"),
    ("atan", 1): _both("atan({0})"),
    ("atan2", 2): _both("atan2({0}, {1})", 2),
    ("pi", 0): _both("pi()", 0),
    ("power", 2): _both("power({0}, {1})", 2),
    ("mod", 2): Arithmetic("({0} - {1} * trunc({0} / {1}))", "({0} - {1} * trunc({0} / NULLIF({1}, 0)))", 2),
    ("rand", 0): Arithmetic("(random() / 18446744073709551616.0 + 0.5)", "random()", 0),
    ("rand", 1): Arithmetic("(random() / 18446744073709551616.0 + 0.5)", "random()", 1),
    ("round", 1): Arithmetic("round({0})", _ROUNDED.format("round").replace("{1}", "0")),
    ("round", 2): Arithmetic("round({0}, {1})", _ROUNDED.format("round"), 2),
    ("truncate", 1): _both("trunc({0})"),
    ("truncate", 2): Arithmetic("(trunc({0} * power(10, {1})) / power(10, {1}))", _ROUNDED.format("trunc"), 2),
}
WHOLE_MOD = Arithmetic("({0} % {1})", "mod({0}, NULLIF({1}, 0))", 2, WHOLE)
TEXTS = ("lower", "upper")
AGGREGATES = ("count", "sum", "avg", "min", "max", "ivo_string_agg")
CONDITIONS = {  # that a query compares with 1 or 0: how many arguments each takes
    "ivo_hasword": 2, "ivo_hashlist_has": 2, "ivo_nocasematch": 2, "ivo_interval_overlaps": 4, "contains": 2, "intersects": 2,
}
OTHERS = ("coalesce", "ivo_specconv", "gavo_specconv", "ivo_to_mjd", "gavo_to_mjd")
NAMES = sorted({name for name, _ in ARITHMETIC} | {*TEXTS, *AGGREGATES, *CONDITIONS, *OTHERS})

_LIGHT, _PLANCK, _CHARGE = 299792458.0, 6.62607015e-34, 1.602176634e-19  # SI 2019, exact
_PREFIXES = {"": 1.0, "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
             "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}
_UNITS = {"m": ("length", 1.0), "Hz": ("frequency", 1.0), "J": ("energy", 1.0), "eV": ("energy", _CHARGE),
          "erg": ("energy", 1e-7), "Ry": ("energy", 2.1798723611030e-18)}
_WHOLE_UNITS = {"Angstrom": ("length", 1e-10), "angstrom": ("length", 1e-10)}
# energy of one unit: a length stands under it
_ENERGY = {"length": _PLANCK * _LIGHT, "frequency": _PLANCK, "energy": 1.0}


def spectral(start: str, end: str) -> tuple[float, bool] | None:
    """How a spectral quantity goes from one unit to another: a factor, and whether it divides by the value.

    None where a unit is not one of wavelength, frequency or energy.
    """
    one, other = _unit(start), _unit(end)
    if one is None or other is None:
        return None
    (kind, size), (other_kind, other_size) = one, other
    energy = _ENERGY[kind] / size if kind == "length" else _ENERGY[kind] * size  # of one (inverse) unit
    under = (kind == "length") != (other_kind == "length")
    if other_kind == "length":
        return _ENERGY["length"] / energy / other_size, under
    return energy / (_ENERGY[other_kind] * other_size), under


def _unit(name: str) -> tuple[str, float] | None:
    if name in _WHOLE_UNITS:
        return _WHOLE_UNITS[name]
    for unit, (kind, size) in _UNITS.items():
        if name.endswith(unit) and name[:-len(unit)] in _PREFIXES:
            return kind, size * _PREFIXES[name[:-len(unit)]]
    return None
