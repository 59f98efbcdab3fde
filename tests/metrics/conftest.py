"""Scores as a profile keeps them, and profiles of any task, from raw rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.profiles import Profile, ProfileSpec, collect
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.score_grid import cell_of
from nightproof.profiles.sums import Scores

Rows = Sequence[float] | npt.NDArray[np.float64]


def _scores(label: Sequence[int] | npt.NDArray[np.int64], score: Rows) -> Scores:
    cells = cell_of(np.asarray(score, dtype=np.float64))
    truth = np.asarray(label)
    known, place = np.unique(cells, return_inverse=True)
    counts = [np.bincount(place[truth == side], minlength=len(known)).astype(np.int64) for side in (0, 1)]
    return Scores(known.astype(np.int64), *counts)


@pytest.fixture(scope="session")
def scores_of() -> Callable[..., Scores]:
    """Labels (0 or 1) and scores of some rows, counted on the grid."""
    return _scores


_SPECS: dict[str, ProfileSpec] = {}


def _profiled(night: pl.DataFrame, *, task: str, reference: pl.DataFrame | None = None, **columns: Any) -> Profile:
    known = (night if reference is None else reference).select(night.columns)
    config = ModelConfig.model_validate(
        {
            "model": "measured",
            "task": task,
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
            "columns": {"label": "label", **columns},
        }
    )
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("night.parquet", "reference.parquet")]
        for table, path in zip((night, known), paths, strict=True):
            table.write_parquet(path)
        # Learning a spec takes far longer than counting a small night by it.
        key = f"{config.fingerprint} {known.write_json()}"
        if key not in _SPECS:
            _SPECS[key] = infer_spec(config, paths[1:])
        return collect(paths[:1], [], _SPECS[key])


@pytest.fixture(scope="session")
def profiled() -> Callable[..., Profile]:
    """Profile of a night under the bins of a reference, by default the same rows; ``columns`` as in a config."""
    return _profiled
