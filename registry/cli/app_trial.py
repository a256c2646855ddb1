"""Tries an application's folder: contract, build, and a run behind the walls that jobs have; says which rule broke."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from registry.applications import contract as contracts, parameters as declared
from registry.applications.contract import Contract
from registry.cli import app_gateway, app_template
from registry.config import Settings
from registry.errors import Refusal
from registry.executor import collect, runtime, sandbox, tree
from registry.executor.building import Builder
from registry.executor.runtime import EngineFault, Limits, Mount, Network, Spec
from registry.services import inner

CONTRACT = "application.json"
_CARRIED = "vosi/datacenter.py"
_NONE: Mapping[str, Path] = {}
_LOOK = 0.1  # seconds between two looks at the container
# rule -> what programs say when they break it, as Python, shells and the C library word it
_SIGNS = (
    ("it wrote outside RESULTS_DIR and /scratch", re.compile(r"read-only file ?system", re.I)),
    ("it used the network", re.compile(
        r"network is unreachable|name resolution|could not resolve|bad address|name or service not known|"
        r"no route to host|nodename nor servname|connection timed out|temporary failure in name", re.I)),
    ("it needs to be root, or a user of its own", re.compile(
        r"permission denied|operation not permitted|must be (run as )?root|are you root|superuser", re.I)),
)


class Broken(Refusal):
    """The application breaks a rule of the contract; `rule` is its short name."""

    def __init__(self, rule: str, words: str = "") -> None:
        super().__init__(f"The application breaks a rule of the contract: {rule}.{f' {words}' if words else ''}")
        self.rule = rule


@dataclass(frozen=True)
class Trial:
    """What a run under the walls left: seconds, results, the last of its logs."""

    seconds: float
    files: tuple[collect.File, ...]
    log: str = field(repr=False)


def read_contract(folder: Path) -> tuple[str, Contract]:
    """The label that the image gets, and what it says. Raises Broken."""
    try:
        label = json.dumps(json.loads((folder / CONTRACT).read_text("utf-8")), separators=(",", ":"), ensure_ascii=False)
        return label, contracts.read_label(label)
    except FileNotFoundError:
        raise Broken("bad label", f"{folder} has no {CONTRACT} (docs/application-contract.md).") from None
    except (ValueError, contracts.ContractError) as error:
        raise Broken("bad label", f"{folder / CONTRACT}: {error}") from None


def build(engine: Builder, folder: Path, tag: str, version: str, base: str) -> str:
    """Build the folder's image as `tag`; its ID. Raises Broken for the label, Refusal for the build."""
    label, _ = read_contract(folder)
    labels = {contracts.LABEL: label, **({"org.opencontainers.image.version": version} if version else {})}
    with _told():
        return engine.build(_context(folder), tag, labels, {"BASE_IMAGE": base} if base else {})


def run(
    engine: Builder, image: str, contract: Contract, pairs: Sequence[tuple[str, str]], inputs: Mapping[str, Path],
    apis: Mapping[str, str], data: Mapping[str, Path] = _NONE,
) -> Trial:
    """Run the image as a job runs, with parameters, input files, APIs (standardID -> URL), data sets. Raises Broken."""
    _check_data(contract, data)
    checked = declared.check(contract, pairs)
    missing = [one for one in contract.requires if one not in apis]
    if missing:
        raise Refusal(f"The application needs {', '.join(missing)}: give --api STANDARD=URL with one to try it on.")
    name = f"innerspace-trial-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="innerspace-trial-") as top, _told():
        place, token = Path(top), secrets.token_urlsafe(24)
        place.chmod(0o755)
        try:
            dc = engine.ensure_network(name) if contract.network == "dc" else None
            with _gateway(dc, apis, token, place) as routes:
                _lay_out(place, declared.document(contract, checked), routes, token, inputs)
                return _tried(engine, _spec(name, image, place, contract, dc, data), contract, place)
        finally:
            engine.remove(name)
            if contract.network == "dc":
                engine.remove_network(name)
            tree.remove(place / "results")


def _context(folder: Path) -> BytesIO:
    """What the build sees: the folder, sorted and owned by root, and `vosi/datacenter.py` where it has none."""
    sources = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
               if path.is_file() and not {"__pycache__", ".git", ".pytest_cache"} & set(path.parts)}
    sources.setdefault(_CARRIED, app_template.carried())
    sources.setdefault("vosi/__init__.py", b"")
    context = BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, content in sorted(sources.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, BytesIO(content))
    context.seek(0)
    return context


def _lay_out(
    place: Path, parameters: object, routes: list[inner.Route], token: str, inputs: Mapping[str, Path],
) -> None:
    for folder in ("datacenter", "job/inputs", "results"):
        (place / folder).mkdir(parents=True)
    capabilities, apis = inner.documents(routes)
    written = {"datacenter/capabilities.xml": capabilities, "datacenter/apis.json": apis, "job/token": token.encode(),
               "job/parameters.json": json.dumps(parameters).encode(),
               **{f"job/inputs/{name}": path.read_bytes() for name, path in inputs.items()}}
    for path, data in written.items():
        (place / path).write_bytes(data)
        (place / path).chmod(0o444)
    (place / "results").chmod(0o777)
    with contextlib.suppress(PermissionError):
        os.chown(place / "results", sandbox.USER, sandbox.USER)


def _check_data(contract: Contract, data: Mapping[str, Path]) -> None:
    """Raises Refusal for a data set that is missing, no folder, or not asked for."""
    lacking = [one.name for one in contract.data if one.required and one.name not in data]
    if lacking:
        raise Refusal(f"The application reads {', '.join(lacking)}: give --data NAME=FOLDER with data to try it on.")
    for name, folder in data.items():
        if name not in {one.name for one in contract.data}:
            raise Refusal(f"The application's contract asks for no data set {name}.")
        if not folder.is_dir():
            raise Refusal(f"{folder} is no folder: it cannot be the data set {name}.")


def _spec(
    name: str, image: str, place: Path, contract: Contract, dc: Network | None, data: Mapping[str, Path],
) -> Spec:
    asked, site = contract.resources, Settings()
    return Spec(
        name, image, {runtime.INSTANCE: name},
        {"DATACENTER_DIR": "/datacenter", "JOB_DIR": "/job", "RESULTS_DIR": "/results", "JOB_ID": "trial"},
        (Mount(place / "datacenter", "/datacenter"), Mount(place / "job", "/job"),
         Mount(place / "results", "/results", writable=True),
         *(Mount(folder.resolve(), f"/data/{one}", shared=True) for one, folder in data.items())),
        Limits(asked.cores or site.job_cores, asked.memory or site.job_memory, site.job_processes,
               asked.disk or site.job_disk, site.job_log),
        name if dc else "none", {inner.HOST: dc.gateway} if dc else {})


def _tried(engine: Builder, spec: Spec, contract: Contract, place: Path) -> Trial:
    began, most = time.monotonic(), contract.resources.time or Settings().job_time
    engine.create(spec)
    engine.start(spec.name)
    while (state := engine.inspect(spec.name)).status != runtime.EXITED:
        if time.monotonic() - began > most:
            engine.kill(spec.name)
            raise Broken("it took longer than it says", f"Its contract says {most} seconds.")
        time.sleep(_LOOK)  # nothing tells the end that is not as slow
    seconds = time.monotonic() - began
    log = b"".join(chunk.data for chunk in engine.follow(spec.name, wait=False)).decode("utf-8", "replace")
    if state.out_of_memory:
        raise Broken("it used more memory than it says", f"It has {spec.limits.memory} bytes.")
    if state.exit_code:
        rule = next((rule for rule, sign in _SIGNS if sign.search(log)), f"it ended with exit code {state.exit_code}")
        raise Broken(rule, f"It ended with exit code {state.exit_code}: {_last(log)}")
    found = collect.collect(place / "results", place / "taken", spec.limits.disk)
    _check_results(found, contract)
    return Trial(seconds, found.files, log)


def _check_results(found: collect.Collected, contract: Contract) -> None:
    if found.over:
        raise Broken("its results are larger than it says", f"There are {found.over}.")
    if not found.files:
        raise Broken("it left no results", "Whatever it computed must be a file in RESULTS_DIR.")
    if found.problems:
        raise Broken("its results cannot be taken", " ".join(found.problems))
    lacking = [one.path for one in contract.outputs if one.path not in {file.path for file in found.files}]
    if lacking:
        raise Broken("it left other results than it says", f"Its contract has {', '.join(lacking)}, which is not there.")


@contextlib.contextmanager
def _gateway(dc: Network | None, apis: Mapping[str, str], token: str, place: Path) -> Iterator[list[inner.Route]]:
    if dc is None:
        yield []
        return
    with app_gateway.open_to(dc.gateway, apis, token, place) as routes:
        yield routes


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the engine does not do is said in its own sentence."""
    try:
        yield
    except EngineFault as error:
        raise Refusal(str(error)) from None


def _last(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "it wrote nothing."
