"""A night's files as tables: what could be read, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from nightproof.night_files import NightFiles

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MAGIC = b"PAR1"


@dataclass(frozen=True)
class Table:
    """Rows of all readable files of one role, only the wanted columns.

    Parameters
    ----------
    rows
        In the order of the files.
    count
        How many rows; known even where none of the wanted columns is there.
    names
        Every column that any file has, wanted or not: what nearest names are looked up in.
    left_out
        Wanted columns that some file has and that are not in ``rows``, with the reason.
    readable
        How many files could be read.
    unreadable
        URL of each file that could not, with what is wrong.
    """

    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    count: int = 0
    names: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    readable: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, column: str) -> str:
        """Type of a column as text, for messages; empty where there is no such column."""
        return str(self.rows.schema[column]) if column in self.rows.columns else ""

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers; false where there is no such column."""
        return column in self.rows.columns and self.rows.schema[column].is_numeric()

    def is_timestamp(self, column: str) -> bool:
        """Whether a column holds instants or days; false where there is no such column."""
        return column in self.rows.columns and self.rows.schema[column] == pl.Datetime


def read_table(paths: Sequence[Path], files: NightFiles, wanted: Callable[[str], bool]) -> Table:
    """Read the wanted columns of some of a night's files.

    A damaged file never raises: it is told apart in ``unreadable``.

    Parameters
    ----------
    paths
        Local Parquet files.
    files
        The night, for what messages call a file.
    wanted
        Whether a column is needed.

    Raises
    ------
    OSError
        If this machine could not read its own disk: that says nothing about the data.
    """
    parts: dict[str, _Part] = {}
    unreadable: dict[str, str] = {}
    for place, path in enumerate(paths):
        # Two objects of the same bytes are one file here, and still twice the rows.
        name = files.name(path) + " (the same bytes again)" * paths[:place].count(path)
        try:
            parts[name] = _read_part(path, wanted)
        except _Damaged as damage:
            unreadable[name] = str(damage)
    names = tuple(dict.fromkeys(name for part in parts.values() for name in part.names))
    frames = {url: part.rows for url, part in parts.items()}
    left_out = {name: why for name in names if wanted(name) and (why := _obstacle(name, frames))}
    kept = [name for name in names if wanted(name) and name not in left_out]
    count = sum(part.count for part in parts.values())
    return Table(_stack(frames, kept), count, names, left_out, len(parts), unreadable)


def to_pandas(table: Table, *, exact: str | None) -> pd.DataFrame:
    """Rows as Great Expectations takes them, indexed from 0.

    Parameters
    ----------
    table
        Columns of plain types.
    exact
        The id column. Whole numbers beside nulls would become floats, and large ids equal to
        their neighbours: such ids go in as text.
    """
    import pandas as pd

    rows = table.rows
    if exact in rows.columns and rows.schema[exact].is_integer() and rows[exact].null_count():
        rows = rows.with_columns(pl.col(exact).cast(pl.String))
    return rows.to_pandas() if rows.width else pd.DataFrame(index=range(table.count))


@dataclass(frozen=True)
class _Part:
    """One file: the names of all its columns, its number of rows, and the wanted columns."""

    names: tuple[str, ...]
    count: int
    rows: pl.DataFrame


class _Damaged(Exception):
    """A file is not what it should be; says what it is instead."""


def _read_part(path: Path, wanted: Callable[[str], bool]) -> _Part:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_frame(path)
    try:
        with pq.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            names = tuple(file.schema_arrow.names)
            table = file.read([name for name in dict.fromkeys(names) if wanted(name)])
            return _Part(names, file.metadata.num_rows, _from_arrow(table))
    except (pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise _Damaged(f"corrupt: {_first_line(error, path)}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _Damaged(f"corrupt: {_first_line(error, path)}") from error


def _check_frame(path: Path) -> None:
    """The four bytes at each end say more plainly than any parser what a wrong file is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, size - 4))
        tail = file.read(4)
    if size == 0:
        raise _Damaged("empty: the file has no bytes at all")
    if head != _MAGIC:
        raise _Damaged(f"not a Parquet file ({size:,} bytes that do not begin with PAR1)")
    if tail != _MAGIC or size < 12:
        raise _Damaged(f"truncated: its {size:,} bytes do not end in a Parquet footer, so the upload was cut short")


def _from_arrow(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    return frame if isinstance(frame, pl.DataFrame) else frame.to_frame()


def _stack(frames: Mapping[str, pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    if not names:
        return pl.DataFrame()
    rows = pl.concat([_plain(frame.select(names)) for frame in frames.values()], how="vertical_relaxed")
    # A column without a single value has no type of its own: as numbers it fits wherever it is asked for.
    return rows.with_columns(pl.col(pl.Null).cast(pl.Float64))


def _first_line(error: Exception, path: Path) -> str:
    line = str(error).strip().split("\n")[0].replace(str(path), "the file")
    return line[:200].rstrip(": ") or type(error).__name__


def _obstacle(name: str, frames: Mapping[str, pl.DataFrame]) -> str | None:
    """Why a column cannot be one column of one plain type, or ``None`` where it can."""
    absent = [url for url, frame in frames.items() if name not in frame.columns]
    if absent:
        return f"missing in {len(absent)} of {len(frames)} objects: {_few(absent)}"
    kinds: dict[str, str] = {}
    for url, frame in frames.items():
        kinds.setdefault(kind_of(frame.schema[name]), url)
    kinds.pop("null", None)
    if unusable := next((kind for kind in kinds if kind.startswith("unusable")), None):
        return f"{unusable.removeprefix('unusable ')}, which is not a plain value, in {kinds[unusable]}"
    if len(kinds) > 1:
        return "of several types: " + ", ".join(f"{kind} in {url}" for kind, url in kinds.items())
    return None


def _few(urls: Sequence[str]) -> str:
    return ", ".join(urls[:3]) + (" and others" if len(urls) > 3 else "")


def kind_of(dtype: pl.DataType) -> str:
    """What values of a type say: columns of one kind can be laid one below the other, or joined on."""
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return f"unusable {dtype}"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype in (pl.Date, pl.Datetime):
        return "timestamp"
    return str(dtype).lower()


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """The few types that Great Expectations' comparisons on pandas are right for.

    Dates and timestamps become UTC timestamps without a zone, decimals floats, categories text.
    """
    return frame.with_columns(*(_plain_column(name, dtype) for name, dtype in frame.schema.items()))


def _plain_column(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else column
        return in_utc.cast(pl.Datetime("us"))
    if dtype == pl.Date:
        return column.cast(pl.Datetime("us"))
    if dtype.is_decimal():
        return column.cast(pl.Float64)
    return column.cast(pl.String) if dtype in (pl.Categorical, pl.Enum) else column
