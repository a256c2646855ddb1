"""Each page shows the same as a command and as curl; both are tried: the command line takes the one, the URL map the other."""

from __future__ import annotations

import re
import shlex
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from werkzeug.exceptions import HTTPException

from registry.cli.main import registry
from tests.journeys import test_axe

WITHOUT = {  # pages that show neither, and why
    "": "it leads to the other pages, and says nothing that they do not",
    "admin/login": "a program has a token, and logs in nowhere",
}


MORE = (
    "services/north.example/registry", "find?standardid=ivo://ivoa.net/std/VOSI&status=up&q=north", "tap?QUERY=SELECT+1",
    "records?q=north", "admin/records?sort=-title&status=active&q=x", "admin/sources?paused=no&sort=-interval",
    "admin/quarantine?source=south&state=any", "admin/runs?state=failed", "admin/jobs?phase=ERROR&sort=-owner",
    "admin/tokens?account=ada&state=good", "admin/audit?who=ada&since=2020", "admin/accounts?role=reader",
    "admin/applications?runs=yes", "admin/applications/images?state=any&host=h", "admin/problems?q=x",
)


@pytest.fixture()
def filled(founded: Any) -> Any:
    """Something on every page."""
    test_axe._fill(founded)
    return founded


def lines_of(page: str) -> tuple[list[str], list[str]]:
    """The commands and the curl lines that a page shows."""
    shown = [unescape(re.sub(r"<[^>]+>", "", one)) for one in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.S)]
    lines = [line for one in shown for line in re.split(r"\n(?=(?:curl|registry) )", one.replace("\\\n", " "))]
    return ([line for line in lines if line.startswith("registry ")], [line for line in lines if line.startswith("curl ")])


def test_every_page_shows_both(filled: Any, app: Any, browser: Any) -> None:
    chief, without, wrong, pages = browser("administrator"), [], [], 0
    adapter = app.url_map.bind("127.0.0.1")
    for path in [*test_axe.addresses(app), *MORE]:
        answer = chief.get(f"/{path}")
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        pages += 1
        commands, curls = lines_of(answer.text)
        if not (commands and curls) and path not in WITHOUT:
            without.append(path)
        wrong += [f"{path}: {line}: {why}" for line in commands if (why := misread(line))]
        wrong += [f"{path}: {line}: {why}" for line in curls if (why := nowhere(line, adapter))]
    assert not without, f"{len(without)} of {pages}:\n" + "\n".join(without)
    assert not wrong, "\n".join(wrong)
    assert pages > 45


def misread(line: str) -> str:
    """Why the command line would not take it; '' where it does. Nothing is done."""
    words = shlex.split(line)[1:]
    command: Any = registry
    context = click.Context(registry, info_name="registry")
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0]) if words else None
        if found is None:
            return f"there is no command {words[:1]}"
        command, words = found, words[1:]
    try:
        command.make_context(command.name, list(words), parent=context, resilient_parsing=False)
    except click.exceptions.Exit:
        return ""
    except click.ClickException as error:
        return error.format_message()
    return ""


def nowhere(line: str, adapter: Any) -> str:
    """Why nothing takes that request; '' where something does."""
    words = shlex.split(line)
    url = next((word for word in words if word.startswith("http://127.0.0.1:8101/")), "")
    if not url:
        return "no address of ours"
    posted = any(word in ("-d", "-F", "--data-urlencode", "--form-string", "--data-binary", "--data") for word in words)
    verb = words[words.index("-X") + 1] if "-X" in words else "GET" if "-G" in words or not posted else "POST"
    try:
        adapter.match(urlsplit(url).path, method=verb)
    except HTTPException as error:
        return f"{verb}: {error.code}" if error.code not in (308, 301) else ""
    return ""


def test_the_way_of_looking_finds_what_is_wrong(app: Any) -> None:
    adapter = app.url_map.bind("127.0.0.1")
    assert misread("registry nonesuch") and misread("registry records list --colour red")
    assert not misread("registry records list x")
    assert nowhere("curl http://127.0.0.1:8101/api/nonesuch", adapter)
    assert nowhere("curl -X POST http://127.0.0.1:8101/api/audit", adapter)
    assert not nowhere("curl http://127.0.0.1:8101/api/audit?q=x", adapter)
