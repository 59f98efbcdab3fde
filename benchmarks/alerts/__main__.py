"""`make bench-alerts`: simulate, print the tables, and write them into `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

from benchmarks.alerts.cells import SIZES, cell
from benchmarks.alerts.drift import SHIFTS, shown
from benchmarks.alerts.peers import PEERS, SIZE, alarms_or_why_not
from benchmarks.alerts.report import Results, render
from benchmarks.alerts.streams import STREAMS
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT
from benchmarks.table import write

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- alerts: written by make bench-alerts from here -->", "<!-- alerts: to here -->"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
"""Every core has its own job: threads of one would only wait for each other."""
RUNS, LEAST_RUNS = 300, 10
DRIFT_NIGHTS = 20


def main(arguments: list[str] | None = None) -> int:
    """Run all cells, two or more at a time; a peer that fails says so and ends nothing."""
    asked = _asked(arguments)
    began, runs = time.monotonic(), max(LEAST_RUNS, round(RUNS * asked.scale))
    found = _results(runs, asked.scale, peers=not asked.no_peers)
    said = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        machine(),
        versions(),
        f"{runs} runs of 200 nights a cell",
        f"{(time.monotonic() - began) / 60:.0f} minutes",
    ]
    text = render(found, heading=". ".join(said) + ".")
    print("\n" + text)
    full = asked.scale == 1.0 and not asked.no_peers
    if full:
        write(DOCUMENT, text, begin=BEGIN, end=END)
    print(f"\n{'Written to' if full else 'Not a full run, so not written to'} {DOCUMENT.relative_to(ROOT)}.")
    return 0


def _results(runs: int, scale: float, *, peers: bool) -> Results:
    nights = max(4, round(DRIFT_NIGHTS * scale))
    jobs: dict[tuple[Any, ...], tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {}
    # The longest first, so that no core is left alone at the end.
    if peers:
        jobs |= {("peer", peer.name): (alarms_or_why_not, (peer,), {"scale": scale}) for peer in PEERS}
    jobs |= {("drift", shift): (shown, (shift, SIZE), {"nights": nights}) for shift in SHIFTS}
    jobs |= {("cell", key, n): (cell, (key, n), {"runs": runs}) for key in STREAMS for n in SIZES}
    found = _run(jobs)
    return Results(
        cells={key[1:]: value for key, value in found.items() if key[0] == "cell"},
        peers={peer.name: found.get(("peer", peer.name), "not run") for peer in PEERS},
        drift={key[1]: value for key, value in found.items() if key[0] == "drift"},
    )


def _run(jobs: dict[tuple[Any, ...], tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]) -> dict[Any, Any]:
    found = {}
    os.environ |= ONE_THREAD
    # New processes and no forks: libraries that have begun threads of their own may hang in a fork.
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1), get_context("spawn")) as pool:
        begun: dict[Future[Any], tuple[Any, ...]] = {}
        for name, (function, given, named) in jobs.items():
            begun[pool.submit(function, *given, **named)] = name
        for done in as_completed(begun):
            name = begun[done]
            if done.exception() is not None:
                # What has not begun would only keep the reason waiting.
                pool.shutdown(wait=False, cancel_futures=True)
            found[name] = done.result()
            print(f"{len(found)} of {len(jobs)}: {' '.join(map(str, name))}", flush=True, file=sys.stderr)
    return found


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="what runs and the peers' nights are multiplied by")
    parser.add_argument("--no-peers", action="store_true", help="leave the peers out")
    asked = parser.parse_args(arguments)
    if not 0.0 < asked.scale <= 1.0:
        parser.error("--scale must be more than 0 and at most 1")
    return asked


if __name__ == "__main__":
    sys.exit(main())
