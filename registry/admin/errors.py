"""What is answered when something cannot be done: what, why, what next, and the request's number.

As a page for browsers, as JSON below /api and for who asks for it, else as one line of text. A room whose protocol
has its own form of errors (OAI-PMH, UWS) has its own handlers, which come before these.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, make_response, render_template, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from registry.errors import Busy, Refusal
from vosi.xmlio import XmlRefused

_HEADINGS = {
    400: "This cannot be done as asked",
    401: "Please say who you are",
    403: "This is not yours to do",
    404: "There is no such page",
    405: "This address is not used that way",
    408: "That took too long",
    409: "Not in its present state",
    410: "That is no longer here",
    411: "Say how long it is",
    413: "That is too much at once",
    414: "That address is too long",
    415: "That is not in a form that is read here",
    429: "Too often",
    500: "Something broke here",
    503: "Not at this moment",
}
_NEXT = {
    400: "Correct it and try again.",
    401: "Log in, or send a token.",
    403: "Ask an administrator for the role.",
    404: "Look in the lists of the menu.",
    405: "Use the links and buttons of the pages.",
    408: "Try again; ask for less where it takes as long again.",
    410: "Look in the lists of the menu for what has come in its place.",
    411: "Send the request with a Content-Length.",
    414: "Ask for less at once, or send it by POST.",
    415: "Send one of the kinds that the sentence names.",
    409: "Reload the page and look again.",
    413: "Send less, or ask for a higher body_limit.",
    429: "Wait, then try again.",
    500: "Tell the administrator the request's number; it is in the log with the cause.",
    503: "Try again in a minute.",
}
_WORDS = {
    404: "Nothing is at this address: it may be mistyped, or what was there is gone.",
    405: "This address does not take that kind of request.",
    413: "The request holds more bytes than this service takes.",
    500: "The service met a fault of its own while it answered, and nothing half-done was stored.",
}


def register(app: Flask) -> None:
    """Answer every refusal and fault of the application in the form that the client reads."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(XmlRefused, lambda error: _answer(400, str(error)))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _database)
    app.jinja_env.globals["refusal_words"] = words_of
    app.after_request(_told)


def words_of(status: int) -> tuple[str, str]:
    """What stands above a refusal of that status, and what its reader can do."""
    return _HEADINGS.get(status, _HEADINGS[400]), _NEXT.get(status, _NEXT[400])


def form_of_answer() -> str:
    """`json`, `html` or `text`: what the client reads best."""
    if request.path.startswith("/api/") or request.path.endswith(".json"):
        return "json"
    found = request.accept_mimetypes.best_match(["text/plain", "text/html", "application/json"], "text/plain")
    return {"text/html": "html", "application/json": "json"}.get(str(found), "text")


def _refused(error: Refusal) -> Response:
    response = _answer(error.status, str(error))
    if isinstance(error, Busy):
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        realm = current_app.extensions["site"].settings.authority
        response.headers.add("WWW-Authenticate", f'Basic realm="{realm}", charset="UTF-8"')
        response.headers.add("WWW-Authenticate", f'Bearer realm="{realm}"')
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    original = getattr(error, "original_exception", None)
    if original is not None:
        current_app.logger.error("request %s failed", g.get("request_id", "-"), exc_info=original)
    response = _answer(status, _WORDS.get(status) or error.description or error.name)
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _database(error: OperationalError) -> Response:
    current_app.logger.error("request %s: the database failed: %s", g.get("request_id", "-"), error.orig)
    return _answer(503, "The database does not answer just now (busy, full or away), so nothing was changed.")


def _answer(status: int, message: str) -> Response:
    form = form_of_answer()
    if form == "json":
        response = jsonify(error=message, **_beside(status))
    elif form == "html":
        response = _page(status, message)
    else:
        response = make_response(f"{message}\n")
        response.mimetype = "text/plain"
    response.status_code = status
    return response


def _beside(status: int) -> dict[str, Any]:
    return {"next": words_of(status)[1], "status": status, "request": g.get("request_id", "-")}


def _page(status: int, message: str) -> Response:
    shown = render_template("admin/error.html", heading=words_of(status)[0], message=message, status=status)
    return make_response(shown, status)


def _told(response: Response) -> Response:
    """What rooms refuse in a line of text or JSON has the next step and the request's number too, as a page for browsers."""
    status = response.status_code
    if status < 400:
        return response
    current_app.logger.log(
        logging.WARNING if status >= 500 else logging.INFO, "request %s: %s %s was answered %s", g.get("request_id", "-"),
        request.method, request.path, status)
    if response.direct_passthrough or response.is_streamed or request.method == "HEAD":
        return response
    if response.mimetype == "application/json":
        said = response.get_json(silent=True)
        if isinstance(said, dict) and "error" in said:
            response.set_data(jsonify({**_beside(status), **said}).get_data())
    elif response.mimetype == "text/plain" and form_of_answer() == "html":
        page = _page(status, response.get_data(as_text=True).strip())
        response.set_data(page.get_data())
        response.mimetype = "text/html"
    return response
