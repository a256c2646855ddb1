"""The records, their versions, drafts, authorities and sets (room `records`)."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from registry.tables.base import metadata

records = Table(
    "records", metadata,
    Column("key", String, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("authority", String, nullable=False, index=True),  # lower case
    Column("origin", String, nullable=False),  # own | harvested | foreign-file | shipped
    Column("source_id", ForeignKey("sources.id")),  # of a harvested one
    Column("type", String, nullable=False, default=""),  # xsi:type with its canonical prefix
    Column("title", Text, nullable=False, default=""),
    Column("status", String, nullable=False),  # active | inactive | deleted | draft
    Column("managed", Boolean, nullable=False),  # in set ivo_managed
    Column("datestamp", String, nullable=False),  # OAI datestamp; '' only inside the transaction that changed it
    Column("digest", String, nullable=False),
    Column("projected", String, nullable=False, default=""),  # digest that the rr_* rows were made from
    Column("version", Integer, nullable=False),
    Column("profile", String, nullable=False, default=""),  # schema profile it is valid in, '' when in none
    Column("problems", JSON, nullable=False, default=list),  # [[where, what, field, line], ...]
    Column("updated", String, nullable=False, default=""),  # the author's own
    Column("xml", LargeBinary, nullable=False),  # last, so that what is read without it is near
)
# the status at their end lets a list be counted without a look at the records
Index("records_by_stamp", records.c.datestamp, records.c.key, records.c.status)
Index("records_managed_by_stamp", records.c.managed, records.c.datestamp, records.c.key, records.c.status)

record_versions = Table(
    "record_versions", metadata,
    Column("key", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("status", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False, default=""),
    Column("xml", LargeBinary, nullable=False),  # b'' in the present version: it is that of the record
)
drafts = Table(  # what is not published yet; the record of that name, where there is one, stays as it is until then
    "drafts", metadata,
    Column("key", String, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("based_on", Integer, nullable=False),  # version of the record that it was begun from; 0: there was none
    Column("revision", Integer, nullable=False),  # how often it has been saved
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    Column("why", String, nullable=False, default=""),
    Column("xml", LargeBinary, nullable=False),
)
authorities = Table(  # who speaks for which authority: us ('own') or a known registry
    "authorities", metadata,
    Column("authority", String, primary_key=True),  # lower case
    Column("registry", String, nullable=False),  # ivoid of the managing registry, lower case
    Column("own", Boolean, nullable=False, default=False),
)
sets = Table(  # local OAI sets besides ivo_managed
    "sets", metadata,
    Column("spec", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("description", Text, nullable=False, default=""),
)
set_members = Table(
    "set_members", metadata,
    Column("spec", ForeignKey("sets.spec"), primary_key=True),
    Column("key", ForeignKey("records.key"), primary_key=True),
)
