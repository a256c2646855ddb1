"""The JSON API: it says what it takes, takes that, and refuses the rest in one sentence; its description fits."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import ROOT


def test_the_description_names_every_route_and_method(app: Any) -> None:
    described = json.loads((ROOT / "registry" / "static" / "openapi.json").read_text())
    told = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    served = {
        (method, re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule).removeprefix("/api"))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert told == served
    assert app.test_client().get("/api/openapi.json").json == described


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "object"),
        ("text", "object"),
        ({}, "'url' is needed"),
        ({"url": ""}, "'url' is needed"),
        ({"url": 7}, "a text"),
        ({"url": "http://x/", "colour": "red"}, "'colour' is unknown"),
        ({"url": "http://x/", "interval": "soon"}, "whole number"),
        ({"url": "http://x/", "interval": True}, "whole number"),
        ({"url": "http://x/", "interval": 1}, "60 or more"),
    ],
)
def test_a_body_that_will_not_do_is_refused_with_the_key(app: Any, bearer: Any, body: Any, says: str) -> None:
    answer = app.test_client().post("/api/sources", json=body, headers=bearer("administrator"))
    assert answer.status_code == 400 and says in answer.json["error"]


@pytest.mark.parametrize("body", ["{", "null", "7", "\xff"])
def test_what_is_no_json_object_is_refused(app: Any, bearer: Any, body: str) -> None:
    answer = app.test_client().post(
        "/api/sources", data=body, content_type="application/json", headers=bearer("administrator")
    )
    assert answer.status_code == 400 and "JSON" in answer.json["error"]


def test_basic_authorization_works_as_well(app: Any) -> None:
    from tests.admin.conftest import PASSWORD

    assert app.test_client().get("/api/sources", auth=("reader", PASSWORD)).json["sources"] == []


def test_lists_are_open_and_drafts_are_not_in_them(app: Any) -> None:
    found = app.test_client().get("/api/records?q=north").json
    assert "ivo://north.example/registry" in {record["ivoid"] for record in found["records"]}
    assert found["next"] is None and found["exact"]
    assert app.test_client().get("/api/services").status_code == 200
    assert app.test_client().get("/api/applications").json["applications"] == []
