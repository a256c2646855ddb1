"""The address /oai: GET and POST alike, errors of the protocol with HTTP 200, packed for whoever can unpack."""

from __future__ import annotations

import gzip
from contextlib import AbstractContextManager, nullcontext

from flask import Blueprint, Flask, Response, current_app, g, request
from sqlalchemy.exc import OperationalError

from registry import clock, sending
from registry.oai import envelope, verbs
from registry.oai.errors import OaiError
from registry.oai.load import RETRY_AFTER, Load, Overloaded
from registry.oai.request import Request, parse
from registry.oai.verbs import Answer, Repository

blueprint = Blueprint("oai", __name__)
_NAME, _LOAD = "oai repository", "oai load"
_WORTH_PACKING = 1024  # bytes
_LISTS = frozenset({"ListRecords", "ListIdentifiers"})


def register(app: Flask) -> None:
    """Serve /oai from the app's datacenter."""
    site = app.extensions["site"]
    app.extensions[_NAME] = verbs.repository(site)
    app.extensions[_LOAD] = Load(site.settings.threads)
    app.register_blueprint(blueprint)


@blueprint.route("/oai", methods=["GET", "POST"])
def oai() -> Response:
    """One OAI-PMH request; arguments in the query and, on POST, in the body count alike (§3.1.1)."""
    pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
    g.oai_request = parse(pairs)
    with _place(g.oai_request):
        answer = verbs.answer(_repository(), g.oai_request)
    return _conditional(answer, _sent(answer.moment, g.oai_request.attributes, answer.body))


@blueprint.errorhandler(OaiError)
def _refused(error: OaiError) -> Response:
    """Every condition of §3.6: status 200, and <request> repeats the arguments only where they were understood."""
    asked: Request | None = g.get("oai_request")  # none after badVerb and badArgument
    attributes = asked.attributes if asked else {}
    moment = max((one.moment for one in error.all), default="") or _repository().moments.now()
    return _sent(moment, attributes, envelope.errors(error))


@blueprint.errorhandler(OperationalError)
def _busy(_error: OperationalError) -> Response:
    """The database is locked or away: harvesters come back later (§3.1.2.2)."""
    return _later("The registry is busy: ask again later.")


@blueprint.errorhandler(Overloaded)
def _overloaded(error: Overloaded) -> Response:
    """Too many harvesters at once: this one comes back later."""
    return _later(str(error))


def _later(words: str) -> Response:
    return Response(f"{words}\n", 503, {"Retry-After": str(RETRY_AFTER)}, mimetype="text/plain")


def _repository() -> Repository:
    found: Repository = current_app.extensions[_NAME]
    return found


def _place(asked: Request) -> AbstractContextManager[None]:
    load: Load = current_app.extensions[_LOAD]
    return load.one_list() if asked.verb in _LISTS else nullcontext()


def _conditional(answer: Answer, response: Response) -> Response:
    """Let whoever has this state of a record already be told just that (RFC 9110 §13); nothing is said of lists."""
    if answer.tag:
        response.set_etag(answer.tag, weak=True)  # weak: responseDate differs each time
        response.headers["Cache-Control"] = "no-cache"  # may be kept, and must be asked about
        if answer.changed:
            response.last_modified = clock.parse(answer.changed)
        response.make_conditional(request)
    return response


def _sent(moment: str, attributes: dict[str, str], body: list[bytes]) -> Response:
    page = envelope.response(_repository().base_url, moment, attributes, body)
    headers = {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff", "Content-Length": str(len(page))}
    if len(page) > _WORTH_PACKING and request.accept_encodings["gzip"]:
        page = gzip.compress(page, compresslevel=5)
        headers |= {"Content-Encoding": "gzip", "Content-Length": str(len(page))}
    kind = "text/xml; charset=utf-8"
    if len(page) < sending.LARGE:
        return Response(page, headers=headers, content_type=kind)
    return Response(sending.file_of(request.environ, page), headers=headers, content_type=kind, direct_passthrough=True)
