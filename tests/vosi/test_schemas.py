"""Our editions of the schemas: they load, they say what is wrong, and they judge as the official ones do."""

from __future__ import annotations

import copy
import json
import random
from functools import cache

import pytest
from lxml import etree

from tests.conftest import SHARED
from vosi import xmlio
from vosi.schemas import HARVEST, RECOMMENDED, SchemaFolderError, Schemas

XS = "http://www.w3.org/2001/XMLSchema"
VR = "http://www.ivoa.net/xml/VOResource/v1.0"
STC = "http://www.ivoa.net/xml/STC/stc-v1.30.xsd"
MUTATIONS = 1500

RECORD = b"""<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:type="vr:Organisation" status="active" created="2020-01-01T00:00:00Z" updated="2020-01-01T00:00:00Z">
<title>T</title><identifier>ivo://a.example/o</identifier><curation><publisher>P</publisher><contact><name>N</name></contact>
</curation><content><subject>s</subject><description>d</description><referenceURL>http://a.example/</referenceURL></content>
</ri:Resource>"""


@cache
def ours() -> Schemas:
    return Schemas()


@cache
def official(profile: str) -> etree.XMLSchema:
    folder = SHARED / "xsd"
    files = json.loads((folder / "catalog.json").read_text())["namespaces"]
    if profile == HARVEST:
        files[VR] = "VOResource-v1.1-Erratum1.xsd"
    root = etree.Element(f"{{{XS}}}schema")
    for name in sorted(ours().namespaces(), key=lambda name: (name != VR, name)):
        file = folder / files.get(name, "stc-v1.30.xsd")
        etree.SubElement(root, f"{{{XS}}}import", namespace=name, schemaLocation=file.as_uri())
    return etree.XMLSchema(root)


@cache
def documents() -> list[tuple[str, bytes]]:
    return [(str(path.relative_to(SHARED)), path.read_bytes()) for path in sorted((SHARED / "corpus").rglob("*.xml"))]


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
    elements = [(name, parsed(data)) for name, data in documents()]
    judged = [(name, *verdicts(element, profile)) for name, element in elements if element is not None]
    assert [entry for entry in judged if entry[1] != entry[2]] == []
    assert len(judged) > 300 and sum(entry[1] for entry in judged) > 130


@pytest.mark.shared
def test_the_official_schemas_judge_mutations_of_valid_documents_the_same(shared):
    rng = random.Random(20261124)
    valid = [element for _, data in documents()
             if len(data) < 40_000 and (element := parsed(data)) is not None and verdicts(element, RECOMMENDED) == (True, True)]
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
    """A copy with one node dropped, doubled, moved, renamed or retyped."""
    mutant = copy.deepcopy(element)
    node = rng.choice(list(mutant.iter(etree.Element)))
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
