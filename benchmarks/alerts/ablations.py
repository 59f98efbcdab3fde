"""What each part of Nightproof's rule is for: the rule without it, on the same runs.

``python -m benchmarks.alerts.ablations [RUNS]`` prints the table of ADR 0010.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from nightproof.sequential import looks, noise
from scipy.special import log_ndtr

from benchmarks.alerts import product as own
from benchmarks.alerts.outcomes import delay, false_pages
from benchmarks.alerts.rules import RULES, Rule
from benchmarks.alerts.series import Series, draw_series
from benchmarks.alerts.streams import STREAMS

BUDGET = 1 / 90
NULLS = (("autocorrelated", 20_000), ("clustered", 200))
HARMS = (("auc_02", 2_000), ("tpr_45", 2_000))
SEED = 4_010


def _normal(t: Any, _: Any) -> Any:
    return log_ndtr(-t)


WITHOUT: dict[str, list[tuple[Any, str, Any]]] = {
    "the rule": [],
    "windows of 1, 7 and 28 nights only": [(own, "WINDOWS", (1, 7, 28))],
    "no expectation before any history": [(noise, "PRIOR_NIGHTS", 0.5)],
    "rows not expected to be clustered": [(noise, "CLUSTERED", 0.0), (own, "CLUSTERED", 0.0)],
    "neighbouring nights taken for independent": [(noise, "MOST_ALIKE", 0.0)],
    "normal in place of Student's t": [(looks, "log_tail", _normal), (own, "log_tail", _normal)],
    "Holm at the budget's own level": [(own, "OVERLAP", 1.0)],
}
RIVALS = ("holm", "bh", "e_detector")


@contextmanager
def _changed(parts: list[tuple[Any, str, Any]]) -> Iterator[None]:
    before = [(module, name, getattr(module, name)) for module, name, _ in parts]
    for module, name, value in parts:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def rows(runs: int) -> Iterator[str]:
    """The table's rows, one a rule."""
    drawn = {key: draw_series(STREAMS[key[0]], key[1], runs=runs, seed=SEED).paging for key in (*NULLS, *HARMS)}
    for name, parts in WITHOUT.items():
        with _changed(parts):
            yield _row(name if not parts else f"– {name}", own.product, drawn)
    for name in RIVALS:
        yield _row(RULES[name].name, RULES[name].rule, drawn)


def _row(name: str, rule: Rule, drawn: dict[tuple[str, int], Series]) -> str:
    pages: Callable[[tuple[str, int]], Any] = lambda key: rule(drawn[key], BUDGET)  # noqa: E731
    told = [false_pages(pages(key)) for key in NULLS]
    found = [delay(pages(key)) for key in HARMS]
    cells = [f"{t.rate / BUDGET:.2f} ({t.low / BUDGET:.2f}–{t.high / BUDGET:.2f})" for t in told]
    cells += [f"{d.median:g} ({d.lower:g}–{d.upper:g})" for d in found]
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    with np.errstate(invalid="ignore"):
        for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 100):
            print(row, flush=True)
