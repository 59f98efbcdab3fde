"""A night's files as tables: what could be read, and what is wrong with the rest.

A small table is held in memory. A large one is read again, a few columns or a few rows at a time,
by whoever asks: what it takes then depends on what is asked, not on all that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from nightproof.expectations.parts import Damaged, Part, open_part
from nightproof.night_files import NightFiles

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = 4_000_000
"""Values (rows times columns) up to which a table is held whole: some 350 MB while it is validated."""
BATCH_ROWS = 200_000
"""Rows of a large table that are looked at together."""


class DamageFound(Exception):
    """A file of a large table turned out to be damaged while it was read."""


@dataclass(frozen=True)
class Table:
    """Rows of all readable files of one role, only the wanted columns.

    Parameters
    ----------
    schema
        The columns, of plain types.
    count
        How many rows; known even where none of the wanted columns is there.
    names
        Every column that any file has, wanted or not: what nearest names are looked up in.
    left_out
        Wanted columns that some file has and that are not in ``schema``, with the reason.
    readable
        How many files could be read.
    unreadable
        URL of each file that could not, with what is wrong.
    held
        All rows, in the order of the files; ``None`` where there are too many.
    parts
        The files, where the rows are not held.
    added
        Columns of no file, a value a row.
    sizes
        Rows of each readable file, in the order of the rows.
    """

    schema: pl.Schema = field(default_factory=pl.Schema)
    count: int = 0
    names: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    readable: int = 0
    unreadable: Mapping[str, str] = field(default_factory=dict)
    held: pl.DataFrame | None = field(default_factory=pl.DataFrame)
    parts: tuple[Part, ...] = ()
    added: Mapping[str, pl.Series] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def place(self, row: int) -> str:
        """Where a row lies, such as `part-0.parquet row 17`: it leads to the row, and says nothing of what is in it."""
        start, short = 0, [name.rsplit("/", 1)[-1] for name in self.sizes]
        for name, count in self.sizes.items():
            if row < start + count:
                file = name.rsplit("/", 1)[-1]
                return f"{file if short.count(file) == 1 else name} row {row - start}"
            start += count
        return f"row {row}"

    def type_of(self, column: str) -> str:
        """Type of a column as text, for messages; empty where there is no such column."""
        return str(self.schema[column]) if column in self.schema else ""

    def is_number(self, column: str) -> bool:
        """Whether a column holds numbers; false where there is no such column."""
        return column in self.schema and self.schema[column].is_numeric()

    def is_timestamp(self, column: str) -> bool:
        """Whether a column holds instants or days; false where there is no such column."""
        return column in self.schema and self.schema[column] == pl.Datetime

    def rows(self, names: Sequence[str]) -> pl.DataFrame:
        """Some columns, all rows.

        Raises
        ------
        DamageFound
            If a file that is read for it is damaged.
        """
        if self.held is not None:
            return self.held.select(names)
        stored = [name for name in names if name not in self.added]
        pieces = [piece for part in self.parts for piece in self._pieces(part, stored)] if stored else []
        frame = pl.concat(pieces, rechunk=False) if pieces else pl.DataFrame(schema=self._only(stored))
        added = [self.added[name] for name in names if name in self.added]
        return pl.DataFrame([*frame, *added]).select(names)

    def column(self, name: str) -> pl.Series:
        """One column, all rows."""
        return self.rows([name])[name]

    def batches(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Some columns, so many rows at a time, in their order; a held table is one batch.

        Raises
        ------
        DamageFound
            As :meth:`rows` does.
        """
        stored, start = [name for name in names if name not in self.added], 0
        if self.held is not None or not stored:
            yield self.rows(names)
            return
        for part in self.parts:
            for piece in self._pieces(part, stored):
                added = {name: self.added[name].slice(start, piece.height) for name in names if name in self.added}
                yield piece.with_columns(**added).select(names)
                start += piece.height

    def may_be_null(self, name: str) -> bool:
        """Whether a column has a null; read only where the files' statistics do not tell."""
        if self.held is None and name not in self.added and all(name in part.without_nulls for part in self.parts):
            return False
        return self.column(name).null_count() > 0

    def with_column(self, values: pl.Series) -> Table:
        """The same table with one more column, or with another in its place."""
        name = values.name
        held = None if self.held is None else self.held.with_columns(values)
        added = self.added if self.held is not None else {**self.added, name: values}
        names = tuple(dict.fromkeys([*self.names, name]))
        return replace(self, schema=pl.Schema({**self.schema, name: values.dtype}), names=names, held=held, added=added)

    def without(self, name: str) -> Table:
        """The same table without a column of that name."""
        held = None if self.held is None else self.held.drop(name, strict=False)
        schema = pl.Schema({each: dtype for each, dtype in self.schema.items() if each != name})
        return replace(self, schema=schema, held=held)

    def _pieces(self, part: Part, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        schema = self._only(names)
        try:
            for piece in part.pieces(names, BATCH_ROWS):
                yield piece if piece.schema == schema else piece.select(names).cast(schema)
        except Damaged as damage:
            raise DamageFound from damage

    def _only(self, names: Sequence[str]) -> pl.Schema:
        return pl.Schema({name: self.schema[name] for name in names})


def read_table(
    paths: Sequence[Path],
    files: NightFiles,
    wanted: Callable[[str], bool],
    *,
    in_memory: int = IN_MEMORY,
    read_through: bool = False,
) -> Table:
    """Read the wanted columns of some of a night's files.

    A damaged file never raises: it is told apart in ``unreadable``. In the middle of a large one,
    though, damage is found by whoever reads that far, unless it is read through here.

    Parameters
    ----------
    paths
        Local Parquet files.
    files
        The night, for what messages call a file.
    wanted
        Whether a column is needed.
    in_memory
        Values up to which the table is held in memory.
    read_through
        Whether to read every value of a large table at once, to know which files are damaged.

    Raises
    ------
    OSError
        If this machine could not read its own disk: that says nothing about the data.
    """
    parts: dict[str, Part] = {}
    held: dict[str, pl.DataFrame] = {}
    unreadable: dict[str, str] = {}
    named = _named(paths, files)
    for name, path in named.items():
        try:
            parts[name] = open_part(path, wanted)
        except Damaged as damage:
            unreadable[name] = str(damage)
    small = sum(part.count * len(part.schema) for part in parts.values()) <= in_memory
    for name, part in list(parts.items()):
        try:
            if small:
                held[name] = part.rows(list(part.schema))
            elif read_through:
                for _ in part.pieces(list(part.schema), BATCH_ROWS):
                    pass
        except Damaged as damage:
            unreadable[name] = str(damage)
            del parts[name]
    return _table(parts, held if small else None, {name: unreadable[name] for name in named if name in unreadable})


def to_pandas(rows: pl.DataFrame, *, exact: str | None = None, height: int = 0) -> pd.DataFrame:
    """Rows as Great Expectations takes them, indexed from 0.

    Parameters
    ----------
    rows
        Columns of plain types.
    exact
        The id column. Whole numbers beside nulls would become floats, and large ids equal to
        their neighbours: such ids go in as text.
    height
        How many rows there are where there is no column.
    """
    import pandas as pd

    if exact in rows.columns and rows.schema[exact].is_integer() and rows[exact].null_count():
        rows = rows.with_columns(pl.col(exact).cast(pl.String))
    return rows.to_pandas() if rows.width else pd.DataFrame(index=range(height))


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


def _named(paths: Sequence[Path], files: NightFiles) -> dict[str, Path]:
    # Two objects of the same bytes are one file here, and still twice the rows.
    again = " (the same bytes again)"
    return {files.name(path) + again * paths[:place].count(path): path for place, path in enumerate(paths)}


def _table(parts: Mapping[str, Part], held: Mapping[str, pl.DataFrame] | None, unreadable: Mapping[str, str]) -> Table:
    names = tuple(dict.fromkeys(name for part in parts.values() for name in part.names))
    schemas = {url: part.schema for url, part in parts.items()}
    wanted = list(dict.fromkeys(name for name in names if any(name in schema for schema in schemas.values())))
    left_out = {name: why for name in wanted if (why := _obstacle(name, schemas))}
    kept = [name for name in wanted if name not in left_out]
    schema = _stack([pl.DataFrame(schema=schema) for schema in schemas.values()], kept).schema
    return Table(
        schema=schema,
        count=sum(part.count for part in parts.values()),
        names=names,
        left_out=left_out,
        readable=len(parts),
        unreadable=unreadable,
        held=None if held is None else _stack(list(held.values()), kept),
        parts=tuple(parts.values()) if held is None else (),
        sizes={url: part.count for url, part in parts.items()},
    )


def _stack(frames: Sequence[pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    if not names:
        return pl.DataFrame()
    rows = pl.concat([frame.select(names) for frame in frames], how="vertical_relaxed")
    # A column without a single value has no type of its own: as numbers it fits wherever it is asked for.
    return rows.with_columns(pl.col(pl.Null).cast(pl.Float64))


def _obstacle(name: str, schemas: Mapping[str, pl.Schema]) -> str | None:
    """Why a column cannot be one column of one plain type, or ``None`` where it can."""
    absent = [url for url, schema in schemas.items() if name not in schema]
    if absent:
        return f"missing in {len(absent)} of {len(schemas)} objects: {_few(absent)}"
    kinds: dict[str, str] = {}
    for url, schema in schemas.items():
        kinds.setdefault(kind_of(schema[name]), url)
    kinds.pop("null", None)
    if unusable := next((kind for kind in kinds if kind.startswith("unusable")), None):
        return f"{unusable.removeprefix('unusable ')}, which is not a plain value, in {kinds[unusable]}"
    if len(kinds) > 1:
        return "of several types: " + ", ".join(f"{kind} in {url}" for kind, url in kinds.items())
    return None


def _few(urls: Sequence[str]) -> str:
    return ", ".join(urls[:3]) + (" and others" if len(urls) > 3 else "")
