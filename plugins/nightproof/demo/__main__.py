"""``python -m nightproof.demo [--once]``: see it all work, on this machine, in a few minutes."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from nightproof.demo.display import Display
from nightproof.demo.lock import exclusive
from nightproof.demo.story import Stage, tell
from nightproof.errors import NightproofError

ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Run the demo; the result is its exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when all is done, instead of at Ctrl-C")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout; everything goes below its .demo/")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    display = Display()
    try:
        with exclusive(given.root / ".demo" / "lock"), ExitStack() as servers:
            _play(Stage(given.root.resolve(), display), servers, once=given.once)
    except NightproofError as error:
        display.fail(str(error))
        return 1
    except KeyboardInterrupt:
        display.console.print("Everything is stopped. What was made is in .demo/; `make demo` goes on from it.")
        return 130
    return 0


def _play(stage: Stage, servers: ExitStack, *, once: bool) -> None:
    with stage.display:
        rows = tell(stage, servers)
    if once:
        stage.display.close("Nightproof ran", rows, footer="servers are stopped; make demo keeps them up")
        return
    stage.display.close("Nightproof is running", rows, footer="Ctrl-C stops it")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        stage.display.console.print("\nStopping …")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
