"""Judges documents by the schemas in resources/xsd: a list of problems, and never an exception for bad input.

Which file stands for which namespace is in the folder's catalog.json. A profile is a choice among editions of one
namespace: `recommended` is what we publish in, `harvest` what other registries' records are also held to.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from lxml import etree

from vosi import namespaces as ns

RECOMMENDED, HARVEST = "recommended", "harvest"
MAX_PROBLEMS = 50

_CHECKOUT = Path(__file__).resolve().parent.parent / "resources" / "xsd"
DEFAULT_FOLDER = _CHECKOUT if _CHECKOUT.is_dir() else Path(sys.prefix) / "share" / "innerspace" / "xsd"
_XS = "http://www.w3.org/2001/XMLSchema"
_CLARK = re.compile(r"\{[^}]*\}")
_DECLARED = re.compile(rb' xmlns(?::[^\s=>]+)?="([^"]*)"')  # as libxml2 writes them


@dataclass(frozen=True)
class Problem:
    """One fault: `where` is a path of element names, `line` a line of the document (0: not known)."""

    where: str
    what: str
    field: str = ""
    line: int = 0


class SchemaFolderError(Exception):
    """The folder of schemas cannot be used; the message is one sentence."""


class Schemas:
    """The schemas of one folder, each profile loaded when it is first asked for. Threads may share it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or DEFAULT_FOLDER
        self._loaded: dict[str, etree.XMLSchema] = {}
        self._lock = threading.Lock()
        self._catalog = _read_catalog(self._folder)
        self._judged = {name.encode() for name in self.namespaces() | {"", ns.XSI, ns.XML}}

    @property
    def folder(self) -> Path:
        """Where they are read from."""
        return self._folder

    @property
    def catalog(self) -> Mapping[str, Any]:
        """The folder's catalog.json: `files`, the editions of each namespace, and `profiles`; read only."""
        return MappingProxyType(self._catalog)

    def namespaces(self) -> frozenset[str]:
        """The namespaces that can be judged."""
        return frozenset(self._catalog["files"])

    def missing_namespaces(self, element: etree._Element, written: bytes = b"") -> list[str]:
        """The namespaces that `element` uses, in names and xsi:type, and that cannot be judged; sorted.

        `written` is what `xmlio.written` makes of it, where that is at hand.
        """
        # nothing is used that is declared nowhere, and what is declared is found without walking the tree
        written = written or etree.tostring(element, encoding="UTF-8", with_tail=False)
        root = written.find(b">")
        if written.find(b" xmlns", root) < 0 and self._judged.issuperset(_DECLARED.findall(written, 0, root)):
            return []
        return sorted(_used(element) - self.namespaces() - {"", ns.XSI, ns.XML})

    def validate(self, element: etree._Element, profile: str = RECOMMENDED, written: bytes = b"") -> list[Problem]:
        """What is wrong with `element` as a document of its own; empty when it is valid in `profile`."""
        missing = [_missing(element, name) for name in self.missing_namespaces(element, written)]
        document = etree.ElementTree(element)
        # the schema object's error_log is shared by whoever validates with it
        with self._lock:
            schema = self._schema(profile)
            if schema.validate(document):
                return missing
            entries = list(cast(Iterable[Any], schema.error_log))  # lxml's stubs do not say that it is a list
            found = [_problem(entry) for entry in entries[:MAX_PROBLEMS]]
        return missing + found

    def validate_any(self, element: etree._Element, written: bytes = b"") -> tuple[str | None, list[Problem]]:
        """The first profile that fits, with no problems; else None and those of the recommended one."""
        problems = self.validate(element, written=written)
        if not problems:
            return RECOMMENDED, []
        for profile in self._catalog["profiles"]:
            if profile != RECOMMENDED and not self.validate(element, profile, written):
                return profile, []
        return None, problems

    def _schema(self, profile: str) -> etree.XMLSchema:
        if profile not in self._loaded:
            self._loaded[profile] = etree.XMLSchema(self._driver(profile))
        return self._loaded[profile]

    def _driver(self, profile: str) -> etree._Element:
        """A schema that imports one file per namespace; libxml2 keeps to the first file it sees for a namespace."""
        chosen = self._catalog["profiles"][profile]
        files = {name: chosen.get(name, editions[0]["file"]) for name, editions in self._catalog["files"].items()}
        root = etree.Element(f"{{{_XS}}}schema", nsmap={"xs": _XS})
        for name in sorted(files, key=lambda name: (name not in chosen, name)):
            location = (self._folder / files[name]).as_uri()
            etree.SubElement(root, f"{{{_XS}}}import", namespace=name, schemaLocation=location)
        return root


def _read_catalog(folder: Path) -> dict[str, Any]:
    try:
        catalog = json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
        return {"files": dict(catalog["files"]), "profiles": dict(catalog["profiles"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SchemaFolderError(f"{folder / 'catalog.json'} cannot be used as a catalog of schemas: {error}.") from None


def _used(element: etree._Element) -> set[str]:
    return {name for node in element.iter(etree.Element) for name in _used_by(node)}


def _used_by(node: etree._Element) -> set[str]:
    """The namespaces of the names of one element and its attributes, and of its xsi:type."""
    found = {etree.QName(node).namespace or "", *(etree.QName(name).namespace or "" for name in node.attrib)}
    prefix, colon, _ = node.get(f"{{{ns.XSI}}}type", "").strip().partition(":")
    return found | ({node.nsmap.get(prefix, "")} if colon else set())


def _missing(element: etree._Element, namespace: str) -> Problem:
    """That a namespace cannot be judged, and where it is first used."""
    first = next(node for node in element.iter(etree.Element) if namespace in _used_by(node))
    where = etree.QName(first).localname
    return Problem(where, f"There is no schema here for the namespace {namespace}, which element '{where}' uses.", where,
                   cast(int | None, first.sourceline) or 0)  # lxml's stubs do not say its type


def _problem(entry: Any) -> Problem:
    name = re.match(r"Element '([^']*)'", entry.message)
    where = _CLARK.sub("", name.group(1)) if name else ""
    return Problem(where, _CLARK.sub("", entry.message), where, entry.line)
