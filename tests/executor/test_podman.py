"""The contract of an engine, held by podman through its Docker-compatible socket: the same suite, the same runtime."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from registry.executor import runtime
from registry.executor.docker_runtime import DockerRuntime
from registry.executor.runtime import EngineRefuses, Mount
from tests import podman as podmen
from tests.executor.engines import PROGRAMS, Kit, _busybox as busybox
from tests.executor.test_contract import *  # noqa: F403
from tests.executor.test_contract import LIMITS, await_end, make

pytestmark = pytest.mark.docker


def imported(client: docker.DockerClient, program: str) -> str:
    """The ID of an image that runs `program`: podman gives it no name, whatever name the import asks for."""
    entry = f"ENTRYPOINT {json.dumps(['/bin/sh', '-c', program])}"
    answer = client.api.import_image_from_data(busybox(), repository="test", tag="1", changes=[entry])
    return str(json.loads(answer.splitlines()[-1])["id"])


@pytest.fixture(scope="module")
def podman() -> Iterator[podmen.Podman]:
    # podman takes no run folder with a name longer than 50 characters
    with (
        tempfile.TemporaryDirectory(prefix="podman-", ignore_cleanup_errors=True) as folder,
        podmen.running(Path(folder)) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def programs(podman: podmen.Podman) -> dict[str, str]:
    own = {
        "long": "seq 1 20000; seq 1 20000 >&2",
        "memory": "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo done",
        "reads": "cat /data/sky/stars /data/kept/x; for d in sky sky/below kept; do "
                 "{ touch /data/$d/new && echo $d; } 2>/dev/null; done; true",
        "writes": "for d in / /tmp /run /var/tmp /dev /scratch; do { touch $d/x && echo $d; } 2>/dev/null; done; true",
    }
    shells = {**{name: program for name, (program, _) in PROGRAMS.items()}, **own}
    return {name: imported(podman.client, program) for name, program in shells.items()}


@pytest.fixture()
def kit(podman: podmen.Podman, programs: dict[str, str], instance: str) -> Iterator[Kit]:
    """In place of the suite's own: podman, and nothing else."""
    runtime = DockerRuntime(podman.address)
    made = Kit(runtime, programs, instance)
    yield made
    made.clear()
    runtime.close()


def test_the_engine_is_called_by_its_name(kit: Kit):
    assert kit.runtime.describe().version.startswith("Podman 4")


def test_no_line_of_a_long_log_is_lost_and_none_comes_twice(kit: Kit):
    name = make(kit, "long")
    whole = "".join(f"{number}\n" for number in range(1, 20001)).encode()
    chunks = list(kit.runtime.follow(name))
    for stream in (runtime.STDOUT, runtime.STDERR):
        assert b"".join(chunk.data for chunk in chunks if chunk.stream == stream) == whole
    stamps = [chunk.stamp for chunk in chunks]
    assert stamps == sorted(set(stamps))
    middle = len(chunks) // 2
    assert list(kit.runtime.follow(name, stamps[middle])) == chunks[middle:]


def test_a_container_killed_for_its_memory_is_told_so(kit: Kit):
    state = await_end(kit, make(kit, "memory"))
    assert (state.exit_code, state.out_of_memory) == (137, True)


def test_nothing_can_be_written_but_scratch(kit: Kit):
    name = make(kit, "writes")
    assert b"".join(chunk.data for chunk in kit.runtime.follow(name)) == b"/scratch\n"


def test_data_sets_are_read_and_what_is_mounted_below_them_is_not_written(kit: Kit, podman: podmen.Podman, tmp_path: Path):
    sky, below = tmp_path / "sky", tmp_path / "sky/below"
    below.mkdir(parents=True)
    (sky / "stars").write_text("stars\n")
    sky.chmod(0o777)
    volume = podman.client.volumes.create("kept")
    (Path(volume.attrs["Mountpoint"]) / "x").write_text("kept\n")
    name = f"innerspace-{kit.instance}-j1-1"
    mounts = (Mount(sky, "/data/sky", shared=True), Mount(Path(), "/data/kept", volume="kept"))
    spec = runtime.Spec(name, kit.images["reads"], {runtime.INSTANCE: kit.instance}, {}, mounts, LIMITS)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=65536,mode=777", "none", str(below)], check=True)
    try:
        kit.runtime.create(spec)
        kit.runtime.start(name)
        assert b"".join(chunk.data for chunk in kit.runtime.follow(name)) == b"stars\nkept\n"
        assert os.listdir(below) == []
    finally:
        kit.runtime.remove(name)
        subprocess.run(["umount", str(below)], check=True)
        volume.remove()


def test_a_volume_that_is_not_there_is_not_made(kit: Kit, podman: podmen.Podman):
    name, labels = f"innerspace-{kit.instance}-j1-1", {runtime.INSTANCE: kit.instance}
    with pytest.raises(EngineRefuses, match="has no volume for /data/x"):
        kit.runtime.create(runtime.Spec(
            name, kit.images["reads"], labels, {}, (Mount(Path(), "/data/x", volume="absent"),), LIMITS))
    assert podman.client.volumes.list() == []


def test_the_networks_interface_is_there_for_the_firewall(kit: Kit):
    name = f"innerspace-{kit.instance}-dc"
    interface = kit.runtime.ensure_network(name).interface
    labels = {runtime.INSTANCE: kit.instance}
    job = f"innerspace-{kit.instance}-j1-1"
    kit.runtime.create(runtime.Spec(job, kit.images["stubborn"], labels, {}, (), LIMITS, network=name))
    kit.runtime.start(job)
    assert Path("/sys/class/net", interface).exists()  # podman makes it with the network's first container
