"""Nights of many series at once, made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nightproof.sequential.nights import Nights


def filled(value: Any, error: Any, n: Any, usual: Any = True) -> Nights:
    """Nights by series, added one by one."""
    value = np.asarray(value, dtype=float)
    error, n = (np.broadcast_to(np.asarray(given, dtype=float), value.shape) for given in (error, n))
    usual = np.broadcast_to(np.asarray(usual, dtype=np.bool_), value.shape)
    nights = Nights(value.shape[1], value.shape[0])
    for row in zip(value, error, n, usual, strict=True):
        nights.add(*row[:3], usual=row[3])
    return nights


def differing(
    nights: int, series: int, *, spread: float, alike: float = 0.0, error: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Values around 0: a stationary first-order autoregression of variance ``spread**2``, and the rows' noise."""
    draw = np.random.default_rng(seed)
    shock = draw.normal(size=(nights, series))
    true = np.empty_like(shock)
    true[0] = shock[0]
    for night in range(1, nights):
        true[night] = alike * true[night - 1] + np.sqrt(1 - alike**2) * shock[night]
    return spread * true + error * draw.normal(size=shock.shape)


@pytest.fixture(scope="session")
def nights_of() -> Callable[..., Nights]:
    """See :func:`filled`."""
    return filled


@pytest.fixture(scope="session")
def walk() -> Callable[..., np.ndarray]:
    """See :func:`differing`."""
    return differing
