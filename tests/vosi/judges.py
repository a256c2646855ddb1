"""The two judges that tests of documents ask: our editions of the schemas, and the official ones."""

from __future__ import annotations

import json
from functools import cache

from lxml import etree

from tests.conftest import SHARED
from vosi import namespaces as ns, xmlio
from vosi.schemas import HARVEST, RECOMMENDED, Problem, Schemas

XS = "http://www.w3.org/2001/XMLSchema"


@cache
def ours() -> Schemas:
    """Our editions."""
    return Schemas()


@cache
def official_file(namespace: str, profile: str = RECOMMENDED) -> str:
    """The name of the official schema of a namespace in the shared folder."""
    if namespace == ns.VR and profile == HARVEST:
        return "VOResource-v1.1-Erratum1.xsd"
    catalog = json.loads((SHARED / "xsd" / "catalog.json").read_text())
    return catalog["namespaces"].get(namespace, "stc-v1.30.xsd")


@cache
def official(profile: str = RECOMMENDED) -> etree.XMLSchema:
    """The official schemas of the namespaces that ours hold."""
    root = etree.Element(f"{{{XS}}}schema")
    for name in sorted(ours().namespaces(), key=lambda name: (name != ns.VR, name)):
        file = SHARED / "xsd" / official_file(name, profile)
        etree.SubElement(root, f"{{{XS}}}import", namespace=name, schemaLocation=file.as_uri())
    return etree.XMLSchema(root)


def problems(document: bytes) -> list[Problem]:
    """What our editions find in a document that we would publish."""
    return ours().validate(xmlio.parse(document, max_bytes=xmlio.MAX_PAGE))


def official_faults(document: bytes) -> list[str]:
    """What the official schemas find in it."""
    official().validate(etree.ElementTree(xmlio.parse(document, max_bytes=xmlio.MAX_PAGE)))
    return [entry.message for entry in official().error_log]


def documents(folder: str) -> list[tuple[str, bytes]]:
    """The documents of one folder of the corpus by their names."""
    files = sorted((SHARED / "corpus" / folder).rglob("*.xml"))
    return [(str(path.relative_to(SHARED / "corpus")), path.read_bytes()) for path in files]
