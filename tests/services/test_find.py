"""Capability queries over the shelf."""

from __future__ import annotations

from registry.records import publish, store
from registry.services.find import find
from registry.site import Site
from tests.services.conftest import CONE, capability, publish_service
from vosi.capabilities import Capability, Interface

SIA = "ivo://ivoa.net/std/SIA#query-2.0"


def urls(site: Site, *asked: str, **more: str) -> list[str]:
    with site.database.read() as connection:
        return [one.access_url for one in find(connection, *asked, **more)]


def test_only_own_active_services_that_speak_it(founded: Site):
    publish_service(founded, "a", capability("http://a/scs"), capability("http://a/sia", standard_id=SIA))
    publish_service(founded, "b", capability("http://b/scs"), status="inactive")
    publish_service(founded, "c", capability("http://c/scs"))
    publish.retire(founded, "ivo://north.example/c", who="test", why="gone")
    assert urls(founded, CONE) == ["http://a/scs"]
    assert urls(founded, CONE.lower()) == urls(founded, CONE.upper()) == ["http://a/scs"]
    assert urls(founded, "ivo://ivoa.net/std/SIA") == ["http://a/sia"]
    assert urls(founded, "ivo://ivoa.net/std/SIA#query-2.1") == []
    assert urls(founded, "ivo://ivoa.net/std/ConeS") == []


def test_records_of_others_are_not_ours(founded: Site):
    publish_service(founded, "a", capability("http://a/scs"))
    with founded.database.read() as connection:
        xml = store.get(connection, "ivo://north.example/a").xml.replace(b"north.example/a<", b"south.example/a<")
    with founded.database.write() as connection:
        assert store.put(connection, founded.schemas, xml, origin=store.FOREIGN_FILE, who="test").outcome == store.NEW
    assert urls(founded, CONE) == ["http://a/scs"]


def test_a_changed_record_is_found_as_it_is_now(founded: Site):
    publish_service(founded, "a", capability("http://a/scs"))
    assert urls(founded, CONE) == ["http://a/scs"]
    publish_service(founded, "a", capability("http://moved/scs"))
    assert urls(founded, CONE) == ["http://moved/scs"]


def test_every_interface_and_what_it_says(founded: Site):
    secured = Interface(access_url="http://a/s", url_use="base", role="std", version="1.1",
                        security_methods=("ivo://ivoa.net/sso#OAuth",))
    publish_service(founded, "a", Capability(CONE, interfaces=(
        secured, Interface(type="vr:WebBrowser", access_url="http://a/form", url_use="full"),
        Interface(access_url="http://a/open", url_use="base", role="std"))))
    with founded.database.read() as connection:
        found = find(connection, CONE)
        assert [one.access_url for one in find(connection, CONE, interface_type="VR:webbrowser")] == ["http://a/form"]
    assert [one.access_url for one in found] == ["http://a/open", "http://a/form", "http://a/s"]
    last = found[-1]
    assert (last.anonymous, last.version, last.url_use, last.role, last.title) == (False, "1.1", "base", "std", "Stars")
    assert found[0].anonymous


def test_one_service_by_name_in_any_case(founded: Site):
    publish_service(founded, "a/b", capability("http://a/scs"))
    publish_service(founded, "c", capability("http://c/scs"))
    assert urls(founded, CONE, ivoid="IVO://North.Example/A/B") == ["http://a/scs"]
    assert urls(founded, CONE, ivoid="what?") == []


def test_everything_by_service(founded: Site):
    publish_service(founded, "a", capability("http://a/scs"), capability("http://a/sia", standard_id=SIA))
    with founded.database.read() as connection:
        names = [one.ivoid.rpartition("/")[2] for one in find(connection)]
    assert names == sorted(names) and set(names) == {"a", "registry", "runner"}
    assert urls(founded)[:2] == ["http://a/scs", "http://a/sia"]
