"""A cell of the simulation: one stream at one size, and what every rule makes of the same runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.alerts.outcomes import Delay, FalsePages, delay, false_pages
from benchmarks.alerts.rules import PRODUCT, RULES
from benchmarks.alerts.series import draw_series
from benchmarks.alerts.streams import NULLS, STREAMS

SIZES = (200, 2_000, 20_000)
USUAL_SIZE = 2_000
BUDGETS = {"1 per 30": 1 / 30, "1 per 90": 1 / 90, "1 per 365": 1 / 365}
USUAL = "1 per 90"
"""The budget that rivals are given, and the nights that unbudgeted rules' pages are given for."""
SEED = 20_260_105


@dataclass(frozen=True)
class Cell:
    """What rules made of the runs of one stream at one size.

    Parameters
    ----------
    stream, n
        Which cell.
    pages, delays
        By rule and budget; the first for nulls, the second for harms.
    """

    stream: str
    n: int
    pages: Mapping[tuple[str, str], FalsePages]
    delays: Mapping[tuple[str, str], Delay]


def budgets_of(rule: str, stream: str, n: int) -> list[str]:
    """All of them for the product on every null, and on harm at the usual size; else the usual one."""
    return [*BUDGETS] if rule == PRODUCT and (stream in NULLS or n == USUAL_SIZE) else [USUAL]


def cell(stream: str, n: int, *, runs: int) -> Cell:
    """Draw the runs of a cell and ask every rule."""
    place = list(STREAMS).index(stream) * len(SIZES) + SIZES.index(n)
    series = draw_series(STREAMS[stream], n, runs=runs, seed=SEED + place).paging
    answers = {
        (rule, budget): named.rule(series, BUDGETS[budget])
        for rule, named in RULES.items()
        for budget in budgets_of(rule, stream, n)
    }
    if stream in NULLS:
        return Cell(stream, n, {key: false_pages(pages) for key, pages in answers.items()}, {})
    return Cell(stream, n, {}, {key: delay(pages) for key, pages in answers.items()})
