"""Capability queries as people page through them: the same services as programs are told, a window at a time."""

from __future__ import annotations

import html
import itertools
import re

import pytest
from flask.testing import FlaskClient

from registry.services import query, windows
from registry.services.query import Asked
from registry.site import Site
from tests.services.conftest import CONE, capability, publish_service
from vosi.capabilities import Capability, Interface

HTML = {"Accept": "text/html"}


@pytest.fixture()
def services(founded: Site) -> Site:
    for number in range(5):
        publish_service(founded, f"s{number}", capability(f"http://10.0.0.{number}/scs"), title=f"Stars {number}")
    publish_service(founded, "closed", Capability(CONE, interfaces=tuple(Interface(
        access_url=f"https://far.example/{number}", url_use="base", role="std",
        security_methods=("ivo://ivoa.net/sso#BasicAA",)) for number in range(4))), description="SPECTRA of Étoiles.")
    return founded


ASKED: list[dict[str, str]] = [
    {}, {"standardid": CONE}, {"q": "stars"}, {"q": "spectra étoiles"}, {"q": "10.0"}, {"security": "BasicAA"},
    {"zone": "external"}, {"standardid": "none"},
    {"status": "unknown"}, {"status": "down"}, {"type": "vs:ParamHTTP"}, {"ivoid": "ivo://north.example/S1"},
    {"datacenter": "any", "q": "conesearch"}, {"datacenter": "south.example"}]


def test_the_windows_of_a_query_are_its_answer_by_name(services: Site) -> None:
    for said, size in itertools.product(ASKED, (1, 3, 100)):
        asked = query.asked(said)
        with services.database.read() as connection:
            whole = query.answer(connection, services.settings, asked)
            pages, after = [], ""
            while not pages or after:
                pages.append(windows.window(connection, services.settings, asked, after, size, clock=lambda: 0.0))
                after = pages[-1].after
        shown = [endpoint for page in pages for endpoint in page.endpoints]
        assert [one.key for one in shown] == sorted(one.key for one in whole) and set(shown) == set(whole), said
        assert not any(page.cut for page in pages) and all(page.endpoints for page in pages[:-1]), said


def test_a_page_ends_when_its_time_is_up_and_the_next_goes_on(services: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_FEW", 2)
    moments = iter(range(1000))
    asked, found, after, pages = Asked(security="BasicAA"), [], "", 0
    with services.database.read() as connection:
        while not pages or after:
            page = windows.window(connection, services.settings, asked, after, 50, clock=lambda: next(moments))
            found, after, pages = [*found, *page.endpoints], page.after, pages + 1
            assert page.cut or not after
    far = [one.access_url for one in found if one.key.endswith("closed")]
    assert pages > 2 and far == [f"https://far.example/{n}" for n in range(4)]


def test_the_page_leads_on_by_its_address(client: FlaskClient, services: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "SIZES", (2, 4))
    address, shown = f"/find?standardid={CONE}&size=", []
    while address:
        page = client.get(address, headers=HTML).text
        shown += re.findall(r"<code>(http[^<]*)</code></td>", page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        address = html.unescape(following[1]) if following else ""
        for suffix in re.findall(r'href="(/find\.json[^"]*)"', page):  # the programs' forms are of the whole answer
            assert len(client.get(html.unescape(suffix)).json["endpoints"]) == 9
    assert len(shown) == len(set(shown)) == 9
    assert "First page" in page and client.get("/find?size=3", headers=HTML).status_code == 400
    assert "No other service" in client.get(f"/find?standardid={CONE}&after=ivo://z", headers=HTML).text
    assert client.get("/find.json?after=ivo://z").status_code == 400
