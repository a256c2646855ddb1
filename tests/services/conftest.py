"""A founded datacenter, its web application, and services that answer in every way a service can."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from registry.records import founding, publish
from registry.services import own as own_documents, views
from registry.site import Site
from vosi import namespaces as ns
from vosi.capabilities import Capability, Interface, write
from vosi.resource import Draft, compose

CONE = ns.STD_CONE


@pytest.fixture()
def founded(site: Site) -> Site:
    """The site with its four founding records, and nothing remembered of other tests' services."""
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    own_documents._looks.forget()
    return site


@pytest.fixture()
def client(founded: Site) -> FlaskClient:
    app = Flask("registry")
    app.extensions["site"] = founded
    views.register(app)
    return app.test_client()


def capability(url: str, *, standard_id: str = CONE, use: str = "base", **more: Any) -> Capability:
    more = {"role": "std", **more}
    return Capability(standard_id=standard_id, interfaces=(Interface(access_url=url, url_use=use, **more),))


def document(*capabilities: Capability) -> bytes:
    return write(capabilities)


def publish_service(site: Site, key: str, *capabilities: Capability, title: str = "Stars", **more: Any) -> str:
    ivoid = f"ivo://north.example/{key}"
    publish.publish(site, compose(Draft(**{
        "type": "vs:CatalogService", "ivoid": ivoid, "title": title, "created": "2026-01-01T00:00:00Z",
        "updated": "2026-01-01T00:00:00Z", "description": "Positions of stars.",
        "reference_url": "http://north.example/stars", "publisher": "North", "contact_name": "Operators",
        "contact_email": "ops@north.example", "subjects": ("stars",), "capabilities": capabilities, **more,
    })), who="test")
    return ivoid
