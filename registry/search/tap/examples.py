"""Queries to begin with: shown on the page of /tap, at /tap/examples, and run by the tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One query: `key` names it in addresses, `words` say what it finds."""

    key: str
    title: str
    words: str
    query: str


EXAMPLES = (
    Example("words", "Resources about a topic", "Every word must be in the title or in the description of a resource.", """\
SELECT TOP 100 ivoid, res_type, res_title
FROM rr.resource
WHERE 1 = ivo_hasword(res_title, 'stars') OR 1 = ivo_hasword(res_description, 'stars')"""),
    Example("cones", "Cone searches and their addresses", "Services of one standard, with where they are reached.", """\
SELECT ivoid, res_title, access_url
FROM rr.resource
NATURAL JOIN rr.capability
NATURAL JOIN rr.interface
WHERE standard_id LIKE 'ivo://ivoa.net/std/conesearch%' AND intf_role = 'std'"""),
    Example("ucd", "Tables with parallaxes", "Tables that have a column of a certain kind, told by its UCD.", """\
SELECT ivoid, table_name, name, unit
FROM rr.res_table
NATURAL JOIN rr.table_column
WHERE ucd LIKE 'pos.parallax%'"""),
    Example("recent", "What has changed last", "The newest records first.", """\
SELECT TOP 20 ivoid, res_title, updated
FROM rr.resource
ORDER BY updated DESC"""),
    Example("subjects", "What there is, by subject", "How many resources have which subject.", """\
SELECT res_subject, COUNT(*) AS resources
FROM rr.res_subject
GROUP BY res_subject
ORDER BY resources DESC"""),
    Example("near", "Services of this datacenter", "Those inside its network, with when they last answered.", """\
SELECT ivoid, res_title, last_seen_alive
FROM rr.resource
NATURAL JOIN site.service
WHERE network_zone = 'internal'"""),
)
