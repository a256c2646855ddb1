"""The indexes of words and cells, which come and go with their rows: the same finds in both."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text

from registry.records import shelf_rows
from registry.records.projection.columns import COLUMNS
from registry.tables import moc_cells, rr_resource, rr_stc_spatial

TEXTS = {"a": "Galaxies in X-ray light", "b": "The galaxy's spectrum: H-alpha/[OIII]", "c": "Étoiles naines, 3C273", "d": None}


@pytest.mark.parametrize("asked, found", [
    ("galaxy", "ab"), ("GALAXIES", "ab"), ("x-ray", "a"), ("ray x", "a"), ("etoile", "c"), ("ÉTOILES", "c"), ("oiii", "b"),
    ("the", "b"), ("3c273", "c"), ("3c", ""), ("gal", ""), ("galaxy ray", "a"), ("light galaxy", "a"), ("galaxy naines", "")])
def test_words_are_found_folded_and_stemmed(any_site: Any, asked: str, found: str) -> None:
    with any_site.database.write() as connection:
        shelf_rows.put(connection, rr_resource, [
            tuple({"ivoid": name, "res_description": value}.get(column) for column in COLUMNS["rr_resource"])
            for name, value in TEXTS.items()])
        assert hits(connection, asked) == found
        connection.execute(delete(rr_resource).where(rr_resource.c.ivoid == "a"))
        assert hits(connection, asked) == found.replace("a", "")


def test_cells_come_and_go_with_their_coverage(any_site: Any) -> None:
    with any_site.database.write() as connection:
        for name, cells in (("a", "[4, 70]"), ("b", "[4]"), ("c", "[]"), ("d", None)):
            connection.execute(insert(rr_stc_spatial).values(ivoid=name, coverage="", coverage_cells=cells))
        owners = select(moc_cells.c.uniq, rr_stc_spatial.c.ivoid).join(
            rr_stc_spatial, rr_stc_spatial.c.stc_spatial_row == moc_cells.c.stc_spatial_row).order_by(
            moc_cells.c.uniq, rr_stc_spatial.c.ivoid)
        assert connection.execute(owners).all() == [(4, "a"), (4, "b"), (70, "a")]
        connection.execute(delete(rr_stc_spatial).where(rr_stc_spatial.c.ivoid == "a"))
        assert [tuple(row)[0] for row in connection.execute(select(moc_cells))] == [4]


def hits(connection: Connection, asked: str) -> str:
    if connection.dialect.name == "sqlite":
        tokens = " ".join(f'"{word}"' for word in asked.split())
        query = ("SELECT ivoid FROM rr_resource WHERE resource_row IN (SELECT rowid FROM words_resource"
                 " WHERE words_resource MATCH :asked) ORDER BY ivoid")
        values = {"asked": "{res_description} : (" + tokens + ")"}
    else:
        query = "SELECT ivoid FROM rr_resource WHERE res_description_words @@ words_asked(:asked) ORDER BY ivoid"
        values = {"asked": asked}
    return "".join(connection.execute(text(query), values).scalars())
