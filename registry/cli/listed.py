"""What commands that list share: the options that search, narrow and sort, and the rows as a table, JSON or CSV."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from registry import lists
from registry.cli.common import emit
from registry.lists import Listing, Page

_MOST = 1_000_000  # rows


@dataclass(frozen=True)
class Form:
    """How a list is printed."""

    as_json: bool
    as_csv: bool

    def show(self, page: Page[Any], text: Callable[[], None], document: Any = None) -> None:
        """Print the page as CSV or JSON (`document`, else its rows), or let `text` print it for people."""
        listing = page.asked.listing
        if self.as_csv:
            click.echo(lists.as_csv(listing, page.rows), nl=False)
            return
        emit([listing.told(row) for row in page.rows] if document is None else document, self.as_json, text)


def listed(listing: Listing[Any], *, limit: int = 1000) -> Callable[..., Any]:
    """Hand the command what is asked for (`asked`) and how it is printed (`form`)."""
    narrows = listing.narrows

    def dress(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(*args: Any, search: str, sort: str, limit: int, as_json: bool, as_csv: bool, **rest: Any) -> Any:
            said = {one.name: rest.pop(one.name) for one in narrows}
            asked = lists.asked(listing, {**said, "q": search, "sort": sort, "limit": str(limit)}, largest=_MOST)
            return function(*args, asked=asked, form=Form(as_json, as_csv), **rest)

        for option in reversed(_options(listing, limit)):
            command = option(command)
        for one in reversed(narrows):
            values = f": {', '.join(one.values)}" if one.values else ""
            command = click.option(f"--{one.name}", default=one.standing, metavar="VALUE", show_default=bool(one.standing),
                                   help=f"Only those of this {one.words.lower()}{values}.")(command)
        return command

    return dress


def _options(listing: Listing[Any], limit: int) -> list[Callable[..., Any]]:
    searched = ", ".join(one.words.lower() for one in listing.columns if one.searched)
    return [
        click.option("--search", default="", metavar="WORDS", help=f"Only those with all these words in {searched}."),
        click.option("--sort", default=listing.sort, show_default=True, metavar="COLUMN",
                     help=f"{', '.join(listing.sorts)}; with - before it the last first."),
        click.option("--limit", type=click.IntRange(1, _MOST), default=limit, show_default=True, help="At most so many."),
        click.option("--csv", "as_csv", is_flag=True, help="Rows for a spreadsheet on stdout and nothing else."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout and nothing else."),
    ]
