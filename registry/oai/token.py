"""Resumption tokens: signed, stateless, holding a position (decision D7). No row is kept for them anywhere."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

from registry import clock
from registry.oai.errors import BadResumptionToken

_SALT = "oai resumption"


@dataclass(frozen=True)
class Position:
    """Where a list stopped: its query, the bound that was frozen with its first page, and the last record sent."""

    verb: str
    prefix: str
    set_spec: str
    since: str
    until: str
    bound: str
    last_stamp: str
    last_key: str
    cursor: int
    size: int


class Tokens:
    """Makes and reads tokens with the instance's key; `lifetime` in seconds."""

    def __init__(self, secret: bytes, lifetime: int) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._lifetime = lifetime

    def write(self, position: Position) -> tuple[str, str]:
        """The token, and when it ends (`YYYY-MM-DDThh:mm:ssZ`)."""
        made = clock.now()
        return str(self._serializer.dumps(list(astuple(position)))), clock.stamp(clock.later(self._lifetime, made))

    def read(self, token: str, verb: str) -> Position:
        """The position in `token`, for the verb it was issued for. Raises BadResumptionToken."""
        try:
            content = self._serializer.loads(token, max_age=self._lifetime)
            position = Position(*content)
        except (BadSignature, TypeError):
            raise BadResumptionToken(
                "The resumptionToken was not issued here, was changed, or has expired: start the list again."
            ) from None
        if position.verb != verb:
            raise BadResumptionToken(f"The resumptionToken belongs to {position.verb}, not to {verb}.")
        return position
