"""How every list of jobs answers what is refused: one sentence, in JSON for whoever asked for that; nothing kept by caches."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from registry.errors import Busy, Refusal, Unauthenticated
from registry.uws.errors import WrongMethod

JSON, TEXT = "application/json", "text/plain; charset=utf-8"
_DATABASE_RETRY = 10  # seconds
Say = Callable[[str, int], Response]


def answering(made: Blueprint) -> Blueprint:
    """Let `made` answer as every list of jobs does: what is refused in a sentence, nothing kept by caches."""
    made.after_request(_finish)
    made.register_error_handler(Refusal, _refused)
    tell_faults(made, _sentence)
    return made


def tell_faults(made: Blueprint, say: Say) -> None:
    """Let `made` tell by `say` (a sentence and a status) what no room refuses: the web framework's own, and a database away."""
    made.register_error_handler(HTTPException, lambda error: _http_refused(error, say))
    made.register_error_handler(OperationalError, lambda _error: _database_away(say))


def json_accepted() -> bool:
    """Whether the client would rather have JSON than XML or text."""
    offered = ["text/xml", "application/xml", "text/html", "text/plain", JSON]
    return request.accept_mimetypes.best_match(offered, "text/xml") == JSON


def json_answer(found: Any) -> Response:
    """`found` as JSON."""
    return Response(json.dumps(found, ensure_ascii=False) + "\n", content_type=JSON)


def _finish(answer: Response) -> Response:
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    answer.headers.setdefault("Cache-Control", "private, no-cache")
    answer.vary.update(("Accept", "Authorization"))
    return answer


def _refused(error: Refusal) -> Response:
    answer = _sentence(str(error), error.status)
    if isinstance(error, Unauthenticated):
        title = current_app.extensions["site"].settings.title
        realm = title.replace("\\", "").replace('"', "").encode("ascii", "replace").decode()
        answer.headers.add("WWW-Authenticate", f'Basic realm="{realm}", charset="UTF-8"')
        answer.headers.add("WWW-Authenticate", f'Bearer realm="{realm}"')
    if isinstance(error, Busy):
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, WrongMethod):
        answer.headers["Allow"] = ", ".join(error.allowed)
    return answer


def _http_refused(error: HTTPException, say: Say) -> Response:
    """What the web framework itself refuses: a method that is not there, a body too large, a range that is not there."""
    answer = say(f"The request cannot be answered: {error.description or error.name}", error.code or 500)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def _database_away(say: Say) -> Response:
    answer = say("The database does not answer just now: ask again in a few seconds.", 503)
    answer.headers["Retry-After"] = str(_DATABASE_RETRY)
    return answer


def _sentence(text: str, status: int) -> Response:
    if json_accepted():
        answer = json_answer({"error": text, "status": status})
        answer.status_code = status
        return answer
    return Response(f"{text}\n", status, content_type=TEXT)
