"""`make bench-faults`: alerts on real flights, into `docs/benchmarks.md`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from benchmarks.bench import Bench
from benchmarks.faults import tables
from benchmarks.faults.catalogue import FAULTS, beginnings
from benchmarks.faults.explain import Explanation, explanations, harm
from benchmarks.faults.peer import PeerTold, nannyml
from benchmarks.faults.replays import Place, clean, faulty
from benchmarks.faults.score import Outcome, outcome
from benchmarks.faults.season import FIRST, LAST, Season
from benchmarks.faults.told import Told
from benchmarks.machine import machine, versions
from benchmarks.measure import ROOT, Failed
from benchmarks.table import write

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench-faults: written by make bench-faults from here -->", "<!-- bench-faults: to here -->"


@dataclass(frozen=True)
class Found:
    """Everything that a run came to."""

    nights: Sequence[Told]
    pages: Sequence[Explanation]
    outcomes: Sequence[Outcome]
    peer: PeerTold | str


def main(arguments: list[str] | None = None) -> int:
    """Replay the season and the faults, print the tables, and write them into the document."""
    asked = _asked(arguments)
    bench, began = Bench(), time.monotonic()
    found = run(bench, only=asked.only, peers=not asked.no_peers, is_tight=asked.default_tolerances)
    said = [f"{datetime.now(UTC):%Y-%m-%d}", machine(), versions(), f"{(time.monotonic() - began) / 60:.0f} minutes"]
    text = render(found, heading=". ".join(said) + ".")
    print(text)
    if not (asked.only or asked.no_peers or asked.default_tolerances):
        write(DOCUMENT, text, begin=BEGIN, end=END)
    return 0


def run(bench: Bench, *, only: str = "", peers: bool = True, is_tight: bool = False) -> Found:
    """The clean season, then every fault whose name holds ``only``, then the peer."""
    season, folder = Season.read(), bench.fresh("faults")
    on = Place(folder, folder, is_tight)
    nights = clean(season, on, first=FIRST, last=LAST)
    _say(f"clean: {len(nights)} nights, {sum(len(told.pages) for told in nights)} pages")
    pages = explanations(nights, season, on.config)
    begins = beginnings({date.fromisoformat(told.night) for told in nights if told.is_uneasy}, last=LAST)
    outcomes = list(_outcomes(season, nights, begins, on=on, only=only))
    try:
        peer: PeerTold | str = (
            nannyml(season, begins, first=FIRST, last=LAST, bench=bench.folder) if peers else "the peer was left out"
        )
    except Failed as error:
        peer = f"the peer failed: {error}"
    return Found(nights, pages, outcomes, peer)


def _outcomes(season: Season, nights: Sequence[Told], begins: Sequence[date], *, on: Place, only: str) -> list[Outcome]:
    beside, found = {told.night: told for told in nights}, []
    for number, (fault, begin) in enumerate(zip(FAULTS, begins, strict=True)):
        if only not in fault.name:
            continue
        folder = on.folder / "faults" / f"{number:02d}"
        told = list(faulty(season, fault, begin, on=on, folder=folder))
        found.append(replace(outcome(fault, told, beside), harm=harm(season, fault, begin)))
        _say(f"{fault.name}: night {found[-1].night}, {found[-1].by}; cause {'right' if found[-1].is_right else 'not'}")
    return found


def render(found: Found, *, heading: str) -> str:
    """All tables as Markdown."""
    return "\n\n".join(
        [
            heading,
            tables.summary(len(found.nights), found.pages, found.outcomes, found.peer),
            "**Pages with nothing injected.**",
            tables.pages_table(found.pages),
            "**Injected faults.**",
            tables.faults_table(found.outcomes, found.peer),
        ]
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name holds this, to the screen only")
    parser.add_argument("--no-peers", action="store_true", help="leave the peer out, to the screen only")
    tighter = "tolerances that the product has by default, in the place of the demo's; to the screen only"
    parser.add_argument("--default-tolerances", action="store_true", help=tighter)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
