"""A night's history: what earlier nights' records say that a verdict stands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from nightproof.checks.labels import LEAST_NIGHTS, NIGHTS, Usual
from nightproof.config import ModelConfig
from nightproof.evaluation import Baseline
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.past import Past
from nightproof.profiles import Profile, merge
from nightproof.readings import LABELS, Readings
from nightproof.rejudge import Late, Revision, as_known
from nightproof.results import ModelResults
from nightproof.series import LOOKED_BACK
from nightproof.snapshot import LabelState, Snapshot
from nightproof.verdict import Verdict

READERS = 8
"""Readings that are fetched at a time."""
LATER = 90
"""Nights after a revised one that say whether its incidents go on by themselves."""


@dataclass(frozen=True)
class History:
    """The latest evaluation of each earlier night, nights rising, and what came before and after.

    Parameters
    ----------
    entries
        The latest evaluation of each earlier night, nights rising.
    earlier
        Evaluations of earlier nights that those took the place of, in the order of the log.
    superseded
        The night's own evaluation before this one; ``None`` for its first.
    later
        Where there is one: the latest evaluation of each later night, rising.
    """

    night: Night
    results: ModelResults
    entries: tuple[LogEntry, ...]
    earlier: tuple[LogEntry, ...] = ()
    superseded: LogEntry | None = None
    later: tuple[LogEntry, ...] = ()
    # The families look through the same windows: each is merged once.
    _merged: list[tuple[int, Profile]] = field(default_factory=list)

    @classmethod
    def before(cls, night: Night, results: ModelResults, *, evaluation_id: str | None = None) -> History:
        """What is known now: of the nights before one, of that night itself, and if it was evaluated before, after it.

        Parameters
        ----------
        evaluation_id
            The evaluation that this is the history of: it is no part of it.
        """
        entries = [entry for entry in results.log.entries() if entry.evaluation_id != evaluation_id]
        return cls.of(night, results, entries)

    @classmethod
    def of(cls, night: Night, results: ModelResults, known: Sequence[LogEntry]) -> History:
        """The history that some evaluations make, whatever else the log has.

        Parameters
        ----------
        known
            In the order of the log: of any nights, of this night only such as the evaluation takes the place of.
        """
        latest = {entry.night: entry for entry in known}
        before = [entry for entry in known if entry.night < str(night)]
        superseded = latest.get(str(night))
        rising = [latest[name] for name in sorted(latest)]
        until = str(night.before(-LATER))
        return cls(
            night,
            results,
            tuple(entry for entry in rising if entry.night < str(night)),
            tuple(entry for entry in before if latest[entry.night] is not entry),
            superseded,
            tuple(entry for entry in rising if str(night) < entry.night <= until) if superseded else (),
        )

    @cached_property
    def previous(self) -> Verdict | None:
        """The verdict of the latest earlier night, with what later revisions say of it; ``None`` for the first."""
        if not self.entries:
            return None
        late = [Late(self.results.verdict(new), self.results.verdict(old)) for old, new in self._late]
        return as_known(self.results.verdict(self.entries[-1]), late, blind_nights=self._blind_nights())

    @cached_property
    def _late(self) -> list[tuple[LogEntry, LogEntry]]:
        """Revisions that the verdict before did not stand on, each behind the evaluation that it stood on instead."""
        if not self.entries or not self.earlier:
            return []
        stood_on = set(self.results.verdict(self.entries[-1]).history)
        known = {entry.night: entry for entry in self.earlier if entry.evaluation_id in stood_on}
        new = [e for e in self._within(self.entries[:-1], LOOKED_BACK) if e.evaluation_id not in stood_on]
        return [(known[entry.night], entry) for entry in new if entry.night in known]

    def _blind_nights(self) -> int:
        told = [entry.status for entry in self.entries if entry.status != "quarantined"]
        return next((back for back, status in enumerate(reversed(told)) if status != "insufficient_data"), len(told))

    def _within(self, entries: Sequence[LogEntry], nights: int) -> list[LogEntry]:
        """Those of the last so many nights, tonight counted."""
        first = str(self.night.before(nights - 1))
        return [entry for entry in entries if entry.night >= first]

    def readings(self, labels: LabelState = "final") -> list[Readings]:
        """Readings of the nights that a verdict stands on, rising.

        Parameters
        ----------
        labels
            Tonight's: how complete labels were is read from evaluations that were as old as tonight's.
        """
        entries = self._within(self.entries, LOOKED_BACK)
        alike = {entry.night: entry for entry in self.as_old(labels)}
        with ThreadPoolExecutor(READERS) as readers:
            found = readers.map(self.results.readings, entries)
            told = [(entry, latest) for entry, latest in zip(entries, found, strict=True) if latest is not None]
        return [
            latest if alike.get(entry.night) is entry else _with_coverage(latest, self._readings_of(entry, alike))
            for entry, latest in told
        ]

    def _readings_of(self, entry: LogEntry, alike: Mapping[str, LogEntry]) -> Readings | None:
        return self.results.readings(alike[entry.night]) if entry.night in alike else None

    def as_old(self, labels: LabelState) -> list[LogEntry]:
        """Evaluations of the last nights that were as old as tonight's when their labels were counted, nights rising.

        A first evaluation is like first ones, a final revision like whatever is final; a revision before that is
        like none, since labels were still on their way.
        """
        every = [*self.earlier, *self.entries]
        if self.superseded is None:
            first: dict[str, LogEntry] = {}
            for entry in sorted(every, key=lambda e: getattr(e, "number", 0)):
                first.setdefault(entry.night, entry)
            found = [e for e in first.values() if e.supersedes is None and e.labels == labels]
        else:
            found = [e for e in self.entries if e.labels == "final"] if labels == "final" else []
        near = self._within(sorted(found, key=lambda entry: entry.night), NIGHTS + 1)
        told = [entry for entry in near if entry.status != "quarantined"]
        return told if len(told) >= LEAST_NIGHTS else []

    def usual(self, labels: LabelState, baseline: Baseline) -> Usual:
        """How complete labels were on earlier nights at tonight's age."""
        alike = self.as_old(labels)
        sizes = [(r.rows, r.labelled) for r in map(self.results.readings, alike) if r is not None]
        kept = [entry for entry in alike if entry.baseline_id == baseline.id]
        if len(kept) < LEAST_NIGHTS:
            return Usual(sizes)
        return Usual(sizes, [self.results.profile(e.night, e.evaluation_id, baseline.spec) for e in kept])

    def past(self, config: ModelConfig, snapshot: Snapshot, size: tuple[int, int] | None) -> Past:
        """What a verdict stands on beside tonight.

        Parameters
        ----------
        snapshot
            Tonight's.
        size
            Tonight's rows and labelled rows; ``None`` where the night is quarantined.
        """
        labels = snapshot.labels
        used = self.used(config.windows, labels)
        return Past(self.previous, self.readings(labels), used, self._revision(snapshot, size))

    def _revision(self, snapshot: Snapshot, size: tuple[int, int] | None) -> Revision | None:
        """What tonight's verdict takes the place of; ``None`` for the night's first evaluation."""
        if self.superseded is None:
            return None
        before, (rows, labelled) = self.results.readings(self.superseded), size or (None, None)
        return Revision(
            supersedes=self.superseded.evaluation_id,
            superseded=self.results.verdict(self.superseded),
            later=[self.results.verdict(entry) for entry in self.later],
            known_at=snapshot.listed_at,
            labels=snapshot.labels,
            rows=rows,
            labelled=labelled,
            labelled_before=before.labelled if before else None,
            is_same_data=self.results.snapshot(self.superseded).content == snapshot.content,
        )

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

    def used(self, windows: Sequence[int], labels: LabelState = "final") -> tuple[str, ...]:
        """Evaluation ids that windows, readings, the previous verdict and the re-judging come from."""
        first = str(self.night.before(max(*windows, LOOKED_BACK) - 1))
        latest = [e for e in self.entries if e.night >= first or e is self.entries[-1]]
        others = [*self.as_old(labels), *(old for old, _ in self._late), *self.later]
        return tuple(dict.fromkeys(e.evaluation_id for e in (*latest, *others)))

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


def _with_coverage(latest: Readings, alike: Readings | None) -> Readings:
    """A night's readings, those of its labels' coverage as they were at tonight's age."""
    own = [reading for reading in latest.all if reading.metric not in LABELS]
    own += [reading for reading in alike.all if reading.metric in LABELS] if alike is not None else []
    return latest.model_copy(update={"all": tuple(own)})
