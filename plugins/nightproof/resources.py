"""What the steps of the pipeline need beside a config."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nightproof.baseline import BASELINE_FILES, baseline_id, find_baseline
from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.evaluation import Baseline
from nightproof.manifest import StoredFile
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot
from nightproof.storage import OpenStore, Store, open_store
from nightproof.table import table_of

if TYPE_CHECKING:
    from nightproof.table.delta import MetricsTable


@dataclass
class Resources:
    """Storage, a cache, and the folder of suites.

    Parameters
    ----------
    cache
        Where data objects are kept on this machine.
    suites
        Folder of Great Expectations suites, ``great_expectations/expectations``.
    open_store
        Finds a store by its root; the seam for credentials.
    """

    cache: Cache
    suites: Path
    open_store: OpenStore = open_store
    _stores: dict[str, Store] = field(default_factory=dict)
    _results: dict[str, ModelResults] = field(default_factory=dict)
    _baselines: dict[str, Baseline] = field(default_factory=dict)
    _baseline_files: dict[str, dict[str, StoredFile]] = field(default_factory=dict)
    _tables: dict[str, MetricsTable | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        opener, opened = self.open_store, self._stores

        def open_once(root: str) -> Store:
            if root not in opened:
                opened[root] = opener(root)
            return opened[root]

        # A client costs more to make than most of its requests.
        self.open_store = open_once

    def results(self, config: ModelConfig) -> ModelResults:
        """The model's results, opened once."""
        key = f"{config.results_url}{config.model}"
        if key not in self._results:
            self._results[key] = ModelResults.of(config, self.open_store)
        return self._results[key]

    def table(self, config: ModelConfig) -> MetricsTable | None:
        """The metrics table of the model's results root, opened once; ``None`` where none can lie."""
        if config.results_url not in self._tables:
            self._tables[config.results_url] = table_of(config, self.open_store)
        return self._tables[config.results_url]

    def baseline(self, config: ModelConfig, snapshot: Snapshot) -> Baseline:
        """The baseline of a snapshot's reference, made or read once."""
        key = baseline_id(config, snapshot)
        if key not in self._baselines:
            results = self.results(config)
            self._baselines[key] = find_baseline(
                config,
                snapshot,
                results=results.store,
                folder=results.baselines,
                open_store=self.open_store,
                cache=self.cache,
            )
        return self._baselines[key]

    def baseline_files(self, config: ModelConfig, name: str) -> dict[str, StoredFile]:
        """Hashes of a stored baseline's files, read once."""
        key = f"{config.results_url}{config.model}/{name}"
        if key not in self._baseline_files:
            results = self.results(config)
            dossier = Dossier(results.store, f"{results.baselines}{name}/")
            self._baseline_files[key] = dossier.stored(BASELINE_FILES)
        return self._baseline_files[key]
