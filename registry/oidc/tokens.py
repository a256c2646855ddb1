"""The dance itself: where a browser is sent, what its code is exchanged for, and whether the ID token proves who it is.

The only module that needs the extra `oidc` (Authlib and joserfc), so it is imported when somebody logs in by the
provider and not before. It knows no account; what it sends goes by the guarded way out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import JWKRegistry, Key, KeySet

from registry.errors import Refusal
from registry.fetch import Fetcher, Reply
from registry.oidc.discovery import LIMIT, Metadata, Words
from registry.oidc.errors import AnswerRefused, ProviderFault

# only those whose keys are public: with the others whoever reads our key could sign (and `none` is no signature)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_LONGEST = 64 * 1024  # characters of an ID token
_KEY_TYPES = frozenset({"RSA", "EC", "OKP"})
_FAULTS = {
    "iss": "it is another issuer's", "aud": "it is meant for another client", "azp": "it is meant for another client",
    "nonce": "it answers another log-in", "iat": "it is from the future: the clocks differ",
    "nbf": "it is not good yet: the clocks differ", "at_hash": "it belongs to another access token",
}


@dataclass(frozen=True)
class Dance:
    """What one log-in needs to be the same at its end as at its beginning."""

    state: str
    nonce: str
    verifier: str


def address(words: Words, dance: Dance, redirect_uri: str) -> str:
    """Where the browser is sent: authorization code with PKCE (S256), state and nonce."""
    found, _ = _client(words, words.metadata(), "", redirect_uri).create_authorization_url(
        words.metadata().authorization_endpoint, state=dance.state, code_verifier=dance.verifier, nonce=dance.nonce)
    return str(found)


def claims(words: Words, dance: Dance, code: str, redirect_uri: str, secret: str) -> dict[str, Any]:
    """What the provider vouches for about whoever brought this code: the claims of a checked ID token, with userinfo's.

    Raises ProviderFault, AnswerRefused.
    """
    metadata = words.metadata()
    given = _exchanged(words, metadata, dance, code, redirect_uri, secret)
    token, access_token = given.get("id_token"), given.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST:
        raise ProviderFault(f"{words.provider.name} gives no ID token for the code.")
    access_token = access_token if isinstance(access_token, str) else ""
    checked = _checked(words, token, dance.nonce, access_token)
    return {**_userinfo(words, metadata, checked, access_token), **checked}


def usable(words: Words) -> bool:
    """Whether one of the provider's keys is of a kind that ID tokens can be held to. Raises ProviderFault."""
    return bool(_keys(words.keys()))


def _client(words: Words, metadata: Metadata, secret: str, redirect_uri: str) -> OAuth2Client:
    method = "none"
    if secret:
        basic = "client_secret_basic" in metadata.auth_methods or "client_secret_post" not in metadata.auth_methods
        method = "client_secret_basic" if basic else "client_secret_post"
    return OAuth2Client(
        session=_Sender(words.fetcher), client_id=words.provider.client_id, client_secret=secret or None,
        token_endpoint_auth_method=method, scope=" ".join(words.provider.scopes), redirect_uri=redirect_uri,
        code_challenge_method="S256")


def _exchanged(
    words: Words, metadata: Metadata, dance: Dance, code: str, redirect_uri: str, secret: str,
) -> dict[str, Any]:
    client = _client(words, metadata, secret, redirect_uri)
    name = words.provider.name
    try:
        return dict(client.fetch_token(metadata.token_endpoint, code=code, code_verifier=dance.verifier,
                                       grant_type="authorization_code"))
    except OAuth2Error as error:
        if error.error == "invalid_grant":
            raise AnswerRefused(f"{name} does not know that log-in any more (it was used, or took too long): "
                                "log in again.") from None
        raise ProviderFault(f"{name} gives no token ({str(error.error)[:60]}): an administrator must look at the "
                            "client's name and secret there.") from None
    except Refusal as error:
        raise ProviderFault(f"{name} cannot be asked: {error}") from None
    except (ValueError, TypeError):
        raise ProviderFault(f"{name} does not answer with a token as OAuth 2 says.") from None


class _Sender:
    """What Authlib takes for a session: it sends by the guarded way out."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any) -> _Answer:
        """Send a form, with the client's authentication in it or beside it."""
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Answer(self._fetcher.post(url, body.encode(), headers=headers, limit=LIMIT))


class _Answer:
    """A reply as Authlib reads it."""

    def __init__(self, reply: Reply) -> None:
        self.status_code = reply.status
        self._body = reply.body

    def json(self) -> Any:
        """Raises ValueError."""
        try:
            return json.loads(self._body)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def raise_for_status(self) -> None:
        """Raises ValueError for a status that is none of success."""
        if self.status_code >= 400:
            raise ValueError(f"status {self.status_code}")


# --- the ID token -----------------------------------------------------------------------------------------------------
def _checked(words: Words, token: str, nonce: str, access_token: str) -> dict[str, Any]:
    """Its claims, where signature, issuer, audience, times and nonce are right (OpenID Connect Core 3.1.3.7)."""
    name, client_id = words.provider.name, words.provider.client_id
    try:
        signed = _signed(words, token)
        found = CodeIDToken(
            signed.claims, signed.header,
            {"iss": {"essential": True, "value": words.provider.issuer}, "sub": {"essential": True},
             "aud": {"essential": True, "value": client_id}},
            {"nonce": nonce, "client_id": client_id, "access_token": access_token or None})
        found.validate(leeway=words.provider.skew)
    except ExpiredTokenError:
        raise AnswerRefused(f"The ID token of {name} has expired, or the clocks differ: log in again.") from None
    except (InvalidClaimError, MissingClaimError) as error:
        claim = str(getattr(error, "claim", "") or "")
        why = _FAULTS.get(claim, f"its claim {claim[:40] or '?'} is missing or not right")
        raise AnswerRefused(f"The ID token of {name} is refused: {why}.") from None
    except (JoseError, ValueError, TypeError, KeyError):
        raise AnswerRefused(f"The ID token of {name} is refused: its signature is not one of that provider's keys.") from None
    return dict(found)


def _signed(words: Words, token: str) -> jwt.Token:
    """The token with its signature checked; with keys asked for anew where those that are kept do not fit."""
    try:
        return jwt.decode(token, _keys(words.keys()), algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        return jwt.decode(token, _keys(words.keys(anew=True)), algorithms=ALGORITHMS)


def _keys(found: list[dict[str, Any]]) -> KeySet:
    return KeySet([key for one in found if (key := _key(one))])


def _key(said: dict[str, Any]) -> Key | None:
    """The key where it is one that signs in public; what is of another kind, or broken, is passed over (RFC 7517 5)."""
    if said.get("kty") not in _KEY_TYPES or said.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(said)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _userinfo(words: Words, metadata: Metadata, checked: dict[str, Any], access_token: str) -> dict[str, Any]:
    """Claims that a provider keeps out of its ID tokens; none where those that are wanted are there already."""
    wanted = {words.provider.name_claim, words.provider.role_claim.partition(".")[0]} - {""}
    if wanted <= checked.keys() or not metadata.userinfo_endpoint or not access_token.isascii():
        return {}
    try:
        reply = words.fetcher.get(
            metadata.userinfo_endpoint, limit=LIMIT,
            headers={"Accept": "application/json", "Authorization": f"Bearer {access_token}"})
    except Refusal as error:
        raise ProviderFault(f"{words.provider.name} cannot be asked: {error}") from None
    found = words.document(reply)
    if found.get("sub") != checked["sub"]:  # Core 5.3.2: else one person's claims could be put to another's name
        raise AnswerRefused(f"{words.provider.name} tells of another person than its ID token.")
    return found
