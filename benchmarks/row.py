"""A row of the table: what was asked for, and what was found."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.measure import Runs


@dataclass(frozen=True)
class Row:
    """One row.

    Parameters
    ----------
    what
        What was measured.
    target
        What it should come to, in words.
    found
        What it came to, in words.
    met
        ``None`` where it could not be measured.
    note
        Further figures.
    """

    what: str
    target: str
    found: str
    met: bool | None
    note: str = ""


def seconds(value: float) -> str:
    """Seconds with as many digits as can be trusted."""
    return f"{value:.0f} s" if value >= 100 else f"{value:.1f} s" if value >= 10 else f"{value:.2f} s"


def mib(value: float) -> str:
    """MiB as a whole number."""
    return f"{value:,.0f} MiB"


def times(value: float) -> str:
    """A ratio."""
    return f"{value:.0f} x" if value >= 20 else f"{value:.1f} x" if value >= 10 else f"{value:.2f} x"


def parts(runs: Runs) -> str:
    """CPU seconds of each stage."""
    return ", ".join(f"{name} {seconds(runs.stage_s(name))}" for name in runs.stages)
