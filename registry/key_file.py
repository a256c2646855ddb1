"""A JSON file of secrets below the instance's `keys/`: one account reads it, and several processes may change it.

It knows nothing of what the secrets are for; whoever keeps them reads and checks them.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from registry.errors import Unavailable

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class KeyFile(Generic[_Value]):
    """The secrets at `path`, by name. `read` makes one of what JSON has; `what` says in a sentence what they are."""

    path: Path
    what: str
    read: Callable[[Any], _Value]

    def load(self) -> dict[str, _Value]:
        """All of them; none where there is no file. Raises Unavailable."""
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: self.read(value) for name, value in document.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise Unavailable(f"{self.path} cannot be read as {self.what}: {error}.") from None

    @contextmanager
    def changing(self) -> Iterator[dict[str, _Value]]:
        """All of them, written back at the end. Writers wait for each other; a reader sees one whole file."""
        path = self.path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path.with_name(f"{path.stem}.lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored = self.load()
            yield stored
            draft = path.with_name(f"{path.stem}.{os.getpid()}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(stored, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
