"""What was published of one evaluation: its manifest, and the files that it names, as they are now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from pydantic import ValidationError

from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.errors import NightError, ObjectMissing, RecordError
from nightproof.evaluation import environment
from nightproof.manifest import LogEntry, Manifest, StoredFile
from nightproof.metric_sections import Metric
from nightproof.night import Night
from nightproof.record_sections import RecordKeeping
from nightproof.reproduce.reproduction import Input
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot
from nightproof.verdict import Verdict


@dataclass(frozen=True)
class Published:
    """A published evaluation, read only."""

    results: ModelResults
    entry: LogEntry
    manifest: Manifest

    @classmethod
    def find(cls, results: ModelResults, night: Night, evaluation_id: str | None = None) -> Published:
        """A night's latest evaluation, or the one of that id.

        Raises
        ------
        NightError
            If there is none.
        RecordError
            If its manifest is not the one that the log names.
        """
        of_night = [entry for entry in results.log.entries() if entry.night == str(night)]
        entries = [entry for entry in of_night if evaluation_id in (None, entry.evaluation_id)]
        if not entries:
            known = ", ".join(entry.evaluation_id for entry in of_night)
            has = f"that night has {known}" if known else "that night has none"
            named = f" {evaluation_id}" if evaluation_id else ""
            raise NightError(f"There is no evaluation{named} of {results.model} for the night {night}: {has}.")
        entry = entries[-1]
        dossier = results.dossier(entry.night, entry.evaluation_id)
        return cls(results, entry, checked_manifest(dossier, entry))

    @property
    def dossier(self) -> Dossier:
        """Its folder."""
        return self.results.dossier(self.entry.night, self.entry.evaluation_id)

    @cached_property
    def files(self) -> dict[str, bytes | None]:
        """Content, unpacked, of each file that the manifest names; ``None`` where it is gone."""
        return _contents(self.dossier, self.manifest.files)

    @cached_property
    def baseline_files(self) -> dict[str, bytes | None]:
        """The same of the baseline that it was compared with."""
        dossier = Dossier(self.results.store, f"{self.results.baselines}{self.manifest.baseline_id}/")
        return _contents(dossier, self.manifest.baseline_files)

    @property
    def snapshot(self) -> Snapshot:
        """The data that it was made of."""
        return Snapshot.from_bytes(self._required("snapshot.json"), name=self.dossier.url("snapshot.json"))

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        return Verdict.from_bytes(self._required("verdict.json"), name=self.dossier.url("verdict.json"))

    def _required(self, name: str) -> bytes:
        raw = self.files.get(name)
        if raw is None:
            raise ObjectMissing(f"{self.dossier.url(name)} is gone, and nothing can be computed again without it.")
        return raw

    def config(self, today: ModelConfig) -> ModelConfig:
        """The model's config as it was; where its results are, and what counts, are today's.

        Raises
        ------
        RecordError
            If this version of the package does not understand it.
        """
        try:
            then = ModelConfig.model_validate(self.manifest.config)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RecordError(
                f"The config of {self.dossier.url('manifest.json')} is not one of this version: "
                f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}. It was made by "
                f"{self.manifest.environment.get('nightproof')}: install that version."
            ) from error
        own = {"results": today.results_url, "engine": today.engine, "record": RecordKeeping()}
        metrics = {name: _with_code(metric, today.metrics.get(name)) for name, metric in then.metrics.items()}
        return then.model_copy(update=own | {"metrics": metrics})

    def metrics_moved(self, recorded: ModelConfig) -> list[Input]:
        """Python metrics whose file is another now, or gone: code is never taken from a record."""
        return [
            Input(kind="metric", name=f"{metric.python}.py", then=metric.source.sha256, now="another file, or none")
            for metric in recorded.metrics.values()
            if metric.source is not None and not metric.source.code
        ]

    def versions_moved(self) -> list[Input]:
        """Code and libraries that are another version now."""
        then, now = self.manifest.environment, environment()
        return [
            Input(kind="code" if name == "nightproof" else "library", name=name, then=then.get(name), now=now.get(name))
            for name in sorted({*then, *now})
            if then.get(name) != now.get(name)
        ]

    def record_moved(self) -> list[Input]:
        """Files of the record that are not the ones that its manifest signs."""
        own = [(self.dossier, name, said) for name, said in self.manifest.files.items()]
        baseline = Dossier(self.results.store, f"{self.results.baselines}{self.manifest.baseline_id}/")
        own += [(baseline, name, said) for name, said in self.manifest.baseline_files.items()]
        moved = []
        for dossier, name, said in own:
            found = dossier.stored([name]).get(name)
            if found is not None and found.sha256 != said.sha256:
                moved.append(Input(kind="record", name=dossier.url(name), then=said.sha256, now=found.sha256))
        return moved


def _with_code(then: Metric, today: Metric | None) -> Metric:
    """A recorded metric with its source, where today's file is still the recorded one."""
    now = today.source if today else None
    if then.source is None or now is None or now.sha256 != then.source.sha256:
        return then
    return then.model_copy(update={"source": now})


def checked_manifest(dossier: Dossier, entry: LogEntry) -> Manifest:
    """The manifest of an entry.

    Raises
    ------
    RecordError
        If it is not the one that the entry names.
    """
    raw = dossier.read("manifest.json")
    if hashlib.sha256(raw).hexdigest() != entry.manifest_sha256:
        raise RecordError(
            f"{dossier.url('manifest.json')} is not the one that entry {entry.number} of the log names: it was "
            "changed. nightproof verify tells the rest."
        )
    return Manifest.from_bytes(raw, name=dossier.url("manifest.json"))


def _contents(dossier: Dossier, named: dict[str, StoredFile]) -> dict[str, bytes | None]:
    return {name: dossier.find(name) for name in named}
