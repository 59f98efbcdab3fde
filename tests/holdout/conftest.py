"""Nights in memory with a holdout, and what stands in the record of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

NIGHTS = ("2024-03-01", "2024-03-02", "2024-03-03")


@pytest.fixture
def published(bench: Any) -> Callable[..., Any]:
    """Write and evaluate nights of a model with a holdout; gives its config."""

    def publish(nights: Sequence[str] = NIGHTS, *, count: int = 300, **holdout: Any) -> Any:
        config = bench.config(holdout={"per_night": 40, "rows": 1000, **holdout})
        for night in nights:
            bench.night(night, count=count)
            bench.evaluate(night, config)
        return config

    return publish
