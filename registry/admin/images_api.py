"""The part of the JSON API that is about Docker repositories that are watched, and decisions about their images."""

from __future__ import annotations

from flask import Response, jsonify, request

from registry import lists
from registry.admin import guard, images, listed
from registry.admin.api import body
from registry.admin.pages import api, site
from registry.applications import approving, consequences, seen
from registry.applications.listed import IMAGES
from registry.applications.seen import APPROVED, REJECTED, RETRACTED, VULNERABLE


@api.get("/repositories")
def repositories() -> Response:
    """Docker repositories that are watched."""
    with site().database.read() as connection:
        found = seen.watched(connection)
    return jsonify(repositories=[one.as_json() for one in found])


@api.post("/repositories")
def repositories_add() -> tuple[Response, int]:
    """Watch a Docker repository, or images of some names in it."""
    given = body({"host"}, {"names"})
    return jsonify(images.watch(given["host"], given.get("names", []), guard.who()).as_json()), 201


@api.post("/repositories/look")
def repository_look() -> tuple[Response, int]:
    """Have the worker look at a repository now."""
    return jsonify(images.look(body({"host"}, set())["host"], guard.who()).as_json()), 202


@api.post("/repositories/remove")
def repository_remove() -> Response:
    """Watch a repository no longer."""
    return jsonify(images.unwatch(body({"host"}, set())["host"], guard.who()).as_json())


@api.get("/images")
def images_list() -> Response:
    """Images that were seen, in any state unless one is asked for."""
    with site().database.read() as connection:
        page = lists.page(connection, listed.asked(IMAGES))
    return listed.as_json(page, [one.as_json() for one in page.rows])


@api.get("/images/consequences")
def image_consequences() -> Response:
    """What else it changes to move an image to a state; nothing is done."""
    to = request.args.get("to", APPROVED)
    if to not in images.VERBS:
        raise images.NoDecision(f"An image cannot be made {to[:40]!r}: it can be {', '.join(images.VERBS)}.")
    one = approving.find(site(), request.args.get("image", ""), to)
    return jsonify(image=one.as_json(), changes=consequences.of(site(), one, to))


@api.post("/images/approve")
def image_approve() -> Response:
    """Offer an image."""
    given = body({"image"}, {"name", "anyway"})
    return jsonify(images.decide(given["image"], APPROVED, guard.who(), name=given.get("name", ""),
                                 anyway=given.get("anyway", False)).as_json())


@api.post("/images/reject")
def image_reject() -> Response:
    """Do not offer an image that waits."""
    return _decided(REJECTED)


@api.post("/images/retract")
def image_retract() -> Response:
    """Offer an approved image no longer."""
    return _decided(RETRACTED)


@api.post("/images/mark-vulnerable")
def image_mark_vulnerable() -> Response:
    """Run an image no longer, whoever publishes it."""
    return _decided(VULNERABLE)


def _decided(to: str) -> Response:
    given = body({"image"}, {"why"})
    return jsonify(images.decide(given["image"], to, guard.who(), why=given.get("why", "")).as_json())
