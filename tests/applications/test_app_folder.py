"""`registry app new|test|publish`: a new application passes its tests, and each rule that one may break is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer

from applications.demo import base_image, engine
from registry.applications import catalogue
from registry.cli.main import registry
from registry.errors import Refusal
from registry.site import Site


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(registry, ["app", *arguments])


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    """A new application."""
    assert ask("new", str(tmp_path / "words"), "--title", "Words").exit_code == 0
    return tmp_path / "words"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """A base image with Python."""
    running = engine.ensure()
    yield base_image.build(client=running.client)
    running.stop()


def test_its_tests_pass_at_once(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", str(folder)], capture_output=True, text=True)

    assert done.returncode == 0 and "2 passed" in done.stdout
    assert "Words" in (folder / "README.md").read_text()


def test_a_folder_in_use_is_left_alone(folder: Path) -> None:
    (folder / "main.py").write_text("mine")

    assert "is not empty" in str(ask("new", str(folder)).exception)
    assert (folder / "main.py").read_text() == "mine"


@pytest.mark.parametrize("label", ["{", '{"contract": "1.0", "colour": "red"}', '{"contract": "7.0"}', None])
def test_a_bad_label_is_told_before_anything_is_built(folder: Path, label: str | None) -> None:
    (folder / "application.json").write_text(label) if label else (folder / "application.json").unlink()

    found = ask("test", str(folder)).exception
    assert isinstance(found, Refusal) and "bad label" in str(found) and "application.json" in str(found)


@pytest.mark.docker
def test_a_new_application_keeps_to_the_contract(folder: Path, base: str) -> None:
    done = ask("test", str(folder), "--base", base, "--set", "text=a b c", "--json")

    assert done.exit_code == 0, done.exception
    document = json.loads(done.stdout)
    assert document["log"] == "3 words\n" and [one["path"] for one in document["results"]] == ["count.json"]
    assert not docker.from_env().images.list(filters={"reference": "innerspace-trial/*"})


@pytest.mark.docker
@pytest.mark.parametrize(("program", "rule"), [
    ("open('/app/cache', 'w')", "wrote outside RESULTS_DIR"),
    ("import urllib.request; urllib.request.urlopen('http://198.51.100.7/')", "used the network"),
    ("import urllib.request; urllib.request.urlopen('http://example.org/')", "used the network"),
    ("import os; os.setuid(0)", "needs to be root"),
    ("pass", "left no results"),
    ("open('/results/other.txt', 'w').write('x')", "left other results than it says"),
    ("open('/results/count.json', 'w').write('x' * 3_000_000)", "exit code"),
    ("open('/results/a', 'w').write('x' * 900_000); open('/results/count.json', 'w').write('x' * 900_000)",
     "results are larger than it says"),
    ("import sys; sys.exit('No luck.')", "exit code 1: No luck."),
    ("x = bytearray(400_000_000)", "more memory than it says"),
])
def test_the_rule_that_broke_is_named(folder: Path, base: str, program: str, rule: str) -> None:
    (folder / "main.py").write_text(program)

    found = ask("test", str(folder), "--base", base).exception
    assert isinstance(found, Refusal) and rule in str(found)


@pytest.mark.docker
def test_a_required_api_is_reached_through_a_gateway_with_the_token(
    folder: Path, base: str, httpserver: HTTPServer,
) -> None:
    httpserver.expect_request("/cone", query_string="RA=1").respond_with_data("<VOTABLE/>")
    contract = json.loads((folder / "application.json").read_text())
    cone = "ivo://ivoa.net/std/ConeSearch"
    (folder / "application.json").write_text(json.dumps({**contract, "requires": [cone], "network": "dc"}))
    (folder / "main.py").write_text(
        "from vosi import datacenter\n"
        f"answer = datacenter.endpoint('{cone}').get({{'RA': 1}})\n"
        "(datacenter.results_dir() / 'count.json').write_bytes(answer)\n")

    assert "give --api STANDARD=URL" in str(ask("test", str(folder), "--base", base).exception)
    done = ask("test", str(folder), "--base", base, "--api", f"{cone}={httpserver.url_for('/cone')}?")
    assert done.exit_code == 0, done.exception


@pytest.mark.docker
def test_a_data_set_is_read_from_a_folder_of_ones_own(folder: Path, base: str, tmp_path: Path) -> None:
    contract = json.loads((folder / "application.json").read_text())
    (folder / "application.json").write_text(json.dumps({**contract, "data": [{"name": "gaia"}]}))
    (folder / "main.py").write_text(
        "import pathlib\npathlib.Path('/results/count.json').write_text(pathlib.Path('/data/gaia/stars').read_text())\n")
    (tmp_path / "sky").mkdir()
    (tmp_path / "sky/stars").write_text("{}")

    assert "give --data NAME=FOLDER" in str(ask("test", str(folder), "--base", base).exception)
    for given, words in ((f"gaia={tmp_path}/no", "is no folder"), (f"other={tmp_path}", "reads gaia")):
        assert words in str(ask("test", str(folder), "--base", base, "--data", given).exception)
    done = ask("test", str(folder), "--base", base, "--data", f"gaia={tmp_path}/sky")
    assert done.exit_code == 0, done.exception


@pytest.mark.docker
def test_it_is_published_and_can_be_picked(folder: Path, base: str, north: Site) -> None:
    site: Any = north
    done = CliRunner().invoke(registry, [
        "--instance", str(site.settings.instance), "app", "publish", str(folder), "--base", base, "--version", "2.1",
        "--json"], env={"INNERSPACE_AUTHORITY": "north.example", "INNERSPACE_REPOSITORY": site.settings.repository,
                        "INNERSPACE_BASE_URL": site.settings.base_url, "INNERSPACE_ADMIN_EMAIL": "ops@north.example"})

    assert done.exit_code == 0, done.exception
    with site.database.read() as connection:
        offer = catalogue.pick(connection, "words#2.1")
    assert offer.image == json.loads(done.stdout)["image"]
    assert [one.name for one in catalogue.contract_of(site, offer).parameters] == ["text"]
