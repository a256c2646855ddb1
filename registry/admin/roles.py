"""Who may do what on the pages and in the JSON API: route and role, in one table, and nowhere else.

A route that is missing here is refused to everybody, and a test fails. What a role may see of somebody else's
jobs is not decided here but by the one loader of jobs.
"""

from __future__ import annotations

from registry.access import ADMINISTRATOR, PUBLISHER, READER, RUNNER

EVERYBODY = ""

ROLE_OF = {
    "admin.login": EVERYBODY,
    "admin.login_post": EVERYBODY,
    "admin.logout": EVERYBODY,
    "admin.dashboard": READER,
    "admin.records": READER,
    "admin.record": READER,
    "admin.record_retire": PUBLISHER,
    "admin.import_form": PUBLISHER,
    "admin.import_post": PUBLISHER,
    "admin.sources": READER,
    "admin.sources_add": ADMINISTRATOR,
    "admin.sources_look": ADMINISTRATOR,
    "admin.sources_publishers": ADMINISTRATOR,
    "admin.source": READER,
    "admin.source_change": ADMINISTRATOR,
    "admin.source_pause": PUBLISHER,
    "admin.source_remove": ADMINISTRATOR,
    "admin.source_harvest": PUBLISHER,
    "admin.run": READER,
    "admin.run_state": READER,
    "admin.run_cancel": PUBLISHER,
    "admin.run_accept_loss": ADMINISTRATOR,
    "admin.quarantine": READER,
    "admin.quarantine_accept": ADMINISTRATOR,
    "admin.quarantine_mute": PUBLISHER,
    "admin.applications": READER,
    "admin.application_form": RUNNER,
    "admin.application_run": RUNNER,
    "admin.register_form": PUBLISHER,
    "admin.register_post": PUBLISHER,
    "admin.jobs": READER,
    "admin.job": READER,
    "admin.job_state": READER,
    "admin.job_log": READER,
    "admin.job_result": READER,
    "admin.job_start": RUNNER,
    "admin.job_abort": RUNNER,
    "admin.job_delete": RUNNER,
    "admin.accounts": ADMINISTRATOR,
    "admin.audit": ADMINISTRATOR,
    "api.openapi": EVERYBODY,
    "api.records": EVERYBODY,
    "api.services": EVERYBODY,
    "api.services_add": PUBLISHER,
    "api.applications": EVERYBODY,
    "api.applications_add": PUBLISHER,
    "api.sources": READER,
    "api.sources_add": ADMINISTRATOR,
    "api.source_harvest": PUBLISHER,
    "api.source_pause": PUBLISHER,
    "api.source_resume": PUBLISHER,
    "api.run": READER,
    "api.run_cancel": PUBLISHER,
    "api.run_accept_loss": ADMINISTRATOR,
    "api.quarantine": READER,
    "api.quarantine_accept": ADMINISTRATOR,
    "api.quarantine_mute": PUBLISHER,
}
