"""How the demo speaks: a bar with the present step on a terminal, a line a step elsewhere. It does nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Teller:
    """Says what is done: a bar with the present step on a terminal, a line a step elsewhere."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:  # a log wants whole rows
            self.console = Console(highlight=False, width=160)
        self.started = time.monotonic()

    @contextmanager
    def step(self, words: str) -> Iterator[Any]:
        """One step; yields a function that shows how far it is."""
        began = time.monotonic()
        if self.console.is_terminal:
            columns = (TextColumn("  {task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[now]}"),
                       TimeElapsedColumn())
            with Progress(*columns, console=self.console, transient=True) as bar:
                task = bar.add_task(words, total=None, now="")
                yield lambda now: bar.update(task, now=now)
        else:
            self.console.print(f"... {words}")
            yield lambda now: self.console.print(f"    {now}")
        self.console.print(f"[green]ok[/]  {words} ({time.monotonic() - began:.1f} s)")
