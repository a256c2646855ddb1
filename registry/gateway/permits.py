"""Who asks: a job's token becomes what that job may reach. It reads the job's row and the shelf, and keeps nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from registry.errors import Unauthenticated
from registry.services.inner import Route, required, routes
from registry.site import Site
from registry.uws import store

_SCHEME = "bearer "


@dataclass(frozen=True)
class Permit:
    """A running job and its routes, by their names."""

    job_id: str
    routes: dict[str, Route]


def permit(site: Site, authorization: str, gateway_address: str) -> Permit:
    """What the job that sent the header `authorization` may reach; addresses are written with `gateway_address`.

    A token is good for one attempt of a job, until its phase is final (D14). Raises Unauthenticated.
    """
    if authorization[:len(_SCHEME)].lower() != _SCHEME:
        raise Unauthenticated(
            "The gateway needs the job's token: send `Authorization: Bearer` with the content of the file /job/token.")
    token_hash = hashlib.sha256(authorization[len(_SCHEME):].strip().encode("latin-1")).hexdigest()
    with site.database.read() as connection:
        job = store.by_token(connection, token_hash)
        if job is None:
            raise Unauthenticated(
                "This token is not that of a running job: it ends with the job, and each attempt has its own.")
        found = routes(connection, site.settings, required(job.contract), gateway_address)
    return Permit(job.id, {route.id: route for route in found})
