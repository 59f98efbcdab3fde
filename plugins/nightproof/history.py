"""A night's history: what earlier nights' records say that a verdict stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nightproof.evaluation import Baseline
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.profiles import Profile, merge
from nightproof.readings import Readings
from nightproof.results import ModelResults
from nightproof.series import LOOKED_BACK
from nightproof.verdict import Verdict

READERS = 8
"""Readings that are fetched at a time."""


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

    def readings(self) -> list[Readings]:
        """Readings of the nights that a verdict stands on, rising."""
        first = str(self.night.before(LOOKED_BACK - 1))
        entries = [entry for entry in self.entries if entry.night >= first]
        with ThreadPoolExecutor(READERS) as readers:
            return [found for found in readers.map(self.results.readings, entries) if found is not None]

    def last(self, nights: int, baseline: Baseline, tonight: Profile) -> Profile:
        """The profile of the last so many nights, tonight's included, that were compared with this baseline."""
        first = str(self.night.before(nights - 1))
        return merge([*self._profiles(first, baseline), tonight])

    def _profiles(self, first: str, baseline: Baseline) -> list[Profile]:
        return [self.results.profile(e.night, e.evaluation_id, baseline.spec) for e in self._alike(first, baseline)]

    def _alike(self, first: str, baseline: Baseline) -> list[LogEntry]:
        return [
            entry
            for entry in self.entries
            if entry.night >= first and entry.baseline_id == baseline.id and entry.status != "quarantined"
        ]

    def used(self, windows: Sequence[int]) -> tuple[str, ...]:
        """Evaluation ids that windows, readings and the previous verdict come from."""
        first = str(self.night.before(max(*windows, LOOKED_BACK) - 1))
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
            nights = len(self._alike(first, baseline))
            if nights > seen:
                seen = nights
                yield window, merge([*self._profiles(first, baseline), tonight])
