"""Spark: a night's rows are read, joined and counted by the executors of a cluster.

Each task counts its rows with the very code that counts them in one process, and gives a table of
facts; facts are integers, so Spark adds them up exactly, in any order. What the executors need is
this package with its libraries, and the files at the same paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from nightproof.engines.arrow_rows import FACTS, facts, facts_together
from nightproof.engines.spark_rows import Source, first_labels, mapped, sources, together
from nightproof.engines.spark_session import session
from nightproof.errors import DataError
from nightproof.profiles import Profile, ProfileSpec
from nightproof.profiles.collect import NO_FUNCTIONS, count
from nightproof.profiles.group_rows import VERSIONS
from nightproof.profiles.profile import KEYS, SCHEMA
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.rows import columns_of_labels
from nightproof.profiles.spec import MISSING, Ranking
from nightproof.sections import SparkCluster


def collect_on_spark(
    predictions: Sequence[Path],
    labels: Sequence[Path],
    spec: ProfileSpec,
    *,
    cluster: SparkCluster,
    functions: Mapping[str, RowFunction] = NO_FUNCTIONS,
) -> Profile:
    """Count a night's rows on a cluster; parameters and errors as :func:`nightproof.engines.collect`."""
    apart = bool(labels and spec.id)
    ids = [spec.id] if apart and spec.id else []
    try:
        told = columns_of_labels(predictions, spec) if apart else []
        read = [name for name in spec.columns if name not in told]
        night = sources(predictions, [*read, *ids], spec, labelled=not apart)
        truth = sources(labels, [*ids, *told], spec, labelled=True) if apart else []
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(f"The rows cannot be counted: {str(error).splitlines()[0]}") from error
    tables = [count([], spec, functions=functions)]
    if night:
        with session(cluster) as spark:
            on = [[source.on(spark) for source in some] for some in (night, truth)]
            counted = _counted(on[0], on[1], spec, functions)
            tables.append(pl.DataFrame(_added(counted).toArrow()).cast(SCHEMA))
    profile = Profile(spec, facts_together(tables, spec))
    _require_few_versions(profile)
    return profile


def _counted(
    night: Sequence[Source], truth: Sequence[Source], spec: ProfileSpec, functions: Mapping[str, RowFunction]
) -> DataFrame:
    """Facts of the rows of each task."""
    if not truth and not isinstance(spec.task, Ranking):
        return together([source.facts(functions) for source in night])
    rows, names = together([source.typed() for source in night]), night[0].names
    if truth:
        rows, names = _labelled(rows, names, truth, spec)
    if isinstance(spec.task, Ranking):
        # A query's candidates must meet in one task.
        rows = rows.repartition(F.col(rows.columns[names.index(spec.task.query)]))
    counting, functions = spec.to_bytes(), dict(functions)
    return mapped(rows, lambda batches: facts(batches, names, counting, functions), FACTS)


def _labelled(
    rows: DataFrame, names: Sequence[str], truth: Sequence[Source], spec: ProfileSpec
) -> tuple[DataFrame, list[str]]:
    """Rows with the first label of their id, if there is one, and what their columns are."""
    assert spec.id is not None
    known, told = first_labels(truth, spec.id)
    joined = rows.join(known, F.col(rows.columns[names.index(spec.id)]) == F.col("id"), "left")
    kept = [place for place, name in enumerate(names) if name in spec.columns]
    columns = [*(rows.columns[place] for place in kept), *known.columns[1:]]
    return joined.select(*columns), [*(names[place] for place in kept), *told]


def _added(facts_of_tasks: DataFrame) -> DataFrame:
    """Facts added key by key, as :func:`nightproof.profiles.addition.add_facts` does."""
    sums = [F.sum(name).alias(name) for name in ("count", "total", "squares")]
    ends = [F.min("low").alias("low"), F.max("high").alias("high")]
    return facts_of_tasks.groupBy(*KEYS).agg(*sums, *ends).select(*SCHEMA.names())


def _require_few_versions(profile: Profile) -> None:
    """Tasks that each saw few versions may have seen many together."""
    versions = profile.versions().keys() - {MISSING}
    if len(versions) > VERSIONS:
        raise DataError(
            f"The night has more than {VERSIONS:,} model versions: their column holds something else. "
            "Name another column as columns.model_version, or leave it out."
        )
