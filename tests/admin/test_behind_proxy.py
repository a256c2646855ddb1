"""Behind a proxy of ours the client's address is the one that the proxy tells, and from anybody else it is not believed."""

from __future__ import annotations

import base64
import http.client
from typing import Any

import pytest

from registry import access
from registry.config import load
from registry.errors import Refusal
from tests.admin.conftest import PASSWORD
from tests.web_server import served


def ask(port: int, password: str, forwarded: str, name: str = "reader") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    basic = base64.b64encode(f"{name}:{password}".encode()).decode()
    connection.request("GET", "/api/sources", headers={"Authorization": f"Basic {basic}", "X-Forwarded-For": forwarded})
    status = connection.getresponse().status
    connection.close()
    return status


def tried(site: Any) -> set[str]:
    with site.database.read() as connection:
        return set(connection.exec_driver_sql("SELECT subject FROM login_attempts WHERE subject LIKE 'address:%'").scalars())


@pytest.mark.parametrize(("trusted", "header", "address"), [
    ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
    ("127.0.0.1", "203.0.113.9, 192.0.2.7", "192.0.2.7"),  # what the client wrote itself stands before the proxy's word
    ("*", "192.0.2.7", "192.0.2.7"),
    ("192.0.2.1", "192.0.2.7", "127.0.0.1"),
    ("", "192.0.2.7", "127.0.0.1"),
])
def test_whose_word_counts(founded: Any, trusted: str, header: str, address: str) -> None:
    with served(founded, trusted_proxy=trusted) as port:
        assert ask(port, "wrong wrong wrong", header) == 401
    assert tried(founded) == {f"address:{address}"}


def test_two_proxies_in_a_row(founded: Any) -> None:
    with served(founded, trusted_proxy="127.0.0.1", trusted_proxy_count=2) as port:
        assert ask(port, "wrong wrong wrong", "203.0.113.9, 192.0.2.7, 10.0.0.1") == 401
    assert tried(founded) == {"address:192.0.2.7"}


def test_one_clients_guesses_do_not_lock_out_the_others_behind_the_same_proxy(founded: Any) -> None:
    with founded.database.write() as connection:
        for number in range(access.TRIES):
            access.create_account(connection, f"victim{number}", PASSWORD, "reader")
    with served(founded, trusted_proxy="127.0.0.1") as port:

        for number in range(access.TRIES):
            assert ask(port, "wrong wrong", "192.0.2.66", f"victim{number}") == 401
        assert ask(port, PASSWORD, "192.0.2.66") == 429
        assert ask(port, PASSWORD, "192.0.2.7") == 200


def test_a_list_of_proxies_is_no_address(founded: Any) -> None:
    with pytest.raises(Refusal, match="trusted_proxy"):
        load(founded.settings.instance, trusted_proxy="10.0.0.1, 10.0.0.2")
