"""The demo's southern catalogue, registered by its VOSI address, asked by an application through the gateway."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from applications.demo.catalogue import Catalogue
from applications.demo.stars import Stars
from registry.records import founding
from registry.services import importing, inner
from registry.site import Site
from tests.gateway.conftest import CONE, Gateway
from vosi import datacenter

TOKEN = "the-catalogue-asks-for-this"


@pytest.fixture(scope="module")
def catalogue() -> Iterator[Catalogue]:
    server = Catalogue(Stars("south", dec_to=0.0), "south", "/deep/er/vo", token=TOKEN)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_from_vosi_address_to_stars(site: Site, gateway: Gateway, catalogue: Catalogue, tmp_path: Path, monkeypatch):
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    base = catalogue.description.base
    record = importing.register(site, f"{base}/capabilities", key="hipparcos", who="test", bearer=TOKEN)
    assert record.profile == "recommended" and b"cs:ConeSearch" in record.xml and b"<maxSR>" in record.xml

    capabilities, apis = inner.documents(gateway.routes(CONE))
    assert base.encode() not in capabilities + apis and TOKEN.encode() not in capabilities + apis
    (tmp_path / "apis.json").write_bytes(apis)
    (tmp_path / "token").write_text(gateway.token)
    monkeypatch.setenv("DATACENTER_DIR", str(tmp_path))
    monkeypatch.setenv("JOB_DIR", str(tmp_path))

    cone = datacenter.endpoint(CONE)
    assert [one["name"] for one in cone.parameters] == ["MAXREC", "SR", "VERB", "DEC", "RA"]
    votable = etree.fromstring(cone.get({"RA": 186.65, "DEC": -63.1, "SR": 1.0}))  # around Acrux
    rows = votable.findall(".//{*}TR")
    assert rows and json.dumps(cone.address()).count("catalogue=hip2") == 1
