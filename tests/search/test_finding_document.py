"""docs/finding.md is run: each example as it stands there, against a datacenter that has what it speaks of."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyvo.registry import regtap

from registry.bell import WORK
from registry.worker import queries
from registry.worker.lease import Lease
from tests.conftest import ROOT
from tests.search.library import Library, library

pytestmark = pytest.mark.shared

ADDRESS = "http://127.0.0.1:8080/tap"
TEXT = (ROOT / "docs" / "finding.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
# each example with what is shown of its output, where something is
EXAMPLES = [(kind, words, after[1] if after[0] == "text" else "")
            for (kind, words), after in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True) if kind != "text"]
# the first in Python is run as people run it, with IVOA_REGISTRY; the others here, since each start of Python takes a second
FIRST = next(words for kind, words, _ in EXAMPLES if kind == "python")


@pytest.fixture(scope="module")
def world() -> Iterator[Library]:
    """The datacenter, served, with a worker that answers queries kept as jobs; pyvo's registry in this process too."""
    before = regtap.get_RegTAP_service_url()
    with library() as opened:
        regtap.choose_RegTAP_service(opened.tap)
        stop, lease = threading.Event(), Lease(opened.site)
        thread = threading.Thread(target=queries.run, args=(opened.site, lease.name, stop))
        thread.start()
        yield opened
        stop.set()
        opened.site.bells.ring(WORK)
        thread.join(10)
        lease.close()
        regtap.choose_RegTAP_service(before)
    assert not thread.is_alive()


@pytest.mark.parametrize(("kind", "words", "shown"), EXAMPLES, ids=[f"{kind}-{n}" for n, (kind, *_) in enumerate(EXAMPLES)])
def test_an_example_does_what_the_document_says(world: Library, tmp_path: Path, kind: str, words: str, shown: str) -> None:
    if kind == "python" and not words.startswith(FIRST):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(words, "finding.md", "exec"), {})
        assert_shown(shown, said.getvalue())
        return
    (tmp_path / "instance").symlink_to(world.site.settings.instance)
    environment = {
        **os.environ, "IVOA_REGISTRY": world.tap, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "INNERSPACE_BASE_URL": world.base, "INNERSPACE_AUTHORITY": "north.example", "HOME": str(tmp_path)}
    command = [sys.executable, "-c"] if kind == "python" else ["bash", "-euo", "pipefail", "-c"]
    done = subprocess.run([*command, words.replace(ADDRESS, world.tap)], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert_shown(shown, done.stdout)


def assert_shown(shown: str, output: str) -> None:
    assert [line for line in shown.strip().splitlines() if line not in output] == [], output


def test_the_document_speaks_of_each_client_and_each_setting() -> None:
    for client in ("pyvo", "stilts", "curl", "registry --instance"):
        assert any(client in words for _, words, _ in EXAMPLES)
    from registry.config import Settings

    assert set(re.findall(r"`(tap_\w+)`", TEXT)) - {"tap_schema"} == {
        name for name in Settings.model_fields if name.startswith("tap_")}
