"""Nodes as a page draws them: sections, fields with their words, what can be added, what was wrong. It decides no look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field as with_default

from registry.records.forming import vocabulary, words
from registry.records.forming.faults import Fault
from registry.records.forming.nodes import ROOT, TYPE, Node
from registry.records.forming.shape import Field, Rule

LARGEST = 3_000  # elements below one field that a form shows
IMPORTED, GUESSED, MISSING = "imported", "guessed", "missing"
# attributes that stand beside their element; others wait behind `More`
_BESIDE = frozenset({"use", "role", "rightsURI", "standardID", "format", "frame", "unit", "arraysize", "type",
                     "status", "namespace", "title"})
_NAMED = frozenset({"publisher", "managingOrg", "relatedResource", "dataModel", "uploadMethod"})  # often by an identifier
_PROMINENT = frozenset({"email", "creator", "date", "interface", "table", "column"})  # never behind `More`
_FEW = 3  # groups of one name that are shown open
_SECTIONS = {
    "Name": ("title", "shortName", "altIdentifier"), "What it is": ("content",), "Who is behind it": ("curation",),
    "Registry": ("full", "managedAuthority"), "Managed by": ("managingOrg",),
    "Versions": ("endorsedVersion", "deprecated"), "Capabilities": ("capability",), "Interfaces": ("interface",),
    "Terms": ("key",), "Schemas": ("schema",), "Rights": ("rights",), "Access": ("accessURL", "format"),
    "Coverage": ("coverage",), "Facilities and instruments": ("facility", "instrument"), "Tables": ("tableset",),
}


@dataclass
class Shown:
    """One field. `kind`: text, lines, choice, group, many (elements of one name), absent, kept (too large to show)."""

    kind: str
    path: str
    label: str
    about: str = ""
    words: str = ""
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    suggestions: str = ""
    needed: bool = False
    fixed: bool = False
    fault: str = ""
    mark: str = ""
    items: list[Shown] = with_default(default_factory=list)
    beside: list[Shown] = with_default(default_factory=list)
    more: list[Shown] = with_default(default_factory=list)
    add: tuple[tuple[str, str], ...] = ()
    remove: str = ""
    up: str = ""
    marker: str = ""
    text: str = ""
    bare: bool = False  # its section is called as it is
    closed: bool = False
    noted: str = ""  # the id of the note that describes it, where that is another's

    @property
    def note(self) -> str:
        """The id of the note that describes it; '' for none."""
        return self.noted or (f"{self.id}_note" if self.about or self.words else "")

    @property
    def id(self) -> str:
        """Its id in the page."""
        return identify(self.path)

    @property
    def faulty(self) -> bool:
        """Whether something is wrong in it or below."""
        return bool(self.fault) or any(one.faulty for one in (*self.items, *self.beside, *self.more))


@dataclass(frozen=True)
class Section:
    """A part of the form under one heading."""

    title: str
    fields: list[Shown]

    @property
    def id(self) -> str:
        """Its id in the page."""
        return "part-" + re.sub(r"[^a-z]+", "-", self.title.lower())

    @property
    def faulty(self) -> bool:
        """Whether something is wrong in it."""
        return any(one.faulty for one in self.fields)


def name_of(shown: Shown) -> str:
    """The element that a field is."""
    return shown.path.rpartition("/")[2].partition(".")[0]


def _gist(node: Node) -> str:
    """A few words by which people know one of many."""
    said = [node.attributes.get("standardID", ""), *(one.text for _, one in node.walk()), *node.attributes.values()]
    gist = next((one for one in said if one), "")
    return gist if len(gist) <= 50 else f"{gist[:47]}..."


def identify(path: str) -> str:
    """The id of the field at `path`; the script makes the same."""
    return "f_" + re.sub(r"[^A-Za-z0-9]", "_", path)


def sections(root: Node, faults: Iterable[Fault] = (), marks: Mapping[str, str] | None = None) -> list[Section]:
    """The form of a whole record. `marks` says of paths, and of all below, where their values are from."""
    drawer = _Drawer({one.path: one.what for one in reversed(list(faults))}, marks or {})
    by_name = {name_of(one): one for one in drawer.fields(root, ROOT)}
    made = []
    for title, names in _SECTIONS.items():
        inside = [by_name.pop(name) for name in names if name in by_name]
        if len(inside) == 1 and inside[0].kind == "group" and names[0] in ("content", "curation"):
            inside = [*inside[0].items, *([_rest(inside[0])] if inside[0].more else [])]
        if inside:
            inside[0].bare = len(inside) == 1 and inside[0].label == title
            made.append(Section(title, inside))
    return [*made, *([Section("More", list(by_name.values()))] if by_name else [])]


def _rest(group: Shown) -> Shown:
    return Shown("more", f"{group.path}/more", "More", more=group.more)


class _Drawer:
    def __init__(self, faults: Mapping[str, str], marks: Mapping[str, str]) -> None:
        self._faults, self._marks = faults, marks

    def fields(self, node: Node, path: str) -> Iterator[Shown]:
        """The fields inside a group."""
        for field in node.content.fields:
            if not field.hidden:
                yield self._field(node, field, path)

    def _field(self, node: Node, field: Field, path: str) -> Shown:
        nodes = node.children.get(field.name, [])
        if sum(1 for one in nodes for _ in one.walk()) > LARGEST:
            return self._kept(field, nodes, path)
        marker = f"{path}/{field.name}."
        single = not field.repeated
        if single and nodes:
            only = self._element(node, nodes[0], f"{marker}{nodes[0].token}", marker)
            if only.kind == "group" and not field.least:
                only.remove, only.marker = only.path, marker
            return only
        about = field.about
        # one that is not there has no number of its own yet
        shown = Shown("absent" if single else "many", f"{marker}n0", words.label(field.name), about, marker=marker,
                      needed=field.least > 0, add=self._adding(field, path),
                      mark=self._mark(f"{path}/{field.name}") if nodes else "",
                      fault=self._faults.get(f"{marker}n0", ""))
        for number, one in enumerate(nodes):
            item = self._element(node, one, f"{marker}{one.token}", marker)
            item.remove = item.path
            item.up = item.path if number else ""
            item.text = f"{words.one_of(field.name)} {number + 1}"
            item.closed = len(nodes) > _FEW and item.kind == "group" and one.was is not None
            if item.kind == "group" and not one.blank:
                item.text += f": {_gist(one)}"
            if item.kind != "group":
                shown.words, item.about, item.words = item.words, "", ""
            item.noted = shown.note
            shown.items.append(item)
        return shown

    def _kept(self, field: Field, nodes: list[Node], path: str) -> Shown:
        number = sum(1 for one in nodes for _ in one.walk())
        return Shown("kept", f"{path}/{field.name}.0", words.label(field.name), field.about,
                     text=f"It holds {number} elements, more than a form shows: it stays as it is. Change it as XML.")

    def _adding(self, field: Field, path: str) -> tuple[tuple[str, str], ...]:
        act = f"add:{path}/{field.name}"
        one = words.one_of(field.name)
        if field.repeated and field.choices:
            return tuple((f"{act}.{choice}", words.choice(choice)) for choice in field.choices)
        return ((f"{act}.", f"Add {'an' if one[:1] in 'aeiou' else 'a'} {one}"),)

    def _element(self, parent: Node, node: Node, path: str, marker: str) -> Shown:
        field = node.field
        shown = Shown("group", path, words.label(field.name), field.about, needed=field.least > 0,
                      fault=self._faults.get(path, ""), mark="" if node.blank else self._mark(path))
        if field.choices:
            kinds = tuple((one, words.choice(one)) for one in field.choices)
            shown.beside.append(Shown("choice", f"{path}/{TYPE}", "Kind", options=kinds, value=node.type, needed=True,
                                      fault=self._faults.get(f"{path}/{TYPE}", "")))
        for name, (rule, about) in node.content.attributes.items():
            one = self._attribute(node, path, name, rule, about)
            if field.name == "name" and not (one.value or one.fault):
                continue  # whoever is named has these themselves
            near = name in _BESIDE or (name == "ivo-id" and field.name in _NAMED)
            (shown.beside if one.value or rule.needed or near else shown.more).append(one)
        if node.content.text is not None:
            self._text(shown, parent, node, node.content.text)
            return shown
        for one in self.fields(node, path):
            blank = not one.needed and field.name != "Resource" and name_of(one) not in _PROMINENT and all(
                other.blank for other in node.children.get(name_of(one), []))
            (shown.more if blank and not one.fault else shown.items).append(one)
        # the address is what a capability is asked for first, needed or not
        shown.items.sort(key=lambda one: (name_of(one) != "interface", not one.needed))
        return shown

    def _text(self, shown: Shown, parent: Node, node: Node, rule: Rule) -> None:
        shown.kind = "choice" if rule.options else "lines" if rule.lines and node.field.name in _LONG else "text"
        shown.words, shown.value = rule.words, node.text
        shown.options = tuple((one, one) for one in rule.options)
        shown.suggestions = vocabulary.list_for(parent.field.name, node.field.name)
        if shown.needed and not shown.value and self._marks:
            shown.mark = MISSING

    def _attribute(self, node: Node, path: str, name: str, rule: Rule, about: str) -> Shown:
        place = f"{path}/@{name}"
        return Shown("choice" if rule.options else "text", place, words.label(name, True), about, rule.words,
                     node.attributes.get(name, ""), tuple((one, one) for one in rule.options),
                     vocabulary.list_for(node.field.name, f"@{name}"), rule.needed, bool(rule.fixed),
                     self._faults.get(place, ""))

    def _mark(self, path: str) -> str:
        """What is said of the path, or of what it is in."""
        while path:
            found = self._marks.get(path) or self._marks.get(path.rpartition(".")[0])
            if found:
                return found
            path = path.rpartition("/")[0]
        return ""


_LONG = frozenset({"description", "spatial"})
