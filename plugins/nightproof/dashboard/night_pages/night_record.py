"""A night's record: which evaluation is meant, and the papers that it left, held against the chain as they are read."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nightproof.board import NightLine
from nightproof.checks.finding import Finding, Findings
from nightproof.dashboard.source import Source
from nightproof.errors import NightError, ObjectMissing, RecordError
from nightproof.manifest import LogEntry, Manifest
from nightproof.night import Night
from nightproof.prune import when_pruned
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot
from nightproof.storage import StoredObject
from nightproof.validation import Validation
from nightproof.verdict import Verdict

PAPERS = ("manifest.json", "verdict.json", "validation.json", "snapshot.json")
_EVALUATION = re.compile(r"[0-9a-f]{16}")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Found:
    """One evaluation of a night, by its entry in the log.

    Parameters
    ----------
    results
        The model's.
    entry
        The evaluation's.
    raw
        The entry's bytes, as they are stored.
    every
        All evaluations of the night, in the order of the log.
    """

    results: ModelResults
    entry: LogEntry
    raw: bytes
    every: tuple[LogEntry, ...]

    @property
    def latest(self) -> LogEntry:
        """The night's last evaluation."""
        return self.every[-1]

    @property
    def folder(self) -> str:
        """Key prefix of its files."""
        return folder_of(self.results, self.entry)

    def read(self, name: str) -> bytes:
        """A file as it is stored; raises ``ObjectMissing``. Nothing is remembered: a report takes megabytes."""
        return self.results.store.read(self.folder + name)


@dataclass(frozen=True)
class Papers:
    """What an evaluation left behind.

    Parameters
    ----------
    found
        The evaluation.
    there
        Files of its folder as they are listed, with their bytes.
    findings
        All of them; ``None`` where there are none, which ``without`` explains.
    torn
        Files that are not what the chain says was published.
    """

    found: Found
    manifest: Manifest
    verdict: Verdict
    validation: Validation
    snapshot: Snapshot
    there: Mapping[str, int]
    findings: tuple[Finding, ...] | None
    without: str
    torn: tuple[str, ...]

    def gone(self, name: str) -> str:
        """Why a file that the manifest names is not there, in a sentence; empty where it is, or never was."""
        if name in self.there or name not in self.manifest.files:
            return ""
        return why_gone(self.found, name)


def find(source: Source, model: str, night: str, evaluation_id: str | None = None) -> Found:
    """The evaluation that an address names; the night's latest where it names none.

    Raises
    ------
    ObjectMissing
        In the same words for a night that is no date, one that was not evaluated, and an evaluation of another night.
    """
    results = source.results(model)
    day = _day(night)
    if day is None or (evaluation_id is not None and not _EVALUATION.fullmatch(evaluation_id)):
        raise _none(source, model)
    every, raw = _evaluations(source, model, results, day=day)
    entry = next((e for e in reversed(every) if evaluation_id in (None, e.evaluation_id)), None)
    if entry is None:
        raise _none(source, model)
    return Found(results, entry, raw or results.store.read(_key(results, entry.number)), tuple(every))


def read_papers(found: Found) -> Papers:
    """Read what an evaluation left, all at once.

    Raises
    ------
    RecordError
        If a paper is not what it should be.
    ObjectMissing
        If one that is always kept is gone.
    """
    names = (*PAPERS, "findings.json")
    with ThreadPoolExecutor(len(names) + 1) as readers:
        listed = readers.submit(lambda: {s.key.removeprefix(found.folder): s.size for s in _listed(found)})
        raws = dict(zip(names, readers.map(lambda name: _find(found, name), names), strict=True))
    there = listed.result()
    manifest = Manifest.from_bytes(_kept(found, raws, "manifest.json"), name=_url(found, "manifest.json"))
    findings, without = _findings(found, raws["findings.json"], manifest)
    return Papers(
        found=found,
        manifest=manifest,
        verdict=Verdict.from_bytes(_kept(found, raws, "verdict.json"), name=_url(found, "verdict.json")),
        validation=Validation.from_bytes(_kept(found, raws, "validation.json"), name=_url(found, "validation.json")),
        snapshot=Snapshot.from_bytes(_kept(found, raws, "snapshot.json"), name=_url(found, "snapshot.json")),
        there=there,
        findings=findings,
        without=without,
        torn=tuple(_torn(found.entry, manifest, raws)),
    )


def folder_of(results: ModelResults, entry: LogEntry) -> str:
    """Key prefix of an evaluation's files."""
    return f"{results.folder}{entry.night}/{entry.evaluation_id}/"


def unpacked(stored: bytes, where: str) -> bytes:
    """A file's content, whether it was stored packed or not; raises ``RecordError``."""
    if not stored.startswith(_GZIP):
        return stored
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordError(f"{where} is cut off, or packed otherwise than it was published.") from error


def why_gone(found: Found, name: str) -> str:
    """Why a file that was published is not there, in a sentence."""
    if note := when_pruned(found.results, found.entry, name):
        return f"Deleted by retention on {note.at[:10]}: {note.rule}."
    return "Lost: no note of retention accounts for it. Run nightproof verify."


def _evaluations(source: Source, model: str, results: ModelResults, *, day: str) -> tuple[list[LogEntry], bytes | None]:
    """All evaluations of a night; of one that the board says was evaluated once, without reading the whole log."""
    line = _line(source, model, day)
    if line is not None and line.evaluations == 1:
        raw = results.store.read(_key(results, line.number))
        entry = LogEntry.from_bytes(raw, name=results.store.url(_key(results, line.number)))
        if (entry.night, entry.evaluation_id) == (day, line.evaluation_id):
            return [entry], raw
    return [entry for entry in results.log.entries() if entry.night == day], None


def _line(source: Source, model: str, day: str) -> NightLine | None:
    """The night on the board, which may lag behind the log or lack a model altogether."""
    try:
        return source.nights(model).line(day)
    except (ObjectMissing, RecordError):
        return None


def _none(source: Source, model: str) -> ObjectMissing:
    try:
        row = source.row(model)
    except ObjectMissing:
        return ObjectMissing(f"There is no such night, or no such evaluation of it. None of {model} is known yet.")
    return ObjectMissing(
        f"There is no such night, or no such evaluation of it. Nights of {model} are known from {row.first_night} "
        f"to {row.night}."
    )


def _day(text: str) -> str | None:
    try:
        return str(Night.parse(text))
    except NightError:
        return None


def _key(results: ModelResults, number: int) -> str:
    return f"{results.folder}log/{number:09d}.json"


def _url(found: Found, name: str) -> str:
    return found.results.store.url(found.folder + name)


def _listed(found: Found) -> list[StoredObject]:
    return list(found.results.store.list(found.folder))


def _find(found: Found, name: str) -> bytes | None:
    try:
        return found.read(name)
    except ObjectMissing:
        return None


def _kept(found: Found, raws: Mapping[str, bytes | None], name: str) -> bytes:
    raw = raws[name]
    if raw is None:
        raise ObjectMissing(
            f"{_url(found, name)} is gone, though retention never deletes it: run nightproof verify "
            f"{found.results.model}, which says whether it can be brought back."
        )
    return raw


def _findings(found: Found, raw: bytes | None, manifest: Manifest) -> tuple[tuple[Finding, ...] | None, str]:
    if found.entry.status == "quarantined":
        return None, "The night was quarantined: its data failed validation, so nothing was computed on it."
    if raw is not None:
        where = _url(found, "findings.json")
        try:
            return Findings.from_bytes(unpacked(raw, where), name=where).all, ""
        except RecordError as error:
            return None, f"They cannot be read. {error}"
    if "findings.json" not in manifest.files:
        return None, "The evaluation has no findings."
    return None, why_gone(found, "findings.json")


def _torn(entry: LogEntry, manifest: Manifest, raws: Mapping[str, bytes | None]) -> list[str]:
    expected = {name: stored.sha256 for name, stored in manifest.files.items()}
    expected["manifest.json"] = entry.manifest_sha256
    return [
        name
        for name, raw in raws.items()
        if raw is not None and name in expected and hashlib.sha256(raw).hexdigest() != expected[name]
    ]
