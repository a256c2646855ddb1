"""The whole database schema, a module for each room's tables. It holds no query: those are in the stores.

Times are text, `YYYY-MM-DDThh:mm:ssZ` in UTC (they sort, and go into documents as they are); jobs have milliseconds.
An `ivoid` column named `key` holds the identifier's comparison form (lower case), `ivoid` the publisher's spelling.
The tables `rr_*` are RegTAP 1.2's (decision D17): a projection of the records, never written by hand.
What PostgreSQL needs beside SQLite is at the end.
"""

from __future__ import annotations

from sqlalchemy import Integer, SmallInteger, String

from registry.tables.access import accounts, api_tokens, identities, login_attempts, sessions, visits
from registry.tables.applications import draft_news, images, repositories, repository_images, repository_tags
from registry.tables.base import metadata
from registry.tables.dispatch import dispatched, runners
from registry.tables.harvest import harvest_changes, harvest_problems, harvest_runs, harvest_seen, quarantine, sources
from registry.tables.rr import (
    described,
    is_number,
    moc_cells,
    rr_alt_identifier,
    rr_capability,
    rr_interface,
    rr_intf_param,
    rr_relationship,
    rr_res_date,
    rr_res_detail,
    rr_res_role,
    rr_res_schema,
    rr_res_subject,
    rr_res_table,
    rr_resource,
    rr_stc_spatial,
    rr_stc_spectral,
    rr_stc_temporal,
    rr_table_column,
    rr_tap_table,
    rr_validation,
)
from registry.tables.services import health, health_changes, held_changes, site_service, watches
from registry.tables.shelf import authorities, drafts, record_versions, records, set_members, sets
from registry.tables.site import audit, facts
from registry.tables.uws import job_parameters, job_phases, job_results, job_usage, jobs

__all__ = [
    "accounts", "api_tokens", "audit", "authorities", "described", "dispatched", "draft_news", "drafts", "facts",
    "harvest_changes", "harvest_problems", "harvest_runs", "harvest_seen", "health", "health_changes", "held_changes",
    "identities", "images", "is_number", "job_parameters", "job_phases", "job_results", "job_usage", "jobs", "login_attempts",
    "metadata", "moc_cells", "quarantine", "record_versions", "records", "repositories", "repository_images", "repository_tags",
    "rr_alt_identifier", "rr_capability", "rr_interface", "rr_intf_param", "rr_relationship", "rr_res_date", "rr_res_detail",
    "rr_res_role", "rr_res_schema", "rr_res_subject", "rr_res_table", "rr_resource", "rr_stc_spatial", "rr_stc_spectral",
    "rr_stc_temporal", "rr_table_column", "rr_tap_table", "rr_validation", "runners", "sessions", "set_members", "sets",
    "site_service", "sources", "visits", "watches",
]

for _column in (column for table in metadata.tables.values() for column in table.columns):
    if type(_column.type) is String:  # identifiers and times: compared byte by byte whatever the server's language is
        _column.type = _column.type.with_variant(String(collation="C"), "postgresql")
    elif type(_column.type) is SmallInteger:  # RegTAP's type, which a record of many tables goes beyond
        _column.type = _column.type.with_variant(Integer, "postgresql")
