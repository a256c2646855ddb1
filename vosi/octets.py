"""A document as bytes: its encoding, its start tags, and a record made to stand alone. It holds no parser.

What it tells of tags is for bytes that a parser reads as well: `vosi.xmlio` is that parser.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from vosi.whereabouts import where

MAX_PAGE = 50_000_000
START_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=/>]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
# text, and behind it one whole tag, instruction or comment that nothing can be hidden in
NEXT_TAG = re.compile(rb"[^<]*(?:</[^\s<>/]+\s*>|<[^\s<>/!?]+(?:\s+[^\s=/<>]+\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*\s*/?>"
                       rb"|<\?[^<>?]*\?>|<!--[^<>-]*-->)")
METADATA = re.compile(rb"<(?:[^\s<>/:]+:)?metadata\s*>")  # what is around each record of an OAI-PMH page
_NOT_PLAIN = re.compile(rb"<[^\s<>/:]*[:!?]")  # a prefix, a comment, CDATA, an instruction
_AROUND = re.compile(rb">\s*</")
_PLAIN = 200_000  # bytes of a record that is passed over in one go: its attributes are not counted
_NAME = re.compile(rb"<[^\s/>]+")
_XMLNS = re.compile(rb"\sxmlns(?::([^\s=]+))?\s*=")
_ENCODING = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._\-]+)["']""")
_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\n]*(?:<\?xml[^>]*\?>[ \t\n]*)?")
_NO_DOCUMENTS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_SECOND = re.compile(rb'" [^\s=<>"]+="')  # where libxml2 writes one attribute behind another
_ATTRIBUTE = re.compile(rb' [^\s=<>"]+="[^"<>]*"')
_PIECE = 1_000_000  # bytes that are decoded at once


class XmlRefused(ValueError):
    """A document cannot be used; the message is one sentence, with the line where it is known."""


def to_utf8(data: bytes, *, max_bytes: int = MAX_PAGE) -> bytes:
    """`data` in UTF-8 without byte order mark and XML declaration, line ends as LF; its lines keep their numbers.

    The encoding is told by the byte order mark, else by the declaration, else it is UTF-8. Raises XmlRefused.
    """
    if len(data) > max_bytes:
        raise XmlRefused(f"It is {len(data)} bytes long; {max_bytes} are the most that is taken, and they end at "
                         f"{where(data, max_bytes)}.")
    declared = _ENCODING.match(data[:200].lstrip(b"\xef\xbb\xbf \t\r\n"))
    encoding = _marked_encoding(data) or (declared.group(1).decode() if declared else "utf-8")
    text = _recoded(data, encoding)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    head = _HEAD.match(text)
    assert head is not None  # it matches nothing, too
    lines = head.group().count(b"\n")
    return b"".join((b"\n" * lines, memoryview(text)[head.end():])) if head.end() else text


def _recoded(data: bytes, encoding: str) -> bytes:
    """`data` in UTF-8, read in pieces: a long document is not in memory twice."""
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding  # its mark goes with the head
    try:
        codec = codecs.lookup(encoding)
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        codec = None
    # Python has codecs that make bytes of bytes, too, such as zlib
    if codec is None or codec.name in _NO_DOCUMENTS or not getattr(codec, "_is_text_encoding", True):
        raise XmlRefused(f"It is said to be in the encoding {encoding} (line 1), which is not known here.")
    same = codec.name == "utf-8"
    parts: list[bytes] = []
    for at in range(0, max(len(data), 1), _PIECE):
        try:
            text = decoder.decode(data[at:at + _PIECE], at + _PIECE >= len(data))
        except UnicodeError as error:
            place = where(data, at + getattr(error, "start", 0))
            raise XmlRefused(
                f"It is not in the encoding {encoding} that it is said to be in ({place}): {_reason(error)}.") from None
        if not same:
            parts.append(text.encode("utf-8", "surrogatepass"))
    return data if same else b"".join(parts)


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, UnicodeDecodeError) else str(error) or "it cannot be decoded"


def _marked_encoding(data: bytes) -> str:
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return name
    for start, name in ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be")):
        if data.startswith(start):
            return name
    return ""


def element_end(data: bytes, start: int, at_end: int) -> int:
    """Where the element that begins at `start` ends, `at_end` being expat's index when it told of the end.

    That index is the end tag's first byte, but the first byte behind the element where it is an empty-element tag.
    """
    tag = START_TAG.match(data, start)
    if tag is not None and tag.group().endswith(b"/>"):
        return tag.end()
    return data.index(b">", at_end) + 1


def end_of_plain(data: bytes, start: int, tag_end: int, room: int) -> tuple[int, int]:
    """Where the end tag of the record with that start tag begins and ends.

    0, 0 where only a parser can tell, or the record may be deeper than `room`. Without comments, CDATA and instructions
    every < begins a tag, and so the first end tag of its name is its own where no element within has such a name.
    Without prefixes within there is none that is declared nowhere.
    """
    last, after = end_unseen(data, start, tag_end)
    if not after or _NOT_PLAIN.search(data, tag_end, last):
        return 0, 0
    if data.find(b"<" + data[last + 2:after - 1].rstrip(), tag_end, last) >= 0:
        return 0, 0
    # each element around another has an end tag, and each of these but the innermost stands behind another tag
    deep = data.count(b"</", tag_end, last) >= room and len(_AROUND.findall(data, tag_end, last)) >= room
    return (0, 0) if deep else (last, after)


def end_unseen(data: bytes, start: int, tag_end: int) -> tuple[int, int]:
    """Where the first end tag begins and ends that has the name of that start tag; 0, 0 where it is far or odd.

    If what is before it is well-formed with it, it ends the element: for a parser to say, not for us.
    """
    name = _NAME.match(data, start)
    assert name is not None  # a start tag has a name
    own = name.group()[1:]
    last = data.find(b"</" + own, tag_end, start + _PLAIN)
    after = data.find(b">", last) + 1 if last > 0 else 0
    return (last, after) if after and not data[last + 2 + len(own):after - 1].strip() else (0, 0)


def self_contained(record: bytes, in_scope: Mapping[str | None, str], own: Collection[str | None] | None = None) -> bytes:
    """`record` (UTF-8) with the namespace declarations of `in_scope` that its root lacks, `xmlns=""` where it has no default.

    `own` are the prefixes that its root declares, where they are known. A prefix that occurs nowhere in it stays out: a
    record passed on in a page comes out of it as it went in. What stands before the root (declaration, comments,
    instructions) and behind it goes; line ends become LF; all other bytes stay. Raises XmlRefused when there is no start tag.
    """
    data = record.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in record else record
    own = declared(data) if own is None else own
    scope: dict[str | None, str] = {None: "", **in_scope}
    missing = [(prefix, uri) for prefix, uri in scope.items() if prefix not in own and prefix != "xml"
               and (prefix is None or uri and f"{prefix}:".encode() in data)]
    if not missing:
        return data
    added = "".join(f' xmlns:{prefix}="{_escaped(uri)}"' if prefix else f' xmlns="{_escaped(uri)}"' for prefix, uri in missing)
    name = _NAME.match(data)
    assert name is not None  # a start tag has a name
    return b"".join((data[:name.end()], added.encode(), memoryview(data)[name.end():]))


def declared(record: bytes) -> set[str | None]:
    """The prefixes that its root declares, None for the default. Raises XmlRefused when there is no start tag."""
    tag = START_TAG.match(record)
    if tag is None:
        raise XmlRefused("It does not begin with an element.")
    return {(name or b"").decode() or None for name in _XMLNS.findall(tag.group())}


def _escaped(uri: str) -> str:
    return uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def in_order(form: bytes) -> bytes:
    """`form`, an element as libxml2 writes it, with the attributes and declarations of each tag in the order of their bytes.

    An empty default namespace is not declared at its root: it says nothing there.
    """
    tag_end = form.index(b">")
    made, done = [_ordered.__wrapped__(form[:tag_end].replace(b' xmlns=""', b""))], tag_end
    while second := _SECOND.search(form, done):
        start, end = form.rfind(b"<", done, second.start()), form.index(b">", second.end())
        if start < 0 or form.find(b">", start, second.start()) >= 0:  # a text that looks like attributes
            made.append(form[done:second.end() - 1])
            done = second.end() - 1
            continue
        made += form[done:start], _ordered(form[start:end])
        done = end
    made.append(form[done:])
    return b"".join(made)


@lru_cache(4096)
def _ordered(tag: bytes) -> bytes:
    """A tag up to its `>`; the same few come again and again."""
    attributes = _ATTRIBUTE.findall(tag)
    name, close = tag[:tag.index(b" ")] if attributes else tag, b"/" if attributes and tag.endswith(b"/") else b""
    return b"".join((name, *sorted(attributes), close))
