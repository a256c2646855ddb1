"""Answers of the whole web server, over real connections: what is kept open, and who waits."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator

import pytest

from registry.site import Site
from tests.services.conftest import CONE, capability, publish_service
from tests.web_server import served

QUERY = f"/find.json?standardID={CONE}"


@pytest.fixture()
def port(founded: Site) -> Iterator[int]:
    """A running web server of the founded site."""
    publish_service(founded, "stars", capability("http://a/scs"))
    with served(founded, threads=4) as made:
        yield made


def connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


def ask(client: http.client.HTTPConnection, path: str, **headers: str) -> tuple[int, bytes, str]:
    client.request("GET", path, headers=headers)
    answer = client.getresponse()
    return answer.status, answer.read(), answer.headers.get("ETag", "")


def test_a_connection_stays_open_behind_an_unchanged_answer(port: int):
    client = connection(port)
    status, _, tag = ask(client, QUERY)
    assert status == 200
    held = client.sock
    for _ in range(3):
        assert ask(client, QUERY, **{"If-None-Match": tag})[0] == 304
        assert client.sock is held
    assert ask(client, QUERY)[0] == 200 and client.sock is held
    assert ask(client, QUERY, **{"If-None-Match": tag, "Connection": "close"})[0] == 304
    assert client.sock is None


def test_those_who_wait_leave_room_for_others(port: int, founded: Site):
    tag = ask(connection(port), QUERY)[2]
    crowd = [connection(port) for _ in range(40)]
    for client in crowd:
        client.request("GET", f"{QUERY}&wait=15", headers={"If-None-Match": tag})
    assert ask(connection(port), "/find.txt")[0] == 200  # two of four threads wait, the others answer
    statuses: list[int] = []

    def read(client: http.client.HTTPConnection) -> None:
        answer = client.getresponse()
        answer.read()
        statuses.append(answer.status)

    readers = [threading.Thread(target=read, args=(client,)) for client in crowd]
    for reader in readers:
        reader.start()
    publish_service(founded, "more", capability("http://more/scs"))
    for reader in readers:
        reader.join(20)
    assert len(statuses) == 40 and statuses.count(304) >= 30 and 200 in statuses
