"""What we say ourselves is valid or is not stored, and of an authority of ours."""

from __future__ import annotations

from typing import Any

import pytest

from registry.errors import Conflict
from registry.records import authorities, founding, listing, publish, store
from registry.records.publish import PublishRefused
from tests.records.conftest import record
from vosi import resource


def test_a_valid_record_of_ours_is_published(north: Any) -> None:
    made = publish.publish(north, record("ivo://north.example/a"), who="ann", why="first")
    assert (made.origin, made.managed, made.profile, made.version) == ("own", True, "recommended", 1)
    assert made.datestamp
    with north.database.read() as connection:
        [version] = store.versions(connection, "ivo://north.example/a")
    assert (version.who, version.why) == ("ann", "first")


def test_an_equal_one_moves_nothing(north: Any) -> None:
    made = publish.publish(north, record("ivo://north.example/a"), who="ann")
    again = publish.publish(north, record("ivo://north.example/a").replace(b"\n ", b"\n\t\t"), who="bob")
    assert again == made


def test_a_changed_one_is_the_next_version(north: Any) -> None:
    publish.publish(north, record("ivo://north.example/a"), who="ann")
    made = publish.publish(north, record("ivo://north.example/a", title="Other"), who="bob")
    assert (made.version, made.title) == (2, "Other")


@pytest.mark.parametrize(("xml", "words"), [
    (b"no XML", "not well-formed"),
    (record("ivo://south.example/a"), "not of an authority of ours"),
    (record("ivo://north.example/a%20b"), "not legal"),
    (record("ivo://north.example/a?b"), r"\? or #"),
    (record("ivo://north.example/a", status="gone"), "not valid"),
    (record("ivo://north.example/a", extra=' xmlns:x="http://x.example/"', kind="x:Odd"), "http://x.example/"),
    (record("ivo://north.example/a") * 2, "not well-formed"),
    (record("ivo://north.example/registry"), "active vg:Registry"),
    (record("ivo://north.example/a").replace(b'updated="2024', b'updated="2999'), "updated 2999-.* is in the future"),
])
def test_what_may_not_be_ours_is_refused_and_not_stored(north: Any, xml: bytes, words: str) -> None:
    before = shelf(north)
    with pytest.raises(PublishRefused, match=words) as caught:
        publish.publish(north, xml, who="ann")
    assert caught.value.problems
    assert shelf(north) == before


def test_a_doubtful_address_is_only_valid_in_the_older_edition(north: Any) -> None:
    """VOResource 1.1 with its erratum takes any URI as referenceURL; 1.2 wants http(s), and so do we of ourselves."""
    xml = record("ivo://north.example/a").replace(b"http://a.example/", b"ftp://a.example/")
    with pytest.raises(PublishRefused, match="referenceURL"):
        publish.publish(north, xml, who="ann")


def test_our_registry_record_lists_our_authorities_and_no_other(north: Any) -> None:
    with north.database.read() as connection:
        ours = founding.registry_record(connection, north)
    more = resource.amend(ours.xml, {"managed_authorities": ("north.example", "south.example")})
    with pytest.raises(PublishRefused, match="south.example") as caught:
        publish.publish(north, more, who="ann")
    assert caught.value.problems[0].field == "managedAuthority"
    with north.database.read() as connection:
        assert authorities.ours(connection) == {"north.example"}


def test_a_record_retired_leaves_a_tombstone(north: Any) -> None:
    made = publish.publish(north, record("ivo://north.example/a"), who="ann")
    gone = publish.retire(north, "ivo://NORTH.example/A", who="bob", why="wrong")
    assert gone.deleted and gone.managed and gone.datestamp >= made.datestamp and gone.version == 2
    assert publish.retire(north, "ivo://north.example/a", who="bob", why="twice") == gone
    assert publish.publish(north, record("ivo://north.example/a"), who="ann").status == "active"


def test_what_is_not_here_or_keeps_us_alive_is_not_retired(north: Any) -> None:
    for name in ("ivo://north.example/none", "ivo://a b", "", "%"):
        with pytest.raises(store.NoRecord):
            publish.retire(north, name, who="ann", why="")
    with pytest.raises(Conflict, match="own record"):
        publish.retire(north, "ivo://north.example/registry", who="ann", why="")


def shelf(site: Any) -> list[tuple[str, str]]:
    with site.database.read() as connection:
        return [(one.ivoid, one.digest) for one in listing.every(connection)]
