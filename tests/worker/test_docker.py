"""The worker on a real engine: woken by bell and events, killed with -9, its host kept from its jobs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading

import pytest

from registry import clock
from registry.executor import firewall
from registry.uws import files, store
from registry.uws.phases import ABORTED, COMPLETED, ERROR, EXECUTING, QUEUED, SUSPENDED
from registry.uws.store import NoJob
from registry.worker import stage
from tests.worker.jobs import job_of, phases_of, results_of, submit, wish

pytestmark = pytest.mark.docker
HELLO_RESULTS = {"a.json", "deep/answer.txt", "stdout", "stderr", "exitcode"}


def test_a_job_runs_from_submission_to_results(station):
    job_id = submit(station.site, station.image("hello"))
    job = station.until_final(job_id)
    assert (job.phase, job.error, job.exit_code) == (COMPLETED, None, 0)
    assert phases_of(station.site, job_id) == ["PENDING", "QUEUED", "EXECUTING", "COMPLETED"]
    assert set(results_of(station.site, job_id)) == HELLO_RESULTS
    assert (files.folder(station.site, job_id) / "files/deep/answer.txt").read_bytes() == b"42\n"
    assert (station.text(job_id, "stdout"), station.text(job_id, "stderr")) == ("hello\n", "careful\n")
    assert job.node
    station.until(lambda: not station.left())


def test_the_log_is_there_while_the_job_runs_and_an_abort_keeps_the_results(station):
    job_id = submit(station.site, station.image("sleeper"))
    path = files.folder(station.site, job_id) / "stdout"
    station.until(lambda: path.is_file() and path.read_bytes() == b"asleep\n")
    assert job_of(station.site, job_id).phase is EXECUTING
    wish(station.site, job_id, store.ABORT)
    job = station.until_final(job_id)
    assert (job.phase, job.error) == (ABORTED, None)
    assert (files.folder(station.site, job_id) / "files/partial.txt").read_bytes() == b"so far\n"
    station.until(lambda: not station.left())


def test_a_container_that_somebody_pauses_suspends_its_job(station, docker_client):
    job_id = submit(station.site, station.image("echo one; while ! ls /results/go >/dev/null 2>&1; do sleep 0.05; done"))
    station.until(lambda: job_of(station.site, job_id).phase is EXECUTING)
    name = stage.container(station.site, job_of(station.site, job_id))
    docker_client.api.pause(name)
    station.until(lambda: job_of(station.site, job_id).phase is SUSPENDED, 4)  # by the event, not by the slow tick
    (stage.results(station.site, job_of(station.site, job_id)) / "go").touch()
    docker_client.api.unpause(name)
    assert station.until_final(job_id).phase is COMPLETED
    phases = ["PENDING", "QUEUED", "EXECUTING", "SUSPENDED", "EXECUTING", "COMPLETED"]
    assert phases_of(station.site, job_id) == phases


def test_a_paused_job_can_be_aborted(station, docker_client):
    job_id = submit(station.site, station.image("sleeper"))
    station.until(lambda: job_of(station.site, job_id).phase is EXECUTING)
    docker_client.api.pause(stage.container(station.site, job_of(station.site, job_id)))
    station.until(lambda: job_of(station.site, job_id).phase is SUSPENDED)
    wish(station.site, job_id, store.ABORT)
    assert station.until_final(job_id).phase is ABORTED
    station.until(lambda: not station.left())


def test_a_job_over_its_time_is_aborted_with_its_results(station):
    job_id = submit(station.site, station.image("sleeper"), execution_duration=1)
    job = station.until_final(job_id)
    assert job.phase is ABORTED
    assert "1 s" in job.error
    assert "partial.txt" in results_of(station.site, job_id)
    assert (clock.parse(job.ended) - clock.parse(job.started)).total_seconds() < 4


def test_a_deleted_job_goes_while_it_runs(station):
    job_id = submit(station.site, station.image("sleeper"))
    station.until(lambda: job_of(station.site, job_id).phase is EXECUTING)
    wish(station.site, job_id, store.DELETE)

    def gone() -> bool:
        try:
            job_of(station.site, job_id)
        except NoJob:
            return True
        return False

    station.until(gone)
    assert station.left() == []
    assert not files.folder(station.site, job_id).exists()


@pytest.mark.parametrize(("program", "words"), [
    ("three", "ended with code 3: the third thing went wrong"),
    ("dd if=/dev/zero of=/results/big bs=65536 count=1024 2>/dev/null; exit 1", "results (1 MiB)"),
    ("i=0; while [ $i -lt 64 ]; do head -c 65536 /dev/zero > /results/$i; i=$((i+1)); done; "
     "while :; do sleep 0.1; done", "more results than it may"),
    ("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo done", "ran out of memory (the limit is 64 MiB)"),
    ("exec /bin/no-such-program", "ended with code 127"),
])
def test_what_went_wrong_is_named(station, program, words):
    job_id = submit(station.site, station.image(program))
    job = station.until_final(job_id)
    assert job.phase is ERROR
    assert words in job.error
    assert {"stdout", "stderr", "exitcode"} <= set(results_of(station.site, job_id))


def test_what_a_job_has_used_is_known_to_its_end(station):
    job_id = submit(station.site, station.image(
        "x=$(head -c 20000000 /dev/zero | tr '\\0' x); head -c 900000 /dev/zero > /results/big; "
        "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"))
    job = station.until_final(job_id)
    assert job.phase is COMPLETED
    executed = (clock.parse(job.ended) - clock.parse(job.started)).total_seconds()
    assert 0.1 < job.usage["cpu_seconds"] < executed + 0.5
    assert 20_000_000 < job.usage["peak_memory"] <= 64 * 2**20
    assert job.usage["written_bytes"] >= 900_000
    assert job.usage["result_bytes"] == 900_000


def test_a_flood_of_output_is_cut_in_the_middle(station):
    job_id = submit(station.site, station.image("echo first; yes | head -n 500000; echo last"))
    assert station.until_final(job_id).phase is COMPLETED
    text = station.text(job_id, "stdout")
    assert text.startswith("first\ny\n")
    assert text.endswith("y\nlast\n")
    assert "are left out here" in text
    assert len(text) < 8192 + 100


def test_a_disk_that_is_full_when_results_are_taken_loses_none(idle):
    results = idle.site.settings.instance / "results"
    results.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(results)], check=True)
    try:
        (results / "ballast").write_bytes(bytes(700_000))
        idle.thread.start()
        job_id = submit(idle.site, idle.image("head -c 600000 /dev/zero > /results/big; echo done"))
        idle.until(lambda: "No space left" in job_of(idle.site, job_id).message)
        assert job_of(idle.site, job_id).phase is EXECUTING
        (results / "ballast").unlink()
        assert idle.until_final(job_id).phase is COMPLETED
        assert results_of(idle.site, job_id)["big"].size == 600_000
        assert (results / job_id / "files/big").stat().st_size == 600_000
        idle.until(lambda: not idle.left())
    finally:
        idle.stop.set()
        idle.thread.join(30)
        subprocess.run(["umount", str(results)], check=True)


def test_results_that_are_no_plain_files_do_no_harm(station):
    job_id = submit(station.site, station.image(
        "cd /results; ln -s /etc/passwd link; mkfifo fifo; echo 1 > a; ln a b; mkdir d; chmod 4777 d; echo 2 > good"))
    job = station.until_final(job_id)
    assert job.phase is COMPLETED
    assert set(results_of(station.site, job_id)) == {"good", "stdout", "stderr", "exitcode"}
    assert len(job.usage["problems"]) == 4


PROBES = {
    "root": "id -u | { read n; [ $n = 65534 ]; }",
    "write to the image": "! touch /here",
    "write to what was staged": "! touch /job/x && ! touch /datacenter/x && ! touch /job/token",
    "run from scratch": "cat /bin/busybox > /scratch/b; chmod 755 /scratch/b; ! /scratch/b true",
    "make devices": "! mknod /scratch/d c 1 3",
    "mount": "! mount -t tmpfs none /scratch",
    "capabilities": "grep -q 'CapEff:.0000000000000000' /proc/self/status",
    "new privileges": "grep -q 'NoNewPrivs:.1' /proc/self/status",
    "seccomp": "grep -q 'Seccomp:.2' /proc/self/status",
    "the socket of the engine": "! ls /var/run/docker.sock /run/docker.sock",
    "a network": "[ $(ls /sys/class/net | wc -l) -le 1 ]",
    # last: none is left after it
    "too many processes": "! ( i=0; while [ $i -lt 200 ]; do sleep 3 & i=$((i+1)); done )",
}


def test_the_walls_hold(station):
    script = "; ".join(
        f"if {{ {probe}; }} >/dev/null 2>&1; then echo 'kept: {name}'; else echo 'OPEN: {name}'; fi"
        for name, probe in PROBES.items())
    job_id = submit(station.site, station.image(script))
    station.until_final(job_id)
    assert station.text(job_id, "stdout").splitlines() == [f"kept: {name}" for name in PROBES]


def test_on_the_dc_network_only_the_gateways_port_answers(station):
    network = station.runtime.ensure_network(stage.network(station.site))
    gateway_port = station.site.settings.gateway_port
    # both on the address that containers reach: without the rule both answer
    host = network.gateway
    with socket.create_server((host, 0)) as other, socket.create_server((host, gateway_port)) as gateway:
        for server in (other, gateway):
            threading.Thread(target=_greet, args=(server,), daemon=True).start()
        ports = {"other": other.getsockname()[1], "gateway": gateway_port}
        script = "".join(
            f"echo x | nc -w 2 dc.internal {port} | grep -q welcome && echo {name} answers; "
            for name, port in ports.items())
        job_id = submit(station.site, station.image(script + "echo end"), contract={"contract": "1.0", "network": "dc"})
        assert station.until_final(job_id).phase is COMPLETED
    assert station.text(job_id, "stdout") == "gateway answers\nend\n"
    assert firewall.holds(network.interface)
    station.stop.set()
    station.thread.join(30)
    assert not firewall.holds(network.interface)


def _greet(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(b"welcome\n")


def test_an_image_comes_from_its_repository_by_digest(station, docker_repository, docker_client):
    name = f"{docker_repository.address}/hello"
    docker_client.api.tag(station.image("hello"), name, tag="1")
    for line in docker_client.api.push(name, tag="1", stream=True, decode=True):
        assert "error" not in line, line
    digest = next(one for one in docker_client.api.inspect_image(f"{name}:1")["RepoDigests"] if one.startswith(name))
    docker_client.api.remove_image(f"{name}:1")
    try:
        job_id = submit(station.site, digest)
        assert station.until_final(job_id).error is None
        absent = f"{name}@sha256:{'0' * 64}"
        job = station.until_final(submit(station.site, absent))
        assert (job.phase, job.error_type) == (ERROR, "fatal")
        assert f"has no image {absent}" in job.error
    finally:
        docker_client.api.remove_image(digest, force=True)


def test_a_repository_that_does_not_answer_leaves_the_job_in_the_queue(station):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    waiting = submit(station.site, f"127.0.0.1:{port}/app@sha256:{'0' * 64}")
    station.until(lambda: "does not answer" in job_of(station.site, waiting).message)
    assert job_of(station.site, waiting).phase is QUEUED
    other = submit(station.site, station.image("hello"))
    assert station.until_final(other).phase is COMPLETED


def test_killed_with_9_in_mid_job_the_log_goes_on(idle):
    job_id = submit(idle.site, idle.image("i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.05; done"))
    first = idle.process()
    path = files.folder(idle.site, job_id) / "stdout"
    idle.until(lambda: path.is_file() and path.stat().st_size > 20)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert job_of(idle.site, job_id).phase is EXECUTING
    idle.process()
    assert idle.until_final(job_id).phase is COMPLETED
    assert idle.text(job_id, "stdout") == "".join(f"{number}\n" for number in range(40))


def test_a_worker_that_is_told_to_stop_leaves_its_jobs_running_for_the_next(idle):
    waits = "echo one; while ! ls /results/go >/dev/null 2>&1; do sleep 0.05; done; echo two"
    job_id = submit(idle.site, idle.image(waits))
    first = idle.process()
    idle.until(lambda: job_of(idle.site, job_id).phase is EXECUTING)
    first.terminate()
    assert first.wait(20) == 0
    job = job_of(idle.site, job_id)
    assert job.phase is EXECUTING
    (stage.results(idle.site, job) / "go").touch()
    idle.process()
    assert idle.until_final(job_id).phase is COMPLETED
    assert idle.text(job_id, "stdout") == "one\ntwo\n"
