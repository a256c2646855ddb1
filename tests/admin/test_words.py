"""What holds of the words of every page: each time is marked as one and in UTC, and an empty place names its one next step."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from tests.journeys import test_axe

STAMP = re.compile(r"\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?")
# what is shown as it is: code and XML, what is to be copied, what somebody types
RAW = {"time", "cite", "pre", "code", "textarea", "option", "script", "style", "svg", "title"}


class Times(HTMLParser):
    """Collects stamps that stand outside an element for times, and times that are not in UTC."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.bare: list[str] = []
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in RAW:
            self.inside.append(tag)
        stamp = dict(attrs).get("datetime") or ""
        if tag == "time" and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?", stamp):
            self.odd.append(stamp)

    def handle_endtag(self, tag: str) -> None:
        if tag in RAW and tag in self.inside:
            self.inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.bare += STAMP.findall(data)


def test_every_time_on_every_page_is_marked_as_one(founded: Any, app: Any, browser: Any) -> None:
    test_axe._fill(founded)
    chief, wrong, times = browser("administrator"), [], 0
    for path in [*test_axe.addresses(app), "services/north.example/runner", "admin/quarantine?state=any", "admin/runs"]:
        answer = chief.get(f"/{path}")
        if answer.mimetype == "text/html":
            found = Times()
            found.feed(answer.text)
            times += answer.text.count("<time ")
            wrong += [f"{path}: {stamp}" for stamp in found.bare] + [f"{path}: datetime={stamp!r}" for stamp in found.odd]
    assert not wrong, "\n".join(wrong)
    assert times > 40


def test_an_empty_place_names_one_next_step(founded: Any, app: Any, browser: Any) -> None:
    chief, without, empty = browser("administrator"), [], 0
    for path in test_axe.addresses(app):
        answer = chief.get(f"/{path}")
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        for words in re.findall(r'<div class="empty">(.*?)</div>', answer.text, re.S):
            empty += 1
            if words.count("<a ") != 1 and not re.search(r"<form|below", words):
                without.append(f"{path}: {words[:120]}")
        page = answer.text
        for body in re.findall(r"<tbody>(.*?)</tbody>", page, re.S):
            if not body.strip():
                without.append(f"{path}: a table without rows")
    assert not without, "\n".join(without)
    assert empty > 8
