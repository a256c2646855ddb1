"""Attempts at the kernel, the host's files and other processes: each gives back what it got, '' for nothing."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

JOB, DATACENTER, RESULTS = (
    os.environ.get(name, default) for name, default in (
        ("JOB_DIR", "/job"), ("DATACENTER_DIR", "/datacenter"), ("RESULTS_DIR", "/results")))
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
NEW_USER, NEW_NS = 0x10000000, 0x00020000
SYSCALLS = {  # number on x86_64; each with arguments that hurt nobody and are wrong after the right was looked at
    "init_module": (175, (0, 0, 0)), "kexec_load": (246, (0, 0, 0, 0x10000)), "reboot": (169, (0xfee1dead, 1, 2, 0)),
    "perf_event_open": (298, (0, 0, -1, -1, 0)), "bpf": (321, (0, 0, 0)), "add_key": (248, (0, 0, 0, 0, 0)),
    "userfaultfd": (323, (0,)), "iopl": (172, (3,)), "swapon": (167, (0, 0)),
}


def did(result: int, what: str) -> str:
    """`what` where a call of libc has worked; else raises what it says."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return what


def writable(*paths: str) -> str:
    """Which of these can be opened for writing."""
    found = []
    for path in paths:
        try:
            os.close(os.open(path, os.O_WRONLY))
            found.append(path)
        except OSError:
            continue
    return " ".join(found)


def become_root(targets: dict[str, Any]) -> str:
    if os.getuid() != 0:
        os.setuid(0)
    return "root"


def have_capabilities(targets: dict[str, Any]) -> str:
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Cap")]
    return " ".join(f"{name} {bits}" for name, bits in lines if bits.strip("0"))


def use_a_setuid_file(targets: dict[str, Any]) -> str:
    """A file that is root's, or that runs as its owner, in any place that can be written."""
    for folder in (RESULTS, "/scratch", "/tmp", "/dev/shm"):
        path = Path(folder, "busybox-setuid")  # busybox goes by its name
        try:
            path.write_bytes(Path("/bin/busybox").read_bytes())
            os.chown(path, 0, 0)
            path.chmod(0o4755)
            if b"uid=0" in subprocess.run([path, "id"], capture_output=True, check=False, timeout=5).stdout:
                return f"root by {path}"
        except (OSError, subprocess.TimeoutExpired):
            continue
        finally:
            path.unlink(missing_ok=True)
    return ""


def mount(targets: dict[str, Any]) -> str:
    did(LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None), "")
    LIBC.umount2(b"/tmp", 2)
    return "a tmpfs mounted"


def make_the_image_writable(targets: dict[str, Any]) -> str:
    remount = 0x20
    did(LIBC.mount(None, b"/", None, remount, None), "")
    return writable_image(targets)


def writable_image(targets: dict[str, Any]) -> str:
    found = []
    for folder in ("/", "/etc", "/app", "/usr/bin", JOB, DATACENTER):
        try:
            Path(folder, "written").write_text("here")
            Path(folder, "written").unlink()
            found.append(folder)
        except OSError:
            continue
    return " ".join(found)


def make_devices(targets: dict[str, Any]) -> str:
    for folder in ("/scratch", RESULTS, "/dev/shm", "/tmp"):
        try:
            os.mknod(f"{folder}/disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0))
            return f"a disk in {folder}"
        except OSError:
            continue
    return ""


def open_devices(targets: dict[str, Any]) -> str:
    names = ("mem", "kmem", "port", "kmsg", "vda", "sda", "nvme0n1", "kvm", "fuse", "net/tun", "loop-control")
    found = []
    for name in names:
        try:
            os.close(os.open(f"/dev/{name}", os.O_RDONLY | os.O_NONBLOCK))
            found.append(name)
        except OSError:
            continue
    return " ".join(found)


def new_namespaces(targets: dict[str, Any]) -> str:
    return did(LIBC.unshare(NEW_USER | NEW_NS), "namespaces of its own, and root in them")


def change_root(targets: dict[str, Any]) -> str:
    os.chroot("/scratch" if Path("/scratch").is_dir() else "/tmp")
    return "a root of its own"


def enter_the_hosts_namespaces(targets: dict[str, Any]) -> str:
    for entry in ["1", *host_process(targets).split()[1:2]]:
        try:
            return did(LIBC.setns(os.open(f"/proc/{entry}/ns/mnt", os.O_RDONLY), 0), f"that of process {entry}")
        except OSError:
            continue
    return ""


def open_files_by_handle(targets: dict[str, Any]) -> str:
    """The way out of containers that was used in 2014: a file of the host's disk by its inode number."""
    if platform.machine() != "x86_64":
        return ""
    handle = (ctypes.c_ubyte * 16)(8, 0, 0, 0, 1, 0, 0, 0, 2)  # eight bytes, kind 1, inode 2: the disk's root
    shared = os.open(RESULTS, os.O_RDONLY)
    return did(LIBC.syscall(304, shared, ctypes.byref(handle), os.O_RDONLY), "the root of the host's disk")


def processes_of_others() -> list[str]:
    numbers = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    return [number for number in numbers if os.stat(f"/proc/{number}").st_uid != os.getuid()]


def see_other_processes(targets: dict[str, Any]) -> str:
    others = processes_of_others()
    return f"{len(others)} processes of others" if others else host_process(targets)


def host_process(targets: dict[str, Any]) -> str:
    """The test's own process, by the mark in its environment."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and entry not in (str(os.getpid()), str(os.getppid())):
            try:
                if targets["mark"].encode() in Path("/proc", entry, "cmdline").read_bytes():
                    return f"process {entry} of the host"
            except OSError:
                continue
    return ""


def trace_others(targets: dict[str, Any]) -> str:
    attach, detach = 16, 17
    own = host_process(targets).split()[1:2]  # the test's own, where the test's own can be seen
    for entry in own or processes_of_others():
        if LIBC.ptrace(attach, int(entry), None, None) == 0:
            os.waitpid(int(entry), 0)
            LIBC.ptrace(detach, int(entry), None, None)
            return f"process {entry}"
    return ""


def write_kernel_settings(targets: dict[str, Any]) -> str:
    return writable(
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/vm/overcommit_memory",
        "/proc/sysrq-trigger", "/proc/sys/kernel/modprobe", "/proc/sys/net/ipv4/ip_forward",
        "/sys/kernel/uevent_helper")


def change_its_own_limits(targets: dict[str, Any]) -> str:
    names = ("memory.limit_in_bytes", "pids.max", "release_agent", "memory.max", "cgroup.procs")
    top = Path("/sys/fs/cgroup")
    return writable(*(str(path) for name in names for pattern in (name, f"*/{name}") for path in top.glob(pattern)))


def read_the_kernel(targets: dict[str, Any]) -> str:
    with open("/proc/kcore", "rb") as file:
        return "the host's memory" if file.read(16) else ""


def read_the_kernels_log(targets: dict[str, Any]) -> str:
    buffer = ctypes.create_string_buffer(4096)
    return did(LIBC.klogctl(3, buffer, 4096), "the kernel's log")


def dangerous_calls(targets: dict[str, Any]) -> str:
    """Calls that are refused before their arguments are looked at, or not refused."""
    if platform.machine() != "x86_64":
        return ""
    open_ones = []
    for name, (number, arguments) in SYSCALLS.items():
        ctypes.set_errno(0)
        result = LIBC.syscall(number, *arguments)
        if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            open_ones.append(name)
    return " ".join(open_ones)


def set_the_name(targets: dict[str, Any]) -> str:
    return did(LIBC.sethostname(b"taken", 5), "the host's name")


def docker_socket(targets: dict[str, Any]) -> str:
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
                return path
            except OSError:
                continue
    return ""


def abstract_sockets(targets: dict[str, Any]) -> str:
    """What listens without a file: the way to containerd's shims that was used in 2020."""
    names = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "@" in line]
    return " ".join(names[:5])


def read_other_jobs(targets: dict[str, Any]) -> str:
    """The host's folder of results, by its path, and by ways around."""
    found = []
    for top in ("", "/proc/1/root", "/proc/1/cwd/..", f"{RESULTS}/../.."):
        for path in (targets["instance"], targets["other_results"]):
            try:
                found += os.listdir(f"{top}{path}")
            except OSError:
                continue
    return " ".join(found[:5])


def write_by_a_link(targets: dict[str, Any]) -> str:
    """A hard link from the results to what is not ours; symbolic ones are tried in the flood `links`."""
    os.link(f"{JOB}/token", f"{RESULTS}/linked")
    return "a second name for the token"


def secrets_in_the_environment(targets: dict[str, Any]) -> str:
    words = ("TOKEN", "SECRET", "PASSWORD", "KEY", "REGISTRY_")
    found = {name for name in os.environ if any(word in name.upper() for word in words)}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                data = Path("/proc", entry, "environ").read_bytes()
            except OSError:
                continue
            if any(word.encode() in data for word in (targets["mark"], "REGISTRY_", "DOCKER_HOST")):
                found.add(f"process {entry}")
    return " ".join(sorted(found))


ATTEMPTS: dict[str, Callable[[dict[str, Any]], str]] = {function.__name__: function for function in (
    become_root, have_capabilities, use_a_setuid_file, mount, make_the_image_writable, writable_image, make_devices,
    open_devices, new_namespaces, change_root, enter_the_hosts_namespaces, open_files_by_handle, see_other_processes,
    trace_others, write_kernel_settings, change_its_own_limits, read_the_kernel, read_the_kernels_log, dangerous_calls,
    set_the_name, docker_socket, abstract_sockets, read_other_jobs, write_by_a_link, secrets_in_the_environment,
)}
