"""A period of a record: every evaluation of its nights, as stored, and whether it is whole."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from nightproof.checks.finding import Finding, Findings
from nightproof.config import ModelConfig
from nightproof.errors import NightError, ObjectMissing, RecordError
from nightproof.manifest import LogEntry, Manifest, PruneNote
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot
from nightproof.validation import Validation
from nightproof.verdict import Verdict
from nightproof.words import counted

PIECES = ("snapshot.json", "validation.json", "verdict.json", "findings.json", "readings.json")
"""Files of an evaluation that a pack holds beside its manifest; of the others it holds the hashes."""
READERS = 8
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Evaluated:
    """One evaluation of the period.

    Parameters
    ----------
    entry, manifest
        As published.
    stored
        Its files that a pack holds, by name, in the bytes that are stored.
    gone
        Names of files of `PIECES` that the manifest names and nobody can read, each with the reason.
    is_latest
        Whether no later evaluation of the night takes its place.
    """

    entry: LogEntry
    manifest: Manifest
    stored: Mapping[str, bytes]
    gone: Mapping[str, str]
    is_latest: bool

    @property
    def night(self) -> str:
        """The UTC day."""
        return self.entry.night

    @property
    def folder(self) -> str:
        """Where it lies below the model's folder."""
        return f"{self.entry.night}/{self.entry.evaluation_id}/"

    @property
    def readings_raw(self) -> bytes | None:
        """Its readings as JSON; ``None`` where there are none."""
        return self._read("readings.json")

    def _read(self, name: str) -> bytes | None:
        raw = self.stored.get(name)
        return gzip.decompress(raw) if raw is not None and raw.startswith(_GZIP) else raw

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """Which bytes it read."""
        raw = self._read("snapshot.json")
        return Snapshot.from_bytes(raw, name=f"{self.folder}snapshot.json") if raw is not None else None

    @cached_property
    def validation(self) -> Validation | None:
        """Whether they were fit to be evaluated."""
        raw = self._read("validation.json")
        return Validation.from_bytes(raw, name=f"{self.folder}validation.json") if raw is not None else None

    @cached_property
    def verdict(self) -> Verdict | None:
        """What it came to."""
        raw = self._read("verdict.json")
        return Verdict.from_bytes(raw, name=f"{self.folder}verdict.json") if raw is not None else None

    @cached_property
    def findings(self) -> tuple[Finding, ...] | None:
        """Its numbers; ``None`` where they were pruned or are missing."""
        raw = self._read("findings.json")
        return Findings.from_bytes(raw, name=f"{self.folder}findings.json").all if raw is not None else None


@dataclass(frozen=True)
class Period:
    """A model's record from one night to another.

    Parameters
    ----------
    config
        The model's, as it is today.
    first, last
        Nights, both included.
    entries
        The whole log, oldest first.
    evaluated
        Evaluations of the period's nights, in the order of the log.
    beside
        Objects that a pack holds as they are stored, by name below the model's folder: the log, signatures, notes.
    notes
        Notes of retention.
    problems
        What is not as it was published, in words; empty where the record is whole.
    checked
        What was looked at, in words.
    """

    config: ModelConfig
    first: date
    last: date
    entries: Sequence[LogEntry]
    evaluated: Sequence[Evaluated]
    beside: Mapping[str, bytes]
    notes: Sequence[PruneNote]
    problems: Sequence[str] = ()
    checked: str = ""

    @property
    def nights(self) -> list[date]:
        """Every calendar night, evaluated or not."""
        return [self.first + timedelta(days=day) for day in range((self.last - self.first).days + 1)]

    @cached_property
    def latest(self) -> dict[str, Evaluated]:
        """The evaluation that stands for each night, nights rising."""
        return dict(sorted((e.night, e) for e in self.evaluated if e.is_latest))

    @property
    def missing(self) -> list[str]:
        """Nights that nobody evaluated."""
        return [str(night) for night in self.nights if str(night) not in self.latest]

    @property
    def head(self) -> tuple[int, str] | None:
        """Number and SHA-256 of the last entry of the log; ``None`` of an empty one."""
        if not self.entries:
            return None
        number = self.entries[-1].number
        return number, hashlib.sha256(self.beside[f"log/{number:09d}.json"]).hexdigest()

    @cached_property
    def config_then(self) -> ModelConfig:
        """The config of the period's last evaluation; today's where it cannot be read any more."""
        if not self.latest:
            return self.config
        try:
            return ModelConfig.model_validate(list(self.latest.values())[-1].manifest.config)
        except ValueError:
            return self.config


def read_period(config: ModelConfig, results: ModelResults, *, first: date, last: date) -> Period:
    """Read a period, and hold every hash against the log.

    Parameters
    ----------
    first, last
        Nights, both included.

    Raises
    ------
    NightError
        If the record has no night of the period.
    StoreError
        If object storage fails.
    """
    beside = dict(_beside(results))
    entries, problems = _chain(beside)
    latest = {entry.night: entry.evaluation_id for entry in entries}
    asked = [entry for entry in entries if str(first) <= entry.night <= str(last)]
    if not asked:
        known = f"; it has {min(latest)} to {max(latest)}" if latest else ""
        raise NightError(
            f"The record of {config.model} in {config.results_url} has no night from {first} to {last}{known}."
        )
    notes = [PruneNote.from_bytes(raw, name=name) for name, raw in beside.items() if name.startswith("pruned/")]
    pruned = {(f.evaluation_id, f.name): note.at[:10] for note in notes for f in note.files}
    with ThreadPoolExecutor(READERS) as readers:
        read = list(readers.map(lambda entry: _evaluated(results, entry, latest, pruned), asked))
    evaluated = [found for found, _ in read if found is not None]
    problems += [problem for _, some in read for problem in some]
    more, checked = _verified(config, results)
    return Period(
        config=config,
        first=first,
        last=last,
        entries=entries,
        evaluated=evaluated,
        beside=beside,
        notes=notes,
        problems=tuple(dict.fromkeys([*problems, *more])),
        checked=checked,
    )


def _beside(results: ModelResults) -> Iterator[tuple[str, bytes]]:
    names = [
        found.key.removeprefix(results.folder)
        for part in ("log/", "signatures/", "pruned/")
        for found in results.store.list(results.folder + part)
    ]
    with ThreadPoolExecutor(READERS) as readers:
        yield from zip(names, readers.map(lambda name: results.store.read(results.folder + name), names), strict=True)


def _chain(beside: Mapping[str, bytes]) -> tuple[list[LogEntry], list[str]]:
    """Entries that can be read, and what is wrong with their order and links."""
    entries: list[LogEntry] = []
    problems: list[str] = []
    parent: str | None = None
    for number, (name, raw) in enumerate((n, r) for n, r in sorted(beside.items()) if n.startswith("log/")):
        try:
            entry = LogEntry.from_bytes(raw, name=name)
        except RecordError as error:
            problems.append(str(error))
            parent = hashlib.sha256(raw).hexdigest()
            continue
        if name != f"log/{number:09d}.json" or entry.number != number:
            problems.append(f"{name} stands where entry {number} of the log should be.")
        elif entry.parent_sha256 != parent:
            problems.append(f"{name} does not follow the entry before it.")
        parent = hashlib.sha256(raw).hexdigest()
        entries.append(entry)
    return entries, problems


def _evaluated(
    results: ModelResults, entry: LogEntry, latest: Mapping[str, str], pruned: Mapping[tuple[str, str], str]
) -> tuple[Evaluated | None, list[str]]:
    folder = f"{entry.night}/{entry.evaluation_id}/"
    problems: list[str] = []
    raw = _find(results, f"{folder}manifest.json")
    if raw is None:
        return None, [f"{folder}manifest.json is missing."]
    if hashlib.sha256(raw).hexdigest() != entry.manifest_sha256:
        problems.append(f"{folder}manifest.json is not what entry {entry.number} of the log says.")
    try:
        manifest = Manifest.from_bytes(raw, name=f"{folder}manifest.json")
    except RecordError as error:
        return None, [*problems, str(error)]
    stored, gone = {"manifest.json": raw}, {}
    for name in PIECES:
        if name not in manifest.files:
            continue
        content = _find(results, folder + name)
        if content is None:
            when = pruned.get((entry.evaluation_id, name))
            gone[name] = f"pruned on {when}, as the retention in the config says" if when else "missing"
            problems += [] if when else [f"{folder}{name} is missing, and no note of retention names it."]
        elif hashlib.sha256(content).hexdigest() != manifest.files[name].sha256:
            gone[name] = "changed since it was published"
            problems.append(f"{folder}{name} is not what its manifest says.")
        else:
            stored[name] = content
    is_latest = latest[entry.night] == entry.evaluation_id
    return Evaluated(entry, manifest, stored, gone, is_latest), problems


def _find(results: ModelResults, name: str) -> bytes | None:
    try:
        return results.store.read(results.folder + name)
    except ObjectMissing:
        return None


def _verified(config: ModelConfig, results: ModelResults) -> tuple[list[str], str]:
    """What is wrong with the whole record, beyond the period's nights, and what was looked at."""
    from nightproof.signatures import PublicKey
    from nightproof.verify import verify

    signing = config.record.sign
    keys = [PublicKey.from_pem(pem, name="record.sign.public_keys") for pem in signing.public_keys] if signing else []
    found = verify(results, public_keys=keys)
    counts = found.counts
    checked = (
        f"All {counted(found.entries, 'entry of the log', 'entries of the log')} and every manifest of the whole "
        f"record were read and hashed, and every file of the period that is in this pack; "
        f"{counted(counts.by_listing, 'other file')} by size and MD5 in the store's own listing; "
        + (f"{counted(counts.signatures, 'signature')} held." if signing else "the chain is not signed.")
    )
    return [str(breach) for breach in found.breaches], checked
