"""A job's run record: what ran, on what, by which APIs, and what came of it, as one document to keep and compare.

What is gone when the job has ended (which endpoints it was told) is kept in its folder when it is staged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from registry.site import Site
from registry.uws import files
from registry.uws.store import Job, Parameter, Result

VERSION = "1.0"
_ENDPOINTS, _ELSEWHERE = "endpoints.json", "elsewhere.json"


def keep_endpoints(site: Site, job_id: str, endpoints: Iterable[dict[str, Any]]) -> None:
    """Keep which APIs an attempt of the job is told. Raises OSError."""
    place = files.folder(site, job_id)
    place.mkdir(parents=True, exist_ok=True)
    (place / _ENDPOINTS).write_text(json.dumps(list(endpoints), ensure_ascii=False), "utf-8")


def keep_elsewhere(site: Site, job_id: str, document: bytes) -> None:
    """Keep the run record of another datacenter that ran the job; what is no JSON object is left. Raises OSError."""
    try:
        found = json.loads(document)
    except ValueError:
        return
    if isinstance(found, dict):
        place = files.folder(site, job_id)
        place.mkdir(parents=True, exist_ok=True)
        (place / _ELSEWHERE).write_bytes(document)


def document(site: Site, job: Job, parameters: Sequence[Parameter], results: Iterable[Result]) -> dict[str, Any]:
    """The record as it now is; sizes in bytes, checksums SHA-256 in hex. `elsewhere` is the word of who ran it for us."""
    elsewhere = files.inside(site, job.id, _ELSEWHERE)
    plain = [{"name": one.name, "value": one.value} for one in parameters if not one.by_reference]
    return {
        "version": VERSION, "job": job.id, "phase": job.phase.value, "exit_code": job.exit_code, "error": job.error,
        "application": {"ivoid": job.application, "version": job.application_version, "image": job.image,
                        "digest": job.image.rpartition("@")[2]},
        "datacenter": site.settings.authority, "node": job.node, "attempt": job.attempt,
        "created": job.created, "started": job.started, "ended": job.ended,
        "parameters": plain,
        "inputs": [_input(site, job, one) for one in parameters if one.by_reference],
        "data": list(job.data), "endpoints": _endpoints(site, job),
        "execution_duration": job.execution_duration, "limits": job.limits,
        "usage": job.usage,
        "results": [{"id": one.id, "size": one.size, "media_type": one.media_type, "sha256": one.sha256}
                    for one in results],
        **({"elsewhere": json.loads(elsewhere.read_bytes())} if elsewhere else {}),
    }


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a second run did otherwise than the first, a sentence each; times and usage are no difference."""
    found = [f"{name.replace('_', ' ')}: {old[name]} before, {new[name]} now"
             for name in ("phase", "exit_code", "error", "parameters", "data", "limits", "execution_duration")
             if old[name] != new[name]]
    if old["application"]["digest"] != new["application"]["digest"]:
        found.append(f"image: {old['application']['digest']} before, {new['application']['digest']} now")
    for name, key, same in (("input", "file", ("sha256",)), ("result", "id", ("sha256",)),
                            ("endpoint", "url", ("ivoid", "record_version"))):
        found += _lists(name, key, same, old[f"{name}s"], new[f"{name}s"])
    return found


def _lists(name: str, key: str, same: tuple[str, ...], old: list[Any], new: list[Any]) -> list[str]:
    before, now = {one[key]: one for one in old}, {one[key]: one for one in new}
    found = [f"{name} {one} was there and is not now" for one in before if one not in now]
    found += [f"{name} {one} was not there and is now" for one in now if one not in before]
    return found + [f"{name} {one} is another one" for one in before
                    if one in now and any(before[one].get(word) != now[one].get(word) for word in same)]


def _input(site: Site, job: Job, parameter: Parameter) -> dict[str, Any]:
    path = files.inside(site, job.id, f"inputs/{parameter.value}")
    size = path.stat().st_size if path else None
    found = {"name": parameter.name, "file": parameter.value, "size": size, "sha256": _digest(path) if path else None}
    return {**found, "origin": parameter.origin} if parameter.origin else found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _endpoints(site: Site, job: Job) -> list[dict[str, Any]]:
    path = files.inside(site, job.id, _ENDPOINTS)
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path else []
    return found
