"""What passes the gateway and what does not, against a real backend."""

from __future__ import annotations

import socket
import threading

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from registry.services import credentials
from tests.gateway.conftest import CONE, Gateway, add_job, capability, publish_service, set_phase
from vosi import capabilities as documents

VOSI = "ivo://ivoa.net/std/VOSI#capabilities"


def sentence(response) -> str:
    assert response.headers["Content-Type"].startswith("text/plain")
    text = response.text.strip()
    assert text.endswith(".") and "\n" not in text and "Traceback" not in text
    return text


def test_a_declared_api_answers(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs", query_string="RA=1&DEC=2&SR=%20.5").respond_with_data(
        b"<VOTABLE/>", content_type="text/xml")
    (route,) = gateway.routes()
    answer = gateway.ask(f"{route.gateway_url}?RA=1&DEC=2&SR=%20.5")
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"<VOTABLE/>", "text/xml")


def test_status_and_body_of_a_refusal_pass(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs").respond_with_data("no such catalogue", status=404)
    answer = gateway.ask(gateway.routes()[0].gateway_url)
    assert (answer.status_code, answer.text) == (404, "no such catalogue")


def test_a_post_and_its_body_pass(gateway: Gateway, api: HTTPServer):
    seen = []
    api.expect_request("/cat/scs/sync", method="POST").respond_with_handler(
        lambda request: seen.append((request.get_data(), request.headers.get("Transfer-Encoding"))) or Response("done"))
    body = b"QUERY=" + b"x" * 300_000
    answer = gateway.ask(f"{gateway.routes()[0].gateway_url}/sync", "POST", data=body,
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.text == "done"
    assert seen == [(body, None)]


def test_an_empty_post_and_a_head_pass(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs", method="POST").respond_with_data("ok")
    api.expect_request("/cat/scs", method="HEAD").respond_with_data("12345")
    url = gateway.routes()[0].gateway_url
    assert gateway.ask(url, "POST").text == "ok"
    head = gateway.ask(url, "HEAD")
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "5", b"")


def test_who_shows_no_token_or_a_wrong_one_is_turned_away(gateway: Gateway, api: HTTPServer):
    url = gateway.routes()[0].gateway_url
    for headers in ({"Authorization": ""}, {"Authorization": "Basic am9iOng="}, {"Authorization": "Bearer wrong"},
                    {"Authorization": "Bearer "}, {"Authorization": "Bearer \xfc"}):
        answer = gateway.ask(url, headers=headers)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
        sentence(answer)
    assert api.log == []


@pytest.mark.parametrize("phase", ["COMPLETED", "ERROR", "ABORTED"])
def test_the_token_ends_with_the_job(gateway: Gateway, api: HTTPServer, phase: str):
    api.expect_request("/cat/scs").respond_with_data("ok")
    url = gateway.routes()[0].gateway_url
    assert gateway.ask(url).status_code == 200
    set_phase(gateway.site, phase)
    assert gateway.ask(url).status_code == 401


def test_what_is_not_declared_is_closed(gateway: Gateway, api: HTTPServer):
    publish_service(gateway.site, "tap", capability(api.url_for("/tap"), standard_id="ivo://ivoa.net/std/TAP"))
    (tap,) = gateway.routes("ivo://ivoa.net/std/TAP")
    answer = gateway.ask(tap.gateway_url)
    assert answer.status_code == 403 and "did not declare" in sentence(answer)
    add_job(gateway.site, "other", ["ivo://ivoa.net/std/TAP"], name="job2")
    api.expect_request("/tap").respond_with_data("tap")
    assert gateway.ask(tap.gateway_url, token="other").text == "tap"
    assert gateway.ask(gateway.routes()[0].gateway_url, token="other").status_code == 403


@pytest.mark.parametrize("target", [
    "/{id}/cat/scs/../../admin", "/{id}/cat/scs/%2e%2e/%2e%2e/admin", "/{id}/cat/scs/..%2f..%2fadmin", "/{id}/admin",
    "/{id}",
    "/{id}/cat/scs/..;/admin", "/{id}/cat/scs/%252e%252e/admin", "//{id}/cat/scs", "/{id}//cat/scs",
    "http://127.0.0.1:1/{id}/cat/scs", "/", "/healthz", "/{id}@evil.example/",
])
def test_no_trick_reaches_the_backend(gateway: Gateway, api: HTTPServer, target: str):
    (route,) = gateway.routes()
    status, answer = gateway.raw(target.replace("{id}", route.id))
    assert status in (400, 403), answer
    assert api.log == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(gateway: Gateway, api: HTTPServer, method: str):
    answer = gateway.ask(gateway.routes()[0].gateway_url, method)
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD, POST"
    assert api.log == []


def seen_headers(api: HTTPServer) -> dict[str, str]:
    return {name.lower(): value for name, value in api.log[-1][0].headers.items()}


def test_the_jobs_credentials_and_claims_stay_behind(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs").respond_with_data("ok")
    gateway.ask(gateway.routes()[0].gateway_url, headers={
        "Cookie": "session=1", "X-Remote-User": "root", "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1",
        "Connection": "close, X-Extra", "X-Extra": "1", "TE": "trailers", "Accept": "application/x-votable+xml",
        "Proxy-Authorization": "Basic eDp5", "Range": "bytes=0-9", "User-Agent": "job/1",
    })
    seen = seen_headers(api)
    assert not {"authorization", "cookie", "x-remote-user", "x-forwarded-for", "forwarded", "x-extra", "te",
                "proxy-authorization"} & set(seen)
    assert (seen["accept"], seen["range"], seen["user-agent"]) == ("application/x-votable+xml", "bytes=0-9", "job/1")
    assert gateway.token not in str(seen)


def test_the_sites_credential_goes_along_to_its_own_service_only(gateway: Gateway, api: HTTPServer):
    other = publish_service(gateway.site, "more", capability(api.url_for("/more")))
    credentials.set_bearer(gateway.site, other, "site-secret")
    api.expect_request("/cat/scs").respond_with_data("ok")
    api.expect_request("/more").respond_with_data("ok")
    more, stars = sorted(gateway.routes(), key=lambda route: route.endpoint.ivoid)
    gateway.ask(stars.gateway_url)
    assert "authorization" not in seen_headers(api)
    gateway.ask(more.gateway_url)
    assert seen_headers(api)["authorization"] == "Bearer site-secret"


def test_an_api_that_wants_a_credential_says_so_to_the_operator(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs").respond_with_data("who?", status=401, headers={"WWW-Authenticate": "Basic realm=x"})
    answer = gateway.ask(gateway.routes()[0].gateway_url)
    assert answer.status_code == 502 and "registry api credential" in sentence(answer)
    assert "WWW-Authenticate" not in answer.headers


def test_cookies_of_the_api_stay_with_the_site(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs").respond_with_data("ok", headers={"Set-Cookie": "a=b", "ETag": '"1"', "X-Note": "n"})
    url = gateway.routes()[0].gateway_url
    answer = gateway.ask(url)
    assert "Set-Cookie" not in answer.headers and answer.headers["ETag"] == '"1"' and answer.headers["X-Note"] == "n"
    gateway.ask(url)
    assert "cookie" not in seen_headers(api)


def test_a_body_is_not_packed_unless_the_job_asks(gateway: Gateway, api: HTTPServer):
    api.expect_request("/cat/scs").respond_with_handler(lambda r: Response(r.headers.get("Accept-Encoding", "none")))
    url = gateway.routes()[0].gateway_url
    _, answer = gateway.raw(url.removeprefix(f"http://{gateway.address}"))
    assert answer.endswith(b"\r\n\r\nidentity")
    assert gateway.ask(url, headers={"Accept-Encoding": "gzip"}).text == "gzip"


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("location", "expected"), [
    ("/cat/scs/async/1", "{url}/async/1"),
    ("scs/async/1?x=1", "{url}/async/1?x=1"),
    ("{api}/cat/scs", "{url}"),
])
def test_a_redirect_within_the_api_leads_through_the_gateway(
    gateway: Gateway, api: HTTPServer, location: str, expected: str,
):
    location = location.replace("{api}", api.url_for("").rstrip("/"))
    api.expect_request("/cat/scs").respond_with_data("", status=303, headers={"Location": location})
    url = gateway.routes()[0].gateway_url
    answer = gateway.ask(url)
    assert (answer.status_code, answer.headers["Location"]) == (303, expected.replace("{url}", url))


@pytest.mark.parametrize("location", [
    "http://evil.example/cat/scs", "/admin", "//evil.example/cat/scs", "/cat/scs/../../admin", "/cat/scs/%2e%2e/admin",
    "http://127.0.0.1:1/cat/scs", "file:///etc/passwd", "/cat/scs/..%2fadmin",
])
def test_a_redirect_elsewhere_is_refused(gateway: Gateway, api: HTTPServer, location: str):
    api.expect_request("/cat/scs").respond_with_data("", status=302, headers={"Location": location})
    answer = gateway.ask(gateway.routes()[0].gateway_url)
    assert answer.status_code == 502 and "outside" in sentence(answer)
    assert "Location" not in answer.headers


def test_a_redirect_to_another_declared_api_is_followed_there(gateway: Gateway, api: HTTPServer):
    publish_service(gateway.site, "more", capability(api.url_for("/more")))
    api.expect_request("/cat/scs").respond_with_data("", status=302, headers={"Location": "/more/x"})
    more, stars = sorted(gateway.routes(), key=lambda route: route.endpoint.ivoid)
    assert gateway.ask(stars.gateway_url).headers["Location"] == f"{more.gateway_url}/x"


def vosi(api: HTTPServer) -> bytes:
    return documents.write([
        capability(api.url_for("/cat/capabilities"), standard_id=VOSI, use="full"),
        capability(api.url_for("/cat/scs")), capability(api.url_for("/secret"), standard_id="ivo://ivoa.net/std/TAP")])


def test_a_capabilities_document_names_the_gateways_addresses(gateway: Gateway, api: HTTPServer):
    described = capability(api.url_for("/cat/capabilities"), standard_id=VOSI, use="full")
    publish_service(gateway.site, "described", described)
    add_job(gateway.site, gateway.token, [CONE, VOSI])
    api.expect_request("/cat/capabilities").respond_with_data(
        vosi(api), content_type="text/xml", headers={"ETag": '"1"'})
    cone, document = gateway.routes(CONE, VOSI)
    answer = gateway.ask(document.gateway_url)
    found = {c.standard_id: c.interfaces[0].access_url for c in documents.read(answer.content).capabilities}
    assert found == {
        VOSI: document.gateway_url, CONE: cone.gateway_url, "ivo://ivoa.net/std/TAP": api.url_for("/secret")}
    assert "ETag" not in answer.headers and int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize(("body", "kind"), [
    (b"<html><body>x", "text/xml"), (b"not xml", "text/xml"), (b"<a/>", "application/json")])
def test_what_only_sits_at_such_an_address_passes_as_it_is(gateway: Gateway, api: HTTPServer, body: bytes, kind: str):
    api.expect_request("/cat/scs/capabilities").respond_with_data(body, content_type=kind)
    assert gateway.ask(gateway.routes()[0].gateway_url + "/capabilities").content == body


# --- streams and faults -----------------------------------------------------------------------------------------------


def test_a_body_streams_before_it_is_whole(gateway: Gateway, api: HTTPServer):
    go_on = threading.Event()

    def parts(_: Request) -> Response:
        def body():
            yield b"first"
            assert go_on.wait(10)
            yield b"second"
        return Response(body())

    api.expect_request("/cat/scs").respond_with_handler(parts)
    token = {"Authorization": f"Bearer {gateway.token}"}
    with requests.get(gateway.routes()[0].gateway_url, headers=token, stream=True, timeout=10) as answer:
        chunks = answer.iter_content(None)
        assert next(chunks) == b"first"
        go_on.set()
        assert b"".join(chunks) == b"second"


@pytest.mark.parametrize("head", [
    "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "Content-Length: 10\r\n\r\nfirst"])
def test_a_body_that_breaks_off_is_not_taken_for_a_short_one(gateway: Gateway, head: str):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        publish_service(gateway.site, "broken", capability(f"http://127.0.0.1:{listening.getsockname()[1]}/scs"))

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(f"HTTP/1.1 200 OK\r\n{head}".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(requests.RequestException):
            gateway.ask(gateway.routes()[0].gateway_url)
        thread.join()


def test_a_dead_api_is_a_sentence(gateway: Gateway, site):
    publish_service(site, "dead", capability("http://127.0.0.1:9/scs"))
    answer = gateway.ask(gateway.routes()[0].gateway_url)
    assert answer.status_code == 502
    sentence(answer)


def test_a_network_that_is_not_allowed_stays_closed(gateway: Gateway, site):
    publish_service(site, "metadata", capability("http://169.254.169.254/latest"))
    answer = gateway.ask(gateway.routes()[0].gateway_url)
    assert answer.status_code == 502 and "allowed_networks" in sentence(answer)


def test_a_silent_database_is_a_503(gateway: Gateway, api: HTTPServer, monkeypatch):
    from sqlalchemy.exc import OperationalError

    url = gateway.routes()[0].gateway_url

    def down(*_):
        raise OperationalError("select", {}, Exception("down"))

    monkeypatch.setattr("registry.gateway.forward.permit", down)
    answer = gateway.ask(url)
    assert answer.status_code == 503 and "database" in sentence(answer) and "Retry-After" in answer.headers
