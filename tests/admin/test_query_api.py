"""/api/query: the same answer as the command and /tap/sync give as JSON, and refusals as the rest of the API has them."""

from __future__ import annotations

from typing import Any

QUERY = "SELECT ivoid, cap_index FROM rr.capability ORDER BY ivoid, cap_index"


def test_the_answer_is_that_of_tap(app: Any) -> None:
    client = app.test_client()
    found = client.get("/api/query", query_string={"adql": QUERY, "maxrec": "3"}).json
    assert [column["name"] for column in found["columns"]] == ["ivoid", "cap_index"] and len(found["rows"]) == 3
    assert found["overflow"] is True and found == client.get("/tap/sync", query_string={
        "LANG": "ADQL", "QUERY": QUERY, "MAXREC": "3", "RESPONSEFORMAT": "json"}).json


def test_what_cannot_be_answered_is_one_sentence(app: Any) -> None:
    for said in ({}, {"adql": "SELECT nothing FROM rr.resource"}, {"adql": QUERY, "maxrec": "many"}):
        answer = app.test_client().get("/api/query", query_string=said)
        assert answer.status_code == 400 and answer.json["error"].endswith(".")
