"""A candidate's predictions on the holdout, beside the live model's on the same rows.

The difference is paired: both models saw the same rows, so what is hard about a row cancels. How sure it is
comes from leaving out one block of consecutive nights after the other (the delete-a-block jackknife [1]_),
which keeps rows of a night, and nights that follow each other, together: they are not independent draws. Every
metric of the task is compared in this way, from the profiles of the blocks alone.

References
----------
.. [1] H. R. Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of
   Statistics 17 (1989), doi:10.1214/aos/1176347265.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from scipy.special import stdtrit

from nightproof.config import ModelConfig
from nightproof.errors import DataError
from nightproof.holdout.candidates import row_ranks
from nightproof.holdout.freshness import Measured, profile_rows
from nightproof.holdout.materialise import NIGHT, ROW, Rows
from nightproof.holdout.rank import shown
from nightproof.holdout.training import Training
from nightproof.metric_names import HARM
from nightproof.metrics import performance
from nightproof.metrics.estimate import Change, Estimate, Unknown
from nightproof.profiles import Profile, ProfileSpec, merge
from nightproof.record import Record

MOST_BLOCKS = 20
LEAST_BLOCKS = 5
"""Fewer blocks of nights say too little about how much they differ."""


class Scored(Record):
    """One metric of both models on the same rows."""

    metric: str
    candidate: Measured
    live: Measured
    difference: Measured
    """Candidate less live, paired; ``n`` are the blocks of nights that its interval comes from."""
    harm: str | None
    """`max_drop` where more is better, `max_rise` where less is."""


class CandidateScore(Record):
    """A candidate's predictions on a version of the holdout."""

    model: str
    version: int
    predictions: str
    rows: int
    """Rows that both models predicted."""
    without_prediction: int
    """Rows of the holdout that the candidate says nothing of: they are left out for both."""
    beside: int
    """Predictions of rows that are not in the holdout."""
    metrics: tuple[Scored, ...]


def score(predictions: Training, rows: Rows, config: ModelConfig, spec: ProfileSpec) -> CandidateScore:
    """Evaluate a candidate.

    Parameters
    ----------
    predictions
        A column of ids and the output columns that the config names.
    rows
        The holdout, with the live model's outputs.

    Raises
    ------
    DataError
        If a column is missing, an id is null or comes twice, or no row of the holdout has a prediction.
    """
    given = _given(predictions, rows, spec)
    kept = given.filter(pl.col(ROW).is_in(rows.table[ROW].implode()))
    if not kept.height:
        raise DataError(f"{predictions.name} has no prediction for any row of version {rows.version.number}.")
    live = rows.table.join(kept.select(ROW), on=ROW, how="semi", maintain_order="left")
    candidate = live.drop(spec.outputs).join(kept, on=ROW, how="left", maintain_order="left")
    blocks = _blocks(live[NIGHT].unique().sort().to_list())
    profiles = [[_of(table, block, spec) for block in blocks] for table in (candidate, live)]
    _usable(profiles[0], candidate.height, predictions)
    return CandidateScore(
        model=config.model,
        version=rows.version.number,
        predictions=predictions.name,
        rows=live.height,
        without_prediction=rows.table.height - live.height,
        beside=given.height - kept.height,
        metrics=tuple(_scored(profiles[0], profiles[1])),
    )


def _given(predictions: Training, rows: Rows, spec: ProfileSpec) -> pl.DataFrame:
    rule = rows.version.rule
    lacking = [name for name in (rule.id, *spec.outputs) if name not in predictions.columns]
    if lacking:
        raise DataError(f"{predictions.name} has no column {', '.join(lacking)}.")
    parts = []
    for frame in predictions.frames():
        ranks = row_ranks(frame, rule)
        if ranks.null_count():
            raise DataError(f"{predictions.name} has a prediction without {rule.id}.")
        outputs = frame.select(pl.col(name).cast(pl.Float64, strict=False) for name in spec.outputs)
        parts.append(outputs.with_columns(pl.Series(ROW, [shown(rank) for rank in ranks.to_list()], dtype=pl.String)))
    given = pl.concat(parts) if parts else pl.DataFrame(schema={ROW: pl.String})
    if given[ROW].n_unique() < given.height:
        raise DataError(f"{predictions.name} has several predictions of one {rule.id}: leave one of them.")
    return given


def _usable(profiles: Sequence[Profile], rows: int, predictions: Training) -> None:
    counted = sum(profile.rows for profile in profiles)
    if counted < rows:
        raise DataError(
            f"{predictions.name}: {rows - counted} of its predictions for the holdout are null, or out of the range "
            "of the model's output."
        )


def _blocks(nights: Sequence[str]) -> list[list[str]]:
    """Nights in runs of nearly equal length, in order."""
    return [list(part) for part in np.array_split(np.array(nights), min(MOST_BLOCKS, len(nights)))]


def _of(table: pl.DataFrame, nights: Sequence[str], spec: ProfileSpec) -> Profile:
    return profile_rows(table.filter(pl.col(NIGHT).is_in(list(nights))), spec)


def _scored(candidate: Sequence[Profile], live: Sequence[Profile]) -> list[Scored]:
    whole = merge(candidate), merge(live)
    parts = [[_without(profiles, place) for place in range(len(profiles))] for profiles in (candidate, live)]
    return [
        Scored(
            metric=name,
            candidate=Measured.of(metric(whole[0])),
            live=Measured.of(metric(whole[1])),
            difference=_paired(metric, whole, parts),
            harm=HARM.get(name),
        )
        for name, metric in performance(whole[0]).items()
    ]


def _without(profiles: Sequence[Profile], place: int) -> Profile | None:
    others = [profile for index, profile in enumerate(profiles) if index != place]
    return merge(others) if others else None


def _paired(
    metric: Callable[[Profile], Estimate | Unknown],
    whole: tuple[Profile, Profile],
    parts: Sequence[Sequence[Profile | None]],
) -> Measured:
    blocks = len(parts[0])
    value = _less(metric, *whole)
    if value is None:
        return Measured(n=blocks, why="one of the two is unknown")
    if blocks < LEAST_BLOCKS:
        return Measured(value=value, n=blocks, why=f"fewer than {LEAST_BLOCKS} nights to tell how much nights differ")
    left = [_less(metric, mine, its) for mine, its in zip(*parts, strict=True) if mine is not None and its is not None]
    known = [each for each in left if each is not None]
    if len(known) < blocks:
        return Measured(value=value, n=blocks, why="it stands on a single block of nights")
    change = jackknife(value, known)
    return Measured(value=change.value, low=change.low, high=change.high, n=blocks)


def jackknife(value: float, left_out: Sequence[float]) -> Change:
    """A value with its 95 % interval, from its values with each block left out in turn.

    The variance is ``(b - 1) / b`` times the sum of squares of the ``b`` values about their mean; Student's t
    with ``b - 1`` degrees of freedom. Of a mean over equal blocks this is the usual standard error of block means.
    """
    blocks = len(left_out)
    spread = float(np.sum((np.asarray(left_out) - np.mean(left_out)) ** 2)) * (blocks - 1) / blocks
    half = float(stdtrit(blocks - 1, 0.975)) * math.sqrt(spread)
    return Change(value, value - half, value + half)


def _less(metric: Callable[[Profile], Estimate | Unknown], mine: Profile, its: Profile) -> float | None:
    found = metric(mine), metric(its)
    if isinstance(found[0], Unknown) or isinstance(found[1], Unknown):
        return None
    return found[0].value - found[1].value
