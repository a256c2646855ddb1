"""Many small registries at one address, each answering after a pause: what harvesting many sources at once is measured with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from vosi import namespaces as ns

PAGES, RECORDS = 4, 2  # of each registry; records on each page

_RECORD = (
    '<ri:Resource xmlns="" xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0" '
    'xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:vg="http://www.ivoa.net/xml/VORegistry/v1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}" status="active" '
    'created="2020-01-01T00:00:00Z" updated="2020-01-01T00:00:00Z"><title>One</title><identifier>{ivoid}</identifier>'
    "<curation><publisher>P</publisher><contact><name>D</name></contact></curation><content><subject>stars</subject>"
    "<description>D.</description><referenceURL>http://a.example/</referenceURL></content>{more}</ri:Resource>"
)


class _Handler(BaseHTTPRequestHandler):
    pause = 0.0
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # noqa: N802
        time.sleep(self.pause)
        parts = urlsplit(self.path)
        body = _answer(int(parts.path.strip("/")), {name: values[0] for name, values in parse_qs(parts.query).items()})
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be silent."""


def _answer(number: int, arguments: dict[str, str]) -> bytes:
    authority, verb = f"r{number:03}.example", arguments["verb"]
    if verb == "Identify":
        more = f"<full>false</full><managedAuthority>{authority}</managedAuthority>"
        record = _RECORD.format(kind="vg:Registry", ivoid=f"ivo://{authority}/registry", more=more)
        inside = f"<granularity>YYYY-MM-DDThh:mm:ssZ</granularity><description>{record}</description>"
    elif verb == "ListMetadataFormats":
        inside = "<metadataFormat><metadataPrefix>ivo_vor</metadataPrefix></metadataFormat>"
    else:
        page = int(arguments.get("resumptionToken", "0"))
        names = (f"ivo://{authority}/{page}-{place}" for place in range(RECORDS))
        inside = "".join(
            f"<record><header><identifier>{name}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp></header>"
            f"<metadata>{_RECORD.format(kind='vr:Organisation', ivoid=name, more='')}</metadata></record>" for name in names)
        inside += f"<resumptionToken>{page + 1 if page + 1 < PAGES else ''}</resumptionToken>"
    return (f'<OAI-PMH xmlns="{ns.OAI}"><responseDate>2024-01-01T00:00:00Z</responseDate><request>http://x/</request>'
            f"<{verb}>{inside}</{verb}></OAI-PMH>").encode()


@contextmanager
def many(number: int, pause: float) -> Iterator[list[str]]:
    """The addresses of so many registries; each answer comes after `pause` seconds."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"pause": pause}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield [f"http://127.0.0.1:{server.server_address[1]}/{one}" for one in range(number)]
    finally:
        server.shutdown()
        server.server_close()
