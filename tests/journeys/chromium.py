"""Debian's chromium for tests: what it is started with, and a page that tells what went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Seen:
    """What a page did that a good one does not: dialogs, script errors, policy violations, foreign requests."""

    wrong: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, for as long as it is needed."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page(browser: Browser, base: str, **options: Any) -> Iterator[tuple[Page, Seen]]:
    """A page in a context of its own (no cookies), and what it did wrong."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "base_url": base, **options})
    context.set_default_timeout(20_000)
    opened, seen = context.new_page(), Seen()

    def dialog(shown: Any) -> None:
        seen.wrong.append(f"dialog: {shown.message}")
        shown.dismiss()

    opened.on("dialog", dialog)
    opened.on("pageerror", lambda error: seen.wrong.append(f"script: {error}"))
    opened.on("console", lambda line: seen.wrong.append(line.text) if "Content Security Policy" in line.text else None)
    opened.on("request", lambda asked: None if asked.url.startswith((base, "data:")) else seen.wrong.append(asked.url))
    try:
        yield opened, seen
    finally:
        context.close()


def log_in(opened: Page, name: str, password: str) -> None:
    """By the form, as a person does."""
    opened.goto("admin/login")
    opened.get_by_label("Name").fill(name)
    opened.get_by_label("Password").fill(password)
    opened.get_by_role("button", name="Log in").click()
    opened.wait_for_url("**/admin/**")


def wrong_with(opened: Page) -> list[str]:
    """What axe-core has against the page in both colours, everything unfolded; and whether it is too wide for 320 pixels."""
    opened.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = []
    for theme in ("light", "dark"):
        opened.emulate_media(color_scheme=theme, reduced_motion="reduce")
        found += [f"{theme}: {one['id']}: {one['nodes'][0]['html'][:150]}" for one in Axe().run(opened).response["violations"]]
    size = opened.viewport_size
    opened.set_viewport_size({"width": 320, "height": 640})
    if opened.evaluate("document.documentElement.scrollWidth") > 320:
        found.append(f"{opened.url} is wider than 320 pixels")
    if size:
        opened.set_viewport_size(size)
    return found
