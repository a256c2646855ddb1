"""The blueprints that the pages and the JSON API hang on; they hold no view themselves."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app

from registry.site import Site

pages = Blueprint("admin", __name__, url_prefix="/admin")
api = Blueprint("api", __name__, url_prefix="/api")


def site() -> Site:
    """The datacenter that this application serves."""
    return cast(Site, current_app.extensions["site"])
