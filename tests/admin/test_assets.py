"""Style sheets and scripts: links that change with the file, answers that browsers keep, compressed where that is asked for."""

from __future__ import annotations

import gzip
import html
import re
from pathlib import Path

import pytest
from flask import Flask

from registry import create_app
from registry.admin import assets
from registry.site import Site

STATIC = Path(assets.__file__).parents[1] / "static"


@pytest.fixture()
def app(site: Site) -> Flask:
    return create_app(site)


def test_what_a_page_loads_is_kept_and_short(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/").text
    loaded = {html.unescape(link) for link in re.findall(r'(?:href|src)="([^"]*static/[^"]*)"', page)}
    assert len(loaded) >= 4 and any("bootstrap" in link for link in loaded)
    whole = sent = 0
    for link in loaded:
        plain = client.get(link)
        short = client.get(link, headers={"Accept-Encoding": "br, gzip"})
        assert plain.headers["Cache-Control"] == short.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Content-Encoding" not in plain.headers and short.headers["Vary"] == "Accept-Encoding"
        assert (gzip.decompress(short.data) if "Content-Encoding" in short.headers else short.data) == plain.data
        assert int(short.headers["Content-Length"]) == len(short.data)
        again = client.get(link, headers={"Accept-Encoding": "gzip", "If-None-Match": short.headers["ETag"]})
        assert again.status_code == 304 and not again.data
        whole, sent = whole + len(plain.data), sent + len(short.data)
    assert sent < whole / 5
    assert "Content-Encoding" not in client.get("/", headers={"Accept-Encoding": "gzip"}).headers


def test_a_link_names_what_is_in_the_file(app: Flask, tmp_path: Path) -> None:
    app.static_folder = str(tmp_path)
    with app.test_request_context():
        links = []
        for text in ("one", "two", "one"):
            (tmp_path / "a.css").write_text(text)
            assets._digest.cache_clear()
            links.append(app.url_for("static", filename="a.css"))
        assert links[0] == links[2] != links[1]
        assert "v=" not in app.url_for("static", filename="../secret") and "v=" not in app.url_for("static", filename="no.css")


def test_without_a_name_it_is_kept_for_an_hour(app: Flask) -> None:
    client = app.test_client()
    assert "max-age=3600" in client.get("/static/site.css").headers["Cache-Control"]
    assert client.get("/static/none.css?v=1").status_code == 404
    part = client.get("/static/site.css", headers={"Range": "bytes=0-9", "Accept-Encoding": "gzip"})
    assert part.status_code == 206 and part.data == (STATIC / "site.css").read_bytes()[:10]
