"""The way out: what may be reached, what is refused, and that one clear sentence says so."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import subprocess
import threading

import pytest
from pytest_httpserver import HTTPServer

from registry import addresses
from registry.config import load
from registry.fetch import AddressRefused, Fetcher, FetchError, Unreachable


def fetcher(tmp_path, **settings):
    return Fetcher(load(tmp_path, **{"allowed_networks": ["127.0.0.0/8"], **settings}))


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.17.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1", "fd00:ec2::254",
    "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "100.64.0.1", "::", "fe80::1%eth0", "not an address",
])
def test_internal_addresses_are_closed_by_default(address):
    assert not addresses.may_connect(address, [])


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_public_addresses_are_open(address):
    assert addresses.may_connect(address, [])


def test_a_listed_network_is_open_and_its_neighbour_is_not():
    assert addresses.may_connect("10.1.2.3", ["10.1.0.0/16"])
    assert not addresses.may_connect("10.2.2.3", ["10.1.0.0/16"])


@pytest.mark.parametrize("url", [
    "file:///etc/passwd", "gopher://localhost/", "http://", "http://127.0.0.1:22/", "http://a:b@127.0.0.1:8080/",
    "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "//127.0.0.1/",
])
def test_what_is_no_web_address_is_refused_before_anything_is_opened(tmp_path, url):
    with pytest.raises(AddressRefused):
        fetcher(tmp_path).get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_every_spelling_of_loopback_is_refused_where_it_is_not_listed(tmp_path, host, monkeypatch):
    opened = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: opened.append(address))
    with pytest.raises(FetchError):
        fetcher(tmp_path, allowed_networks=[]).get(f"http://{host}:8080/")
    assert opened == []


def test_a_name_that_changes_its_answer_reaches_only_the_address_that_was_checked(tmp_path, monkeypatch):
    answers = iter(["93.184.216.34", "127.0.0.1"])
    connected = []
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host != "rebinding.example":
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(self, address):
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Unreachable):
        fetcher(tmp_path, allowed_networks=[]).get("http://rebinding.example:8080/")
    assert connected == ["93.184.216.34"]


def test_redirects_are_followed_and_each_is_checked(tmp_path, httpserver: HTTPServer):
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data("here")
    httpserver.expect_request("/out").respond_with_data(status=302, headers={"Location": "http://169.254.169.254/latest"})
    assert fetcher(tmp_path).get(httpserver.url_for("/a")).body == b"here"
    with pytest.raises(AddressRefused, match="169.254.169.254"):
        fetcher(tmp_path).get(httpserver.url_for("/out"))


def test_endless_redirects_end(tmp_path, httpserver: HTTPServer):
    httpserver.expect_request("/a").respond_with_data(status=302, headers={"Location": "/a"})
    with pytest.raises(FetchError, match="redirects"):
        fetcher(tmp_path).get(httpserver.url_for("/a"))


def test_a_small_gzip_that_unpacks_to_much_is_stopped(tmp_path, httpserver: HTTPServer):
    bomb = gzip.compress(bytes(5_000_000))
    httpserver.expect_request("/").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchError, match="more than 100000 bytes"):
        fetcher(tmp_path).get(httpserver.url_for("/"), limit=100_000)
    assert fetcher(tmp_path).get(httpserver.url_for("/")).body == bytes(5_000_000)


def test_a_torn_answer_is_an_error_and_no_short_document(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=_answer_half, args=(server,))
        answer.start()
        with pytest.raises(FetchError, match="broke off"):
            fetcher(tmp_path).get(f"http://127.0.0.1:{server.getsockname()[1]}/")
        answer.join()


def _answer_half(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nhalf")


def test_nobody_there_is_one_sentence(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}/ cannot be read: nobody listens there."):
        fetcher(tmp_path).get(f"http://127.0.0.1:{port}/")


def test_a_redirect_is_handed_on_with_its_body(tmp_path, httpserver: HTTPServer):
    httpserver.expect_request("/").respond_with_data(b"over there", status=303, headers={"Location": "/there"})
    with fetcher(tmp_path).stream("POST", httpserver.url_for("/"), body=b"q") as stream:
        assert (stream.status, stream.headers["Location"], b"".join(stream.chunks)) == (303, "/there", b"over there")


def test_a_stream_is_handed_on_as_sent(tmp_path, httpserver: HTTPServer):
    packed = gzip.compress(b"stars" * 1000)
    httpserver.expect_request("/", method="POST").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    with fetcher(tmp_path).stream("POST", httpserver.url_for("/"), body=b"q") as stream:
        assert stream.status == 200
        assert b"".join(stream.chunks) == packed


def test_what_the_settings_themselves_name_is_reached_without_listing_its_network(tmp_path, httpserver: HTTPServer):
    httpserver.expect_request("/v2/").respond_with_data("{}")
    here = f"{httpserver.host}:{httpserver.port}"
    assert fetcher(tmp_path, allowed_networks=[], repository=here).get(f"http://{here}/v2/").status == 200
    with pytest.raises(AddressRefused):
        fetcher(tmp_path, allowed_networks=[], repository="127.0.0.1:5000").get(f"http://{here}/v2/")


def test_a_certificate_is_held_to_the_name_and_not_to_the_address(tmp_path, monkeypatch):
    """Over TLS a host is who its certificate says, with the name that was asked for."""
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key", "-out", tmp_path / "crt"]
    subprocess.run(request, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/").respond_with_data("here")
        trusting = fetcher(tmp_path, allowed_networks=["127.0.0.0/8"])
        with pytest.raises(FetchError, match="vouches for its certificate"):
            trusting.get(server.url_for("/"))
        trusting._session.verify = str(tmp_path / "crt")
        assert trusting.get(server.url_for("/")).body == b"here"
        with pytest.raises(FetchError, match="vouches for its certificate"):
            trusting.get(server.url_for("/").replace("localhost", "127.0.0.1"))


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_headers_that_never_end_end_at_the_deadline(tmp_path, tls: bool, head: bytes):
    """A byte now and then keeps a connection from falling silent; the whole request has its time all the same."""
    server, stop = socket.create_server(("127.0.0.1", 0)), threading.Event()
    context = None
    if tls:
        request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key", "-out", tmp_path / "crt"]
        subprocess.run(request, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "crt", tmp_path / "key")

    def drip() -> None:
        plain, _ = server.accept()
        with contextlib.suppress(OSError), (context.wrap_socket(plain, server_side=True) if context else plain) as connection:
            connection.recv(4096)
            connection.sendall(head or b"H")
            while not stop.wait(0.1):
                connection.sendall(b"a")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    asking = fetcher(tmp_path, fetch_timeout=1, fetch_deadline=1)
    asking._session.verify = str(tmp_path / "crt")
    with pytest.raises(Unreachable, match="did not answer in time"):
        asking.get(f"http{'s' if tls else ''}://127.0.0.1:{server.getsockname()[1]}/")
    stop.set()
    thread.join(10)
    server.close()
    assert not thread.is_alive()
