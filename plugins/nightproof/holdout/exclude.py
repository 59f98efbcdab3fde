"""Write training rows without those that leak: read and written in batches, and there all at once or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.holdout.leakage import without_leaks
from nightproof.holdout.materialise import Rows
from nightproof.holdout.training import Training
from nightproof.profiles import ProfileSpec


def exclude(training: Training, to: Path, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> tuple[int, int]:
    """Write the training rows that do not leak, as they are, in the format that they came in.

    Returns
    -------
    tuple
        Rows kept and rows left out.

    Raises
    ------
    DataError
        If the file cannot be written, or is one that is read.
    """
    if any(to.exists() and path.samefile(to) for path in training.paths):
        raise DataError(f"{to} is the training data itself: choose another file.")
    with replacing(to) as temporary:
        return _write(training, temporary, rows, config, spec)


@contextmanager
def replacing(to: Path) -> Iterator[Path]:
    """A file to write that takes its name once it is whole.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=to.resolve().parent, prefix=".nightproof-") as folder:
            temporary = Path(folder) / to.name
            yield temporary
            temporary.replace(to)
    except OSError as error:
        raise DataError(f"{to} cannot be written: {error.strerror}.") from error


def _write(training: Training, path: Path, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> tuple[int, int]:
    kept = left_out = 0
    with _writer(training, path) as writer:
        for table, stays in zip(training.tables(), without_leaks(training, rows, config, spec), strict=True):
            writer.write_table(table.filter(stays.to_arrow()).cast(training.schema))
            kept += int(stays.sum())
            left_out += int((~stays).sum())
    return kept, left_out


def _writer(training: Training, path: Path) -> pq.ParquetWriter | pacsv.CSVWriter:
    schema: pa.Schema = training.schema
    if training.format == "parquet":
        return pq.ParquetWriter(path, schema)
    return pacsv.CSVWriter(path, schema, write_options=pacsv.WriteOptions(quoting_style="needed"))
