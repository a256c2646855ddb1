"""Our editions of the schemas: they load, they say what is wrong, and they judge as the official ones do."""

from __future__ import annotations

import copy
import random
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from tests.vosi.components import components
from tests.vosi.judges import XS, documents, official, official_file, ours
from vosi import namespaces as ns, xmlio
from vosi.schemas import DEFAULT_FOLDER, HARVEST, RECOMMENDED, SchemaFolderError, Schemas

MUTATIONS = 10_000

# where our editions differ from the official ones, by namespace, and why
ALLOWED = {
    ns.STC: "VODataService refers only to STCResourceProfile and stcDescriptionType: ours holds these, open",
}

RECORD = b"""<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:type="vr:Organisation" status="active" created="2020-01-01T00:00:00Z" updated="2020-01-01T00:00:00Z">
<title>T</title><identifier>ivo://a.example/o</identifier><curation><publisher>P</publisher><contact><name>N</name></contact>
</curation><content><subject>s</subject><description>d</description><referenceURL>http://a.example/</referenceURL></content>
</ri:Resource>"""


@cache
def corpus() -> list[tuple[str, bytes]]:
    return documents("")


def parsed(data: bytes) -> etree._Element | None:
    try:
        return xmlio.parse(data, max_bytes=xmlio.MAX_PAGE)
    except xmlio.XmlRefused:
        return None


def verdicts(element: etree._Element, profile: str) -> tuple[bool, bool]:
    known = [p for p in ours().validate(element, profile) if not p.what.startswith("There is no schema here")]
    return official(profile).validate(etree.ElementTree(element)), not known


def test_a_good_record_is_valid_in_every_profile():
    element = xmlio.parse(RECORD)
    assert ours().validate_any(element) == (RECOMMENDED, [])
    assert ours().validate(element, HARVEST) == []


def test_what_is_wrong_is_told_with_its_place():
    element = xmlio.parse(RECORD.replace(b"<title>T</title>", b""))
    profile, problems = ours().validate_any(element)
    assert profile is None
    assert "title" in problems[0].what and "{" not in problems[0].what
    assert problems[0].line == 4


def test_an_unknown_namespace_is_named_and_nothing_is_raised():
    element = xmlio.parse(RECORD.replace(b"VOResource/v1.0", b"Unheard/v9"))
    assert ours().missing_namespaces(element) == ["http://www.ivoa.net/xml/Unheard/v9"]
    assert any("http://www.ivoa.net/xml/Unheard/v9" in problem.what for problem in ours().validate(element))


def test_a_record_that_only_the_older_edition_allows_says_so():
    element = xmlio.parse(RECORD.replace(b"<referenceURL>http://a", b"<referenceURL>ftp://a"))
    assert ours().validate(element)
    assert ours().validate_any(element) == (HARVEST, [])


def test_a_folder_without_catalog_is_one_sentence(tmp_path):
    with pytest.raises(SchemaFolderError, match="cannot be used as a catalog"):
        Schemas(tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize("profile", [RECOMMENDED, HARVEST])
def test_the_official_schemas_judge_every_document_of_the_corpus_the_same(profile, shared):
    elements = [(name, parsed(data)) for name, data in corpus()]
    judged = [(name, *verdicts(element, profile)) for name, element in elements if element is not None]
    assert [entry for entry in judged if entry[1] != entry[2]] == []
    assert len(judged) > 300 and sum(entry[1] for entry in judged) > 130


@pytest.mark.shared
def test_the_official_schemas_judge_mutations_of_valid_documents_the_same(shared):
    rng = random.Random(20261124)
    small = [element for _, data in corpus() if len(data) < 40_000 and (element := parsed(data)) is not None]
    valid = [element for element in small if verdicts(element, RECOMMENDED) == (True, True)]
    differences, refused = [], 0
    for _ in range(MUTATIONS):
        mutant, what = mutated(rng.choice(valid), rng)
        theirs, mine = verdicts(mutant, RECOMMENDED)
        refused += not theirs
        if theirs != mine:
            differences.append((what, etree.tostring(mutant)[:200]))
    assert differences == []
    assert refused > MUTATIONS // 3


def mutated(element: etree._Element, rng: random.Random) -> tuple[etree._Element, str]:
    """A copy with one node dropped, doubled, moved, renamed or retyped.

    Nodes of STC are left alone: ours has open content there, so that only the official schema can refuse them.
    """
    mutant = copy.deepcopy(element)
    node = rng.choice([one for one in mutant.iter(etree.Element) if etree.QName(one).namespace != ns.STC])
    parent = node.getparent()
    kind = rng.choice(("drop", "double", "move", "rename", "retype", "attribute"))
    if parent is not None and kind == "drop":
        parent.remove(node)
    elif parent is not None and kind == "double":
        parent.insert(parent.index(node), copy.deepcopy(node))
    elif parent is not None and kind == "move":
        parent.insert(rng.randrange(len(parent) + 1), node)
    elif kind == "rename":
        node.tag = node.tag + "x"
    elif kind == "retype":
        node.text = rng.choice(("", "12", "not a date", "ivo://x/y", "http://x.example/"))
    elif node.attrib:
        name = rng.choice(list(node.attrib))
        node.attrib.pop(name) if rng.random() < 0.5 else node.set(name, rng.choice(("", "true", "x y")))
    return mutant, f"{kind} {node.tag}"


# --- component by component -------------------------------------------------------------------------------------------


def editions() -> list[tuple[str, str, Path]]:
    """Each of our files with its namespace and the profile that it belongs to."""
    catalog = ours().catalog
    found = []
    for namespace, listed in catalog["files"].items():
        for edition in listed:
            profile = HARVEST if edition["file"] in catalog["profiles"][HARVEST].values() else RECOMMENDED
            found.append((namespace, profile, DEFAULT_FOLDER / edition["file"]))
    return found


@pytest.mark.shared
def test_every_component_is_the_official_one(shared):
    differing: dict[str, set[str]] = {}
    compared = 0
    for namespace, profile, file in editions():
        mine, theirs = components(file), components(shared / "xsd" / official_file(namespace, profile))
        differing[namespace] = {name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)}
        compared += len(theirs) if namespace not in ALLOWED else 0
        assert mine.keys() <= theirs.keys(), f"{file.name} has components that no Recommendation has"
    assert {namespace for namespace, names in differing.items() if names} == set(ALLOWED)
    assert compared > 150 and len(editions()) == 23


@pytest.mark.parametrize(("old", "new", "component"), [
    ('maxOccurs="unbounded"', 'maxOccurs="2"', "complexType Capability"),
    ('value="16"', 'value="17"', "simpleType ShortName"),
    (' use="required"', "", "complexType Resource"),
    ('<xs:enumeration value="dir"/>', "", "complexType AccessURL"),
    ('name="title" type="xs:token"', 'name="title" type="xs:string"', "complexType MirrorURL"),
])
def test_the_comparison_sees_cardinality_facets_attributes_and_types(old, new, component, tmp_path):
    text = (DEFAULT_FOLDER / "voresource.xsd").read_text()
    at = text.index(f'name="{component.split()[1]}"')
    assert old in text[at:]
    changed = tmp_path / "changed.xsd"
    changed.write_text(text[:at] + text[at:].replace(old, new, 1))
    before, after = components(DEFAULT_FOLDER / "voresource.xsd"), components(changed)
    assert {name for name in before if before[name] != after[name]} == {component}


def sentences(file: Path) -> list[str]:
    return [" ".join(str(node.xpath("string()")).split()) for node in etree.parse(file).iter(f"{{{XS}}}documentation")]


def test_each_edition_has_one_short_text_and_one_short_sentence_for_a_field():
    for _, _, file in editions():
        said = sentences(file)
        assert len(said[0]) <= 80, file.name
        assert all(text.endswith(".") and len(text) <= 125 for text in said), file.name
        assert etree.parse(file).xpath("//comment()") == []


@pytest.mark.shared
def test_no_text_is_taken_from_the_official_schemas(shared):
    theirs = {text.lower() for file in (shared / "xsd").glob("*.xsd") for text in sentences(file)}
    whole = " ".join(theirs)
    for _, _, file in editions():
        assert all(text.lower().rstrip(".") not in whole for text in sentences(file)), file.name


def test_a_namespace_that_only_begins_like_a_known_one_is_missing() -> None:
    known = ns.VR
    document = xmlio.parse(f"""<r xmlns:odd="{known}'s"><odd:part/></r>""".encode())
    assert ours().missing_namespaces(document) == [f"{known}'s"]


def test_a_namespace_is_missing_wherever_it_is_declared_and_only_where_it_is_used() -> None:
    document = xmlio.parse(b'<r xmlns:unused="urn:unused"><a><b xmlns="urn:deep"> xmlns="urn:text"</b></a></r>')
    assert ours().missing_namespaces(document) == ["urn:deep"]
