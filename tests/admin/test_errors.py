"""Whatever goes wrong at whatever address, a browser gets a page: what, why, the next step, and the number that the log has."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from registry.db import Database

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ABSENT = {"number": "4711", "suffix": "json"}
# protocols that have a form of errors of their own, which their clients read (OAI-PMH 2.0 §3.6, TAP 1.1 §2.5, DALI 1.1 §4.2)
OWN_FORM = ("oai.", "tap.")


def places(app: Any, verb: str = "GET") -> Iterator[tuple[str, str]]:
    """Endpoint and an address of each rule that takes `verb`, of things that are not there."""
    for rule in app.url_map.iter_rules():
        if verb in rule.methods and not rule.endpoint.endswith("static"):
            path = re.sub(r"<(?:any\(([^)]*)\):)?(?:[^<>:]+:)?(\w+)>",
                          lambda match: match[1].split(",")[0] if match[1] else ABSENT.get(match[2], "nowhere"), rule.rule)
            yield rule.endpoint, path


def right(path: str, answer: Any) -> bool:
    """JSON in the API and where the address says so, else a page."""
    if path.startswith("/api/") or path.endswith(".json"):
        return answer.mimetype == "application/json" and {"error", "next", "status", "request"} <= set(answer.json)
    return is_a_page(answer)


def is_a_page(answer: Any) -> bool:
    """Whether it says what, why, what next, and by which number the log knows it."""
    text = answer.get_data(as_text=True)
    return (answer.mimetype == "text/html" and text.count("<h1") == 1 and '<html lang="en"' in text
            and f"request <code>{answer.headers['X-Request-Id']}</code>" in text and f"Status {answer.status_code}," in text
            and "Content-Security-Policy" in answer.headers)


def test_what_is_not_there_is_a_page_wherever_it_is_not(app: Any, browser: Any) -> None:
    chief, refused, wrong = browser("administrator"), [], []
    for endpoint, path in places(app):
        answer = chief.client.get(path, headers={"Accept": BROWSER})
        assert answer.status_code < 500, path
        if answer.status_code < 400 or endpoint.startswith(OWN_FORM):
            continue
        refused.append(path)
        wrong += [] if right(path, answer) else [f"{endpoint} {path}: {answer.status_code} {answer.mimetype} {answer.text[:80]}"]
    assert not wrong, "\n".join(wrong)
    assert len(refused) > 40


def test_the_wrong_verb_is_a_page(app: Any, browser: Any) -> None:
    chief, wrong = browser("administrator"), []
    for endpoint, path in places(app):
        if endpoint.startswith(OWN_FORM):
            continue
        answer = chief.client.open(path, method="PATCH", headers={"Accept": BROWSER, "X-CSRF-Token": chief.token})
        says_which = ("Allow" in answer.headers) == (answer.status_code == 405)
        if answer.status_code not in (404, 405) or not says_which or not right(path, answer):
            wrong.append(f"{endpoint} {path}: {answer.status_code} {answer.mimetype} {answer.text[:80]}")
    assert not wrong, "\n".join(wrong)


def test_too_many_bytes_are_a_page(app: Any, browser: Any) -> None:
    chief = browser("administrator")
    for path in ("/admin/sources", "/admin/edit/north.example/x", "/jobs", "/sync", "/theme"):
        answer = chief.client.post(
            path, headers={"Accept": BROWSER, "X-CSRF-Token": chief.token}, data=b"x",
            environ_overrides={"CONTENT_LENGTH": "999999999999"}, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 413 and is_a_page(answer), (path, answer.text[:200])


@pytest.mark.parametrize(("fault", "status"), [
    (OperationalError("SELECT hush-hush", {}, Exception("database or disk is full")), 503),
    (ZeroDivisionError("hush-hush"), 500)])
def test_a_fault_of_ours_is_a_page(
    app: Any, browser: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any, fault: Exception, status: int,
) -> None:
    def broken(self: Database) -> None:
        raise fault

    found, wrong = list(places(app)), []
    chief = browser("administrator")
    for verb in ("read", "write", "read_settled"):
        monkeypatch.setattr(Database, verb, broken)
    seen = set()
    for endpoint, path in found:
        if endpoint.startswith(OWN_FORM):
            continue
        answer = chief.client.get(path, headers={"Accept": BROWSER})
        assert "hush-hush" not in answer.text, path
        if answer.status_code < 500 or endpoint in ("healthz", "readyz", "metrics"):
            continue
        seen.add(answer.status_code)
        wrong += [] if right(path, answer) else [f"{endpoint} {path}: {answer.status_code} {answer.mimetype} {answer.text[:80]}"]
        assert answer.headers["X-Request-Id"] in caplog.text, path
    assert not wrong, "\n".join(wrong)
    assert seen == {status}


def test_the_log_knows_a_refusal_by_its_number(app: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    answer = app.test_client().get("/records/nowhere.example/x", headers={"Accept": "application/json"})
    told = json.loads(answer.text)
    assert (told["status"], told["request"]) == (404, answer.headers["X-Request-Id"]) and told["error"] and told["next"]
    assert f"request {told['request']}: GET /records/nowhere.example/x was answered 404" in caplog.text


def test_a_flood_and_a_stranger_are_told_what_to_do(app: Any) -> None:
    client = app.test_client()
    answer = client.get("/jobs/nowhere", headers={"Accept": BROWSER, "Authorization": "Basic eDp5"})
    assert answer.status_code == 401 and is_a_page(answer) and "Log in here" in answer.text
    for _ in range(30):
        answer = client.get("/jobs/nowhere", headers={"Accept": BROWSER, "Authorization": "Basic eDp5"})
    assert answer.status_code == 429 and is_a_page(answer) and "Wait, then try again." in answer.text
