"""The web application of a place where nothing is founded yet: the set-up, and to everything else a sentence that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, render_template
from flask_bootstrap import Bootstrap5

from registry import access
from registry.admin import errors, guard
from registry.admin.setup import acts, views
from registry.errors import Unavailable
from registry.site import Site


def create_setup_app(site: Site, begin: Callable[[Site], None]) -> Any:
    """The application; `begin` is called once, with the founded datacenter, open, as soon as it is there."""
    app = Flask("registry", instance_path=str(site.settings.instance.absolute()))
    app.extensions["site"] = site
    app.extensions[views.BEGIN] = begin
    app.config.update(SECRET_KEY=site.secret, MAX_CONTENT_LENGTH=2**20, BOOTSTRAP_SERVE_LOCAL=True, SITE_TITLE="Inner Space",
                      SETTING_UP=True, SEND_FILE_MAX_AGE_DEFAULT=3600)
    Bootstrap5(app)
    app.before_request(guard.name_request)
    app.after_request(guard.dress)
    app.after_request(_keep_nothing)
    app.jinja_env.globals["csrf_token"] = _csrf_token
    app.context_processor(lambda: {"settings": site.settings})
    errors.register(app)
    app.register_blueprint(views.pages)
    for rule in ("/healthz", "/<path:prefix>/healthz"):
        app.add_url_rule(rule, "healthz", healthz)
    app.add_url_rule("/", "front", front)
    app.add_url_rule("/<path:path>", "elsewhere", elsewhere, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])

    def moved_on(environ: Any, start_response: Any) -> Any:
        found = acts.founded_elsewhere(site)
        if found:
            begin(found)
        return app(environ, start_response)

    moved_on.app = app  # type: ignore[attr-defined]
    return moved_on


def _csrf_token() -> str:
    return access.csrf_token(views.site(), views.browser()) if g.get("let_in") else ""


def _keep_nothing(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def front() -> str:
    """What this is and how it goes on."""
    return render_template("setup/front.html", instance=str(views.site().settings.instance))


def healthz(prefix: str = "") -> Response:
    """That this process answers, and which one it is."""
    return jsonify(status="not set up", mark=acts.MARK)


def elsewhere(path: str) -> Response:
    """Every other address: not yet."""
    if path == "readyz":
        return make_response(jsonify(status="not set up"), 503)
    raise Unavailable("This datacenter is not founded yet: its operator opens the set-up link that `registry serve` printed, "
                      "or runs `registry init`.")
