"""Rows of rr_tap_table: which tables can be queried at which TAP service (RegTAP 1.2 §8.18).

They are made from the rows of one record: a TAP service lets its own tables be queried; a resource whose auxiliary TAP
capability says that it is served by others, at each of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from registry.records.projection.columns import COLUMNS
from registry.records.projection.values import Rows

_TAP, _AUXILIARY, _SERVED_BY = "ivo://ivoa.net/std/tap", "ivo://ivoa.net/std/tap#aux", "isservedby"
_STANDARD = COLUMNS["rr_capability"].index("standard_id")
_RELATION, _RELATED = (COLUMNS["rr_relationship"].index(name) for name in ("relationship_type", "related_id"))
_TABLE = [COLUMNS["rr_res_table"].index(name) for name in ("table_name", "table_title", "table_description", "table_utype")]


def rows(ivoid: str, found: Mapping[str, Rows]) -> Rows:
    """One row for each service and table; a name that comes twice counts once."""
    tables = found.get("rr_res_table")
    if not tables:
        return []
    standards = {row[_STANDARD] for row in found.get("rr_capability", ())}
    services = dict.fromkeys([ivoid] if _TAP in standards else [])
    if _AUXILIARY in standards:
        services.update(dict.fromkeys(
            row[_RELATED] for row in found.get("rr_relationship", ()) if row[_RELATION] == _SERVED_BY and row[_RELATED]))
    named = {row[_TABLE[0]]: tuple(row[place] for place in _TABLE) for row in reversed(tables)}
    return [(ivoid, service, *values) for service in services for values in reversed(named.values())]
