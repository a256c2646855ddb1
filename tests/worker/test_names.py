"""What an instance is called on the engine: by its setting, else by itself, and never like another."""

from __future__ import annotations

import re

from registry.config import load


def test_the_setting_wins(tmp_path):
    assert load(tmp_path, authority="north.example", instance_name="north").engine_name == "north"


def test_without_one_each_instance_has_its_own(tmp_path):
    first = load(tmp_path / "a", authority="North.Observatory.example")
    second = load(tmp_path / "b", authority="North.Observatory.example")
    assert first.engine_name == load(tmp_path / "a", authority="north.observatory.example").engine_name
    assert first.engine_name != second.engine_name
    assert re.fullmatch(r"northobserva[0-9a-f]{8}", first.engine_name)
