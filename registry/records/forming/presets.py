"""What a new capability begins with: the standard's identifier, its usual interface, what its vocabulary asks for.

The values are those that `vosi.extensions` writes; whoever fills in the form changes what is not so at their service.
"""

from __future__ import annotations

from dataclasses import replace

from registry.records.forming.nodes import Node, complete, read
from registry.records.forming.shape import Shapes
from vosi.capabilities import Capability, Interface
from vosi.draft import Draft
from vosi.extensions import ConeSearch, Harvest, ImageAccess, LineAccess, SpectralAccess, TableAccess
from vosi.resource import compose

_QUERY = Interface(url_use="base", role="std")
_PRESETS: dict[str, Capability] = {
    "": Capability(interfaces=(Interface(),)),
    "tr:TableAccess": TableAccess().capability(replace(_QUERY, version="1.1")),
    "cs:ConeSearch": ConeSearch().capability(replace(_QUERY, version="1.03", query_types=("GET",), result_type="text/xml")),
    "sia:SimpleImageAccess": ImageAccess().capability(replace(_QUERY, version="1.0")),
    "ssap:SimpleSpectralAccess": SpectralAccess().capability(replace(_QUERY, version="1.1")),
    "slap:SimpleLineAccess": LineAccess().capability(replace(_QUERY, version="1.0")),
    "vg:Harvest": Harvest().capability(""),
}


def preset(shapes: Shapes, node: Node) -> Node:
    """A new capability with what one of its type usually says; any other node as it is."""
    found = _PRESETS.get(node.type) if node.field.name == "capability" else None
    if found is None:
        return node
    xml = compose(Draft("vr:Service", "ivo://preset.example/x", capabilities=(found,)))
    [made] = read(shapes, xml).children["capability"]
    begun = replace(as_new(made, node.token), field=node.field)
    complete(shapes, begun)
    return begun


def as_new(node: Node, token: str) -> Node:
    """The node as one that is in no base yet."""
    children = {name: [as_new(one, f"n{number + 1}") for number, one in enumerate(nodes)]
                for name, nodes in node.children.items()}
    return replace(node, token=token, span=None, inside=(), was=None, children=children)
