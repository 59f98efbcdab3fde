"""The same nights as rows: what peers, and Nightproof's own metrics and drift checks, are given.

A night's rows are its counts unfolded; the features beside the two protected columns are independent of
everything, and of one another, on every night.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.alerts.counts import Counts, draw_counts
from benchmarks.alerts.features import (
    CATEGORIES,
    LABEL,
    LOGNORMAL,
    NIGHT,
    NORMAL,
    PREDICTION,
    PROTECTED,
    SCORE,
    SHIFTED,
)
from benchmarks.alerts.model import SECOND, Floats, threshold
from benchmarks.alerts.series import raised
from benchmarks.alerts.streams import ONSET, REFERENCE_NIGHTS, Draw, Stream

FIRST_NIGHT = date(2026, 1, 5)
"""A Monday."""


def write_run(folder: Path, stream: Stream, n: int, *, nights: int, seed: int, shift: float = 0.0) -> dict[str, str]:
    """Write a run's reference and some of its nights as Parquet; where there is harm, from its onset on.

    Parameters
    ----------
    folder
        Where; made if need be.
    stream, n, seed
        As :func:`~benchmarks.alerts.series.draw_series`.
    nights
        How many, after the reference's 28.
    shift
        Added to the feature :data:`~benchmarks.alerts.features.SHIFTED`, in its standard deviations.
    """
    draw = np.random.default_rng(seed)
    counts = draw_counts(stream, n, draw=draw, runs=1)[0]
    harmed = stream.harm is not None or stream.raised > 0.0
    first = REFERENCE_NIGHTS + (ONSET if harmed else 0)
    after = raised(stream.scores, stream.raised) if stream.raised else stream.scores
    limit = threshold(stream.scores)
    parts = {
        "reference": _table(counts[:REFERENCE_NIGHTS], stream.scores, limit, draw, since=0, shift=0.0),
        "nights": _table(counts[first : first + nights], after, limit, draw, since=REFERENCE_NIGHTS, shift=shift),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in parts.items():
        table.write_parquet(folder / f"{name}.parquet")
    return {name: str(folder / f"{name}.parquet") for name in parts}


def _table(counts: Counts, scores: Floats, limit: float, draw: Draw, *, since: int, shift: float) -> pl.DataFrame:
    columns = np.unravel_index(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape)
    night, pair, label, place = columns
    size = len(night)
    numbers = {name: draw.standard_normal(size) + shift * (name == SHIFTED) for name in NORMAL}
    numbers |= {name: draw.lognormal(0.0, 0.8, size) for name in LOGNORMAL}
    texts = {name: _category(draw, values, size) for name, values in CATEGORIES.items() if name not in PROTECTED}
    groups = {"g": np.char.mod("g%d", pair // len(SECOND)), "h": np.char.mod("h%d", pair % len(SECOND))}
    days = np.array([FIRST_NIGHT + timedelta(days=since + i) for i in range(len(counts))])
    score = scores[place]
    outcome = {SCORE: score, LABEL: label, PREDICTION: (score > limit).astype(np.int64)}
    return pl.DataFrame({NIGHT: days.astype("datetime64[D]")[night]} | numbers | texts | groups | outcome)


def _category(draw: Draw, values: int, size: int) -> np.ndarray:
    """Values as unequal as 1 to 3."""
    share = np.linspace(3.0, 1.0, values)
    names = np.array([f"v{value:02d}" for value in range(values)])
    return np.asarray(names[draw.choice(values, size, p=share / share.sum())])
