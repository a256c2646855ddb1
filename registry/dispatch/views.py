"""`/where`: where an application can run, as a page or as JSON.

The parameters are the application's, besides APP, SORT (BY is the same) and DATA; one that has such a name itself is given
as p-NAME.
"""

from __future__ import annotations

import shlex

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request

from registry.dispatch import where
from registry.errors import Refusal
from registry.site import Site

PAGE, JSON = "text/html", "application/json"
PREFIX = "p-"  # of a parameter's field, as in the form of an application
_CONTROL = ("APP", "SORT", "BY", "DATA")

blueprint = Blueprint("dispatch", __name__)


def register(app: Flask) -> None:
    """Add `/where` to the application."""
    app.register_blueprint(blueprint)


@blueprint.errorhandler(Refusal)
def refused(error: Refusal) -> tuple[Response | str, int]:
    """The refusal's one sentence, in the form that was asked for."""
    if _wants_json():
        return jsonify(error=str(error)), error.status
    return render_template("records/refused.html", error=str(error), status=error.status), error.status


@blueprint.get("/where", defaults={"suffix": ""})
@blueprint.get("/where.<any(json):suffix>")
def index(suffix: str) -> Response | str:
    """Every runner's verdict on APP."""
    site: Site = current_app.extensions["site"]
    said = list(request.args.items(multi=True))
    own = {name.upper(): value for name, value in said if name.upper() in _CONTROL}
    pairs = [(name.removeprefix(PREFIX), value) for name, value in said if name.upper() not in _CONTROL]
    if not own.get("APP"):
        raise Refusal("Which application? Give app=IDENTIFIER, as /applications lists them.")
    by, data = own.get("SORT") or own.get("BY") or where.OWN, own.get("DATA", "")
    answer = where.where(site, own["APP"], pairs, by=by, data=data)
    response = jsonify(answer.as_json()) if _wants_json() else Response(render_template(
        "applications/where.html", answer=answer, pairs=pairs, by=by, data=data,
        given=shlex.join(f"{name}={value}" for name, value in pairs)))
    response.headers["Vary"] = "Accept"
    return response


def _wants_json() -> bool:
    return request.path.endswith(".json") or request.accept_mimetypes.best_match([PAGE, JSON], PAGE) == JSON
