"""Jobs and lists of jobs as documents: XML as UWS 1.1 asks (Appendix A), and the same as JSON.

It is given what the store holds and the public address of the job list; it reads no database and no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from registry.uws import kinds
from registry.uws.store import Job, Parameter, Reference, Result
from vosi import namespaces as ns, xmlio

VERSION = "1.1"  # of the standard; the namespace stays that of 1.0

_NSMAP = {"uws": ns.UWS, "xlink": ns.XLINK, "xsi": ns.XSI}
_NIL = ns.clark(ns.XSI, "nil")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def job_url(jobs_url: str, job_id: str) -> str:
    """The address of a job, given that of the list."""
    return f"{jobs_url}/{quote(job_id, safe='')}"


def result_url(jobs_url: str, job_id: str, result_id: str) -> str:
    """The address of a result; slashes in its id stay."""
    return f"{job_url(jobs_url, job_id)}/results/{quote(result_id)}"


# --- XML --------------------------------------------------------------------------------------------------------------


def job_xml(job: Job, parameters: Iterable[Parameter], results: Iterable[Result], jobs_url: str) -> bytes:
    """The whole job; the order of the elements is the schema's."""
    listed = list(results)
    root = etree.Element(ns.clark(ns.UWS, "job"), nsmap=_NSMAP, version=VERSION)
    _text(root, "jobId", job.id)
    if job.run_id is not None:
        _text(root, "runId", job.run_id)
    _text(root, "ownerId", job.owner)
    _text(root, "phase", job.phase.value)
    _text(root, "quote", job.quote)
    _text(root, "creationTime", job.created)
    _text(root, "startTime", job.started)
    _text(root, "endTime", job.ended)
    _text(root, "executionDuration", str(job.execution_duration))
    _text(root, "destruction", job.destruction)
    root.append(_parameters(job, parameters, jobs_url))
    root.append(_results(job, listed, jobs_url))
    if job.error is not None:
        summary = _sub(root, "errorSummary", type=job.error_type or "fatal", hasDetail=_flag(_has_detail(job, listed)))
        _text(summary, "message", job.error)
    _info_elements(_sub(root, "jobInfo"), job_info(job))
    return xmlio.serialise(root)


def parameters_xml(job: Job, parameters: Iterable[Parameter], jobs_url: str) -> bytes:
    """The parameters alone."""
    return xmlio.serialise(_parameters(job, parameters, jobs_url))


def results_xml(job: Job, results: Iterable[Result], jobs_url: str) -> bytes:
    """The results alone."""
    return xmlio.serialise(_results(job, results, jobs_url))


def list_xml(stretches: Iterable[Iterable[Reference]], jobs_url: str) -> Iterator[bytes]:
    """A list of jobs, piece by piece as its stretches come. It may be long, so it is written straight as text."""
    yield (f'<?xml version="1.0" encoding="UTF-8"?>\n<uws:jobs xmlns:uws="{ns.UWS}" xmlns:xlink="{ns.XLINK}"'
           f' xmlns:xsi="{ns.XSI}" version="{VERSION}">\n').encode()
    for references in stretches:
        yield "".join(_reference_xml(item, jobs_url) for item in references).encode()
    yield b"</uws:jobs>\n"


def _reference_xml(item: Reference, jobs_url: str) -> str:
    run_id = "" if item.run_id is None else f"<uws:runId>{escape(printable(item.run_id))}</uws:runId>"
    owner = ' xsi:nil="true"/>' if item.owner is None else f">{escape(item.owner)}</uws:ownerId>"
    href = quoteattr(job_url(jobs_url, item.id))
    return (f'<uws:jobref id={quoteattr(item.id)} xlink:type="simple" xlink:href={href}>'
            f"<uws:phase>{item.phase}</uws:phase>{run_id}<uws:ownerId{owner}"
            f"<uws:creationTime>{item.created}</uws:creationTime></uws:jobref>\n")


def _parameters(job: Job, parameters: Iterable[Parameter], jobs_url: str) -> etree._Element:
    element = etree.Element(ns.clark(ns.UWS, "parameters"), nsmap=_NSMAP)
    for item in parameters:
        child = _sub(element, "parameter", id=item.name, byReference=_flag(item.by_reference))
        child.text = printable(_value(job, item, jobs_url))
    return element


def _results(job: Job, results: Iterable[Result], jobs_url: str) -> etree._Element:
    element = etree.Element(ns.clark(ns.UWS, "results"), nsmap=_NSMAP)
    for item in results:
        child = _sub(element, "result", id=printable(item.id), size=str(item.size))
        child.set("mime-type", item.media_type)
        child.set(ns.clark(ns.XLINK, "type"), "simple")
        child.set(ns.clark(ns.XLINK, "href"), result_url(jobs_url, job.id, item.id))
    return element


def _info_elements(parent: etree._Element, values: dict[str, Any]) -> None:
    """Plain elements without a namespace, as clients read jobInfo by their names; only what can be a name gets in."""
    for name, value in values.items():
        if not _ELEMENT_NAME.fullmatch(name):
            continue
        child = etree.SubElement(parent, name)
        if isinstance(value, dict):
            _info_elements(child, value)
        else:
            child.text = printable(str(value))


def _sub(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, ns.clark(ns.UWS, name), attributes)


def _text(parent: etree._Element, name: str, text: str | None) -> None:
    element = _sub(parent, name)
    if text is None:
        element.set(_NIL, "true")
    else:
        element.text = printable(text)


# --- JSON -------------------------------------------------------------------------------------------------------------


def job_json(job: Job, parameters: Iterable[Parameter], results: Iterable[Result], jobs_url: str) -> dict[str, Any]:
    """The whole job under the names that the XML has."""
    listed = list(results)
    error = None if job.error is None else {
        "type": job.error_type or "fatal", "hasDetail": _has_detail(job, listed), "message": job.error}
    return {
        "version": VERSION, "jobId": job.id, "href": job_url(jobs_url, job.id), "runId": job.run_id,
        "ownerId": job.owner, "phase": job.phase.value, "quote": job.quote, "creationTime": job.created,
        "startTime": job.started, "endTime": job.ended, "executionDuration": job.execution_duration,
        "destruction": job.destruction, "parameters": parameters_json(job, parameters, jobs_url),
        "results": results_json(job, listed, jobs_url), "errorSummary": error, "jobInfo": job_info(job),
    }


def list_json(references: Iterable[Reference], jobs_url: str) -> dict[str, Any]:
    """A list of jobs."""
    return {"version": VERSION, "jobs": [
        {"id": item.id, "href": job_url(jobs_url, item.id), "phase": item.phase.value, "runId": item.run_id,
         "ownerId": item.owner, "creationTime": item.created} for item in references]}


def list_json_text(stretches: Iterable[Iterable[Reference]], jobs_url: str) -> Iterator[bytes]:
    """The same as text, piece by piece as its stretches come."""
    yield f'{{"version": "{VERSION}", "jobs": ['.encode()
    comma = ""
    for references in stretches:
        found = json.dumps(list_json(references, jobs_url)["jobs"], ensure_ascii=False)[1:-1]
        yield (comma + found).encode() if found else b""
        comma = ", " if found else comma
    yield b"]}\n"


def parameters_json(job: Job, parameters: Iterable[Parameter], jobs_url: str) -> list[dict[str, Any]]:
    """The parameters alone."""
    return [{"id": item.name, "byReference": item.by_reference, "value": _value(job, item, jobs_url)}
            for item in parameters]


def results_json(job: Job, results: Iterable[Result], jobs_url: str) -> list[dict[str, Any]]:
    """The results alone; sizes in bytes."""
    return [{"id": item.id, "href": result_url(jobs_url, job.id, item.id), "size": item.size,
             "mime-type": item.media_type, "sha256": item.sha256} for item in results]


# --- what both say ----------------------------------------------------------------------------------------------------


def job_info(job: Job) -> dict[str, Any]:
    """What jobInfo holds: what runs, where, what it may take and has used, and why it waits; sizes are in bytes.

    What is not known is left out.
    """
    found = {
        "application": job.application, "applicationVersion": job.application_version, "image": job.image,
        "imageDigest": job.image.rpartition("@")[2] if "@" in job.image else "", "node": job.node,
        "message": job.message, "attempt": job.attempt or "", "exitCode": job.exit_code,
        "data": ", ".join(job.data), "limits": job.limits, "usage": {
            name: "; ".join(map(str, value)) if isinstance(value, list) else value
            for name, value in job.usage.items()},
    }
    return {name: value for name, value in found.items() if value not in ("", None, {})}


def printable(text: str) -> str:
    """`text` with what no XML document can carry replaced."""
    return _NOT_IN_XML.sub("\ufffd", text)


def _value(job: Job, item: Parameter, jobs_url: str) -> str:
    if not item.by_reference:
        return item.value
    return f"{job_url(jobs_url, job.id)}/parameters/{quote(item.value, safe='')}"


def _has_detail(job: Job, results: Iterable[Result]) -> bool:
    """Whether there is something at its /error: what a run wrote to stderr, or the VOTable that says why a query failed."""
    return job.kind == kinds.QUERIES or any(item.id == "stderr" and item.size for item in results)


def _flag(value: bool) -> str:
    return "true" if value else "false"
