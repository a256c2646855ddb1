"""A founded datacenter, commands as typed there, and how tests make records."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from registry.cli.main import main
from registry.records import founding


@pytest.fixture()
def north(site: Any) -> Any:
    """`site`, founded: authority north.example with its four records."""
    founding.found(site, founding.Founding("north.example", "North", site.settings.base_url), "test")
    return site


class Said(SimpleNamespace):
    """What a command left: `code`, `out`, `err`."""

    code: int
    out: str
    err: str


@pytest.fixture()
def command(north: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    monkeypatch.setenv("INNERSPACE_AUTHORITY", north.settings.authority)

    def run(*words: object, stdin: bytes = b"") -> Said:
        arguments = ["registry", "--instance", str(north.settings.instance), *map(str, words)]
        monkeypatch.setattr(sys, "argv", arguments)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Said(code=ended.value.code, out=captured.out, err=captured.err)

    return run


def record(
    ivoid: str, *, title: str = "A title", kind: str = "vr:Service", status: str = "active", inside: str = "",
    extra: str = "",
) -> bytes:
    """A valid record: `inside` goes behind its content, `extra` into its root tag."""
    return f"""<ri:Resource xmlns:ri="http://www.ivoa.net/xml/RegistryInterface/v1.0"
 xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" xmlns:vg="http://www.ivoa.net/xml/VORegistry/v1.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="{kind}" status="{status}"
 created="2024-01-01T00:00:00Z" updated="2024-01-01T00:00:00Z"{extra}>
 <title>{title}</title>
 <identifier>{ivoid}</identifier>
 <curation><publisher>Somebody</publisher><contact><name>Somebody</name></contact></curation>
 <content><subject>stars</subject><description>Text.</description><referenceURL>http://a.example/</referenceURL></content>
 {inside}
</ri:Resource>""".encode()
