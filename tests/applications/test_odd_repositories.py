"""Docker repositories that send nonsense, too much, for ever, slowly, or nothing: one sentence each; the rest is seen."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from registry import clock
from registry.applications import approving, catalogue, repository, seen, watching
from registry.applications.repository import ImageUnusable
from registry.applications.watching import Look
from registry.errors import Refusal
from registry.site import Site
from tests.applications.conftest import CONTRACT, LIST, MANIFEST, Opener, digest

Answer = tuple[int, dict[str, str], bytes]
LABEL = {"innerspace.application": json.dumps(CONTRACT)}


@dataclass
class Odd:
    """A repository that says what a test wants: path -> answer, or a function of the path with its query."""

    answers: dict[str, Answer | Callable[[str], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def json(self, path: str, document: Any, **headers: str) -> None:
        self.answers[path] = (200, headers, json.dumps(document).encode())

    def image(self, name: str, tag: str, labels: dict[str, str] | None = None, *, said: str = "", config: bytes = b"",
              size: int = 0) -> str:
        """A good image; `said` is a digest that is not its own, `config` and `size` what is not its configuration."""
        body = config or json.dumps({"os": "linux", "architecture": "amd64", "config": {"Labels": labels or LABEL}}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {
            "digest": digest(body), "size": size or len(body)}}).encode()
        self.answers[f"/v2/{name}/blobs/{digest(body)}"] = (200, {}, body)
        return self.manifest(name, tag, manifest, said=said)

    def manifest(self, name: str, tag: str, body: bytes, *, said: str = "", kind: str = MANIFEST) -> str:
        known = said or digest(body)
        for place in (tag, known):
            self.answers[f"/v2/{name}/manifests/{place}"] = (200, {"Docker-Content-Digest": known, "Content-Type": kind}, body)
        self.answers.setdefault("/v2/_catalog", (200, {}, json.dumps({"repositories": [name]}).encode()))
        self.json(f"/v2/{name}/tags/list", {"tags": [tag]})
        return known

    def answer(self, target: str) -> Answer:
        self.asked.append(target)
        found = self.answers.get(target.partition("?")[0], (404, {}, b"{}"))
        return found(target) if callable(found) else found


@pytest.fixture()
def odd() -> Iterator[Odd]:
    repository_ = Odd()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = repository_.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    repository_.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield repository_
    repository_.stop.set()
    server.shutdown()
    server.server_close()


@pytest.fixture()
def watcher(opened: Opener, odd: Odd) -> Site:
    site = opened("north", repository=odd.address, fetch_timeout=1, fetch_deadline=2)
    watching.begin(site, odd.address, who="ann")
    return site


def look(site: Site, odd: Odd, **options: Any) -> Look:
    found = watching.look(site, odd.address, **options)
    with site.database.read() as connection:
        [one] = seen.watched(connection)
    assert one.fault == found.fault and "\n" not in found.fault, "the page says what the look said"
    return found


def reasons(site: Site, state: str = seen.FAULTY) -> dict[str, str]:
    with site.database.read() as connection:
        return {one.name: one.reason for one in seen.listing(connection, state=state)}


# --- images -----------------------------------------------------------------------------------------------------------
def test_ten_megabytes_of_labels_are_not_read(watcher: Site, odd: Odd) -> None:
    huge = json.dumps({"config": {"Labels": {"innerspace.application": json.dumps(CONTRACT), "x": "y" * 10_000_000}}}).encode()
    odd.image("honest", "1", config=huge)
    odd.image("lying", "1", config=huge + b" ", size=100)
    odd.image("long", "1", {"innerspace.application": '{"contract": "1.0"}' + " " * 70_000})
    odd.image("good", "1")
    odd.json("/v2/_catalog", {"repositories": ["honest", "lying", "long", "good"]})

    found = look(watcher, odd)

    assert (found.states, found.fault) == ({"faulty": 3, "draft": 1}, "")
    assert f"holds {len(huge)} bytes; 4194304 are allowed" in reasons(watcher)["honest"]
    assert "holds 70019 characters; the contract allows 65536" in reasons(watcher)["long"]
    assert "answers more than 4194304 bytes" in reasons(watcher)["lying"]
    assert look(watcher, odd).read == 0, "what cannot be used is not read again"
    assert not any(digest(huge) in path for path in odd.asked), "what says that it is too large is not asked for"


@pytest.mark.parametrize(("body", "kind", "words"), [
    (b"<html>", MANIFEST, "is no JSON"),
    (b"[1]", MANIFEST, "is no JSON"),
    (b"[" * 100_000, MANIFEST, "is no JSON"),
    (b"{}", "text/html", "schema 1"),
    (b'{"config": {"digest": "../../etc/passwd"}}', MANIFEST, "schema 1"),
    (b'{"schemaVersion": 1, "fsLayers": []}', "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"),
    (b'{"manifests": [{"platform": {"os": "linux", "architecture": "sparc"}}, null, 3]}', LIST, "it has linux/sparc"),
    (b'{"manifests": "none"}', LIST, "it has none"),
    (b"{" + b" " * (4 * 2**20) + b"}", MANIFEST, "answers more than 4194304 bytes"),
])
def test_a_manifest_that_is_none_is_told(watcher: Site, odd: Odd, body: bytes, kind: str, words: str) -> None:
    odd.manifest("odd", "1", body, kind=kind)
    odd.image("good", "1")
    odd.json("/v2/_catalog", {"repositories": ["odd", "good"]})

    found = look(watcher, odd)

    said = {**reasons(watcher, seen.NEW), **reasons(watcher)}
    assert words in said["odd"] and found.read == 2 and found.states["draft"] == 1, "the good one is seen all the same"


def test_a_manifest_that_is_not_what_its_digest_says_is_refused_at_every_place(watcher: Site, odd: Odd) -> None:
    other = f"sha256:{'1' * 64}"
    odd.image("liar", "1", said=other)

    assert look(watcher, odd).states == {"faulty": 1}
    assert f"answers other bytes for {odd.address}/liar@{other} than its digest says" in reasons(watcher)["liar"]
    with pytest.raises(approving.NotNow, match="is faulty and cannot be approved: .*other bytes"):
        approving.approve(watcher, f"{odd.address}/liar:1", who="bob")
    with pytest.raises(ImageUnusable, match="other bytes"):
        repository.resolve(watcher, f"{odd.address}/liar@{other}")


def test_a_part_of_a_list_is_held_to_its_digest(watcher: Site, odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    inner = odd.image("list", "inner")
    odd.answers[f"/v2/list/manifests/{inner}"] = (200, {}, b"{}")
    odd.manifest("list", "1", json.dumps({"mediaType": LIST, "manifests": [
        {"digest": inner, "platform": {"os": "linux", "architecture": "amd64"}}]}).encode(), kind=LIST)

    look(watcher, odd)
    assert "other bytes for a part of" in reasons(watcher)["list"]


def test_an_image_that_changed_after_it_was_seen_is_not_approved(watcher: Site, odd: Odd) -> None:
    known = odd.image("stars", "1")
    look(watcher, odd)
    odd.answers[f"/v2/stars/manifests/{known}"] = (200, {"Docker-Content-Digest": known}, b'{"config": {}}')

    with pytest.raises(ImageUnusable, match="other bytes"):
        approving.approve(watcher, known, who="bob")
    del odd.answers[f"/v2/stars/manifests/{known}"]
    with pytest.raises(Refusal, match="has no image stars@sha256"):
        approving.approve(watcher, known, who="bob")
    with watcher.database.read() as connection:
        assert seen.listing(connection)[0].state == "draft", "it can be approved when it is right again"


def test_a_repository_that_names_no_digests_is_read_by_its_manifests(watcher: Site, odd: Odd) -> None:
    known = odd.image("plain", "1")
    status, headers, body = odd.answers["/v2/plain/manifests/1"]  # type: ignore[misc]
    odd.answers["/v2/plain/manifests/1"] = (status, {"Content-Type": MANIFEST}, body)

    assert look(watcher, odd).states == {"draft": 1} and look(watcher, odd).read == 0
    with watcher.database.read() as connection:
        assert seen.listing(connection)[0].digest == known == f"sha256:{hashlib.sha256(body).hexdigest()}"


# --- lists ------------------------------------------------------------------------------------------------------------
def test_a_list_that_goes_round_in_circles_is_left(watcher: Site, odd: Odd) -> None:
    odd.image("stars", "1")
    odd.json("/v2/_catalog", {"repositories": ["stars"]}, Link='</v2/_catalog?last=stars&n=1000>; rel="next"')

    found = look(watcher, odd)

    assert "never ends its list of repositories: after 1 it is still not done. What came first is used." in found.fault
    assert found.states == {"draft": 1} and len([path for path in odd.asked if "_catalog" in path]) == 2


def test_a_list_that_always_has_one_more_is_left(watcher: Site, odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.applications.distribution.MOST_NAMES", 30)
    monkeypatch.setattr("registry.applications.distribution.MOST_TAGS", 20)
    numbers = itertools.count()

    def page(key: str) -> Callable[[str], Answer]:
        def answer(target: str) -> Answer:
            body = json.dumps({key: [f"a{next(numbers)}"]}).encode()
            return 200, {"Link": f'<{target.partition("?")[0]}?last={next(numbers)}>; rel="next"'}, body
        return answer

    odd.answers["/v2/_catalog"] = page("repositories")
    assert "never ends its list of repositories: after 30" in look(watcher, odd).fault
    odd.image("stars", "1")
    odd.json("/v2/_catalog", {"repositories": ["stars"]})
    odd.answers["/v2/stars/tags/list"] = page("tags")
    assert "never ends its list of tags: after 20" in look(watcher, odd).fault


def test_pages_are_followed_and_what_is_no_name_is_left_out(watcher: Site, odd: Odd) -> None:
    for name in ("a", "b", "c"):
        odd.image(name, "1")
    pages = {"": ["a", "../../etc", "A B", 7, None], "2": ["b", "a"], "3": ["c"]}

    def answer(target: str) -> Answer:
        last = target.partition("last=")[2]
        following = {"": "2", "2": "3", "3": ""}[last]
        more = {"Link": f'</v2/_catalog?n=5&last={following}>; rel="next"'} if following else {}
        return 200, more, json.dumps({"repositories": pages[last]}).encode()

    odd.answers["/v2/_catalog"] = answer
    odd.json("/v2/a/tags/list", {"tags": ["1", "../x", 5, ""]})

    found = look(watcher, odd)
    assert (found.names, found.tags, found.fault) == (3, 3, "")
    assert not any(".." in path for path in odd.asked)


def test_a_list_that_goes_on_elsewhere_is_not_followed(watcher: Site, odd: Odd) -> None:
    odd.image("stars", "1")
    odd.json("/v2/_catalog", {"repositories": ["stars"]}, Link='<http://127.0.0.1:1/v2/_catalog>; rel="next"')

    assert "says that its list goes on at 127.0.0.1:1" in look(watcher, odd).fault


def test_a_repository_without_a_list_asks_for_names(watcher: Site, odd: Odd) -> None:
    assert "does not list its images: name those that are to be watched" in look(watcher, odd).fault


def test_an_image_that_has_gone_is_forgotten_only_when_all_was_seen(watcher: Site, odd: Odd) -> None:
    odd.image("stars", "1")
    odd.image("moons", "1")
    odd.json("/v2/_catalog", {"repositories": ["stars", "moons"]})
    look(watcher, odd)
    good = odd.answers["/v2/moons/tags/list"]
    odd.answers["/v2/moons/tags/list"] = (500, {}, b"")
    look(watcher, odd)
    odd.answers["/v2/moons/tags/list"] = good
    again = look(watcher, odd)
    assert (again.read, again.fault) == (0, "")
    odd.json("/v2/_catalog", {"repositories": ["stars"]})
    look(watcher, odd)

    with watcher.database.read() as connection:
        assert list(seen.digests(connection, odd.address)) == [("stars", "1")]


def test_an_approved_image_that_the_repository_has_lost_is_told(watcher: Site, odd: Odd) -> None:
    known = odd.image("stars", "1")
    look(watcher, odd)
    approving.approve(watcher, known, who="bob")
    whole = dict(odd.answers)
    odd.json("/v2/stars/tags/list", {"tags": []})
    look(watcher, odd)
    assert missing(watcher) == "", "without a tag it is still there by its digest"
    del odd.answers[f"/v2/stars/manifests/{known}"]
    look(watcher, odd)
    assert f"The Docker repository {odd.address} has it no longer" in missing(watcher)
    odd.answers = {path: (500, {}, b"") if "manifests" in path else answer for path, answer in odd.answers.items()}
    look(watcher, odd)
    assert "has it no longer" in missing(watcher), "a repository that fails says nothing new"
    odd.answers = whole
    assert look(watcher, odd).fault == "" and missing(watcher) == ""


def missing(site: Site) -> str:
    with site.database.read() as connection:
        [one] = catalogue.offers(connection)
    return one.missing


# --- answers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("status", "headers", "words"), [
    (401, {}, "asks for a login, and this site has none"),
    (401, {"WWW-Authenticate": "Negotiate"}, "asks for a login, and this site has none"),
    (401, {"WWW-Authenticate": 'Basic realm="x"'}, "asks for a login, and this site has none"),
    (401, {"WWW-Authenticate": 'Bearer realm="http://far.example/token"'}, "'http://far.example/token', which is no https"),
    (401, {"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'}, "which is no https address"),
    (401, {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/t",service="x"'}, "wants a token, and none can be had"),
    (403, {}, "asks for a login, and this site has none"),
    (429, {"Retry-After": "120"}, "asked again in 120 s"),
    (429, {"Retry-After": "soon"}, "asked again in 60 s"),
    (500, {}, "answers 500 for /v2/_catalog"),
    (503, {}, "answers 503"),
    (302, {"Location": "/v2/_catalog"}, "reached by more than 3 redirects"),
    (200, {"Content-Encoding": "gzip"}, "a body that is not gzip"),
    (200, {}, "does not answer as a Docker repository"),
])
def test_what_a_repository_answers_is_told(
    watcher: Site, odd: Odd, status: int, headers: dict[str, str], words: str,
) -> None:
    odd.answers["/v2/_catalog"] = (status, headers, b"<html>")

    assert words in look(watcher, odd).fault


def test_who_asks_to_be_left_alone_is_left_alone(watcher: Site, odd: Odd) -> None:
    odd.image("stars", "1")
    odd.answers["/v2/stars/tags/list"] = (429, {"Retry-After": "3000"}, b"")

    assert watching.turn(watcher) == 1
    with watcher.database.read() as connection:
        [one] = seen.watched(connection)

    assert one.due > clock.fine_stamp(clock.later(2900)) and "asked again in 3000 s" in one.fault


@pytest.mark.parametrize("answer", [b"{}", b'{"token": ""}', b'{"token": "a b"}', b'{"token": 7}', b"<html>", b"[]"])
def test_a_token_service_that_gives_none_is_told(watcher: Site, odd: Odd, answer: bytes) -> None:
    odd.answers["/v2/_catalog"] = (401, {"WWW-Authenticate": f'Bearer realm="http://{odd.address}/token"'}, b"")
    odd.answers["/token"] = (200, {}, answer)

    assert "gives no token" in look(watcher, odd).fault


def test_a_token_that_is_not_accepted_is_not_asked_for_again_and_again(watcher: Site, odd: Odd) -> None:
    odd.answers["/v2/_catalog"] = (401, {"WWW-Authenticate": f'Bearer realm="http://{odd.address}/token"'}, b"")
    odd.answers["/token"] = (200, {}, b'{"access_token": "abc"}')

    assert "asks for a login" in look(watcher, odd).fault
    assert len(odd.asked) == 3, odd.asked


def test_a_repository_that_never_answers_is_given_up(watcher: Site, odd: Odd) -> None:
    def never(_: str) -> Answer:
        odd.stop.wait(30)
        return 200, {}, b"{}"

    odd.answers["/v2/_catalog"] = never
    assert "did not answer in time" in look(watcher, odd).fault


def test_a_slow_repository_is_gone_on_with_at_the_next_look(
    watcher: Site, odd: Odd, monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(8):
        odd.image(f"a{number}", "1")
    odd.json("/v2/_catalog", {"repositories": [f"a{number}" for number in range(8)]})
    moments = itertools.count(0, 40)
    monkeypatch.setattr("registry.applications.watching.time", SimpleNamespace(monotonic=lambda: float(next(moments))))

    first = look(watcher, odd)

    assert "is slow: after 900 s not all of it was seen; the next look goes on" in first.fault
    monkeypatch.undo()
    again = look(watcher, odd)
    assert first.states.get("draft", 0) < 8
    assert again.fault == "" and again.states == {"draft": again.read}
    with watcher.database.read() as connection:
        assert len(seen.listing(connection, state=seen.DRAFT)) == 8


def test_a_look_is_broken_off_when_the_worker_stops(watcher: Site, odd: Odd) -> None:
    odd.image("stars", "1")
    stop = threading.Event()
    stop.set()

    assert watching.turn(watcher, stop) == 1
    with watcher.database.read() as connection:
        [one] = seen.watched(connection)
    assert "broken off, since the worker stopped" in one.fault
