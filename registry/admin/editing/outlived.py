"""A session that ended in mid edit: what was typed travels inside the login page and is offered again after it.

Nothing of it is done without a press of a button by whoever has logged in, and nothing is kept by the service: a browser
that nobody has logged in with cannot make it store anything.
"""

from __future__ import annotations

import json
import re

from flask import render_template, request

from registry.errors import Refusal
from registry.records.forming import carrying

ENDPOINTS = frozenset({"admin.edit_post", "admin.edit_xml"})
AFTER = "admin.login_kept"  # sends the same from a login page, after a login in another tab
_PLACE = re.compile(r"/admin/(edit|edit-xml)/(?!/)[^\\\x00-\x20?#]{1,600}")
_MOST = 20_000  # fields
_LEFT_OUT = frozenset({"csrf_token", "do", "kept", "kept_at"})


def outlives() -> bool:
    """Whether this request brings what somebody has typed into the form of a record, now or before a login."""
    return _typed() or (request.endpoint == AFTER and bool(carried()))


def _typed() -> bool:
    return request.method == "POST" and request.endpoint in ENDPOINTS and bool(_PLACE.fullmatch(request.path))


def carried() -> dict[str, str]:
    """The hidden fields of a login page that keep what was typed: from this form, or from the login before it that failed."""
    if _typed():
        pairs = [(name, value) for name, value in request.form.items(multi=True) if name not in _LEFT_OUT][:_MOST]
        return {"kept": carrying.packed(json.dumps(pairs).encode()), "kept_at": request.path}
    if "kept" in request.form and _PLACE.fullmatch(request.form.get("kept_at", "")):
        return {name: request.form[name] for name in ("kept", "kept_at")}
    return {}


def offer(found: dict[str, str]) -> str:
    """The page that gives it back; '' where there is nothing."""
    try:
        pairs = json.loads(carrying.unpacked(found.get("kept", "")))
        given = [(str(name), str(value)) for name, value in pairs][:_MOST]
    except (Refusal, ValueError, TypeError):
        return ""
    place = found["kept_at"]
    return render_template("admin/edit_outlived.html", pairs=given, place=place,
                           act="check" if place.startswith("/admin/edit-xml/") else "form")
