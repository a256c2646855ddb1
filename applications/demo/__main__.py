"""`make demo`: three datacenters, one application, an answer from each, told step by step.

Real parts throughout: a Docker engine and repository, three instances of the service, three star catalogues. What it
makes lies in one folder (default .demo) and is used again the next time.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from applications.demo import story
from applications.demo.teller import Teller
from registry.errors import Refusal


def main() -> int:
    """Tell the story; 0 when both answers came and add up."""
    parser = argparse.ArgumentParser(prog="make demo", description="Three datacenters, one application, an answer from each.")
    parser.add_argument("--once", action="store_true", help="tear down at the end instead of waiting for Ctrl-C")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where everything is kept (default: .demo)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    teller = Teller()
    with ExitStack() as stack:
        try:
            answers = story.tell(teller, stack, options.folder.absolute())
        except Refusal as error:
            teller.console.print(f"[red]The demo stops:[/] {error}", soft_wrap=True)
            return 1
        except KeyboardInterrupt:
            teller.console.print("Stopped.")
            return 1
        good = story.show(teller, answers)
        if not options.once:
            wait_for_interrupt(teller)
        teller.console.print("Tearing down.")
    return 0 if good else 1


def wait_for_interrupt(teller: Teller) -> None:
    """Stay until Ctrl-C or SIGTERM."""
    teller.console.print("Ctrl-C stops everything.")
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    done.wait()


if __name__ == "__main__":
    sys.exit(main())
