"""A night's rows: predictions with their labels, as a stream of batches.

Arrow reads the files batch by batch, ahead of the counting by two batches and no more: a night of
any size needs the memory of a few batches. Polars joins the labels and types the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightproof.profiles.spec import ProfileSpec
from nightproof.profiles.text import value_text

BATCH = 1 << 16
"""Most rows of a batch; sums of up to 2**17 are exact in floating point."""
LABEL = "nightproof:label"
"""The label as its task reads it, beside the column that it came from."""
_AHEAD = 2


@dataclass(frozen=True)
class Listed:
    """A column of text as Parquet keeps it: each value once.

    Parameters
    ----------
    values
        Different values.
    places
        Place of each row's value; -1 where it has none.
    """

    values: Sequence[str]
    places: npt.NDArray[np.integer]

    def keep(self, mask: npt.NDArray[np.bool_]) -> Listed:
        """The rows for which ``mask`` is true."""
        return Listed(self.values, self.places[mask])

    @property
    def text(self) -> pl.Series:
        """The value of each row."""
        values = pl.Series([*self.values, None], dtype=pl.String)
        return values.gather(np.where(self.places < 0, len(self.values), self.places))


@dataclass(frozen=True)
class Rows:
    """A batch of rows.

    Parameters
    ----------
    frame
        Columns as :func:`typed` gives them.
    listed
        Columns of text of which the file lists the values.
    """

    frame: pl.DataFrame
    listed: Mapping[str, Listed] = field(default_factory=dict)


def read_batches(predictions: Sequence[Path], labels: Sequence[Path], spec: ProfileSpec) -> Iterator[Rows]:
    """Batches of at most ``BATCH`` rows, in any order, with every column that the spec counts.

    Of several labels of one id, one counts.
    """
    apart = bool(labels and spec.id)
    told = columns_of_labels(predictions, spec) if apart else []
    truth = _truth(predictions, labels, spec, told=told) if apart else None
    read = [name for name in spec.columns if name not in told]
    start = 0
    for batch in _prefetched(_arrow_batches(predictions, read, spec, labelled=not apart)):
        listed = {name: column for name in spec.listed if (column := _listed(batch, name))}
        frame = pl.from_arrow(batch.drop_columns(list(listed)))
        assert isinstance(frame, pl.DataFrame)
        columns = [name for name in read if name not in listed]
        rows = typed(frame.lazy(), columns, spec, labelled=not apart).collect()
        if truth is not None:
            rows = rows.hstack(truth[start : start + batch.num_rows])
            start += batch.num_rows
        yield Rows(rows, listed)


def _listed(batch: pa.RecordBatch, name: str) -> Listed | None:
    if name not in batch.schema.names or not pa.types.is_dictionary(batch.schema.field(name).type):
        return None
    column = batch.column(name)
    places = column.indices.to_numpy(zero_copy_only=False)  # floats, where some are null
    if column.null_count:
        places = np.where(np.isnan(places), -1, places).astype(np.int32)
    return Listed(column.dictionary.to_pylist(), places)


def columns_of_labels(predictions: Sequence[Path], spec: ProfileSpec) -> list[str]:
    """Columns of the team's own metrics that come with the labels: no file of predictions has them."""
    wanted = [name for name in spec.metric_columns if name != spec.label]
    own = {name for path in predictions for name in pq.read_schema(path).names} if wanted else set()
    return [name for name in wanted if name not in own]


def _arrow_batches(
    paths: Sequence[Path], read: Sequence[str], spec: ProfileSpec, *, labelled: bool
) -> Iterator[pa.RecordBatch]:
    columns = [*read, *([spec.label] if labelled else [])]
    for path in paths:
        # Text is kept as the file keeps it, each value once, wherever few values are expected.
        texts = [name for name in spec.listed if pa.types.is_string(_type(path, name))]
        with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
            yield from file.iter_batches(batch_size=BATCH, columns=columns, use_threads=False)


def _type(path: Path, column: str) -> pa.DataType:
    schema = pq.read_schema(path)
    return schema.field(column).type if column in schema.names else pa.null()


def _prefetched(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, read ahead by another thread."""
    with ThreadPoolExecutor(1) as reader:
        waiting: list[Future[pa.RecordBatch | None]] = [reader.submit(next, batches, None) for _ in range(_AHEAD)]
        while (batch := waiting.pop(0).result()) is not None:
            waiting.append(reader.submit(next, batches, None))
            yield batch


def _truth(
    predictions: Sequence[Path], labels: Sequence[Path], spec: ProfileSpec, *, told: Sequence[str]
) -> pl.DataFrame:
    """The label of each prediction, with what else is told with it, in their order."""
    assert spec.id is not None
    known = _scan(labels, [spec.id, *told], spec, labelled=True).unique(spec.id, keep="first", maintain_order=True)
    asked = _scan(predictions, [spec.id], spec, labelled=False)
    joined = asked.join(known, on=spec.id, how="left", maintain_order="left").drop(spec.id)
    return joined.collect(engine="streaming")


def _scan(paths: Sequence[Path], columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> pl.LazyFrame:
    # File by file: writers do not agree on whether an hour is an integer, and need not.
    return pl.concat([typed(pl.scan_parquet(path, glob=False), columns, spec, labelled=labelled) for path in paths])


def typed(rows: pl.LazyFrame, columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> pl.LazyFrame:
    """Some columns as numbers, text or times, and the label where these rows carry it."""
    schema = rows.collect_schema()
    counted = [_typed(name, schema, spec) for name in dict.fromkeys(columns)]
    if labelled:
        counted.append(_label(schema, spec).alias(LABEL))
        grouped = spec.label in spec.numeric or any(spec.label in grouping.columns for grouping in spec.groupings)
        grouped = (grouped or spec.label in spec.metric_columns) and spec.label not in columns
        counted += [_typed(spec.label, schema, spec)] if grouped else []
    return rows.select(counted)


def _typed(name: str, schema: pl.Schema, spec: ProfileSpec) -> pl.Expr:
    weight = spec.weight.column if spec.weight else None
    if name == spec.time and not spec.is_numeric(name) and name not in spec.categorical:
        return _time(name, schema)
    if spec.is_numeric(name) or name == weight:
        return _number(name, schema)
    return value_text(name, schema)


def _time(name: str, schema: pl.Schema) -> pl.Expr:
    """A time in UTC; text is read as ISO 8601, anything else is null."""
    kind = schema.get(name)
    if kind == pl.Datetime and getattr(kind, "time_zone", None):
        return pl.col(name).dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if kind == pl.String:
        return pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC", strict=False).dt.replace_time_zone(None)
    return pl.col(name).cast(pl.Datetime("us"), strict=False)


def _label(schema: pl.Schema, spec: ProfileSpec) -> pl.Expr:
    """A class as text, any other label as a number; null for what is neither."""
    if spec.task.kind == "multiclass":
        return value_text(spec.label, schema)
    return _number(spec.label, schema)


def _number(name: str, schema: pl.Schema) -> pl.Expr:
    kind = schema.get(name)
    listed = kind is not None and kind.base_type() in (pl.Categorical, pl.Enum)
    return (pl.col(name).cast(pl.String) if listed else pl.col(name)).cast(pl.Float64, strict=False)
