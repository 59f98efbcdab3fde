"""A night's history: what earlier nights' records say that a verdict stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nightproof.evaluation import Baseline
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.profiles import Profile
from nightproof.results import ModelResults
from nightproof.verdict import Verdict


@dataclass(frozen=True)
class History:
    """The latest evaluation of each earlier night, nights rising."""

    night: Night
    results: ModelResults
    entries: tuple[LogEntry, ...]

    @classmethod
    def before(cls, night: Night, results: ModelResults) -> History:
        """What was known of the nights before one."""
        return cls(night, results, tuple(results.log.latest(before=str(night)).values()))

    @property
    def previous(self) -> Verdict | None:
        """The verdict of the latest earlier night; ``None`` for the first."""
        return self.results.verdict(self.entries[-1]) if self.entries else None

    def used(self, windows: Sequence[int]) -> tuple[str, ...]:
        """Evaluation ids that windows and the previous verdict come from."""
        first = str(self.night.before(max(windows) - 1))
        return tuple(e.evaluation_id for e in self.entries if e.night >= first or e is self.entries[-1])

    def windows(self, windows: Sequence[int], baseline: Baseline) -> Iterator[tuple[int, list[Profile]]]:
        """For each window of several nights, the stored profiles of its earlier nights.

        Nights that were quarantined, or compared with another baseline, are not among them. A
        window that no night is added to by its length is left out: it would say nothing new.
        """
        seen = 0
        for window in sorted(windows):
            first = str(self.night.before(window - 1))
            nights = [
                entry
                for entry in self.entries
                if entry.night >= first and entry.baseline_id == baseline.id and entry.status != "quarantined"
            ]
            if len(nights) > seen:
                seen = len(nights)
                yield (
                    window,
                    [self.results.profile(entry.night, entry.evaluation_id, baseline.spec) for entry in nights],
                )
