"""VOSI availability: read from any service, written so that others read it."""

from __future__ import annotations

import io

import pytest
from pyvo.io import vosi as pyvo_vosi
from vo_models.vosi.availability.models import Availability as ModelAvailability

from tests.vosi.judges import documents, official_faults, problems
from vosi import availability, xmlio
from vosi.availability import Availability

FULL = Availability(
    False, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", ("Moving & <more>", "Soon"))


@pytest.mark.parametrize("said", [FULL, Availability(True)])
def test_what_is_written_is_valid_and_read_again(said):
    document = availability.write(said)
    assert problems(document) == []
    assert availability.read(document) == said


@pytest.mark.shared
def test_the_official_schema_finds_it_valid(shared):
    assert official_faults(availability.write(FULL)) == []


def test_pyvo_and_vo_models_read_it():
    read = pyvo_vosi.parse_availability(io.BytesIO(availability.write(FULL)))
    assert (read.available, list(read.notes)) == (False, list(FULL.notes))
    assert ModelAvailability.from_xml(availability.write(FULL)).note == list(FULL.notes)


@pytest.mark.parametrize("document", [
    b"<a:availability xmlns:a='urn:old'><a:available> true\n</a:available><a:note/></a:availability>",
    b"\xef\xbb\xbf<availability><available>1</available></availability>",
])
def test_answers_in_other_dress_are_read(document):
    assert availability.read(document) == Availability(True)


@pytest.mark.parametrize(("document", "sentence"), [
    (b"<html/>", "its root element is html"),
    (b"<availability/>", "neither true nor false of being available, but ''"),
    (b"<availability><available>perhaps</available></availability>", "'perhaps'"),
    (b"503", "not well-formed"),
])
def test_what_is_no_answer_is_refused_in_a_sentence(document, sentence):
    with pytest.raises(xmlio.XmlRefused, match=sentence):
        availability.read(document)


@pytest.mark.shared
def test_every_real_document_is_read(shared):
    read = {name: availability.read(data) for name, data in documents("vosi-availability")}
    assert len(read) == 10
    down = {name.rpartition("/")[2] for name, said in read.items() if not said.available}
    assert down == {"sia-availability-404.xml", "usvirtualobservatory-availability.4dd4.xml"}
