"""Revise: nights whose labels came late, were corrected or are complete by now, evaluated again.

Which they are follows from listings alone: what lies at a night's prefixes is held against what its latest
evaluation pinned. No row is read, and nothing is fetched, until a night is known to be touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.errors import DataError, NightproofError, ObjectChanged, ObjectMissing, RecordError
from nightproof.evaluation import Evaluation
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.pipeline import Step, evaluate
from nightproof.pull import listed
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.snapshot import PinnedObject, Snapshot
from nightproof.storage import OpenStore, StoredObject, split_url
from nightproof.verdict import Verdict

READERS = 8
"""Nights that are looked at at a time."""
NIGHT_FAULTS = (DataError, RecordError, ObjectMissing, ObjectChanged)
"""What is one night's own: the others can be evaluated all the same."""


@dataclass(frozen=True)
class Change:
    """What became of a night's objects since its latest evaluation.

    Parameters
    ----------
    night
        Which.
    entry
        Its latest evaluation.
    added, replaced, removed
        URLs of objects, in order.
    matured
        Whether it was provisional and is final by now.
    """

    night: Night
    entry: LogEntry
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    matured: bool = False

    @property
    def is_touched(self) -> bool:
        """Whether it is to be evaluated again."""
        return bool(self.added or self.replaced or self.removed or self.matured)


@dataclass(frozen=True)
class Revised:
    """A touched night, and what became of it.

    Parameters
    ----------
    change
        Why it was evaluated again.
    before
        The verdict that it had.
    labelled_before
        Labelled rows that it stood on; ``None`` where the night was quarantined.
    evaluation
        The new evaluation, or the same one where the bytes are the same; ``None`` where it could not be made.
    error
        Why not.
    """

    change: Change
    before: Verdict | None = None
    labelled_before: int | None = None
    evaluation: Evaluation | None = None
    error: NightproofError | None = None

    @property
    def is_new(self) -> bool:
        """Whether there is an evaluation that was not there before."""
        return self.evaluation is not None and self.evaluation.id != self.change.entry.evaluation_id

    @property
    def labelled(self) -> int | None:
        """Labelled rows that the new evaluation stands on; ``None`` where there is none, or it is quarantined."""
        profile = self.evaluation.profile if self.evaluation else None
        return profile.size()[1] if profile is not None else None


def touched(
    config: ModelConfig,
    results: ModelResults,
    *,
    open_store: OpenStore,
    now: datetime,
    first: Night | None = None,
    last: Night | None = None,
) -> list[Night]:
    """Nights that are to be evaluated again, oldest first; see :func:`changes`."""
    found = changes(config, results, open_store=open_store, now=now, first=first, last=last)
    return [change.night for change in found]


def changes(
    config: ModelConfig,
    results: ModelResults,
    *,
    open_store: OpenStore,
    now: datetime,
    first: Night | None = None,
    last: Night | None = None,
) -> list[Change]:
    """What has changed of evaluated nights, oldest first; nights without a change are left out.

    Parameters
    ----------
    config, results
        The model's.
    open_store
        Finds the stores of its data.
    now
        Which nights are final.
    first, last
        Nights to look at, both included, whatever their age; either end may be open. Without any, those whose
        labels may still come are looked at, and those that have become final since they were evaluated last.

    Raises
    ------
    StoreError
        If object storage fails.
    """
    latest = results.log.latest().values()
    if first is None and last is None:
        chosen = [entry for entry in latest if _is_looked_at(entry, config, now)]
    else:
        low, high = str(first or ""), str(last or "9999-12-31")
        chosen = [entry for entry in latest if low <= entry.night <= high]
    dossiers = [results.dossier(entry.night, entry.evaluation_id) for entry in chosen]
    look = partial(_change, config=config, open_store=open_store, now=now)
    with ThreadPoolExecutor(READERS) as readers:
        return [found for found in readers.map(look, chosen, dossiers) if found.is_touched]


def revise(
    config: ModelConfig,
    resources: Resources,
    found: Iterable[Change],
    *,
    now: datetime | None = None,
    left_out: Sequence[Step] = (),
) -> Iterator[Revised]:
    """Evaluate touched nights again, oldest first, each beside what it had.

    A night that cannot be evaluated (its data is gone or broken) does not stop the others.

    Parameters
    ----------
    found
        From :func:`changes`.
    now
        The instant of the listings; the clock's by default.
    left_out
        Steps to leave out.

    Raises
    ------
    StoreError
        If object storage fails: then no night can be evaluated.
    """
    results = resources.results(config)
    for change in sorted(found, key=lambda change: change.night):
        before = readings = None
        try:
            before, readings = results.verdict(change.entry), results.readings(change.entry)
            evaluation = evaluate(config, change.night, resources, left_out=left_out, now=now)
        except NIGHT_FAULTS as error:
            yield Revised(change, before, error=error)
        else:
            yield Revised(change, before, readings.labelled if readings else None, evaluation)


def _is_looked_at(entry: LogEntry, config: ModelConfig, now: datetime) -> bool:
    night = Night.parse(entry.night, config.data.label_delay)
    return entry.labels == "provisional" or now < night.end + config.data.matures_after


def _change(entry: LogEntry, dossier: Dossier, *, config: ModelConfig, open_store: OpenStore, now: datetime) -> Change:
    night = Night.parse(entry.night, config.data.label_delay)
    snapshot = Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))
    pinned = {found.url: found for found in snapshot.objects if found.role != "reference"}
    here = _here(config, night, open_store)
    return Change(
        night,
        entry,
        added=tuple(sorted(here.keys() - pinned.keys())),
        replaced=tuple(sorted(url for url in here.keys() & pinned.keys() if _is_other(here[url], pinned[url]))),
        removed=tuple(sorted(pinned.keys() - here.keys())),
        matured=entry.labels == "provisional" and now >= night.end + config.data.matures_after,
    )


def _here(config: ModelConfig, night: Night, open_store: OpenStore) -> dict[str, StoredObject]:
    """What lies at the night's prefixes, by URL as snapshots name it."""
    roots = {"predictions": config.data.predictions, "labels": config.data.labels or config.data.predictions}
    return {
        open_store(split_url(roots[role])[0]).url(stored.key): stored
        for role, found in listed(config, night, open_store).items()
        for stored in found
    }


def _is_other(stored: StoredObject, pinned: PinnedObject) -> bool:
    """Whether an object is not the pinned one any more; a listing mostly does not say which version it shows."""
    if stored.version_id is not None and pinned.version_id is not None and stored.version_id != pinned.version_id:
        return True
    return (stored.etag, stored.size) != (pinned.etag, pinned.size)
