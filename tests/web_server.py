"""The web server of a site as `registry serve` makes it, on a free port, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from registry import serve
from registry.site import Site


@contextlib.contextmanager
def served(site: Site, **settings: Any) -> Iterator[int]:
    """Serve the site with these settings changed; gives the port."""
    server = serve.web_server(replace(site, settings=site.settings.model_copy(update={"port": 0, **settings})))

    def run() -> None:
        with contextlib.suppress(OSError):  # it is closed under its loop
            server.run()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield server.effective_port
    server.close()
    thread.join(10)
