"""A service that was imported and then published by the form is read again from then on, as one registered at once is."""

from __future__ import annotations

from registry.errors import Refusal
from registry.records.store import Record
from registry.services import importing, watches
from registry.services.health import first
from registry.site import Site


def begin(site: Site, record: Record, url: str) -> None:
    """Watch the documents at `url` for the record; '' and what does not answer any more are not watched."""
    if not url:
        return
    try:
        found = importing.look(site, url)
    except Refusal:
        return  # it answered a moment ago; its page says how to have it read again
    watches.begin(site, record, found.url, found.validators, list(found.problems))
    first.note(site, record, found.availability)
