"""The whole story as a new user types it: `make demo ONCE=1`, and again, and nothing is left running."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.docker


def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "applications.demo", "--once", "--folder", str(folder)], cwd=ROOT, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "250"}, check=False)


def left_behind(folder: Path) -> list[str]:
    """Command lines of processes that still work in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.mark.parametrize("times", [("first",), pytest.param(("first", "second"), marks=pytest.mark.soak)])
def test_the_same_application_answers_from_three_datacenters_though_one_is_killed(tmp_path, docker_engine, times):
    for time in times:
        done = demo(tmp_path / "demo")
        logs = [f"--- {log}\n{log.read_text()[-3000:]}" for log in sorted((tmp_path / "demo").rglob("*.log"))]
        assert done.returncode == 0, f"{time}\n{done.stdout}\n{done.stderr}\n" + "\n".join(logs)
        assert "= 117955 stars: the whole catalogue." in done.stdout
        assert all(re.search(rf"{name} .*COMPLETED", done.stdout) for name in ("north", "south", "mountain"))
        told = re.sub(r"\s+", " ", done.stdout)
        # offered where it can run, and only there: at first the third has nothing that the application could ask
        lacks = "north: yes; south: yes; mountain: no. It has no ivo://ivoa.net/std/ConeSearch."
        assert (lacks in told) == (time == "first") and re.search(r"north: yes; \w+: yes; \w+: yes ", told)
        assert "its service is killed (kill -9) while the job runs there" in told
        assert "it is back; north called its job there UNKNOWN meanwhile" in told
        assert "summary.json" in done.stdout and ".svg" in done.stdout
        assert left_behind(tmp_path / "demo") == []
        ours = docker_engine.client.containers.list(all=True, filters={"label": "innerspace.instance"})
        names = [container.name for container in ours]
        assert not [name for name in names if name.startswith(("innerspace-north", "innerspace-south", "innerspace-mountain"))]
