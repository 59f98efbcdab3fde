"""A night's history: what earlier nights' records say that a verdict stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nightproof.evaluation import Baseline
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.profiles import Profile, merge
from nightproof.results import ModelResults
from nightproof.verdict import Verdict


@dataclass(frozen=True)
class History:
    """The latest evaluation of each earlier night, nights rising."""

    night: Night
    results: ModelResults
    entries: tuple[LogEntry, ...]
    # The families look through the same windows: each is merged once.
    _merged: list[tuple[int, Profile]] = field(default_factory=list)

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

    def windows(self, windows: Sequence[int], baseline: Baseline, tonight: Profile) -> list[tuple[int, Profile]]:
        """Each window of several nights with the profile of all its nights, tonight's included.

        Nights that were quarantined, or compared with another baseline, are not among them. A
        window that no night is added to by its length is left out: it would say nothing new.
        """
        if not self._merged:
            self._merged.extend(self._merge(windows, baseline, tonight))
        return self._merged

    def _merge(self, windows: Sequence[int], baseline: Baseline, tonight: Profile) -> Iterator[tuple[int, Profile]]:
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
                earlier = [self.results.profile(entry.night, entry.evaluation_id, baseline.spec) for entry in nights]
                yield window, merge([*earlier, tonight])
