"""Attempts at the network: other places, other jobs, and the gateway. Each gives back what it got, '' for nothing."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS = 1.5  # for one connection: what is dropped answers nothing


def reached(places: list[tuple[str, int]]) -> str:
    """Which of these (address, port) take a connection."""
    found = []
    for address, port in places:
        try:
            with socket.create_connection((address, port), SECONDS):
                found.append(f"{address}:{port}")
        except OSError:
            continue
    return " ".join(found)


def metadata(targets: dict[str, Any]) -> str:
    return reached([("169.254.169.254", targets["listener"]), ("169.254.169.254", 80)])


def metadata_by_ipv6(targets: dict[str, Any]) -> str:
    return reached([("fd00:ec2::254", targets["listener"]), ("fd00:ec2::254", 80)])


def the_engines_bridge(targets: dict[str, Any]) -> str:
    return reached([(targets["docker0"], targets["listener"])])


def ports_of_the_host(targets: dict[str, Any]) -> str:
    """A listener on all addresses, by each of the host's addresses."""
    return reached([(address, targets["listener"]) for address in targets["host"]])


def what_listens_on_loopback(targets: dict[str, Any]) -> str:
    return reached([(address, port) for address in ("127.0.0.1", "::1", "localhost") for port in targets["loopback"]])


def loopback_by_the_gateways_address(targets: dict[str, Any]) -> str:
    return reached([(targets["gateway"], port) for port in targets["loopback"]])


def another_job(targets: dict[str, Any]) -> str:
    """One that listens on the same network, by address and by name."""
    return reached([(address, targets["neighbour_port"]) for address in targets["neighbour"]])


def the_world(targets: dict[str, Any]) -> str:
    return reached([("192.0.2.1", 80), (targets["world"], targets["listener"])])


def names_of_the_world(targets: dict[str, Any]) -> str:
    """A question to the resolver that the container has: an answer, or a question that was passed on, is a way out."""
    answers = []
    lines = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
    for server in {line[1] for line in lines if line[:1] == ["nameserver"]}:
        question = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\x06stolen\x07example\x00" + struct.pack("!2H", 1, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(SECONDS)
            try:
                client.sendto(question, (server, 53))
                answer = client.recv(512)
            except OSError:
                continue
            if answer[3] & 15 == 0 and answer[6:8] != b"\0\0":
                answers.append(server)
    return " ".join(answers)


def raw_sockets(targets: dict[str, Any]) -> str:
    found = []
    for family, protocol in ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET, 255), (socket.AF_PACKET, 3)):
        try:
            socket.socket(family, socket.SOCK_RAW, protocol).close()
            found.append(f"{family.name} {protocol}")
        except OSError:
            continue
    return " ".join(found)


def a_port_of_the_hosts(targets: dict[str, Any]) -> str:
    """To sit on a port of the network namespace that others ask: only where it is the host's."""
    with socket.socket() as server:
        try:
            server.bind(("127.0.0.1", targets["loopback"][0]))
        except OSError as error:
            return "the host's loopback" if error.errno == 98 else ""
    return ""


def the_machine_below(targets: dict[str, Any]) -> str:
    """The hypervisor, where the host is a virtual machine."""
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as client:
        client.settimeout(SECONDS)
        client.connect((2, targets["listener"]))
    return "the hypervisor"


def asked(targets: dict[str, Any], target: str, token: str, method: str = "GET", host: str = "") -> tuple[int, bytes]:
    """Status and body of a request whose target is sent as it is."""
    with socket.create_connection((targets["gateway"], targets["gateway_port"]), 10) as client:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or 'dc.internal'}", "Connection: close"]
        lines += [f"Authorization: Bearer {token}"] if token else []
        client.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1]), answer


def own_token() -> str:
    return Path(os.environ.get("JOB_DIR", "/job"), "token").read_text().strip()


def route(targets: dict[str, Any]) -> str:
    """The path of an API at the gateway: one of the job's own, or another job's."""
    apis = json.loads(Path(os.environ.get("DATACENTER_DIR", "/datacenter"), "apis.json").read_text())
    text = json.dumps(apis)
    marker = f":{targets['gateway_port']}/"
    return "/" + text.split(marker, 1)[1].split('"', 1)[0] if marker in text else targets["route"]


def the_jobs_own_api(targets: dict[str, Any]) -> str:
    """What it may have: to be there on dc, else all other answers of the gateway would prove nothing."""
    status, _ = asked(targets, route(targets), own_token())
    return f"status {status}" if status < 400 else ""


def gateway_without_a_token(targets: dict[str, Any]) -> str:
    status, _ = asked(targets, route(targets), "")
    return f"status {status}" if status < 400 else ""


def gateway_with_anothers_token(targets: dict[str, Any]) -> str:
    """The token of a job that has ended, of one that runs and has no such API, and made-up ones."""
    near = own_token()[:-1] + ("A" if own_token()[-1] != "A" else "B")
    tokens = [*targets["tokens"], "0" * 43, "null", "*", near, "' OR '1'='1"]
    found = [f"{token[:6]} {status}" for token in tokens if (status := asked(targets, route(targets), token)[0]) < 400]
    return " ".join(found)


def gateway_beside_the_path(targets: dict[str, Any]) -> str:
    """With the right token: other paths of the service, other hosts, other methods of forwarding."""
    own, loopback = route(targets).partition("?")[0], targets["loopback"][0]
    name = own.split("/")[1]
    tricks = [
        f"{own}/../capabilities", f"{own}/%2e%2e/capabilities", f"{own}/..%2fcapabilities", f"{own}/..;/capabilities",
        f"{own}//../capabilities", f"/{name}/../{name}", f"/{name}", f"/{name}/", f"/{name}/stars/capabilities",
        f"/{name}//capabilities", f"{own}/%252e%252e/capabilities", f"{own}/.%2e/tables", f"{own}%00",
        f"{own}/\\..\\tables",
        f"/{name}@127.0.0.1:{loopback}/", f"//127.0.0.1:{loopback}/", f"http://127.0.0.1:{loopback}/readyz", "*", "/",
        f"/0000000000000000{own[17:]}", "/readyz", "/admin/", f"/{name}/http://127.0.0.1:{loopback}/",
        f"{own}/%c0%ae%c0%ae/capabilities", f"{own}/\u2025/capabilities".encode().decode("latin-1"),
    ]
    found = []
    for trick in tricks:
        try:
            status, _ = asked(targets, trick, own_token())
        except OSError:
            continue
        if status < 400:
            found.append(f"{trick} {status}")
    for method, target in (("CONNECT", f"127.0.0.1:{loopback}"), ("TRACE", own), ("PUT", "/"), ("GET", "/readyz")):
        status, _ = asked(targets, target, own_token(), method, f"127.0.0.1:{loopback}")
        found += [f"{method} {status}"] if status < 400 else []
    return " ".join(found)


def gateway_smuggling(targets: dict[str, Any]) -> str:
    """Two requests in one, for servers that count differently."""
    inner = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{targets['loopback'][0]}\r\n\r\n"
    head = f"POST {route(targets)} HTTP/1.1\r\nHost: dc.internal\r\nAuthorization: Bearer {own_token()}\r\n"
    found = []
    for lengths in ("Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 0\r\nContent-Length: 60",
                    "Transfer-Encoding: chunked, identity", "Transfer-Encoding : chunked"):
        with socket.create_connection((targets["gateway"], targets["gateway_port"]), 10) as client:
            client.sendall(f"{head}{lengths}\r\nConnection: close\r\n\r\n0\r\n\r\n{inner}".encode())
            client.settimeout(10)
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        if b"ready" in answer.lower():
            found.append(lengths)
    return " ".join(found)


ATTEMPTS: dict[str, Callable[[dict[str, Any]], str]] = {function.__name__: function for function in (
    metadata, metadata_by_ipv6, the_engines_bridge, ports_of_the_host, what_listens_on_loopback,
    loopback_by_the_gateways_address, another_job, the_world, names_of_the_world, raw_sockets, a_port_of_the_hosts,
    the_machine_below, the_jobs_own_api, gateway_without_a_token, gateway_with_anothers_token, gateway_beside_the_path,
    gateway_smuggling,
)}
