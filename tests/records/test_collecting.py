"""The garbage collector stays out while records are taken, and is back afterwards whatever happened."""

from __future__ import annotations

import gc

import pytest

from registry.records import collecting


def test_the_collector_is_off_meanwhile_and_back_after_a_failure() -> None:
    assert gc.isenabled()
    with pytest.raises(ValueError, match="torn"), collecting.put_off():
        assert not gc.isenabled()
        raise ValueError("torn")
    assert gc.isenabled()


def test_who_comes_second_does_not_turn_it_on_for_the_first() -> None:
    with collecting.put_off():
        with collecting.put_off():
            collecting.look()
        assert not gc.isenabled()
    assert gc.isenabled()
