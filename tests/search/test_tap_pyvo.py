"""pyvo's registry searches: every constraint it has, alone and two by two, returns what the stored records say."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from astropy import units
from pyvo import registry
from pyvo.registry import regtap, rtcons

from tests.search import library as shelf
from tests.search.library import Library, about, by, in_band, library, models, offers, overlaps, subject, texts
from vosi import namespaces as ns

pytestmark = pytest.mark.shared

SCS, SIA, SSA, TAP = ("ivo://ivoa.net/std/conesearch", "ivo://ivoa.net/std/sia", "ivo://ivoa.net/std/ssa",
                      "ivo://ivoa.net/std/tap")


@pytest.fixture(scope="module")
def world() -> Iterator[Library]:
    before = regtap.get_RegTAP_service_url()
    with library() as opened, pytest.MonkeyPatch.context() as patched:
        # pyvo fetches these two vocabularies from the network
        patched.setattr(rtcons.Waveband, "_legal_terms", {"optical", "uv", "radio", "infrared", "x-ray"})
        patched.setattr(rtcons.UAT, "_uat", {
            "surveys": {"wider": [], "narrower": []}, "quasars": {"wider": ["surveys"], "narrower": []}})
        registry.choose_RegTAP_service(opened.tap)
        yield opened
        registry.choose_RegTAP_service(before)


# what is asked, and the rule by which the stored XML is judged
CONSTRAINTS: dict[str, tuple[Any, Any]] = {
    "a word": (lambda: registry.Freetext("quasar"), about("quasar")),
    "two words": (lambda: registry.Freetext("spectra", "quasar"), lambda one: about("spectra")(one) and about("quasar")(one)),
    "a phrase": (lambda: registry.Freetext("stars spectra"), about("stars spectra")),
    "a word with an accent": (lambda: registry.Freetext("échelle"), about("échelle")),
    "an author": (lambda: registry.Author("%Schmidt%"), by("Schmidt")),
    "cone searches": (lambda: registry.Servicetype("scs"), offers(SCS)),
    "images": (lambda: registry.Servicetype("sia1"), offers(SIA)),
    "images of either version": (lambda: registry.Servicetype("sia1", "sia2"), offers(SIA, f"{SIA}#query-2.*")),
    "spectra": (lambda: registry.Servicetype("ssa"), offers(SSA)),
    "tables": (lambda: registry.Servicetype("tap"), offers(TAP)),
    "tables, auxiliary too": (lambda: registry.Servicetype("tap").include_auxiliary_services(), offers(TAP, f"{TAP}#aux")),
    "a standard by its name": (lambda: registry.Servicetype(ns.STD_UWS.lower()), offers(ns.STD_UWS.lower())),
    "a waveband": (lambda: registry.Waveband("optical"), in_band("optical")),
    "one of two wavebands": (lambda: registry.Waveband("Radio", "UV"), in_band("radio", "uv")),
    "obscore": (lambda: registry.Datamodel("obscore"), models("ivo://ivoa.net/std/obscore")),
    "regtap": (lambda: registry.Datamodel("regtap"), models("ivo://ivoa.net/std/regtap#1.")),
    "epntap": (lambda: registry.Datamodel("epntap"), shelf.tables_like("ivo://ivoa.net/std/epntap#table-2.")),
    "obscore as tables": (lambda: registry.Datamodel("obscore_new"), shelf.tables_like(
        "ivo://ivoa.net/std/obscore#table-1.", "vs:catalogresource")),
    "identifiers": (lambda: registry.Ivoid("ivo://north.example/Quasars", "IVO://NORTH.example/obs"), lambda one: texts(
        one, "identifier")[0].lower() in ("ivo://north.example/quasars", "ivo://north.example/obs")),
    "a UCD": (lambda: registry.UCD("pos.eq.ra%"), shelf.has_ucd("pos.eq.ra")),
    "one of two UCDs": (lambda: registry.UCD("src.redshift", "em.wl"),
                        lambda one: shelf.has_ucd("src.redshift")(one) or shelf.has_ucd("em.wl")(one)),
    "a subject": (lambda: registry.UAT("surveys"), subject("surveys")),
    "a subject and wider ones": (lambda: registry.UAT("quasars", expand_up=1), subject("quasars", "surveys")),
    # the middle of the base cell 4 is at 0, 0
    "a place": (lambda: registry.Spatial((0.5, 0.5)), shelf.covers("3/288")),
    "a circle": (lambda: registry.Spatial((0.0, 0.0, 5.0)), shelf.covers("1/16-19")),
    "a MOC that is covered": (lambda: registry.Spatial("0/4"), shelf.covers("0/4")),
    "a MOC that holds all": (lambda: registry.Spatial("0/0 8", intersect="enclosed"), shelf.enclosed("0/0 8")),
    "a MOC that is touched": (lambda: registry.Spatial("2/1 0/10", intersect="overlaps"), shelf.touches("2/1 0/10")),
    "a moment": (lambda: registry.Temporal(50060), overlaps("coverage/temporal", 50060, 50060)),
    "a time": (lambda: registry.Temporal((50150, 60000.5)), overlaps("coverage/temporal", 50150, 60000.5)),
    "a time, or none said": (lambda: registry.Temporal((50150, 50250), inclusive=True),
                             overlaps("coverage/temporal", 50150, 50250, inclusive=True)),
    "an energy": (lambda: registry.Spectral(3.5e-19), overlaps("coverage/spectral", 3.5e-19, 3.5e-19)),
    "a line": (lambda: registry.Spectral(21 * units.cm), overlaps("coverage/spectral", 9.459e-25, 9.46e-25)),
    "energies, or none said": (lambda: registry.Spectral((1e-18, 3e-18), inclusive=True),
                               overlaps("coverage/spectral", 1e-18, 3e-18, inclusive=True)),
}


def found(*constraints: Any) -> set[str]:
    return {one.ivoid for one in registry.search(*constraints)}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_finds_what_the_records_say(world: Library, name: str) -> None:
    ask, rule = CONSTRAINTS[name]
    expected = world.expected(rule)
    assert expected, "a test that expects nothing shows nothing"
    assert found(ask()) == expected


def test_any_two_find_what_both_do(world: Library) -> None:
    alone = {name: world.expected(rule) for name, (_, rule) in CONSTRAINTS.items()}
    some = [name for place, name in enumerate(CONSTRAINTS) if place % 2 == 0 or "MOC" in name]
    wrong = {(one, other): (got, alone[one] & alone[other]) for one, other in itertools.combinations(some, 2)
             if (got := found(CONSTRAINTS[one][0](), CONSTRAINTS[other][0]())) != alone[one] & alone[other]}
    assert not wrong


def test_many_at_once_find_the_one(world: Library) -> None:
    names = ("a word", "an author", "cone searches", "one of two wavebands", "a UCD", "a place", "a moment", "an energy")
    assert found(*(CONSTRAINTS[name][0]() for name in names)) == {"ivo://north.example/quasars"}


def test_what_is_not_active_is_not_found(world: Library) -> None:
    assert found(registry.Ivoid("ivo://north.example/asleep")) == set()


def test_a_resource_says_all_that_its_record_does(world: Library) -> None:
    quasars = registry.search(ivoid="ivo://north.example/Quasars")[0]
    assert quasars.get_contact() == "Ada Desk <desk@north.example>"
    assert list(quasars.get_alt_identifiers()) == ["doi:10.1000/quasars"]
    assert (quasars.res_title, quasars.short_name) == ("Quasars of the northern sky", "Short")
    assert quasars.res_description == "Redshifts & spectra of distant quasars"
    assert quasars.waveband == ["optical", "uv"]
    assert [name.strip() for name in quasars.creators] == ["Schmidt, M.", "Hubble, E."]
    assert quasars.access_modes() == {"conesearch"}
    assert quasars.get_interface(service_type="conesearch").access_url == "http://127.0.0.1:9/quasars"
    (table,) = quasars.get_tables().values()
    assert (table.name, table.description) == ("q.Main", "The objects of q")
    assert [(column.name, column.ucd, str(column.unit)) for column in table.columns] == [
        ("ra", "pos.eq.ra;meta.main", "deg"), ("z", "src.redshift", "deg")]


def test_the_registry_finds_itself_and_asks_itself(world: Library) -> None:
    ours = registry.search(ivoid="ivo://north.example/tap")[0].get_service("tap")
    assert ours.baseurl == world.tap
    count = ours.search("SELECT COUNT(*) AS n FROM rr.resource").to_table()["n"][0]
    assert count == len(world.elements())


@pytest.mark.soak
def test_on_postgresql_each_constraint_finds_the_same(postgres: Any, world: Library) -> None:
    name = postgres.make(template="innerspace")
    with library(database_url=postgres.url(name)) as other:
        registry.choose_RegTAP_service(other.tap)
        try:
            wrong = {name: got for name, (ask, rule) in CONSTRAINTS.items() if (got := found(ask())) != other.expected(rule)}
            quasars = registry.search(ivoid="ivo://north.example/Quasars")[0]
            assert quasars.get_contact() == "Ada Desk <desk@north.example>" and list(quasars.get_tables()) == ["q.Main"]
        finally:
            registry.choose_RegTAP_service(world.tap)
    assert wrong == {}
    postgres.drop(name)
