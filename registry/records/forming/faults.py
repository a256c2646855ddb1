"""What is wrong with a record, by the field that it is wrong in: said by the schemas, worded for who fills in the form.

lxml's schema decides whether there is a fault (decision D10); xmlschema finds the field and the rule. What may be
published besides is `publish`'s to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import xmlschema
from lxml import etree

from registry.records.forming import words
from registry.records.forming.nodes import ROOT, TYPE, Node, label_at
from registry.records.forming.rewriting import stays
from registry.records.forming.shape import Field, Rule, Shapes
from vosi.schemas import Problem, Schemas

MOST = 200  # faults that are told
_OF_ATTRIBUTE = re.compile(r"attribute ([A-Za-z:-]+)=")


@dataclass(frozen=True)
class Fault:
    """One fault: `path` of the field, '' where it is in none that the form shows; `label` is what people call that."""

    path: str
    label: str
    what: str


def found(schemas: Schemas, shapes: Shapes, element: etree._Element, root: Node) -> list[Fault]:
    """The faults of the record `element`, which was written from `root`; one for each field at most, in their order."""
    said: dict[str, Fault] = {}
    for path, node in root.walk():
        for what in node.faults:
            said.setdefault(path, Fault(path, words.label(node.field.name), what))
    missing = list(_missing(root, ROOT))
    for fault in missing:
        said.setdefault(fault.path, fault)
    problems = schemas.validate(element)
    if problems:
        for fault in _explained(shapes, element, root, [one.path for one in missing]):
            said.setdefault(fault.path or fault.what, fault)
        if not said:
            said |= {one.what: Fault("", one.where, one.what) for one in problems}
    order = {path: number for number, (path, _) in enumerate(root.walk())}
    named = [replace(one, label=label_at(root, one.path)) if one.path not in ("", ROOT) else one for one in said.values()]
    return sorted(named, key=lambda one: order.get(one.path.partition("/@")[0], len(order)))[:MOST]


def placed(root: Node, problems: tuple[Problem, ...]) -> list[Fault]:
    """Faults that others found, at the fields that they name."""
    by_name: dict[str, str] = {}
    for path, node in root.walk():
        by_name.setdefault(node.field.name, path)
    return [Fault(by_name.get(one.field, ""), words.label(one.field) if one.field else "The record", one.what)
            for one in problems]


def _missing(node: Node, path: str, needed: bool = True) -> Iterator[Fault]:
    """Needed elements and attributes that are not there; nothing of an element that may be left out, and is."""
    if not needed and not stays(node):
        return
    for name, (rule, _) in node.content.attributes.items():
        if rule.needed and not node.attributes.get(name):
            yield Fault(f"{path}/@{name}", words.label(name, True), f"This is needed: {rule.words}.")
    if node.content.text is not None and not node.text and path != ROOT and node.content.text.options:
        yield Fault(path, words.label(node.field.name), f"Choose {node.content.text.words}.")
    for field in node.content.fields:
        if field.hidden:
            continue
        nodes = node.children.get(field.name, [])
        if field.least and not any(stays(one) for one in nodes):
            yield from _none(node, field, nodes, path)
            continue
        for one in nodes:
            yield from _missing(one, f"{path}/{field.name}.{one.token}", False)


def _none(node: Node, field: Field, nodes: list[Node], path: str) -> Iterator[Fault]:
    """What has to be filled in so that there is one of a needed element, of which there is none."""
    if not nodes:
        yield Fault(path, words.label(field.name), f"{words.label(field.name)} is needed.")
        return
    first = f"{path}/{field.name}.{nodes[0].token}"
    inside = list(_missing(nodes[0], first)) if nodes[0].content.text is None else []
    yield from inside or [Fault(first, words.label(field.name), "This is needed.")]


def _explained(shapes: Shapes, element: etree._Element, root: Node, missing: list[str]) -> Iterator[Fault]:
    """What xmlschema finds; an incomplete element whose missing ones are told already is not told again."""
    places = dict(_places(element, root, ROOT))
    by_path = dict(root.walk())
    with shapes.lock:
        try:
            errors = list(islice(shapes.schema.iter_errors(element), MOST))
        except xmlschema.XMLSchemaException:  # it raises, instead of reporting, for an unknown xsi:type
            return
    for error in errors:
        path = places.get(error.elem, "")
        reason = error.reason or ""
        incomplete = "is not complete" in reason or "Unexpected child" in reason
        if not (incomplete and any(one.startswith(f"{path}/") for one in missing)):
            yield _worded(error, path, by_path.get(path))


def _worded(error: Any, path: str, node: Node | None) -> Fault:
    reason = str(error.reason or error.message)
    attribute = _OF_ATTRIBUTE.match(reason)
    rule: Rule | None = None
    label = words.label(node.field.name) if node else "The record"
    if node is not None and attribute is not None:
        name = attribute.group(1)
        if name in node.content.attributes:
            rule, label, path = node.content.attributes[name][0], words.label(name, True), f"{path}/@{name}"
        elif name == "xsi:type":
            path = f"{path}/{TYPE}"
    elif node is not None:
        rule = node.content.text
    longest = rule.longest if rule else None
    if longest and isinstance(error.obj, str) and len(error.obj) > longest:
        return Fault(path, label, f"{longest} characters at most, and these are {len(error.obj)}.")
    if rule is not None and "missing required attribute" not in reason:
        return Fault(path, label, f"Give {rule.words}.")
    return Fault(path, label, f"{reason[:1].upper()}{reason[1:300].rstrip('.')}.")


def _places(element: etree._Element, node: Node, path: str) -> Iterator[tuple[etree._Element, str]]:
    """Which field each element of the written record is."""
    yield element, path
    for name, nodes in node.children.items():
        written = [one for one in nodes if stays(one)]
        for child, one in zip(element.iterchildren(name), written, strict=False):
            yield from _places(child, one, f"{path}/{name}.{one.token}")
