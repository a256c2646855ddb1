"""The VOSI documents of the demo's catalogue, written as a service of its own would: no code is shared with `vosi/`."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from applications.demo.stars import Column

_CONE_PATHS = {"north": "search", "south": "query", "mountain": "cgi-bin/stars"}
# of the base URL (Simple Cone Search 1.03 §2.1)
_CONE_QUERIES = {"north": "", "south": "catalogue=hip2&", "mountain": "mode=cone&from=tape&"}
_PARAMETERS = {
    "RA": ("pos.eq.ra", "deg", "real", "required", "Right ascension of the cone's axis, ICRS"),
    "DEC": ("pos.eq.dec", "deg", "real", "required", "Declination of the cone's axis, ICRS"),
    "SR": ("pos.angDistance", "deg", "real", "required", "Radius of the cone"),
    "VERB": ("", "", "integer", "optional", "1 for identifier and position alone"),
    "MAXREC": ("", "", "integer", "optional", "Rows at most"),
}
_ORDERS = {"north": ("RA", "DEC", "SR", "VERB", "MAXREC"), "south": ("MAXREC", "SR", "VERB", "DEC", "RA"),
           "mountain": ("SR", "RA", "DEC")}


@dataclass(frozen=True)
class Description:
    """What the documents say: `base` is the address they are below, without a slash at its end."""

    base: str
    flavour: str
    columns: tuple[Column, ...]
    rows: int
    secured: bool
    up_since: str

    @property
    def cone_path(self) -> str:
        """The last part of the cone search's address."""
        return _CONE_PATHS[self.flavour]


def capabilities(description: Description) -> bytes:
    """VOSI 1.1 capabilities: the cone search and the three documents."""
    standards = {"capabilities": "capabilities", "availability": "availability", "tables-1.1": "tables"}
    plain = "".join(_plain(description, standard, name) for standard, name in standards.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<vosi:capabilities xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:cs="http://www.ivoa.net/xml/ConeSearch/v1.0" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"{_cone(description)}{plain}</vosi:capabilities>\n"
    ).encode()


def _plain(description: Description, standard: str, name: str) -> str:
    return (
        f'  <capability standardID="ivo://ivoa.net/std/VOSI#{standard}">\n'
        '    <interface xsi:type="vs:ParamHTTP" role="std">\n'
        f'      <accessURL use="full">{escape(description.base)}/{name}</accessURL>\n'
        f"{_security(description, name)}    </interface>\n  </capability>\n"
    )


def _cone(description: Description) -> str:
    address = escape(f"{description.base}/{description.cone_path}?{_CONE_QUERIES[description.flavour]}")
    return (
        '  <capability xsi:type="cs:ConeSearch" standardID="ivo://ivoa.net/std/ConeSearch">\n'
        '    <interface xsi:type="vs:ParamHTTP" role="std" version="1.03">\n'
        f'      <accessURL use="base">{address}</accessURL>\n{_security(description, description.cone_path)}'
        "      <queryType>GET</queryType>\n      <resultType>application/x-votable+xml</resultType>\n"
        f"{''.join(_parameter(name) for name in _ORDERS[description.flavour])}    </interface>\n"
        f"    <maxSR>180.0</maxSR>\n    <maxRecords>{max(1, description.rows)}</maxRecords>\n"
        "    <verbosity>true</verbosity>\n"
        "    <testQuery><ra>56.75</ra><dec>24.12</dec><sr>1.0</sr></testQuery>\n  </capability>\n"
    )


def _security(description: Description, name: str) -> str:
    if not description.secured or name == "availability":
        return ""
    return '      <securityMethod standardID="ivo://ivoa.net/sso#OAuth"/>\n'


def _parameter(name: str) -> str:
    ucd, unit, datatype, use, words = _PARAMETERS[name]
    return (
        f'      <param use="{use}" std="{"false" if name == "MAXREC" else "true"}"><name>{name}</name>'
        f"<description>{escape(words)}</description>{f'<unit>{unit}</unit>' if unit else ''}"
        f"{f'<ucd>{ucd}</ucd>' if ucd else ''}<dataType>{datatype}</dataType></param>\n"
    )


def availability(description: Description) -> bytes:
    """VOSI 1.1 availability."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<vosi:availability xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0">\n'
        f"  <vosi:available>true</vosi:available>\n  <vosi:upSince>{description.up_since}</vosi:upSince>\n"
        f"  <vosi:note>{description.rows} stars</vosi:note>\n</vosi:availability>\n"
    ).encode()


def tables(description: Description) -> bytes:
    """VOSI 1.1 tables: one table, its columns as the VOTable has them."""
    columns = "".join(
        f"      <column><name>{escape(one.name)}</name><description>{escape(one.description)}</description>"
        f"{f'<unit>{one.unit}</unit>' if one.unit else ''}<ucd>{one.ucd}</ucd>"
        f'<dataType xsi:type="vs:VOTableType"{_arraysize(one)}>{one.datatype}</dataType></column>\n'
        for one in description.columns
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" '
        'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        "  <schema><name>hipparcos</name>\n    <table><name>hipparcos.stars</name>"
        "<description>Hipparcos stars, the new reduction (van Leeuwen 2007)</description>\n"
        f"{columns}    </table>\n  </schema>\n</vosi:tableset>\n"
    ).encode()


def _arraysize(column: Column) -> str:
    return ' arraysize="*"' if column.datatype == "char" else ""
