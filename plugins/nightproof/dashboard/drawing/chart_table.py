"""What a chart shows, in words and as a table, and its numbers with as few digits as a chart can show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightproof import words
from nightproof.board.series import Told
from nightproof.dashboard.past_nights import PastSeries

DIGITS = 5
"""Significant digits of a chart's numbers."""
RATES = frozenset(
    (
        *("accuracy", "balanced_accuracy", "precision", "recall", "precision_macro", "recall_macro", "error_rate"),
        *("top_2_accuracy", "top_3_accuracy", "top_5_accuracy", "recall_at_k", "interval_coverage", "mape", "wape"),
        *("label_coverage", "label_coverage_gap", "missing_rate", "unseen_rate", "outside_rate", "vanished_share"),
        *("new_distinct_share", "selection_rate", "scoring_rate", "tpr", "fpr", "fnr", "ppv", "npv"),
    )
)
"""Metrics that are shares, and are shown in per cent."""
Cells = list[str]


def is_rate(metric: str) -> bool:
    """Whether a metric is a share, shown in per cent."""
    return metric.removeprefix("estimated_").removeprefix("backtest_") in RATES


def number_of(value: float | None) -> float | None:
    """A number with as many digits as a chart can show."""
    if value is None:
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short == int(short) else short


def digits(values: Sequence[float | None]) -> list[float | None]:
    """Numbers with as many digits as a chart can show."""
    return [number_of(value) for value in values]


def listed(count: float | None) -> str:
    """A count in a table."""
    return words.NONE if count is None else f"{count:,.0f}"


def shown(value: float | None, *, percent: bool) -> str:
    """A value in a table."""
    return words.NONE if value is None else words.percent(value) if percent else words.number(value)


def table(columns: Sequence[str], rows: Sequence[Cells]) -> dict[str, Any]:
    """A table as the macro ``chart`` writes it: the first cell of a row names it."""
    return {"columns": list(columns), "rows": list(rows)}


def told_rows(several: Sequence[tuple[str, PastSeries]], *, percent: bool, most: int | None = None) -> dict[str, Any]:
    """Series as a table: a row a night, the last on top, of each its value, its interval and its rows.

    Where only the last ``most`` nights are told, ``cut`` says so.
    """
    columns = ["Night"]
    for name, _ in several:
        columns += [words.plain(name) if len(several) > 1 else "Value", "95 % interval", "n"]
    by_night: dict[str, list[Told | None]] = {}
    for place, (_, series) in enumerate(several):
        for point in series.points:
            by_night.setdefault(point.night, [None] * len(several))[place] = point.told
    rows = [
        [night, *(cell for told in by_night[night] for cell in _cells(told, percent=percent))]
        for night in sorted(by_night, reverse=True)[:most]
    ]
    return cut(table(columns, rows), len(by_night))


def cut(full: dict[str, Any], nights: int) -> dict[str, Any]:
    """A table of nights; where it has fewer of them than there are, it says so."""
    if len(full["rows"]) >= nights:
        return full
    return full | {"cut": f"The last {len(full['rows'])} of {nights:,} nights; the API has all."}


def told_words(series: PastSeries, name: str, *, percent: bool) -> str:
    """A series in a few sentences: where it stands, where it was, and beside what."""
    told = [point for point in series.points if point.told.value is not None]
    if not told:
        return f"{words.plain(name)}: no night tells it."
    last, least, most = told[-1], min(told, key=_value), max(told, key=_value)
    said = f"{words.plain(name)} was {_with_interval(last.told, percent=percent)} on {last.night}"
    if len(told) > 1:
        said += (
            f"; over {words.counted(len(told), 'night')} between {shown(least.told.value, percent=percent)} "
            f"({least.night}) and {shown(most.told.value, percent=percent)} ({most.night})"
        )
    for what, value in (("baseline", last.told.baseline), ("limit", last.told.limit)):
        said += f"; {what} {shown(value, percent=percent)}" if value is not None else ""
    regressed = sum(point.told.status == "r" for point in told)
    return said + (f"; {words.counted(regressed, 'night')} regressed." if regressed else ".")


def _value(point: Any) -> float:
    value: float = point.told.value
    return value


def _with_interval(told: Told, *, percent: bool) -> str:
    ends = _interval(told, percent=percent)
    return f"{shown(told.value, percent=percent)} ({f'{ends}, ' if ends else ''}n = {told.n:,})"


def _interval(told: Told, *, percent: bool) -> str:
    if told.low is None or told.high is None:
        return ""
    return f"{shown(told.low, percent=percent)} to {shown(told.high, percent=percent)}"


def _cells(told: Told | None, *, percent: bool) -> Cells:
    if told is None:
        return [words.NONE, "", ""]
    return [shown(told.value, percent=percent), _interval(told, percent=percent), f"{told.n:,}"]
