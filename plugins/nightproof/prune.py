"""Prune: delete what a stated rule of retention no longer keeps, and say so before it is gone.

A note names every file with its hash and the rule, and is written first; it is a chain of its own beside the log.
So a missing file is accounted for by a note that names it, or it was taken away. A crash between the note and the
last deletion leaves files that a note names: the next run deletes them. Manifests, verdicts, snapshots, validations,
the log and its signatures are never touched, so the chain can be walked for ever.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from nightproof.config import ModelConfig
from nightproof.errors import AccessRefused, ObjectExists, RecordError
from nightproof.manifest import LogEntry, Manifest, PrunedFile, PruneNote
from nightproof.record_sections import Keep, RecordKeeping
from nightproof.results import ModelResults
from nightproof.sections import duration_text
from nightproof.storage import StoredObject

KINDS: Mapping[str, tuple[str, ...]] = {
    "reports": ("report.json", "report.html.gz", "data_docs.html.gz"),
    "findings": ("findings.json", "readings.json"),
    "profiles": ("profile.parquet",),
}
"""Files of an evaluation by the key of `record.keep` that says how long they stay."""
LEFTOVERS = timedelta(days=7)
"""After how long scratch files, and pieces of nights that never got a manifest, belong to no run any more."""
READERS = 8
_UNSEALED = "unsealed"
_SCRATCH = "scratch"
_NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Pruned:
    """What a run deleted, or would delete.

    Parameters
    ----------
    rule
        In words; empty where the config keeps everything.
    files
        Files of the record, as the note names them.
    leftovers
        What is no part of the record, by name below the model's folder: of runs that ended long ago.
    freed
        Bytes by kind: those of `KINDS`, `scratch` and `unsealed`.
    locked
        Files that S3 Object Lock still holds, by name below the model's folder; none of them was touched.
    note
        Number of the note that was written; ``None`` where there was nothing to say, or nothing was to be done.
    """

    rule: str
    files: tuple[PrunedFile, ...]
    leftovers: tuple[str, ...] = ()
    freed: Mapping[str, int] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    note: int | None = None

    @property
    def freed_bytes(self) -> int:
        """All of it."""
        return sum(self.freed.values())


def prune(config: ModelConfig, results: ModelResults, *, now: datetime, dry_run: bool = False) -> Pruned:
    """Delete what `record.keep` no longer keeps, and what runs that ended long ago left behind.

    Parameters
    ----------
    config
        Its `record.keep` is the rule.
    now
        UTC instant from which ages count back.
    dry_run
        Only say what would be deleted.

    Raises
    ------
    RecordError
        If log, manifests or notes contradict themselves: then nothing is deleted.
    StoreError
        If object storage fails; what the note names is deleted by the next run.
    """
    while True:
        found = _Listing.of(results)
        due = _Due.of(config, results, found, now=now)
        leftovers = _leftovers(found, now)
        number = None
        if due.files and not dry_run:
            try:
                number = _write_note(results, found, due, now)
            except ObjectExists:
                continue  # another run was first: what is due now is what its note does not name
        refused: list[str] = []
        if not dry_run:
            refused = _delete(results, [*found.unfinished(), *(_name(file) for file in due.files), *leftovers])
        freed: dict[str, int] = {}
        for name, kind in [*((_name(file), kind_of(file.name)) for file in due.files), *leftovers.items()]:
            freed[kind] = freed.get(kind, 0) + found.objects[name].size
        return Pruned(due.rule, due.files, tuple(leftovers), freed, (*due.locked, *refused), number)


def read_notes(results: ModelResults) -> list[PruneNote]:
    """Every note, oldest first."""
    keys = [found.key for found in results.store.list(f"{results.folder}pruned/")]
    return [PruneNote.from_bytes(results.store.read(key), name=results.store.url(key)) for key in keys]


def when_pruned(results: ModelResults, entry: LogEntry, name: str) -> PruneNote | None:
    """The note that says that a file of an evaluation is gone; ``None`` if there is none."""
    for note in read_notes(results):
        if any((f.evaluation_id, f.name) == (entry.evaluation_id, name) for f in note.files):
            return note
    return None


def kind_of(name: str) -> str:
    """The kind of an evaluation's file, as `record.keep` calls it; `kept` for what always stays."""
    return next((kind for kind, names in KINDS.items() if name in names), "kept")


def rule_of(keep: Keep) -> str:
    """A rule in words; empty where everything is kept."""
    said = [(kind, getattr(keep, kind)) for kind in KINDS]
    return "; ".join(f"{kind} are kept for {duration_text(age)} after publishing" for kind, age in said if age)


@dataclass(frozen=True)
class _Listing:
    """A model's folder as it is listed, by names below it, and what the notes say is gone."""

    objects: dict[str, StoredObject]
    entries: list[LogEntry]
    noted: frozenset[str]

    @classmethod
    def of(cls, results: ModelResults) -> _Listing:
        objects = {found.key.removeprefix(results.folder): found for found in results.store.list(results.folder)}
        noted = frozenset(_name(file) for note in read_notes(results) for file in note.files)
        return cls(objects, results.log.entries(), noted)

    def unfinished(self) -> list[str]:
        """Files that a note says are gone, and that a crash left."""
        return sorted(self.noted & self.objects.keys())

    @property
    def notes(self) -> list[str]:
        return sorted(name for name in self.objects if name.startswith("pruned/"))


@dataclass(frozen=True)
class _Due:
    """What the rule no longer keeps."""

    rule: str
    files: tuple[PrunedFile, ...]
    locked: tuple[str, ...]

    @classmethod
    def of(cls, config: ModelConfig, results: ModelResults, found: _Listing, *, now: datetime) -> _Due:
        keep = config.record.keep
        ages = {kind: age for kind in KINDS if (age := getattr(keep, kind)) is not None}
        old = [e for e in found.entries if ages and _end(e.night) + min(ages.values()) <= now]
        files: list[PrunedFile] = []
        locked: list[PrunedFile] = []
        with ThreadPoolExecutor(READERS) as readers:
            for manifest in readers.map(lambda entry: _manifest(results, entry), old):
                gone = [f for f in _outlived(manifest, ages, now) if _name(f) in found.objects.keys() - found.noted]
                (locked if _locked_until(manifest) > now else files).extend(gone)
        return cls(rule_of(keep), tuple(files), tuple(map(_name, locked)))


def _outlived(manifest: Manifest, ages: Mapping[str, timedelta], now: datetime) -> Iterator[PrunedFile]:
    for name, stored in sorted(manifest.files.items()):
        age = ages.get(kind_of(name))
        if age is not None and datetime.fromisoformat(manifest.evaluated_at) + age <= now:
            yield PrunedFile(
                night=manifest.night, evaluation_id=manifest.evaluation_id, name=name, sha256=stored.sha256
            )


def _manifest(results: ModelResults, entry: LogEntry) -> Manifest:
    dossier = results.dossier(entry.night, entry.evaluation_id)
    raw, where = dossier.read("manifest.json"), dossier.url("manifest.json")
    if hashlib.sha256(raw).hexdigest() != entry.manifest_sha256:
        # What it names may not be what was published: a note must not vouch for it.
        raise RecordError(f"{where} is not what entry {entry.number} of the log says: run nightproof verify first.")
    return Manifest.from_bytes(raw, name=where)


def _locked_until(manifest: Manifest) -> datetime:
    """Until when S3 Object Lock holds an evaluation's files: a deletion would only hide them."""
    lock = RecordKeeping.model_validate(manifest.config.get("record", {})).lock
    published = datetime.fromisoformat(manifest.evaluated_at)
    return published + lock.retain if lock else published


def _write_note(results: ModelResults, found: _Listing, due: _Due, now: datetime) -> int:
    """Say what will be gone; raises ``ObjectExists`` where another run was first."""
    number, head = len(found.notes), results.log.link(found.entries[-1])
    parent = results.store.read(results.folder + found.notes[-1]) if found.notes else None
    note = PruneNote(
        number=number,
        parent_sha256=None if parent is None else hashlib.sha256(parent).hexdigest(),
        head_number=head.number,
        head_sha256=head.sha256,
        at=now.isoformat(timespec="seconds"),
        rule=due.rule,
        files=due.files,
    )
    key = f"{results.folder}pruned/{number:09d}.json"
    results.store.create(key, note.to_bytes(), content_type="application/json")
    return number


def _delete(results: ModelResults, names: Iterable[str]) -> list[str]:
    """Delete objects; gives those that the store refuses to let go."""

    def gone(name: str) -> str | None:
        try:
            results.store.delete(results.folder + name)
        except AccessRefused:
            return name
        return None

    with ThreadPoolExecutor(READERS) as deleters:
        return [name for name in deleters.map(gone, list(names)) if name is not None]


def _leftovers(found: _Listing, now: datetime) -> dict[str, str]:
    """Names of what no run will come back to, each with its kind: a folder that nobody wrote to for a week."""
    folders: dict[str, list[str]] = {}
    for name in found.objects:
        parts = name.split("/")
        if len(parts) == 3 and (parts[0] == _SCRATCH or _NIGHT.fullmatch(parts[0])):
            folders.setdefault("/".join(parts[:2]), []).append(name)
    sealed = {f"{entry.night}/{entry.evaluation_id}" for entry in found.entries}
    return {
        name: _SCRATCH if folder.startswith(_SCRATCH) else _UNSEALED
        for folder, names in folders.items()
        # A manifest that the log does not have yet is a night that is about to be: only the chain may judge it.
        if folder not in sealed and f"{folder}/manifest.json" not in found.objects
        if all((when := found.objects[name].modified) is not None and when + LEFTOVERS <= now for name in names)
        for name in names
    }


def _name(file: PrunedFile) -> str:
    return f"{file.night}/{file.evaluation_id}/{file.name}"


def _end(night: str) -> datetime:
    return datetime.combine(date.fromisoformat(night), datetime.min.time(), UTC) + timedelta(days=1)
