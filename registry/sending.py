"""Large answers that are there already, handed to the web server as files: so it does not copy them to the disk first."""

from __future__ import annotations

import os
from io import BytesIO
from typing import Any, BinaryIO

from werkzeug.wsgi import wrap_file

LARGE = 2**18  # bytes from which on that is worth it
_PIECE = 2**17  # bytes: the server asks for megabytes, sends what the socket takes, and asks again for the rest


class _InMemory(BytesIO):
    """At most one piece where a size is asked for: what will not be sent now is not copied now."""

    def read(self, size: int | None = -1) -> bytes:
        """The next piece."""
        return super().read(min(size, _PIECE) if size and size > 0 else size)


class Part:
    """Part of a file that others read at the same time; it lasts as long as somebody has it."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self.length = file, start, length
        self._at = 0

    def again(self) -> Part:
        """The same from its beginning, for one more reader."""
        return Part(self._file, self._start, self.length)

    def read(self, size: int | None = -1) -> bytes:
        """The next piece, or all that is left."""
        left = max(self.length - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left, _PIECE)
        found = os.pread(self._file.fileno(), wanted, self._start + self._at)
        self._at += len(found)
        return found

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in it."""
        self._at = to + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}[whence]
        return self._at

    def tell(self) -> int:
        """The place in it."""
        return self._at


def file_of(environ: dict[str, Any], body: bytes | Part) -> Any:
    """What to answer with instead of `body`; the answer must tell its length."""
    return wrap_file(environ, _InMemory(body) if isinstance(body, bytes) else body.again())  # type: ignore[arg-type]
