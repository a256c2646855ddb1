"""The only way out: every outbound HTTP request of the service, with its address policy, size cap and deadline.

A name is resolved, each address checked, and the checked one connected to, so that a name that changes its answer
in between gains nothing; every redirect is checked again. It knows no protocol above HTTP.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from registry import addresses
from registry.config import Settings
from registry.errors import Refusal

USER_AGENT = "innerspace/0.1 (IVOA registry)"
MAX_REDIRECTS = 3
_CHUNK = 64 * 1024
_SLACK = 0.5  # seconds: where a body is read, its reader sees the deadline first and says so better
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchError(Refusal):
    """An address could not be read; the message is one sentence with the address and the reason."""


class AddressRefused(FetchError):
    """The site's policy does not let this address be read."""


class Unreachable(FetchError):
    """Nobody answers there, or the answer broke off: trying again later may help."""


class TooLarge(FetchError):
    """The answer holds more than is read; asking again would not help."""


@dataclass(frozen=True)
class Reply:
    """A whole response: status, headers (names case-blind), body unpacked, and the address it came from at last."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class Stream:
    """A response whose body is still to be read, in chunks, as sent (not unpacked)."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    url: str


class Fetcher:
    """Outbound HTTP under one site's policy; one per process, used by all its threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = _Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _GuardedAdapter(settings)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, limit: int | None = None) -> Reply:
        """The document at `url`, redirects followed; `limit` bytes at most (default: the site's).

        Raises FetchError: AddressRefused, Unreachable, or plain when it is too large or too slow. A status of 400
        or above is a Reply like any other.
        """
        return self._whole("GET", url, headers, limit)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Status and headers at `url`; raises as `get`."""
        return self._whole("HEAD", url, headers, None)

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, limit: int | None = None) -> Reply:
        """What is answered to `body`; redirects are not followed, so that it goes nowhere else. Raises as `get`."""
        deadline = time.monotonic() + self._settings.fetch_deadline
        with _reading_until(deadline + _SLACK):
            response = self._send("POST", url, headers, body)
            try:
                return Reply(response.status_code, response.headers, self._read(response, url, limit, deadline), url)
            finally:
                response.close()

    @contextmanager
    def stream(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: Any = None,
    ) -> Iterator[Stream]:
        """Send one request and hand over the response unread; redirects are not followed.

        `body` is bytes or an iterable of them. Raises FetchError; also from `chunks`, when the answer breaks off.
        """
        response = self._send(method, url, headers, body)
        try:
            yield Stream(response.status_code, response.headers, _raw_chunks(response, url), url)
        finally:
            response.close()

    def _whole(self, method: str, url: str, headers: Mapping[str, str] | None, limit: int | None) -> Reply:
        deadline = time.monotonic() + self._settings.fetch_deadline
        with _reading_until(deadline + _SLACK):
            return self._followed(method, url, headers, limit, deadline)

    def _followed(
        self, method: str, url: str, headers: Mapping[str, str] | None, limit: int | None, deadline: float,
    ) -> Reply:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, url, {"Accept-Encoding": "gzip", **(headers or {})}, None)
            try:
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    body = b"" if method == "HEAD" else self._read(response, url, limit, deadline)
                    return Reply(response.status_code, response.headers, body, url)
                target = urljoin(url, response.headers["location"])
            finally:
                response.close()
            headers = _for_target(headers, url, target)
            url = target
        raise FetchError(f"{url} was reached by more than {MAX_REDIRECTS} redirects: give the address they lead to.")

    def _send(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any) -> requests.Response:
        _check_url(url, self._settings)
        try:
            return self._session.request(
                method, url, headers={"User-Agent": USER_AGENT, **(headers or {})}, data=body, stream=True,
                allow_redirects=False, timeout=self._settings.fetch_timeout,
            )
        except FetchError:
            raise
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise _failure(url, error) from None

    def _read(self, response: requests.Response, url: str, limit: int | None, deadline: float) -> bytes:
        limit = limit or self._settings.fetch_limit
        unpack = _unpacker(response.headers.get("content-encoding", ""), url)
        parts: list[bytes] = []
        size = 0
        for chunk in _raw_chunks(response, url):
            part = unpack(chunk, limit + 1 - size)
            size += len(part)
            parts.append(part)
            if size > limit:
                raise TooLarge(f"{url} answers more than {limit} bytes, which is over the site's fetch_limit.")
            if time.monotonic() > deadline:
                raise FetchError(f"{url} had not finished after {self._settings.fetch_deadline} s (fetch_deadline).")
        return b"".join(parts)


def _for_target(headers: Mapping[str, str] | None, url: str, target: str) -> Mapping[str, str]:
    """Headers for a redirect: credentials stay with the host they were meant for."""
    if urlsplit(url).netloc == urlsplit(target).netloc:
        return headers or {}
    return {name: value for name, value in (headers or {}).items() if name.lower() != "authorization"}


def _check_url(url: str, settings: Settings) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise AddressRefused(f"{url!r} is not a web address: check its host and port.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressRefused(f"{url!r} is not a web address: it must begin with http:// or https:// and name a host.")
    if parts.username or parts.password:
        raise AddressRefused(f"{parts.scheme}://{parts.hostname} is given with a password inside its address: leave that out.")
    if not addresses.may_use_port(port, settings.allowed_ports):
        raise AddressRefused(f"{url} uses port {port}, which is not among the site's allowed_ports.")


def _unpacker(encoding: str, url: str) -> Any:
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        return lambda chunk, _room: chunk
    engine = zlib.decompressobj(47)  # 47: gzip or zlib, told by its header

    def unpack(chunk: bytes, room: int) -> bytes:
        try:
            return engine.decompress(chunk, max(1, room))
        except zlib.error as error:
            raise FetchError(f"{url} answers a body that is not {encoding} as it says: {error}.") from None

    return unpack


def _raw_chunks(response: requests.Response, url: str) -> Iterator[bytes]:
    promised = response.headers.get("content-length", "")
    size = 0
    try:
        # read1 gives what has arrived; read would wait for a whole chunk, however slowly it drips
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            size += len(chunk)
            yield chunk
    except (HTTPError, OSError) as error:
        raise _failure(url, error) from None
    if promised.isdigit() and size < int(promised) and response.request.method != "HEAD":
        raise Unreachable(f"{url} broke off: {size} of {promised} bytes came.")


def _failure(url: str, error: Exception) -> FetchError:
    refused = _cause(error, AddressRefused)
    if refused is not None:
        return AddressRefused(str(refused))
    for kind, words in (
        (socket.gaierror, "its host name is not known"),
        (ssl.SSLCertVerificationError, "nobody we trust vouches for its certificate, or it is another host's"),
        (ssl.SSLError, "it does not speak TLS as it should"),
        (ConnectionRefusedError, "nobody listens there"),
        (TimeoutError, "it did not answer in time"),
        (ConnectionResetError, "the connection broke"),
        (IncompleteRead, "the answer broke off before its end"),
    ):
        if _cause(error, kind) is not None:
            return Unreachable(f"{url} cannot be read: {words}.")
    words = "it did not answer in time" if "timed out" in str(error) else type(error).__name__
    return Unreachable(f"{url} cannot be read: {words}.")


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first exception of `kind` among `error`, its reasons and causes."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, kind):
            return error
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
        seen += 1
    return None


def checked_address(host: str, port: int, allowed: list[str]) -> str:
    """The first address of `host`; raises AddressRefused unless every one of them may be connected to."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not addresses.may_connect(address, allowed):
            raise AddressRefused(
                f"{host} is at the internal address {address}, which this site does not allow: "
                "an administrator can add its network to allowed_networks."
            )
    return found[0]


_until = threading.local()  # .value: the moment after which this thread reads no further


@contextmanager
def _reading_until(moment: float) -> Iterator[None]:
    _until.value = moment
    try:
        yield
    finally:
        _until.value = None


class _Hurried:
    """A socket whose every read ends when its thread's time is up: a server may send its headers a byte at a time."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Raises TimeoutError when there is no time left."""
        read = super().recv_into  # type: ignore[misc]
        moment = getattr(_until, "value", None)
        if moment is None:
            return int(read(*args, **kwargs))
        left = moment - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        patience = self.gettimeout()  # type: ignore[attr-defined]
        if patience is not None and patience <= left:
            return int(read(*args, **kwargs))
        self.settimeout(left)  # type: ignore[attr-defined]
        try:
            return int(read(*args, **kwargs))
        finally:
            self.settimeout(patience)  # type: ignore[attr-defined]


class _HurriedSocket(_Hurried, socket.socket):
    """Of plain HTTP."""


class _HurriedTLS(_Hurried, ssl.SSLSocket):
    """Of HTTPS."""


def _hurried(plain: socket.socket) -> socket.socket:
    patience = plain.gettimeout()
    made = _HurriedSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
    made.settimeout(patience)
    return made


class _Session(requests.Session):
    """Leaves redirects to us: to see where one leads, the library's own reads the whole answer away."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, whatever it is."""


class _GuardedAdapter(HTTPAdapter):
    """Connects only where the policy lets it, to the very address that was checked."""

    def __init__(self, settings: Settings) -> None:
        self._pools = {
            "http": _pool(HTTPConnectionPool, HTTPConnection, settings),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, settings),
        }
        super().__init__(pool_connections=50, pool_maxsize=20)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


def _pool(pool: Any, connection: Any, settings: Settings) -> Any:
    named = settings.repositories  # an operator's word is policy enough

    def _new_conn(self: Any) -> socket.socket:
        name = self.host
        host = name.strip("[]")
        try:
            if f"{host}:{self.port}" not in named:
                self._dns_host = checked_address(host, self.port, settings.allowed_networks)
            return _hurried(connection._new_conn(self))
        finally:  # the name is what its certificate is held to, and what is resolved again for the next connection
            self._dns_host = name

    members: dict[str, Any] = {"_new_conn": _new_conn}
    if connection is HTTPSConnection:
        def _connect(self: Any) -> None:
            if self.ssl_context is None:
                self.ssl_context = create_urllib3_context()
                self.ssl_context.sslsocket_class = _HurriedTLS
            connection.connect(self)

        members["connect"] = _connect
    guarded = type(f"Guarded{connection.__name__}", (connection,), members)
    return type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": guarded})
