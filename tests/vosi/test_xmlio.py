"""The digest by which records are compared, for records that are hard to canonicalise."""

from __future__ import annotations

import pytest
from lxml import etree

from vosi import xmlio


@pytest.mark.parametrize("record", ["<é><b>x</b></é>", '<a xmlns:x="relative"><x:b>x</x:b></a>'])
def test_names_beyond_ascii_and_relative_namespaces_have_a_digest_that_indentation_does_not_change(record):
    one, other = etree.fromstring(record), etree.fromstring(record.replace("><", ">\n  <"))
    assert xmlio.digest(one) == xmlio.digest(other)
    assert xmlio.digest(one) != xmlio.digest(etree.fromstring(record.replace("x</", "y</")))


_RECORD = ('<ri:r xmlns="" xmlns:ri="urn:r" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" status="active" created="1">'
           '<a b="1" xsi:type="ri:t">say "so" x="1" y="2" &gt; é</a><c/></ri:r>')
_SAME = {
    "attributes in another order": _RECORD.replace('b="1" xsi:type="ri:t"', 'xsi:type="ri:t" b="1"'),
    "those of the root": _RECORD.replace('status="active" created="1"', 'created="1" status="active"'),
    "declarations in another order": _RECORD.replace('xmlns="" xmlns:ri="urn:r"', 'xmlns:ri="urn:r"'),
    "a comment": _RECORD.replace("<c/>", "<!-- c --><c/>"),
    "a comment in a text": _RECORD.replace("say", "s<!-- c -->ay"),
    "indented": _RECORD.replace("<c/>", "\n <c/>\n"),
    "a comment on a line of its own": _RECORD.replace("<c/>", "\n <!-- c -->\n <c/>"),
    "declared again": _RECORD.replace("<c/>", '<c xmlns:ri="urn:r"></c>'),
    "other quotes": _RECORD.replace('b="1"', "b = '1'"),
    "a character by its number": _RECORD.replace("é", "&#233;"),
    "as CDATA": _RECORD.replace("&gt; é", "<![CDATA[> é]]>"),
}
_OTHER = {
    "another text": _RECORD.replace("say", "Say"),
    "what looks like attributes in another order": _RECORD.replace('x="1" y="2"', 'y="2" x="1"'),
    "an attribute more": _RECORD.replace("<c/>", '<c d=""/>'),
    "another prefix": _RECORD.replace("ri:", "rj:").replace("xmlns:ri", "xmlns:rj"),
    "one that is used in no name": _RECORD.replace(' created="1"', ' created="1" xmlns:z="urn:z"'),
    "white space in a text": _RECORD.replace("say ", "say  "),
}


@pytest.mark.parametrize("case", _SAME)
def test_what_xml_leaves_to_the_writer_does_not_count_in_a_digest(case):
    assert _SAME[case] != _RECORD
    assert xmlio.digest(xmlio.parse(_SAME[case].encode())) == xmlio.digest(xmlio.parse(_RECORD.encode()))


@pytest.mark.parametrize("case", _OTHER)
def test_all_else_counts(case):
    assert xmlio.digest(xmlio.parse(_OTHER[case].encode())) != xmlio.digest(xmlio.parse(_RECORD.encode()))
