"""Takes a schema apart into its components, in a form in which two ways of writing the same thing are equal.

One text per global component: a line for each particle, attribute and facet, indented by depth. Documentation, the
order of attributes and enumerations, prefixes and values that are the default anyway do not count.
"""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from tests.vosi.judges import XS

_QNAMES = ("type", "base", "ref", "itemType", "substitutionGroup", "refer")
_DEFAULTS = {
    ("element", "minOccurs"): "1", ("element", "maxOccurs"): "1", ("element", "nillable"): "false",
    ("element", "abstract"): "false", ("complexType", "abstract"): "false", ("complexType", "mixed"): "false",
    ("attribute", "use"): "optional", ("any", "minOccurs"): "1", ("any", "maxOccurs"): "1",
    ("any", "namespace"): "##any", ("any", "processContents"): "strict", ("anyAttribute", "namespace"): "##any",
    ("anyAttribute", "processContents"): "strict", ("sequence", "minOccurs"): "1", ("sequence", "maxOccurs"): "1",
    ("choice", "minOccurs"): "1", ("choice", "maxOccurs"): "1",
}
_UNORDERED = frozenset({"attribute", "attributeGroup", "enumeration", "unique", "key", "keyref"})
_SILENT = frozenset({"annotation", "import", "include"})


def components(file: Path) -> dict[str, str]:
    """Each global component of the schema in `file`, such as `complexType Resource`, as its normal text."""
    schema = etree.parse(file).getroot()
    forms = {kind: schema.get(f"{kind}FormDefault", "unqualified") for kind in ("element", "attribute")}
    found = {}
    for child in schema.iterchildren(etree.Element):
        kind = etree.QName(child).localname
        if kind not in _SILENT:
            found[f"{kind} {child.get('name')}"] = "\n".join(_lines(child, 0, forms, schema.get("targetNamespace", "")))
    return found


def _lines(node: etree._Element, depth: int, forms: dict[str, str], target: str) -> list[str]:
    children = [_lines(child, depth + 1, forms, target) for child in _content(node)]
    ordered = [lines for lines in children if lines[0].split()[0] not in _UNORDERED]
    rest = sorted(lines for lines in children if lines[0].split()[0] in _UNORDERED)
    own = f"{'  ' * depth}{etree.QName(node).localname} {' '.join(_said(node, depth, forms, target))}".rstrip()
    return [own, *(line for lines in ordered + rest for line in lines)]


def _content(node: etree._Element) -> list[etree._Element]:
    """What counts below `node`: a sequence in a sequence is its members, an empty one nothing."""
    found = []
    for child in node.iterchildren(etree.Element):
        kind = etree.QName(child).localname
        if kind in _SILENT:
            continue
        once = child.get("minOccurs", "1") == child.get("maxOccurs", "1") == "1"
        if kind == "sequence" and not _content(child):
            continue
        if kind == "sequence" and once and etree.QName(node).localname == "sequence":
            found += _content(child)
        else:
            found.append(child)
    return found


def _said(node: etree._Element, depth: int, forms: dict[str, str], target: str) -> list[str]:
    kind = etree.QName(node).localname
    said = []
    for name, value in node.attrib.items():
        if name in ("id", "form") or name.startswith("{") or _DEFAULTS.get((kind, name)) == value:
            continue
        if name in _QNAMES:
            value = _resolved(node, value)
        elif name == "memberTypes":
            value = " ".join(_resolved(node, one) for one in value.split())
        said.append(f"{name}={value}")
    if kind in forms and depth and node.get("name"):
        said.append(f"form={node.get('form', forms[kind])}")
    return sorted(said)


def _resolved(node: etree._Element, name: str) -> str:
    prefix, _, local = name.strip().rpartition(":")
    uri = node.nsmap.get(prefix or None, "")
    return f"xs:{local}" if uri == XS else f"{{{uri}}}{local}"
