"""Features that give the label away: one that alone all but tells it is seldom known at prediction time.

What a feature tells is measured on rows that it did not learn from: the holdout is halved by rank, a category
is worth the mean label that it has in the other half, and a number is worth itself. Of classes the area under
the ROC curve is taken, the largest of each class against the others, in whichever direction; of numbers
Spearman's correlation, in size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from nightproof.config import ModelConfig
from nightproof.holdout.materialise import ROW
from nightproof.profiles import ProfileSpec
from nightproof.profiles.text import value_text

GIVES_AWAY = 0.99
"""From here on, a feature is taken to know the label."""
LEAST_ROWS = 100
"""Fewer labelled rows tell nothing: by chance a feature may order them all."""
LEAST_OF_CLASS = 20
"""Classes with fewer rows are not looked at."""
Floats = npt.NDArray[np.float64]


def giveaways(table: pl.DataFrame, config: ModelConfig, spec: ProfileSpec) -> dict[str, float] | str:
    """Features that tell the label, with how well; or why that cannot be told.

    Parameters
    ----------
    table
        Rows of the holdout.
    """
    label = config.columns.label
    if table.height < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows of the holdout can be read"
    targets = _targets(table[label], config)
    if not targets:
        return "the holdout has too few rows of all classes but one, or its labels do not differ"
    half = (table[ROW].str.slice(15).str.to_integer(base=16) % 2).to_numpy().astype(np.bool_)
    classes = config.task in ("binary", "multiclass")
    measure = _area if classes else _correlation
    found: dict[str, float] = {}
    for name in (name for name in spec.features if name in table.columns):
        best = max(measure(_worth(table, name, target, half, spec), target) for target in targets)
        if best >= GIVES_AWAY:
            found[name] = best
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _targets(label: pl.Series, config: ModelConfig) -> list[Floats]:
    if config.task not in ("binary", "multiclass"):
        values = label.cast(pl.Float64).to_numpy()
        return [values] if np.ptp(values) > 0.0 else []
    counts = dict(label.value_counts().iter_rows())
    usual = sorted(
        each for each, rows in counts.items() if rows >= LEAST_OF_CLASS and label.len() - rows >= LEAST_OF_CLASS
    )
    # Of two classes one says what the other does.
    return [(label == each).to_numpy().astype(np.float64) for each in (usual[1:] if len(counts) == 2 else usual)]


def _worth(table: pl.DataFrame, name: str, target: Floats, half: npt.NDArray[np.bool_], spec: ProfileSpec) -> Floats:
    """What each row's value foretells; a missing number lies below all others."""
    if spec.is_numeric(name):
        values = table[name].cast(pl.Float64, strict=False).fill_nan(None).fill_null(-np.inf)
        return values.to_numpy()
    text = table.select(value_text(name, table.schema).fill_null("\x00"))[name]
    worth = np.full(table.height, target.mean())
    for side in (half, ~half):
        learnt = pl.DataFrame({"text": text.filter(pl.Series(~side)), "label": target[~side]})
        means = learnt.group_by("text").agg(pl.col("label").mean())
        asked = text.filter(pl.Series(side)).to_frame("text").join(means, on="text", how="left", maintain_order="left")
        worth[side] = asked["label"].fill_null(float(target.mean())).to_numpy()
    return worth


def _area(worth: Floats, target: Floats) -> float:
    """Mann and Whitney's statistic as a share of pairs, ties counting one half; 0.5 or more."""
    positives = float(target.sum())
    below = rankdata(worth)[target == 1.0].sum() - positives * (positives + 1.0) / 2.0
    area = float(below / (positives * (len(target) - positives)))
    return max(area, 1.0 - area)


def _correlation(worth: Floats, target: Floats) -> float:
    ranks = rankdata(worth), rankdata(target)
    if np.ptp(ranks[0]) == 0.0:
        return 0.0
    return float(abs(np.corrcoef(*ranks)[0, 1]))
