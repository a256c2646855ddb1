"""The gateway's WSGI application: holds a job's request against what it declared, sends it on, streams the answer.

What a job may do is decided in `permits` and `paths`; this module only follows. Every refusal is one sentence of
text/plain.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urljoin

from sqlalchemy.exc import SQLAlchemyError
from waitress.channel import ClientDisconnected

from registry.errors import Refusal, Unavailable
from registry.fetch import FetchError, Stream
from registry.gateway import headers, paths, rewrite
from registry.gateway.permits import Permit, permit
from registry.services import credentials
from registry.services.inner import HOST, Route
from registry.site import Site

METHODS = ("GET", "HEAD", "POST")
_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d{1,5})?")
_log = logging.getLogger("registry.gateway")
Start = Callable[[str, list[tuple[str, str]]], Any]


class MethodRefused(Refusal):
    """The gateway forwards only methods that read or ask."""

    status: ClassVar[int] = 405


class NotDeclared(paths.PathRefused):
    """The job has not declared that API."""


class BadAnswer(Refusal):
    """The API behind the gateway cannot be reached, or its answer cannot be passed on."""

    status: ClassVar[int] = 502


class Forwarder:
    """The application for one site; threads share it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        try:
            return self._forward(environ, start_response)
        except SQLAlchemyError as error:
            _log.error("the database does not answer: %s", error)
            refusal: Refusal = Unavailable("The gateway cannot look up the job: its database is silent; try again.")
        except FetchError as error:
            refusal = BadAnswer(f"The API cannot be reached from the gateway: {error}")
        except Refusal as error:
            refusal = error
        return _sentence(refusal, environ, start_response)

    def _forward(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if method not in METHODS:
            raise MethodRefused(f"The gateway forwards {', '.join(METHODS)} only, and this is {method}.")
        wanted = paths.target(environ.get("REQUEST_URI") or environ["PATH_INFO"])
        asker = permit(self._site, environ.get("HTTP_AUTHORIZATION", ""), _own_address(environ, self._site))
        route = asker.routes.get(wanted.route_id)
        if route is None:
            raise NotDeclared(
                "This job did not declare the API at that address, or it is gone: apis.json in the datacenter's folder "
                "says what it may use.")
        exchange = _Exchange(self._site, asker, route, wanted, environ)
        return exchange.answer(method, start_response)


class _Exchange:
    """One request to an API and its answer."""

    def __init__(
        self, site: Site, asker: Permit, route: Route, wanted: paths.Target, environ: dict[str, Any],
    ) -> None:
        self._site, self._asker, self._route, self._environ = site, asker, route, environ
        self._url = paths.backend_url(route, wanted)
        self._maybe_vosi = rewrite.may_be_capabilities(route, wanted.path)

    def answer(self, method: str, start_response: Start) -> Iterable[bytes]:
        """Send it on, and begin the answer. Raises FetchError or BadAnswer before anything has gone to the job."""
        sent = headers.to_api(
            self._environ, credentials.get(self._site, self._route.endpoint.ivoid), packed=not self._maybe_vosi)
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(
                self._site.fetcher.stream(method, self._url, headers=sent, body=_body(self._environ)))
            passed = headers.to_job(stream.headers.items())
            passed += self._location(stream)
            if method == "GET" and self._maybe_vosi and stream.status == 200 and _is_xml(stream):
                return _document(stream, passed, list(self._asker.routes.values()), start_response)
            start_response(_status(stream.status), passed)
            return _Passing(stream, stack.pop_all())

    def _location(self, stream: Stream) -> list[tuple[str, str]]:
        if stream.status == 401:
            raise BadAnswer(
                f"{self._route.endpoint.ivoid} asks this datacenter for a credential that it does not have, or does "
                "not take the one it has: an administrator sets it with `registry api credential`.")
        if "location" not in stream.headers:
            return []
        target = urljoin(self._url, stream.headers["location"])
        address = rewrite.to_gateway(target, [self._route, *self._asker.routes.values()])
        if address is None:
            raise BadAnswer(
                f"{self._route.endpoint.ivoid} sends the job on to {target[:200]!r}, which is outside the "
                "APIs that the job declared.")
        return [("Location", address)]


class _Passing:
    """An API's body on its way to the job, unread; closing it lets go of the connection."""

    def __init__(self, stream: Stream, stack: contextlib.ExitStack) -> None:
        self._chunks, self._stack, self._url = stream.chunks, stack, stream.url

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except FetchError as error:
            _log.warning("an answer broke off on its way to a job: %s", error)
            # waitress then cuts the connection, so that the job sees a broken answer and not a short one
            raise ClientDisconnected from None

    def close(self) -> None:
        """Called by the server when the answer is sent or the job is gone."""
        self._stack.close()


class _Sized:
    """A request's body with its length: sent in chunks without one, which many servers do not take."""

    def __init__(self, file: Any, length: int) -> None:
        self._file, self._length = file, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while part := self.read(1 << 16):
            yield part

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes."""
        part: bytes = self._file.read(size)
        return part


def _document(
    stream: Stream, passed: list[tuple[str, str]], routes: list[Route], start_response: Start,
) -> Iterable[bytes]:
    body = b""
    for chunk in stream.chunks:
        body += chunk
        if len(body) > rewrite.MAX_DOCUMENT:
            raise BadAnswer(f"{stream.url} answers a capabilities document of more than {rewrite.MAX_DOCUMENT} bytes.")
    body = rewrite.document(body, routes)
    # what stood for the old bytes does not for the new ones
    old = ("content-length", "etag", "content-md5", "digest")
    kept = [(name, value) for name, value in passed if name.lower() not in old]
    start_response(_status(stream.status), [*kept, ("Content-Length", str(len(body)))])
    return [body]


def _body(environ: Mapping[str, Any]) -> Any:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return _Sized(environ["wsgi.input"], length) if length else None


def _own_address(environ: Mapping[str, Any], site: Site) -> str:
    """The gateway as this job calls it: what it sent as Host, where that is a host and port."""
    host = str(environ.get("HTTP_HOST", ""))
    return host if _HOST.fullmatch(host) else f"{HOST}:{site.settings.gateway_port}"


def _is_xml(stream: Stream) -> bool:
    plain = stream.headers.get("content-encoding", "identity").lower() == "identity"
    return plain and rewrite.is_xml(stream.headers.get("content-type", ""))


def _status(code: int) -> str:
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return f"{code} Unknown"


def _sentence(error: Refusal, environ: Mapping[str, Any], start_response: Start) -> Iterable[bytes]:
    status = error.status
    body = f"{error}\n".encode()
    sent = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    if status == 401:
        sent.append(("WWW-Authenticate", "Bearer"))
    if status == 405:
        sent.append(("Allow", ", ".join(METHODS)))
    if status == 503:
        sent.append(("Retry-After", "2"))
    start_response(_status(status), sent)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
