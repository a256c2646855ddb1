"""Engines for tests: small programs as images of the real engine and of the fake, under the same names."""

from __future__ import annotations

import io
import shutil
import tarfile
import uuid
from collections.abc import Iterator

import docker
import pytest

from applications.demo import engine, repository
from registry.executor.docker_runtime import DockerRuntime
from registry.executor.fake import FakeRuntime, Program
from registry.executor.runtime import EngineFault, Usage

# name -> (a shell's program, the same for the fake)
PROGRAMS: dict[str, tuple[str, Program]] = {
    "hello": (
        "echo hello; echo careful >&2; mkdir -p /results/deep; echo 42 > /results/deep/answer.txt; "
        "echo '{}' > /results/a.json",
        Program(b"hello\n", b"careful\n", {"deep/answer.txt": b"42\n", "a.json": b"{}\n"}),
    ),
    "nothing": ("true", Program()),
    "three": ("echo first >&2; echo 'the third thing went wrong' >&2; exit 3",
              Program(stderr=b"first\nthe third thing went wrong\n", exit_code=3)),
    "wide": ("head -c 100000 /dev/zero | tr '\\0' x; echo; echo end", Program(b"x" * 100_000 + b"\nend\n")),
    "sleeper": ("trap 'exit 143' TERM; echo asleep; { echo so far > /results/partial.txt; } 2>/dev/null; "
                "while :; do sleep 0.1; done",
                Program(b"asleep\n", files={"partial.txt": b"so far\n"}, until_stopped=True, used=Usage(0.1, 4096))),
    "stubborn": ("trap '' TERM; echo awake; while :; do sleep 0.1; done",
                 Program(b"awake\n", until_stopped=True, stopped_code=137)),
}


_APPLETS = (
    "sh", "true", "sleep", "echo", "mkdir", "dd", "cat", "ls", "touch", "ln", "mkfifo", "id", "nc", "ip", "seq", "yes",
    "head", "mount", "mknod", "chmod", "env", "rm", "grep", "tr", "wc",
)


class Images:
    """Images of busybox on the real engine, one for each shell program; removed at the end."""

    def __init__(self, client: docker.DockerClient) -> None:
        self.client = client
        self._tag = uuid.uuid4().hex[:12]
        self._made: dict[str, str] = {}

    def of(self, program: str, entrypoint: str | None = None, changes: tuple[str, ...] = ()) -> str:
        """The ID of an image whose entry point runs `program` in a shell."""
        key = f"{entrypoint}{program}{changes}"
        if key not in self._made:
            quoted = program.replace("\\", "\\\\").replace('"', '\\"')
            entry = entrypoint or f'ENTRYPOINT ["/bin/sh", "-c", "{quoted}"]'
            name = f"innerspace-test-{self._tag}-{len(self._made)}"
            self.client.api.import_image_from_data(_busybox(), repository=name, tag="1", changes=[entry, *changes])
            self._made[key] = self.client.api.inspect_image(f"{name}:1")["Id"]
        return self._made[key]

    def close(self) -> None:
        for number in range(len(self._made)):
            self.client.api.remove_image(f"innerspace-test-{self._tag}-{number}:1", force=True)


def _busybox() -> bytes:
    path = shutil.which("busybox") or "/bin/busybox"
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(path, "bin/busybox", recursive=False)
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        for name in ("tmp", "proc", "dev", "sys", "etc"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
    return data.getvalue()


@pytest.fixture(scope="session")
def docker_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    running = engine.ensure(tmp_path_factory.mktemp("engine"))
    yield running.client
    running.stop()


@pytest.fixture(scope="session")
def images(docker_client: docker.DockerClient) -> Iterator[Images]:
    made = Images(docker_client)
    yield made
    made.close()


@pytest.fixture(scope="session")
def docker_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[repository.Repository]:
    with repository.start(tmp_path_factory.mktemp("repository")) as running:
        yield running


@pytest.fixture()
def instance() -> str:
    """An instance's name that no other test and no datacenter of this machine has."""
    return f"t{uuid.uuid4().hex[:12]}"


class Kit:
    """An engine with the images of PROGRAMS; clears away what a test leaves of `instance`."""

    def __init__(self, runtime: DockerRuntime | FakeRuntime, images: dict[str, str], instance: str) -> None:
        self.runtime, self.images, self.instance = runtime, images, instance

    def clear(self) -> None:
        for state in self.runtime.list(self.instance):
            self.runtime.remove(state.name)
        self.runtime.remove_network(f"innerspace-{self.instance}-dc")


def fake_kit(instance: str) -> Kit:
    programs = {f"repository.example/{name}@sha256:1": program for name, (_, program) in PROGRAMS.items()}
    return Kit(FakeRuntime(programs), {name: f"repository.example/{name}@sha256:1" for name in PROGRAMS}, instance)


def docker_kit(instance: str, images: Images) -> Kit:
    found = {name: images.of(program) for name, (program, _) in PROGRAMS.items()}
    return Kit(DockerRuntime(), found, instance)


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def kit(request: pytest.FixtureRequest, instance: str) -> Iterator[Kit]:
    """Every engine there is, one after the other."""
    made = fake_kit(instance) if request.param == "fake" else docker_kit(instance, request.getfixturevalue("images"))
    yield made
    with pytest.MonkeyPatch.context():
        if isinstance(made.runtime, FakeRuntime):
            made.runtime.absent = False
        try:
            made.clear()
        except EngineFault as error:  # the test's own failure says more
            print(error)
