"""Rows of RegTAP's tables for tests: made at random from the constants that a list of queries asks for.

So each query finds something, which records of a corpus that was made for other purposes do not grant.
"""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Float, Integer, Table, insert
from sqlglot import exp

from registry import words
from registry.search.adql.parsing import parse
from registry.tables import described, metadata
from vosi import moc

RESOURCES = 100
WORDS = ["quasar", "quasars", "galaxies", "spiral", "redshift", "survey", "plates", "photometry", "proper", "motion", "of", "the",
         "X-ray", "catalogué", "Éclair", "éclair"]
MAPS = ["0/0-11", "3/300-320", "6/182 190 20000", "8/182947 182950-182960", "2/9 40-44", "6/27901", "6/19755"]
TABLES = [table for name, table in metadata.tables.items() if name.startswith("rr_")]
LIKES = (exp.Like, exp.ILike)


def forms(shared: Path) -> dict[str, str]:
    """The queries that clients send, by name."""
    with (shared / "regtap" / "queries.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["adql"] for row in csv.DictReader(file)}


def constants(queries: list[str]) -> dict[str, list[str]]:
    """What the queries compare columns with, by the column's name; of words and patterns what would match."""
    found: dict[str, set[str]] = defaultdict(set)
    for query in queries:
        for node in parse(query).walk():
            columns = [one.name for one in node.args.values() if isinstance(one, exp.Column)]
            if isinstance(node, exp.Anonymous):
                columns = [one.name for one in node.expressions if isinstance(one, exp.Column)]
            if columns:
                texts = [one.this for one in node.iter_expressions() if isinstance(one, exp.Literal) and one.is_string]
                like = isinstance(node, LIKES) or str(getattr(node, "name", "")).lower() == "ivo_nocasematch"
                for column in columns:
                    found[column] |= {one.replace("%", "x1").strip() if like else one for one in texts}
    return {name: sorted(values) for name, values in found.items()}


def fill(connection: Connection, queries: list[str], seed: int = 9) -> None:
    """Put the same rows for the same seed into all tables of RegTAP."""
    chance, known = random.Random(seed), constants(queries)
    ivoids = sorted({*known["ivoid"], *(f"ivo://x{number}.example/some" for number in range(RESOURCES))})
    for table in TABLES:
        many = {"rr_resource": 1, "rr_res_detail": 25}.get(table.name, 6)
        rows = [_row(table, ivoid, index, chance, known, ivoids) for ivoid in ivoids for index in range(1, many + 1)]
        with words.filled(connection, table):
            connection.execute(insert(table), rows)


def _row(
    table: Table, ivoid: str, index: int, chance: random.Random, known: dict[str, list[str]], ivoids: list[str],
) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in described(table):
        if column.name in ("ivoid", "resid", "svcid", "related_id"):
            row[column.name] = ivoid if column.name == "ivoid" else chance.choice(ivoids)
        elif column.name.endswith("_index"):
            own = column.primary_key or (table.name, column.name) in (
                ("rr_res_schema", "schema_index"), ("rr_res_table", "table_index"))
            row[column.name] = index if own else None if column.nullable and chance.random() < 0.3 else chance.randint(1, 6)
        elif isinstance(column.type, Float):
            row[column.name] = chance.choice([1e-20, 3.5e-19, 36000.0, 54150.0, 59589.0]) * chance.choice([1, 1.5])
        elif isinstance(column.type, Integer):
            row[column.name] = chance.choice([0, 1, 2])
        else:
            row[column.name] = _text(column.name, chance, known) or (None if column.nullable else "x")
    if table.name == "rr_stc_spatial":
        cells = moc.parse(chance.choice(MAPS))
        row |= {"coverage": moc.write(moc.uniqs(cells)), "coverage_cells": json.dumps(moc.uniqs(cells)),
                "coverage_area": moc.area(cells)}
    return row


def _text(name: str, chance: random.Random, known: dict[str, list[str]]) -> str:
    if name.endswith(("_description", "_title")) or name == "res_subject":
        words = [*WORDS, *(word for value in known.get(name, ()) for word in value.split())]
        if name == "res_subject" or (known.get(name) and chance.random() < 0.2):
            return chance.choice([*known[name], *words])
        return " ".join(chance.choices(words, k=6))
    if name in ("waveband", "content_level", "content_type", "flag"):
        return "#".join(chance.sample(["optical", "infrared", "radio", "research", *known.get(name, ())], 3))
    return chance.choice([*known.get(name, ()), *known.get(name, ()), "", f"{name} {chance.randint(1, 9)}"])
