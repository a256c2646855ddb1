"""Nodes written back: the bytes of the base changed where a value differs from what was read, and nowhere else.

New elements stand where the schema has them, in the layout of their neighbours. It does not judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from registry.records.forming.nodes import Node
from vosi import namespaces as ns
from vosi.amend import ATTRIBUTE
from vosi.spans import Edit, Span, edited, escaped, quoted

_STEP = b"  "


def written(base: bytes, root: Node) -> bytes:
    """The record that the nodes say, from the bytes that they were read from."""
    promised = _promised(root)
    return edited(base, _edits(_Base(base, promised), root))


@dataclass(frozen=True)
class _Base:
    """The bytes that are changed, and the prefixes that the root is going to declare besides its own."""

    data: bytes
    promised: dict[str, str]


def _promised(root: Node) -> dict[str, str]:
    """What the types of new elements need and the root does not declare; a prefix that it uses otherwise is not taken."""
    assert root.span is not None
    types = [node.type for _, node in root.walk() if node.type and (node.was is None or node.was.type != node.type)
             and stays(node)]
    wanted = {name[6:]: uri for name, uri in ns.declarations(types, ("xsi",) if types else ()).items()}
    return {prefix: uri for prefix, uri in wanted.items() if prefix not in root.span.scope}


def stays(node: Node) -> bool:
    """Whether the node is an element of what is written."""
    if not node.blank:
        return True
    if node.span is None or node.was is None:
        return False
    # said nothing before either, or holds what no form knows
    return node.was_blank or _foreign(node) or (bool(node.field.least) and not node.field.repeated and bool(node.content.fields))


def _foreign(node: Node) -> bool:
    known = {id(child.span) for nodes in (node.was or node).children.values() for child in nodes}
    return any(id(span) not in known for span in node.inside)


def _edits(base: _Base, node: Node) -> list[Edit]:
    """What has to change inside an element of the base."""
    span, was = node.span, node.was
    assert span is not None and was is not None
    edits: list[Edit] = []
    pieces: list[tuple[int, bytes]] = []
    for number, field in enumerate(node.content.fields):
        if not field.hidden:
            edits += _group_edits(base, node, field.name, number, pieces)
    edits += [(_before_space(base, one.start), one.end, b"")
              for name, nodes in was.children.items() if name not in {field.name for field in node.content.fields}
              for other in nodes if (one := other.span) is not None]
    body = b""
    if node.content.text is not None and node.text != was.text:
        body = escaped(node.text).encode()
        if not span.empty:
            edits.append((span.inside, span.close, body))
    tag = _tag(base, node)
    if span.empty and (body or pieces):
        inner = body + b"".join(piece for _, piece in pieces)
        after = _space(base, span) if pieces else b""
        whole = tag.rstrip(b"/>").rstrip() + b">" + inner + after + f"</{span.name}>".encode()
        edits.append((span.start, span.end, whole))
        return edits
    if tag != base.data[span.start:span.inside]:
        edits.append((span.start, span.inside, tag))
    return edits + [(place, place, piece) for place, piece in pieces]


def _group_edits(base: _Base, node: Node, name: str, number: int, pieces: list[tuple[int, bytes]]) -> list[Edit]:
    """The edits of one name's elements; what is put in where none stood goes to `pieces`."""
    assert node.was is not None
    old = [one for one in node.was.children.get(name, []) if one.span is not None]
    now = [one for one in node.children.get(name, []) if stays(one)]
    kept = [one for one in now if one.span is not None]
    alive = {one.token for one in kept}
    edits: list[Edit] = []
    if [one.token for one in kept] == [one.token for one in old if one.token in alive] and _new_are_last(now):
        for one in old:
            if one.token not in alive and one.span is not None:
                edits.append((_before_space(base, one.span.start), one.span.end, b""))
        for one in kept:
            edits += _edits(base, one)
        _put_in(base, node, number, [one for one in now if one.span is None], pieces)
        return edits
    for slot, one in zip(old, now, strict=False):
        assert slot.span is not None
        edits.append((slot.span.start, slot.span.end, _whole(base, node, one, _space(base, slot.span))))
    for slot in old[len(now):]:
        assert slot.span is not None
        edits.append((_before_space(base, slot.span.start), slot.span.end, b""))
    _put_in(base, node, number, now[len(old):], pieces)
    return edits


def _new_are_last(now: list[Node]) -> bool:
    new = [one.span is None for one in now]
    return new == sorted(new)


def _put_in(base: _Base, node: Node, number: int, new: list[Node], pieces: list[tuple[int, bytes]]) -> None:
    """Put elements behind what the schema has before them, in the layout of their neighbours."""
    if not new:
        return
    span = node.span
    assert span is not None
    before = {field.name for field in node.content.fields[:number + 1]}
    anchors = [one for one in node.inside if one.path[-1] in before]
    like = anchors[-1] if anchors else node.inside[0] if node.inside else None
    space = _space(base, like) if like else _deeper(_space(base, span))
    place = anchors[-1].end if anchors else span.inside
    for one in new:
        pieces.append((place, space + _whole(base, node, one, space)))


def _whole(base: _Base, parent: Node, node: Node, space: bytes) -> bytes:
    """One element as it is to stand: the bytes it had with its changes, or new ones."""
    if node.span is not None:
        start, end = node.span.start, node.span.end
        return edited(base.data[start:end], [(one - start, two - start, new) for one, two, new in _edits(base, node)])
    scope = {**base.promised, **(parent.span.scope if parent.span is not None else {})}
    return _made(node, scope, space)


def _made(node: Node, scope: dict[str, str], space: bytes) -> bytes:
    """A new element."""
    said = ""
    if scope.get(""):
        said, scope = ' xmlns=""', {**scope, "": ""}
    if node.type:
        declared, scope = _declared(node.type, scope)
        said += declared + f' xsi:type="{quoted(node.type)}"'
    said += "".join(f' {name}="{quoted(value)}"' for name, value in _ordered(node) if value)
    name = node.field.name
    inner = list(_inner(node, scope, _deeper(space)))
    if node.content.text is not None and node.text:
        return f"<{name}{said}>{escaped(node.text)}</{name}>".encode()
    if not inner:
        return f"<{name}{said}/>".encode()
    return f"<{name}{said}>".encode() + b"".join(inner) + space + f"</{name}>".encode()


def _inner(node: Node, scope: dict[str, str], space: bytes) -> Iterator[bytes]:
    for field in node.content.fields:
        for child in node.children.get(field.name, []):
            if stays(child):
                yield space + _made(child, scope, space)


def _declared(type_: str, scope: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The declarations that a type needs and that are not in scope, and the scope with them."""
    wanted = {name[6:]: uri for name, uri in ns.declarations((type_,), ("xsi",)).items()}
    missing = {prefix: uri for prefix, uri in wanted.items() if scope.get(prefix) != uri}
    return "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in missing.items()), {**scope, **missing}


def _ordered(node: Node) -> Iterator[tuple[str, str]]:
    for name in sorted(node.content.attributes):
        yield name, node.attributes.get(name, "")


def _tag(base: _Base, node: Node) -> bytes:
    """The start tag of an element of the base, with its attributes as they are now."""
    span, was = node.span, node.was
    assert span is not None and was is not None
    tag = base.data[span.start:span.inside]
    changed = {name: node.attributes.get(name, "") for name in {*node.attributes, *was.attributes}
               if node.attributes.get(name, "") != was.attributes.get(name, "")}
    if node.type != was.type:
        tag = _with_type(base, tag, node, span)
    if not node.field.choices and node.token == "0" and node.field.name == "Resource":
        tag = _declaring(tag, span, base.promised)
    for name in sorted(changed):
        tag = _with(tag, span, name, changed[name])
    return tag


def _declaring(tag: bytes, span: Span, wanted: dict[str, str]) -> bytes:
    said = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in wanted.items())
    head = 1 + len(span.name.encode())
    return tag[:head] + said.encode() + tag[head:]


def _with_type(base: _Base, tag: bytes, node: Node, span: Span) -> bytes:
    if not node.type:
        return _with(tag, span, "xsi:type", "")
    declared, _ = _declared(node.type, {**base.promised, **span.scope})
    tag = _with(tag, span, "xsi:type", node.type)
    head = 1 + len(span.name.encode())
    return tag[:head] + declared.encode() + tag[head:]


def _with(tag: bytes, span: Span, name: str, value: str) -> bytes:
    said = f' {name}="{quoted(value)}"'.encode() if value else b""
    place = len(span.name.encode()) + 1
    while found := ATTRIBUTE.match(tag, place):
        written_as = found.group(1).decode("utf-8", "replace")
        if written_as == name or (name == "xsi:type" and _is_type(written_as, span)):
            return tag[:found.start()] + said + tag[found.end():]
        place = found.end()
    return tag[:place] + said + tag[place:]


def _is_type(written_as: str, span: Span) -> bool:
    prefix, _, local = written_as.rpartition(":")
    return local == "type" and span.scope.get(prefix) == ns.XSI


def _space(base: _Base, span: Span) -> bytes:
    """The white space before an element."""
    return base.data[_before_space(base, span.start):span.start]


def _before_space(base: _Base, start: int) -> int:
    while start and base.data[start - 1] in b" \t\n":
        start -= 1
    return start


def _deeper(space: bytes) -> bytes:
    return space + _STEP if b"\n" in space else b""
