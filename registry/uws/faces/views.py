"""A list of jobs of another kind at an address of its own: the resources of /jobs, each as `registry.uws.views` has it."""

from __future__ import annotations

from flask import Blueprint, g

from registry.uws import views
from registry.uws.refusing.views import answering
from registry.uws.views import Face

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def list_of(name: str, face: Face) -> Blueprint:
    """The blueprint `name` of the list that `face` describes (UWS 1.1 §2.2)."""
    made = answering(Blueprint(name, __name__))

    @made.before_request
    def _here() -> None:
        g.uws_face = face

    for rule, view in (("", views.job_list), ("/<job_id>", views.job), ("/<job_id>/<resource>", views.job_resource),
                       ("/<job_id>/<resource>/<path:name>", views.job_item)):
        made.add_url_rule(f"/{face.path}{rule}", view_func=view, methods=METHODS, strict_slashes=False)
    return made
