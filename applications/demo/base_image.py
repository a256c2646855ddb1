"""A Python base image made without any image hub, from the files of Debian's own python3 packages on this machine.

Python, its standard library and the C libraries they need, busybox as shell, time zones, network names; no package
manager and no certificates (jobs have no way out). BASE_IMAGE in the environment takes an image of a hub instead.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import docker
from docker.errors import APIError, ImageNotFound

from registry.errors import Unavailable

TAG = "innerspace/python:3"
_RECIPE = "3"  # moves when what this module makes of the same packages changes
_LABEL = "innerspace.base"
_PLAIN = ("busybox-static", "tzdata", "netbase", "base-files")
_NOT_FOLLOWED = ("libnsl", "libtirpc", "libdb", "libgssapi", "libkrb")  # for nis, dbm, kerberos
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|info|locale|lintian|bug|base-files|python3|menu|applications|pixmaps)(/|$)"
    r"|/(test|tests|idle_test|ensurepip|turtledemo|idlelib|lib2to3|pydoc_data)(/|$)"
    r"|/__pycache__/|^/(etc|dev|proc|sys|boot|home|media|mnt|opt|root|run|srv|var|tmp)(/|$)"
    r"|^/usr/share/zoneinfo/(right|posix)(/|$)|^/usr/(games|local|src|include|lib/valgrind)(/|$)"
)
_ETC = {
    "etc/passwd": "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/scratch:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\nservices: files\nprotocols: files\n",
}


class NoBaseImage(Unavailable):
    """The base image cannot be made; the message says what is missing and how to get it."""


def build(tag: str = TAG, client: docker.DockerClient | None = None) -> str:
    """Make the base image `tag` unless the engine has it from the same packages; gives back its name.

    With BASE_IMAGE set, that image is pulled and its name given back. Raises NoBaseImage.
    """
    client = client or docker.from_env()
    other = os.environ.get("BASE_IMAGE", "")
    if other:
        return _pulled(client, other)
    version, packages = _packages()
    mark = _mark(packages)
    try:
        if client.images.get(tag).labels.get(_LABEL) == mark:
            return tag
    except ImageNotFound:
        pass
    repository, _, name = tag.rpartition(":")
    with tempfile.TemporaryFile() as archive:
        _write(archive, version, packages)
        archive.seek(0)
        changes = [f"LABEL {_LABEL}={mark}", "ENV PATH=/usr/bin:/bin", 'CMD ["/usr/bin/python3"]', "WORKDIR /"]
        chunks = iter(lambda: archive.read(1 << 20), b"")
        client.api.import_image_from_stream(chunks, repository=repository, tag=name, changes=changes)
    return tag


def _pulled(client: docker.DockerClient, name: str) -> str:
    try:
        client.images.get(name)
    except ImageNotFound:
        try:
            client.images.pull(name)
        except APIError as error:
            raise NoBaseImage(
                f"The image {name}, which BASE_IMAGE names, cannot be pulled: {error.explanation}; "
                "unset BASE_IMAGE to make one from this machine's own packages."
            ) from None
    return name


def _query(*arguments: str) -> str:
    try:
        return subprocess.run(["dpkg-query", *arguments], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise NoBaseImage("This is no Debian system, so set BASE_IMAGE to a Python image of a hub.") from None
    except subprocess.CalledProcessError as error:
        raise NoBaseImage(f"The packages for the base image cannot be listed: {error.stderr.strip()}") from None


def _packages() -> tuple[str, list[tuple[str, str]]]:
    """Python's version as `3.11`, and (package, its version) of all that goes into the image."""
    known = _installed()
    version = next((need[6:] for need in known.get("python3", ("", []))[1] if re.fullmatch(r"python3\.\d+", need)), "3")
    wanted = [f"python{version}-minimal", f"libpython{version}-stdlib", *_PLAIN]
    missing = [name for name in ["python3", *wanted] if name not in known]
    if missing:
        packages = " ".join(name for name in missing if not name.endswith(("3-minimal", "3-stdlib")))
        raise NoBaseImage(f"Debian packages for the base image are missing: as root, `apt-get install {packages}`.")
    chosen: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name not in chosen and name in known:
            chosen[name], needs = known[name]
            wanted += [need for need in needs if _library(need) and name not in _PLAIN]
    return version, sorted(chosen.items())


def _library(name: str) -> bool:
    return name.startswith(("lib", "zlib")) and not name.startswith(_NOT_FOLLOWED)


def _installed() -> dict[str, tuple[str, list[str]]]:
    """Every installed package: its version and the names of the packages it needs."""
    listing = _query("-W", "-f", "${db:Status-Abbrev}\t${Package}\t${Version}\t${Pre-Depends}, ${Depends}\n")
    found = {}
    for line in listing.splitlines():
        status, name, version, needs = line.split("\t")
        if status.startswith("ii"):
            found[name] = version, re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", needs)
    return found


def _mark(packages: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256(f"{_RECIPE} {packages}".encode()).hexdigest()[:16]


def _write(archive: IO[bytes], version: str, packages: list[tuple[str, str]]) -> None:
    paths = _query("-L", *(name for name, _ in packages)).splitlines()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _frame(tar)
        for source in _files(sorted(set(paths)), version):
            tar.add(source, arcname=_merged(source), recursive=False, filter=_as_root)
        _link(tar, "usr/bin/python3", f"python{version}")
        _link(tar, "usr/bin/python", "python3")
        _link(tar, "usr/bin/sh", "busybox")


def _frame(tar: tarfile.TarFile) -> None:
    """What no package lists: the top of the tree, the merged-/usr links, accounts."""
    for name, mode in (("usr", 0o755), ("etc", 0o755), ("app", 0o755), ("tmp", 0o1777), ("run", 0o755), ("var", 0o755),
                       ("dev", 0o755), ("proc", 0o555), ("sys", 0o555)):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        tar.addfile(entry)
    for name in _MERGED:
        if Path("/usr", name).is_dir():
            entry = tarfile.TarInfo(f"usr/{name}")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
            _link(tar, name, f"usr/{name}")
    for name, text in _ETC.items():
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(text), 0o644
        tar.addfile(entry, io.BytesIO(text.encode()))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
    tar.addfile(entry)


def _merged(path: str) -> str:
    """The name inside the image: what packages put in /lib or /bin lies below /usr (Debian's merged /usr)."""
    first = path.lstrip("/").split("/", 1)[0]
    return f"usr{path}" if first in _MERGED else path.lstrip("/")


def _files(paths: list[str], version: str) -> Iterator[str]:
    """The files, links and folders to take, with the byte code that the packages keep beside their sources."""
    done = {f"usr/{name}" for name in _MERGED} | {"", "usr", "usr/bin/python3", "usr/bin/sh"}
    suffix = f".cpython-{version.replace('.', '')}.pyc"
    for path in paths:
        if _merged(path) in done or path.lstrip("/") in _MERGED or _LEFT_OUT.search(path) or not os.path.lexists(path):
            continue
        done.add(_merged(path))
        yield path
        if path.endswith(".py"):
            folder, name = os.path.split(path)
            code = f"{folder}/__pycache__/{name[:-3]}{suffix}"
            if os.path.exists(code):  # a read-only container cannot write it, and compiles at every start
                yield code


def _as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
