"""The service: makes the web application from its rooms, and nothing else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # flask is only loaded where pages are served: the command line starts without it
    from flask import Flask

    from registry.site import Site

_ROOMS = (
    "registry.oai.views",
    "registry.records.views",
    "registry.services.views",
    "registry.uws.views",
    "registry.applications.views",
    "registry.dispatch.views",
    "registry.search.views",
    "registry.search.finding.views",
    "registry.admin.views",
)


def create_app(site: Site) -> Flask:
    """The web application of one datacenter. Each room's `views` has a function `register(app)`.

    Views find the datacenter as `current_app.extensions["site"]`.
    """
    from flask import Flask

    app = Flask("registry", instance_path=str(site.settings.instance.absolute()))
    app.extensions["site"] = site
    app.config.update(
        SECRET_KEY=site.secret,
        MAX_CONTENT_LENGTH=site.settings.body_limit,
        # not who is logged in: only the sentence that the next page shows
        SESSION_COOKIE_NAME="innerspace-note",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=site.settings.base_url.startswith("https://"),
    )
    for name in _ROOMS:
        import_module(name).register(app)
    return app
