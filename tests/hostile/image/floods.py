"""Attempts to take more than a job may have, one to a job: what becomes of it is the test's to see."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(os.environ.get("RESULTS_DIR", "/results"))
MIB = 2**20


def forks(targets: dict[str, Any]) -> int:
    """Children that have children, until the job's time is over."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.05)


def one_fork_too_many(targets: dict[str, Any]) -> int:
    """A program that does not expect it."""
    children = []
    while True:
        children.append(subprocess.Popen(["/bin/busybox", "sleep", "60"]))


def threads(targets: dict[str, Any]) -> int:
    while True:
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def memory(targets: dict[str, Any]) -> int:
    kept = []
    while True:
        kept.append(b"x" * MIB)


def memory_of_a_child(targets: dict[str, Any]) -> int:
    child = os.fork()
    if child == 0:
        memory(targets)
    _, status = os.waitpid(child, 0)
    print("my child was killed", file=sys.stderr)
    return 3


def memory_of_scratch(targets: dict[str, Any]) -> int:
    """The places in memory, one after the other."""
    for folder in ("/dev/shm", "/scratch"):
        try:
            for number in range(1024):
                Path(folder, str(number)).write_bytes(b"x" * MIB)
            return 0
        except OSError as error:
            print(error, file=sys.stderr)
    return 4


def one_big_file(targets: dict[str, Any]) -> int:
    with (RESULTS / "big").open("wb") as file:
        while True:
            file.write(b"x" * MIB)
            file.flush()


def one_sparse_file(targets: dict[str, Any]) -> int:
    with (RESULTS / "sparse").open("wb") as file:
        file.truncate(2**40)
    return 0


def many_files(targets: dict[str, Any]) -> int:
    """Each within the limit of a file, all together not; and on when they are written."""
    for number in range(64):
        (RESULTS / str(number)).write_bytes(b"x" * MIB)
    time.sleep(60)
    return 0


def inodes(targets: dict[str, Any]) -> int:
    for number in range(40_000):
        (RESULTS / str(number)).touch()
    time.sleep(60)
    return 0


def log(targets: dict[str, Any]) -> int:
    print("first")
    line = b"y" * 999 + b"\n"
    for _ in range(100_000):
        os.write(1, line)
    os.write(1, b"last\n")
    return 0


def ignored_signal(targets: dict[str, Any]) -> int:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    print("awake", flush=True)
    while True:
        time.sleep(1)


def descriptors(targets: dict[str, Any]) -> int:
    kept = []
    while len(kept) < 100_000:
        kept.append(os.open("/dev/null", os.O_RDONLY))
    return 0


def links(targets: dict[str, Any]) -> int:
    """Results that are not what they seem."""
    os.chdir(RESULTS)
    Path("good").write_text("good\n")
    os.symlink("/etc/passwd", "link-in-the-image")
    os.symlink(targets["instance"] + "/config.toml", "link-out")
    os.symlink("..", "link-up")
    os.symlink("/proc/1/environ", "results.json")
    os.mkfifo("fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    Path("twice").write_text("twice\n")
    os.link("twice", "twice-again")
    Path("setuid").write_text("#!/bin/sh\n")
    Path("setuid").chmod(0o6755)
    for name in ("..\\..\\up", "...", "-rf", "new\nline", "right\u202eleft", "\x1b[2J", "%2e%2e%2fup", "CON", " "):
        Path(name).write_text(name)
    os.mkdir("locked")
    Path("locked/in").write_text("in")
    Path("locked").chmod(0)
    deep = Path("deep")
    for _ in range(40):
        deep.mkdir()
        os.chdir(deep)
    return 0


def listen(targets: dict[str, Any]) -> int:
    """A neighbour: says its address, and answers whoever comes until it is stopped."""
    with socket.create_server(("0.0.0.0", targets["neighbour_port"])) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"welcome\n")


FLOODS: dict[str, Callable[[dict[str, Any]], int]] = {function.__name__: function for function in (
    forks, one_fork_too_many, threads, memory, memory_of_a_child, memory_of_scratch, one_big_file, one_sparse_file,
    many_files, inodes, log, ignored_signal, descriptors, links, listen,
)}
