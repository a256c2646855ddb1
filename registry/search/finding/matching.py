"""The SQL whose rows are what a search finds: `(ivoid, number)` of `rr_resource`, the number being the row's own.

It says the same as the ADQL that is shown beside the answer, and tests hold the two to each other. It is written here
because a search can do what a translated query may not: ask one index for the words of title and description together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from registry.search.finding.asking import Asked

_HAS_WORD = {
    "sqlite": """(r.resource_row IN (SELECT rowid FROM words_resource WHERE words_resource MATCH {match}) OR r.ivoid GLOB {part}
    OR r.ivoid IN (SELECT ivoid FROM rr_res_subject WHERE res_subject_row IN (
      SELECT rowid FROM words_res_subject WHERE words_res_subject MATCH {match})))""",
    "postgresql": """(r.resource_row IN (SELECT w.resource_row FROM rr_resource AS w
      WHERE w.res_title_words @@ words_asked({match}) OR w.res_description_words @@ words_asked({match})) OR r.ivoid LIKE {part}
    OR r.ivoid IN (SELECT w.ivoid FROM rr_res_subject AS w WHERE w.res_subject_words @@ words_asked({match})))""",
}
# SQLite has no statistics, and would rather look up each record than read a narrow index through
NARROW = {"sqlite": "INDEXED BY rr_resource_by_facets", "postgresql": ""}
_HAS_BAND = {"sqlite": "instr('#' || r.waveband || '#', '#' || {} || '#') > 0",
             "postgresql": "strpos('#' || r.waveband || '#', '#' || {} || '#') > 0"}
_LAST = chr(0x10FFFF)


@dataclass(frozen=True)
class Matching:
    """A SELECT and its values; `{name}` of a value is how the database's driver has it written."""

    sql: str
    values: dict[str, str]


def written(dialect: str, name: str) -> str:
    """How a statement names a value that is a text."""
    return f":{name}" if dialect == "sqlite" else f"CAST(%({name})s AS text)"


def matching(asked: Asked, own: Collection[str], dialect: str) -> Matching:
    """All that an active record must have; `own` are our authorities, for searches among our own."""
    values: dict[str, str] = {}

    def put(value: str) -> str:
        name = f"v{len(values)}"
        values[name] = value
        return written(dialect, name)

    conditions = [_HAS_WORD[dialect].format(
        match=put(f'"{word}"' if dialect == "sqlite" else word),
        part=put(f"*{word}*" if dialect == "sqlite" else f"%{word}%")) for word in asked.words]
    conditions += [f"r.ivoid >= {put(name)} AND r.ivoid < {put(name + _LAST)}" for name in asked.names]
    for value, condition in (
        (asked.type.lower(), "r.res_type = {}"),
        (asked.standard.lower(), "r.ivoid IN (SELECT ivoid FROM rr_capability WHERE standard_id = {})"),
        (asked.waveband.lower(), _HAS_BAND[dialect]),
        (asked.subject, "r.ivoid IN (SELECT ivoid FROM rr_res_subject WHERE res_subject = {})"),
        (asked.datacenter.lower(), "r.ivoid IN (SELECT ivoid FROM site_service WHERE datacenter = {})"),
    ):
        if value:
            conditions.append(condition.format(put(value)))
    if asked.authority:
        conditions.append(_of_authority(asked.authority.lower(), put))
    if asked.origin:
        conditions.append("(" + " OR ".join(_of_authority(one, put) for one in sorted(own) or [""]) + ")")
    where = "\n  WHERE " * bool(conditions) + "\n  AND ".join(conditions)
    return Matching(f"SELECT r.ivoid, r.resource_row FROM rr_resource AS r {NARROW[dialect]}{where}", values)


def _of_authority(authority: str, put: Callable[[str], str]) -> str:
    name = f"ivo://{authority}"
    return f"(r.ivoid = {put(name)} OR r.ivoid >= {put(name + '/')} AND r.ivoid < {put(name + '0')})"
