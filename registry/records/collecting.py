"""Keeps the garbage collector out of where many records are taken: what is made of them refers to nothing in circles.

Looking for circles among a hundred thousand rows at every turn takes a tenth of an import's time. It stores nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def put_off() -> Iterator[None]:
    """The collector does not look by itself meanwhile, in the whole process: call `look` between."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:  # else another thread put it off before, and lets it on
            gc.enable()


def look() -> None:
    """Look among what is new: two turns old at most."""
    gc.collect(1)
