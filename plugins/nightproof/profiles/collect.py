"""From rows to a profile: each row is read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
from threadpoolctl import threadpool_limits

from nightproof.errors import DataError
from nightproof.profiles.counts import table_of
from nightproof.profiles.feature_rows import UNSEEN_KEPT
from nightproof.profiles.profile import KEYS, SCHEMA, Profile
from nightproof.profiles.rows import Rows, read_batches
from nightproof.profiles.spec import ProfileSpec
from nightproof.profiles.tally import Tally


def collect(predictions: Sequence[Path], labels: Sequence[Path], spec: ProfileSpec) -> Profile:
    """Count a night's rows.

    Rows whose output is not usable (a score that is no number in [0, 1], say) are left out;
    validation quarantines such nights before this is reached, unless the caller asked for none.

    Parameters
    ----------
    predictions, labels
        Local Parquet files. Without ``labels``, the label column is one of the predictions'.
    spec
        What to count, by which bins.

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
        return Profile(spec, count(read_batches(predictions, labels, spec), spec))
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError) as error:
        raise DataError(f"The rows cannot be counted: {str(error).splitlines()[0]}") from error


def count(batches: Iterable[Rows], spec: ProfileSpec, *, unseen: int | None = UNSEEN_KEPT) -> pl.DataFrame:
    """Facts of some batches of rows, sorted by key; ``unseen`` as :class:`Tally` has it."""
    tally = Tally(spec, unseen=unseen)
    # Products of small matrices: further threads would only wait for each other, at full speed.
    with threadpool_limits(1, user_api="blas"):
        for batch in batches:
            tally.add(batch)
    return table_of(tally.facts(), SCHEMA).sort(KEYS)
