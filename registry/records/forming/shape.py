"""What a form of a record asks for, read from the schemas: fields, their rules, how often, in which words.

Built once per folder of schemas and process, by xmlschema (decision D10), as that takes half a second. It knows no
record: `nodes` puts the values of one into it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xmlschema
from lxml import etree

from registry.records.forming import words
from vosi import namespaces as ns
from vosi.schemas import Schemas

_XS = "{http://www.w3.org/2001/XMLSchema}"
# judgements of others, and what the life of a record changes: kept as they are
HIDDEN = frozenset({"validationLevel", "identifier"})
_HIDDEN_ATTRIBUTES = frozenset({"status", "created", "updated", "version"})
_LARGEST_ENUMERATION = 60


@dataclass(frozen=True)
class Rule:
    """What a text has to be: `words` for people; `options` where it is one of few; `lines` where it may have several."""

    type: str
    words: str
    options: tuple[str, ...] = ()
    longest: int | None = None
    lines: bool = False
    fixed: str = ""
    default: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Field:
    """An element that may stand in another: `most` is None for any number, `choices` the types to choose among.

    The choice '' stands for the declared type itself. `foreign` ones are of vocabularies that have no form.
    """

    name: str
    type: str
    least: int
    most: int | None
    about: str
    choices: tuple[str, ...] = ()
    foreign: bool = False

    @property
    def hidden(self) -> bool:
        """Whether no form shows it: it is kept as it is."""
        return self.foreign or self.name in HIDDEN

    @property
    def repeated(self) -> bool:
        """Whether it may stand more than once."""
        return self.most is None or self.most > 1


@dataclass(frozen=True)
class Content:
    """What is inside an element of one type: a text, attributes, elements in the order of the schema."""

    text: Rule | None
    attributes: dict[str, tuple[Rule, str]]
    fields: tuple[Field, ...]


class Shapes:
    """The types of one folder of schemas. Threads may share it."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._contents: dict[str, Content] = {}
        self._anonymous: dict[str, Any] = {}
        self.lock = threading.RLock()

    @cached_property
    def schema(self) -> Any:
        """All schemas of the folder as one, for xmlschema."""
        folder = self._schemas.folder
        root = etree.Element(f"{_XS}schema", nsmap={"xs": _XS[1:-1]})
        for name, editions in self._schemas.catalog["files"].items():
            location = (folder / editions[0]["file"]).resolve().as_uri()
            etree.SubElement(root, f"{_XS}import", namespace=name, schemaLocation=location)
        text = etree.tostring(root, encoding="unicode")
        return xmlschema.XMLSchema10(text, base_url=folder.resolve().as_uri(), allow="local", defuse="always")

    def content(self, type_: str) -> Content:
        """What an element of this type holds; `type_` as Field and `types` name it, a plain resource where unknown."""
        with self.lock:
            if type_ not in self._contents:
                self._contents[type_] = self._made(self._found(type_) or self._found("vr:Resource"))
            return self._contents[type_]

    def knows(self, type_: str) -> bool:
        """Whether there is such a type."""
        with self.lock:
            return self._found(type_) is not None

    def root(self, type_: str) -> Field:
        """The field that a whole record of the type `type_` is."""
        return Field("Resource", type_, 1, 1, self._about(self._found(type_)))

    def _found(self, type_: str) -> Any:
        if type_ in self._anonymous:
            return self._anonymous[type_]
        prefix, _, local = type_.rpartition(":")
        if prefix == "xs":
            return self.schema.maps.types.get(_XS + local)
        uri = ns.WRITTEN.get(prefix)
        return self.schema.maps.types.get(f"{{{uri}}}{local}") if uri else None

    def _made(self, xsd: Any) -> Content:
        if xsd.is_simple():
            return Content(_rule(xsd, self._name(xsd)), {}, ())
        text = _rule(xsd.content, self._name(xsd)) if xsd.has_simple_content() else None
        return Content(text, dict(self._attributes(xsd)), () if text else tuple(self._fields(xsd)))

    def _attributes(self, xsd: Any) -> Iterator[tuple[str, tuple[Rule, str]]]:
        for name, attribute in xsd.attributes.items():
            if name is None or name.startswith("{") or (name in _HIDDEN_ATTRIBUTES and self._is_record(xsd)):
                continue
            rule = _rule(attribute.type, self._name(attribute.type), attribute)
            yield name, (rule, _documentation(attribute))

    def _is_record(self, xsd: Any) -> bool:
        return bool(xsd.is_derived(self._found("vr:Resource")))

    def _fields(self, xsd: Any) -> Iterator[Field]:
        for element in xsd.content.iter_elements():
            if not hasattr(element, "type") or element.name is None:
                continue  # a wildcard
            foreign = element.name.startswith("{")
            least, most = element.min_occurs, element.max_occurs
            if element.ref is not None and element.parent is not None:
                least = 0
            choices = () if foreign else tuple(self._choices(element.type))
            yield Field(etree.QName(element.name).localname, self._name(element.type), least, most,
                        _documentation(element) or self._about(element.type), choices, foreign)

    def _choices(self, xsd: Any) -> Iterator[str]:
        """The types that may stand for a declared one; none where there is no choice."""
        if xsd.is_simple() or xsd.name is None or xsd.name.startswith(_XS):
            return
        derived = [other for other in self.schema.maps.types.values()
                   if other is not xsd and other.is_complex() and not other.abstract and other.name
                   and other.is_derived(xsd) and etree.QName(other.name).namespace in ns.WRITTEN.values()]
        if derived and not xsd.abstract:
            yield ""
        yield from sorted(self._name(other) for other in derived)

    def _name(self, xsd: Any) -> str:
        if xsd.name is None:
            name = f"#{id(xsd)}"
            self._anonymous[name] = xsd
            return name
        found = etree.QName(xsd.name)
        prefix = "xs" if xsd.name.startswith(_XS) else ns.PREFIXES.get(found.namespace or "", "")
        return f"{prefix}:{found.localname}"

    def _about(self, xsd: Any) -> str:
        return _documentation(xsd) if xsd is not None and not (xsd.name or "").startswith(_XS) else ""


_LOADED: dict[str, Shapes] = {}
_LOADING = threading.Lock()


def shapes(schemas: Schemas) -> Shapes:
    """Those of the folder, made once per process."""
    with _LOADING:
        found = _LOADED.get(str(schemas.folder))
        if found is None:
            found = _LOADED[str(schemas.folder)] = Shapes(schemas)
    with found.lock:
        found.schema  # noqa: B018 - whoever comes second waits for the first
    return found


def _documentation(component: Any) -> str:
    annotation = component.annotation
    if annotation is None:
        return ""
    return " ".join(" ".join(str(part.text or "") for part in annotation.documentation).split())


def _rule(xsd: Any, name: str, attribute: Any = None) -> Rule:
    """The rule of a simple type, of an attribute where one is given."""
    options = tuple(str(one) for one in (getattr(xsd, "enumeration", None) or ()))
    patterns = getattr(getattr(xsd, "patterns", None), "regexps", None) or []
    longest = getattr(xsd, "max_length", None)
    root = _builtin(xsd)
    if root == "boolean":
        options = ("true", "false")
    given = {} if attribute is None else {
        "fixed": attribute.fixed or "", "default": attribute.default or "", "needed": attribute.use == "required"}
    said = words.rule(name, root, options, longest, patterns)
    return Rule(name, said, options if len(options) <= _LARGEST_ENUMERATION else (), longest,
                root == "string" and attribute is None and not options, **given)


def _builtin(xsd: Any) -> str:
    """The local name of the nearest type of XML Schema itself that `xsd` restricts."""
    while xsd is not None:
        if (xsd.name or "").startswith(_XS):
            return str(xsd.name[len(_XS):])
        if getattr(xsd, "member_types", None):
            return "union"
        base = getattr(xsd, "base_type", None)
        xsd = base.content if base is not None and base.is_complex() and base.has_simple_content() else base
    return "token"
