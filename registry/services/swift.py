"""Gives an answer that was given before as long as nothing has changed: a layer in front of the web application.

It knows neither the queries nor their answers, only that a GET of the same address with the same Accept has the same
answer while the mark is the same. Pages are left alone, since they depend on who looks.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from registry.services.marks import Marks

MOST = 5_000  # answers
BYTES = 64 * 2**20  # of all of them
LARGEST = 4 * 2**20  # of one
Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]
_LEFT_OUT = ("set-cookie", "date", "x-request-id")
_WITH_304 = ("etag", "vary", "cache-control", "content-location")  # RFC 9110 §15.4.5


@dataclass(frozen=True)
class _Answer:
    mark: str
    etag: str
    headers: list[tuple[str, str]]
    unchanged: list[tuple[str, str]]  # headers of a 304
    body: bytes


class Swift:
    """The layer for the addresses that begin with one of `paths`."""

    def __init__(self, application: Application, marks: Marks, paths: tuple[str, ...]) -> None:
        self._application, self._marks, self._paths = application, marks, paths
        self._answers: OrderedDict[tuple[str, str, str], _Answer] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(self._paths) or "wait" in query.lower():
            return self._application(environ, start_response)
        try:
            mark = self._marks.now()
        except (SQLAlchemyError, OSError, ValueError, self._marks.errors):
            mark = ""  # the application says what is wrong
        if not mark:
            return self._application(environ, start_response)
        key = (path, query, environ.get("HTTP_ACCEPT", ""))
        known = self._answers.get(key)
        if known is None or known.mark != mark:
            return self._made(key, mark, environ, start_response)
        asked = environ.get("HTTP_IF_NONE_MATCH", "")
        if asked and (known.etag in asked or asked.strip() == "*"):
            start_response("304 NOT MODIFIED", known.unchanged)
            return []
        start_response("200 OK", known.headers)
        return [known.body]

    def _made(self, key: tuple[str, str, str], mark: str, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Let the application answer, whole; keep what may be given again."""
        # so that the answer is kept even where this client has it already
        plain = {name: value for name, value in environ.items() if name != "HTTP_IF_NONE_MATCH"}
        heard: list[tuple[str, list[tuple[str, str]]]] = []

        def listen(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
            heard.append((status, headers))
            return lambda _body: None

        result = self._application(plain, listen)
        try:
            body = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        status, headers = heard[-1]
        named = {name.lower(): value for name, value in headers}
        etag = named.get("etag", "")
        kept = status.startswith("200") and etag and "html" not in named.get("content-type", "")
        if kept and len(body) <= LARGEST:
            clean = [(name, value) for name, value in headers if name.lower() not in _LEFT_OUT]
            unchanged = [(name, value) for name, value in clean if name.lower() in _WITH_304]
            self._keep(key, _Answer(mark, etag, clean, unchanged, body))
        asked = environ.get("HTTP_IF_NONE_MATCH", "")
        if kept and asked and (etag in asked or asked.strip() == "*"):
            start_response("304 NOT MODIFIED", [(name, value) for name, value in headers if name.lower() in _WITH_304])
            return []
        start_response(status, headers)
        return [body]

    def _keep(self, key: tuple[str, str, str], answer: _Answer) -> None:
        with self._lock:
            old = self._answers.pop(key, None)
            self._size += len(answer.body) - (len(old.body) if old else 0)
            self._answers[key] = answer
            while len(self._answers) > MOST or self._size > BYTES:
                _, gone = self._answers.popitem(last=False)
                self._size -= len(gone.body)
