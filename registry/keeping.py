"""Keeps connections open behind a 304 of waitress: an answer without a body ends at its head (RFC 9112 §6.3).

waitress closes each, so that a client that asks whether something has changed pays for a connection every time.
"""

from __future__ import annotations

from typing import Any

from waitress.channel import HTTPChannel
from waitress.task import WSGITask


class _Task(WSGITask):  # type: ignore[misc]
    """One request."""

    def set_close_on_finish(self) -> None:
        """Close behind the answer, unless it is a 304 and nobody but waitress wants that."""
        asked = self.request.headers.get("CONNECTION", "").lower()
        if self.version == "1.1" and self.status.startswith("304") and asked != "close":
            return
        super().set_close_on_finish()


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection."""

    task_class = _Task


def keep_open(server: Any) -> None:
    """Let this server (of one address or several, as `waitress.create_server` makes it) keep connections behind a 304."""
    several = [one for one in getattr(server, "map", {}).values() if hasattr(one, "channel_class")]
    for one in [server] if hasattr(server, "channel_class") else several:
        one.channel_class = _Channel
