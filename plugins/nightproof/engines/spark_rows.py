"""Rows on Spark: Parquet files as data frames of typed columns, and labels by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.types import from_arrow_schema

from nightproof.engines.arrow_rows import FACTS, Batches, Reading, by_place
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.spec import ProfileSpec

Work = Callable[[Batches], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class Files:
    """Files that are read alike.

    Parameters
    ----------
    reading
        How.
    paths, places
        Each file, and its place among all files of its role.
    """

    reading: Reading
    paths: list[str]
    places: list[int]

    def on(self, spark: SparkSession) -> Source:
        """The files as Spark reads them."""
        return Source(self, spark)


def sources(paths: Sequence[Path], columns: Sequence[str], spec: ProfileSpec, *, labelled: bool) -> list[Files]:
    """Files by how they are read; one that is named twice is read twice.

    Raises
    ------
    polars.exceptions.PolarsError, pyarrow.ArrowException, OSError
        If a file cannot be read, or lacks a column.
    """
    found: dict[tuple[pa.Schema, int], Files] = {}
    seen: Counter[Path] = Counter()
    for place, path in enumerate(paths):
        reading = Reading.of(path, tuple(dict.fromkeys(columns)), spec, labelled=labelled)
        alike = found.setdefault((reading.file, seen[path]), Files(reading, [], []))
        alike.paths.append(path.resolve().as_posix())
        alike.places.append(place)
        seen[path] += 1
    return list(found.values())


@dataclass(frozen=True)
class Source:
    """Files that are read alike, on a cluster."""

    files: Files
    spark: SparkSession

    @property
    def names(self) -> list[str]:
        """What the typed columns are."""
        names: list[str] = self.files.reading.schema.names
        return names

    def facts(self, functions: Mapping[str, RowFunction]) -> DataFrame:
        """Facts of each task's rows."""
        reading, own = self.files.reading, dict(functions)
        return mapped(self._read(), lambda batches: reading.facts(batches, own), FACTS)

    def typed(self) -> DataFrame:
        """Typed rows."""
        return mapped(self._read(), self.files.reading.typed, by_place(self.files.reading.schema))

    def placed(self) -> DataFrame:
        """Typed rows with columns ``file`` and ``row``, their place in the night."""
        reading, places = self.files.reading, dict(zip(self.files.paths, self.files.places, strict=True))
        whence = [F.col("_metadata.file_path"), F.col("_metadata.row_index")]
        return mapped(self._read(*whence), lambda batches: reading.placed(batches, places), reading.placed_schema)

    def _read(self, *more: Column) -> DataFrame:
        # A path is a path: brackets in it are no pattern.
        rows = self.spark.read.option("__globPaths__", "false").parquet(*self.files.paths)
        named = [F.col(_quoted(name)).alias(f"c{place}") for place, name in enumerate(self.files.reading.file.names)]
        return rows.select(*named, *more)


def mapped(rows: DataFrame, work: Work, schema: pa.Schema) -> DataFrame:
    """What some work makes of each task's batches."""
    return rows.mapInArrow(work, from_arrow_schema(schema))


def together(frames: Sequence[DataFrame]) -> DataFrame:
    """All rows of some frames with the same columns."""
    return reduce(DataFrame.unionAll, frames)


def first_labels(truth: Sequence[Source], id_column: str) -> tuple[DataFrame, list[str]]:
    """The first label of each id: columns ``id``, ``l0``, ``l1``, …, and what those after the id are."""
    rows, names = together([source.placed() for source in truth]), truth[0].names
    told = [place for place, name in enumerate(names) if name != id_column]
    labels = [F.col(f"c{place}").alias(f"l{place}") for place in told]
    known = rows.select(F.col(f"c{names.index(id_column)}").alias("id"), F.struct("file", "row", *labels).alias("told"))
    first = known.where(F.col("id").isNotNull()).groupBy("id").agg(F.min("told").alias("told"))
    return first.select("id", *(f"told.l{place}" for place in told)), [names[place] for place in told]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
