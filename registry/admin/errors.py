"""What is answered when something cannot be done: what, why, what next, and the request's number.

As a page for browsers, as JSON below /api and for who asks for it, else as one line of text. A room whose protocol
has its own form of errors (OAI-PMH, UWS) has its own handlers, which come before these.
"""

from __future__ import annotations

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
    409: "Not in its present state",
    413: "That is too much at once",
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


def form_of_answer() -> str:
    """`json`, `html` or `text`: what the client reads best."""
    if request.path.startswith("/api/"):
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
    number = g.get("request_id", "-")
    after = _NEXT.get(status, _NEXT[400])
    form = form_of_answer()
    if form == "json":
        response = jsonify(error=message, next=after, status=status, request=number)
    elif form == "html":
        response = make_response(
            render_template(
                "admin/error.html",
                heading=_HEADINGS.get(status, _HEADINGS[400]),
                message=message,
                after=after,
                number=number,
                status=status,
            )
        )
    else:
        response = make_response(f"{message}\n")
        response.mimetype = "text/plain"
    response.status_code = status
    return response
