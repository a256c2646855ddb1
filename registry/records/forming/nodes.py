"""A record taken apart for a form: each element that the form knows, with its values and its place in the bytes.

What the form does not know (other vocabularies, hidden elements, comments) is in no node and so is never touched.
`posting` puts what a person typed into the nodes, `rewriting` makes XML of them again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field as with_default

from lxml import etree

from registry.records.forming import words
from registry.records.forming.shape import Content, Field, Shapes
from vosi import namespaces as ns, xmlio
from vosi.spans import Span, spans

ROOT = "r"
TYPE = "@xsi:type"
# what is chosen for somebody who has chosen nothing, where the declared type itself cannot stand
_OUTER = ("Content", "Curation")  # what people do not see as a thing of its own
_USUAL = ("vs:ParamHTTP", "vs:VOTableType")


@dataclass
class Node:
    """One element. `token` tells it from its siblings of one name: its number in the base, or n1, n2 for new ones.

    `span` is its place in the base, None for a new one; `inside` are the spans of all elements directly in it.
    """

    field: Field
    content: Content
    token: str
    type: str = ""
    text: str = ""
    attributes: dict[str, str] = with_default(default_factory=dict)
    children: dict[str, list[Node]] = with_default(default_factory=dict)
    span: Span | None = None
    inside: tuple[Span, ...] = ()
    was: Node | None = None  # as it was read, its children as they are now; None for a new one
    was_blank: bool = False  # whether the base says nothing in it
    faults: list[str] = with_default(default_factory=list)

    def walk(self, path: str = ROOT) -> Iterator[tuple[str, Node]]:
        """Every node with its path, this one first."""
        yield path, self
        for name, nodes in self.children.items():
            for node in nodes:
                yield from node.walk(f"{path}/{name}.{node.token}")

    @property
    def blank(self) -> bool:
        """Whether nobody has said anything in it: no text, no attribute but fixed ones, in it or below."""
        said = (value for name, value in self.attributes.items() if value and not self.content.attributes[name][0].fixed)
        return not self.text and not any(said) and all(one.blank for nodes in self.children.values() for one in nodes)

    def group(self, name: str) -> list[Node]:
        """The children of that name, a list that may be changed."""
        return self.children.setdefault(name, [])


def read(shapes: Shapes, xml: bytes) -> Node:
    """The record in `xml` as nodes. Raises XmlRefused."""
    data = xmlio.root_of(xml)
    element = xmlio.parse(data)
    every = spans(data)
    pairs = dict(zip(element.iter(etree.Element), every, strict=True))
    type_ = ns.canonical_type(element)
    root = shapes.root(type_ if shapes.knows(type_) else "vr:Resource")
    return _read(shapes, root, element, pairs, "0")


def new(shapes: Shapes, field: Field, token: str, type_: str = "") -> Node:
    """An element that is not in the base yet, with the children that a form has to show."""
    chosen = type_ if type_ in field.choices else usual(field)
    node = Node(field, shapes.content(chosen or field.type), token, chosen)
    _fixed(node)
    complete(shapes, node)
    return node


def usual(field: Field) -> str:
    """The type that an element has at first."""
    if "" in field.choices or not field.choices:
        return ""
    return next((one for one in _USUAL if one in field.choices), field.choices[0])


def complete(shapes: Shapes, node: Node) -> None:
    """Give a form a blank place for each single text and each needed element that is not there."""
    for field in node.content.fields:
        nodes = node.group(field.name)
        if field.hidden or nodes:
            for one in nodes:
                complete(shapes, one)
            continue
        inner = shapes.content(field.type)
        plain = inner.text is not None and not field.choices and not (field.repeated and inner.attributes)
        if field.least or plain:
            nodes.append(new(shapes, field, "n1"))
    order = {field.name: number for number, field in enumerate(node.content.fields)}
    node.children = dict(sorted(node.children.items(), key=lambda one: order[one[0]]))


def retyped(shapes: Shapes, node: Node, type_: str) -> None:
    """Let the node be of another type; what that does not have is dropped."""
    node.type = type_
    node.content = shapes.content(type_ or node.field.type)
    names = {field.name: field for field in node.content.fields}
    node.children = {name: nodes for name, nodes in node.children.items() if name in names}
    node.attributes = {name: value for name, value in node.attributes.items() if name in node.content.attributes}
    if node.content.text is None:
        node.text = ""
    _fixed(node)
    complete(shapes, node)


def next_token(nodes: list[Node]) -> str:
    """A token that none of the nodes has."""
    numbers = [int(one.token[1:]) for one in nodes if re.fullmatch(r"n\d{1,6}", one.token)]
    return f"n{max(numbers, default=0) + 1}"


def at(root: Node, path: str) -> Node | None:
    """The node at `path`; None where there is none."""
    parts = path.split("/")
    if parts[0] != ROOT:
        return None
    node: Node | None = root
    for part in parts[1:]:
        name, _, token = part.rpartition(".")
        node = next((one for one in (node.children.get(name, []) if node else []) if one.token == token), None)
    return node


def label_at(root: Node, path: str) -> str:
    """What people call the field at `path`, with what it is in: `Contacts 2: Name`."""
    said: list[str] = []
    node: Node | None = root
    where = ROOT
    for part in path.split("/")[1:]:
        if part.startswith("@"):
            said.append(words.label(part[1:], True) if part != TYPE else "Kind")
            break
        name = part.rpartition(".")[0]
        group = node.children.get(name, []) if node else []
        where = f"{where}/{part}"
        node = at(root, where)
        number = f" {group.index(node) + 1}" if node in group and len(group) > 1 else ""
        said.append(words.label(name) + number)
    return ": ".join(said[-3:] if said and said[0] not in _OUTER else said[1:][-3:])


def values(root: Node) -> dict[str, str]:
    """All that is said, by path: texts, attributes, chosen types."""
    found: dict[str, str] = {}
    for path, node in root.walk():
        if node.content.text is not None and node.text:
            found[path] = node.text
        found |= {f"{path}/@{name}": value for name, value in node.attributes.items() if value}
        if node.type and path != ROOT:
            found[f"{path}/{TYPE}"] = node.type
    return found


def _fixed(node: Node) -> None:
    for name, (rule, _) in node.content.attributes.items():
        if rule.fixed and (node.was is None or node.was.type != node.type):
            node.attributes[name] = rule.fixed


def _read(shapes: Shapes, field: Field, element: etree._Element, places: Mapping[etree._Element, Span], token: str) -> Node:
    node = _one(shapes, field, element, places[element], token)
    node.inside = tuple(places[child] for child in element.iterchildren(etree.Element))
    names = {one.name: one for one in node.content.fields if not one.hidden}
    for child in element.iterchildren(etree.Element):
        known = names.get(str(child.tag))
        if known is not None:
            group = node.group(known.name)
            group.append(_read(shapes, known, child, places, str(len(group))))
    node.was, node.was_blank = _copy(node), node.blank
    return node


def _one(shapes: Shapes, field: Field, element: etree._Element, span: Span, token: str) -> Node:
    said = ns.canonical_type(element) if field.name != "Resource" else ""
    type_ = said if shapes.knows(said) else ""
    content = shapes.content(type_ or field.type)
    text = str(element.xpath("string()")) if content.text is not None else ""
    attributes = {str(name): str(value) for name, value in element.attrib.items() if name in content.attributes}
    return Node(field, content, token, type_, tidy(content, text), attributes, {}, span)


def tidy(content: Content, text: str) -> str:
    """A text as forms show it: one line, but where the type keeps its lines."""
    if content.text is not None and content.text.lines:
        return text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return " ".join(text.split())


def _copy(node: Node) -> Node:
    children = {name: list(nodes) for name, nodes in node.children.items()}
    return Node(node.field, node.content, node.token, node.type, node.text, dict(node.attributes), children, node.span)
