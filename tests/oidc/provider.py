"""A small OpenID Connect provider of our own, strict where the standards are and faulty where a test tells it to be.

It logs in `claims` at once, holds a code to its PKCE challenge, client secret and redirect address, and gives it out once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "inner-space", "s3cret/of+the client"


class Provider:
    """What it says and does; a test changes what it likes."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key: Any = ECKey.generate_key("P-256", {"kid": "first"})
        self.claims: dict[str, Any] = {"sub": "0815", "preferred_username": "lee"}
        self.metadata: dict[str, Any] = {}  # said besides, or instead
        self.twist: Callable[[dict[str, Any]], dict[str, Any]] = dict  # what is done to the ID token's claims
        self.sign: Callable[[dict[str, Any]], str] = self.signed
        self.answer: dict[str, str] = {}  # goes back beside the code, or instead
        self.userinfo: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.instead: dict[str, Callable[[], Any]] = {}  # path -> another answer

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def rotate(self) -> None:
        """Sign with another key from now on, and know the old one no more."""
        self.key = ECKey.generate_key("P-256", {"kid": "second"})

    def app(self) -> Flask:
        app = Flask(__name__)

        @app.before_request
        def _seen() -> Any:
            self.asked.append(request.path)
            return self.instead[request.path]() if request.path in self.instead else None

        app.add_url_rule("/.well-known/openid-configuration", "metadata", self._metadata)
        app.add_url_rule("/keys", "keys", lambda: jsonify(KeySet([self.key]).as_dict(private=False)))
        app.add_url_rule("/authorize", "authorize", self._authorize)
        app.add_url_rule("/consent", "consent", self._authorize)
        app.add_url_rule("/token", "token", self._token, methods=["POST"])
        app.add_url_rule("/userinfo", "userinfo", lambda: jsonify({"sub": self.claims["sub"], **self.userinfo}))
        return app

    def _metadata(self) -> Response:
        return jsonify({
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo", "end_session_endpoint": f"{self.issuer}/leave", **self.metadata})

    def _authorize(self) -> Any:
        asked = request.args.to_dict()
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT and "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        back = {"state": asked["state"], "code": code, **self.answer}
        return redirect(f"{asked['redirect_uri']}?{urlencode({name: value for name, value in back.items() if value})}")

    def _token(self) -> Any:
        form = request.form
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if asked is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"] \
                or form["redirect_uri"] != asked["redirect_uri"]:
            return jsonify(error="invalid_grant"), 400
        given = request.authorization
        if given is None or (given.username, given.password) != (CLIENT, SECRET):
            return jsonify(error="invalid_client"), 401
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims}
        return jsonify(access_token="an-access-token", token_type="Bearer", expires_in=300,
                       id_token=self.sign(self.twist(claims)))


def unsigned(claims: dict[str, Any]) -> str:
    """An ID token of the algorithm `none`."""
    return ".".join(map(_part, ({"alg": "none", "typ": "JWT"}, claims))) + "."


def by_public_key(key: Any) -> Callable[[dict[str, Any]], str]:
    """Signed by HMAC whose secret is the provider's public key: whoever reads that could do it."""
    def sign(claims: dict[str, Any]) -> str:
        text = ".".join(map(_part, ({"alg": "HS256", "kid": key.kid, "typ": "JWT"}, claims)))
        mac = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return sign


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_a_stranger(claims: dict[str, Any]) -> str:
    """Signed by a key that the provider does not have, under the name of one that it has."""
    return jwt.encode({"alg": "ES256", "kid": "first"}, claims, ECKey.generate_key("P-256"))


def by(key: ECKey) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)


def by_rsa(key: RSAKey) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)
