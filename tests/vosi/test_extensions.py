"""The standard protocols' own metadata: written as their vocabularies have it, read back by others, kept by amend."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.vosi import drafts
from tests.vosi.judges import official_faults, problems
from vosi import capabilities, xmlio
from vosi.capabilities import Capability
from vosi.extensions import ConeSearch, Limits, TableAccess
from vosi.resource import amend, compose

KINDS = [pytest.param(one, id=f"{name} {words}") for name, pair in drafts.EXTENDED.items()
         for one, words in zip(pair, ("full", "least"), strict=True)]


def record(capability: Capability) -> bytes:
    return compose(drafts.minimal("vs:CatalogService", capabilities=(capability,)))


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_valid_in_a_record_and_in_a_vosi_document(kind):
    capability = kind.capability(drafts.SYNC, description="d")
    assert problems(record(capability)) == []
    assert problems(capabilities.write([capability])) == []


@pytest.mark.shared
@pytest.mark.parametrize("kind", KINDS)
def test_the_official_schemas_agree(kind, shared):
    capability = kind.capability(drafts.SYNC)
    assert official_faults(record(capability)) == []
    assert official_faults(capabilities.write([capability])) == []


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_put_into_a_record_that_does_not_know_its_vocabulary(kind):
    plain = compose(drafts.minimal())
    capability = kind.capability(drafts.SYNC)
    changed = amend(plain, {"capabilities": (capability,)})
    assert problems(changed) == []
    [read] = capabilities.of_record(xmlio.parse(changed))
    assert (read.type, read.standard_id) == (capability.type, capability.standard_id)
    assert amend(changed, {"capabilities": ()}) == plain
    assert read.xml and amend(plain, {"capabilities": (read,)}).count(read.xml) == 1, "kept byte for byte"


def found(capability: Capability, path: str) -> list[tuple[str | None, dict[str, str]]]:
    root = xmlio.parse(record(capability))
    return [(node.text, {str(name): value for name, value in node.attrib.items()})
            for node in root.iterfind(f"capability/{path}") if isinstance(node, etree._Element)]


def test_a_tap_service_says_what_it_was_asked_to_say():
    full = drafts.EXTENDED["tap"][0].capability(drafts.SYNC)
    assert found(full, "dataModel") == [("ObsCore 1.1", {"ivo-id": "ivo://ivoa.net/std/ObsCore#core-1.1"})]
    assert [text for text, _ in found(full, "language/version")] == ["2.0", "2.1"]
    assert found(full, "language/languageFeatures/feature/form") == [("CIRCLE", {}), ("BOX", {})]
    assert found(full, "outputLimit/hard") == [("20000000", {"unit": "row"})]
    assert found(full, "executionDuration/hard") == [("3600", {})] and found(full, "executionDuration/default") == []


def test_what_is_not_said_is_not_written():
    cone = ConeSearch("", test_query=None).capability(drafts.SYNC)
    assert found(cone, "maxSR") == found(cone, "testQuery") == []
    assert found(cone, "verbosity") == [("false", {})]
    assert found(ConeSearch(0).capability(), "maxSR") == [("0", {})]
    assert found(TableAccess(output_limit=Limits(unit="row")).capability(), "outputLimit") == []
