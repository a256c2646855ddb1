"""A token service of the tests' own: gives docker-registry the tokens that it believes, to those who log in.

The key was made for these tests and opens nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIICljCCAX4CAQEwDQYJKoZIhvcNAQELBQAwEDEOMAwGA1UEAwwFdGVzdHMwIBcN
MjAwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBaMBAxDjAMBgNVBAMMBXRlc3Rz
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAl9Cg0UNg4b+TVXeZGa9J
BSR+303N32QFPlDGVVgtJ9hJ6Vo+jN8n0PjufuiYTWZs882osowsaPZ7SXc5x5HM
jyg7ps7ej7Ojc9iW8VWm4uSS/e8ziaEddnUxkFtJ+uujBgPA8pCxytBuzpFCn9fa
g3SIs+zwu2ddElk8cP6Sv+WUA/2/UtoEIlbPoH0/28rQzNDY8CkBO6kNfVypJas/
v2YJwSdqfvnIG0yT+9umf9mP4JaqinL/pI9XZBC9RyKxXO5oACYxK0bMBxQ9loUb
fmH2E8FB2/HKCpQQ/blIhAmRsXdnFrUqjBHO8TFyBMhEZAjap4vafLkiMLKNWGiZ
IwIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQB1uv7x7g/LiMj3rN5uFpe/8Q7zbO8v
ef8VYVqQmIKNv2eMyyafB+K8c3o2OrqOWNmA8MyNgZMLvalVfd20tk3t63wCUEB9
MvTd97vY3ZgmVms8mUqY+0M0Iv4jtGkcJu0gt3buyjXOGBRpifW1QQA2RtK7Y4il
lXpKr6x/pzRVqnQa9vcg6xoezCVuNC3wD2f4Z4ZZ9Vz5S/snLy5pdHt8bVsQxl7m
Kb4jZAOZ/1OLUBJmPsk7YW9JmpgM8j3Od8o8zR0LA/TygRYZB967k6InHg6Cw5Ni
SaReKZHO56evvZq2AvZXYwJ4DzP3ywysbTM+2AckR5dNWgMOtqV4ZmkU
-----END CERTIFICATE-----
"""
_MODULUS = int(
    "97d0a0d14360e1bf9355779919af4905247edf4dcddf64053e50c655582d27d849e95a3e8cdf27d0f8ee7ee8984d666cf3cd"
    "a8b28c2c68f67b497739c791cc8f283ba6cede8fb3a373d896f155a6e2e492fdef3389a11d767531905b49faeba30603c0f2"
    "90b1cad06ece91429fd7da837488b3ecf0bb675d12593c70fe92bfe59403fdbf52da042256cfa07d3fdbcad0ccd0d8f02901"
    "3ba90d7d5ca925ab3fbf6609c1276a7ef9c81b4c93fbdba67fd98fe096aa8a72ffa48f576410bd4722b15cee680026312b46"
    "cc07143d96851b7e61f613c141dbf1ca0a9410fdb948840991b1776716b52a8c11cef1317204c8446408daa78bda7cb92230"
    "b28d58689923", 16)
_PRIVATE = int(
    "164d9412aa2f657adb8e46cfbb32412bfc3c9759bad102c4b26ef3743e4c03fa86813dbccabd4e002952005af3650b931e0e"
    "2ca66e6967d22e3290cd70403f2918e40a9181a8e2df3479b1532b1e255f27291f271725104b02d4913c9815c0e06655ced6"
    "d3e30ac4ac42b49c71172906feebc6631ccaab58c5054f17da8e7c9a67a198cac8c85008cda64b50c4533c4e0e80494fa581"
    "9cd4af8cc80309cf5d691e6750bd2e011ef670f8df1828af66e3c8a9fca89906523a32cd40e213778fd316ee8343585a88cd"
    "2f734b8ba0fd6d2d81ad710f49f3539df50a85076f97c3e3ffc8238a55fa2d03df9ffd499a0dd298d1f1036662a6ffc0a45d"
    "76da2d8c5f61", 16)
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of RFC 8017 §9.2
NAME, PASSWORD = "robot", "star light"


class TokenService(ThreadingHTTPServer):
    """Answers /token; `asked` are the scopes it was asked for, `lifetime` what its tokens are good for, in seconds."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.lifetime = 300

    @property
    def realm(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"

    def configuration(self, folder: Path) -> str:
        """What docker-registry has to be told (YAML)."""
        bundle = folder / "tokens.pem"
        bundle.write_text(CERTIFICATE)
        return (f"auth:\n  token:\n    realm: {self.realm}\n    service: tests\n    issuer: tests\n"
                f"    rootcertbundle: {bundle}\n")

    def token(self, scopes: list[str]) -> str:
        """A token for these scopes, signed (RS256)."""
        der = "".join(CERTIFICATE.strip().splitlines()[1:-1])
        access = []
        for kind, name, actions in map(_split, scopes):
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        now = int(time.time())
        claims = {"iss": "tests", "sub": NAME, "aud": "tests", "exp": now + self.lifetime, "nbf": now - 60, "iat": now,
                  "jti": str(now), "access": access}
        text = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'x5c': [der]})}.{_part(claims)}"
        digest = _SHA256 + hashlib.sha256(text.encode()).digest()
        padded = b"\x00\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\x00" + digest
        signed = pow(int.from_bytes(padded, "big"), _PRIVATE, _MODULUS).to_bytes(256, "big")
        return f"{text}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


class _Handler(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        wanted = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        scopes = parse_qs(urlsplit(self.path).query).get("scope", [])
        right = self.headers.get("Authorization") == f"Basic {wanted}"
        self.server.asked += scopes
        document: dict[str, Any] = {"token": self.server.token(scopes), "expires_in": self.server.lifetime} if right else {}
        body = json.dumps(document).encode()
        self.send_response(200 if right else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def running() -> Iterator[TokenService]:
    """The service, until it is left."""
    service = TokenService()
    thread = threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


def _split(scope: str) -> tuple[str, str, str]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return kind, name, actions


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
