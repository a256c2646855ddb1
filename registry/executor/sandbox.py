"""The walls around a container: from what is to run, the request that the engine gets. No caller can relax them.

A pure function, so that a test can hold every option.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from registry.executor.runtime import Limits, Mount, Spec

USER = 65534                      # nobody, whatever user the image names
SCRATCH = "/scratch"              # a path that images do not have: tmpfs takes over the mode of an existing folder
OPEN_FILES = 1024
SCRATCH_FILES = 10_000
_MIB = 2**20
ENGINE_LOG = 64 * _MIB            # bytes of the engine's own log of a container, until it is removed


def scratch_bytes(memory: int) -> int:
    """Bytes of /scratch for so many bytes of memory; they count as the job's memory."""
    return max(16 * _MIB, memory // 4)


def request(spec: Spec, image_volumes: Iterable[str] = ()) -> dict[str, Any]:
    """The body of the Engine API's `POST /containers/create` for `spec`.

    `image_volumes` are the paths that the image declares as volumes: each becomes a small tmpfs, for a volume would be
    disk without a limit.
    """
    environment = {**spec.environment, "HOME": SCRATCH, "TMPDIR": SCRATCH}
    return {
        "Image": spec.image,
        "User": f"{USER}:{USER}",
        "Hostname": "job",
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": dict(spec.labels),
        "StopSignal": "SIGTERM",
        "Tty": False,
        "OpenStdin": False,
        "Healthcheck": {"Test": ["NONE"]},  # the image's own would run beside the job
        "HostConfig": {**_walls(), **_shares(spec.limits), **_places(spec, image_volumes)},
    }


def _walls() -> dict[str, Any]:
    """What no container gets; seccomp and AppArmor keep the engine's default profiles."""
    return {
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapAdd": [],
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "Devices": [],
        "DeviceRequests": [],
        "PidMode": "",
        "UTSMode": "",
        "UsernsMode": "",
        "IpcMode": "private",
        "PublishAllPorts": False,
        "PortBindings": {},
        "Binds": [],
        "VolumesFrom": [],
        "Links": [],
        "Init": True,
        "AutoRemove": False,  # its state is read after its end, then it is removed
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    }


def _shares(limits: Limits) -> dict[str, Any]:
    """How much of everything; no swap beyond the memory."""
    return {
        "Memory": limits.memory,
        "MemorySwap": limits.memory,
        "NanoCpus": int(limits.cores * 1e9),
        "PidsLimit": limits.processes,
        "OomScoreAdj": 500,
        "OomKillDisable": False,
        "ShmSize": min(64 * _MIB, limits.memory // 4),
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": limits.disk, "Hard": limits.disk},
        ],
        # the engine's own log bridges a restart of the worker, and the moment until the log is followed: a flood writes
        # 40 MB a second as JSON, and a full log begins anew and loses its head
        "LogConfig": {
            "Type": "json-file", "Config": {"max-size": str(max(ENGINE_LOG, 4 * limits.log)), "max-file": "1"}},
    }


def _places(spec: Spec, image_volumes: Iterable[str]) -> dict[str, Any]:
    tmpfs = {SCRATCH: _tmpfs(scratch_bytes(spec.limits.memory))}
    tmpfs |= {path: _tmpfs(16 * _MIB) for path in image_volumes if path not in {mount.target for mount in spec.mounts}}
    return {
        "NetworkMode": spec.network,
        # its own loopback, where nobody answers: engines before 25.0.5 pass the questions of an internal network on to the
        # host's resolver, and a name that is asked for can carry data out
        "Dns": ["127.0.0.1"],
        "DnsSearch": ["."],
        "DnsOptions": ["timeout:1", "attempts:1"],
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.hosts.items()],
        "Tmpfs": tmpfs,
        "Mounts": [_mounted(mount) for mount in spec.mounts],
    }


def _tmpfs(size: int) -> str:
    return f"rw,noexec,nosuid,nodev,size={size},nr_inodes={SCRATCH_FILES},mode=1777"


def _mounted(mount: Mount) -> dict[str, Any]:
    if mount.volume:
        return {"Type": "volume", "Source": mount.volume, "Target": mount.target, "ReadOnly": not mount.writable,
                "VolumeOptions": {"NoCopy": True}}
    return {
        "Type": "bind",
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": not mount.writable,
        "BindOptions": {"Propagation": "rprivate", **({"NonRecursive": True} if mount.shared else {})},
    }
