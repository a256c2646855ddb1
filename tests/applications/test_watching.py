"""Docker repositories looked at again and again: real ones, with and without logins. New images become drafts."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from applications.demo import repository
from registry.applications import approving, catalogue, logins, seen, watching
from registry.applications.watching import Look
from registry.errors import Denied, NotFound, Refusal
from registry.records import drafting, founding, lifecycle, store
from registry.site import Site
from registry.worker import side
from tests.applications import token_service
from tests.applications.conftest import CONTRACT, HTPASSWD, Opener, Pusher
from vosi import capabilities, xmlio


@pytest.fixture()
def own(tmp_path: Path) -> Iterator[Pusher]:
    """A repository of this test's own, to push to."""
    with repository.start(tmp_path / "repository") as running:
        yield Pusher(running.address)


@pytest.fixture()
def watcher(opened: Opener, own: Pusher) -> Site:
    """A datacenter that watches it."""
    site = opened("north", repository=own.address)
    watching.begin(site, own.address, who="ann")
    return site


def looked(site: Site, **options: Any) -> Look:
    with site.database.read() as connection:
        [one] = seen.watched(connection)
    return watching.look(site, one.host, **options)


def images(site: Site, state: str = "") -> dict[str, tuple[str, str]]:
    """name:tag -> state and application of what was seen."""
    with site.database.read() as connection:
        found = seen.listing(connection, state=state)
    return {f"{one.name}:{one.tag}": (one.state, one.app) for one in found}


def offered(site: Site) -> list[str]:
    with site.database.read() as connection:
        return [one.name for one in catalogue.offers(connection)]


def test_new_images_with_our_label_become_drafts_and_nothing_else_does(watcher: Site, own: Pusher) -> None:
    own.application("a/stars", "1.0", title="Stars")
    own.push("plain", "latest", {"maintainer": "x"})
    own.push("broken", "3", {"innerspace.application": "{"})
    own.application("newer", "1", {"contract": "2.0"})

    found = looked(watcher)

    assert (found.names, found.tags, found.read, found.fault) == (4, 4, 4, "")
    assert found.states == {"draft": 1, "plain": 1, "faulty": 2}
    assert images(watcher) == {
        "a/stars:1.0": ("draft", "ivo://north.example/app/stars#1.0"), "plain:latest": ("plain", ""),
        "broken:3": ("faulty", ""), "newer:1": ("faulty", "")}
    with watcher.database.read() as connection:
        faults = [one.reason for one in seen.listing(connection, state=seen.FAULTY)]
        draft = drafting.draft_of(connection, "ivo://north.example/app/stars")
    assert "not JSON" in faults[0] and "contract '2.0'" in faults[1]
    assert draft is not None and draft.who == "watch" and "Stars" in draft.summary.title
    assert drafting.problems(watcher, draft) == ()
    assert offered(watcher) == [], "nothing is offered before a person says so"


def test_only_what_changed_is_read_again(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    own.application("moons", "1.0")
    assert looked(watcher).read == 2
    assert looked(watcher).read == 0

    own.application("stars", "1.1", {**CONTRACT, "parameters": []})
    again = looked(watcher)

    assert (again.names, again.tags, again.read) == (2, 3, 1)
    with watcher.database.read() as connection:
        draft = drafting.draft_of(connection, "ivo://north.example/app/stars")
    assert draft is not None
    versions = [one.interfaces[0].access_url.partition("#")[2] for one in capabilities.of_record(xmlio.parse(draft.xml))]
    assert versions == ["1.1", "1.0"], "the draft shows all that waits, newest first"


def test_an_approved_image_is_offered_by_its_digest_wherever_its_tag_goes(watcher: Site, own: Pusher) -> None:
    first = own.application("stars", "1.0")
    looked(watcher)
    moved = own.application("stars", "1.0", {**CONTRACT, "parameters": []})  # between the look and the approval

    one = approving.approve(watcher, f"{own.address}/stars:1.0", who="bob")

    assert (one.state, one.digest, one.decider) == ("approved", first, "bob"), "what was seen is what is approved"
    with watcher.database.read() as connection:
        offer = catalogue.pick(connection, "stars#1.0")
        assert drafting.draft_of(connection, offer.ivoid) is None
    assert offer.image.endswith(first)
    assert looked(watcher).states == {"draft": 1}
    with watcher.database.read() as connection:
        assert catalogue.pick(connection, "stars#1.0").image.endswith(first), "a moved tag changes nothing that runs"
    approving.approve(watcher, moved, who="bob")
    with watcher.database.read() as connection:
        assert catalogue.pick(connection, "stars#1.0").image.endswith(moved)
        assert catalogue.pick(connection, f"stars#1.0-{first[7:19]}").image.endswith(first), "the older one stays runnable"


def test_images_that_were_registered_by_hand_are_approved_already(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    catalogue.register(watcher, f"{own.address}/stars:1.0", who="ann")

    assert looked(watcher).states == {}
    assert images(watcher) == {"stars:1.0": ("approved", "ivo://north.example/app/stars#1.0")}


def test_two_images_of_one_name_are_not_one_application(watcher: Site, own: Pusher) -> None:
    own.application("a/stars", "1")
    looked(watcher)
    own.application("b/stars", "1", {**CONTRACT, "parameters": []})
    looked(watcher)

    with pytest.raises(Refusal, match=f"app/stars is made of {own.address}/a/stars, which is another image. Give --name"):
        approving.approve(watcher, f"{own.address}/b/stars:1", who="bob")
    one = approving.approve(watcher, f"{own.address}/b/stars:1", who="bob", name="b-stars")
    assert one.app == "ivo://north.example/app/b-stars#1" and offered(watcher) == [one.app]


def test_a_repository_that_is_watched_by_the_settings_is_looked_at_when_it_is_due(opened: Opener, own: Pusher) -> None:
    site = opened("north", repository=own.address, watched_repositories=[own.address])
    own.application("stars", "1")

    assert watching.turn(site) == 1
    assert watching.turn(site) == 0, "it is not due again yet"
    with site.database.read() as connection:
        [one] = seen.watched(connection)
    assert (one.who, one.counts, one.fault) == ("config.toml", {"draft": 1}, "") and one.read

    unnamed = Site(site.settings.model_copy(update={"watched_repositories": []}), site.database, site.schemas, site.bells,
                   site.secret, site.fetcher)
    assert watching.turn(unnamed) == 0
    with site.database.read() as connection:
        assert seen.watched(connection) == [] and seen.listing(connection) == []


def test_what_waits_is_forgotten_with_its_repository_and_what_is_approved_stays(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1")
    own.application("moons", "1")
    looked(watcher)
    approving.approve(watcher, f"{own.address}/stars:1", who="bob")

    watching.end(watcher, own.address)

    with watcher.database.read() as connection:
        assert seen.watched(connection) == [] and drafting.every(connection) == []
    assert images(watcher) == {"stars:1": ("approved", "ivo://north.example/app/stars#1")}
    with pytest.raises(NotFound, match="is not watched"):
        watching.end(watcher, own.address)


def test_only_the_names_that_are_wanted_are_watched(opened: Opener, own: Pusher) -> None:
    site = opened("north", repository=own.address)
    own.application("stars", "1")
    own.application("moons", "1")
    watching.begin(site, own.address, ["stars", "gone"], who="ann")

    assert looked(site).fault == ""
    assert images(site) == {"stars:1": ("draft", "ivo://north.example/app/stars#1")}


@pytest.mark.parametrize(("host", "words"), [
    ("127.0.0.1:1", "takes no images"), ("a b", "names no image"), ("", "names no image"), ("http://x", "names no image"),
])
def test_what_cannot_be_watched_is_told(opened: Opener, own: Pusher, host: str, words: str) -> None:
    with pytest.raises(Refusal, match=words):
        watching.begin(opened("north", repository=own.address), host, who="ann")


# --- logins -----------------------------------------------------------------------------------------------------------
def test_a_repository_with_a_password_is_read_with_the_sites_login(opened: Opener, tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text(HTPASSWD)
    more = f"auth:\n  htpasswd:\n    realm: tests\n    path: {tmp_path / 'passwords'}\n"
    with repository.start(tmp_path / "locked", more=more) as running:
        basic = f"Basic {base64.b64encode(b'robot:x').decode()}"
        Pusher(running.address, basic).application("stars", "1")
        site = opened("north", repository=running.address)
        watching.begin(site, running.address, who="ann")

        assert f"asks for a login, and this site has none for it: `registry app login {running.address}`" in looked(site).fault
        logins.keep(site, running.address, "robot", "wrong")
        assert "does not accept this site's login (robot)" in looked(site).fault
        logins.keep(site, running.address, "robot", "x\n")
        assert looked(site).states == {"draft": 1}
        assert approving.approve(site, f"{running.address}/stars:1", who="bob").state == "approved"
        assert (site.settings.instance / "keys" / "repositories.json").stat().st_mode & 0o777 == 0o600
        assert logins.forget(site, running.address) and not logins.forget(site, running.address)


def test_a_repository_with_a_token_service_is_read_with_its_tokens(opened: Opener, tmp_path: Path) -> None:
    with token_service.running() as service, repository.start(
            tmp_path / "locked", more=service.configuration(tmp_path)) as running:
        push = service.token(["repository:a/stars:pull,push", "repository:moons:pull,push"])
        pusher = Pusher(running.address, f"Bearer {push}")
        pusher.application("a/stars", "1")
        pusher.application("moons", "1")
        site = opened("north", repository=running.address)
        watching.begin(site, running.address, who="ann")

        assert "wants a login, and this site has none" in looked(site).fault
        logins.keep(site, running.address, token_service.NAME, "wrong")
        assert "does not accept this site's login" in looked(site).fault
        logins.keep(site, running.address, token_service.NAME, token_service.PASSWORD)
        service.asked.clear()
        assert looked(site).states == {"draft": 2}
        assert sorted(service.asked) == [
            "registry:catalog:*", "repository:a/stars:pull", "repository:moons:pull"], "a token is asked for once"
        service.lifetime = 1  # as good as over when it comes
        assert looked(site).fault == ""
        assert approving.approve(site, f"{running.address}/moons:1", who="bob").state == "approved"


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("a:b", "x"), ("a", "x\ny"), ("a", "x" * 9000)])
def test_a_login_that_no_header_carries_is_refused(opened: Opener, own: Pusher, name: str, password: str) -> None:
    with pytest.raises(logins.LoginRefused):
        logins.keep(opened("north", repository=own.address), own.address, name, password)


# --- decisions --------------------------------------------------------------------------------------------------------
def test_a_retracted_version_leaves_the_record_and_is_told(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    own.application("stars", "2.0", {**CONTRACT, "parameters": []})
    looked(watcher)
    for tag in ("1.0", "2.0"):
        approving.approve(watcher, f"{own.address}/stars:{tag}", who="bob")
    app = "ivo://north.example/app/stars"
    assert offered(watcher) == [f"{app}#2.0", f"{app}#1.0"]

    approving.retract(watcher, "stars#2.0".replace("stars", app), who="eve", why="wrong units")

    assert offered(watcher) == [f"{app}#1.0"]
    with watcher.database.read() as connection:
        assert catalogue.pick(connection, app).version == "1.0"
        with pytest.raises(catalogue.NotOffered, match=r"stars#2.0 is not offered: it was retracted by eve on .*: wrong units"):
            catalogue.pick(connection, f"{app}#2.0")
    approving.retract(watcher, f"{app}#1.0", who="eve", why="")
    assert offered(watcher) == []
    with watcher.database.read() as connection, pytest.raises(catalogue.NotOffered, match="stars#2.0 is not offered"):
        catalogue.pick(connection, app)
    with pytest.raises(catalogue.NotOffered, match="retracted by eve.*`registry app approve sha256:.* offers it again"):
        catalogue.register(watcher, f"{own.address}/stars:2.0", who="ann")
    approving.approve(watcher, f"{app}#1.0", who="bob")
    assert offered(watcher) == [f"{app}#1.0"]


def test_a_vulnerable_image_runs_nowhere_here_whoever_publishes_it(
    watcher: Site, opened: Opener, own: Pusher,
) -> None:
    own.application("stars", "1.0")
    record = catalogue.register(watcher, f"{own.address}/stars:1.0", who="ann")
    south = opened("south", repository=own.address, accepted_publishers=["north.example"])
    with south.database.write() as connection:
        store.put(connection, south.schemas, record.xml, origin=store.HARVESTED, who="harvest")
        held = catalogue.offers(connection)[0]

    with pytest.raises(Refusal, match="Say why"):
        approving.mark_vulnerable(south, record.ivoid, who="eve", why=" ")
    approving.mark_vulnerable(south, f"{record.ivoid}#1.0", who="eve", why="it lets strangers in")

    with south.database.read() as connection:
        assert catalogue.offers(connection) == []
        with pytest.raises(catalogue.NotOffered, match="was marked as vulnerable by eve on .*: it lets strangers in"):
            catalogue.pick(connection, record.ivoid)
        barred = catalogue.every_version(connection)[0]
    with pytest.raises(catalogue.NotOffered):
        catalogue.contract_of(south, barred)
    assert held.image == barred.image
    assert offered(watcher) != [], "what south decides is south's"
    with pytest.raises(Refusal, match="--anyway"):
        approving.approve(watcher, approving.mark_vulnerable(watcher, record.ivoid, who="eve", why="x").reference, who="bob")
    assert offered(watcher) == []
    approving.approve(watcher, record.ivoid, who="bob", anyway=True)
    assert offered(watcher) == [f"{record.ivoid}#1.0"]


def test_a_rejected_image_is_not_put_up_again(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    looked(watcher)
    one = approving.reject(watcher, f"{own.address}/stars:1.0", who="bob", why="no licence")

    assert (one.state, one.reason) == ("rejected", "no licence")
    assert looked(watcher, again=True).read == 0
    with watcher.database.read() as connection:
        assert drafting.every(connection) == []
    for act in (approving.reject, approving.retract):
        with pytest.raises(approving.NotNow, match="rejected"):
            act(watcher, one.digest, who="bob", why="")


def test_two_persons_are_needed_where_the_site_says_so(opened: Opener, own: Pusher) -> None:
    site = opened("north", repository=own.address, two_person_rule=True)
    own.application("stars", "1.0")

    waiting = approving.submit(site, f"{own.address}/stars:1.0", who="ann")

    assert isinstance(waiting, seen.Seen) and waiting.state == "draft" and offered(site) == []
    with pytest.raises(Denied, match="put up by ann: another person has to approve it"):
        approving.approve(site, waiting.reference, who="ann")
    assert approving.approve(site, waiting.reference, who="bob").state == "approved"
    assert offered(site) == ["ivo://north.example/app/stars#1.0"]


@pytest.mark.parametrize("text", ["", "nothing", "sha256:0123", "0123456789", "x.example/a:1", "ivo://north.example/app/x#1"])
def test_an_image_that_nobody_has_seen_is_told(watcher: Site, text: str) -> None:
    with pytest.raises(approving.NoImage, match="has been seen here"):
        approving.approve(watcher, text, who="bob")


def test_looks_and_decisions_at_once_lose_nothing(any_site: Site, own: Pusher) -> None:
    """Two workers and a person at a terminal look at the same repository while others approve what they see."""
    object.__setattr__(any_site, "settings", any_site.settings.model_copy(update={"repository": own.address}))
    founding.found(any_site, founding.Founding("north.example", "North", any_site.settings.base_url), "test")
    watching.begin(any_site, own.address, who="ann")
    for number in range(6):
        own.application(f"app{number}", "1", {**CONTRACT, "title": f"Number {number}"})
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: watching.look(any_site, own.address), range(3)))
        assert [one.fault for one in found] == [""] * 3
        assert sum(one.states.get("draft", 0) for one in found) == 6, "each is put up once"
        done = list(pool.map(lambda number: decided(any_site, f"{own.address}/app{number % 6}:1"), range(12)))

    assert sorted(done) == ["already"] * 6 + ["approved"] * 6
    assert len(offered(any_site)) == 6
    with any_site.database.read() as connection:
        assert drafting.every(connection) == []


def decided(site: Site, image: str) -> str:
    try:
        return approving.approve(site, image, who="bob").state
    except approving.NotNow:
        return "already"


def test_the_worker_looks(watcher: Site, own: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    own.application("stars", "1")
    monkeypatch.setattr(side, "_EVERY", 0.02)
    stop, done = threading.Event(), threading.Event()
    real = seen.looked
    monkeypatch.setattr(seen, "looked", lambda *given, **more: (real(*given, **more), done.set()))
    thread = threading.Thread(target=side._look, args=(watcher, stop))
    thread.start()

    assert done.wait(30)
    stop.set()
    thread.join(30)
    assert images(watcher) == {"stars:1": ("draft", "ivo://north.example/app/stars#1")}


def test_a_draft_that_is_published_as_a_record_still_waits_for_approval(watcher: Site, own: Pusher) -> None:
    own.application("stars", "1.0")
    looked(watcher)
    record = lifecycle.publish_draft(watcher, "ivo://north.example/app/stars", who="ann")

    assert offered(watcher) == []
    with watcher.database.read() as connection, pytest.raises(catalogue.NotOffered, match="waits for an operator's word"):
        catalogue.pick(connection, record.ivoid)
    approving.approve(watcher, f"{own.address}/stars:1.0", who="bob")
    assert offered(watcher) == ["ivo://north.example/app/stars#1.0"]
