"""Which services answer, and what they say of themselves (room `services`)."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, Text, text

from registry.tables.base import metadata, number

health = Table(  # one row per address that is looked at
    "health", metadata,
    Column("key", String, primary_key=True),  # of the service's record
    Column("url", String, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("asked", String, nullable=False),  # availability: its own document; head: a look at the address
    Column("state", String, nullable=False),  # unknown | up | down | maintenance
    Column("since", String, nullable=False),  # when that state began
    Column("failures", Integer, nullable=False, default=0),  # in a row
    Column("seen", String, nullable=False, default=""),  # when it was looked at last
    Column("due", String, nullable=False, default=""),  # when it is looked at next, milliseconds
    Column("millis", Integer),  # that the last answer took; none for no answer
    Column("message", Text, nullable=False, default=""),  # why it counts as failed, or what to know
    Column("said", JSON, nullable=False, default=dict),  # its own document: upSince, downAt, backAt, notes
    Column("recent", JSON, nullable=False, default=list),  # the last looks, oldest first: milliseconds, or none
)
Index("health_by_due", health.c.due)
health_changes = Table(  # each change of state, for uptime, pages and hooks
    "health_changes", metadata, number(),
    Column("key", String, nullable=False),
    Column("url", String, nullable=False),
    Column("ivoid", String, nullable=False),
    Column("at", String, nullable=False),
    Column("was", String, nullable=False),
    Column("state", String, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("tries", Integer),  # of telling the hooks; none when there is nothing left to tell
    Column("told", JSON, nullable=False, default=list),  # hooks that know
)
Index("health_changes_by_key", health_changes.c.key, health_changes.c.url, health_changes.c.at)
_untold = text("tries IS NOT NULL")
Index("health_changes_untold", health_changes.c.tries, sqlite_where=_untold, postgresql_where=_untold)
site_service = Table(  # what searches may ask of the services that records describe, beside RegTAP's tables
    "site_service", metadata,
    Column("ivoid", String, primary_key=True),  # lower case
    Column("datacenter", String, index=True),  # authority of the registry that it came from, ours for our own
    Column("network_zone", String),  # internal | external
    Column("last_seen_alive", String),  # without a zone, as RegTAP has times; none for never
)
watches = Table(  # services whose own documents are read again now and then
    "watches", metadata,
    Column("key", String, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("url", Text, nullable=False),  # of its capabilities
    Column("validators", JSON, nullable=False, default=dict),  # url -> [ETag, Last-Modified, sha256] of its documents
    Column("due", String, nullable=False),
    Column("read", String, nullable=False, default=""),  # when they were read last
    Column("problems", JSON, nullable=False, default=list),  # sentences, of the documents that the record is of
    Column("fault", Text, nullable=False, default=""),  # why the last reading came to nothing; '' when it did not
    Column("refused", String, nullable=False, default=""),  # digest of a change that a person has refused
)
held_changes = Table(  # what documents say now, and a person has to accept since it removes something
    "held_changes", metadata,
    Column("key", String, primary_key=True),
    Column("ivoid", String, nullable=False),
    Column("at", String, nullable=False),
    Column("based_on", Integer, nullable=False),  # version of the record
    Column("digest", String, nullable=False),
    Column("changes", JSON, nullable=False),  # sentences
    Column("validators", JSON, nullable=False, default=dict),
    Column("xml", LargeBinary, nullable=False),
)
