"""From a record's XML to the rows of the tables `rr_*` (RegTAP 1.2 §8): pure functions, no database.

`rows` is all that others call. Elements are found by local name, so that a record whose author bound the wrong
namespace is still found by a search. Vocabulary and lower case are RegTAP's; what is empty becomes NULL.
"""

from __future__ import annotations

from lxml import etree

from registry.records.projection import capabilities, coverage, details, general, tableset, tap_tables
from registry.records.projection.values import Record, Rows


def rows(element: etree._Element, key: str = "", xml: bytes = b"") -> dict[str, Rows]:
    """All rows of the record `element`, by table name, their values in the order of `columns.COLUMNS`.

    `key` is what it is filed under, whatever it spells; without it, its identifier in lower case. With its bytes `xml`
    it is faster. Who handed it to us is not known here.
    """
    record = Record(element, key, xml)
    found = {
        "rr_resource": general.resource(record),
        "rr_res_role": general.roles(record),
        "rr_res_subject": general.subjects(record),
        "rr_relationship": general.relationships(record),
        "rr_validation": general.validation(record),
        "rr_res_date": general.dates(record),
        "rr_alt_identifier": general.alternatives(record),
        **capabilities.rows(record),
        **tableset.rows(record),
        **coverage.rows(record),
        "rr_res_detail": details.rows(record),
    }
    return {**found, "rr_tap_table": tap_tables.rows(record.ivoid, found)}
