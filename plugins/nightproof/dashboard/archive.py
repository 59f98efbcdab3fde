"""The archive: what a model's evaluations left behind, read when a page asks for it, and remembered a little.

Nothing in it ever changes, so it never goes stale. What is remembered is bounded for the whole application: a page
of one night is as a rule followed by another page of the same night.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from nightproof.checks.finding import Finding, Findings
from nightproof.dossier import Dossier
from nightproof.manifest import Manifest
from nightproof.results import ModelResults
from nightproof.storage import Store

if TYPE_CHECKING:
    from nightproof.config import ModelConfig
    from nightproof.evaluation import Baseline
    from nightproof.profiles import Profile, ProfileSpec

KEPT = 8
"""Lists of findings, baselines and the like that stay in memory, of all models of a store together."""
_kept: WeakKeyDictionary[Store, OrderedDict[Hashable, object]] = WeakKeyDictionary()
_lock = threading.Lock()
Read = TypeVar("Read")


class Archive:
    """One model's evaluations as they lie in its results.

    Parameters
    ----------
    results
        The model's.
    """

    def __init__(self, results: ModelResults) -> None:
        self._results = results

    @cached_property
    def _entries(self) -> dict[str, str | None]:
        """Baselines by evaluation, as the log names them: one read for all nights."""
        return {entry.evaluation_id: entry.baseline_id for entry in self._results.log.entries()}

    def findings(self, night: str, evaluation_id: str) -> tuple[Finding, ...]:
        """All findings of an evaluation; raises ``ObjectMissing`` where retention deleted them."""

        def read() -> tuple[Finding, ...]:
            dossier = self._dossier(night, evaluation_id)
            return Findings.from_bytes(dossier.read("findings.json"), name=dossier.url("findings.json")).all

        return self.remembered(("findings", evaluation_id), read)

    def manifest(self, night: str, evaluation_id: str) -> Manifest:
        """The manifest of an evaluation."""

        def read() -> Manifest:
            dossier = self._dossier(night, evaluation_id)
            return Manifest.from_bytes(dossier.read("manifest.json"), name=dossier.url("manifest.json"))

        return self.remembered(("manifest", evaluation_id), read)

    def config(self, night: str, evaluation_id: str) -> ModelConfig | None:
        """The config as it was for an evaluation; ``None`` where this version can no longer read it."""
        from nightproof.board.fill import config_of

        return config_of(self.manifest(night, evaluation_id))

    def baseline_of(self, night: str, evaluation_id: str) -> str | None:
        """Id of the baseline that an evaluation was compared with."""
        entry = self._entries.get(evaluation_id)
        return entry if entry is not None else self.manifest(night, evaluation_id).baseline_id

    def baseline(self, name: str) -> Baseline:
        """A stored baseline, without its reference data."""

        def read() -> Baseline:
            from nightproof.evaluation import Baseline
            from nightproof.profiles import Profile, ProfileSpec

            dossier = Dossier(self._results.store, f"{self._results.baselines}{name}/")
            spec = ProfileSpec.from_bytes(dossier.read("spec.json"), name=dossier.url("spec.json"))
            raw, url = dossier.read("profile.parquet"), dossier.url("profile.parquet")
            return Baseline(id=name, spec=spec, profile=Profile.from_bytes(raw, spec=spec, name=url), origin=())

        return self.remembered(("baseline", name), read)

    def profile(self, night: str, evaluation_id: str, spec: ProfileSpec) -> Profile:
        """The profile of an evaluation, read anew; raises ``ObjectMissing`` where retention deleted it."""
        from nightproof.profiles import Profile

        dossier = self._dossier(night, evaluation_id)
        raw, name = dossier.read("profile.parquet"), dossier.url("profile.parquet")
        return Profile.from_bytes(raw, spec=spec, name=name)

    def remembered(self, name: Hashable, read: Callable[[], Read]) -> Read:
        """What is made of objects that never change: read, or remembered from before."""
        key = (self._results.folder, name)
        with _lock:
            kept = _kept.setdefault(self._results.store, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]  # type: ignore[return-value]  # the name says what it is
        found = read()
        with _lock:
            kept[key] = found
            while len(kept) > KEPT:
                kept.popitem(last=False)
        return found

    def _dossier(self, night: str, evaluation_id: str) -> Dossier:
        # Not one that the results keep: it would hold every file that was ever looked at.
        return Dossier(self._results.store, f"{self._results.folder}{night}/{evaluation_id}/")
