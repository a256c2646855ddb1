"""How to do without the page what it does: lines for pyvo, TOPCAT and its STILTS, curl and the command line. Texts only."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from registry.config import Settings
from registry.search.finding import asking
from registry.search.finding.asking import Asked
from registry.search.finding.records import Item

_SERVICES = {"conesearch": "SCSService", "sia": "SIAService", "ssa": "SSAService", "slap": "SLAService", "tap": "TAPService"}
# what STILTS asks such a service first: the tables that it has, or what lies around a place
_FIRST = "SELECT table_name, description FROM tap_schema.tables"
_AROUND = {"conesearch": "cone", "sia": "sia", "ssa": "ssa"}
# a search as a table for TOPCAT: a row for each address of each record
_TABLE = """SELECT ivoid, res_type, short_name, res_title, standard_id, access_url, reference_url
FROM rr.resource NATURAL LEFT OUTER JOIN rr.capability NATURAL LEFT OUTER JOIN rr.interface
WHERE ivoid IN ({})"""


@dataclass(frozen=True)
class Snippets:
    """Lines for a shell or Python; '' where there is none."""

    pyvo: str
    curl: str
    command: str = ""
    xml: str = ""  # the address of the XML
    topcat: str = ""
    table: str = ""  # the address of a VOTable


def of_search(settings: Settings, asked: Asked, adql: str) -> Snippets:
    """The search as a query of pyvo, as an address and as a command."""
    pyvo = table = topcat = ""
    if adql:
        table = f"{settings.url('tap/sync')}?{urlencode({'LANG': 'ADQL', 'QUERY': _TABLE.format(adql)})}"
        topcat = shlex.join(["topcat", "-f", "votable", table])
        pyvo = f"import pyvo\nfound = pyvo.dal.TAPService({_text(settings.url('tap'))}).search({_text(adql)})"
    query = f"?{urlencode(asked.state)}" if asked.state else ""
    options = [word for name, value in asked.state.items() if name != "q" for word in (f"--{name}", value)]
    words = [*(["--"] if asked.q.startswith("-") else []), *asked.q.split()]
    return Snippets(pyvo, shlex.join(["curl", settings.url("records.json") + query]),
                    shlex.join(["registry", "records", "find", *options, *words]), settings.url("records.xml") + query,
                    topcat, table)


def of_record(settings: Settings, item: Item) -> Snippets:
    """One record: its first service as pyvo opens it, else its entry of the registry; and its XML by curl."""
    xml = settings.url("records/" + quote(item.ivoid.removeprefix("ivo://"), safe="/-_.!~*'()+=")) + ".xml"
    for standard, url in item.endpoints:
        name = standard.removeprefix("ivo://ivoa.net/std/").partition("#")[0]
        if standard.startswith("ivo://ivoa.net/std/") and name in _SERVICES:
            pyvo = f"import pyvo\nservice = pyvo.dal.{_SERVICES[name]}({_text(url)})"
            topcat = _stilts(name, url)
            break
    else:
        pyvo = ("from pyvo import registry\n"
                f"registry.choose_RegTAP_service({_text(settings.url('tap'))})\n"
                f"found = registry.search(ivoid={_text(item.key)})")
        topcat = _query(settings.url("tap"), f"SELECT * FROM rr.interface WHERE ivoid = {asking.quoted(item.key)}")
    return Snippets(pyvo, shlex.join(["curl", xml]), shlex.join(["registry", "records", "show", item.ivoid]), xml, topcat)


def _stilts(name: str, url: str) -> str:
    """The service's first question, answered in TOPCAT where that runs (omode=topcat), '' for one that STILTS cannot ask."""
    if name == "tap":
        return _query(url, _FIRST)
    if name not in _AROUND:
        return ""
    return shlex.join(["stilts", "cone", f"serviceurl={url}", f"servicetype={_AROUND[name]}", "lon=180", "lat=0", "radius=0.1",
                       "omode=topcat"])


def _query(url: str, adql: str) -> str:
    return shlex.join(["stilts", "tapquery", f"tapurl={url}", f"adql={adql}", "sync=true", "omode=topcat"])


def _text(value: str) -> str:
    """A text as Python writes it: JSON's way of writing one is Python's too."""
    return json.dumps(value, ensure_ascii=False)
