"""Images become records, records become offers; what may not run here is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from registry.applications import catalogue
from registry.applications.catalogue import NoApplication, RecordContradicted
from registry.applications.contract import ContractError
from registry.applications.publication import Wording
from registry.errors import Denied
from registry.records import store
from registry.site import Site
from registry.tables import images
from tests.applications.conftest import CONTRACT, Opener, Pusher
from vosi import capabilities, namespaces as ns, xmlio
from vosi.schemas import RECOMMENDED


def offers(site: Site) -> list[catalogue.Offer]:
    with site.database.read() as connection:
        return catalogue.offers(connection)


def pick(site: Site, app: str) -> catalogue.Offer:
    with site.database.read() as connection:
        return catalogue.pick(connection, app)


def harvested(site: Site, xml: bytes) -> None:
    """Put a record on the shelf as a harvest does."""
    with site.database.write() as connection:
        put = store.put(connection, site.schemas, xml, origin=store.HARVESTED, who="harvest")
        assert put.record is not None, put.reason


def test_an_image_becomes_a_record_and_an_offer(north: Site, pusher: Pusher) -> None:
    pushed = pusher.application(
        "one/stars", "1.2", title="Stars", description="Counts <stars>.", version="1.2", licenses="MIT")

    record = catalogue.register(north, f"{pusher.address}/one/stars:1.2", who="ann")

    assert (record.ivoid, record.title, record.origin) == ("ivo://north.example/app/stars", "Stars", "own")
    assert offers(north) == [catalogue.Offer(
        "ivo://north.example/app/stars", "Stars", "1.2", f"{pusher.address}/one/stars@{pushed}", "own", "north.example")
    ]


def test_the_record_is_valid_and_says_what_the_contract_says(north: Site, pusher: Pusher) -> None:
    pushed = pusher.application("two", "3", documentation="https://north.example/two", authors="Ann")
    element = xmlio.parse(catalogue.register(north, f"{pusher.address}/two:3", who="ann").xml)

    assert north.schemas.validate(element, RECOMMENDED) == []
    [capability] = capabilities.of_record(element)
    [interface] = capability.interfaces
    assert (capability.standard_id, capability.type, interface.type) == (ns.STD_APPLICATION, "", "vs:ParamHTTP")
    assert interface.access_url == f"http://{pusher.address}/v2/two/manifests/{pushed}#3"
    assert [(one.name, one.datatype, one.use, one.unit) for one in interface.params] == [
        ("max_magnitude", "real", "optional", "mag"), ("band", "string", "required", ""),
        ("star", "integer", "optional", ""), ("exact", "boolean", "optional", "")]
    assert element.findtext("altIdentifier") == f"docker://{pusher.address}/two@{pushed}"
    assert element.findtext("content/referenceURL") == "https://north.example/two"
    related = element.findall("content/relationship/relatedResource")
    assert [one.get("ivo-id") or one.get("altIdentifier") for one in related] == CONTRACT["requires"]


def test_registering_the_same_again_changes_nothing(north: Site, pusher: Pusher) -> None:
    pusher.application("again", "1")
    first = catalogue.register(north, f"{pusher.address}/again:1", who="ann")

    assert catalogue.register(north, f"{pusher.address}/again:1", who="bob") == first


def test_a_new_version_goes_before_the_older_ones_which_stay(north: Site, pusher: Pusher) -> None:
    old = pusher.application("versions", "1.0")
    new = pusher.application("versions", "2.0", {**CONTRACT, "parameters": []})
    catalogue.register(north, f"{pusher.address}/versions:1.0", who="ann")
    made = catalogue.register(north, f"{pusher.address}/versions:2.0", who="ann")

    assert [one.version for one in offers(north)] == ["2.0", "1.0"]
    assert pick(north, "ivo://NORTH.example/app/Versions").image.endswith(new)
    assert pick(north, "ivo://north.example/app/versions#1.0").image.endswith(old)
    assert pick(north, "versions").version == "2.0"
    assert catalogue.contract_of(north, pick(north, "versions")).parameters == ()
    assert len(catalogue.contract_of(north, pick(north, "versions#1.0")).parameters) == 4
    again = catalogue.register(north, f"{pusher.address}/versions:1.0", who="ann")
    assert again == made, "an old one never goes first again"


def test_a_tag_that_moves_takes_the_version_over_and_the_older_image_stays_runnable(north: Site, pusher: Pusher) -> None:
    first = pusher.application("moving", "1")
    catalogue.register(north, f"{pusher.address}/moving:1", who="ann")
    moved = pusher.application("moving", "1", {**CONTRACT, "parameters": []})
    catalogue.register(north, f"{pusher.address}/moving:1", who="ann")

    older = f"1-{first.partition(':')[2][:12]}"
    assert [(one.version, one.image) for one in offers(north)] == [
        ("1", f"{pusher.address}/moving@{moved}"), (older, f"{pusher.address}/moving@{first}")]
    assert pick(north, "moving#1").image.endswith(moved)
    assert pick(north, f"moving#{older}") == pick(north, f"moving#{first}") == pick(north, f"moving#{first[:20]}")
    assert len(catalogue.contract_of(north, pick(north, f"moving#{first}")).parameters) == 4


@pytest.mark.parametrize(("old", "new", "words"), [
    (b"<name>band</name>", b"<name>bond</name>", "differ in the parameter band"),
    (b">integer</dataType>", b">real</dataType>", "differ in the type of the parameter star"),
    (b"<altIdentifier>docker://", b"<altIdentifier>docker://127.0.0.1:9/", "contradicts itself"),
])
def test_a_record_that_says_other_than_its_image_is_not_run(
    north: Site, opened: Opener, pusher: Pusher, old: bytes, new: bytes, words: str,
) -> None:
    pusher.application("twofaced", "1")
    xml = catalogue.register(north, f"{pusher.address}/twofaced:1", who="ann").xml
    assert old in xml
    south = opened("south", repository=pusher.address, accepted_publishers=["north.example"])
    harvested(south, xml.replace(old, new))

    with pytest.raises(RecordContradicted, match=f"{words}.*publisher, north.example, has to publish it anew"):
        catalogue.contract_of(south, offers(south)[0])


def test_a_person_may_word_it_and_name_it(north: Site, pusher: Pusher) -> None:
    pusher.application("plain", "1")

    wording = Wording(title="Fancy", description="It is.")
    record = catalogue.register(north, f"{pusher.address}/plain:1", who="ann", name="fancy", wording=wording)

    assert (record.ivoid, record.title) == ("ivo://north.example/app/fancy", "Fancy")


def test_a_contract_is_read_once_per_digest(north: Site, pusher: Pusher, opened: Opener) -> None:
    pusher.application("cached", "1")
    catalogue.register(north, f"{pusher.address}/cached:1", who="ann")
    with north.database.read() as connection:
        assert len(connection.execute(select(images.c.reference)).all()) == 1
        offer = catalogue.pick(connection, "cached")

    class NoWayOut:
        def get(self, *_: object, **__: object) -> None:
            raise AssertionError("asked the repository again")

    blind = Site(north.settings, north.database, north.schemas, north.bells, north.secret, NoWayOut())  # type: ignore[arg-type]
    assert catalogue.contract_of(blind, offer).network == "dc"


@pytest.mark.parametrize(("app", "words"), [
    ("ivo://north.example/app/hr-diagramm", r"did you mean ivo://north.example/app/hr-diagram\?"),
    ("ivo://south.example/app/hr-diagram", r"did you mean ivo://north.example/app/hr-diagram\?"),
    ("ivo://north.example/app/hr-diagram#9", "has no version 9; it has 1.0"),
    ("nonsense", "no application nonsense here: /applications"),
    ("", r"no application \(none named\)"),
    ("ivo://", "no application ivo://"),
])
def test_an_unknown_application_is_told_with_near_ones(north: Site, pusher: Pusher, app: str, words: str) -> None:
    pusher.application("hr-diagram", "1.0")
    catalogue.register(north, f"{pusher.address}/hr-diagram:1.0", who="ann")

    with pytest.raises(NoApplication, match=words):
        pick(north, app)


@pytest.mark.parametrize(("labels", "words"), [
    (None, "no label innerspace.application"),
    ({}, "no label innerspace.application"),
    ({"innerspace.application": "{"}, "cannot be used: .*not JSON"),
    ({"innerspace.application": '{"contract": "1.0", "parameters": [{"name": "WAIT"}]}'}, "Parameter WAIT"),
    ({"innerspace.application": '{"contract": "1.0"}', "org.opencontainers.image.version": "1 beta"}, "'1 beta'"),
])
def test_an_image_that_is_no_application_is_not_registered(
    north: Site, pusher: Pusher, labels: dict[str, str] | None, words: str,
) -> None:
    pusher.push("bad", "1", labels)

    with pytest.raises(ContractError, match=words):
        catalogue.register(north, f"{pusher.address}/bad:1", who="ann")
    assert offers(north) == []


def test_an_image_of_a_strange_repository_is_not_registered(opened: Opener, pusher: Pusher) -> None:
    site = opened("strict", repository="127.0.0.1:1")
    pusher.application("good", "1")

    with pytest.raises(Denied, match=f"{pusher.address}, from which.*allowed_repositories"):
        catalogue.register(site, f"{pusher.address}/good:1", who="ann")


def test_a_harvested_application_runs_only_from_an_accepted_publisher(
    north: Site, opened: Opener, pusher: Pusher,
) -> None:
    pusher.application("shared", "1")
    xml = catalogue.register(north, f"{pusher.address}/shared:1", who="ann").xml
    wary = opened("wary", repository=pusher.address)
    open_handed = opened("open", repository=pusher.address, accepted_publishers=["Open.example", "NORTH.example"])
    elsewhere = opened("elsewhere", repository="127.0.0.1:1", accepted_publishers=["north.example"])
    for site in (wary, open_handed, elsewhere):
        harvested(site, xml)

    assert [one.record_origin for one in offers(wary)] == ["harvested"]
    with pytest.raises(Denied, match="published by north.example, .*accepted_publishers"):
        catalogue.contract_of(wary, offers(wary)[0])
    with pytest.raises(Denied, match="allowed_repositories"):
        catalogue.contract_of(elsewhere, offers(elsewhere)[0])
    assert catalogue.warm(wary) == catalogue.warm(elsewhere) == 0
    assert catalogue.warm(open_handed) == 1
    assert catalogue.warm(open_handed) == 0
    assert catalogue.contract_of(open_handed, offers(open_handed)[0]).requires == tuple(CONTRACT["requires"])


@pytest.mark.parametrize("url", [
    "http://x.example/image", "ftp://x.example/v2/a/manifests/sha256:" + "0" * 64, "http://[x/v2/a/manifests/1",
    "http://u:p@x.example/v2/a/manifests/sha256:" + "0" * 64, "http://x.example/v2/a/manifests/latest",
])
def test_a_foreign_record_with_a_wrong_address_offers_nothing(north: Site, pusher: Pusher, url: str) -> None:
    pusher.application("odd", "1")
    xml = catalogue.register(north, f"{pusher.address}/odd:1", who="ann").xml
    address = capabilities.of_record(xmlio.parse(xml))[0].interfaces[0].access_url.encode()
    harvested(north, xml.replace(address, url.encode()).replace(b"ivo://north.example/app/odd", b"ivo://far.example/app/odd"))

    assert [one.publisher_authority for one in offers(north)] == ["north.example"]


def test_a_deleted_application_is_not_offered(north: Site, pusher: Pusher) -> None:
    pusher.application("gone", "1")
    record: Any = catalogue.register(north, f"{pusher.address}/gone:1", who="ann")
    with north.database.write() as connection:
        store.delete(connection, record.ivoid, who="ann", why="")

    assert offers(north) == []
    catalogue.register(north, f"{pusher.address}/gone:1", who="ann")
    assert len(offers(north)) == 1
