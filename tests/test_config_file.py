"""The instance's config.toml: settings added without losing a line, texts turned into values, origins told."""

from __future__ import annotations

import pytest

from registry import config, config_file
from registry.config import ConfigError
from registry.errors import Conflict


def test_settings_are_added_and_what_people_wrote_stays(tmp_path):
    (tmp_path / "config.toml").write_text("# ours\ntitle = 'North'  # short\nport=8101")
    config_file.write(tmp_path, {"title": "North", "authority": "north.example", "allowed_networks": ["127.0.0.0/8"]})
    text = (tmp_path / "config.toml").read_text()
    assert text.startswith("# ours\ntitle = 'North'  # short\nport=8101\n")
    settings = config.load(tmp_path)
    assert (settings.authority, settings.port, settings.allowed_networks) == ("north.example", 8101, ["127.0.0.0/8"])


def test_a_setting_that_stands_there_with_another_value_is_not_overwritten(tmp_path):
    config_file.write(tmp_path, {"authority": "north.example"})
    with pytest.raises(Conflict, match="authority = \"north.example\""):
        config_file.write(tmp_path, {"authority": "south.example", "title": "x"})
    assert "title" not in (tmp_path / "config.toml").read_text()


@pytest.mark.parametrize(("key", "text", "value"), [
    ("port", "8101", 8101), ("firewall", "no", False),
    ("accepted_publishers", "a.example, b.example", ["a.example", "b.example"]),
    ("allowed_ports", "81,82", [81, 82]), ("job_cores", "0.5", 0.5), ("title", "North = cold", "North = cold"),
])
def test_texts_become_values_of_the_setting(key, text, value):
    assert config_file.from_text(key, text) == value


@pytest.mark.parametrize(("key", "text"), [("port", "north"), ("prot", "1"), ("allowed_ports", "a"), ("instance", "x")])
def test_what_is_no_value_or_no_setting_is_named(key, text):
    with pytest.raises(ConfigError, match=key):
        config_file.from_text(key, text)


def test_each_setting_says_where_it_comes_from(tmp_path, monkeypatch):
    config_file.write(tmp_path, {"authority": "north.example"})
    monkeypatch.setenv("INNERSPACE_PORT", "9001")
    origins = {row.key: (row.value, row.origin) for row in config_file.origins(config.load(tmp_path))}
    assert origins["authority"] == ("north.example", "config.toml")
    assert origins["port"] == (9001, "environment")
    assert origins["threads"][1] == "default"
