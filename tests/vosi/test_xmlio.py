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
