"""The demo's star catalogues as their clients meet them."""

from __future__ import annotations

import io
import threading
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Iterator

import pytest
import pyvo
from lxml import etree
from pyvo.dal import SCSService

from applications.demo.catalogue import Catalogue
from applications.demo.stars import Stars
from tests.vosi.judges import official_faults
from vosi import capabilities

WHOLE = 117_955
TOKEN = "a token"


def serve(catalogue: Catalogue) -> Iterator[Catalogue]:
    thread = threading.Thread(target=catalogue.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield catalogue
    catalogue.shutdown()
    thread.join()
    catalogue.server_close()


@pytest.fixture(scope="session")
def north() -> Iterator[Catalogue]:
    yield from serve(Catalogue(Stars("north", dec_from=0), "north", "/vo/cone"))


@pytest.fixture(scope="session")
def south() -> Iterator[Catalogue]:
    yield from serve(Catalogue(Stars("south", dec_to=0), "south", "services/scs", token=TOKEN))


def get(catalogue: Catalogue, name: str, token: str = "") -> bytes:
    request = urllib.request.Request(f"{catalogue.description.base}/{name}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
        return content


def rows(votable: bytes) -> list[list[str]]:
    root = etree.parse(io.BytesIO(votable)).getroot()
    return [[cell.text or "" for cell in row] for row in root.iter("{*}TR")]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["capabilities", "availability", "tables"])
def test_the_documents_are_valid_in_the_official_schemas(north: Catalogue, south: Catalogue, name: str) -> None:
    for document in (get(north, name), get(south, name, TOKEN)):
        assert official_faults(document) == []


def test_two_halves_are_the_whole(north: Catalogue, south: Catalogue) -> None:
    assert len(north.stars) + len(south.stars) == WHOLE
    assert get(north, "search?RA=0&DEC=90&SR=180").count(b"<TR>") == len(north.stars)
    assert get(south, "query?catalogue=hip2&SR=180&DEC=90&RA=0", TOKEN).count(b"<TR>") == len(south.stars)


def test_the_wiring_differs(north: Catalogue, south: Catalogue) -> None:
    read = [capabilities.read(get(north, "capabilities")), capabilities.read(get(south, "capabilities", TOKEN))]
    cones = [one.capabilities[0] for one in read]

    assert [one.type for one in cones] == ["cs:ConeSearch", "cs:ConeSearch"]
    urls = [urllib.parse.urlsplit(one.interfaces[0].access_url) for one in cones]
    assert (urls[0].path, urls[1].path, urls[1].query) == ("/vo/cone/search", "/services/scs/query", "catalogue=hip2&")
    orders = [[param.name for param in one.interfaces[0].params] for one in cones]
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]
    assert cones[1].interfaces[0].security_methods == ("ivo://ivoa.net/sso#OAuth",)
    assert {one.name for one in north.stars.columns}.isdisjoint({one.name for one in south.stars.columns})


def test_a_token_is_asked_for(south: Catalogue) -> None:
    for token in ("", "another"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(south, "capabilities", token)
        assert (caught.value.code, caught.value.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert b"available>true" in get(south, "availability")


def test_pyvo_finds_a_star(north: Catalogue) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = SCSService(f"{north.description.base}/search?").search(pos=(279.234, 38.783), radius=0.05)

    assert [row["hip"] for row in found] == ["HIP 91262"]  # Vega
    assert found[0].pos.dec.deg == pytest.approx(38.78299, abs=1e-4)
    assert isinstance(found, pyvo.dal.SCSResults)


@pytest.mark.parametrize(("ra", "dec", "radius", "number"), [
    (0.0, 89.9, 1.0, 4), (359.99, 10.0, 2.0, 40), (0.01, 10.0, 2.0, 40), (180.0, 45.0, 60.0, 26000),
])
def test_a_cone_holds_what_is_in_it(north: Catalogue, ra: float, dec: float, radius: float, number: int) -> None:
    """Held to a plain scan of the whole half by the dot product of unit vectors."""
    from math import cos, radians, sin

    def vector(ra: float, dec: float) -> tuple[float, float, float]:
        return cos(radians(dec)) * cos(radians(ra)), cos(radians(dec)) * sin(radians(ra)), sin(radians(dec))

    axis = vector(ra, dec)
    everything = rows(get(north, "search?RA=0&DEC=90&SR=180&VERB=1"))
    inside = {
        name for name, alpha, delta in everything
        if sum(a * b for a, b in zip(axis, vector(float(alpha), float(delta)), strict=True)) >= cos(radians(radius))}
    found = rows(get(north, f"search?RA={ra}&DEC={dec}&SR={radius}&VERB=1"))

    assert {row[0] for row in found} == inside
    assert number / 3 < len(found) < number * 3


def test_columns_alone_fewer_rows_and_heads(north: Catalogue) -> None:
    assert rows(get(north, "search?RA=0&DEC=90&SR=0")) == []
    few = get(north, "search?ra=0&Dec=90&sr=180&maxrec=3")
    assert len(rows(few)) == 3 and b'value="OVERFLOW"' in few
    request = urllib.request.Request(f"{north.description.base}/search?RA=0&DEC=90&SR=180", method="HEAD")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert int(answer.headers["Content-Length"]) > 5_000_000 and answer.read() == b""


@pytest.mark.parametrize(("query", "words"), [
    ("", "RA is missing"), ("RA=1&DEC=1", "SR is missing"), ("RA=1&DEC=91&SR=1", "DEC must be a number from -90 to 90"),
    ("RA=x&DEC=1&SR=1", "RA must be"), ("RA=nan&DEC=1&SR=1", "RA must be"), ("RA=1&RA=2&DEC=1&SR=1", "more than once"),
    ("RA=1&DEC=1&SR=1&VERB=9", "VERB must be"), ("RA=%3Cb%3E&DEC=1&SR=1", "&lt;b&gt;"),
    ("&".join(["a=1"] * 99), "fields"),
])
def test_a_wrong_query_is_answered_by_a_votable(north: Catalogue, query: str, words: str) -> None:
    answer = get(north, f"search?{query}")

    root = etree.fromstring(answer)
    assert [one.get("value") for one in root.iter("{*}INFO")][0] == "ERROR"
    assert words in answer.decode()
