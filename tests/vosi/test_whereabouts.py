"""Where something is wrong: told of any byte of any document, whole or broken."""

from __future__ import annotations

import encodings
import pkgutil

import pytest
from hypothesis import given, strategies as st

from vosi.whereabouts import where
from vosi.xmlio import XmlRefused, parse, to_utf8

DOCUMENT = b"""<a>
<!-- <b> --><![CDATA[<c>]]><?p <d> ?>
<e x='>' y="/>"/>
<f:g><h/>text</f:g>
</a>"""


@pytest.mark.parametrize(("at", "place"), [
    (b"<a>", "line 1, in element a"), (b"<b>", "line 2, in element a"), (b"<c>", "line 2, in element a"),
    (b"<d>", "line 2, in element a"), (b"<e", "line 3, in element e"), (b"/>\"/>", "line 3, in element e"),
    (b"<f:g>", "line 4, in element f:g"), (b"text", "line 4, in element f:g"), (b"</f:g>", "line 4, in element f:g"),
    (b"</a>", "line 5, in element a"),
])
def test_the_line_and_the_element(at, place):
    start = DOCUMENT.index(at) - (2 if at in (b"<b>", b"<c>", b"<d>") else 0)
    assert where(DOCUMENT, start) == place


@given(data=st.binary(max_size=200), offset=st.integers(-5, 300))
def test_it_never_raises(data, offset):
    assert where(data, offset).startswith("line ")


@given(data=st.lists(st.sampled_from([b"<a>", b"</a>", b"<b/>", b"<!--", b"-->", b"\n", b"x", b"<", b"&", b"'"])).map(b"".join))
def test_a_refusal_is_one_sentence_with_a_line(data):
    try:
        parse(data)
    except XmlRefused as refused:
        assert "line " in str(refused) and str(refused).count("\n") == 0 and str(refused).endswith(".")


@pytest.mark.parametrize("head", [
    b"", b"\xef\xbb\xbf", b'<?xml version="1.0"?>\n', b'\r\n<?xml version="1.0"?>\r\n\r\n', b"\n\n", b"<?xml version='1.0'?>"])
def test_lines_are_those_of_the_document_as_it_was_sent(head):
    with pytest.raises(XmlRefused) as refused:
        parse(head + b"<a>\n<b></c>\n</a>")
    assert f"(line {head.count(chr(10).encode()) + 2}, in element b)" in str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "utf-16-be", "utf-16-le", "cp1252", "ascii", "utf-7"])
def test_every_encoding_that_is_declared_is_read(encoding):
    text = f"<?xml version='1.0' encoding='{encoding}'?><a>{'e' if encoding == 'ascii' else 'é'}</a>"
    assert parse(text.encode(encoding)).text in ("é", "e")


@pytest.mark.parametrize(("data", "words"), [
    (b"<?xml version='1.0' encoding='x-nobody'?><a/>", "x-nobody .line 1., which is not known here"),
    (b"<?xml version='1.0' encoding='base64'?><a/>", "base64"), (b"<?xml version='1.0' encoding='rot13'?><a/>", "rot13"),
    (b"<?xml version='1.0' encoding='undefined'?><a/>", "undefined"), (b"<?xml version='1.0' encoding='idna'?><a/>", "idna"),
    (b"<?xml version='1.0' encoding='unicode_escape'?><a>\\ud800</a>", "not"),
    (b"<?xml version='1.0' encoding='punycode'?><a/>", "punycode"), (b"<?xml version='1.0' encoding='mbcs'?><a/>", "mbcs"),
    (b"<a>\n<b>\xff</b></a>", "line 2, in element b"), (b"\xff\xfe<\x00a", "utf-16"),
])
def test_an_encoding_of_no_text_is_a_sentence(data, words):
    with pytest.raises(XmlRefused, match=words):
        parse(data)


@pytest.mark.parametrize("body", [b"<a>x</a>", b"<a>\xff\xd8\x00</a>"])
def test_no_codec_of_python_comes_through_as_something_else(body):
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            parse(b"<?xml version='1.0' encoding='" + module.name.encode() + b"'?>" + body)
        except XmlRefused as refused:
            assert "line 1" in str(refused)


def test_a_long_document_is_read_in_pieces_that_cut_no_character():
    text = ("<a>" + "é€𝄞" * 400_000 + "</a>")
    for encoding in ("utf-8", "utf-16"):
        assert to_utf8(text.encode(encoding)) == text.encode()
