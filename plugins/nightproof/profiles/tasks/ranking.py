"""Ranking rows: candidates of queries, each with a score and a relevance.

A query's candidates must be counted together: they are kept, three numbers a row, until the last
batch. Metrics are of whole queries, so a night cut across a query is not the sum of its parts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import Dense, Facts, Shape, fixed
from nightproof.profiles.rows import LABEL
from nightproof.profiles.spec import ProfileSpec, Ranking
from nightproof.profiles.tasks.judged import Judged, Outcomes, weights

METRICS = ("ndcg", "map", "recall", "mrr")
Floats = npt.NDArray[np.float64]


class RankingRows:
    """Rows of a model that ranks candidates."""

    outcomes = Outcomes((-1, 0), 1)
    by_segment = ()

    def __init__(self, spec: ProfileSpec) -> None:
        assert isinstance(spec.task, Ranking)
        self._spec, self._task = spec, spec.task
        self._kept: list[pl.DataFrame] = []

    def judge(self, batch: Batch) -> Judged:
        """Rows with a finite score and a query."""
        usable = np.isfinite(batch.numbers(self._task.score)) & batch.frame[self._task.query].is_not_null().to_numpy()
        batch = batch.keep(usable)
        label = batch.frame[LABEL].fill_null(float("nan")).to_numpy()
        labelled = np.isfinite(label) & (label >= 0.0)
        return Judged(
            batch=batch,
            outcome=labelled.astype(np.int64),
            labelled=labelled,
            right=np.zeros(len(label), dtype=np.uint8),
            losses={},
            weight=weights(batch, self._spec.weight),
        )

    def count(self, judged: Judged) -> None:
        """Keep the candidates that have a relevance."""
        batch = judged.batch
        frame = pl.DataFrame(
            {
                "query": batch.frame[self._task.query],
                "score": batch.numbers(self._task.score),
                "gain": batch.frame[LABEL].cast(pl.Float64),
                "weight": np.ones(len(batch)) if judged.weight is None else judged.weight,
            }
        )
        self._kept.append(frame.filter(pl.Series(judged.labelled)))

    def facts(self) -> list[Facts]:
        """Sums of each metric over the queries that have a relevant candidate."""
        if not self._kept:
            return []
        rows = pl.concat(self._kept)
        found = query_metrics(rows, self._task.k)
        weighed = self._spec.weight is not None
        return [facts for name in METRICS for facts in _sums(name, found[name].to_numpy(), found["weight"], weighed)]


def _sums(name: str, values: Floats, weight: pl.Series, weighed: bool) -> list[Facts]:
    codes = np.zeros(len(values), dtype=np.uint8)
    factor = weight.to_numpy() if weighed else np.ones(len(values))
    parts = {name: (factor * values, (factor * values) ** 2)}
    if weighed:
        parts |= {f"{name}:cross": (factor**2 * values, factor * 0.0), f"{name}:weight": (factor, factor**2)}
    counted = []
    for part, (total, squares) in parts.items():
        sums = Dense(Shape("loss", part))
        for start in range(0, len(codes), 1 << 17):
            run = slice(start, start + (1 << 17))
            sums.add(codes[run], fixed(total[run]), fixed(squares[run]))
        counted.append(sums.facts())
    return counted


def query_metrics(rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """NDCG, average precision, recall and reciprocal rank at ``k`` of each query.

    Parameters
    ----------
    rows
        Columns ``query``, ``score``, ``gain`` (0 or more), ``weight``. A candidate with a gain above
        0 is relevant. Candidates of equal score share their places' discounts evenly in NDCG, as in
        scikit-learn; elsewhere the worst order of equals is taken.

    Returns
    -------
    polars.DataFrame
        One row a query that has a relevant candidate; the query's weight is its candidates' mean.
    """
    ordered = rows.sort("query", "score", "gain", "weight", descending=[False, True, False, False]).with_columns(
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("query"),
        ideal=pl.col("gain").rank("ordinal", descending=True).over("query"),
        relevant=(pl.col("gain") > 0.0).cast(pl.Int64),
    )
    shared = ordered.with_columns(
        discount=_discount("place", k).mean().over("query", "score"),
        best=_discount("ideal", k),
        hits=pl.col("relevant").cum_sum().over("query"),
    )
    top = (pl.col("place") <= k) & (pl.col("relevant") == 1)
    first = pl.col("place").filter(top).min()
    return (
        shared.group_by("query", maintain_order=True)
        .agg(
            dcg=(pl.col("gain") * pl.col("discount")).sum(),
            ideal=(pl.col("gain") * pl.col("best")).sum(),
            precisions=(pl.col("hits") / pl.col("place")).filter(top).sum(),
            found=top.sum(),
            relevant=pl.col("relevant").sum(),
            mrr=pl.when(top.any()).then(1.0 / first).otherwise(0.0),
            weight=pl.col("weight").mean(),
        )
        .filter(pl.col("relevant") > 0)
        .select(
            "weight",
            "mrr",
            ndcg=(pl.col("dcg") / pl.col("ideal")).clip(0.0, 1.0),
            map=pl.col("precisions") / pl.min_horizontal(pl.col("relevant"), pl.lit(k)),
            recall=pl.col("found") / pl.col("relevant"),
        )
    )


def _discount(place: str, k: int) -> pl.Expr:
    return pl.when(pl.col(place) <= k).then(1.0 / (pl.col(place) + 1).log(2.0)).otherwise(0.0)
