"""A night's candidates: its labelled rows by rank, stratum and group, read from its files in batches.

Of each row only three whole numbers stay in memory, whatever its columns hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightproof.errors import DataError
from nightproof.holdout.rank import ranks
from nightproof.holdout.selection import CANDIDATES
from nightproof.holdout.version import LeftOut, Rule
from nightproof.holdout_section import LABEL
from nightproof.metric_names import Task
from nightproof.night_files import NightFiles
from nightproof.profiles.spec import MISSING
from nightproof.profiles.text import value_text

BATCH = 1 << 16
"""Most rows that are decoded at a time."""
TRUTH = pl.Schema({"row": pl.UInt64, "label": pl.String})


def candidates(files: NightFiles, rule: Rule, task: Task) -> tuple[pl.DataFrame, LeftOut]:
    """A night's rows that may be held out, and how many may not.

    Parameters
    ----------
    files
        The night's files; their order, and how rows are spread over them, changes nothing.

    Returns
    -------
    tuple
        Columns of :data:`~nightproof.holdout.selection.CANDIDATES`, and the rows left out.

    Raises
    ------
    DataError
        If a file cannot be read or lacks a column.
    """
    apart = bool(files.labels)
    columns = [name for name in (*rule.strata, rule.group) if name and name != LABEL]
    wanted = dict.fromkeys([rule.id, *columns, *([] if apart else [rule.label])])
    parts = [_placed(frame, rule, task, columns, apart=apart) for frame in batches(files.predictions, wanted, files)]
    rows = pl.concat(parts) if parts else _empty(columns)
    known = rows.filter(pl.col("row").is_not_null())
    single = known.filter(pl.col("row").is_unique())
    if apart:
        single = single.join(truth(files, rule, task), on="row", how="left")
    agreed = single.filter(pl.col("label").is_not_null() & ~pl.col("disputed").fill_null(False))
    left_out = LeftOut(
        without_id=rows.height - known.height,
        id_twice=known.height - single.height,
        unlabelled=single["label"].null_count(),
        contradictory=int(single["disputed"].fill_null(False).sum()),
    )
    return _numbered(agreed, rule), left_out


def truth(files: NightFiles, rule: Rule, task: Task) -> pl.DataFrame:
    """Each labelled id by rank: its ``label`` as text, and whether it is ``disputed``, having several that differ."""
    parts = [
        pl.DataFrame(
            {"row": row_ranks(frame, rule), "label": frame.select(label_text(rule.label, frame.schema, task))["label"]}
        )
        for frame in batches(files.labels or files.predictions, [rule.id, rule.label], files)
    ]
    every = pl.concat(parts) if parts else pl.DataFrame(schema=TRUTH)
    return (
        every.drop_nulls()
        .group_by("row")
        .agg(pl.col("label").min(), (pl.col("label").n_unique() > 1).alias("disputed"))
        .sort("row")
    )


def batches(
    paths: Sequence[Path], columns: Sequence[str] | dict[str, None], files: NightFiles
) -> Iterator[pl.DataFrame]:
    """Some columns of Parquet files, a batch of rows at a time; all columns where none is named.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks one of them.
    """
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                lacking = [name for name in columns if name not in file.schema_arrow.names]
                if lacking:
                    raise DataError(f"{files.name(path)} has no column {lacking[0]!r}, which the holdout needs.")
                for batch in file.iter_batches(batch_size=BATCH, columns=list(columns) or None):
                    frame = pl.from_arrow(batch)
                    assert isinstance(frame, pl.DataFrame)
                    yield frame
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{files.name(path)} cannot be read: {str(error).splitlines()[0]}") from error


def row_ranks(frame: pl.DataFrame, rule: Rule) -> pl.Series:
    """Rank of each row's id."""
    return ranks(text_of(frame, rule.id), model=rule.model, salt=rule.salt).alias("row")


def group_ranks(frame: pl.DataFrame, rule: Rule) -> pl.Series:
    """Rank of each row's group; null where it has none."""
    assert rule.group is not None
    return ranks(text_of(frame, rule.group), model=rule.model, salt=rule.salt, what="group").alias("group")


def text_of(frame: pl.DataFrame, column: str) -> pl.Series:
    """A column as text, the same whether its writer kept whole numbers as integers or as floats."""
    try:
        return frame.select(value_text(column, frame.schema))[column]
    except pl.exceptions.PolarsError as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"Column {column!r} is of a type that cannot be told apart as text: {problem}") from error


def label_text(name: str, schema: pl.Schema, task: Task) -> pl.Expr:
    """A usable label as text, under the name ``label``; null for any other.

    Usable is a class of several, 0 or 1 of a binary model, and else a finite number.
    """
    if task == "multiclass":
        return value_text(name, schema).alias("label")
    kind = schema[name]
    listed = kind.base_type() in (pl.Categorical, pl.Enum)
    number = (pl.col(name).cast(pl.String) if listed else pl.col(name)).cast(pl.Float64, strict=False)
    if task == "binary":
        one_or_none = pl.when(number == 1.0).then(pl.lit("1")).when(number == 0.0).then(pl.lit("0"))
        return one_or_none.otherwise(None).alias("label")
    return pl.when(number.is_finite()).then(number.cast(pl.String)).otherwise(None).alias("label")


def _placed(frame: pl.DataFrame, rule: Rule, task: Task, columns: Sequence[str], *, apart: bool) -> pl.DataFrame:
    """Ranks, and numbers of the strata's values so far as predictions tell them."""
    found = [row_ranks(frame, rule)]
    found += [
        text_of(frame, name).fill_null(MISSING).alias(f"stratum:{name}") for name in columns if name != rule.group
    ]
    found.append(group_ranks(frame, rule) if rule.group else pl.Series("group", [None] * frame.height, pl.UInt64))
    if not apart:
        found.append(frame.select(label_text(rule.label, frame.schema, task))["label"])
        found.append(pl.Series("disputed", [False] * frame.height))
    return pl.DataFrame(found)


def _empty(columns: Sequence[str]) -> pl.DataFrame:
    texts = {f"stratum:{name}": pl.String for name in columns}
    return pl.DataFrame(
        schema={"row": pl.UInt64, **texts, "group": pl.UInt64, "label": pl.String, "disputed": pl.Boolean}
    )


def _numbered(rows: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """Rows with the number of their stratum, which is a hash of its values and so the same on every night."""
    names = ["label" if name == LABEL else f"stratum:{name}" for name in rule.strata]
    values = rows.select(names).unique() if names else pl.DataFrame()
    numbers = [stratum_number(row, rule) for row in values.iter_rows()]
    if not names:
        whole = pl.lit(stratum_number((), rule), dtype=pl.UInt32).alias("stratum")
        return rows.with_columns(whole).select(list(CANDIDATES))
    numbered = values.with_columns(pl.Series("stratum", numbers, dtype=pl.UInt32))
    return rows.join(numbered, on=names, how="left").select(list(CANDIDATES))


def stratum_number(values: Sequence[str], rule: Rule) -> int:
    """Number of the stratum with these values, in the order of the rule's columns."""
    text = json.dumps(["nightproof", "stratum", rule.model, rule.salt, list(rule.strata), list(values)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
