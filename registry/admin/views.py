"""Puts everything for people on the application: guard, error pages, front page, admin pages, JSON API."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5

from registry.admin import (
    api,
    applications,
    bulk,
    dashboard,
    dispatch_api,
    errors,
    front,
    guard,
    harvest_api,
    images,
    images_api,
    inner,
    inner_api,
    jobs,
    login,
    oidc,
    overview,
    people,
    people_api,
    people_lists,
    quarantine,
    query_api,
    records,
    runs,
    search_api,
    services,
    sessions,
    sources,
    trials,
    twins,
    vitals,
)
from registry.admin.pages import api as api_blueprint, pages
from registry.records.views import path_of

# importing these puts their views on the blueprints
MODULES = (
    api, applications, bulk, dashboard, dispatch_api, harvest_api, images, images_api, inner, inner_api, jobs, login, oidc,
    overview, people, people_api, people_lists, quarantine, query_api, records, runs, search_api, services, sessions, sources,
    trials,
)
_HOUR = 3600


def register(app: Flask) -> None:
    """Add the pages, the API, and what guards and dresses the answers of all rooms."""
    settings = app.extensions["site"].settings
    app.config.update(BOOTSTRAP_SERVE_LOCAL=True, SITE_TITLE=settings.title, SEND_FILE_MAX_AGE_DEFAULT=_HOUR)
    Bootstrap5(app)
    app.jinja_env.filters["record_path"] = path_of
    app.jinja_env.globals.update(twins.for_templates(settings))
    guard.register(app)
    errors.register(app)
    front.register(app)
    vitals.register(app)
    app.register_blueprint(pages)
    app.register_blueprint(api_blueprint)
