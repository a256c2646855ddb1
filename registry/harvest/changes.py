"""How the sources do: each change from well to failing, to held or back, written down once and told by `registry.hooks`.

Who could not be told is told again a few times, with the same `id`, so that it may know what it has heard already.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from registry import clock, hooks
from registry.harvest import store
from registry.harvest.store import Run
from registry.site import Site
from registry.tables import harvest_changes, sources

OK, FAILING, HELD = "ok", "failing", "held"
TRIES = 5
_STATES = {store.COMPLETE: OK, store.FAILED: FAILING, store.HELD: HELD}


def note(connection: Connection, site: Site, run: Run) -> None:
    """Write down how the source of a run that has just ended does now, where that has changed."""
    state = _STATES.get(run.state)
    source = connection.execute(select(sources.c.health).where(sources.c.id == run.source_id)).first()
    if state is None or source is None or source.health == state:
        return
    connection.execute(update(sources).where(sources.c.id == run.source_id).values(health=state))
    if source.health or state != OK:  # a first harvest that comes is no news
        connection.execute(insert(harvest_changes).values(
            source_id=run.source_id, run_id=run.id, at=clock.stamp(), was=source.health or "new", state=state,
            message=run.message, tries=0 if hooks.anyone(site.settings) else None, told=[]))


def tell(site: Site) -> int:
    """Tell of what has not been told everybody; says how many changes are settled now. Never raises for what others do."""
    with site.database.read() as connection:
        untold = connection.execute(
            select(harvest_changes, sources.c.name, sources.c.registry, sources.c.url, sources.c.owner)
            .join(sources, sources.c.id == harvest_changes.c.source_id)
            .where(harvest_changes.c.tries.is_not(None)).order_by(harvest_changes.c.id)).all()
    return sum(_tell(site, change) for change in untold)


def _tell(site: Site, change: Row[Any]) -> bool:
    heard = list(change.told)
    fault = hooks.tell(site, document(site, change), f"source {change.name} is {change.state}, was {change.was}", heard)
    settled = not fault or change.tries + 1 >= TRIES
    with site.database.write() as connection:
        connection.execute(update(harvest_changes).where(harvest_changes.c.id == change.id).values(
            tries=None if settled else change.tries + 1, told=heard))
    return settled


def document(site: Site, change: Row[Any]) -> dict[str, Any]:
    """What a hook is sent."""
    return {
        "id": f"harvest-{change.id}", "datacenter": f"ivo://{site.settings.authority}", "source": change.name,
        "registry": change.registry, "url": change.url, "owner": change.owner, "state": change.state,
        "was": change.was, "at": change.at, "message": change.message,
        "page": site.settings.url(f"admin/runs/{change.run_id}"),
    }
