"""Before what cannot be taken back is done: a page that names what goes and what stays, and asks for the name of it.

It works without a script, because the question is a page of its own: the same form is sent again with what was typed.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, make_response, render_template, request

from registry.admin.guard import CSRF_FIELD

CONFIRM = "confirm"


def question(wanted: str, *, title: str, goes: Sequence[str], stays: str, button: str, back: str) -> Response | None:
    """None where the form holds `wanted` under `confirm`, typed by a person; else the page that asks for it.

    `goes` are sentences or names of what dies; `back` is the address, below the service's root, that leads out of it.
    """
    typed = request.form.get(CONFIRM)
    if typed is not None and typed.strip().lower() == wanted.lower():
        return None
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in (CSRF_FIELD, CONFIRM)]
    problem = "" if typed is None else f"That is not {wanted!r}, so nothing was done."
    shown = render_template("admin/sure.html", wanted=wanted, title=title, goes=goes, stays=stays, button=button, back=back,
                            fields=fields, problem=problem, path=request.path)
    return make_response(shown, 200 if typed is None else 400)
