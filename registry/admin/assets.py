"""Style sheets and scripts of pages: named by what is in them, so that browsers keep them, and sent compressed.

Pages themselves are never compressed here: they hold a token and what a stranger may have put into the address, whose common
length would tell of each other (BREACH).
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.utils import safe_join

_ENDPOINTS = ("static", "bootstrap.static")
_FOREVER = "public, max-age=31536000, immutable"
_SMALL = 1000  # bytes that fit into one packet anyway


def register(app: Flask) -> None:
    """Name the files in links, and dress the answers that are files."""
    app.url_defaults(_name)
    app.after_request(_dress)


def _name(endpoint: str, values: dict[str, Any]) -> None:
    """Add to a link what tells one version of a file from another."""
    if endpoint in _ENDPOINTS and "v" not in values:
        path = _path(endpoint, str(values.get("filename", "")))
        if path is not None:
            values["v"] = _digest(path, path.stat().st_mtime_ns)


def _path(endpoint: str, filename: str) -> Path | None:
    room, _, name = endpoint.rpartition(".")
    folder = (current_app.blueprints[room] if room else current_app).static_folder
    found = safe_join(folder, filename) if folder and name else None
    return Path(found) if found and Path(found).is_file() else None


@lru_cache(64)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@lru_cache(64)
def _compressed(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


def _dress(response: Response) -> Response:
    if request.endpoint not in _ENDPOINTS or response.status_code not in (200, 304):
        return response
    if "v" in request.args:
        response.headers["Cache-Control"] = _FOREVER
    path = _path(request.endpoint, (request.view_args or {}).get("filename", ""))
    if path is None or not (response.mimetype or "").startswith(("text/", "application/javascript", "image/svg")):
        return response
    response.headers["Vary"] = "Accept-Encoding"
    if response.status_code == 200 and request.accept_encodings["gzip"] and path.stat().st_size > _SMALL:
        response.direct_passthrough = False
        response.set_data(_compressed(path, path.stat().st_mtime_ns))
        response.headers["Content-Encoding"] = "gzip"
        response.set_etag(response.get_etag()[0] or "", weak=True)  # the same file, in other bytes
    return response
