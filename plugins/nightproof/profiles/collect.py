"""From rows to a profile: each row is read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pyarrow as pa
from threadpoolctl import threadpool_limits

from nightproof.errors import DataError
from nightproof.profiles.counts import table_of
from nightproof.profiles.feature_rows import UNSEEN_KEPT
from nightproof.profiles.profile import KEYS, SCHEMA, Profile
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.rows import Rows, read_batches
from nightproof.profiles.spec import ProfileSpec
from nightproof.profiles.tally import Tally

NO_FUNCTIONS: Mapping[str, RowFunction] = MappingProxyType({})
"""Of a model without Python metrics of its own."""


def collect(
    predictions: Sequence[Path],
    labels: Sequence[Path],
    spec: ProfileSpec,
    *,
    functions: Mapping[str, RowFunction] = NO_FUNCTIONS,
) -> Profile:
    """Count a night's rows.

    Rows whose output is not usable (a score that is no number in [0, 1], say) are left out;
    validation quarantines such nights before this is reached, unless the caller asked for none.

    Parameters
    ----------
    predictions, labels
        Local Parquet files. Without ``labels``, the label column is one of the predictions'.
    spec
        What to count, by which bins.
    functions
        Of the team's own Python metrics, by metric.

    Returns
    -------
    Profile
        All zero for no rows.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column that the spec counts.
    """
    try:
        return Profile(spec, count(read_batches(predictions, labels, spec), spec, functions=functions))
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(f"The rows cannot be counted: {str(error).splitlines()[0]}") from error


def count(
    batches: Iterable[Rows],
    spec: ProfileSpec,
    *,
    unseen: int | None = UNSEEN_KEPT,
    functions: Mapping[str, RowFunction] = NO_FUNCTIONS,
) -> pl.DataFrame:
    """Facts of some batches of rows, sorted by key; ``unseen`` and ``functions`` as :class:`Tally` has them."""
    tally = Tally(spec, unseen=unseen, functions=functions)
    # Products of small matrices: further threads would only wait for each other, at full speed.
    with threadpool_limits(1, user_api="blas"):
        for batch in batches:
            tally.add(batch)
    return table_of(tally.facts(), SCHEMA).sort(KEYS)
