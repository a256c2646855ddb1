"""The files of a new application: one that runs, with a test that passes. Placeholders are @NAME@ and @TITLE@."""

from __future__ import annotations

from pathlib import Path

from registry.errors import Refusal

_DOCKERFILE = """ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="@TITLE@" \\
      org.opencontainers.image.description="Counts the lines of a text that its caller gives."
COPY vosi /app/vosi
COPY main.py /app/main.py
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["python3", "/app/main.py"]
"""
_CONTRACT = """{
  "contract": "1.0",
  "parameters": [
    {"name": "text", "default": "one star", "description": "Text whose words are counted."}
  ],
  "outputs": [
    {"path": "count.json", "media_type": "application/json", "description": "The number of words.", "primary": true}
  ],
  "resources": {"cores": 0.5, "memory": 134217728, "time": 60, "disk": 1048576},
  "network": "none"
}
"""
_MAIN = '''"""@TITLE@: counts the words of a text. It keeps to docs/application-contract.md."""

import json
import sys

from vosi import datacenter


def count(text):
    """The number of words in `text`."""
    return len(text.split())


def main():
    parameters = datacenter.parameters()
    # with "requires" and "network": "dc" in application.json, an API of the datacenter is asked like this:
    # datacenter.endpoint("ivo://ivoa.net/std/ConeSearch").get({"RA": 0, "DEC": 0, "SR": 1})
    document = {"words": count(parameters["text"])}
    (datacenter.results_dir() / "count.json").write_text(json.dumps(document) + "\\n")
    print(document["words"], "words")


if __name__ == "__main__":
    try:
        main()
    except (datacenter.DatacenterError, OSError, ValueError, KeyError) as error:
        sys.exit(f"Nothing was counted: {error}")  # the last line on stderr is what the caller reads
'''
_TEST = '''"""Runs @NAME@ as a job does, without a container: `python -m pytest`."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(folder, **parameters):
    """The results' folder, and how the program ended."""
    for name in ("job", "datacenter", "results"):
        (folder / name).mkdir()
    (folder / "job/parameters.json").write_text(json.dumps(parameters))
    (folder / "datacenter/apis.json").write_text('{"contract": 1, "apis": []}')
    places = {"JOB_DIR": "job", "DATACENTER_DIR": "datacenter", "RESULTS_DIR": "results"}
    environment = {**os.environ, **{name: str(folder / path) for name, path in places.items()}}
    done = subprocess.run([sys.executable, HERE / "main.py"], env=environment, capture_output=True, text=True)
    return folder / "results", done


def test_it_counts(tmp_path):
    results, done = run(tmp_path, text="alpha beta gamma")

    assert done.returncode == 0, done.stderr
    assert json.loads((results / "count.json").read_text()) == {"words": 3}


def test_what_goes_wrong_is_said_in_one_line(tmp_path):
    _, done = run(tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("Nothing was counted") and "Traceback" not in done.stderr
'''
_README = """# @TITLE@

An application for datacenters that keep to the application contract (docs/application-contract.md).

    python -m pytest              # its own tests, without a container
    registry app test .           # built, and run under the walls of production
    registry app publish .        # built, pushed to this site's repository, offered
"""
_FILES = {"Dockerfile": _DOCKERFILE, "application.json": _CONTRACT, "main.py": _MAIN, "test_main.py": _TEST,
          "README.md": _README, "vosi/__init__.py": '"""The part of Inner Space that applications carry with them."""\n'}


class FolderTaken(Refusal):
    """There is something in the folder already."""


def write(folder: Path, title: str) -> list[Path]:
    """Write a new application into `folder`, which must not exist or be empty; the files written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is not empty: give a new folder.")
    name = folder.resolve().name
    written = []
    for path, text in {**_FILES, "vosi/datacenter.py": carried().decode()}.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        plain = title.replace('"', "'").replace("\\", "/").strip() or name
        own = path != "vosi/datacenter.py"
        file.write_text(text.replace("@TITLE@", plain).replace("@NAME@", name) if own else text, encoding="utf-8")
        written.append(file)
    return written


def carried() -> bytes:
    """`vosi/datacenter.py`, which every image may carry."""
    from vosi import datacenter  # of no use to any other command

    return Path(datacenter.__file__).read_bytes()
