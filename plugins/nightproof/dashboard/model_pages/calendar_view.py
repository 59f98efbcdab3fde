"""The calendar of a model's nights: a row a month, a cell a day."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.board import NightLine
from nightproof.dashboard.drawing.chart_layout import days_between
from nightproof.verdict import VerdictStatus

Day = tuple[str, VerdictStatus, str] | None
"""Two digits of its day, its status, and what else its cell says; ``None`` where no night was evaluated."""


def calendar(lines: Sequence[NightLine]) -> list[tuple[str, list[Day]]]:
    """Nights by month, the last month on top; each month has 31 places."""
    months: dict[str, list[Day]] = {}
    for line in lines:
        days = months.setdefault(line.night[:7], [None] * 31)
        days[int(line.night[8:]) - 1] = (line.night[8:], line.status, _also(line))
    return sorted(months.items(), reverse=True)


def missing(lines: Sequence[NightLine]) -> int:
    """Nights between the first and the last that were not evaluated."""
    return days_between(lines[0].night, lines[-1].night) + 1 - len(lines) if lines else 0


def _also(line: NightLine) -> str:
    """What a cell says beside its status: labels that may still come, and incidents."""
    said = ", labels provisional" if line.labels == "provisional" else ""
    opened = sum(incident.is_open for incident in line.incidents)
    return f"{said}, incident open" if opened else said
