"""What the worker does beside its jobs, in threads of its own: due harvests, contracts read ahead, the health of services,
new images in Docker repositories, jobs that run at other datacenters, queries that are kept as jobs.

At its start, records whose rows for searches are behind them are projected again (D17). It runs no job.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from registry.applications import watching as images
from registry.bell import WORK
from registry.dispatch import following
from registry.records import reprojecting
from registry.services import watching
from registry.services.health import polling
from registry.site import Site
from registry.worker import queries

_EVERY = 5.0   # seconds between two looks when nobody rings
_CALM = 1.0    # seconds at least: submitted jobs ring the same bell
_WARM = 60.0   # seconds between two looks at the catalogue
_log = logging.getLogger("registry.worker")


def run(site: Site, lease: str, stop: threading.Event) -> None:
    """Look for such work until `stop` is set."""
    harvest = _found("registry.harvest.schedule", "turn")
    warm = _found("registry.applications.catalogue", "warm")
    warmed = float("-inf")
    watchers = [threading.Thread(target=target, args=(site, stop), name=name, daemon=True) for name, target in (
        ("health", polling.run), ("documents", _reread), ("projection", _project), ("images", _look),
        ("elsewhere", lambda site, stop: following.run(site, lease, stop)),
        ("queries", lambda site, stop: queries.run(site, lease, stop)))]
    for thread in watchers:
        thread.start()
    with site.bells.listen(WORK) as listener:
        while not stop.is_set():
            if harvest:
                _guarded("harvest", harvest, site, lease)
            if warm and time.monotonic() - warmed > _WARM:
                _guarded("catalogue", warm, site)
                warmed = time.monotonic()
            if not stop.wait(_CALM):
                listener.wait(_EVERY)


def _reread(site: Site, stop: threading.Event) -> None:
    """Read the documents of services again when their time has come."""
    while not stop.wait(min(_EVERY, site.settings.watch_interval)):
        _guarded("documents", watching.turn, site)


def _look(site: Site, stop: threading.Event) -> None:
    """Look at the Docker repositories that are watched when their time has come."""
    while not stop.wait(_EVERY):
        _guarded("images", images.turn, site, stop)


def _project(site: Site, _stop: threading.Event) -> None:
    """Derive again what searches find of records, where another version of this program or a torn import left it behind.

    In batches: a worker that stops amid them goes on at its next start.
    """
    _guarded("projection", _behind, site)


def _behind(site: Site) -> None:
    count = reprojecting.reproject(site, behind_only=True)
    if count:
        _log.info("%s records were projected again", count)


def _found(module: str, name: str) -> Callable[..., Any] | None:
    """A use case of another room, where that room has it yet."""
    try:
        found: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        return None
    return found


def _guarded(what: str, call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except Exception:  # jobs go on whatever a harvest meets; it is looked at again in a few seconds
        _log.exception("the %s turn failed", what)
