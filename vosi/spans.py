"""Where each element stands in a document's bytes, and edits of those bytes that leave all others as they are.

Records and capabilities are passed on as their authors wrote them: what has to change in them is changed here, by
byte offsets, never by writing a tree anew. Documents are in UTF-8 with line ends as LF (`xmlio.to_utf8`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from vosi.bounds import expat_parser, run_expat
from vosi.octets import START_TAG, XmlRefused

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DEFAULT = re.compile(rb"""(\sxmlns\s*=\s*)("[^"]*"|'[^']*')""")

Edit = tuple[int, int, bytes]


@dataclass(frozen=True)
class Span:
    """One element: bytes `start` to `end`, its content `inside` to `close` (equal to `end` in an empty-element tag).

    `path` holds the local names from the root to it, `name` is as written, `scope` the namespaces in scope in it.
    """

    path: tuple[str, ...]
    name: str
    namespace: str
    scope: Mapping[str, str]
    attributes: Mapping[str, str]
    start: int
    inside: int
    close: int
    end: int

    @property
    def empty(self) -> bool:
        """Whether it is written as one empty-element tag."""
        return self.inside == self.end


def spans(data: bytes) -> list[Span]:
    """Every element of `data` in document order. Raises XmlRefused when it is not well-formed."""
    parser = expat_parser()
    found: dict[int, Span] = {}
    frames: list[tuple[tuple[str, ...], str, Mapping[str, str], Mapping[str, str], int]] = []

    def start(name: str, attributes: list[str]) -> None:
        plain = dict(zip(attributes[::2], attributes[1::2], strict=True))
        outer = frames[-1][2] if frames else {}
        declared = {name[6:]: uri for name, uri in plain.items() if name == "xmlns" or name.startswith("xmlns:")}
        path = (*(frames[-1][0] if frames else ()), name.rpartition(":")[2])
        frames.append((path, name, {**outer, **declared} if declared else outer, plain, parser.CurrentByteIndex))

    def end(_name: str) -> None:
        path, name, scope, attributes, begin = frames.pop()
        tag = START_TAG.match(data, begin)
        assert tag is not None  # expat has read it as one
        empty = tag.group().endswith(b"/>")
        close = tag.end() if empty else parser.CurrentByteIndex
        finish = close if empty else data.index(b">", close) + 1
        namespace = scope.get(name.rpartition(":")[0], "")
        found[begin] = Span(path, name, namespace, scope, attributes, begin, tag.end(), close, finish)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    run_expat(parser, data)
    return [found[begin] for begin in sorted(found)]


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """`data` with the bytes from `start` to `end` of each edit replaced; edits must not overlap."""
    parts, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        parts += [data[at:start], new]
        at = end
    return b"".join([*parts, data[at:]])


def with_texts(data: bytes, wanted: Callable[[Span], bool], new_text: Callable[[str], str]) -> bytes:
    """`data` with the texts of the leaf elements that are `wanted` replaced; elements with children are left alone."""
    edits: list[Edit] = []
    every = spans(data)
    for number, span in enumerate(every):
        has_children = number + 1 < len(every) and every[number + 1].start < span.close
        if span.empty or has_children or not wanted(span):
            continue
        old = _text(data[span.inside:span.close])
        new = new_text(old.strip())
        if new != old.strip():
            edits.append((span.inside, span.close, escaped(new).encode()))
    return edited(data, edits)


def renamed(data: bytes, name: str, declarations: Mapping[str, str] | None = None) -> bytes:
    """`data` with its root element called `name`, in no namespace or one that its prefix names in `declarations`."""
    root = spans(data)[0]
    tag = data[root.start:root.inside]
    tail = tag[1 + len(root.name.encode()):]
    if ":" not in name:
        tail = _DEFAULT.sub(rb'\1""', tail)
    for prefix, uri in (declarations or {}).items():
        if root.scope.get(prefix) != uri:
            tail = re.sub(rb"""\sxmlns:%b\s*=\s*("[^"]*"|'[^']*')""" % prefix.encode(), b"", tail)
            tail = f' xmlns:{prefix}="{quoted(uri)}"'.encode() + tail
    edits: list[Edit] = [(root.start, root.inside, b"<" + name.encode() + tail)]
    if not root.empty:
        edits.append((root.close, root.end, b"</" + name.encode() + b">"))
    return edited(data, edits)


def unqualified(data: bytes, namespaces: Collection[str]) -> bytes:
    """`data` with the elements of these namespaces in none, as VOResource has its inner elements."""
    edits: list[Edit] = []
    for span in spans(data):
        tag = data[span.start:span.inside]
        new = tag
        if span.namespace in namespaces:
            new = b"<" + span.path[-1].encode() + tag[1 + len(span.name.encode()):]
            if not span.empty:
                edits.append((span.close, span.end, f"</{span.path[-1]}>".encode()))
        if span.attributes.get("xmlns") in namespaces:
            new = _DEFAULT.sub(rb'\1""', new)
        if new != tag:
            edits.append((span.start, span.inside, new))
    return edited(data, edits)


def escaped(text: str, what: str = "A text") -> str:
    """`text` as the content of an element. Raises XmlRefused, naming `what`, for a character that XML cannot hold."""
    illegal = _ILLEGAL.search(text)
    if illegal:
        raise XmlRefused(f"{what} holds the character U+{ord(illegal.group()):04X}, which XML cannot: remove it.")
    return escape(text, {"\r": "&#13;"})


def quoted(text: str, what: str = "A text") -> str:
    """`text` as the value of an attribute in double quotes; raises as `escaped` does."""
    return escaped(text, what).translate({34: "&quot;", 10: "&#10;", 9: "&#9;"})


def _text(content: bytes) -> str:
    """What a leaf's content says, references and CDATA sections resolved."""
    parts: list[str] = []
    parser = expat_parser()
    parser.CharacterDataHandler = parts.append
    run_expat(parser, b"<t>" + content + b"</t>")
    return "".join(parts)
