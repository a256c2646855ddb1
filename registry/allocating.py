"""Lets SQLite take memory without counting it: it counts every piece under one lock, for which all threads of a process queue.

Two threads that search at once take as long as one behind the other with the count, half of that without. Nothing here asks
for it. It opens no database.
"""

from __future__ import annotations

import _sqlite3  # only to find the very library that Python has loaded
import ctypes
import threading
from contextlib import suppress

_CONFIG_MEMSTATUS = 9  # of sqlite3.h
_lock = threading.Lock()
_done = False


def count_no_memory() -> None:
    """To be called before the process opens its first SQLite database; where one is open already it does nothing."""
    global _done
    with _lock, suppress(OSError, AttributeError):  # a library that cannot be reached so goes on counting
        if _done:
            return
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_memory_used.restype = ctypes.c_int64
        if library.sqlite3_memory_used():  # a database is open: what it uses may not change any more
            return
        library.sqlite3_shutdown()
        library.sqlite3_config(_CONFIG_MEMSTATUS, ctypes.c_int(0))
        library.sqlite3_initialize()
        _done = True
