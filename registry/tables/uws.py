"""Jobs, and what comes and goes with them (room `uws`)."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    literal_column,
    text,
)

from registry.tables.base import metadata, number

jobs = Table(
    "jobs", metadata,
    Column("id", String, primary_key=True),
    Column("owner", String),  # account name; none for anonymous
    Column("run_id", Text),
    Column("phase", String, nullable=False),
    Column("version", Integer, nullable=False, default=1),  # moves with every write
    Column("application", String, nullable=False),  # ivoid as published
    Column("application_version", String, nullable=False, default=""),
    Column("image", String, nullable=False),  # repository/name@sha256:...
    Column("created", String, nullable=False),
    Column("queued", String),
    Column("started", String),
    Column("ended", String),
    Column("execution_duration", Integer, nullable=False),  # seconds
    Column("destruction", String, nullable=False),
    Column("quote", String),
    Column("limits", JSON, nullable=False, default=dict),
    Column("contract", JSON, nullable=False, default=dict),  # the image's label as it was when the job was made
    Column("message", Text, nullable=False, default=""),  # why it waits, for jobInfo
    Column("error_type", String),  # transient | fatal
    Column("error", Text),
    Column("exit_code", Integer),
    Column("usage", JSON, nullable=False, default=dict),
    Column("node", String, nullable=False, default=""),  # name of the engine that ran it
    Column("desired", String, nullable=False, default="RUN"),  # RUN | ABORT | DELETE
    Column("attempt", Integer, nullable=False, default=0),
    Column("step", String, nullable=False, default=""),  # claimed, staged, created, started ... within QUEUED/EXECUTING
    Column("lease", String, nullable=False, default=""),  # worker that has it
    Column("beat", Integer, nullable=False, default=0),  # moves while that worker lives
    Column("token_hash", String),  # of the attempt's gateway token
    Column("rank", String, nullable=False, default=""),  # its owner's lowest is the next; '' in no queue
    Column("data", JSON, nullable=False, default=list),  # names of the site's data sets that it may read
    Column("kind", String, nullable=False, default="run"),  # run | query
)
Index("jobs_by_phase", jobs.c.phase, jobs.c.created)
Index("jobs_by_owner", jobs.c.owner, jobs.c.created)
Index("jobs_by_owner_and_phase", jobs.c.owner, jobs.c.phase, jobs.c.desired, jobs.c.kind)
Index("jobs_by_token", jobs.c.token_hash)
Index("jobs_by_creation", jobs.c.created, jobs.c.id)
Index("jobs_by_destruction", jobs.c.destruction)
# the few rows a worker looks for among many; the conditions stand in uws/store.py with the same words
_taken, _unwanted = text("lease > ''"), text("desired != 'RUN'")
_ready = text("rank > ''")
_queries = text("kind = 'query'")
Index("jobs_taken", jobs.c.lease, sqlite_where=_taken, postgresql_where=_taken)
Index("jobs_unwanted", jobs.c.desired, sqlite_where=_unwanted, postgresql_where=_unwanted)
Index("jobs_ready", func.coalesce(jobs.c.owner, literal_column("''")), jobs.c.rank, jobs.c.id, sqlite_where=_ready,
      postgresql_where=_ready)
Index("jobs_queries", jobs.c.phase, jobs.c.created, sqlite_where=_queries, postgresql_where=_queries)

job_usage = Table(  # what each owner's jobs have used, for fair shares; '' is everybody without an account
    "job_usage", metadata,
    Column("owner", String, primary_key=True),
    Column("hour", String, primary_key=True),  # in which they ended: the beginning of a stamp
    Column("core_seconds", Float, nullable=False),
)
job_parameters = Table(
    "job_parameters", metadata, number(),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("value", Text, nullable=False),  # text, or a file name below the job's inputs when by reference
    Column("by_reference", Boolean, nullable=False, default=False),
    Column("origin", Text, nullable=False, default=""),  # job:ID/results/ID of the result that a file is
)
job_results = Table(
    "job_results", metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("path", String, nullable=False),  # below the job's folder
    Column("size", BigInteger, nullable=False),
    Column("media_type", String, nullable=False),
    Column("sha256", String, nullable=False),
)
job_phases = Table(  # each change of phase, for the job's page
    "job_phases", metadata, number(),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("phase", String, nullable=False),
    Column("at", String, nullable=False),
)
