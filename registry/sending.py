"""Large answers that are in memory already, handed to the web server as files: so it does not copy them to the disk first."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from werkzeug.wsgi import wrap_file

LARGE = 2**18  # bytes from which on that is worth it
_PIECE = 2**17  # bytes


class _InMemory(BytesIO):
    """The server asks for megabytes, sends what the socket takes, and asks again for the rest."""

    def read(self, size: int | None = -1) -> bytes:
        """At most one piece where a size is asked for: what will not be sent now is not copied now."""
        return super().read(min(size, _PIECE) if size and size > 0 else size)


def file_of(environ: dict[str, Any], body: bytes) -> Any:
    """What to answer with instead of `body`; the answer must tell its length."""
    return wrap_file(environ, _InMemory(body))
