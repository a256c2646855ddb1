"""What a search finds as JSON, and as an XML list of the records themselves (ri:VOResources of RegistryInterface 1.0)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from registry.config import Settings
from registry.records.views import path_of
from registry.search.finding import snippets
from registry.search.finding.records import Found, Item
from registry.tables import records
from vosi import namespaces as ns


def plain(settings: Settings, found: Found) -> dict[str, Any]:
    """As JSON has it; `next` is the number of the next page."""
    asked, lines = found.asked, snippets.of_search(settings, found.asked, found.adql)
    return {
        "total": found.total, "page": asked.page, "pages": found.pages, "limit": asked.limit, "asked": asked.state,
        "next": asked.page + 1 if asked.page < found.pages else None,
        "records": [_item(settings, item) for item in found.items],
        "facets": {name: [{"value": one.value, "count": one.count} for one in values]
                   for name, values in found.counts.facets.items()},
        "adql": found.adql or None, "pyvo": lines.pyvo or None, "topcat": lines.topcat or None, "table": lines.table or None,
        "command": lines.command,
    }


def _item(settings: Settings, item: Item) -> dict[str, Any]:
    lines = snippets.of_record(settings, item)
    return {
        "ivoid": item.ivoid, "title": item.title, "short_name": item.short_name, "type": item.type, "status": item.status,
        "origin": item.origin, "datestamp": item.datestamp, "updated": item.updated, "description": item.description,
        "waveband": item.waveband.split("#") if item.waveband else [],
        "interfaces": [{"standard_id": standard, "access_url": url} for standard, url in item.endpoints],
        "url": settings.url(path_of(item.ivoid)[1:]), "pyvo": lines.pyvo, "topcat": lines.topcat or None, "curl": lines.curl,
        "xml": lines.xml,
    }


def xml(connection: Connection, found: Found) -> bytes:
    """The records as they are kept, in their order; `more` says whether there is another page."""
    kept = {row.key: row.xml for row in connection.execute(
        select(records.c.key, records.c.xml).where(records.c.key.in_([item.key for item in found.items])))}
    first = (found.asked.page - 1) * found.asked.limit + 1
    more = "true" if found.asked.page < found.pages else "false"
    head = (f'<?xml version="1.0" encoding="UTF-8"?>\n<ri:VOResources xmlns:ri="{ns.RI}" from="{first}" '
            f'numberReturned="{len(kept)}" more="{more}">\n')
    return head.encode() + b"\n".join(kept[item.key] for item in found.items if item.key in kept) + b"\n</ri:VOResources>\n"
