"""What our TAP service says of itself (TAPRegExt 1.0): languages and their features, formats, limits, data model.

One description for its own capabilities document, for the site's and for the records that register it. Each feature
named here is one that queries may use.
"""

from __future__ import annotations

from registry.config import Settings
from vosi.capabilities import Capability, Interface
from vosi.extensions import Language, Limits, OutputFormat, TableAccess

DATA_MODEL = ("ivo://ivoa.net/std/RegTAP#1.2", "Registry 1.2")
STD_EXAMPLES = "ivo://ivoa.net/std/DALI#examples"
_FEATURES = "ivo://ivoa.net/std/TAPRegExt#features-"
_OUTPUT = "ivo://ivoa.net/std/TAPRegExt#output-votable-"
_FUNCTIONS = (
    ("ivo_nocasematch(value VARCHAR, pattern VARCHAR) -> INTEGER",
     "1 where value is like pattern (as LIKE has it) whatever the case of their letters, else 0."),
    ("ivo_hasword(haystack VARCHAR, needle VARCHAR) -> INTEGER",
     "1 where every word of needle is in haystack, whatever the case and the order, else 0."),
    ("ivo_hashlist_has(hashlist VARCHAR, item VARCHAR) -> INTEGER",
     "1 where item is one of the words that hashlist joins by #, whatever the case of their letters, else 0."),
    ("ivo_string_agg(expression VARCHAR, delimiter VARCHAR) -> VARCHAR",
     "The values of expression in a group, joined by delimiter."),
    ("ivo_interval_overlaps(l1 NUMERIC, h1 NUMERIC, l2 NUMERIC, h2 NUMERIC) -> INTEGER",
     "1 where the intervals from l1 to h1 and from l2 to h2 have a value in common, else 0."),
    ("ivo_specconv(expression NUMERIC, from_unit VARCHAR, to_unit VARCHAR) -> DOUBLE PRECISION",
     "A wavelength, frequency or energy in another spectral unit."),
)
_GEOMETRY = ("POINT", "CIRCLE", "POLYGON", "CONTAINS", "INTERSECTS")
# what people may not rely on until it is there is not declared: pyvo looks here before it asks for places on the sky
_LANGUAGE = Language(
    versions=(("2.0", "ivo://ivoa.net/std/ADQL#v2.0"), ("2.1", "ivo://ivoa.net/std/ADQL#v2.1")),
    description="ADQL 2.1 over the tables that /tap/tables lists. Geometries are constants, compared with coverages.",
    features=(
        (_FEATURES + "udf", _FUNCTIONS),
        (_FEATURES + "adqlgeo", tuple((name, "") for name in _GEOMETRY)),
        (_FEATURES + "adql-sets", (("UNION", ""), ("EXCEPT", ""), ("INTERSECT", ""))),
        (_FEATURES + "adql-string", (("ILIKE", ""), ("LOWER", ""), ("UPPER", ""))),
        (_FEATURES + "adql-conditional", (("COALESCE", ""),)),
        (_FEATURES + "adql-common-table", (("WITH", ""),)),
        (_FEATURES + "adql-offset", (("OFFSET", ""),)),
        ("ivo://org.gavo.dc/std/exts#extra-adql-keywords", (
            ("MOC", "A literal MOC, as MOC('4/1-2'), to compare coverages with."),)),
    ))
_FORMATS = (
    OutputFormat("application/x-votable+xml", ("votable", "votable/td"), _OUTPUT + "td"),
    OutputFormat("application/x-votable+xml;serialization=BINARY2", ("votable/b2",), _OUTPUT + "binary2"),
    OutputFormat("text/csv;header=present", ("csv",)),
    OutputFormat("application/json", ("json",)),
)


def capability(settings: Settings) -> Capability:
    """The capability of our TAP service (TAP 1.1 §2.4)."""
    access = TableAccess(
        languages=(_LANGUAGE,), output_formats=_FORMATS, data_models=(DATA_MODEL,),
        retention_period=Limits(settings.job_lifetime, settings.job_lifetime),
        execution_duration=Limits(settings.tap_async_seconds, settings.tap_async_seconds),
        output_limit=Limits(settings.tap_maxrec, settings.tap_hard_limit, "row"))
    return access.capability(
        Interface(access_url=settings.url("tap"), url_use="base", role="std", version="1.1"),
        description="Queries in ADQL over the records of this registry and of those it harvests (RegTAP 1.2).")
