"""Profiles of small tables, through Parquet as on a night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nightproof.config import ModelConfig


@pytest.fixture
def settings_for() -> Callable[..., ModelConfig]:
    """A config with these columns besides ``score`` and ``label``."""

    def make(**columns: Any) -> ModelConfig:
        return ModelConfig.model_validate(
            {
                "model": "small",
                "task": "binary",
                "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/", "id": "id"},
                "columns": {"score": "score", "label": "label"} | columns,
            }
        )

    return make


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[[pl.DataFrame], Path]:
    """Write a table to a file of its own."""
    written: list[Path] = []

    def write(table: pl.DataFrame) -> Path:
        written.append(tmp_path / f"{len(written)}.parquet")
        table.write_parquet(written[-1])
        return written[-1]

    return write
