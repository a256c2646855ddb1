"""A datacenter is founded once: four valid records, one authority, and nothing done twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.errors import Conflict, Refusal
from registry.records import authorities, founding, listing, store
from registry.records.founding import Founding
from registry.records.store import Record
from vosi import namespaces as ns, resource, xmlio

WISH = Founding("north.example", "North", "http://127.0.0.1:8101/base", email="ops@north.example")


def test_four_records_are_published(site: Any) -> None:
    records = founding.found(site, WISH, "test")
    assert [record.ivoid for record in records] == [
        "ivo://north.example", "ivo://north.example/registry", "ivo://north.example/organisation",
        "ivo://north.example/runner"]
    assert {(record.origin, record.managed, record.profile) for record in records} == {("own", True, "recommended")}
    assert all(record.datestamp for record in records)


def test_the_registry_record_says_where_it_is_harvested(site: Any) -> None:
    founding.found(site, WISH, "test")
    element = xmlio.parse(registry_record(site).xml)
    assert [child.text for child in element.iterfind("managedAuthority")] == ["north.example"]
    urls = {capability.get("standardID"): capability.findtext("interface/accessURL")
            for capability in element.iterfind("capability")}
    assert urls[ns.STD_REGISTRY] == "http://127.0.0.1:8101/base/oai"
    assert urls[ns.STD_VOSI_CAPABILITIES] == "http://127.0.0.1:8101/base/capabilities"


def test_the_runner_record_names_jobs_and_offers(site: Any) -> None:
    runner = founding.found(site, WISH, "test")[-1]
    element = xmlio.parse(runner.xml)
    urls = {capability.get("standardID"): capability.findtext("interface/accessURL")
            for capability in element.iterfind("capability")}
    assert urls[ns.STD_UWS] == "http://127.0.0.1:8101/base/jobs"
    assert urls[ns.STD_RUNNER] == "http://127.0.0.1:8101/base/runner"


def test_a_second_founding_changes_nothing(site: Any) -> None:
    first = founding.found(site, WISH, "test")
    second = founding.found(site, replace(WISH, title="Another title"), "test")
    assert [(one.digest, one.version, one.datestamp) for one in first] == [
        (one.digest, one.version, one.datestamp) for one in second]


@pytest.mark.parametrize("authority", ["no", "a b.example", "north.example/key", "", "100%.example"])
def test_an_illegal_authority_is_refused_in_a_sentence(site: Any, authority: str) -> None:
    with pytest.raises(Refusal, match="authority"):
        founding.found(site, replace(WISH, authority=authority), "test")
    assert nothing_stored(site)


def test_an_authority_of_another_registry_is_not_taken(site: Any) -> None:
    with site.database.write() as connection:
        authorities.claim(connection, "north.example", "ivo://south.example/registry", own=False)
    with pytest.raises(Conflict, match="ivo://south.example/registry"):
        founding.found(site, WISH, "test")
    assert nothing_stored(site)


def test_the_authority_of_the_standards_is_not_taken(site: Any) -> None:
    with pytest.raises(Conflict, match="published standards"):
        founding.found(site, replace(WISH, authority="IVOA.net"), "test")


def test_an_answer_that_makes_no_valid_record_publishes_none(site: Any) -> None:
    with pytest.raises(Refusal, match="not valid"):
        founding.found(site, replace(WISH, reference_url="not an address"), "test")
    assert nothing_stored(site)


def registry_record(site: Any) -> Record:
    with site.database.read() as connection:
        return founding.registry_record(connection, site)


def nothing_stored(site: Any) -> bool:
    with site.database.read() as connection:
        return not list(listing.every(connection)) and not authorities.ours(connection)


def test_before_it_there_is_no_registry_record(site: Any) -> None:
    with pytest.raises(founding.NotFounded, match="registry init"):
        registry_record(site)
    with site.database.read() as connection:
        assert store.get(connection, "ivo://north.example") is None


@pytest.mark.parametrize("title", ["N", "north.example", "A very long title of things", "Donaudampfschifffahrt", "x-y z"])
def test_services_have_short_names_whatever_the_title(site: Any, title: str) -> None:
    made = founding.found(site, Founding("north.example", title, "http://127.0.0.1:8101/"), "test")
    names = [resource.summarise(xmlio.parse(one.xml)).short_name for one in made]
    assert [bool(name) for name in names] == [False, True, False, True]
    assert all(len(name) <= 16 and name == " ".join(name.split()) for name in names)
