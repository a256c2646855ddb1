"""Records: summed up whatever they are, written from drafts, changed in place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from vo_models.voregistry.models import Registry
from vo_models.voresource.models import Organisation

from tests.vosi import drafts
from tests.vosi.judges import documents, official_faults, ours, problems
from vosi import capabilities, compose, namespaces as ns, xmlio
from vosi.resource import Draft, Relationship, Summary, amend, summarise
from vosi.schemas import RECOMMENDED

STAMP = "2030-01-01T00:00:00Z"


def written(draft: Draft) -> etree._Element:
    return xmlio.parse(compose.compose(draft))


def valid_records() -> list[tuple[str, bytes]]:
    """The records of the corpus that we could publish."""
    roots = [(name, xmlio.root_of(data)) for name, data in documents("resource")]
    return [(name, root) for name, root in roots if not problems(root)]


# --- summarise --------------------------------------------------------------------------------------------------------


def test_a_summary_says_what_the_record_says():
    assert summarise(written(drafts.FULL)) == Summary(
        ivoid="ivo://north.example/stars", authority="north.example", type="vs:CatalogService",
        title="Stars <of> the North & South", short_name="Stars", status="active", created="2026-01-01T00:00:00Z",
        updated="2026-02-03T04:05:06Z", description="One. Two.", reference_url="http://north.example/stars",
        subjects=("stars", "astrometry"))


def test_a_summary_reads_any_prefix_and_skips_comments():
    element = xmlio.parse(
        b'<r xmlns:x="http://www.ivoa.net/xml/VODataService/v1.0" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        b'i:type="x:DataService"><x:title>A<!-- not this -->\n B</x:title><identifier>ivo://Some.Where?q</identifier>'
        b"</r>")
    assert summarise(element) == Summary(
        ivoid="ivo://Some.Where?q", authority="Some.Where", type="vs:DataService", title="A B")


@pytest.mark.parametrize("xml", [
    b"<a/>", b"<a><title/><identifier>nonsense</identifier><content><subject/></content></a>"])
def test_a_summary_of_what_is_no_record_is_empty_and_raises_nothing(xml):
    assert replace(summarise(xmlio.parse(xml)), ivoid="") == Summary()


@pytest.mark.shared
def test_every_document_of_the_corpus_has_a_summary(shared):
    read = 0
    for _, data in documents("resource") + documents("legacy-v0") + documents("oai-nonvo"):
        try:
            element = xmlio.parse(data, max_bytes=xmlio.MAX_PAGE)
        except xmlio.XmlRefused:
            continue
        assert isinstance(summarise(element), Summary)
        read += 1
    assert read > 100
    assert all(summarise(xmlio.parse(root)).ivoid.startswith("ivo://") for _, root in valid_records())


# --- compose ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", compose.TYPES)
def test_full_and_minimal_drafts_of_every_type_are_valid(type_):
    for draft in (replace(drafts.FULL, type=type_), drafts.minimal(type_)):
        if type_.startswith("vstd:"):
            draft = replace(draft, endorsed_versions=drafts.FULL.endorsed_versions, keys=drafts.FULL.keys)
        assert problems(compose.compose(draft)) == []


@pytest.mark.shared
@pytest.mark.parametrize("type_", compose.TYPES)
def test_the_official_schemas_find_them_valid_too(type_, shared):
    assert official_faults(compose.compose(replace(drafts.FULL, type=type_))) == []


def test_prefixes_are_canonical_and_bound_on_the_root():
    root = written(replace(drafts.FULL, tableset=None, stc_profile=None, capabilities=(drafts.CONE, drafts.HARVEST)))
    types = [node.get(f"{{{ns.XSI}}}type", "") for node in root.iter(etree.Element)]
    assert {name.partition(":")[0] for name in types if name} == {"vs", "vg"}
    assert root.nsmap == {"ri": ns.RI, "vr": ns.VR, "vs": ns.VS, "vg": ns.VG, "xsi": ns.XSI, None: ""}
    inner = [node for node in root.iter(etree.Element) if node is not root]
    assert all(etree.QName(node).namespace is None for node in inner)


def test_what_the_draft_says_comes_out_again():
    root = written(drafts.FULL)
    assert [node.text for node in root.iterfind("curation/creator/name")] == ["A. Uthor", "B. Uthor"]
    assert root.findtext("content/description") == "One.\n\nTwo."
    related = [dict(node.attrib) for node in root.iterfind("content/relationship/relatedResource")]
    assert related == [{"ivo-id": ns.STD_CONE}, {"altIdentifier": ns.STD_UWS}, {}]
    assert [node.text for node in root.iterfind("rights")] == ["public", "https://spdx.org/licenses/CC0-1.0", "free"]
    assert root.findtext("tableset/schema/table/name") == "hip.main"
    assert root.find("capability/interface") is not None
    assert [node.get("standardID") for node in root.iterfind("capability/interface/securityMethod")] == [
        "ivo://ivoa.net/sso#BasicAA"]


def test_values_come_back_from_a_composed_record():
    cone, harvest, *_ = capabilities.of_record(written(drafts.FULL))
    first, second = cone.interfaces
    wanted = drafts.CONE.interfaces[0]
    assert first == replace(wanted, security_methods=())
    assert second == replace(wanted, security_methods=wanted.security_methods[1:])
    assert (harvest.type, harvest.interfaces) == ("vg:Harvest", drafts.HARVEST.interfaces)


@pytest.mark.parametrize(("field", "where"), [
    ("title", "title"), ("contact_name", "name"), ("subjects", "subject"), ("description", "description"),
    ("reference_url", "referenceURL"), ("publisher", "publisher"), ("created", "created"), ("ivoid", "identifier"),
])
def test_what_a_draft_leaves_out_is_named_by_the_schema(field, where):
    empty = () if field == "subjects" else ""
    faults = problems(compose.compose(drafts.minimal(**{field: empty})))
    assert len(faults) == 1 and where in faults[0].what


def test_a_draft_that_cannot_be_written_is_refused_in_a_sentence():
    with pytest.raises(xmlio.XmlRefused, match="Records of the type vs:Nonsense cannot be written"):
        compose.compose(drafts.minimal("vs:Nonsense"))
    with pytest.raises(xmlio.XmlRefused, match="title holds the character U\\+0001"):
        compose.compose(drafts.minimal(title="a\x01"))
    with pytest.raises(xmlio.XmlRefused, match="no VOSI table set"):
        compose.compose(drafts.minimal("vs:CatalogService", tableset=b"<html/>"))


def test_a_composed_record_is_stored_as_it_is():
    record = compose.compose(drafts.FULL)
    assert list(xmlio.records_in(record)) == [record]


def test_vo_models_reads_what_we_write():
    # vo-models takes only URLs as source, and stops at several rights
    draft = replace(drafts.FULL, type="vg:Registry", source="https://doi.example/1", rights=())
    read = Registry.from_xml(compose.compose(draft))
    assert str(read.identifier) == "ivo://north.example/stars"
    assert read.managed_authority == ["north.example", "n2.example"]
    root = xmlio.parse(compose.compose(drafts.minimal("vr:Organisation")))
    root.tag = "Organisation"  # as vo-models names it
    organisation = Organisation.from_xml(etree.tostring(root))
    assert organisation.title == "X"


# --- amend ------------------------------------------------------------------------------------------------------------


def test_only_what_was_asked_for_changes():
    record = compose.compose(drafts.FULL)
    changed = amend(record, {
        "status": "inactive", "updated": STAMP, "title": "A < B", "reference_url": "https://b.example/"})
    expected = record
    for old, new in ((b'status="active"', b'status="inactive"'), (b"2026-02-03T04:05:06Z", STAMP.encode()),
                     (b"Stars &lt;of&gt; the North &amp; South", b"A &lt; B"),
                     (b"<referenceURL>http://north.example/stars<", b"<referenceURL>https://b.example/<")):
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert changed == expected


def test_extensions_quotes_and_comments_stay_byte_for_byte():
    record = (b"<r:Resource xmlns='' xmlns:r='urn:r' status = 'active'\n updated='x'>"
              b"<!-- <title>no</title> --><title ><![CDATA[old]]></title><identifier>ivo://a.example/x</identifier>"
              b"<odd:thing xmlns:odd='urn:odd' a='>'  >&#65;<title>inner</title></odd:thing></r:Resource>")
    assert amend(record, {"title": "new", "updated": "y", "status": "deleted"}) == (
        record.replace(b"<![CDATA[old]]>", b"new").replace(b"updated='x'", b'updated="y"')
        .replace(b"status = 'active'", b'status="deleted"').replace(b"\n updated", b" updated"))


def test_fields_are_put_in_and_taken_out_where_they_belong():
    record = compose.compose(drafts.minimal(
        "vg:Registry", capabilities=(drafts.HARVEST,), managed_authorities=("a.example",)))
    changed = amend(record, {
        "short_name": "S", "contact_email": "a@b.example", "subjects": ("u", "v"), "source": "s",
        "content_types": ("Other",), "rights": ("open",), "alt_identifiers": ("doi:1",), "version": "7",
        "publisher_ivoid": "ivo://north.example/o",
        "managed_authorities": ("a.example", "b.example"), "capabilities": (drafts.CONE, drafts.HARVEST),
        "full": "true"})
    assert problems(changed) == []
    root = xmlio.parse(changed)
    assert [node.text for node in root.iterfind("managedAuthority")] == ["a.example", "b.example"]
    assert [one.standard_id for one in capabilities.of_record(root)] == [ns.STD_CONE, ns.STD_REGISTRY]
    back = amend(changed, {
        "short_name": "", "contact_email": "", "subjects": ("x",), "source": "", "content_types": (), "rights": (),
        "alt_identifiers": (), "publisher_ivoid": "", "version": "", "managed_authorities": ("a.example",),
        "capabilities": (drafts.HARVEST,), "full": "false"})
    assert back == record


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"colour": "red"}, "There is no field colour"),
    ({"title": ("a",)}, "The field title takes one text"),
    ({"subjects": "a"}, "The field subjects takes a list"),
    ({"title": "\x00"}, "U\\+0000"),
])
def test_a_change_that_cannot_be_made_is_a_sentence(changes, sentence):
    with pytest.raises(xmlio.XmlRefused, match=sentence):
        amend(compose.compose(drafts.minimal()), changes)


def test_a_place_that_is_not_there_is_named():
    with pytest.raises(xmlio.XmlRefused, match="no element content"):
        amend(b"<r><title>t</title></r>", {"description": "d"})


@pytest.mark.shared
def test_real_records_stay_valid_and_keep_the_rest_when_amended(shared):
    changes = {"status": "inactive", "updated": STAMP, "title": "New & <newer>", "description": "D & d",
               "subjects": ("a", "b"), "short_name": "sn", "contact_email": "a@b.example",
               "reference_url": "https://x.example/"}
    records = valid_records()
    for name, record in records:
        changed = amend(record, changes)
        assert ours().validate_any(xmlio.parse(changed)) == (RECOMMENDED, []), name
        summary = summarise(xmlio.parse(changed))
        assert (summary.title, summary.description, summary.subjects) == ("New & <newer>", "D & d", ("a", "b")), name
        assert amend(record, {}) == record
        assert rest(changed) == rest(record), name
    assert len(records) > 40


def rest(record: bytes) -> bytes:
    """A record's canonical form without what the test changes."""
    root = xmlio.parse(record)
    for name in ("status", "updated"):
        root.attrib.pop(name)
    for path in ("title", "shortName", "content/description", "content/subject", "content/referenceURL",
                 "curation/contact/email"):
        for node in root.findall(path):
            parent = node.getparent()
            assert parent is not None
            parent.remove(node)
    return xmlio.digest(root).encode()


def test_relationships_without_a_name_are_called_by_their_identifier():
    root = written(drafts.minimal(relationships=(Relationship("Cites", ((ns.STD_CONE, ""),)),)))
    assert root.findtext("content/relationship/relatedResource") == ns.STD_CONE
