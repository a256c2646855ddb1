"""The address /oai: GET and POST alike, errors of the protocol with HTTP 200, packed for whoever can unpack."""

from __future__ import annotations

import gzip

from flask import Blueprint, Flask, Response, current_app, g, request
from sqlalchemy.exc import OperationalError

from registry.oai import envelope, verbs
from registry.oai.errors import OaiError
from registry.oai.request import Request, parse
from registry.oai.verbs import Repository

blueprint = Blueprint("oai", __name__)
_NAME = "oai repository"
_WORTH_PACKING = 1024  # bytes
_RETRY_AFTER = 30  # seconds


def register(app: Flask) -> None:
    """Serve /oai from the app's datacenter."""
    app.extensions[_NAME] = verbs.repository(app.extensions["site"])
    app.register_blueprint(blueprint)


@blueprint.route("/oai", methods=["GET", "POST"])
def oai() -> Response:
    """One OAI-PMH request; arguments in the query and, on POST, in the body count alike (§3.1.1)."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    g.oai_request = parse(pairs)
    answer = verbs.answer(_repository(), g.oai_request)
    return _sent(answer.moment, g.oai_request.attributes, answer.body)


@blueprint.errorhandler(OaiError)
def _refused(error: OaiError) -> Response:
    """Every condition of §3.6: status 200, and <request> repeats the arguments only where they were understood."""
    asked: Request | None = g.get("oai_request")  # none after badVerb and badArgument
    attributes = asked.attributes if asked else {}
    moment = max((one.moment for one in error.all), default="") or _repository().moments.now()
    return _sent(moment, attributes, envelope.errors(error))


@blueprint.errorhandler(OperationalError)
def _busy(_error: OperationalError) -> Response:
    """The database is locked or away: harvesters come back later (§3.1.2.1)."""
    return Response("The registry is busy: ask again later.\n", 503, {"Retry-After": str(_RETRY_AFTER)},
                    mimetype="text/plain")


def _repository() -> Repository:
    found: Repository = current_app.extensions[_NAME]
    return found


def _sent(moment: str, attributes: dict[str, str], body: bytes) -> Response:
    page = envelope.response(_repository().base_url, moment, attributes, body)
    headers = {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if len(page) > _WORTH_PACKING and request.accept_encodings["gzip"]:
        page = gzip.compress(page, compresslevel=5)
        headers["Content-Encoding"] = "gzip"
    return Response(page, headers=headers, content_type="text/xml; charset=utf-8")
