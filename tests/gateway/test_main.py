"""Where the gateway listens: at the address that the worker tells, once there is one, and after it has changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import delete, insert

from registry.gateway import main
from registry.site import Site
from registry.tables import facts
from tests.gateway.conftest import free_port


@pytest.fixture()
def running(site: Site, monkeypatch, caplog) -> Iterator[Site]:
    """A gateway process in a thread, with its pauses cut short and a free port."""
    caplog.set_level("INFO", "registry.gateway")
    monkeypatch.setattr(main, "LOOK_AGAIN", 0.02)
    monkeypatch.setattr(main, "BIND_AGAIN", 0.02)
    site = type(site)(**{**vars(site), "settings": site.settings.model_copy(update={"gateway_port": free_port()})})
    stop = threading.Event()
    thread = threading.Thread(target=main.run, args=(site, stop))
    thread.start()
    yield site
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def tell(site: Site, address: str) -> None:
    with site.database.write() as connection:
        connection.execute(delete(facts).where(facts.c.name == main.FACT))
        connection.execute(insert(facts).values(name=main.FACT, value=address))


def listens(site: Site, address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, site.settings.gateway_port)) == 0


def heard(caplog) -> str:
    """Every word of the gateway, also of before the test itself began."""
    return "\n".join(record.getMessage() for phase in ("setup", "call") for record in caplog.get_records(phase))


def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come to pass")


def test_it_waits_for_the_network_and_listens_on_its_address_alone(running: Site, caplog):
    until(lambda: "waiting for the worker" in heard(caplog))
    assert not listens(running, "127.0.0.2")
    tell(running, "127.0.0.2")
    until(lambda: listens(running, "127.0.0.2"))
    assert not listens(running, "127.0.0.1")


def test_it_moves_when_the_address_changes(running: Site):
    tell(running, "127.0.0.2")
    until(lambda: listens(running, "127.0.0.2"))
    tell(running, "127.0.0.3")
    until(lambda: listens(running, "127.0.0.3"))
    until(lambda: not listens(running, "127.0.0.2"))


def test_it_takes_a_port_as_soon_as_it_is_free(running: Site, caplog):
    with socket.socket() as other:
        other.bind(("127.0.0.2", running.settings.gateway_port))
        other.listen()
        tell(running, "127.0.0.2")
        until(lambda: "cannot listen at 127.0.0.2" in heard(caplog))
    until(lambda: "jobs reach" in heard(caplog) or listens(running, "127.0.0.2"))
    assert heard(caplog).count("cannot listen") == 1


def test_an_address_that_is_not_there_yet_is_waited_for(running: Site, caplog):
    tell(running, "192.0.2.1")
    until(lambda: "cannot listen at 192.0.2.1" in heard(caplog))
    tell(running, "127.0.0.2")
    until(lambda: listens(running, "127.0.0.2"))
