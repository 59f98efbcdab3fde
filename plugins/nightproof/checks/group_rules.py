"""What one group is held against: its own limits, and those beside the reference group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Subject, shown, unknown
from nightproof.checks.limits import held
from nightproof.metrics.comparisons import COMPARISONS, MEASURES, Measures
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.four_fifths import four_fifths
from nightproof.sections import Bias, Limit

LIMITED = ("calibration_gap",)
"""Measures of a group by itself that a config may set a limit for."""


@dataclass(frozen=True)
class Rules:
    """What a group is held against through one window."""

    settings: Bias
    window: int

    def findings(
        self,
        segment: dict[str, str],
        own: tuple[Measures, Measures | None],
        other: tuple[Measures, Measures] | None,
    ) -> Iterator[Finding]:
        """A group by itself and, where there is another, beside the reference group.

        Each is a pair of measures, of the night and of the baseline.
        """
        yield from self._measured(segment, *own)
        if other is not None:
            yield from self._compared(segment, own, other)

    def _measured(self, segment: dict[str, str], now: Measures, then: Measures | None) -> Iterator[Finding]:
        for name in MEASURES:
            subject, value, known = self._subject(name, segment), now[name], then[name] if then else None
            if name in LIMITED:
                limit = self.settings.limit(name)
                yield from held(subject, value, known, limit=limit)
            elif isinstance(value, Unknown):
                yield unknown(subject, value, baseline=known)
            else:
                baseline = known if isinstance(known, Estimate) else None
                yield shown(subject, value, baseline, difference(value, baseline) if baseline else None)

    def _compared(
        self, segment: dict[str, str], own: tuple[Measures, Measures | None], other: tuple[Measures, Measures]
    ) -> Iterator[Finding]:
        for name, comparison in COMPARISONS.items():
            now, then = comparison.of(own[0], other[0]), comparison.of(own[1], other[1]) if own[1] else None
            limit, mine = self.settings.limit(name), own[0][comparison.measure]
            if isinstance(now, Unknown) and limit == Limit():
                continue  # the measure itself says why it is unknown
            value, known = _estimate(now, mine.n), _estimate(then, 0) if then else None
            found = held(self._subject(name, segment), value, known, limit=limit)
            yield from map(_answered, found) if name == "impact_ratio" else found

    def _subject(self, metric: str, segment: dict[str, str]) -> Subject:
        return Subject("bias", metric, self.window, segment)


def _estimate(found: Change | Unknown, n: int) -> Estimate | Unknown:
    return found if isinstance(found, Unknown) else Estimate(found.value, found.low, found.high, n)


def _answered(finding: Finding) -> Finding:
    """An impact ratio with the four-fifths rule's answer."""
    reason = f"{finding.reason[:-1]}; four-fifths rule: {four_fifths(finding.interval)}."
    return finding.model_copy(update={"reason": reason})
