"""Evaluations made up by the test, published as the pipeline publishes them, and what a table of them must hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nightproof.manifest import LogEntry, Manifest
from nightproof.readings import Readings
from nightproof.record import canonical
from nightproof.results_root import ResultsRoot
from nightproof.storage import DirectoryStore, OpenStore, Store
from nightproof.table import table_at
from nightproof.table.delta import MetricsTable

KNOWN_AT = "2026-02-01T04:00:00+00:00"
Rows = dict[tuple[str, int, int], dict[str, Any]]


def made_up(metric: str = "roc_auc", **said: Any) -> dict[str, Any]:
    """A finding as `findings.json` has it."""
    return {
        "check": "performance",
        "metric": metric,
        "column": None,
        "segment": {},
        "window": 1,
        "value": 0.8125,
        "interval": [0.8, 0.825],
        "baseline": 0.85,
        "delta": -0.0375,
        "delta_interval": [-0.06, -0.01],
        "tolerance": 0.02,
        "n": 600,
        "detectable": 0.01,
        "p_value": 0.001,
        "status": "regression",
        "reason": "It fell.",
    } | said


@dataclass
class Place:
    """A results root with a table."""

    url: str
    store: Store
    open_store: OpenStore
    prefix: str
    published: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)

    def root(self, store: Store | None = None) -> ResultsRoot:
        """Freshly opened, as by another process."""
        return ResultsRoot(store or self.store, self.prefix)

    def table(self, store: Store | None = None) -> MetricsTable:
        """Freshly opened; ``store`` is what files are written through."""
        found = table_at(self.url, self.open_store)
        assert found is not None
        if store is not None:
            found.store = store
        return found

    def publish(
        self, model: str, night: str, findings: Sequence[Mapping[str, Any]], *, status: str = "ok", **said: Any
    ) -> LogEntry:
        """Publish an evaluation."""
        results = self.root().results(model)
        count = len(self.published.setdefault(model, []))
        name = f"{count:016x}"
        dossier = results.dossier(night, name)
        dossier.write("findings.json", canonical(list(findings)))
        if status != "quarantined":
            dossier.write("readings.json", Readings(night=night, version="v2", rows=1, labelled=1, all=()).to_bytes())
        manifest = Manifest.model_validate(
            {
                "model": model,
                "night": night,
                "evaluation_id": name,
                "status": status,
                "evaluated_at": "2026-02-01T05:00:00+00:00",
                "baseline_id": None,
                "files": {
                    n: each.model_dump() for n, each in dossier.stored(["findings.json", "readings.json"]).items()
                },
                "config": {},
                "environment": {},
                "steps_left_out": (),
                "known_at": KNOWN_AT,
            }
            | said
        )
        self.published[model].append((night, name, status))
        return results.log.append(manifest, dossier.write("manifest.json", manifest.to_bytes()))

    def table_files(self) -> list[Path]:
        """The table's files, of a place on this machine."""
        table = self.table()
        table.refresh()
        return [Path(table._uri, each.path) for each in table.files()]

    def expected(self) -> Rows:
        """The union of all `findings.json`, read by the standard library."""
        found: Rows = {}
        for model, nights in self.published.items():
            for number, (night, name, _) in enumerate(nights):
                raw = self.root().results(model).dossier(night, name).read("findings.json")
                findings = json.loads(raw)
                for ordinal, finding in enumerate(findings):
                    found[model, number, ordinal] = finding
                if not findings:
                    found[model, number, -1] = {}
        return found

    def held(self, options: dict[str, str] | None = None) -> Rows:
        """What the table holds, read by Polars, as findings; rows of one key are an error."""
        frame = pl.read_delta(self.table()._uri, storage_options=options)
        found: Rows = {}
        for row in frame.to_dicts():
            key = row["model"], row["log_number"], row["ordinal"]
            assert key not in found, f"{key} is doubled"
            found[key] = as_finding(row) if row["ordinal"] >= 0 else {}
        return found


def as_finding(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as `findings.json` says it."""
    finding = {name: row[name] for name in made_up() if name in row}
    finding["interval"] = None if row["low"] is None else [row["low"], row["high"]]
    finding["delta_interval"] = None if row["delta_low"] is None else [row["delta_low"], row["delta_high"]]
    finding["segment"] = json.loads(row["segment"])
    return finding | ({} if row["reference"] == "baseline" else {"reference": row["reference"]})


def place_at(folder: Path) -> Place:
    store = DirectoryStore(Path("/"))
    prefix = f"{str(folder).lstrip('/')}/results/"
    return Place(f"file:///{prefix}", store, lambda root: store, prefix)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A results root on ``file://``."""
    return place_at(tmp_path)


@pytest.fixture
def places() -> Callable[[Path], Place]:
    """Makes results roots in folders."""
    return place_at


@pytest.fixture
def finding() -> Callable[..., dict[str, Any]]:
    """See :func:`made_up`."""
    return made_up
