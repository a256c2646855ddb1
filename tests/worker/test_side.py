"""What the worker does beside its jobs: at its start, what searches find of records is made to fit them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from registry.records import founding, reprojecting
from registry.tables import described, records, rr_resource
from registry.worker import side


def test_rows_that_are_behind_their_records_are_made_again_at_the_start(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    with site.database.write() as connection:
        whole = connection.execute(select(*described(rr_resource)).order_by(rr_resource.c.ivoid)).all()
        connection.execute(rr_resource.delete().where(rr_resource.c.ivoid == "ivo://north.example/runner"))
        connection.execute(records.update().where(records.c.key == "ivo://north.example/runner").values(projected="old"))
    stop, counts = threading.Event(), list[int]()
    reproject = reprojecting.reproject

    def once(*args: Any, **more: Any) -> int:
        counts.append(reproject(*args, **more))
        stop.set()
        return counts[-1]

    monkeypatch.setattr(reprojecting, "reproject", once)
    side.run(site, "lease", stop)
    assert counts == [1]
    with site.database.read() as connection:
        assert connection.execute(select(*described(rr_resource)).order_by(rr_resource.c.ivoid)).all() == whole


def test_a_projection_that_fails_ends_in_the_log(site: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*_args: Any, **_more: Any) -> int:
        raise RuntimeError("a fault")

    monkeypatch.setattr(reprojecting, "reproject", broken)
    side._project(site, threading.Event())
    assert "the projection turn failed" in caplog.text
