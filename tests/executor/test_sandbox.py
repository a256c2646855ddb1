"""Every option that a container is made with, and that nothing from outside reaches any of them but clamped limits."""

from __future__ import annotations

from pathlib import Path

from registry.executor.runtime import Limits, Mount, Spec
from registry.executor.sandbox import request

LIMITS = Limits(cores=1.5, memory=256 * 2**20, processes=64, disk=5 * 2**20, log=10_000)
SPEC = Spec(
    name="innerspace-x-j-1", image="127.0.0.1:5000/app@sha256:1", labels={"innerspace.job": "j"},
    environment={"JOB_ID": "j", "HOME": "/root"},
    mounts=(Mount(Path("/i/job"), "/job"), Mount(Path("/i/results"), "/results", writable=True)),
    limits=LIMITS, network="innerspace-x-dc", hosts={"dc.internal": "172.20.0.1"},
)
HOST = request(SPEC)["HostConfig"]

# every key that is sent, and no other: a new one needs a line here
EXPECTED = {
    "Privileged": False, "ReadonlyRootfs": True, "CapAdd": [], "CapDrop": ["ALL"],
    "SecurityOpt": ["no-new-privileges:true"], "Devices": [], "DeviceRequests": [],
    "PidMode": "", "UTSMode": "", "UsernsMode": "", "IpcMode": "private",
    "PublishAllPorts": False, "PortBindings": {}, "Binds": [], "VolumesFrom": [], "Links": [],
    "Init": True, "AutoRemove": False, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "Memory": 268435456, "MemorySwap": 268435456, "NanoCpus": 1_500_000_000, "PidsLimit": 64,
    "OomScoreAdj": 500, "OomKillDisable": False, "ShmSize": 67108864,
    "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": 1024}, {"Name": "core", "Soft": 0, "Hard": 0},
                {"Name": "fsize", "Soft": 5242880, "Hard": 5242880}],
    "LogConfig": {"Type": "json-file", "Config": {"max-size": "67108864", "max-file": "1"}},
    "Dns": ["127.0.0.1"], "DnsSearch": ["."], "DnsOptions": ["timeout:1", "attempts:1"],
    "NetworkMode": "innerspace-x-dc", "ExtraHosts": ["dc.internal:172.20.0.1"],
    "Tmpfs": {"/scratch": "rw,noexec,nosuid,nodev,size=67108864,nr_inodes=10000,mode=1777"},
    "Mounts": [
        {"Type": "bind", "Source": "/i/job", "Target": "/job", "ReadOnly": True,
         "BindOptions": {"Propagation": "rprivate"}},
        {"Type": "bind", "Source": "/i/results", "Target": "/results", "ReadOnly": False,
         "BindOptions": {"Propagation": "rprivate"}},
    ],
}


def test_every_option_of_the_host_side():
    assert HOST == EXPECTED


def test_the_container_itself():
    body = request(SPEC)
    assert body.keys() == {
        "Image", "User", "Hostname", "Env", "Labels", "StopSignal", "Tty", "OpenStdin", "Healthcheck", "HostConfig"}
    assert body["User"] == "65534:65534"
    assert body["Env"] == ["JOB_ID=j", "HOME=/scratch", "TMPDIR=/scratch"]
    assert (body["Image"], body["StopSignal"], body["Healthcheck"]) == (SPEC.image, "SIGTERM", {"Test": ["NONE"]})
    assert body["Labels"] == {"innerspace.job": "j"}


def test_the_engines_own_profiles_stay_in_force():
    """Neither seccomp nor AppArmor nor the masked paths of /proc may be switched off."""
    assert not any("unconfined" in option or "seccomp" in option for option in HOST["SecurityOpt"])
    assert not {"MaskedPaths", "ReadonlyPaths", "Sysctls", "CgroupParent", "Runtime"} & HOST.keys()


def test_without_a_network_there_is_none():
    spec = Spec("n", "i", {}, {}, (), LIMITS)
    assert request(spec)["HostConfig"]["NetworkMode"] == "none"
    assert request(spec)["HostConfig"]["ExtraHosts"] == []


def test_volumes_that_an_image_declares_are_small_and_in_memory():
    tmpfs = request(SPEC, ["/data", "/results"])["HostConfig"]["Tmpfs"]
    assert tmpfs.keys() == {"/scratch", "/data"}
    assert "size=16777216" in tmpfs["/data"]
