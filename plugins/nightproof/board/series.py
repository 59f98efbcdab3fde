"""The series of the board: which of a night's findings are followed from night to night, and what of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from nightproof.checks.finding import Finding
from nightproof.checks.held import ESTIMATED, held_by
from nightproof.config import ModelConfig
from nightproof.metric_names import HARM
from nightproof.readings import DATA, DRIFT, SeriesKey, key

Worse = Literal["lower", "higher"]
FOLLOWED_DRIFT = frozenset((*DRIFT, *DATA, "scoring_rate"))
STATUS_CODES = {"ok": "o", "watch": "w", "regression": "r", "insufficient_data": "i"}
"""One character a night, so that a year of a series is one text."""
NOTHING = "-"
"""In a text of status codes: a night without this series."""
DIGITS = 7
"""Significant digits that the board keeps: more than any chart or table of it shows."""


class Told(NamedTuple):
    """One series on one night."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    baseline: float | None
    limit: float | None
    """The value beyond which harm is more than is tolerated; none where it is evidence alone."""
    status: str
    """Its code, as in `STATUS_CODES`."""


Numbers = Mapping[SeriesKey, tuple[Worse | None, Told]]
"""A night's numbers: of each series on which side harm is, where there is one, and what it was."""


def followed(findings: Iterable[Finding], config: ModelConfig | None) -> Numbers:
    """What the board follows of a night's findings.

    Parameters
    ----------
    findings
        All of a night's.
    config
        As it was on that night: it has the limits; ``None`` where it can no longer be read.
    """
    found: dict[SeriesKey, tuple[Worse | None, Told]] = {}
    for finding in findings:
        if _is_followed(finding) and key(finding) not in found:
            found[key(finding)] = _told(finding, config)
    return found


def _is_followed(finding: Finding) -> bool:
    if finding.window != 1 or finding.reference != "baseline":
        return False
    if finding.check == "drift":
        return finding.metric in FOLLOWED_DRIFT and len(finding.segment) <= 1
    if finding.check == "bias":
        # Of groups of one column: intersections are many, and each night's own page has them.
        return len(finding.segment) <= 1
    return not finding.segment and not finding.metric.startswith("change")


def _told(finding: Finding, config: ModelConfig | None) -> tuple[Worse | None, Told]:
    held = held_by(finding, config) if config is not None and finding.value is not None else None
    low, high = finding.interval or (None, None)
    limit, worse = None, _worse(finding)
    if held is not None:
        counted_from = finding.baseline if held.from_baseline else 0.0
        limit = None if counted_from is None else held.sign * (held.sign * counted_from + held.limit)
        worse = "higher" if held.sign > 0 else "lower"
    return worse, Told(
        value=rounded(finding.value),
        low=rounded(low),
        high=rounded(high),
        n=finding.n,
        baseline=rounded(finding.baseline),
        limit=rounded(limit),
        status=STATUS_CODES[finding.status],
    )


def _worse(finding: Finding) -> Worse | None:
    harm = HARM.get(finding.metric.removeprefix(ESTIMATED))  # type: ignore[call-overload]
    if harm is not None:
        return "lower" if harm == "max_drop" else "higher"
    return "higher" if finding.check == "drift" and finding.metric not in ("label_coverage", "scoring_rate") else None


def rounded(value: float | None) -> float | None:
    """A number with as many digits as the board keeps."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def worst(codes: Sequence[str]) -> str:
    """The worst of some status codes; `-` of none."""
    return next((code for code in "rwoi" if code in codes), NOTHING)
