"""Profiles and configs for the checks: small nights beside a baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec


class Compared(NamedTuple):
    """A night's profile, its baseline's, and the config of both."""

    night: Profile
    baseline: Profile
    config: ModelConfig


def _rows(n: int, *, seed: int, swapped: float = 0.0, **columns: Any) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    score = draw.random(n)
    label = draw.random(n) < score
    flipped = draw.random(n) < swapped
    return pl.DataFrame({"score": score, "label": np.where(flipped, ~label, label).astype(np.int64)} | columns)


@pytest.fixture(scope="session")
def rows() -> Callable[..., pl.DataFrame]:
    """Rows with calibrated scores, the labels of a share of them ``swapped``, and further columns."""
    return _rows


@pytest.fixture
def compare(tmp_path: Path) -> Callable[..., Compared]:
    """A night and a reference, profiled; ``columns`` and ``checks`` as in a config."""

    def make(night: pl.DataFrame, reference: pl.DataFrame, *, checks: Any = None, **columns: Any) -> Compared:
        paths = [tmp_path / "night.parquet", tmp_path / "reference.parquet"]
        for table, path in zip((night, reference), paths, strict=True):
            table.write_parquet(path)
        config = ModelConfig.model_validate(
            {
                "model": "checked",
                "task": "binary",
                "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
                "columns": {"score": "score", "label": "label"} | columns,
                "checks": checks or {},
                "windows": [1],
            }
        )
        spec = infer_spec(config, paths[1:])
        return Compared(collect(paths[:1], [], spec), collect(paths[1:], [], spec), config)

    return make
