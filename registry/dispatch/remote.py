"""One job at another datacenter over plain UWS 1.1: make it, look at it, find it again, stop it, delete it.

It holds nothing and decides nothing; whatever a runner elsewhere answers is taken for no more than it may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

from lxml import etree

from registry.errors import NotFound, Refusal, Unavailable
from registry.fetch import AddressRefused, FetchError
from registry.site import Site
from registry.uws.phases import Phase
from vosi import xmlio
from vosi.xmlio import XmlRefused

MAX_ANSWER = 4 * 2**20  # bytes of a job's or a list's document
_PASSING = frozenset({408, 425, 429})
_FORM = "application/x-www-form-urlencoded"
_HREF = "{http://www.w3.org/1999/xlink}href"


class Silent(Unavailable):
    """The runner does not answer, or answers that it cannot now: nothing is known, trying again later may help."""


class Gone(NotFound):
    """The runner has no such job, or no longer."""


class Refused(Refusal):
    """The runner answers, and does not do it."""


@dataclass(frozen=True)
class Far:
    """Where the jobs are, and the header that goes along with every request."""

    title: str
    jobs_url: str
    header: Mapping[str, str]


@dataclass(frozen=True)
class FarResult:
    """One result; `size` in bytes, None where it is not told."""

    id: str
    url: str
    size: int | None
    media_type: str


@dataclass(frozen=True)
class FarJob:
    """A job as its runner tells it; '' for what it does not tell."""

    id: str
    run_id: str
    phase: Phase
    started: str
    ended: str
    error: str
    error_type: str
    message: str
    digest: str
    results: tuple[FarResult, ...]


def make(site: Site, far: Far, pairs: Iterable[tuple[str, str]], body: tuple[str, Iterable[bytes]] | None = None) -> str:
    """Make a job of `pairs` there, or of `body` (media type and bytes); its address. Raises Silent, Refused."""
    media_type, data = body or (_FORM, urlencode(list(pairs)).encode())
    status, headers, answer = _ask(site, far, "POST", far.jobs_url, data, {"Content-Type": media_type})
    location = urljoin(far.jobs_url, headers.get("Location", ""))
    if status not in (201, 302, 303) or not location.startswith(f"{far.jobs_url}/"):
        raise Refused(f"{far.title} does not say under which address of its own it has the job "
                      f"(status {status}): it is no UWS 1.1 service. {_first_line(answer)}".rstrip())
    return location


def look(site: Site, far: Far, url: str, *, wait: int = 0, phase: Phase | None = None) -> FarJob:
    """The job at `url`, once it has left `phase` or after `wait` seconds. Raises Silent, Gone, Refused."""
    query = f"?WAIT={wait}&PHASE={phase}" if wait and phase else ""
    return _job(far, _document(far, _ask(site, far, "GET", url + query)[2]))


def find(site: Site, far: Far, run_id: str) -> str:
    """The address of the job that has this RUNID; '' for none. Raises Silent, Refused."""
    root = _document(far, _ask(site, far, "GET", f"{far.jobs_url}?LAST=1000")[2])
    for element in _children(root, "jobref"):
        if _text(element, "runId") == run_id and (name := element.get("id", "")):
            return f"{far.jobs_url}/{name}"
    return ""


def abort(site: Site, far: Far, url: str) -> None:
    """Stop the job; one that is gone is stopped. Raises Silent, Refused."""
    try:
        _ask(site, far, "POST", f"{url}/phase", b"PHASE=ABORT", {"Content-Type": _FORM})
    except Gone:
        return


def delete(site: Site, far: Far, url: str) -> None:
    """Delete the job; one that is gone is deleted. Raises Silent, Refused."""
    try:
        _ask(site, far, "DELETE", url)
    except Gone:
        return


def run_record(site: Site, far: Far, url: str) -> bytes:
    """The job's run record as its runner keeps it: services of our kind do. Raises Silent; Refused and Gone by others."""
    _, headers, body = _ask(site, far, "GET", f"{url}/run.json", headers={"Accept": "application/json"})
    if not headers.get("Content-Type", "").startswith("application/json"):
        raise Refused(f"{far.title} keeps no run record.")
    return body


def log(site: Site, far: Far, url: str, stream: str, since: int) -> tuple[bytes, int]:
    """What the job wrote to `stream` from the byte `since` on: services of our kind tell it while it runs.

    Raises Silent; Refused and Gone by one that does not.
    """
    _, headers, body = _ask(site, far, "GET", f"{url}/logs/{stream}?since={since}")
    following = headers.get("X-Next-Offset", "")
    if not following.isdigit():
        raise Refused(f"{far.title} tells no logs of running jobs.")
    return body, int(following)


def content(site: Site, far: Far, result: FarResult) -> Iterator[bytes]:
    """The bytes of a result. Raises Silent, Gone, Refused."""
    try:
        with site.fetcher.stream("GET", result.url, headers=far.header) as stream:
            if stream.status != 200:
                raise _problem(far, stream.status, b"", result.url)
            yield from stream.chunks
    except AddressRefused as error:
        raise Refused(str(error)) from None
    except FetchError as error:
        raise Silent(str(error)) from None


def _ask(
    site: Site, far: Far, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None,
) -> tuple[int, Mapping[str, str], bytes]:
    """One request, redirects not followed; status, headers and body of an answer that is no error."""
    sent = {"Accept": "text/xml, application/xml;q=0.9, */*;q=0.1", **far.header, **(headers or {})}
    try:
        with site.fetcher.stream(method, url, headers=sent, body=body) as stream:
            answer = bytearray()
            for chunk in stream.chunks:
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise Refused(f"{far.title} answers with more than {MAX_ANSWER} bytes at {url}.")
    except AddressRefused as error:
        raise Refused(str(error)) from None
    except FetchError as error:
        raise Silent(str(error)) from None
    if stream.status >= 400:
        raise _problem(far, stream.status, bytes(answer), url)
    return stream.status, stream.headers, bytes(answer)


def _problem(far: Far, status: int, body: bytes, url: str) -> Refusal:
    words = _first_line(body) or f"status {status}"
    if status >= 500 or status in _PASSING:
        return Silent(f"{far.title} cannot answer now: {words}")
    if status in (404, 410):
        return Gone(f"{far.title} has nothing at {url}: {words}")
    if status in (401, 403):
        return Refused(f"{far.title} does not let this site do that: {words}")
    return Refused(f"{far.title} refuses it: {words}")


def _document(far: Far, body: bytes) -> etree._Element:
    try:
        return xmlio.parse(body, max_bytes=MAX_ANSWER)
    except XmlRefused as error:
        raise Refused(f"{far.title} does not answer as a UWS service: {error}") from None


def _job(far: Far, root: etree._Element) -> FarJob:
    phase = _text(root, "phase")
    if etree.QName(root).localname != "job" or phase not in Phase.__members__:
        raise Refused(f"{far.title} does not answer with a job of UWS 1.1.")
    info, summary = _first(root, "jobInfo"), _first(root, "errorSummary")
    listed = _first(root, "results")
    results = tuple(
        FarResult(one.get("id", ""), one.get(_HREF, ""), int(size) if (size := one.get("size", "")).isdigit() else None,
                  one.get("mime-type", "") or "application/octet-stream")
        for one in (_children(listed, "result") if listed is not None else ()))
    return FarJob(
        _text(root, "jobId"), _text(root, "runId"), Phase(phase), _text(root, "startTime"), _text(root, "endTime"),
        _text(summary, "message"), summary.get("type", "") if summary is not None else "", _text(info, "message"),
        _text(info, "imageDigest"), results)


def _children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (one for one in element if isinstance(one.tag, str) and etree.QName(one).localname == name)


def _first(element: etree._Element, name: str) -> etree._Element | None:
    return next(_children(element, name), None)


def _text(element: etree._Element | None, name: str) -> str:
    found = _first(element, name) if element is not None else None
    return (found.text or "").strip() if found is not None else ""


def _first_line(body: bytes) -> str:
    text = re.sub(r"<[^>]*>", " ", body[:4000].decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(sign for sign in lines[0][:300] if sign.isprintable()) if lines else ""
