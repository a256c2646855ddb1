"""A datacenter with records of every kind that clients search for, served on loopback; and what its stored XML says.

`Library.expected` finds records by walking their XML with rules of its own: the judge of what searches return.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from lxml import etree

from registry import create_app
from registry.records import founding, importing, listing, publish
from registry.schema import upgrade
from registry.search import registering
from registry.site import open_site
from tests.conftest import SHARED
from tests.oai.serving import loopback, serving
from tests.records.corpus import valid_files
from vosi import namespaces as ns, resource, xmlio
from vosi.capabilities import Capability, Interface
from vosi.extensions import ConeSearch, ImageAccess, SpectralAccess, TableAccess
from vosi.resource import Draft

OBSCORE = ("ivo://ivoa.net/std/ObsCore#core-1.1", "ObsCore 1.1")
_TABLES = """<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><schema><name>{0}</name><description>All of {0}</description><table>
<name>{0}.Main</name><description>The objects of {0}</description><utype>{2}</utype>{1}</table></schema></vosi:tableset>"""
_COLUMN = ('<column><name>{}</name><description>{}</description><unit>deg</unit><ucd>{}</ucd>'
           '<dataType xsi:type="vs:VOTableType">double</dataType></column>')


def _tables(schema: str, *columns: tuple[str, str, str], utype: str = "") -> bytes:
    return _TABLES.format(schema, "".join(_COLUMN.format(*one) for one in columns), utype).replace("<utype></utype>", "").encode()


def _at(key: str, use: str = "base", version: str = "") -> Interface:
    return Interface(access_url=f"http://127.0.0.1:9/{key}", url_use=use, role="std", version=version)


def drafts() -> list[Draft]:
    """A few services and data collections, each with some of what there is to search for."""
    base = Draft(
        type="vs:CatalogService", ivoid="", created="2024-01-01T00:00:00Z", updated="2024-02-02T00:00:00Z", publisher="North",
        contact_name="Ada Desk", contact_email="desk@north.example", reference_url="http://north.example/", short_name="Short")

    def one(key: str, title: str, words: str, **fields: Any) -> Draft:
        return Draft(**{**vars(base), "ivoid": f"ivo://north.example/{key}", "title": title, "description": words, **fields})

    return [
        one("Quasars", "Quasars of the northern sky", "Redshifts & spectra of distant quasars", subjects=("quasars", "redshift"),
            creators=("Schmidt, M.", "Hubble, E."), waveband=("Optical", "UV"), spatial="0/0-11", spatial_frame="ICRS",
            temporal=("50000 50100", "51000 51100"), spectral=("3e-19 5e-19",), alt_identifiers=("doi:10.1000/quasars",),
            capabilities=(ConeSearch().capability(_at("quasars")),),
            tableset=_tables("q", ("ra", "Right ascension", "pos.eq.ra;meta.main"), ("z", "Redshift", "src.redshift"))),
        one("radio/sky", "A radio survey of the plane", "Images at 21 cm", subjects=("Radio continuum emission", "surveys"),
            creators=("Oort, J.",), waveband=("Radio",), spatial="0/0 4 1/40-43", temporal=("50050 50200",),
            spectral=("9e-25 1.1e-24",), type="vs:CatalogService",
            capabilities=(ImageAccess().capability(_at("radio")),
                          Capability(ns.STD_SIA2, interfaces=(_at("radio2", version="2.0"),)))),
        one("spectra", "Spectra of stars", "Échelle spectra of stars and of one quasar", subjects=("stars",),
            creators=("Payne, C.",), waveband=("Optical",), spatial="1/0-3", spectral=("2e-19 4e-19", "1e-18 2e-18"),
            capabilities=(SpectralAccess().capability(_at("spectra")),),
            tableset=_tables("s", ("wave", "Wavelength", "em.wl"), ("ra", "Right ascension", "pos.eq.ra"))),
        one("obs", "Observations of the datacenter", "Everything that was observed, stars and all", subjects=("stars", "surveys"),
            creators=("Payne, C.", "Schmidt, M."), temporal=("60000 60001",), waveband=("Optical", "Infrared"),
            capabilities=(TableAccess(data_models=(OBSCORE,)).capability(_at("obs/tap", version="1.1")),),
            tableset=_tables("ivoa", ("s_ra", "Right ascension", "pos.eq.ra"), utype="ivo://ivoa.net/std/obscore#table-1.1")),
        one("planets", "Planets and their moons", "Bodies of the solar system", subjects=("planets",), creators=("Galilei, G.",),
            type="vs:CatalogResource", tableset=_tables(
                "epn", ("target", "Name of the body", "meta.id;src"), utype="ivo://ivoa.net/std/epntap#table-2.0")),
        one("obs/table", "The table of observations", "One table of the observations, found by itself", subjects=("surveys",),
            type="vs:CatalogResource", spatial="0/8", tableset=_tables(
                "ivoa", ("s_ra", "Right ascension", "pos.eq.ra"), utype="ivo://ivoa.net/std/obscore#table-1.1"),
            capabilities=(Capability(ns.STD_TAP + "#aux", interfaces=(_at("obs/tap", version="1.1"),)),)),
        one("asleep", "Quasars that nobody serves any more", "quasars stars surveys", subjects=("quasars",), status="inactive",
            waveband=("Optical",), spatial="0/0-11", capabilities=(ConeSearch().capability(_at("asleep")),)),
    ]


@dataclass
class Library:
    """The datacenter: its web application and its address."""

    site: Any
    app: Flask
    base: str

    @property
    def tap(self) -> str:
        return f"{self.base}tap"

    def elements(self) -> dict[str, etree._Element]:
        """The active records as stored, by their identifiers in lower case."""
        with self.site.database.read() as connection:
            return {record.key: xmlio.parse(record.xml, max_bytes=xmlio.MAX_PAGE) for record in listing.every(connection)
                    if record.status == "active"}

    def expected(self, rule: Callable[[etree._Element], bool]) -> set[str]:
        """The identifiers of the records that `rule` holds of."""
        return {key for key, element in self.elements().items() if rule(element)}


@contextmanager
def library(**settings: Any) -> Iterator[Library]:
    """Open it, with the valid records of the corpus, on a free port of loopback."""
    folder = Path(tempfile.mkdtemp(prefix="innerspace-library-"))
    held = loopback()
    base = f"http://127.0.0.1:{held.getsockname()[1]}/"
    site = open_site(folder / "instance", authority="north.example", title="North", base_url=base, instance_name="library",
                     allowed_networks=["127.0.0.0/8"], admin_email="ops@north.example", **settings)
    try:
        fill(site)
        app = create_app(site)
        with serving(app, held, threads=6):
            yield Library(site, app, base)
    finally:
        site.close()
        shutil.rmtree(folder)


def fill(site: Any) -> None:
    """Found the datacenter, register its tables, publish the drafts, import the corpus."""
    upgrade(site.database)
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url, email="ops@north.example"), "test")
    registering.register(site, "test")
    for draft in drafts():
        publish.publish(site, resource.compose(draft), who="test")
    importing.import_paths(site, valid_files(SHARED), who="test", progress=lambda *_: None)


# --- rules over the XML -----------------------------------------------------------------------------------------------


def texts(element: etree._Element, *paths: str) -> list[str]:
    """The texts at these paths, white space normalised, elements by their local names."""
    return [" ".join("".join(map(str, found.itertext())).split()) for path in paths
            for found in element.iterfind("/".join(f"{{*}}{name}" for name in path.split("/")))]


def stems(text: str) -> set[str]:
    """Its words as a search compares them: whatever the case, the accents of é, and an s at their end."""
    return {word.rstrip("s") for word in re.findall(r"\w+", text.lower().replace("é", "e"))}


def about(word: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(stems(word) <= stems(text) for text in texts(one, "title", "content/description")) or any(
        word.lower() in subject.lower() for subject in texts(one, "content/subject"))


def by(part: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(part in name for name in texts(one, "curation/creator/name"))


def offers(*starts: str) -> Callable[[etree._Element], bool]:
    """A capability whose standard is one of these; one that ends in * stands for all that begin so."""
    def fits(standard: str, start: str) -> bool:
        return standard.startswith(start[:-1]) if start.endswith("*") else standard == start

    return lambda one: any(fits((found.get("standardID") or "").lower(), start)
                           for found in one.iterfind("{*}capability") for start in starts)


def in_band(*bands: str) -> Callable[[etree._Element], bool]:
    return lambda one: bool({text.lower() for text in texts(one, "coverage/waveband")} & set(bands))


def models(start: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(found.get("ivo-id", "").lower().startswith(start)
                           for found in one.iterfind("{*}capability/{*}dataModel"))


def tables_like(start: str, type_: str = "") -> Callable[[etree._Element], bool]:
    return lambda one: any(text.lower().startswith(start) for text in texts(one, "tableset/schema/table/utype")) and (
        not type_ or ns.canonical_type(one).lower() == type_)


def has_ucd(start: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(text.lower().startswith(start) for text in texts(
        one, "tableset/schema/table/column/ucd", "table/column/ucd", "catalog/table/column/ucd"))


def subject(*terms: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(text in terms for text in texts(one, "content/subject"))


def intervals(element: etree._Element, path: str) -> list[tuple[float, float]]:
    return [(float(text.split()[0]), float(text.split()[1])) for text in texts(element, path)]


def overlaps(path: str, low: float, high: float, *, inclusive: bool = False) -> Callable[[etree._Element], bool]:
    def rule(one: etree._Element) -> bool:
        found = intervals(one, path)
        return any(start <= high and low <= end for start, end in found) or (inclusive and not found)

    return rule


def cells(moc: str, order: int = 3) -> set[int]:
    """The cells of a MOC in ASCII, all at one order."""
    found: set[int] = set()
    at = 0
    for token in moc.replace(",", " ").split():
        head, slash, rest = token.rpartition("/")
        at = int(head) if slash else at
        if rest:
            first, _, last = rest.partition("-")
            scale = 4 ** (order - at)
            found.update(range(int(first) * scale, (int(last or first) + 1) * scale))
    return found


def covers(moc: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(cells(moc) <= cells(text) for text in texts(one, "coverage/spatial"))


def enclosed(moc: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(cells(text) <= cells(moc) for text in texts(one, "coverage/spatial"))


def touches(moc: str) -> Callable[[etree._Element], bool]:
    return lambda one: any(cells(text) & cells(moc) for text in texts(one, "coverage/spatial"))
