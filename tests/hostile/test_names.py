"""No way out by names: what a job asks the engine's resolver goes nowhere, though the host itself has a resolver.

Engines before 25.0.5 pass questions of internal networks on, where the host's resolver listens on loopback (as
systemd-resolved does): whoever may ask for names may send data out in them. The engine here is the tests' own, in a mount
namespace whose resolv.conf names a server of the test.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.executor import runtime
from registry.executor.docker_runtime import DockerRuntime
from registry.executor.runtime import Limits, Spec
from tests.engines import OwnEngine, own_engine
from tests.executor.engines import Images

pytestmark = pytest.mark.docker
ADDRESS = "127.0.0.66"
NETWORK = "innerspace-names-dc"
LIMITS = Limits(1.0, 64 * 2**20, 32, 2**20, 4096)
ASK = "/bin/busybox timeout 3 /bin/busybox nslookup $QUESTION.example; echo asked"


@pytest.fixture()
def questions() -> Iterator[list[bytes]]:
    """What a name server on loopback is asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, 53))

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    question, sender = server.recvfrom(512)
                    asked.append(question)
                    server.sendto(question[:2] + b"\x81\x83" + question[4:], sender)  # there is no such name

        threading.Thread(target=listen, daemon=True).start()
        yield asked


@pytest.fixture()
def engine(tmp_path: Path) -> Iterator[OwnEngine]:
    """One whose host has a resolver on loopback."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
    script = f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && echo ready && exec sleep 600"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        with own_engine(inside=("nsenter", f"--mount=/proc/{holder.pid}/ns/mnt")) as running:
            yield running
        holder.kill()


def test_a_name_that_a_job_asks_for_is_told_to_nobody(engine: OwnEngine, questions: list[bytes]):
    jobs = DockerRuntime(engine.address)
    with contextlib.closing(engine.client) as client:
        image = Images(client).of(ASK)
        jobs.ensure_network(NETWORK)
        unwalled = client.api.create_container_from_config(
            {"Image": image, "Env": ["QUESTION=without"], "HostConfig": {"NetworkMode": NETWORK}})["Id"]
        client.api.start(unwalled)
        client.api.wait(unwalled)
    assert any(b"without" in question for question in questions)  # the engine does pass them on
    jobs.create(Spec("job", image, {runtime.INSTANCE: "names"}, {"QUESTION": "stolen"}, (), LIMITS, NETWORK))
    jobs.start("job")
    said = b"".join(chunk.data for chunk in jobs.follow("job"))
    jobs.close()
    assert b"asked" in said
    assert not any(b"stolen" in question for question in questions), said
