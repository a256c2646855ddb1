"""amend() changes what it was asked to and not one byte more: every field, any value, any neighbours."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from tests.vosi import drafts
from tests.vosi.judges import official_faults, problems
from vosi import places, xmlio
from vosi.amend import FIELDS, LISTS
from vosi.capabilities import Interface
from vosi.resource import Draft, EndorsedVersion, Person, Relationship, SchemaFile, amend, compose, summarise

# elements of another vocabulary, with the very names that the fields have, in every place where one may be met
ODD = (b'<x:odd xmlns:x="urn:x" a = \'1\'  b="&#65;"><x:title>no</x:title><![CDATA[<title>no</title>]]>'
       b"<!-- <subject/> --><x:content><x:subject>no</x:subject></x:content><x:empty></x:empty><x:empty/></x:odd>"
       b'<x:title xmlns:x="urn:x">no</x:title><x:curation xmlns:x="urn:x"><x:creator>no</x:creator></x:curation>'
       b'<x:coverage xmlns:x="urn:x"><x:waveband>no</x:waveband></x:coverage>')


def texts(**options: Any) -> st.SearchStrategy[str]:
    legal = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
    return st.text(legal, min_size=1, max_size=20, **options).map(str.strip).filter(bool)


def pairs(second: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(st.sampled_from(["", "ivo://a.example/b"]), second)


def people() -> st.SearchStrategy[Any]:
    return st.one_of(texts(), st.builds(Person, texts(), logo=st.sampled_from(["", "http://l.example/"])))


SINGLE = {"capabilities": st.sampled_from([drafts.CONE, drafts.HARVEST, *drafts.PROTOCOLS]),
          "relationships": st.builds(Relationship, texts(), st.tuples(pairs(texts()))), "creators": people(),
          "contributors": st.one_of(texts(), pairs(texts())), "dates": st.tuples(st.just("2020-01-01"), texts()),
          "rights": st.one_of(texts(), st.tuples(texts(), st.just("http://r.example/"))),
          "facilities": pairs(texts()), "instruments": pairs(texts()), "formats": texts(),
          "endorsed_versions": st.builds(EndorsedVersion, texts()), "keys": st.tuples(st.just("k"), texts()),
          "schemas": st.builds(SchemaFile, st.just("urn:s"), st.just("http://s.example/"), texts()),
          "interfaces": st.builds(Interface, st.just("vr:WebBrowser"), st.just("http://i.example/"))}
OTHER = {"managing_org": pairs(texts()), "full": st.sampled_from([True, False, "true", "false"]),
         "tableset": st.sampled_from([drafts.TABLES, None]), "stc_profile": st.sampled_from([drafts.STC, None])}


def values(field: str) -> st.SearchStrategy[Any]:
    if field in OTHER:
        return OTHER[field]
    if field in LISTS:
        return st.lists(SINGLE.get(field, texts()), max_size=4).map(tuple)
    return st.one_of(texts(), st.just(""))


def with_odd(record: bytes) -> bytes:
    """The record with other vocabularies' elements before each end of its root, curation, content and coverage."""
    return re.sub(rb"(</(?:ri:Resource|curation|content|coverage|contact)>)", lambda found: ODD + found[1], record)


RECORDS = [with_odd(compose(replace(drafts.FULL, type=type_))) for type_ in places.TYPES]
RECORDS += [with_odd(compose(drafts.minimal(type_))) for type_ in places.TYPES]


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_every_other_byte_stays(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(RECORDS))
    field = data.draw(st.sampled_from(FIELDS))
    value = data.draw(values(field))
    try:
        changed = amend(record, {field: value})
    except xmlio.XmlRefused as refusal:
        assert "no element" in str(refusal) and field in places.ATTRIBUTES
        return
    xmlio.parse(changed)
    assert changed.count(ODD) == record.count(ODD), "another vocabulary's elements, byte for byte"
    before, after, cut = record, changed, slice_of(record, changed)
    assert before[:cut[0]] + before[cut[1]:] == after[:cut[0]] + after[cut[2]:]
    for text in (before[cut[0]:cut[1]], after[cut[0]:cut[2]]):
        assert only_the_field(text, field), text


def slice_of(old: bytes, new: bytes) -> tuple[int, int, int]:
    """Where the two begin to differ, and where each ends to."""
    both = enumerate(zip(old, new, strict=False))
    start = next((at for at, (one, two) in both if one != two), min(len(old), len(new)))
    same = 0
    while same < min(len(old), len(new)) - start and old[-1 - same] == new[-1 - same]:
        same += 1
    return start, len(old) - same, len(new) - same


_NAMES = {name for _, name in places.ELEMENTS.values()} - {"identifier"}
# elements that stand inside those of a field
_INSIDE = {"creators": {"name", "logo", "altIdentifier"}, "relationships": {"relationshipType", "relatedResource"},
           "schemas": {"location", "description", "example"}, "keys": {"name", "description"}}


def only_the_field(text: bytes, field: str) -> bool:
    """Whether a piece of a record touches no element of another field (pieces may begin and end amid a tag)."""
    if field in ("capabilities", "interfaces", "tableset", "stc_profile"):
        return b"urn:x" not in text and b"<title" not in text and b"<curation" not in text
    own = {places.ELEMENTS[field][1]} if field in places.ELEMENTS else set()
    touched = {name.decode() for name in re.findall(rb"</?([A-Za-z]+)[\s/>]", text)}
    return not (touched & (_NAMES - own - _INSIDE.get(field, set()))) and b"urn:x" not in text


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_what_was_put_in_goes_out_again(data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(RECORDS))
    field = data.draw(st.sampled_from([name for name in FIELDS if name in places.ELEMENTS]))
    empty: Any = () if field in LISTS else ("", "") if field == "managing_org" else None if field in OTHER and (
        field != "full") else ""
    bare = amend(record, {field: empty})
    assert amend(bare, {field: empty}) == bare
    back = amend(amend(bare, {field: data.draw(values(field))}), {field: empty})
    if places.ELEMENTS[field][0] == ("coverage",) and b"<coverage" not in bare:
        back = re.sub(rb"\s*<coverage></coverage>", b"", back)  # one that was made for the field stays, empty
    assert back == bare


# --- each field in use ------------------------------------------------------------------------------------------------

NEW: dict[str, Any] = {
    "creators": (Person("A. New", "ivo://a.example/p", logo="http://l.example/"), "B. New"),
    "contributors": ("C. New", ("ivo://a.example/c", "D. New")), "dates": (("2024-01-01", "Updated"),),
    "relationships": (Relationship("IsServedBy", (("ivo://a.example/s", "S"),)),),
    "rights": ("all", ("by", "https://creativecommons.org/licenses/by/4.0/")), "facilities": ("F",),
    "instruments": (("", "I"),), "formats": ("image/fits",), "stc_profile": drafts.STC, "spatial": "3/5",
    "temporal": ("1 2",), "spectral": ("1e-19 2e-19", "3e-19 4e-19"), "footprint": "http://f.example/",
    "waveband": ("Radio", "X-ray"), "region_of_regard": "2", "tableset": drafts.TABLES,
    "access_url": "http://d.example/", "managing_org": ("ivo://a.example/o", "O"), "full": True,
    "managed_authorities": ("a.example", "b.example"), "endorsed_versions": (EndorsedVersion("2.0", "wd"),),
    "schemas": (SchemaFile("urn:a", "http://s.example/a.xsd", "A"),), "deprecated": "by another",
    "keys": (("k", "A key"),),
    "interfaces": (Interface("vr:WebBrowser", "http://i.example/"), drafts.CONE.interfaces[0]),
    "capabilities": (drafts.HARVEST, *drafts.PROTOCOLS),
}
TYPED = [(type_, field) for type_ in places.TYPES for field in NEW
         if places.ELEMENTS[field][0] != () or places.ELEMENTS[field][1] in places.order(type_)]
TYPED = [(type_, field) for type_, field in TYPED
         if places.ELEMENTS[field][0] != ("coverage",) or "coverage" in places.order(type_)]


def complete(type_: str) -> Draft:
    return drafts.minimal(type_, endorsed_versions=drafts.FULL.endorsed_versions, keys=drafts.FULL.keys)


@pytest.mark.parametrize(("type_", "field"), TYPED)
def test_each_field_is_put_where_the_schema_has_it(type_: str, field: str) -> None:
    """As compose would have written it: amending the little record and the full one gives what the schemas want."""
    for draft in (complete(type_), replace(drafts.FULL, type=type_)):
        changed = amend(compose(draft), {field: NEW[field]})
        assert problems(changed) == []
        written = compose(replace(draft, **{field: NEW[field]}))
        assert form(changed) == form(written)


def form(record: bytes) -> str:
    """A record's canonical form, whichever element declares its namespaces."""
    root = xmlio.parse(record)
    return repr([(node.tag, sorted(node.attrib.items()), (node.text or "").strip()) for node in root.iter()])


@pytest.mark.shared
@pytest.mark.parametrize("type_", places.TYPES)
def test_the_official_schemas_find_all_fields_at_once_valid(type_: str, shared: Any) -> None:
    changes = {field: NEW[field] for one, field in TYPED if one == type_}
    assert official_faults(amend(compose(complete(type_)), changes)) == []


def test_names_of_other_vocabularies_are_not_taken_for_fields() -> None:
    record = compose(drafts.minimal()).replace(b"<title>", b'<x:title xmlns:x="urn:x">no</x:title><title>', 1)
    changed = amend(record, {"title": "New"})
    assert changed == record.replace(b"<title>X</title>", b"<title>New</title>")
    assert summarise(xmlio.parse(changed)).title in ("New", "no")


def test_attributes_of_an_empty_element_stay_when_it_gets_a_text() -> None:
    record = compose(drafts.minimal()).replace(b"<publisher>North</publisher>", b"<publisher ivo-id='ivo://a.b/c' />")
    assert b"<publisher ivo-id='ivo://a.b/c'>P &amp; Q</publisher>" in amend(record, {"publisher": "P & Q"})


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"tableset": "t"}, "takes a document"), ({"managing_org": "o"}, r"takes an \(identifier, name\)"),
    ({"managing_org": ("o",)}, "takes an"), ({"full": 1}, "takes one text"), ({"status": None}, "takes one text"),
    ({"creators": "A"}, "takes a list"), ({"tableset": b"<html/>"}, "no VOSI table set"),
    ({"stc_profile": b"<html/>"}, "no stc:STCResourceProfile"), ({"stc_profile": b"<html"}, "not well-formed"),
    ({"spatial_frame": "ICRS"}, "no element coverage/spatial"), ({"creators": ("a\x00",)}, r"U\+0000"),
])
def test_a_value_that_cannot_be_set_is_a_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(xmlio.XmlRefused, match=sentence):
        amend(compose(drafts.minimal("vs:CatalogService")), changes)
