"""Training rows, wherever they lie: Parquet or CSV, a file or a folder, in batches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from nightproof.cache import Cache
from nightproof.errors import DataError, ObjectMissing
from nightproof.holdout.candidates import BATCH
from nightproof.storage import OpenStore, split_url

Format = Literal["parquet", "csv"]
_WHOLE = r"^(-?\d+)\.0+$"


@dataclass(frozen=True)
class Training:
    """Files of one format and with the same columns.

    Parameters
    ----------
    name
        What it is called in messages: as it was given.
    paths
        Local copies.
    """

    name: str
    paths: tuple[Path, ...]
    format: Format

    @property
    def columns(self) -> list[str]:
        """Names of its columns."""
        return [field.name for field in self.schema]

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of its first file; all of CSV are text."""
        with self._explained():
            if self.format == "parquet":
                return pq.read_schema(self.paths[0])
            return pa.schema([(name, pa.string()) for name in _header(self.paths[0])])

    def tables(self) -> Iterator[pa.Table]:
        """All rows as they are, a batch at a time.

        Raises
        ------
        DataError
            If a file cannot be read, or its columns are not those of the first.
        """
        columns = self.columns
        for path in self.paths:
            with self._explained():
                found = self._batches(path)
                for batch in found:
                    if batch.schema.names != columns:
                        raise DataError(f"{self.name}: its files do not have the same columns.")
                    yield pa.Table.from_batches([batch])

    def frames(self) -> Iterator[pl.DataFrame]:
        """The same for comparing: of CSV, a whole number that was written as 7.0 is 7."""
        for table in self.tables():
            frame = pl.from_arrow(table)
            assert isinstance(frame, pl.DataFrame)
            yield frame.with_columns(pl.all().str.replace(_WHOLE, "${1}")) if self.format == "csv" else frame

    def _batches(self, path: Path) -> Iterator[pa.RecordBatch]:
        if self.format == "parquet":
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(batch_size=BATCH)
            return
        text = {name: pa.string() for name in _header(path)}
        options = pacsv.ConvertOptions(column_types=text, strings_can_be_null=True, quoted_strings_can_be_null=False)
        with pacsv.open_csv(path, convert_options=options) as reader:
            yield from reader

    def _explained(self) -> _Explained:
        return _Explained(self.name)


class _Explained:
    """Says which training data it was that could not be read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pa.ArrowException | OSError):
            raise DataError(f"{self._name} cannot be read: {str(error).splitlines()[0]}") from error


def _header(path: Path) -> list[str]:
    with pacsv.open_csv(path) as reader:
        names: list[str] = reader.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"The CSV file has two columns called {twice[0]!r}.")
    return names


def open_training(location: str, *, open_store: OpenStore, cache: Cache) -> Training:
    """Find training data.

    Parameters
    ----------
    location
        A path, `file:///…` or `s3://bucket/key`; a folder ends in a slash.

    Raises
    ------
    DataError
        If there is nothing, or it is neither Parquet nor CSV.
    """
    if "://" in location and not location.startswith("file:///"):
        paths, names = _brought(location, open_store, cache)
    else:
        paths = _local(Path(unquote(location.removeprefix("file://")) if "://" in location else location))
        names = [path.name for path in paths]
    formats = {_format(path, name) for path, name in zip(paths, names, strict=True)}
    if not paths:
        raise DataError(f"{location} does not exist, or is an empty folder.")
    if len(formats) > 1 or None in formats:
        raise DataError(f"{location} is not Parquet, nor CSV with a name that ends in .csv; or it mixes both.")
    [found] = formats
    assert found is not None
    return Training(location, tuple(paths), found)


def _local(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith(("_", ".")))
    return [path] if path.is_file() and os.access(path, os.R_OK) else []


def _brought(location: str, open_store: OpenStore, cache: Cache) -> tuple[list[Path], list[str]]:
    root, key = split_url(location)
    try:
        store = open_store(root)
        if key.endswith("/") or not key:
            keys = [f.key for f in store.list(key) if not f.key.rsplit("/", 1)[-1].startswith(("_", "."))]
        else:
            keys = [key]
        return [cache.path(cache.bring(store, store.head(each))) for each in keys], keys
    except ObjectMissing:
        return [], []


def _format(path: Path, name: str) -> Format | None:
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "parquet"
    return "csv" if name.lower().endswith(".csv") else None
