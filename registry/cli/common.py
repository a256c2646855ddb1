"""What the commands share: the datacenter they work on, output for people or programs, bars on a terminal."""

from __future__ import annotations

import functools
import getpass
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from registry.errors import NotFound
from registry.site import Site, open_site

# texts of records are nobody's markup
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}


@contextmanager
def site_as_it_is(instance: Path) -> Iterator[Site]:
    """The datacenter in the folder `instance` whatever revision its database is of. Raises NotFound where there is none."""
    if not instance.is_dir():
        raise NotFound(f"There is no datacenter in {instance}: `registry --instance {instance} init` founds one.")
    site = open_site(instance)
    try:
        yield site
    finally:
        site.close()


@contextmanager
def site_of(instance: Path, prepare: Callable[[Site], None] | None = None, **overrides: Any) -> Iterator[Site]:
    """The datacenter in the folder `instance`. Raises NotFound where there is none, SchemaTooOld, SchemaTooNew.

    `prepare` may bring its database up to date before that is looked at.
    """
    from registry.schema import ready  # alembic is heavy, and `--help` needs none of it

    if not instance.is_dir():
        raise NotFound(f"There is no datacenter in {instance}: `registry --instance {instance} init` founds one.")
    site = open_site(instance, **overrides)
    try:
        if prepare is not None:
            prepare(site)
        ready(site.database)
        yield site
    finally:
        site.close()


def with_site(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand the command its datacenter as first argument."""

    @click.pass_obj
    @functools.wraps(function)
    def command(instance: Path, *args: Any, **kwargs: Any) -> Any:
        with site_of(instance) as site:
            return function(site, *args, **kwargs)

    return command


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout and nothing else.")


def who() -> str:
    """Whom the history names for what is done at the command line."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"


def emit(document: Any, as_json: bool, text: Callable[[], None]) -> None:
    """Print `document` as JSON, or let `text` print it for people."""
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
    else:
        text()


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table; `empty` is said where there are no rows."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        click.echo(empty)
        return
    console = Console(**_PLAIN)
    if not console.is_terminal:  # a pipe wants whole cells, one row a line
        columns = zip(headings, *lines, strict=True)
        console = Console(width=sum(max(map(cell_len, column)) + 2 for column in columns), **_PLAIN)
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        grid.add_column(heading, overflow="fold")
    for line in lines:
        grid.add_row(*line)
    console.print(grid)


@contextmanager
def progress(title: str, *, total: int | None = None) -> Iterator[Callable[[int, str], None]]:
    """A bar on a terminal, a line now and then elsewhere, both on stderr; call what it gives with (done, words)."""
    from rich.console import Console

    console = Console(stderr=True, **_PLAIN)
    if console.is_terminal:
        with _bar(console, title, total) as update:
            yield update
    else:
        with _lines(console, title, total) as update:
            yield update


@contextmanager
def _bar(console: Any, title: str, total: int | None) -> Iterator[Callable[[int, str], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TextColumn("{task.fields[words]}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, words="")

        def update(done: int, words: str = "") -> None:
            bar.update(task, completed=done, words=words)

        yield update


@contextmanager
def _lines(console: Any, title: str, total: int | None) -> Iterator[Callable[[int, str], None]]:
    import time

    last = time.monotonic()

    def update(done: int, words: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= 2 or done == total:
            last = time.monotonic()
            console.print(f"{title}: {done}{f' of {total}' if total else ''} {words}".rstrip(), soft_wrap=True)

    yield update
