"""The command of queries in ADQL: what /tap/sync answers, without the web."""

from __future__ import annotations

import sys

import click

from registry.cli.common import json_option, with_site
from registry.site import Site


@click.command()
@click.argument("adql")
@click.option("--format", "format_", default="text", show_default=True, metavar="FORMAT",
              help="text, votable, votable/b2, csv or json.")
@click.option("--maxrec", type=click.IntRange(0), help="Rows at most; default: the setting tap_maxrec.")
@click.option("--seconds", type=click.IntRange(1), help="Time it may take; default: the setting tap_async_seconds.")
@json_option
@with_site
def query(site: Site, adql: str, format_: str, maxrec: int | None, seconds: int | None, as_json: bool) -> None:
    """Ask the tables of the registry (RegTAP 1.2) in ADQL; - for ADQL reads the query from standard input.

    Where there are more rows than were asked for, a line on standard error says so.
    """
    # sqlglot is heavy, and `registry --help` needs none of it
    from registry.search.running import Queries
    from registry.search.tap import formats, parameters, text

    name = "json" if as_json else format_
    wanted = text.TEXT if name == "text" else parameters.wanted_format({"RESPONSEFORMAT": name})
    words = sys.stdin.read() if adql == "-" else adql
    with Queries(site).answer(words, maxrec=maxrec, seconds=seconds or site.settings.tap_async_seconds) as answer:
        table = formats.Table(answer.columns, answer.rows, lambda: answer.overflow, (("QUERY", words),), late_errors=False)
        for piece in wanted.write(table):
            click.echo(piece, nl=False)
    if answer.overflow:
        click.echo("registry: There are more rows than were asked for: raise --maxrec (at most tap_hard_limit).", err=True)
