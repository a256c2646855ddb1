"""Takes a picture of each main page in both themes: `python -m tests.journeys.gallery [FOLDER] [--narrow] [--print] [--png]`.

Without a folder they go where the documents show them, docs/pictures. `--narrow` takes them 320 pixels wide, `--print` makes
PDF files of the pages that people print: both are for looking at, and want a folder. `--png` makes PNG, which every viewer shows.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

from applications.demo import repository
from registry import create_app
from registry.admin.setup import keeping
from registry.admin.setup.app import create_setup_app
from registry.schema import upgrade
from registry.site import open_site
from tests.conftest import ROOT
from tests.journeys import chromium
from tests.journeys.gallery.filling import PASSWORD, SHOWN_JOB, filled
from tests.oai.serving import loopback, serving

# name of the picture: the page; those of strangers are seen without a login
STRANGERS = {"front": "", "search": "records?q=stars", "record": "records/north.example/stars", "services": "find",
             "applications": "applications", "application": "applications/north.example/app/hr-diagram", "login": "admin/login"}
PAGES = {
    "dashboard": "admin/", "records": "admin/records", "admin-record": "admin/records/north.example/stars",
    "record-form": "admin/edit/north.example/plates", "history": "admin/history/north.example/stars", "sources": "admin/sources",
    "source": "admin/sources/far.example", "harvest-run": "admin/runs/4", "quarantine": "admin/quarantine",
    "admin-applications": "admin/applications", "images": "admin/applications/images",
    "run-form": "admin/applications/run?app=ivo://north.example/app/hr-diagram",
    "jobs": "admin/jobs", "job": f"admin/jobs/{SHOWN_JOB}", "problems": "admin/problems", "accounts": "admin/accounts",
    "me": "admin/me", "settings": "admin/settings", "audit": "admin/audit"}
PRINTED = ("dashboard", "record", "job")
WIDE, NARROW, PAPER = (ViewportSize(width=width, height=height) for width, height in ((1280, 900), (320, 640), (718, 1000)))
_HIGHEST, _QUALITY, _SCALE = 1800, 40, 0.8  # pixels of a long page that are shown, per cent


def main() -> None:
    """Fill a datacenter, and take what is asked for."""
    asked = argparse.ArgumentParser(prog="python -m tests.journeys.gallery", description=__doc__)
    asked.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "pictures")
    asked.add_argument("--narrow", action="store_true")
    asked.add_argument("--print", action="store_true", dest="printed")
    asked.add_argument("--png", action="store_const", const="png", default="webp", dest="kind")
    said = asked.parse_args()
    said.folder.mkdir(parents=True, exist_ok=True)
    with (tempfile.TemporaryDirectory() as place, chromium.chromium() as browser,
          repository.start(Path(place) / "repository") as images):
        bound = loopback()
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        site = filled(Path(place), url, images.address)
        with serving(create_app(site), bound):
            if said.printed:
                _print(browser, url, said.folder)
            else:
                for theme in ("light",) if said.narrow else ("light", "dark"):
                    _take(browser, url, _Folder(said.folder, theme, said.kind), NARROW if said.narrow else WIDE)
        site.close()
        if not (said.narrow or said.printed):
            for theme in ("light", "dark"):
                _set_up(browser, Path(place) / theme, _Folder(said.folder, theme, said.kind))


@dataclass(frozen=True)
class _Folder:
    """Where pictures of one theme go, and as what."""

    path: Path
    theme: str
    kind: str

    def place(self, name: str) -> Path:
        return self.path / f"{name}{'-dark' if self.theme == 'dark' else ''}.{self.kind}"


def _take(browser: Browser, url: str, folder: _Folder, size: ViewportSize) -> None:
    for pages, known in ((STRANGERS, False), (PAGES, True)):
        with _opened(browser, url, known, viewport=size, color_scheme=folder.theme, reduced_motion="reduce") as page:
            for name, path in pages.items():
                page.set_viewport_size(size)
                answer = page.goto(path)
                assert answer and answer.status == 200, f"{path} was answered {answer and answer.status}"
                _picture(page, folder.place(name))
                _narrow_enough(page, name, size["width"])
                if name == "record-form":
                    page.get_by_role("button", name="Review and publish").click()
                    _picture(page, folder.place("review"))


def _narrow_enough(page: Page, name: str, width: int) -> None:
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        print(f"{name} is {wide} pixels wide, and the screen {width}")


def _print(browser: Browser, url: str, folder: Path) -> None:
    with _opened(browser, url, True) as page:
        for name in PRINTED:
            page.goto({**STRANGERS, **PAGES}[name])
            page.pdf(path=folder / f"{name}.pdf", format="A4")
            page.set_viewport_size(PAPER)
            page.emulate_media(media="print", color_scheme="dark")
            _picture(page, folder / f"{name}-paper.png")
            page.emulate_media(media="screen")


def _set_up(browser: Browser, place: Path, folder: _Folder) -> None:
    """The screens of a datacenter that is nobody's yet."""
    bound = loopback()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    site = open_site(place, base_url=url)
    upgrade(site.database)
    with (serving(create_setup_app(site, lambda _: None), bound),
          chromium.page(browser, url, viewport=WIDE, color_scheme=folder.theme) as (page, _)):
        page.goto(f"setup/link/{keeping.new_link(site)}")
        _picture(page, folder.place("set-up"))
    site.close()


@contextmanager
def _opened(browser: Browser, url: str, known: bool, **options: object) -> Iterator[Page]:
    with chromium.page(browser, url, **options) as (page, seen):
        if known:
            chromium.log_in(page, "ada", PASSWORD)
        yield page
        assert seen.wrong == [], seen.wrong


def _picture(page: Page, path: Path) -> None:
    """As WebP, a third of the bytes of a PNG; of a long page its beginning."""
    width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    page.set_viewport_size({"width": width, "height": min(height, _HIGHEST)})  # so that what sticks to an edge is at it
    whole = path.suffix == ".png"
    shot = page.context.new_cdp_session(page).send("Page.captureScreenshot", {
        "format": path.suffix[1:], **({} if whole else {"quality": _QUALITY}), "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": width, "height": min(height, _HIGHEST), "scale": 1 if whole else _SCALE}})
    path.write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main()
