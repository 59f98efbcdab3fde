"""The baseline: the reference's profile, made once and stored beside the nights."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from nightproof.cache import Cache
from nightproof.config import ModelConfig
from nightproof.dossier import Dossier
from nightproof.engines import collect
from nightproof.evaluation import Baseline
from nightproof.profiles import Profile, ProfileSpec
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.row_functions import row_functions
from nightproof.profiles.small_cells import without_small_cells
from nightproof.profiles.spec import RowMetric
from nightproof.pull import reference_files
from nightproof.snapshot import Snapshot
from nightproof.storage import OpenStore, Store

BASELINE_FILES = ["origin.json", "spec.json", "profile.parquet"]
"""What a stored baseline consists of."""
FORMAT = 2
"""Raised when the same reference would be profiled in another way under a spec of the same shape."""


def baseline_id(config: ModelConfig, snapshot: Snapshot) -> str:
    """Hash of the reference's content and of what the config says of its columns."""
    parts = [found.sha256 for found in snapshot.of("reference")]
    parts += [config.columns.model_dump_json(), str(config.data.id), f"format {FORMAT}", _spec_shape()]
    parts += [f"intersections {config.checks.bias.intersections} min_group {config.checks.bias.min_group}"]
    if config.metrics:
        own = {name: metric.definition for name, metric in config.metrics.items()}
        parts.append(f"metrics {json.dumps(own)} {json.dumps(RowMetric.model_json_schema(), sort_keys=True)}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def _spec_shape() -> str:
    return json.dumps(ProfileSpec.model_json_schema(), sort_keys=True)


def find_baseline(
    config: ModelConfig,
    snapshot: Snapshot,
    *,
    results: Store,
    folder: str,
    open_store: OpenStore,
    cache: Cache,
) -> Baseline:
    """Read the stored baseline of a snapshot's reference, or make and store it.

    Parameters
    ----------
    results, folder
        Where the model's baselines lie: a store and a key prefix ending in a slash.

    Raises
    ------
    DataError
        If the reference does not have what the config says it has.
    """
    name = baseline_id(config, snapshot)
    dossier = Dossier(results, f"{folder}{name}/")
    origin = snapshot.of("reference")
    raw = dossier.find("profile.parquet")
    if raw is None:
        files = reference_files(snapshot, open_store=open_store, cache=cache)
        spec = infer_spec(config, files.predictions)
        # The reference carries its labels, wherever a night's are.
        counted = collect(files.predictions, [], spec, engine=config.engine, functions=row_functions(config))
        profile = without_small_cells(counted, least=config.checks.bias.min_group)
        dossier.write("origin.json", Snapshot(model=config.model, night="reference", objects=origin).to_bytes())
        dossier.write("spec.json", spec.to_bytes())
        raw = dossier.write("profile.parquet", profile.to_bytes())
    spec = ProfileSpec.from_bytes(dossier.read("spec.json"), name=dossier.url("spec.json"))
    profile = Profile.from_bytes(raw, spec=spec, name=dossier.url("profile.parquet"))
    return Baseline(id=name, spec=spec, profile=profile, origin=origin)
