"""One model's results in object storage: its dossiers, its log, its baselines, its alerts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.log import Log
from nightproof.manifest import LogEntry
from nightproof.signatures import Signatures
from nightproof.snapshot import Snapshot
from nightproof.storage import LockedStore, OpenStore, Store, split_url
from nightproof.verdict import Verdict

if TYPE_CHECKING:
    from nightproof.profiles import Profile, ProfileSpec
    from nightproof.readings import Readings

DOSSIERS_KEPT, PROFILES_KEPT, READINGS_KEPT = 64, 128, 512
"""What one process remembers of a model; older ones are read again."""


class ModelResults:
    """The folder of one model below ``results``.

    Parameters
    ----------
    store
        The store that it lies in.
    folder
        Key prefix, ending in a slash.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self.store = store
        self.folder = folder
        self._dossiers: dict[tuple[str, str], Dossier] = {}
        self._profiles: dict[str, Profile] = {}
        self._readings: dict[str, Readings | None] = {}

    @classmethod
    def of(cls, config: ModelConfig, open_store: OpenStore) -> ModelResults:
        """The results of a config's model."""
        root, prefix = split_url(config.results_url)
        store, folder, lock = open_store(root), f"{prefix}{config.model}/", config.record.lock
        return cls(LockedStore(store, folder, mode=lock.mode, retain=lock.retain) if lock else store, folder)

    @property
    def model(self) -> str:
        """The model's name: that of its folder."""
        return self.folder.rstrip("/").rsplit("/", 1)[-1]

    @cached_property
    def log(self) -> Log:
        """The model's chain of evaluations."""
        return Log(self.store, f"{self.folder}log/")

    @property
    def signatures(self) -> Signatures:
        """Signatures on the chain's links."""
        return Signatures(self.store, f"{self.folder}signatures/", self.model)

    @property
    def baselines(self) -> str:
        """Key prefix of its baselines."""
        return f"{self.folder}baselines/"

    def dossier(self, night: str, evaluation_id: str) -> Dossier:
        """One evaluation's folder."""
        key = (night, evaluation_id)
        if key not in self._dossiers:
            while len(self._dossiers) >= DOSSIERS_KEPT:
                del self._dossiers[next(iter(self._dossiers))]
            self._dossiers[key] = Dossier(self.store, f"{self.folder}{night}/{evaluation_id}/")
        return self._dossiers[key]

    def scratch(self, evaluation_id: str) -> Dossier:
        """Scratch space of a run between its tasks; no part of the record."""
        return Dossier(self.store, f"{self.folder}scratch/{evaluation_id}/")

    def snapshot(self, entry: LogEntry) -> Snapshot:
        """The data that a published evaluation was made of."""
        dossier = self.dossier(entry.night, entry.evaluation_id)
        return Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))

    def verdict(self, entry: LogEntry) -> Verdict:
        """The verdict of a published evaluation."""
        dossier = self.dossier(entry.night, entry.evaluation_id)
        return Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json"))

    def readings(self, entry: LogEntry) -> Readings | None:
        """The readings of a published evaluation; ``None`` for a quarantined night."""
        # Whoever verifies a record reads no numbers, and needs neither polars nor scipy.
        from nightproof.readings import Readings

        if entry.evaluation_id not in self._readings:
            while len(self._readings) >= READINGS_KEPT:
                del self._readings[next(iter(self._readings))]
            dossier = self.dossier(entry.night, entry.evaluation_id)
            raw = None if entry.status == "quarantined" else dossier.find("readings.json")
            found = Readings.from_bytes(raw, name=dossier.url("readings.json")) if raw is not None else None
            self._readings[entry.evaluation_id] = found
        return self._readings[entry.evaluation_id]

    def profile(self, night: str, evaluation_id: str, spec: ProfileSpec) -> Profile:
        """The stored profile of an evaluation; raises ``ObjectMissing``."""
        from nightproof.profiles import Profile

        if evaluation_id not in self._profiles:
            while len(self._profiles) >= PROFILES_KEPT:
                del self._profiles[next(iter(self._profiles))]
            dossier = self.dossier(night, evaluation_id)
            raw, name = dossier.read("profile.parquet"), dossier.url("profile.parquet")
            self._profiles[evaluation_id] = Profile.from_bytes(raw, spec=spec, name=name)
        return self._profiles[evaluation_id]
