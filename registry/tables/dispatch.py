"""Runners elsewhere, and jobs of ours that are there (room `dispatch`)."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, String, Table, Text

from registry.tables.base import metadata

runners = Table(  # what runners elsewhere offer, read now and then by the worker
    "runners", metadata,
    Column("key", String, primary_key=True),  # of the runner's record
    Column("url", Text, nullable=False),  # of its offer document
    Column("offer", JSON, nullable=False, default=dict),  # as it was read last; empty for never
    Column("read", String, nullable=False, default=""),
    Column("fault", Text, nullable=False, default=""),  # why the last reading came to nothing; '' when it did not
)
dispatched = Table(  # jobs of ours that run at another datacenter; a row outlives its job until the far one is deleted
    "dispatched", metadata,
    Column("job_id", String, primary_key=True),
    Column("runner", String, nullable=False),  # identifier
    Column("title", String, nullable=False),
    Column("jobs_url", Text, nullable=False),  # the far list of jobs
    Column("control", JSON, nullable=False),  # name and value of control parameters that go along
    Column("state", String, nullable=False),  # new | sending | sent | done
    Column("holder", String, nullable=False, default=""),  # lease of the worker that sends it
    Column("url", Text, nullable=False, default=""),  # the far job, once it is known
)
Index("dispatched_by_state", dispatched.c.state)
