"""Records for tests, written out: small, valid in VOResource 1.2, and put on a shelf as whichever origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from registry import clock
from registry.records import authorities, store
from registry.site import Site

_ROOT = (
    '<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0" '
    'xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:vg="http://www.ivoa.net/xml/VORegistry/v1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{type}" status="{status}" '
    'created="2020-01-01T00:00:00Z" updated="{updated}">'
)
_BODY = (
    "<title>{title}</title><shortName>short</shortName><identifier>{ivoid}</identifier>"
    "<curation><publisher>Publisher of {title}</publisher><creator><name>Ann A.</name></creator>"
    "<contact><name>Desk</name></contact></curation>"
    "<content><subject>stars</subject><subject>catalogs</subject><description>What {title} is &amp; does.</description>"
    "<referenceURL>http://{authority}/about</referenceURL></content>"
)
_REGISTRY = (
    '<capability standardID="ivo://ivoa.net/std/Registry" xsi:type="vg:Harvest">'
    '<interface xsi:type="vg:OAIHTTP" role="std"><accessURL use="base">{url}oai</accessURL></interface>'
    "<maxRecords>100</maxRecords></capability><full>false</full>"
)


def record(
    ivoid: str, title: str = "One", *, type_: str = "vr:Organisation", status: str = "active",
    updated: str = "2020-01-01T00:00:00Z", more: str = "",
) -> bytes:
    """One record's XML; `more` follows its content."""
    authority = ivoid.removeprefix("ivo://").split("/")[0]
    start = _ROOT.format(type=type_, status=status, updated=updated)
    return f"{start}{_BODY.format(title=title, ivoid=ivoid, authority=authority)}{more}</ri:Resource>".encode()


def registry_record(authority: str, url: str, managed: Iterable[str] = ()) -> bytes:
    """The vg:Registry record ivo://<authority>/registry of a registry at `url`."""
    claims = "".join(f"<managedAuthority>{name}</managedAuthority>" for name in managed or [authority])
    return record(f"ivo://{authority}/registry", f"Registry of {authority}", type_="vg:Registry",
                  more=_REGISTRY.format(url=url) + claims)


def put(site: Site, *xmls: bytes, origin: str = store.OWN, **more: Any) -> list[store.Put]:
    """Put each record on the shelf, in one transaction; all of them must be taken."""
    with site.database.write() as connection:
        puts = [store.put(connection, site.schemas, xml, origin=origin, who="test", **more) for xml in xmls]
    assert [put.reason for put in puts] == [""] * len(puts)
    return puts


def found(site: Site, url: str = "") -> None:
    """Make `site` a registry: its authority claimed, its registry record published."""
    authority = site.settings.authority
    with site.database.write() as connection:
        authorities.claim(connection, authority, authorities.our_registry(authority), own=True)
    put(site, registry_record(authority, url or site.settings.base_url))


def delete(site: Site, ivoid: str) -> None:
    """Leave a tombstone of the record."""
    with site.database.write() as connection:
        store.delete(connection, ivoid, who="test", why="gone")


def get(site: Site, ivoid: str) -> store.Record | None:
    """The record of that name as it is on the shelf."""
    with site.database.read() as connection:
        return store.get(connection, ivoid)


@contextmanager
def at(stamp: str = "2024-05-06T07:08:09Z") -> Iterator[None]:
    """Let it be `stamp` meanwhile: what is stamped long ago, no list has to wait for."""
    with mock.patch.object(clock, "now", lambda: clock.parse(stamp)):
        yield
