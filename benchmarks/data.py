"""Rows of a model that is deployed: seeded, made in chunks, written as Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import columns

CHUNK = 250_000
"""Rows of a row group."""
FILE = 1_000_000
"""Rows of a file."""
NULLS = 0.05
DRIFTED = {columns.NORMAL[0]: 0.1, columns.NORMAL[5]: 0.05, columns.LOGNORMAL[2]: 0.1}
"""How far a night's columns are moved from the reference's, in standard deviations (of the logarithm)."""
_WEIGHTS = np.array([0.9, -0.7, 0.5, 0.4, -0.3])
_INTERCEPT = -1.2

Floats = npt.NDArray[np.float64]


def write_rows(folder: Path, rows: int, *, seed: int, drift: bool) -> list[Path]:
    """Write so many rows, a million a file; what is there already is kept.

    Parameters
    ----------
    folder
        Where; made if need be. A file is complete once it bears its name.
    rows
        At least 1. The first files of a longer night are those of a shorter one.
    seed
        Rows of one seed are always the same.
    drift
        Whether a few columns are moved a little, as on a night.

    Returns
    -------
    list of Path
        The files, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, begin in enumerate(range(0, rows, FILE)):
        count = min(FILE, rows - begin)
        path = folder / f"part-{index:03d}-{count}.parquet"
        if not path.exists():
            _write(path, count, seed=(seed, index), first_id=begin, drift=drift)
        paths.append(path)
    return paths


def _write(path: Path, rows: int, *, seed: tuple[int, int], first_id: int, drift: bool) -> None:
    draw = np.random.default_rng(seed)
    unfinished = path.with_suffix(".unfinished")
    # Without the Arrow schema: strings are to be read as strings by everybody, not as dictionaries.
    writer: pq.ParquetWriter | None = None
    for begin in range(0, rows, CHUNK):
        table = chunk(draw, min(CHUNK, rows - begin), first_id=first_id + begin, drift=drift)
        writer = writer or pq.ParquetWriter(unfinished, table.schema, store_schema=False)
        writer.write_table(table, row_group_size=CHUNK)
    assert writer is not None
    writer.close()
    unfinished.rename(path)


def chunk(draw: np.random.Generator, rows: int, *, first_id: int = 0, drift: bool = False) -> pa.Table:
    """One chunk of all 44 columns."""
    numbers = dict(_numbers(draw, rows, drift=drift))
    codes = {name: _codes(draw, rows, size) for name, size in columns.CATEGORIES.items()}
    signal = np.stack([numbers[name] for name in columns.NORMAL[: len(_WEIGHTS)]], axis=1) @ _WEIGHTS
    score = 1.0 / (1.0 + np.exp(-(_INTERCEPT + signal + 0.1 * (codes["region"] % 4))))
    # The label is drawn with the score as its probability: the model is calibrated, on a night too.
    label = (draw.random(rows) < score).astype(np.int64)
    versions = pa.array(["v7", "v8"])
    found: dict[str, Any] = {
        columns.ID: np.arange(first_id, first_id + rows, dtype=np.int64),
        columns.VERSION: _text((draw.random(rows) < 0.1).astype(np.int32), versions),
        **{name: _column(draw, name, values) for name, values in numbers.items()},
        **{name: _text(codes[name], _values(name, size)) for name, size in columns.CATEGORIES.items()},
        columns.SCORE: score,
        columns.LABEL: label,
    }
    return pa.table({name: found[name] for name in columns.ALL})


def _numbers(draw: np.random.Generator, rows: int, *, drift: bool) -> Iterator[tuple[str, Floats]]:
    for name in columns.NUMERIC:
        values = draw.standard_normal(rows) + (DRIFTED.get(name, 0.0) if drift else 0.0)
        if name in columns.LOGNORMAL:
            values = np.exp(values)
        elif name in columns.COUNTS:
            values = np.floor(np.exp(1.0 + values))
        elif name in columns.INTEGERS:
            values = np.clip(np.floor(24.0 + 12.0 * values), 0.0, 60.0)
        yield name, values


def _column(draw: np.random.Generator, name: str, values: Floats) -> pa.Array:
    if name in columns.INTEGERS:
        return pa.array(values.astype(np.int64))
    return pa.array(values, mask=draw.random(len(values)) < NULLS if name in columns.WITH_NULLS else None)


def _codes(draw: np.random.Generator, rows: int, size: int) -> npt.NDArray[np.int32]:
    """Codes of which the first are the most frequent, the last about a tenth as frequent."""
    return np.minimum((draw.random(rows) ** 1.5 * size).astype(np.int32), size - 1)


def _values(name: str, size: int) -> pa.Array:
    return pa.array([f"{name}-{i:03d}" for i in range(size)])


def _text(codes: npt.NDArray[np.int32], values: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), values).cast(pa.string())
