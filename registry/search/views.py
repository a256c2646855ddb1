"""The address /tap: which resource answers which method, and in what form. It decides nothing about queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from flask import Blueprint, Flask, Response, current_app, render_template, request

from registry import sending
from registry.errors import Busy, Refusal
from registry.places import LONGEST_ANSWER
from registry.search import described, kept
from registry.search.kept import Kept
from registry.search.running import Queries, TooManyQueries
from registry.search.tap import documents, formats, parameters, votable
from registry.search.tap.cells import convert_of, row_texts
from registry.search.tap.examples import EXAMPLES
from registry.search.tap.formats import Table
from registry.search.tap.parameters import Asked
from registry.search.turns import Turns
from registry.sending import Part
from registry.site import Site
from registry.uws import jobs, kinds, queries
from registry.uws.faces.views import list_of
from registry.uws.refusing.views import tell_faults
from registry.uws.store import Job
from registry.uws.views import Face

blueprint = Blueprint("tap", __name__)
_QUERIES, _PLACES, _KEPT = "tap queries", "tap places", "tap answers"
_KEPT_FREE = 3  # web threads
_PATIENCE = 0.5  # seconds that a request waits for a place; for its turn it then waits longer
_VOTABLE, _XML = "application/x-votable+xml", "text/xml; charset=utf-8"
_ON_A_PAGE = 100  # rows
_AT_ONCE = 1000  # rows that are there before an answer begins, so that its errors have a status
_WHOLE = 4 * 2**20  # bytes up to which an answer is made before it is sent


class TooLarge(Refusal):
    """The answer is too large to be sent as it is made."""


@dataclass(frozen=True)
class Shown:
    """The beginning of an answer, for people: (name, description) of its columns, its rows, whether there are more."""

    columns: list[tuple[str, str]]
    rows: list[list[str]]
    more: bool


def register(app: Flask) -> None:
    """Serve /tap from the app's datacenter."""
    site = app.extensions["site"]
    app.extensions[_QUERIES] = Queries(site)
    app.extensions[_KEPT] = Kept()
    app.extensions[_PLACES] = Turns(max(1, site.settings.threads - _KEPT_FREE))
    app.register_blueprint(blueprint)
    app.register_blueprint(list_of("tap_async", ASYNC))


def _error_of(site: Site, job: Job) -> tuple[bytes, str]:
    """Why a query has no answer, as its answer would have come (TAP 1.1 §3.3)."""
    return votable.error(jobs.error_text(site, job).strip()), _VOTABLE


ASYNC = Face("tap/async", kinds.QUERIES, queries.create, frozenset({"run.json", "logs"}), _error_of)


# --- queries ----------------------------------------------------------------------------------------------------------


@blueprint.route("/tap/sync", methods=["GET", "POST"])
def sync() -> Response:
    """A query and its answer in one request (TAP 1.1 §2.2)."""
    return answered(parameters.asked([*request.args.items(multi=True), *request.form.items(multi=True)]))


def answered(asked: Asked) -> Response:
    """The answer in its format; a long one goes out as its rows come. Raises Refusal before it has begun."""
    name = (asked.query, asked.format.media_type, asked.maxrec)
    keeping: Kept = current_app.extensions[_KEPT]
    state = kept.state(_site().database) if kept.lasting(asked.query) else ""
    with ExitStack() as stack:
        body = keeping.get(state, name)
        if body is None:
            stack.enter_context(_place())
            body = stack.enter_context(keeping.shared(state, name))
        if body is not None:
            return _sent_whole(body, asked.format.content_type)
        size = Size()
        pieces = _pieces(asked, stack, size)
        first, ended = _first(pieces)
        if ended and size.fault is not None:
            raise size.fault
        if ended:
            whole = b"".join(first)
            keeping.put(state, name, whole)
            return _sent_whole(keeping.get(state, name) or whole, asked.format.content_type)
        keeping.let_go(state, name)
        response = _sent(chain(first, pieces), asked.format.content_type)
        response.call_on_close(stack.pop_all().close)
    return response


def _pieces(asked: Asked, stack: ExitStack, size: Size) -> Iterator[bytes]:
    """The answer as it comes; `stack` keeps it open. What is refused is refused before an answer has begun."""
    answer = stack.enter_context(_queries().answer(asked.query, maxrec=asked.maxrec, in_texts=asked.format.takes_texts))
    begun = 1 if answer.in_texts else _AT_ONCE
    content: Iterator[Any] = answer.texts if answer.in_texts else answer.rows
    content = size.bounding(chain(list(islice(content, begun)), content))
    table = Table(answer.columns, () if answer.in_texts else content, lambda: answer.overflow, _infos(asked.query),
                  texts=content if answer.in_texts else None)
    return size.counting(asked.format.write(table))


def _first(pieces: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """The first megabytes of an answer, and whether they are all of it: then its length is known."""
    found: list[bytes] = []
    length = 0
    for piece in pieces:
        found.append(piece)
        length += len(piece)
        if length > _WHOLE:
            return found, False
    return found, True


class Size:
    """How much of an answer has been made; it ends, with a sentence, when that is more than may be sent at once."""

    def __init__(self) -> None:
        self._bytes = 0
        self.fault: Refusal | None = None  # that ended the answer

    def counting(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The pieces as they are."""
        for piece in pieces:
            self._bytes += len(piece)
            yield piece

    def bounding(self, content: Iterator[Any]) -> Iterator[Any]:
        """What the answer is made of, as it is. Raises TooLarge between its parts."""
        try:
            for part in content:
                if self._bytes > LONGEST_ANSWER:
                    raise TooLarge(f"The answer is larger than {LONGEST_ANSWER // 2**20} MiB, the most that is sent at once: "
                                   "ask for fewer rows or columns, or send the query to /tap/async.")
                yield part
        except Refusal as refusal:
            self.fault = refusal
            raise


@contextmanager
def _place() -> Iterator[None]:
    """One of the web threads that queries may have; a few stay free of them, whatever they take. Raises TooManyQueries."""
    places: Turns = current_app.extensions[_PLACES]
    if not places.acquire(timeout=_PATIENCE):
        raise TooManyQueries("Too many queries wait just now: ask again in a few seconds.", retry_after=10)
    try:
        yield
    finally:
        places.release()


def _infos(query: str) -> tuple[tuple[str, str], ...]:
    return ("QUERY", query), ("standardID", "ivo://ivoa.net/std/TAP"), ("server", _site().settings.url("tap"))


# --- documents --------------------------------------------------------------------------------------------------------


@blueprint.get("/tap", strict_slashes=False)
def page() -> tuple[str, int]:
    """What can be asked here and how, with a field to ask in; with QUERY the first rows of its answer."""
    query = " ".join(request.args.getlist("QUERY")).strip()
    shown, fault, status = None, "", 200
    if query:
        try:
            shown = _shown(query)
        except Refusal as error:
            fault, status = str(error), error.status
    return render_template(
        "search/tap.html", schemas=described.SCHEMAS, examples=EXAMPLES, formats=formats.FORMATS, settings=_site().settings,
        languages=parameters.LANGUAGES, query=query or EXAMPLES[0].query, shown=shown, fault=fault), status


def _shown(query: str) -> Shown:
    with _place(), _queries().answer(query, maxrec=_ON_A_PAGE) as answer:
        converts = [convert_of(column) for column in answer.columns]
        rows = [row_texts(row, converts) for row in answer.rows]
        return Shown([(column.name, column.description) for column in answer.columns], rows, answer.overflow)


@blueprint.get("/tap/capabilities")
def capabilities() -> Response:
    """VOSI capabilities with TAPRegExt."""
    return _sent(documents.capabilities(_site().settings), _XML)


@blueprint.get("/tap/availability")
def availability() -> Response:
    """VOSI availability; answers while the database is down."""
    return _sent(documents.availability(_site()), _XML)


@blueprint.get("/tap/tables", defaults={"name": ""})
@blueprint.get("/tap/tables/<path:name>")
def tables(name: str) -> Response:
    """VOSI tables: all of them, without columns where detail=min, or one by its name."""
    if name:
        return _sent(documents.one_table(name), _XML)
    detail = next((value for key, value in request.args.items() if key.lower() == "detail"), "max")
    if detail not in ("min", "max"):
        raise parameters.BadParameter(f"detail={detail[:20]!r} is not offered: min and max are.")
    return _sent(documents.table_set(detail), _XML)


@blueprint.get("/tap/examples")
def examples() -> Response:
    """Queries to begin with (DALI 1.1 §2.3)."""
    return _sent(render_template("search/tap_examples.html", examples=EXAMPLES, url=_site().settings.url("tap")),
                 "application/xhtml+xml; charset=utf-8")


# --- answers ----------------------------------------------------------------------------------------------------------


def _site() -> Site:
    found: Site = current_app.extensions["site"]
    return found


def _queries() -> Queries:
    found: Queries = current_app.extensions[_QUERIES]
    return found


def _sent(body: Any, content_type: str) -> Response:
    return Response(body, content_type=content_type,
                    headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"})


def _sent_whole(body: bytes | Part, content_type: str) -> Response:
    length = len(body) if isinstance(body, bytes) else body.length
    if length < sending.LARGE:
        return _sent(body if isinstance(body, bytes) else body.again().read(), content_type)
    answer = _sent(sending.file_of(request.environ, body), content_type)
    answer.headers["Content-Length"] = str(length)
    answer.direct_passthrough = True
    return answer


@blueprint.errorhandler(Refusal)
def _refused(error: Refusal) -> Response:
    answer = _error(str(error), error.status)
    if isinstance(error, Busy):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _error(sentence: str, status: int) -> Response:
    """The sentence as a VOTable (TAP 1.1 §3.3), or as JSON for whoever asked for that."""
    said = {name.upper(): value for name, value in chain(request.args.items(), request.form.items())}
    wanted = formats.named(said.get("RESPONSEFORMAT") or said.get("FORMAT") or "")
    if wanted is not None and wanted.media_type == formats.JSON:
        answer = _sent(json.dumps({"error": sentence, "status": status}, ensure_ascii=False) + "\n", formats.JSON)
    else:
        answer = _sent(votable.error(sentence), _VOTABLE)
    answer.status_code = status
    return answer


tell_faults(blueprint, _error)
