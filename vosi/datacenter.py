"""How an application inside a job's container finds and calls the datacenter's APIs (container contract, version 1).

One file, standard library only, Python 3.8 or later: copy it into an image and import it from there.

    import datacenter

    cone = datacenter.endpoint("ivo://ivoa.net/std/ConeSearch")
    votable = cone.get({"RA": 56.75, "DEC": 24.12, "SR": 1.5})
    (datacenter.results_dir() / "stars.xml").write_bytes(votable)

What a job may use is in `$DATACENTER_DIR/apis.json`; the job's token, in `$JOB_DIR/token`, goes along with each
request. It speaks HTTP and knows of no protocol above that: parameters and answers are the caller's business.
"""

from __future__ import annotations

import difflib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RETRY_SECONDS = 60.0  # the gateway, killed, is back within 2 s, a whole datacenter later; nothing else may answer on its port
_VERSIONED = re.compile(r"(.*)-(\d+(?:\.\d+)*)")


class DatacenterError(Exception):
    """The datacenter cannot give what was asked for; the message is one sentence."""


class NoSuchApi(DatacenterError):
    """No API that this job may use speaks the standard asked for; the message says which there are."""


class ApiError(DatacenterError):
    """An API answered with an HTTP status of 400 or above, or not at all (status 0)."""

    def __init__(self, message: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class Answer(bytes):
    """The body of an answer, with its HTTP `status`, `headers` (an email.message.Message) and final `url`."""

    status: int
    headers: Any
    url: str

    @property
    def text(self) -> str:
        """The body as text, in the character set that the answer names, else UTF-8."""
        return self.decode(self.headers.get_content_charset() or "utf-8", "replace")

    def json(self) -> Any:
        """The body, read as JSON; raises ValueError."""
        return json.loads(self)


class Endpoint:
    """One address that this job may use, and what is known of it ('' where nothing is).

    `use` says how `url` is meant (VOResource): full as it is, base to append a query to, dir to append a path to.
    `parameters` are the inputs that its description names: dictionaries with name, description, ucd, unit, use.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        def text(name: str) -> str:
            return str(description.get(name) or "")

        self.standard_id = text("standardID")
        self.url = text("url")
        self.use = text("use") or "full"
        self.type = text("type")
        self.role = text("role")
        self.version = text("version")
        self.ivoid = text("ivoid")
        self.title = text("title")
        self.parameters: list[dict[str, str]] = list(description.get("parameters") or [])

    def __repr__(self) -> str:
        return f"Endpoint({self.standard_id!r}, {self.url!r})"

    def address(self, params: Mapping[str, Any] | None = None, path: str = "") -> str:
        """The URL with `path` below it (percent-encoded here) and `params` in its query; a list repeats its name."""
        head, _, query = self.url.partition("?")
        if path:
            head = head.rstrip("/") + "/" + urllib.parse.quote(path.lstrip("/"), safe="/:@!$&'()*+,;=~")
        parts = [part for part in (query.strip("&"), urllib.parse.urlencode(params or {}, doseq=True)) if part]
        return head + ("?" + "&".join(parts) if parts else "")

    def get(
        self, params: Mapping[str, Any] | None = None, path: str = "", *,
        headers: Mapping[str, str] | None = None, timeout: float = 120.0,
    ) -> Answer:
        """The whole answer to a GET; redirects are followed. `timeout`: seconds of silence. Raises ApiError.

        A connection that is refused or breaks is tried again for a minute: the datacenter may just be starting anew.
        """
        return _send(urllib.request.Request(self.address(params, path), headers=dict(headers or {})), timeout)

    def post(
        self, data: Any = None, path: str = "", *, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, timeout: float = 120.0,
    ) -> Answer:
        """The whole answer to a POST of `data`: bytes, or a mapping sent as a form. Raises ApiError.

        Only a refused connection is tried again; one that broke may have done its work.
        """
        body = data if isinstance(data, bytes) else urllib.parse.urlencode(data or {}, doseq=True).encode("ascii")
        address = self.address(params, path)
        return _send(urllib.request.Request(address, data=body, headers=dict(headers or {}), method="POST"), timeout)


def endpoint(standard_id: str, *, version: str = "", ivoid: str = "") -> Endpoint:
    """The best endpoint for a standard: see `endpoints`. Raises NoSuchApi, which says what there is."""
    found = endpoints(standard_id, version=version, ivoid=ivoid)
    if not found:
        raise NoSuchApi(_explanation(standard_id, version, ivoid))
    return found[0]


def endpoints(standard_id: str, *, version: str = "", ivoid: str = "") -> list[Endpoint]:
    """Every endpoint for a standard that this job may use, best first: the very standardID, then newer versions.

    `standard_id` without a fragment takes any; a fragment such as `#query-2.0` takes that version and later ones of
    the same major number. `version` asks the same of the interface's own version, `ivoid` for one service. Case
    does not matter.
    """
    chosen = [
        api for api in apis()
        if satisfies(standard_id, api.standard_id) and _recent_enough(version, api.version or "1.0")
        and (not ivoid or api.ivoid.lower() == ivoid.lower())
    ]
    return sorted(chosen, key=lambda api: preference(standard_id, api.standard_id))


def apis() -> list[Endpoint]:
    """Every endpoint that this job may use. Raises DatacenterError where nothing says which."""
    document = _document(_folder("DATACENTER_DIR", "/datacenter") / "apis.json")
    return [Endpoint(entry) for entry in document.get("apis", [])]


def parameters() -> dict[str, Any]:
    """The job's parameters as they are in `$JOB_DIR/parameters.json`. Raises DatacenterError."""
    return dict(_document(_folder("JOB_DIR", "/job") / "parameters.json"))


def results_dir() -> Path:
    """The folder for results."""
    return _folder("RESULTS_DIR", "/results")


def inputs_dir() -> Path:
    """The folder of the files that came with the job."""
    return _folder("JOB_DIR", "/job") / "inputs"


def satisfies(wanted: str, offered: str) -> bool:
    """Whether the standardID `offered` is what `wanted` asks for: the same standard, in a compatible version."""
    head, fragment = _parts(wanted)
    offered_head, offered_fragment = _parts(offered)
    if head != offered_head:
        return False
    if not fragment or fragment == offered_fragment:
        return True
    name, version = _name_version(fragment)
    offered_name, offered_version = _name_version(offered_fragment)
    return name == offered_name and (not version or _recent_enough(version, offered_version))


def preference(wanted: str, offered: str) -> tuple[bool, list[int], str]:
    """A key that sorts standardIDs which satisfy `wanted`: itself first, then the newest."""
    version = _name_version(_parts(offered)[1])[1]
    newest_first = [-number for number in _numbers(version)] or [1]  # one without a version comes last
    return _parts(wanted) != _parts(offered), newest_first, offered.lower()


def _parts(standard_id: str) -> tuple[str, str]:
    head, _, fragment = standard_id.strip().lower().partition("#")
    return head.rstrip("/"), fragment


def _name_version(fragment: str) -> tuple[str, str]:
    match = _VERSIONED.fullmatch(fragment)
    return (match.group(1), match.group(2)) if match else (fragment, "")


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _recent_enough(wanted: str, offered: str) -> bool:
    """Whether `offered` has the major number of `wanted` and is no older; an empty `wanted` takes any."""
    if not wanted:
        return True
    have, need = _numbers(offered), _numbers(wanted)
    while need and need[-1] == 0 and len(need) > 1:  # 2.0 asks for no more than 2 does
        need.pop()
    return have[:1] == need[:1] and have >= need


def _explanation(standard_id: str, version: str, ivoid: str) -> str:
    every = apis()
    wish = standard_id + (" version " + version if version else "") + (" at " + ivoid if ivoid else "")
    if not every:
        return (
            f"This job may use no API at all, so there is none for {wish}: the application's contract must name it in "
            "`requires` and ask for network profile dc.")
    listed = "; ".join(f"{api.standard_id} ({api.title or api.ivoid or api.url})" for api in every)
    near = difflib.get_close_matches(standard_id.lower(), [api.standard_id.lower() for api in every], n=1, cutoff=0.8)
    hint = f" The nearest is {near[0]}." if near else ""
    return (
        f"This datacenter gives this job no API for {wish}.{hint} It may use: {listed}. What an application needs "
        "stands in `requires` of its contract, and the datacenter must have registered it.")


def _folder(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or usual)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatacenterError(
            f"{path} cannot be read ({error.strerror}): this program expects to run as a job, or DATACENTER_DIR and "
            "JOB_DIR to name folders like those of one.") from None
    except ValueError as error:
        raise DatacenterError(f"{path} is not JSON: {error}.") from None
    if not isinstance(document, dict):
        raise DatacenterError(f"{path} does not hold a JSON object.")
    return document


def _token() -> str:
    try:
        return (_folder("JOB_DIR", "/job") / "token").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """The token goes along to the same host only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and _origin(newurl) == _origin(req.full_url):
            _sign(following)
        return following


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _sign(request: urllib.request.Request) -> None:
    token = _token()
    if token:
        request.add_unredirected_header("Authorization", "Bearer " + token)


# no proxy of the environment stands between a job and the gateway
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Redirects())


def _send(request: urllib.request.Request, timeout: float) -> Answer:
    _sign(request)
    deadline, pause = float("inf"), 0.05
    while True:
        try:
            return _read(request, timeout)
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            # from the first failure: an answer that was long in coming may have broken off
            deadline = min(deadline, time.monotonic() + RETRY_SECONDS)
            if not _worth_another_try(reason, request) or time.monotonic() + pause > deadline:
                words = str(reason) or type(reason).__name__
                raise ApiError(f"{request.full_url} cannot be read: {words}.") from None
        time.sleep(pause)
        pause = min(2 * pause, 0.5)


def _read(request: urllib.request.Request, timeout: float) -> Answer:
    with _OPENER.open(request, timeout=timeout) as response:
        answer = Answer(response.read())
        answer.status = response.status
        answer.headers = response.headers
        answer.url = response.url
        return answer


def _worth_another_try(reason: Any, request: urllib.request.Request) -> bool:
    if isinstance(reason, ConnectionRefusedError):
        return True
    return request.get_method() == "GET" and isinstance(reason, (ConnectionError, http.client.HTTPException))


def _refused(error: urllib.error.HTTPError) -> ApiError:
    body = error.read()
    said = body.decode("utf-8", "replace").strip() if error.headers.get_content_type() == "text/plain" else ""
    words = f": {said[:500]}" if said else f" {error.reason}."
    return ApiError(f"{error.url} answers {error.code}{words}", error.code, body)
