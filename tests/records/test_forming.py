"""A record as a form: what is typed becomes a valid record, equal to what the command makes, and nothing else moves."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from registry.records import comparing
from registry.records.forming import carrying, faults, merging, nodes, posting, rewriting, shape, showing, vocabulary
from registry.records.forming.nodes import Node
from registry.records.forming.shape import Shapes
from tests.vosi import drafts
from tests.vosi.judges import official_faults, ours, problems
from tests.vosi.test_resource_amend import texts, with_odd
from vosi import xmlio
from vosi.places import TYPES
from vosi.resource import Draft, amend, compose

TABLES = drafts.TABLES.replace(b"vod:", b"vs:").replace(b":vod", b":vs")
PUBLISHED = [one for one in TYPES if one != "vr:Resource"]


@cache
def shapes() -> Shapes:
    return shape.shapes(ours())


def skeleton(type_: str) -> bytes:
    full = drafts.FULL
    return compose(Draft(type_, full.ivoid, created=full.created, updated=full.updated, version=full.version))


def typed(wanted: Node, base: Node | None, path: str = "r", to: str = "r") -> list[tuple[str, str]]:
    """What a browser sends for a form of `base` into which everything of `wanted` was typed."""
    pairs = [(f"{to}/@{name}", value) for name, value in wanted.attributes.items()]
    if wanted.field.choices:
        pairs.append((f"{to}/@xsi:type", wanted.type))
    if wanted.content.text is not None:
        pairs.append((to, wanted.text))
    for name, group in wanted.children.items():
        pairs.append((f"{to}/{name}.", ""))
        old = {one.token: one for one in (base.children.get(name, []) if base else [])}
        for number, one in enumerate(group):
            token = str(number) if str(number) in old else f"n{number + 1}"
            pairs += typed(one, old.get(token), f"{path}/{name}.{one.token}", f"{to}/{name}.{token}")
    return pairs


def filled(base: bytes, pairs: list[tuple[str, str]]) -> tuple[bytes, Node]:
    root = posting.fill(shapes(), nodes.read(shapes(), base), pairs)
    return rewriting.written(xmlio.root_of(base), root), root


def told(xml: bytes, root: Node) -> dict[str, str]:
    return {one.path: one.what for one in faults.found(ours(), shapes(), xmlio.parse(xml), root)}


@pytest.mark.parametrize("type_", PUBLISHED)
def test_every_type_filled_in_is_valid_and_what_the_command_makes(type_: str) -> None:
    made = compose(replace(drafts.FULL, type=type_, stc_profile=None, tableset=TABLES))
    base = skeleton(type_)
    pairs = typed(nodes.read(shapes(), made), nodes.read(shapes(), base))
    xml, root = filled(base, pairs)
    assert problems(xml) == [] and official_faults(xml) == [] and told(xml, root) == {}
    assert comparing.compare(made, xml).changes == ()
    if b"<tableset" not in made:  # which declares its own namespaces, as it is carried over
        assert xmlio.digest(xmlio.parse(xml)) == xmlio.digest(xmlio.parse(made))


@pytest.mark.parametrize("type_", PUBLISHED)
def test_the_least_of_every_type_is_asked_for(type_: str) -> None:
    xml, root = filled(skeleton(type_), [])
    said = told(xml, root)
    assert {"r/title.n1", "r/content.0/subject.n1", "r/content.0/referenceURL.n1", "r/curation.0/publisher.n1",
            "r/curation.0/contact.0/name.n1"} <= set(said)
    assert all(what == "This is needed." or what.startswith("Choose") for what in said.values())


@pytest.mark.parametrize("type_", PUBLISHED)
def test_a_form_sent_back_as_it_came_changes_no_byte(type_: str) -> None:
    base = xmlio.root_of(with_odd(compose(replace(drafts.FULL, type=type_))))
    root = nodes.read(shapes(), base)
    again, _ = filled(base, typed(root, root))
    assert again == base


@pytest.mark.parametrize(("path", "value", "field"), [
    ("r/title.0", "Another", "title"), ("r/shortName.0", "An", "short_name"), ("r/shortName.0", "", "short_name"),
    ("r/content.0/description.0", "x < y\n & z", "description"), ("r/curation.0/version.0", "", "curation_version"),
    ("r/coverage.0/regionOfRegard.0", "0.5", "region_of_regard"),
])
def test_one_field_changes_the_bytes_that_the_command_changes(path: str, value: str, field: str) -> None:
    base = xmlio.root_of(with_odd(compose(drafts.FULL)))
    assert filled(base, [(path, value)])[0] == amend(base, {field: value})


def test_what_a_form_does_not_know_stays_in_a_changed_capability() -> None:
    base = compose(replace(drafts.FULL, capabilities=(drafts.PROTOCOLS[0],))).replace(
        b"</capability>", b"<!-- kept --><x:odd xmlns:x='urn:x'  a = '1'/></capability>")
    xml, _ = filled(base, [("r/capability.0/interface.0/accessURL.0", "http://new.example/")])
    assert xml == base.replace(b"http://127.0.0.1:8101/tap", b"http://new.example/")


def test_an_element_that_is_cleared_goes_unless_it_holds_what_no_form_knows() -> None:
    base = compose(drafts.minimal(creators=("A", "B"))).replace(
        b"<name>A</name>", b"<name>A</name><x:odd xmlns:x='urn:x'/>")
    xml, _ = filled(base, [("r/curation.0/creator.0/name.0", ""), ("r/curation.0/creator.1/name.0", "")])
    assert b"<x:odd xmlns:x='urn:x'/>" in xml and xml.count(b"<creator>") == 1 and b"<name>B" not in xml
    xml, _ = filled(base, [("r/curation.0/creator.", ""), ("r/curation.0/creator.1/name.0", "B")])
    assert b"odd" not in xml and xml.count(b"<creator>") == 1, "a button that takes it away takes all of it"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_whatever_is_typed_is_read_back(data: Any) -> None:
    base = compose(replace(drafts.FULL, stc_profile=None))
    root = nodes.read(shapes(), base)
    places = [name for name, value in nodes.values(root).items() if not name.endswith("xsi:type")]
    chosen = data.draw(st.lists(st.sampled_from(places), max_size=6, unique=True))
    fixed = {f"{path}/@{name}" for path, node in root.walk()
             for name, (rule, _) in node.content.attributes.items() if rule.fixed}
    said = {name: " ".join(data.draw(texts()).split()) for name in chosen if name not in fixed}
    xml, after = filled(base, list((dict(typed(root, root)) | said).items()))
    assert nodes.values(nodes.read(shapes(), xml)) == nodes.values(root) | said == nodes.values(after)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_elements_come_and_go_and_change_places(data: Any) -> None:
    names = ["a", "b", "c", "d"]
    base = xmlio.root_of(with_odd(compose(drafts.minimal(subjects=tuple(names)))))
    order = data.draw(st.permutations([*"0123", "n1", "n2"]))[:data.draw(st.integers(1, 6))]
    new = {"n1": "x", "n2": "y"}
    pairs = [("r/content.0/subject.", ""), *((f"r/content.0/subject.{one}", new.get(one) or names[int(one)]) for one in order)]
    xml, _ = filled(base, pairs)
    wanted = [new.get(one) or names[int(one)] for one in order]
    assert [one.text for one in xmlio.parse(xml).find("content").iterchildren("subject")] == wanted  # type: ignore[union-attr]
    assert re.sub(rb"\s*<subject>\w</subject>", b"", xml) == re.sub(rb"\s*<subject>\w</subject>", b"", base)


def test_buttons_add_take_away_and_move() -> None:
    base = compose(drafts.minimal("vs:CatalogService", creators=("A", "B")))
    root = nodes.read(shapes(), base)
    place = posting.act(shapes(), root, "add:r/capability.tr:TableAccess")
    assert nodes.at(root, place).attributes["standardID"] == "ivo://ivoa.net/std/TAP"  # type: ignore[union-attr]
    assert posting.act(shapes(), root, "add:r/capability.0/interface.") == ""
    inner = posting.act(shapes(), root, f"add:{place}/interface.vr:WebBrowser")
    assert nodes.at(root, f"{inner}/accessURL.n1") is not None
    posting.act(shapes(), root, "up:r/curation.0/creator.1")
    assert [one.token for one in root.children["curation"][0].children["creator"]] == ["1", "0"]
    posting.act(shapes(), root, "remove:r/curation.0/creator.1")
    for nonsense in ("remove:r", "remove:r/title.7", "up:x", "add:r/nothing.", "add:", "x:y", "remove:r/identifier.0", ""):
        posting.act(shapes(), root, nonsense)
    assert b"<name>B" not in rewriting.written(base, root)


@pytest.mark.parametrize("kind", ["", "tr:TableAccess", "cs:ConeSearch", "sia:SimpleImageAccess", "ssap:SimpleSpectralAccess",
                                  "slap:SimpleLineAccess", "vg:Harvest"])
def test_a_new_capability_needs_its_address_only(kind: str) -> None:
    base = compose(drafts.minimal("vs:CatalogService"))
    root = nodes.read(shapes(), base)
    place = posting.act(shapes(), root, f"add:r/capability.{kind}")
    xml, again = filled(base, [*typed(root, nodes.read(shapes(), base)),
                               (f"{place}/interface.n1/accessURL.n1", "http://127.0.0.1:8101/x?")])
    assert told(xml, again) == {} and official_faults(xml) == []


def test_a_service_becomes_a_cone_search_and_plain_again() -> None:
    base = compose(drafts.minimal("vs:CatalogService", capabilities=(drafts.PROTOCOLS[2],)))
    xml, root = filled(base, [("r/capability.0/@xsi:type", "tr:TableAccess")])
    assert b"maxSR" not in xml and b'xsi:type="tr:TableAccess"' in xml and "r/capability.0/language.n1/name.n1" in told(xml, root)
    xml, root = filled(xml, [("r/capability.0/@xsi:type", "")])
    assert b"TableAccess" not in xml and told(xml, root) == {}


@pytest.mark.parametrize(("path", "value", "what"), [
    ("r/shortName.n1", "x" * 17, "16 characters at most, and these are 17."),
    ("r/content.0/referenceURL.0", "ftp://a", "Give an address with http:// or https://."),
    ("r/curation.0/date.n1", "yesterday", "Give a date such as 2026-11-24"),
    ("r/curation.0/publisher.0/@ivo-id", "north", "Give an IVOA identifier"),
    ("r/capability.n1/interface.n1/accessURL.n1/@use", "half", "Give one of full, base, dir."),
    ("r/coverage.n1/temporal.n1", "1", "Give two numbers"),
    ("r/title.0", "a\x00b", "A character is in it that XML cannot hold (U+0000)"),
    ("r/title.0", "", "This is needed."),
])
def test_a_fault_is_told_at_its_field_in_one_sentence(path: str, value: str, what: str) -> None:
    base = compose(drafts.minimal("vs:CatalogService"))
    if "interface" in path:
        xml, root = filled(base, [(path.removesuffix("/@use"), "http://a.example/"), (path, value)])
    else:
        xml, root = filled(base, [(path, value)])
    said = told(xml, root)
    assert list(said) == [path] and said[path].startswith(what)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40) | st.from_regex(r"r(/[a-z]{1,8}\.n?[0-9]{0,2}){0,4}(/@[a-z-]+)?", fullmatch=True),
                          st.text(max_size=20)), max_size=30), st.text(max_size=40))
def test_no_form_however_hostile_breaks_anything(pairs: list[tuple[str, str]], action: str) -> None:
    base = compose(drafts.minimal("vs:CatalogService", creators=("A",)))
    root = posting.fill(shapes(), nodes.read(shapes(), base), pairs)
    posting.act(shapes(), root, action)
    xml = rewriting.written(base, root)
    xmlio.parse(xml)
    showing.sections(root, faults.found(ours(), shapes(), xmlio.parse(xml), root))


def test_a_form_of_too_many_fields_is_refused() -> None:
    with pytest.raises(posting.TooMuch, match="as XML"):
        filled(compose(drafts.minimal()), [(f"r/content.0/subject.n{n}", "x") for n in range(posting.MOST_VALUES + 1)])


def test_tables_too_large_for_a_form_stay_as_they_are() -> None:
    columns = "".join(f"<column><name>c{n}</name></column>" for n in range(2000))
    tables = drafts.TABLES.replace(b"<column><name>name</name></column>", columns.encode())
    base = compose(drafts.minimal("vs:CatalogService", tableset=tables))
    root = nodes.read(shapes(), base)
    [part] = [one for one in showing.sections(root) if one.title == "Tables"]
    assert part.fields[0].kind == "kept" and "as XML" in part.fields[0].text
    assert filled(base, [("r/title.0", "T")])[0] == amend(base, {"title": "T"})


def test_required_fields_come_first_and_every_field_has_its_rule() -> None:
    root = posting.fill(shapes(), nodes.read(shapes(), skeleton("vs:CatalogService")), [])
    parts = showing.sections(root)
    assert [one.title for one in parts][:3] == ["Name", "What it is", "Who is behind it"]
    content = parts[1].fields
    assert [one.needed for one in content[:3]] == [True] * 3 and content[-1].kind == "more"
    assert all(one.words for one in content if one.kind in ("text", "lines", "choice"))
    assert content[0].items[0].suggestions == "subjects" and "stars" in vocabulary.suggestions()["subjects"]


def test_every_field_of_the_forms_is_described_in_the_schemas_words() -> None:
    bare, seen = [], set()

    def look(type_: str) -> None:
        if type_ in seen:
            return
        seen.add(type_)
        for field in shapes().content(type_).fields:
            if not field.hidden:
                bare.extend([f"{type_} {field.name}"] if not field.about else [])
                for one in (field.type, *field.choices):
                    look(one)
        bare.extend(f"{type_} @{name}" for name, (_, about) in shapes().content(type_).attributes.items() if not about)

    for type_ in PUBLISHED:
        look(type_)
    assert bare == []


def test_a_form_carries_what_it_was_made_from() -> None:
    base = compose(drafts.FULL)
    assert carrying.unpacked(carrying.packed(base)) == base
    for broken in ("", "x", carrying.packed(b"x" * (carrying.LARGEST + 1)), carrying.packed(base)[:-8], "AAAA"):
        with pytest.raises(carrying.NotCarried):
            carrying.unpacked(broken)


def test_two_changes_are_put_together_and_what_both_changed_is_told() -> None:
    base = compose(drafts.minimal(creators=("A", "B"), short_name="S"))
    theirs = amend(base, {"title": "Theirs", "subjects": ("x", "y"), "short_name": "T"})
    mine = amend(base, {"title": "Mine", "description": "Mine.", "short_name": ""})
    merged = merging.merge(shapes(), base, mine, theirs)
    xml = rewriting.written(theirs, merged.root)
    assert xmlio.digest(xmlio.parse(xml)) == xmlio.digest(xmlio.parse(
        amend(theirs, {"title": "Mine", "description": "Mine.", "short_name": ""})))
    assert [(one.label, one.base, one.theirs, one.mine) for one in merged.both] == [
        ("Title", "X", "Theirs", "Mine"), ("Short name", "S", "T", "")]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_where_only_one_has_changed_the_merge_is_that_ones(data: Any) -> None:
    base = compose(replace(drafts.FULL, stc_profile=None, tableset=TABLES, capabilities=drafts.PROTOCOLS[:2]))
    root = nodes.read(shapes(), base)
    places = [name for name in nodes.values(root) if "/@" not in name]
    sent = dict(typed(root, root)) | dict.fromkeys(data.draw(st.lists(st.sampled_from(places), max_size=4)), "7")
    several = st.sampled_from(["r/content.0/subject.0", "r/curation.0/creator.1", "r/capability.0"])
    for gone in data.draw(st.lists(several, max_size=2)):
        sent = {name: value for name, value in sent.items() if name != gone and not name.startswith(f"{gone}/")}
    changed, _ = filled(base, list(sent.items()))
    for mine, theirs in ((changed, base), (base, changed), (changed, changed)):
        merged = merging.merge(shapes(), base, mine, theirs)
        assert merged.both == ()
        assert comparing.compare(changed, rewriting.written(xmlio.root_of(theirs), merged.root)).changes == ()
