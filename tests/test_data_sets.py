"""The site's data sets as settings: what can be one, and what no job may ever be shown."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from registry import config, config_file
from registry.cli import checks
from registry.config import ConfigError
from registry.data_sets import DataSet


def settings(folder: Path, text: str) -> config.Settings:
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)
    return config.load(folder)


def test_a_folder_and_a_volume_with_who_may_use_them(tmp_path: Path) -> None:
    found = settings(tmp_path / "instance", (
        f'[data.gaia]\npath = "{tmp_path}/gaia"\ntitle = "Gaia DR3"\nroles = ["anyone"]\n'
        '[data.spectra]\nvolume = "spectra"\n'))

    assert found.data["gaia"].path == tmp_path / "gaia" and found.data["gaia"].open_to_anyone
    assert found.data["spectra"].roles == ("runner",)
    (shown,) = [one for one in config_file.origins(found) if one.key == "data"]
    assert json.loads(json.dumps(shown.value))["gaia"]["title"] == "Gaia DR3" and shown.origin == "config.toml"


@pytest.mark.parametrize(("text", "words"), [
    ('[data.all]\npath = "/"', "this whole machine"),
    ('[data.all]\npath = "/etc/ssl"', "would show /etc to jobs"),
    ('[data.all]\npath = "/var"', "would show /var/"),
    ('[data.all]\npath = "/var/run/docker.sock"', "run to jobs"),
    ('[data.all]\npath = "{top}"', "this datacenter's instance folder"),
    ('[data.all]\npath = "{top}/instance/keys"', "this datacenter's instance folder"),
    ('[data.all]\npath = "{top}/link"', "this datacenter's instance folder"),
    ('[data.all]\npath = "{top}/no/../instance/keys"', "this datacenter's instance folder"),
    ('docker_host = "unix://{top}/x/engine.sock"\n[data.all]\npath = "{top}/x"', "the engine's socket"),
    ('[data.all]\npath = "relative"', "must be absolute"),
    ('[data.all]\ntitle = "nowhere"', "needs either the path of a folder or a volume"),
    ('[data.all]\npath = "/srv"\nvolume = "x"', "and not both"),
    ('[data.all]\nvolume = "../x"', "no name of a volume"),
    ('[data.All]\npath = "/srv"', "must be a small letter"),
    ('[data.all]\npath = "/srv"\nroles = ["king"]', "'administrator'"),
    ('[data.all]\npath = "/srv"\nroles = []', "data.all.roles"),
])
def test_what_no_job_may_see_is_refused_at_start(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "instance")

    with pytest.raises(ConfigError, match="config.toml") as refused:
        settings(tmp_path / "instance", text.replace("{top}", str(tmp_path)))
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_settings_are_added_before_the_tables(tmp_path: Path) -> None:
    settings(tmp_path, 'title = "North"\n\n[data.gaia]\npath = "/srv/gaia"\n')
    config_file.write(tmp_path, {"port": 81})

    found = config.load(tmp_path)
    assert (found.port, found.title, list(found.data)) == (81, "North", ["gaia"])
    with pytest.raises(ConfigError, match="docs/operating.md"):
        config_file.from_text("data", "gaia=/srv")


def test_the_doctor_looks_whether_they_can_be_read(tmp_path: Path) -> None:
    def look(**data: DataSet) -> tuple[str, str]:
        return checks._data(SimpleNamespace(settings=SimpleNamespace(data=data)))  # type: ignore[arg-type]

    (tmp_path / "gaia").mkdir(mode=0o700)
    gaia = DataSet(path=tmp_path / "gaia")
    assert look() == ("pass", "data sets that jobs may ask for: none")
    assert look(gaia=gaia)[0] == "warn" and "not open to others" in look(gaia=gaia)[1]
    (tmp_path / "gaia").chmod(0o755)
    assert look(gaia=gaia, spectra=DataSet(volume="spectra")) == ("pass", "data sets that jobs may ask for: gaia, spectra")
    assert look(gone=DataSet(path=tmp_path / "gone"))[0] == "fail"
