"""Makes the digests of stored records anew, as the present program makes them: for a revision with which that changes.

Without it every record would seem changed when it comes again, and get another datestamp (decision D2). What a person has
refused of a service's changes is known by a digest alone, and comes up once more.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from vosi import xmlio

_TABLES = (("records", "key = :key"), ("record_versions", "key = :key AND version = :version"), ("held_changes", "key = :key"))


def renew(connection: Connection) -> None:
    """Write each digest that has become another one; what was projected stays so."""
    for table, where in _TABLES:
        version = ", version" if "version" in where else ""
        rows = connection.execute(text(f"SELECT key{version} FROM {table}")).all()
        for row in rows:
            _renew(connection, table, where, dict(row._mapping))
    # the present version's bytes are the record's, and so is its digest
    connection.execute(text("UPDATE record_versions SET digest = (SELECT records.digest FROM records WHERE records.key = "
                            "record_versions.key) WHERE length(xml) = 0 AND key IN (SELECT key FROM records)"))


def _renew(connection: Connection, table: str, where: str, name: dict[str, object]) -> None:
    old, xml = connection.execute(text(f"SELECT digest, xml FROM {table} WHERE {where}"), name).one()
    try:
        new = xmlio.digest(xmlio.parse(bytes(xml))) if xml else old
    except xmlio.XmlRefused:  # what could be stored once and is refused now comes as a change anyhow
        return
    if new == old:
        return
    connection.execute(text(f"UPDATE {table} SET digest = :new WHERE {where}"), {**name, "new": new})
    if table == "records":
        connection.execute(text("UPDATE records SET projected = :new WHERE key = :key AND projected = :old"),
                           {**name, "new": new, "old": old})
