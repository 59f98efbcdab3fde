"""What an executor does with its Arrow batches: the typing and the counting of the local engine.

Nothing here knows of Spark: functions from batches to batches, as ``DataFrame.mapInArrow`` takes
them. Columns travel by place, so that no name of a user's column means anything on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightproof.profiles.addition import add_facts
from nightproof.profiles.collect import NO_FUNCTIONS, count
from nightproof.profiles.feature_rows import UNSEEN_KEPT
from nightproof.profiles.profile import SCHEMA
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.rows import BATCH, Rows, typed
from nightproof.profiles.spec import ProfileSpec

ARROW: Mapping[pl.DataType | type[pl.DataType], pa.DataType] = {
    pl.Int8: pa.int8(),
    pl.Int32: pa.int32(),
    pl.Int64: pa.int64(),
    pl.Float64: pa.float64(),
    pl.String: pa.string(),
    pl.Datetime("us"): pa.timestamp("us"),
}
"""Types that travel: what typed rows and facts are made of."""
FACTS = pa.schema([(name, ARROW[kind]) for name, kind in SCHEMA.items()])
Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class Reading:
    """How rows of files that agree about their columns' types are typed.

    Parameters
    ----------
    spec
        As JSON.
    file
        Those of the files' columns that are read, with the types that the files themselves state.
    columns
        Which of them are typed, in order.
    labelled
        Whether these rows carry the label.
    """

    spec: bytes
    file: pa.Schema
    columns: tuple[str, ...]
    labelled: bool

    @classmethod
    def of(cls, path: Path, columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> Reading:
        """How one file is read.

        Raises
        ------
        polars.exceptions.PolarsError
            If it lacks a column, or holds one of a type that cannot be counted.
        """
        schema = pq.read_schema(path)
        wanted = dict.fromkeys([*columns, *([spec.label] if labelled else [])])
        fields = [schema.field(name).remove_metadata() for name in wanted if name in schema.names]
        found = cls(spec.to_bytes(), pa.schema(fields), tuple(columns), labelled)
        _typed(pl.DataFrame(schema.empty_table()), found, spec)
        return found

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the typed columns."""
        rows = _typed(pl.DataFrame(self._plain.empty_table()), self, self._spec)
        return pa.schema([(name, ARROW[kind]) for name, kind in rows.schema.items()])

    def rows(self, batches: Batches) -> Iterator[pl.DataFrame]:
        """Typed rows; a batch begins with the file's columns, in their order."""
        spec, plain = self._spec, self._plain
        for batch in batches:
            columns = [_as_written(batch.column(place), field.type) for place, field in enumerate(plain)]
            yield _typed(pl.DataFrame(pa.Table.from_arrays(columns, schema=plain)), self, spec)

    @property
    def _spec(self) -> ProfileSpec:
        return ProfileSpec.from_bytes(self.spec, name="the spec")

    @property
    def _plain(self) -> pa.Schema:
        # A batch's dictionary need not be the file's: text travels as text.
        types = [field.type.value_type if pa.types.is_dictionary(field.type) else field.type for field in self.file]
        return pa.schema(list(zip(self.file.names, types, strict=True)))

    def typed(self, batches: Batches) -> Iterator[pa.RecordBatch]:
        """Typed rows, to travel on."""
        schema = by_place(self.schema)
        for frame in self.rows(batches):
            yield from _arrow(frame, schema)

    @property
    def placed_schema(self) -> pa.Schema:
        """Of typed rows with their place."""
        return pa.schema([*by_place(self.schema), pa.field("file", pa.int64()), pa.field("row", pa.int64())])

    def placed(self, batches: Batches, places: Mapping[str, int]) -> Iterator[pa.RecordBatch]:
        """Typed rows with the place of their file and their row in it, to tell which came first.

        Parameters
        ----------
        batches
            After the file's columns, the URI of the file and the number of the row.
        places
            Of each path.
        """
        schema = self.placed_schema
        for batch in batches:
            uris, row = (batch.column(len(self.file) + more) for more in (0, 1))
            file = {uri: places[unquote(urlsplit(uri).path)] for uri in uris.unique().to_pylist()}
            told = pl.DataFrame({"file": pl.Series(uris).replace_strict(file, return_dtype=pl.Int64), "row": row})
            for frame in self.rows([batch]):
                yield from _arrow(frame.hstack(told), schema)

    def facts(self, batches: Batches, functions: Mapping[str, RowFunction] = NO_FUNCTIONS) -> Iterator[pa.RecordBatch]:
        """Facts of the rows."""
        yield from _facts(self.rows(batches), self._spec, functions)


def facts(
    batches: Batches, names: Sequence[str], spec: bytes, functions: Mapping[str, RowFunction] = NO_FUNCTIONS
) -> Iterator[pa.RecordBatch]:
    """Facts of typed rows whose columns bear these names."""
    frames = (pl.DataFrame(pa.Table.from_batches([batch]).rename_columns(list(names))) for batch in batches)
    yield from _facts(frames, ProfileSpec.from_bytes(spec, name="the spec"), functions)


def facts_together(tables: Sequence[pl.DataFrame], spec: ProfileSpec) -> pl.DataFrame:
    """Facts of all tasks, with as many names of unknown values as a count in one process keeps."""
    table, column = add_facts(tables), pl.col("column")
    for name in spec.categorical:
        of_column = (pl.col("fact") == "unseen") & column.str.starts_with(f"{name}=")
        found = table.filter(of_column).sort("count", "column", descending=[True, False])
        table = table.filter(~of_column | column.is_in(found["column"].head(UNSEEN_KEPT).to_list()))
    return table.rechunk()


def by_place(schema: pa.Schema) -> pa.Schema:
    """The same types under names that are places."""
    return pa.schema([(f"c{place}", field.type) for place, field in enumerate(schema)])


def _facts(
    frames: Iterable[pl.DataFrame], spec: ProfileSpec, functions: Mapping[str, RowFunction]
) -> Iterator[pa.RecordBatch]:
    parts = (Rows(part) for frame in frames for part in frame.iter_slices(BATCH))
    # A value that is rare among a task's rows may be frequent among all.
    counted = count(parts, spec, unseen=None, functions=functions)
    yield from _arrow(counted, FACTS)


def _typed(frame: pl.DataFrame, reading: Reading, spec: ProfileSpec) -> pl.DataFrame:
    return typed(frame.lazy(), reading.columns, spec, labelled=reading.labelled).collect()


def _arrow(frame: pl.DataFrame, schema: pa.Schema) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = frame.to_arrow().rename_columns(schema.names).cast(schema).to_batches()
    return batches


def _as_written(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A column in the type that its file states: Spark has no unsigned numbers, nanoseconds or nulls."""
    if pa.types.is_null(kind):
        return pa.nulls(len(column))
    return column if column.type == kind else column.cast(kind, safe=False)
