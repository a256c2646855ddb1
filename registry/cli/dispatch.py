"""The command that says where an application can run."""

from __future__ import annotations

import click

from registry.cli.common import emit, json_option, table, with_site
from registry.dispatch import runners
from registry.dispatch.where import ORDERS, OWN, Answer, where as ask
from registry.site import Site


@click.command()
@click.argument("app")
@click.argument("pairs", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--sort", "--by", "by", type=click.Choice(ORDERS), default=OWN, show_default=True, help="What comes first.")
@click.option("--data", default="", metavar="IVOID|NAME", help="A service or a data set: the datacenter that has it comes first.")
@click.option("--now", is_flag=True, help="Read all runners' offers first; the worker does so every half minute.")
@json_option
@with_site
def where(site: Site, app: str, pairs: tuple[str, ...], by: str, data: str, now: bool, as_json: bool) -> None:
    """Say where APP with the parameters NAME=VALUE can run now: every runner that is known, yes or no, and why not."""
    if now:
        runners.read_offers(site)
    given = [(name, value) for name, sign, value in (text.partition("=") for text in pairs)]
    answer = ask(site, app, given, by=by, data=data)
    emit(answer.as_json(), as_json, lambda: _print(answer))


def _print(answer: Answer) -> None:
    rows = ((one.datacenter, one.title, "yes" if one.possible else "no", one.free, one.queued, " ".join(one.reasons))
            for one in answer.verdicts)
    table(("datacenter", "title", "runs", "free", "queued", "why not"), rows, empty="No runner is known.")
