"""A VOResource record as unqualified Dublin Core, the format every OAI-PMH repository must have. Pure; loses a lot.

Every record has an oai_dc form, whatever it lacks: the identifier is given from outside.
"""

from __future__ import annotations

from lxml import etree

from registry.oai.envelope import element as tagged
from vosi import namespaces as ns, xmlio

_START = (
    f'<oai_dc:dc xmlns:oai_dc="{ns.OAI_DC}" xmlns:dc="{ns.DC}" xmlns:xsi="{ns.XSI}" '
    f'xsi:schemaLocation="{ns.OAI_DC} {ns.OAI_DC_SCHEMA}">'
)

# Dublin Core element <- path in a VOResource record, by local names
_MAP: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("title", ("title",)),
    ("title", ("shortName",)),
    ("creator", ("curation", "creator", "name")),
    ("subject", ("content", "subject")),
    ("description", ("content", "description")),
    ("publisher", ("curation", "publisher")),
    ("contributor", ("curation", "contributor")),
    ("date", ("curation", "date")),
    ("type", ("content", "type")),
    ("source", ("content", "source")),
    ("relation", ("content", "referenceURL")),
    ("rights", ("rights",)),
)


def dublin_core(ivoid: str, xml: bytes) -> bytes:
    """The oai_dc element of the record `xml`, self-contained; `ivoid` is its first identifier."""
    record = xmlio.parse(xml)
    found: dict[str, list[str]] = {name: [] for name, _ in _MAP}
    found["identifier"] = [ivoid, *_texts(record, ("altIdentifier",))]
    for name, path in _MAP:
        found[name] += _texts(record, path)
    if not found["date"]:
        found["date"] = [day for day in (record.get("updated", "").strip()[:10],) if day]
    order = ("title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "identifier",
             "source", "relation", "rights")
    lines = [tagged(f"dc:{name}", text) for name in order for text in dict.fromkeys(found[name])]
    return (_START + "".join(lines) + "</oai_dc:dc>").encode()


def _texts(element: etree._Element, path: tuple[str, ...]) -> list[str]:
    """The texts at `path`, white space made single, empty ones left out."""
    found = element.findall("/".join(f"{{*}}{name}" for name in path))
    texts = (" ".join(str(one.xpath("string()")).split()) for one in found)
    return [text for text in texts if text]
