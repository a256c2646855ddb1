"""The whole database schema on one page. It holds no query: those are in the stores.

Times are text, `YYYY-MM-DDThh:mm:ssZ` in UTC (they sort, and go into documents as they are); jobs have milliseconds.
An `ivoid` column named `key` holds the identifier's comparison form (lower case), `ivoid` the publisher's spelling.
The tables `rr_*` are RegTAP 1.2's (decision D17): a projection of the records, never written by hand.
What PostgreSQL needs beside SQLite is at the end.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)

from registry import words

metadata = MetaData()


def _id() -> Column[int]:
    # rows that are written anew with every projection use up 31 bits in a few years
    return Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True)


def _by_value(column: Column[Any]) -> Index:
    """Find rows by a text of any length: a hash, since PostgreSQL's trees refuse values of more than 2,704 bytes."""
    return Index(f"{column.table.name}_by_{column.name}", column, postgresql_using="hash")


# --- facts: single values that the processes tell each other (gateway address, last stamp) ---------------------------
facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

# --- people -----------------------------------------------------------------------------------------------------------
accounts = Table(
    "accounts", metadata, _id(),
    Column("name", String, nullable=False, unique=True),
    Column("password_hash", String, nullable=False),
    Column("role", String, nullable=False),  # administrator | publisher | runner | reader
    Column("authorities", JSON, nullable=False, default=list),  # that a publisher publishes in, lower case; empty: all of ours
    Column("created", String, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
)
sessions = Table(
    "sessions", metadata,
    Column("token_hash", String, primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("created", String, nullable=False),
    Column("seen", String, nullable=False),
)
api_tokens = Table(
    "api_tokens", metadata, _id(),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("label", String, nullable=False, default=""),
    Column("role", String, nullable=False, default=""),  # that it is no more than; '' for its account's
    Column("created", String, nullable=False),
    Column("expires", String),
    Column("last_used", String),
)
login_attempts = Table(
    "login_attempts", metadata, _id(),
    Column("subject", String, nullable=False, index=True),  # "account:NAME" or "address:IP"
    Column("at", String, nullable=False),
)
audit = Table(
    "audit", metadata, _id(),
    Column("at", String, nullable=False, index=True),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False, default=""),
    Column("detail", Text, nullable=False, default=""),
)

# --- the shelf --------------------------------------------------------------------------------------------------------
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

# --- harvest ----------------------------------------------------------------------------------------------------------
sources = Table(
    "sources", metadata, _id(),
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
    "harvest_runs", metadata, _id(),
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
)
harvest_seen = Table(  # which records the pages of an open full run held, so that it can tell what is missing
    "harvest_seen", metadata, _id(),
    Column("run_id", ForeignKey("harvest_runs.id"), nullable=False, index=True),
    Column("hashes", LargeBinary, nullable=False),  # of their keys, 16 bytes each
)
quarantine = Table(  # records that were not taken, until a person looks at them
    "quarantine", metadata, _id(),
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
    "harvest_changes", metadata, _id(),
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
    "harvest_problems", metadata, _id(),
    Column("run_id", ForeignKey("harvest_runs.id"), nullable=False, index=True),
    Column("ivoid", String, nullable=False, default=""),
    Column("kind", String, nullable=False, default="rejected"),  # rejected | flagged (taken or left all the same) | conflict
    Column("reason", Text, nullable=False),
    Column("quarantine_id", ForeignKey("quarantine.id")),  # where its bytes are
)

# --- jobs -------------------------------------------------------------------------------------------------------------
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
    "job_parameters", metadata, _id(),
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
    "job_phases", metadata, _id(),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("phase", String, nullable=False),
    Column("at", String, nullable=False),
)

# --- applications -----------------------------------------------------------------------------------------------------
images = Table(  # what an image's label says, read once per digest
    "images", metadata,
    Column("reference", String, primary_key=True),  # repository/name@sha256:...
    Column("contract", JSON, nullable=False),
    Column("labels", JSON, nullable=False, default=dict),
    Column("size", BigInteger),
    Column("platforms", JSON, nullable=False, default=list),  # os/architecture of each that it runs on
    Column("media_type", String, nullable=False, default=""),  # of its manifest
    Column("created", String, nullable=False, default=""),
    Column("read", String, nullable=False),
)

repositories = Table(  # Docker repositories whose images are looked at again and again
    "repositories", metadata,
    Column("host", String, primary_key=True),  # host:port
    Column("only", JSON, nullable=False, default=list),  # names that are watched; empty for all
    Column("who", String, nullable=False),  # that added it
    Column("added", String, nullable=False),
    Column("due", String, nullable=False),  # when it is looked at next, milliseconds
    Column("read", String, nullable=False, default=""),  # when it was last read to its end
    Column("seconds", Float),  # that took
    Column("fault", Text, nullable=False, default=""),  # why the last look came to nothing; '' when it did not
)
repository_tags = Table(  # what each tag stood for when it was looked at last
    "repository_tags", metadata,
    Column("host", ForeignKey("repositories.host", ondelete="CASCADE"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("tag", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("since", String, nullable=False),
)
repository_images = Table(  # every image of them that was seen, and what was decided; rows stay when the image is gone
    "repository_images", metadata,
    Column("reference", String, primary_key=True),  # host/name@sha256:...
    Column("host", String, nullable=False),
    Column("tag", String, nullable=False, default=""),  # by which it was seen first
    Column("state", String, nullable=False),  # new plain faulty draft approved rejected retracted vulnerable
    Column("reason", Text, nullable=False, default=""),
    Column("ivoid", String, nullable=False, default=""),  # of the application that it is a version of
    Column("version", String, nullable=False, default=""),
    Column("title", Text, nullable=False, default=""),
    Column("created", String, nullable=False, default=""),  # when it was built, by its own word
    Column("seen", String, nullable=False),
    Column("who", String, nullable=False),  # that made it a draft; 'watch' for the worker
    Column("decided", String, nullable=False, default=""),
    Column("decider", String, nullable=False, default=""),
)
Index("repository_images_by_state", repository_images.c.state, repository_images.c.seen)
Index("repository_images_by_host", repository_images.c.host)
Index("repository_images_by_ivoid", func.lower(repository_images.c.ivoid))

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

# --- services: which of them answer, and what they say of themselves --------------------------------------------------
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
    "health_changes", metadata, _id(),
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
local_service = Table(  # what searches may ask of the services that records describe, beside RegTAP's tables
    "local_service", metadata,
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

# --- the projection: RegTAP 1.2 §8 ------------------------------------------------------------------------------------
# columns that RegTAP does not know have names that occur in no other table, so that a NATURAL JOIN never takes them
_OURS = {"ours": True}


def _row(table: str) -> Column[int]:
    """The row's own number, by which its words and cells are found."""
    return Column(f"{table}_row", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, info=_OURS)


def is_number(column: Column[Any]) -> bool:
    """Whether it is the row's own number, which the database gives."""
    return column.primary_key and bool(column.info.get("ours"))


def described(table: Table) -> list[Column[Any]]:
    """The columns of a table `rr_*` that RegTAP describes: all but ours."""
    return [column for column in table.columns if not column.info.get("ours")]


def _ivoid(**options: object) -> Column[str]:
    return Column("ivoid", String, nullable=False, **options)  # type: ignore[arg-type]


rr_resource = Table(
    "rr_resource", metadata, _ivoid(unique=True),
    Column("res_type", String), Column("created", String), Column("short_name", String), Column("res_title", Text),
    Column("updated", String, index=True), Column("content_level", String), Column("res_description", Text),
    Column("reference_url", Text), Column("creator_seq", Text), Column("content_type", String),
    Column("source_format", String), Column("source_value", Text), Column("res_version", String),
    Column("region_of_regard", Float), Column("waveband", String), Column("rights", Text),
    Column("rights_uri", Text), Column("harvested_from", String), _row("resource"),
)
# what a search counts, without the long texts between
Index("rr_resource_by_facets", rr_resource.c.ivoid, rr_resource.c.res_type, rr_resource.c.waveband).ddl_if(dialect="sqlite")
rr_res_role = Table(
    "rr_res_role", metadata, _row("res_role"), _ivoid(index=True),
    Column("role_name", Text), Column("role_ivoid", String), Column("street_address", Text), Column("email", String),
    Column("telephone", String), Column("logo", Text), Column("base_role", String),
)
rr_res_subject = Table(
    "rr_res_subject", metadata, _row("res_subject"), _ivoid(), Column("res_subject", Text),
)
Index("rr_res_subject_by_ivoid", rr_res_subject.c.ivoid).ddl_if(dialect="postgresql")
Index("rr_res_subject_of_record", rr_res_subject.c.ivoid, rr_res_subject.c.res_subject).ddl_if(dialect="sqlite")
_by_value(rr_res_subject.c.res_subject)
rr_capability = Table(
    "rr_capability", metadata, Column("ivoid", String, primary_key=True),
    Column("cap_index", SmallInteger, primary_key=True), Column("cap_type", String),
    Column("cap_description", Text), Column("standard_id", String),
    sqlite_with_rowid=False,  # a search joins it by its key: one look instead of two
)
_by_value(rr_capability.c.cap_type)
_by_value(rr_capability.c.standard_id).ddl_if(dialect="postgresql")
Index("rr_capability_by_standard", rr_capability.c.standard_id, rr_capability.c.ivoid).ddl_if(dialect="sqlite")
rr_interface = Table(
    "rr_interface", metadata, Column("ivoid", String, primary_key=True),
    Column("intf_index", SmallInteger, primary_key=True), Column("cap_index", SmallInteger, nullable=False),
    Column("intf_type", String), Column("intf_role", String), Column("std_version", String),
    Column("query_type", String), Column("result_type", String), Column("wsdl_url", Text), Column("url_use", String),
    Column("access_url", Text), Column("mirror_url", Text), Column("authenticated_only", SmallInteger),
    sqlite_with_rowid=False,
)
_by_value(rr_interface.c.access_url)
rr_intf_param = Table(
    "rr_intf_param", metadata, _row("intf_param"), _ivoid(index=True), Column("intf_index", SmallInteger, nullable=False),
    Column("name", String), Column("param_description", Text), Column("ucd", String), Column("unit", String),
    Column("utype", String), Column("std", SmallInteger), Column("datatype", String),
    Column("extended_schema", String), Column("extended_type", String), Column("arraysize", String),
    Column("delim", String), Column("param_use", String),
)
rr_res_schema = Table(
    "rr_res_schema", metadata, _row("res_schema"), _ivoid(),
    Column("schema_index", SmallInteger, nullable=False), Column("schema_description", Text),
    Column("schema_name", String), Column("schema_title", Text), Column("schema_utype", String),
    UniqueConstraint("ivoid", "schema_index"),
)
rr_res_table = Table(
    "rr_res_table", metadata, _row("res_table"), _ivoid(),
    Column("table_index", SmallInteger, nullable=False), Column("schema_index", SmallInteger),
    Column("table_description", Text), Column("table_name", String), Column("table_title", Text),
    Column("table_type", String), Column("table_utype", String), Column("nrows", BigInteger),
    UniqueConstraint("ivoid", "table_index"),
)
_by_value(rr_res_table.c.table_name)
rr_table_column = Table(
    "rr_table_column", metadata, _row("table_column"), _ivoid(), Column("table_index", SmallInteger, nullable=False),
    Column("name", String), Column("ucd", String), Column("unit", String), Column("utype", String), Column("std", SmallInteger),
    Column("datatype", String), Column("extended_schema", String), Column("extended_type", String), Column("arraysize", String),
    Column("delim", String), Column("type_system", String), Column("flag", String), Column("column_description", Text),
)
Index("rr_table_column_by_table", rr_table_column.c.ivoid, rr_table_column.c.table_index)
Index("rr_table_column_by_ucd", rr_table_column.c.ucd, rr_table_column.c.ivoid).ddl_if(dialect="sqlite")
# finds by the first letters too, and takes values of any length
Index("rr_table_column_ucd", rr_table_column.c.ucd, postgresql_using="spgist").ddl_if(dialect="postgresql")
rr_relationship = Table(
    "rr_relationship", metadata, _row("relationship"), _ivoid(index=True), Column("relationship_type", String),
    Column("related_id", String), Column("related_name", Text),
)
_by_value(rr_relationship.c.related_id)
rr_validation = Table(
    "rr_validation", metadata, _row("validation"), _ivoid(index=True), Column("validated_by", String),
    Column("val_level", SmallInteger), Column("cap_index", SmallInteger),
)
rr_res_date = Table(
    "rr_res_date", metadata, _row("res_date"), _ivoid(index=True), Column("date_value", String), Column("value_role", String),
)
rr_res_detail = Table(
    "rr_res_detail", metadata, _row("res_detail"), _ivoid(index=True), Column("cap_index", SmallInteger),
    Column("detail_xpath", String), Column("detail_value", Text),
)
_by_value(rr_res_detail.c.detail_xpath).ddl_if(dialect="postgresql")
_by_value(rr_res_detail.c.detail_value).ddl_if(dialect="postgresql")
Index("rr_res_detail_by_path", rr_res_detail.c.detail_xpath, rr_res_detail.c.detail_value).ddl_if(dialect="sqlite")
rr_alt_identifier = Table(
    "rr_alt_identifier", metadata, _row("alt_identifier"), _ivoid(index=True), Column("alt_identifier", String),
)
_by_value(rr_alt_identifier.c.alt_identifier)

rr_stc_spatial = Table(
    "rr_stc_spatial", metadata, _row("stc_spatial"), _ivoid(index=True),
    Column("coverage", Text),  # a MOC
    Column("ref_system_name", String),
    Column("coverage_cells", Text, info=_OURS),  # JSON list of its cells' uniq numbers
    Column("coverage_area", BigInteger, info=_OURS),  # in cells of order 13
)
moc_cells = Table(  # by triggers, from coverage_cells; order 13 at most, so that a number fits
    "moc_cells", metadata, Column("uniq", Integer, primary_key=True, autoincrement=False),
    Column("stc_spatial_row", Integer().with_variant(BigInteger, "postgresql"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
rr_stc_temporal = Table(
    "rr_stc_temporal", metadata, _row("stc_temporal"), _ivoid(index=True), Column("time_start", Float), Column("time_end", Float),
)
Index("rr_stc_temporal_by_time", rr_stc_temporal.c.time_start, rr_stc_temporal.c.time_end)
rr_stc_spectral = Table(
    "rr_stc_spectral", metadata, _row("stc_spectral"), _ivoid(index=True),
    Column("spectral_start", Float), Column("spectral_end", Float),
)
Index("rr_stc_spectral_by_energy", rr_stc_spectral.c.spectral_start, rr_stc_spectral.c.spectral_end)
rr_tap_table = Table(  # tables that a TAP service `svcid` lets query, as the resource `resid` describes them
    "rr_tap_table", metadata, _row("tap_table"), Column("resid", String, nullable=False, index=True),
    Column("svcid", String, nullable=False), Column("table_name", String), Column("table_title", Text),
    Column("table_description", Text), Column("table_utype", String),
)
Index("rr_tap_table_by_service", rr_tap_table.c.svcid, rr_tap_table.c.table_name).ddl_if(dialect="sqlite")
_by_value(rr_tap_table.c.svcid).ddl_if(dialect="postgresql")

words.prepare(metadata)
words.index(rr_resource, rr_resource.c.res_title, rr_resource.c.res_description, ranked=True)
words.index(rr_res_subject, rr_res_subject.c.res_subject)
words.index(rr_res_schema, rr_res_schema.c.schema_description, rr_res_schema.c.schema_title)
words.index(rr_res_table, rr_res_table.c.table_description, rr_res_table.c.table_title)
words.index(rr_table_column, rr_table_column.c.column_description)
words.index(rr_intf_param, rr_intf_param.c.param_description)
words.index(rr_tap_table, rr_tap_table.c.table_description, rr_tap_table.c.table_title)
words.cells(rr_stc_spatial, moc_cells)

# --- PostgreSQL -------------------------------------------------------------------------------------------------------
for _column in (column for table in metadata.tables.values() for column in table.columns):
    if type(_column.type) is String:  # identifiers and times: compared byte by byte whatever the server's language is
        _column.type = _column.type.with_variant(String(collation="C"), "postgresql")
    elif type(_column.type) is SmallInteger:  # RegTAP's type, which a record of many tables goes beyond
        _column.type = _column.type.with_variant(Integer, "postgresql")
