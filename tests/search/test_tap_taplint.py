"""stilts taplint, the validator that data centres use: what it says of this service, all of its stages."""

from __future__ import annotations

import subprocess
import threading
from typing import Any

import pytest

from registry.bell import WORK
from registry.worker import queries
from registry.worker.lease import Lease
from tests.search.library import library

# Debian's 3.4.7 does not know one feature that RegTAP 1.2 §8 wants declared, and there is neither ObsPlan nor upload here
KNOWN = {"E-CAP-KEYX", "F-LOC-NOTP", "F-UPL-NOUP", "W-CAP-CULF"}


@pytest.mark.shared
def test_taplint_finds_nothing_but_what_it_does_not_know() -> None:
    judge()


@pytest.mark.shared
@pytest.mark.soak
def test_taplint_finds_no_more_on_postgresql(postgres: Any) -> None:
    name = postgres.make(template="innerspace")
    judge(database_url=postgres.url(name))
    postgres.drop(name)


def judge(**settings: Any) -> None:
    with library(**settings) as world:
        stop, lease = threading.Event(), Lease(world.site)
        thread = threading.Thread(target=queries.run, args=(world.site, lease.name, stop))
        thread.start()
        done = subprocess.run(["stilts", "taplint", f"tapurl={world.tap}", "report=EWFS"],
                              capture_output=True, text=True, timeout=120, check=False)
        stop.set()
        world.site.bells.ring(WORK)
        thread.join(10)
        lease.close()
    faults = [line for line in done.stdout.splitlines() if line[:2] in ("E-", "W-", "F-")]
    assert [line for line in faults if line[:10] not in KNOWN] == [], done.stdout
    assert "Totals: Errors: 1; Warnings: 1; " in done.stdout and "features-adql-conditional" in done.stdout
    # it has asked a lot, and all of it was answered
    asked = [line.rpartition(" ")[2].split("/") for line in done.stdout.splitlines() if "submitted TAP queries" in line]
    assert len(asked) >= 4 and all(answered == submitted != "0" for answered, submitted in asked), done.stdout
