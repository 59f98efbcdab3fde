"""Rerun: an evaluation's steps once more, on what its manifest pins, into memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from nightproof.baseline import baseline_id
from nightproof.config import ModelConfig
from nightproof.errors import NightproofError, ObjectChanged, ObjectMissing, RecordError
from nightproof.expectations.suite import suite_path
from nightproof.lease import Lease
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.pipeline import Ticket, compute_night
from nightproof.pull import READERS, bring_pinned
from nightproof.reproduce.compare import Compared, compare
from nightproof.reproduce.overlay import Overlay
from nightproof.reproduce.published import Published, checked_manifest
from nightproof.reproduce.reproduction import MOST_TOLD, FileOutcome, Input, Outcome, Reproduction
from nightproof.resources import Resources
from nightproof.results import ModelResults
from nightproof.snapshot import PinnedObject, Role
from nightproof.storage import Store, split_url

_INPUTS = ("snapshot.json", "suite.json", "history.json")
_COUNTED = ("profile.parquet", "validation.json", "data_docs.html.gz")
"""Files that are made from the night's rows; all others follow from these."""
_BASELINE = ("spec.json", "profile.parquet")
"""Where the reference was first seen (`origin.json`) is no result of it."""


def reproduce(
    config: ModelConfig, night: Night, resources: Resources, *, evaluation_id: str | None = None
) -> Reproduction:
    """Compute a published evaluation again, and compare every number.

    Each pinned object is fetched again, by its version where it has one, and must have the recorded
    SHA-256. Config, suite and the earlier nights that the verdict stood on are the recorded ones. What
    the store no longer has is taken from the record as far as that goes, and said. Nothing is written
    to the results.

    Parameters
    ----------
    config
        The model's config of today: only where results lie, and the engine, are taken from it.
    evaluation_id
        Which of the night's evaluations; the latest by default.

    Raises
    ------
    NightError
        If there is no such evaluation.
    RecordError
        If its manifest was changed, or is not understood by this version.
    StoreError
        If object storage fails.
    """
    published = Published.find(resources.results(config), night, evaluation_id)
    recorded = published.config(config)
    with resources.cache.lease() as lease, _suites(published, recorded, resources) as (suites, moved):
        run = _Run(published, recorded, resources, suites)
        run.moved += [*published.versions_moved(), *published.record_moved(), *moved]
        run.moved += published.metrics_moved(recorded)
        run.fetch(lease)
        try:
            run.compute()
        except NightproofError as error:
            run.reason = str(error)
        run.moved += run.history_moved()
    return run.told()


@dataclass
class _Run:
    published: Published
    config: ModelConfig
    resources: Resources
    suites: Path
    moved: list[Input] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    reason: str | None = None

    def __post_init__(self) -> None:
        results, entry = self.published.results, self.published.entry
        self.own = f"{results.folder}{entry.night}/{entry.evaluation_id}/"
        self.baselines = results.baselines
        self.root = split_url(self.config.results_url)[0]
        self.overlay = Overlay(results.store, hidden=(self.own, self.baselines))
        self.scratch = Resources(cache=self.resources.cache, suites=self.suites, open_store=self._open)
        self.results: ModelResults = self.scratch.results(self.config)

    def _open(self, root: str) -> Store:
        return self.overlay if root == self.root else self.resources.open_store(root)

    def fetch(self, lease: Lease) -> None:
        """Fetch every pinned object again; what cannot be is noted, and the record's own stands in for it."""
        pinned = self.published.snapshot.objects
        for root in {split_url(found.url)[0] for found in pinned}:
            self.resources.open_store(root)  # once, before threads ask for it
        with ThreadPoolExecutor(READERS) as readers:
            wrong = list(readers.map(lambda found: self._fetch(found, lease), pinned))
        gone = [(found, said) for found, said in zip(pinned, wrong, strict=True) if said]
        for found, said in gone:
            version = f"version {found.version_id}" if found.version_id else "no version"
            then = f"{version}, SHA-256 {found.sha256[:12]}"
            self.moved.append(Input(kind="object", name=found.url, then=then, now=said))
        self._write(self.own, {name: raw for name in _INPUTS if (raw := self.published.files.get(name))})
        self._give({found.role for found, _ in gone})

    def _fetch(self, found: PinnedObject, lease: Lease) -> str | None:
        try:
            bring_pinned(
                found, open_store=self.resources.open_store, cache=self.resources.cache, lease=lease, again=True
            )
        except (ObjectChanged, ObjectMissing) as error:
            return str(error)
        return None

    def _give(self, gone: set[Role]) -> None:
        """Put recorded files in the place of those whose data is gone."""
        if "reference" in gone:
            kept = {name: raw for name, raw in self.published.baseline_files.items() if raw}
            self._write(f"{self.baselines}{baseline_id(self.config, self.published.snapshot)}/", kept)
            self.given |= {f"baseline/{name}" for name in kept}
        if gone & {"predictions", "labels"}:
            kept = {name: raw for name in _COUNTED if (raw := self.published.files.get(name))}
            self._write(self.own, kept)
            self.given |= set(kept)

    def _write(self, folder: str, files: dict[str, bytes]) -> None:
        for name, raw in files.items():
            self.overlay.create(folder + name, raw, content_type="")

    def compute(self) -> None:
        """All steps, on as much of the chain as was known then (`history.json`)."""
        entry, manifest = self.published.entry, self.published.manifest
        ticket = Ticket(
            model=manifest.model,
            night=entry.night,
            evaluation_id=entry.evaluation_id,
            config=self.config.fingerprint,
            left_out=tuple(step for step in ("report", "validate") if step in manifest.steps_left_out),
        )
        compute_night(self.config, ticket, self.scratch)

    def history_moved(self) -> Iterator[Input]:
        """Files of earlier evaluations that were read and are not the ones that their manifests sign."""
        results = self.published.results
        for entry in results.log.entries():
            folder = f"{results.folder}{entry.night}/{entry.evaluation_id}/"
            read = {
                key.removeprefix(folder): sha for key, sha in self.overlay.stood_on.items() if key.startswith(folder)
            }
            if read:
                yield from _unsigned(results, entry, read)

    def told(self) -> Reproduction:
        """The comparison of everything that was made again."""
        files: dict[str, FileOutcome] = {}
        compared: list[Compared] = []
        for name, then, now in self._pairs():
            if then is None:
                files[name] = "deleted"
            elif name in self.given:
                files[name] = "given"
            elif now is not None:
                compared.append(compare(name, then, now))
                files[name] = "different" if compared[-1].differences else "same"
        differences = tuple(chain.from_iterable(found.differences for found in compared))
        return Reproduction(
            model=self.config.model,
            night=self.published.entry.night,
            evaluation_id=self.published.entry.evaluation_id,
            outcome=self._outcome(files, differing=bool(differences)),
            findings=self._findings(files),
            numbers=sum(found.numbers for found in compared),
            files=files,
            different=len(differences),
            differences=differences[:MOST_TOLD],
            moved=tuple(self.moved),
            reason=self.reason,
        )

    def _pairs(self) -> Iterator[tuple[str, bytes | None, bytes | None]]:
        """Each file's name, what was recorded and what was made again."""
        made = self.results.dossier(self.published.entry.night, self.published.entry.evaluation_id)
        for name, then in self.published.files.items():
            if name not in _INPUTS:
                yield name, then, made.find(name)
        baseline = self.overlay.made(self.baselines)
        for name, then in self.published.baseline_files.items():
            if name in _BASELINE:
                yield f"baseline/{name}", then, next((raw for key, raw in baseline.items() if key.endswith(name)), None)

    def _outcome(self, files: dict[str, FileOutcome], *, differing: bool) -> Outcome:
        if differing:
            return "different"
        whole = self.reason is None and not self.given and not any(m.kind == "object" for m in self.moved)
        return "same" if whole else "incomplete"

    def _findings(self, files: dict[str, FileOutcome]) -> int:
        return self.published.verdict.findings if files.get("findings.json") in ("same", "different") else 0


def _unsigned(results: ModelResults, entry: LogEntry, read: dict[str, str]) -> Iterator[Input]:
    dossier = results.dossier(entry.night, entry.evaluation_id)
    try:
        signed = checked_manifest(dossier, entry).files
    except (ObjectMissing, RecordError) as error:
        yield Input(kind="history", name=dossier.url("manifest.json"), then=entry.manifest_sha256, now=str(error))
        return
    for name, sha256 in read.items():
        if name in signed and signed[name].sha256 != sha256:
            yield Input(kind="history", name=dossier.url(name), then=signed[name].sha256, now=sha256)


@contextmanager
def _suites(published: Published, config: ModelConfig, resources: Resources) -> Iterator[tuple[Path, list[Input]]]:
    """A folder with the suite as it was, and what is to be said of it."""
    own = suite_path(config, resources.suites)
    recorded = published.files.get("suite.json")
    if own is None or recorded is None:
        moved = []
        if own is not None and "validate" not in published.manifest.steps_left_out:
            moved = [Input(kind="suite", name=own.name, then=None, now="today's, for the record has none")]
        yield resources.suites, moved
        return
    with TemporaryDirectory(prefix="nightproof-suite-") as folder:
        Path(folder, own.name).write_bytes(recorded)
        yield Path(folder), []
