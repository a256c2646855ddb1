"""Records cut out of pages: what is inside of them is passed over quickly, and still held to the same bounds."""

from __future__ import annotations

import pytest

from vosi import octets, xmlio
from vosi.xmlio import MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, XmlRefused


def cut(inside: bytes) -> list[bytes]:
    return list(xmlio.records_in(b"<VOResources>" + inside + b"</VOResources>"))


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def test_records_are_cut_whatever_their_names_and_contents_are_like() -> None:
    tricky = b"<r><!-- </r> --><r>x</r><![CDATA[</r>]]><a b='</r'/></r>".replace(b"'</r'", b"'>/r'")
    assert cut(tricky + b"<r/>" + b"<s  />text<r></r>") == [
        tricky.replace(b"<r>", b'<r xmlns="">', 1), b'<r xmlns=""/>', b'<s xmlns=""  />', b'<r xmlns=""></r>']


def test_a_prefix_declared_inside_a_record_is_no_fault_and_one_declared_nowhere_is() -> None:
    inside = b'<a><p:b xmlns:p="urn:p"/></a>'
    assert cut(b"<r>" + inside + b"</r>") == [b'<r xmlns="">' + inside + b"</r>"]
    with pytest.raises(XmlRefused, match="The prefix 'p' of element p:b is declared nowhere"):
        cut(b"<r/><r>" + inside + b"<a><p:b/></a></r>")


def test_a_record_may_be_as_deep_as_any_document_and_no_deeper() -> None:
    assert len(cut(b"<r>" + nested(MAX_DEPTH - 2) + b"</r>")) == 1
    with pytest.raises(XmlRefused, match="nested deeper than 256"):
        cut(b"<r>" + nested(MAX_DEPTH - 1) + b"</r>")


@pytest.mark.parametrize(("document", "words"), [
    (nested(MAX_DEPTH + 1), "nested deeper than 256"),
    (b"<r>" + b"<a/>" * MAX_ELEMENTS + b"</r>", "more than 100000 elements"),
    (b"<r" + b"".join(b' a%d="1"' % number for number in range(MAX_ATTRIBUTES + 1)) + b"/>", "more than 20000 attrib"),
    (b'<!DOCTYPE r [<!ENTITY e "x">]><r>&e;</r>', "It has a DOCTYPE"),
    (b"<r><a></r>", r"not well-formed XML: mismatched tag \(line 1, in element a\)"),
])
def test_what_could_exhaust_a_tree_builder_is_refused_in_words(document: bytes, words: str) -> None:
    with pytest.raises(XmlRefused, match=words):
        xmlio.parse(document)


def test_what_only_looks_like_too_much_is_parsed() -> None:
    signs = xmlio.parse(b"<r>" + b"=" * (MAX_ATTRIBUTES + 1) + b"</r>")
    assert signs.text == "=" * (MAX_ATTRIBUTES + 1)
    tags = xmlio.parse(b"<r>" + b"<a></a>" * (MAX_ELEMENTS // 2 + 1) + b"</r>")
    assert len(tags) == MAX_ELEMENTS // 2 + 1
    assert len(xmlio.parse(nested(MAX_DEPTH))) == 1


TRAPS = (
    b"<r><a>1</a><!-- </r> --></r>", b"<r><![CDATA[</r>]]></r>", b"<r><?x </r> ?></r>", b"<r><r>1</r></r>", b"<r><rr/></r >",
    b"<r a='</r>'/>", b"<r a='>'><b c='</r'/></r>", b"<r/>", b"<r><b xmlns='urn:b'/></r>", b"<r>]]&gt;</r\n>", b"<r>a > b</r>",
    b"<p:r xmlns:p='urn:p'><p:b/></p:r>", b"<r></r><r>2</r>", b"<r><b></r></b>", b"<r>", b"<r></s></r>", b"<r>&x;</r>",
)


@pytest.mark.parametrize("inside", TRAPS)
def test_a_record_passed_over_in_one_go_is_one_that_was_read_tag_by_tag(
    inside: bytes, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found() -> list[bytes] | str:
        try:
            return cut(b"<c/>" + inside + b"<d>4</d>")
        except XmlRefused as error:
            return str(error)

    in_one_go = found()
    monkeypatch.setattr(octets, "_PLAIN", 0)
    assert found() == in_one_go


@pytest.mark.parametrize("inside", TRAPS)
def test_a_page_that_is_cut_unseen_is_whole_when_all_its_records_are(inside: bytes) -> None:
    page = b"<VOResources>\n<c/>" + inside + b"\n<d>4</d></VOResources>"
    try:
        known = list(xmlio.placed_records(page))
    except XmlRefused as error:
        assert str(error)
        with pytest.raises(XmlRefused):
            for body, _line in xmlio.cut(page).records():
                xmlio.parse(body)
    else:
        assert list(xmlio.cut(page).records()) == known
        assert all(len(xmlio.parse(body)) >= 0 for body, _line in known)
