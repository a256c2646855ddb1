"""Where we harvest, each run, and what it met with (room `harvest`)."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from registry.tables.base import metadata, number

sources = Table(
    "sources", metadata, number(),
    Column("name", String, nullable=False, unique=True),
    Column("url", String, nullable=False, unique=True),
    Column("registry", String, nullable=False, default=""),  # ivoid of the registry that answers there
    Column("managed_authorities", JSON, nullable=False, default=list),
    Column("set_spec", String, nullable=False, default="ivo_managed"),
    Column("prefix", String, nullable=False, default="ivo_vor"),
    Column("granularity", String, nullable=False, default=""),
    Column("interval", Integer, nullable=False),  # seconds
    Column("paused", Boolean, nullable=False, default=False),
    Column("priority", Integer, nullable=False, default=0),  # of two that wait the higher is harvested first
    Column("owner", String, nullable=False, default=""),  # account that looks after it
    Column("since", String),  # responseDate of the first page of the last complete run
    Column("last_full", String),  # when everything was asked for last, and came
    Column("health", String, nullable=False, default=""),  # how its last run went: '' | ok | failing | held
    Column("next_run", String, nullable=False),
    Column("created", String, nullable=False),
)
harvest_runs = Table(
    "harvest_runs", metadata, number(),
    Column("source_id", ForeignKey("sources.id"), nullable=False, index=True),
    Column("state", String, nullable=False),  # queued | running | complete | failed | cancelled
    Column("started", String, nullable=False),
    Column("ended", String),
    Column("from_", String),  # the `from` it asks with; none for a full run
    Column("first_response", String),  # responseDate of its first page
    Column("token", Text),  # to go on with
    Column("pages", Integer, nullable=False, default=0),
    Column("list_size", BigInteger),
    Column("new", Integer, nullable=False, default=0),
    Column("updated", Integer, nullable=False, default=0),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("deleted", Integer, nullable=False, default=0),
    Column("rejected", Integer, nullable=False, default=0),
    Column("message", Text, nullable=False, default=""),
    Column("lease", String, nullable=False, default=""),
    Column("who", String, nullable=False, default=""),  # that asked for it; '' for the clock
    Column("accept_loss", Boolean, nullable=False, default=False),  # a person lets it delete however much is missing
    Column("missing", Integer, nullable=False, default=0),  # records of the source that a full list no longer holds
    Column("editions", JSON, nullable=False, default=dict),  # how many records are valid in which profile, '' for none
    Column("faults", JSON, nullable=False, default=list),  # the most frequent: [[words, how many, an ivoid], ...]
    Column("taken", String),  # when a process took it last
    Column("taken_pages", Integer, nullable=False, default=0),  # that it had then
    Column("skipped", Integer, nullable=False, default=0),  # records that the runs had read whose list it goes on with
    Column("tail", JSON, nullable=False, default=list),  # identifiers of the last records of its last page
)
harvest_seen = Table(  # which records the pages of an open full run held, so that it can tell what is missing
    "harvest_seen", metadata, number(),
    Column("run_id", ForeignKey("harvest_runs.id"), nullable=False, index=True),
    Column("hashes", LargeBinary, nullable=False),  # of their keys, 16 bytes each
)
quarantine = Table(  # records that were not taken, until a person looks at them
    "quarantine", metadata, number(),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("run_id", Integer, nullable=False),  # in which it came first
    Column("ivoid", String, nullable=False, default=""),  # as its header has it
    Column("digest", String, nullable=False),  # of identifier and bytes
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary),
    Column("at", String, nullable=False),
    Column("state", String, nullable=False),  # open | accepted | muted
    Column("who", String, nullable=False, default=""),  # that accepted or muted it
    Column("decided", String),
)
Index("quarantine_by_digest", quarantine.c.source_id, quarantine.c.digest, unique=True)
harvest_changes = Table(  # each change of a source's health, for hooks
    "harvest_changes", metadata, number(),
    Column("source_id", ForeignKey("sources.id"), nullable=False, index=True),
    Column("run_id", Integer, nullable=False),
    Column("at", String, nullable=False),
    Column("was", String, nullable=False),
    Column("state", String, nullable=False),
    Column("message", Text, nullable=False, default=""),
    Column("tries", Integer),  # of telling the hooks; none when there is nothing left to tell
    Column("told", JSON, nullable=False, default=list),  # hooks that know
)
harvest_problems = Table(
    "harvest_problems", metadata, number(),
    Column("run_id", ForeignKey("harvest_runs.id"), nullable=False, index=True),
    Column("ivoid", String, nullable=False, default=""),
    Column("kind", String, nullable=False, default="rejected"),  # rejected | flagged (taken or left all the same) | conflict
    Column("reason", Text, nullable=False),
    Column("quarantine_id", ForeignKey("quarantine.id")),  # where its bytes are
)
