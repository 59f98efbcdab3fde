"""One of a night's Parquet files: what it holds, its rows in bounded pieces, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAGIC = b"PAR1"
_BUFFER = 1024 * 1024
"""Bytes of a column that are read ahead: without it, pyarrow holds all pages of a row group at once."""


class Damaged(Exception):
    """A file is not what it should be; says what it is instead."""


@dataclass(frozen=True)
class Part:
    """One file, as its footer tells.

    Parameters
    ----------
    path
        Local Parquet file.
    names
        Every column that it has.
    schema
        The wanted columns with their types, dates and the like made plain.
    count
        How many rows.
    without_nulls
        Columns whose statistics promise that no value is null.
    """

    path: Path
    names: tuple[str, ...]
    schema: pl.Schema
    count: int
    without_nulls: frozenset[str]

    def rows(self, names: Sequence[str]) -> pl.DataFrame:
        """Some columns, whole.

        Raises
        ------
        Damaged
            If a page cannot be read, or is not what its checksum says.
        """
        with _opened(self.path, memory_map=True) as file:
            return _from_arrow(file.read(list(names)))

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
        """Some columns, at most so many rows at a time, in their order.

        Raises
        ------
        Damaged
            As :meth:`rows` does, but only where it comes to the damage.
        """
        # Mapped pages would count as this process's own memory: here they are read into a buffer.
        with _opened(self.path, memory_map=False) as file:
            for batch in file.iter_batches(rows, columns=list(names), use_threads=False):
                yield _from_arrow(batch)


def open_part(path: Path, wanted: Callable[[str], bool]) -> Part:
    """Read a file's footer.

    Parameters
    ----------
    path
        Local Parquet file.
    wanted
        Whether a column is needed.

    Raises
    ------
    Damaged
        If it is no Parquet file.
    OSError
        If this machine could not read its own disk: that says nothing about the data.
    """
    import pyarrow as pa

    _check_frame(path)
    with _opened(path, memory_map=True) as file:
        fields = file.schema_arrow
        empty = _from_arrow(pa.schema([each for each in fields if wanted(each.name)]).empty_table())
        return Part(path, tuple(fields.names), empty.schema, file.metadata.num_rows, _without_nulls(file))


@contextmanager
def _opened(path: Path, *, memory_map: bool) -> Iterator[pq.ParquetFile]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(
            path,
            memory_map=memory_map,
            buffer_size=0 if memory_map else _BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            yield file
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise Damaged(f"corrupt: {_first_line(error, path)}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise Damaged(f"corrupt: {_first_line(error, path)}") from error


def _check_frame(path: Path) -> None:
    """The four bytes at each end say more plainly than any parser what a wrong file is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 4))
        tail = file.read(4)
    if size == 0:
        raise Damaged("empty: the file has no bytes at all")
    if head != _MAGIC:
        raise Damaged(f"not a Parquet file ({size:,} bytes that do not begin with PAR1)")
    if tail != _MAGIC or size < 12:
        raise Damaged(f"truncated: its {size:,} bytes do not end in a Parquet footer, so the upload was cut short")


def _first_line(error: Exception, path: Path) -> str:
    line = str(error).strip().split("\n")[0].replace(str(path), "the file")
    return line[:200].rstrip(": ") or type(error).__name__


def _without_nulls(file: pq.ParquetFile) -> frozenset[str]:
    metadata = file.metadata
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    return frozenset(
        metadata.schema.column(place).path
        for place in range(metadata.num_columns)
        if all(_no_null(group.column(place).statistics) for group in groups)
    )


def _no_null(statistics: pa.parquet.Statistics | None) -> bool:
    return statistics is not None and statistics.has_null_count and statistics.null_count == 0


def _from_arrow(table: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    return _plain(frame if isinstance(frame, pl.DataFrame) else frame.to_frame())


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The few types that Great Expectations' comparisons on pandas are right for.

    Dates and timestamps become UTC timestamps without a zone, decimals floats, categories text.
    """
    plain = [_plain_column(name, dtype) for name, dtype in frame.schema.items() if _is_fancy(dtype)]
    return frame.with_columns(plain) if plain else frame


def _is_fancy(dtype: pl.DataType) -> bool:
    return dtype.is_decimal() or dtype in (pl.Datetime, pl.Date, pl.Categorical, pl.Enum)


def _plain_column(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else column
        return in_utc.cast(pl.Datetime("us"))
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us"))
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    return column.cast(pl.String)
