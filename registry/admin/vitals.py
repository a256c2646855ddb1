"""What supervisors, load balancers and collectors of figures ask: /healthz, /readyz and /metrics."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from typing import cast

from flask import Flask, Response, current_app, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from registry import access, beats, schema
from registry.access import READER
from registry.admin import metrics
from registry.admin.counted import Counted
from registry.admin.pages import site
from registry.beats import Watch
from registry.errors import Refusal
from registry.schema import SchemaTooNew


def register(app: Flask) -> None:
    """Put the three addresses on the application, and count from now on what it is asked."""
    app.extensions["beats"] = Watch()
    counted = Counted(app.wsgi_app)
    app.extensions["counted"] = counted
    app.wsgi_app = counted  # type: ignore[method-assign]
    for name, view in (("healthz", healthz), ("readyz", readyz), ("metrics", figures)):
        app.add_url_rule(f"/{name}", name, view)


def healthz() -> Response:
    """Whether this process answers at all; it asks nobody."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """Whether it can serve: 503 where the database cannot be used; what else is not well is told beside.

    A worker or gateway that is away makes nothing unready here: pages and searches are answered without them.
    """
    fault = _database_fault()
    faults = {"database": fault} if fault else _silent()
    status = 503 if fault else 200
    return jsonify(status="unready" if fault else "ready", authority=site().settings.authority, faults=faults), status


def figures() -> Response:
    """The figures of this datacenter, for who may see its dashboard, and for hosts in metrics_networks."""
    _admit()
    body = metrics.text(site(), cast(Watch, current_app.extensions["beats"]), cast(Counted, current_app.extensions["counted"]))
    return Response(body, content_type=metrics.CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _admit() -> None:
    """Raises Unauthenticated, Denied."""
    networks = [ip_network(one) for one in site().settings.metrics_networks]
    address = ip_address(request.remote_addr or "0.0.0.0")
    if not any(address in network for network in networks):
        access.from_header(site(), request.headers.get("Authorization"), request.remote_addr or "").require(READER)


def _database_fault() -> str:
    """Why nothing can be looked up or written; '' where it can. It waits for nobody's lock."""
    database = site().database
    try:
        if schema.state(database).pending:
            return "The database is that of an older version: `registry upgrade` brings it up to date."
        if database.is_sqlite:
            writable = os.access(str(database.url.database), os.W_OK)
        else:
            with database.read() as connection:
                writable = not connection.execute(text("SELECT pg_is_in_recovery()")).scalar()
    except SchemaTooNew:
        return "The database is that of a newer version of this program."
    except (Refusal, SQLAlchemyError):  # where it is, is nobody's who asks here
        return "The database does not answer, or is none of ours: `registry doctor` says more."
    return "" if writable else "The database cannot be written."


def _silent() -> dict[str, str]:
    """The processes that are not heard, each with a sentence."""
    watch, faults = cast(Watch, current_app.extensions["beats"]), {}
    with site().database.read() as connection:
        for name in (beats.WORKER, beats.GATEWAY):
            age = watch.silent(connection, name)
            if age is None:
                faults[name] = f"The {name} has never been heard: start it with `registry serve` or `registry {name}`."
            elif age > beats.PATIENCE:
                faults[name] = f"The {name} has not been heard for {age:.0f} s: look at its log, or start it again."
    return faults
