"""How to do without the page what it does: lines for pyvo and curl, for a search and for one record. Texts only."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from registry.config import Settings
from registry.search.finding.asking import Asked
from registry.search.finding.records import Item

_SERVICES = {"conesearch": "SCSService", "sia": "SIAService", "ssa": "SSAService", "slap": "SLAService", "tap": "TAPService"}


@dataclass(frozen=True)
class Snippets:
    """Lines for a shell or Python; '' where there is none."""

    pyvo: str
    curl: str
    command: str = ""
    xml: str = ""  # the address of the XML


def of_search(settings: Settings, asked: Asked, adql: str) -> Snippets:
    """The search as a query of pyvo, as an address and as a command."""
    pyvo = ""
    if adql:
        pyvo = f"import pyvo\nfound = pyvo.dal.TAPService({_text(settings.url('tap'))}).search({_text(adql)})"
    query = f"?{urlencode(asked.state)}" if asked.state else ""
    options = [word for name, value in asked.state.items() if name != "q" for word in (f"--{name}", value)]
    words = [*(["--"] if asked.q.startswith("-") else []), *asked.q.split()]
    return Snippets(pyvo, shlex.join(["curl", settings.url("records.json") + query]),
                    shlex.join(["registry", "records", "find", *options, *words]), settings.url("records.xml") + query)


def of_record(settings: Settings, item: Item) -> Snippets:
    """One record: its first service as pyvo opens it, else its entry of the registry; and its XML by curl."""
    xml = settings.url("records/" + quote(item.ivoid.removeprefix("ivo://"), safe="/-_.!~*'()+=")) + ".xml"
    for standard, url in item.endpoints:
        name = standard.removeprefix("ivo://ivoa.net/std/").partition("#")[0]
        if standard.startswith("ivo://ivoa.net/std/") and name in _SERVICES:
            pyvo = f"import pyvo\nservice = pyvo.dal.{_SERVICES[name]}({_text(url)})"
            break
    else:
        pyvo = ("from pyvo import registry\n"
                f"registry.choose_RegTAP_service({_text(settings.url('tap'))})\n"
                f"found = registry.search(ivoid={_text(item.key)})")
    return Snippets(pyvo, shlex.join(["curl", xml]), shlex.join(["registry", "records", "show", item.ivoid]), xml)


def _text(value: str) -> str:
    """A text as Python writes it: JSON's way of writing one is Python's too."""
    return json.dumps(value, ensure_ascii=False)
