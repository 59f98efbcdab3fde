"""Multiclass accuracy, precision, recall and F1 from the confusion table.

A macro average is a mean of shares of few rows each, which no single interval suits. It has, on each
side, the wider of two:

* the shares' Wilson intervals put together by MOVER [1]_, which sees a rare class, but errs with many
  classes, for Wilson's interval is not centred on its share;
* Wilson's interval of the average, with as many rows as would know it as well (as
  :func:`nightproof.metrics.losses.score_interval`), which sees the whole. Each share's variance is taken at
  the share that one row more, of the average kind, would make: else a class that was right by chance
  would seem sure.

Recalls of different classes are of different rows, and precisions of different predictions: those are
independent. F1 scores of two classes share the rows that were mistaken for each other; their
correlation is the delta method's (as in [2]_), and F1 is a rising function of its Jaccard share (see
:mod:`nightproof.metrics.rates`). Weighted F1 has the delta method's variance and the second kind of interval.

Over 3 to 10 classes, rare ones of 5 % among them, the intervals of macro averages cover 93 to 97 % at 200 and
1,000 rows, of nights on which every class has rows. At 50 rows, five or fewer a class, they cover 92 to 98 %, and
those of F1, whose value is then too low on average, 90 to 97 %.

Averages are over the classes that occur, in truth or prediction (balanced accuracy: in truth), as
scikit-learn's; a share of no rows counts as 0, and its own interval is all of 0 to 1.

References
----------
.. [1] G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a
   general approach", Statistics in Medicine 27 (2008), doi:10.1002/sim.3095.
.. [2] K. Takahashi, K. Yamamoto, A. Kuchiba and T. Koyama, "Confidence interval for micro-averaged F1
   and macro-averaged F1 scores", Applied Intelligence 52 (2022), doi:10.1007/s10489-021-02635-5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import Mean, score_interval
from nightproof.metrics.rates import wilson

Table = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]
_NO_LABEL = "no row has a label yet"


def class_accuracy(table: Table) -> Estimate | Unknown:
    """Share of labelled rows whose predicted class is the true one."""
    return wilson(float(np.trace(table)), float(table.sum()), nothing=_NO_LABEL)


def balanced_accuracy(table: Table) -> Estimate | Unknown:
    """Mean recall of the classes that have rows."""
    used = table.sum(axis=1) > 0.0
    return _macro(np.diag(table)[used], table.sum(axis=1)[used], size=float(table.sum()))


def recall_macro(table: Table) -> Estimate | Unknown:
    """Mean over classes of the share of a class's rows that were predicted as it."""
    used = _occur(table)
    return _macro(np.diag(table)[used], table.sum(axis=1)[used], size=float(table.sum()))


def precision_macro(table: Table) -> Estimate | Unknown:
    """Mean over classes of the share of a class's predictions that were right."""
    used = _occur(table)
    return _macro(np.diag(table)[used], table.sum(axis=0)[used], size=float(table.sum()))


def f1_macro(table: Table) -> Estimate | Unknown:
    """Mean over classes of the harmonic mean of precision and recall."""
    used = _occur(table)
    table = table[np.ix_(used, used)]
    hits, both = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    return _macro(hits, both - hits, size=float(table.sum()), scale=_F1, together=_correlation(table))


def f1_weighted(table: Table) -> Estimate | Unknown:
    """Mean of the classes' F1 by their numbers of rows."""
    used, n = _occur(table), float(table.sum())
    if n < 2.0:
        return Unknown("fewer than two rows have a label", round(n))
    shares = table[np.ix_(used, used)] / n
    true, both = shares.sum(axis=1), shares.sum(axis=0) + shares.sum(axis=1)
    f1 = 2.0 * np.diag(shares) / both
    value = min(float((true * f1).sum()), 1.0)
    # How much a row of true class i, predicted as j, moves the whole: by its class's weight, and by both F1s.
    lost = true * f1 / both
    moves = (f1 - value)[:, None] - lost[:, None] - lost[None, :] + np.diag(2.0 * true / both)
    error = math.sqrt(float((shares * moves**2).sum()) / (n - 1.0))
    return score_interval(Mean(value, error, n))


def _occur(table: Table) -> npt.NDArray[np.bool_]:
    used: npt.NDArray[np.bool_] = table.sum(axis=0) + table.sum(axis=1) > 0.0
    return used


@dataclass(frozen=True)
class Scale:
    """A rising function of a share, and its slope."""

    of: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]


_PLAIN = Scale(lambda share: share, np.ones_like)
_F1 = Scale(lambda share: 2.0 * share / (1.0 + share), lambda share: 2.0 / (1.0 + share) ** 2)


def _macro(
    hits: Floats, rows: Floats, *, size: float, scale: Scale = _PLAIN, together: Floats | None = None
) -> Estimate | Unknown:
    """Mean of ``scale`` of some shares; ``together`` is their correlation, none by default."""
    if len(hits) == 0:
        return Unknown(_NO_LABEL, 0)
    shares = [_share(float(hit), float(count)) for hit, count in zip(hits, rows, strict=True)]
    values, lows, highs = (scale.of(np.array(ends)) for ends in zip(*shares, strict=True))
    value = min(float(values.mean()), 1.0)
    below, above = (_arm(arms, together) for arms in (values - lows, highs - values))
    whole = _of_the_whole(value, hits, rows, scale=scale, together=together)
    low, high = min(value - below, whole.low), max(value + above, whole.high)
    return Estimate(value, max(0.0, low), min(1.0, high), round(size))


def _share(hits: float, rows: float) -> tuple[float, float, float]:
    found = wilson(hits, rows)
    return (0.0, 0.0, 1.0) if isinstance(found, Unknown) else (found.value, found.low, found.high)


def _of_the_whole(value: float, hits: Floats, rows: Floats, *, scale: Scale, together: Floats | None) -> Estimate:
    """Wilson's interval of the average, with as many rows as would know it as well."""
    counted = np.maximum(rows, 1.0)
    mean = float((hits / counted).mean())
    shares = (hits + mean) / (counted + 1.0)
    spread = np.sqrt(np.maximum(shares * (1.0 - shares), 0.0) / counted) * scale.slope(shares)
    error = _arm(spread, together)
    # Where all is right or all is wrong: shares that are alike, each of its own rows.
    n = value * (1.0 - value) / error**2 if error > 0.0 else len(rows) ** 2 / float((1.0 / counted).sum())
    found = wilson(value * n, n)
    return Estimate(value, value, value, 0) if isinstance(found, Unknown) else found


def _arm(arms: Floats, together: Floats | None) -> float:
    squared = float((arms**2).sum()) if together is None else float(arms @ together @ arms)
    return math.sqrt(max(0.0, squared)) / len(arms)


def _correlation(table: Table) -> Floats:
    """Correlation of the F1 scores of each two classes."""
    hits, both = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    f1 = 2.0 * hits / both
    # Two classes' F1 move together only by the rows that are in both: mistaken for each other.
    shared = np.outer(f1 / both, f1 / both) * (table + table.T)
    own = ((2.0 - 2.0 * f1) ** 2 * hits + f1**2 * (both - 2.0 * hits)) / both**2
    np.fill_diagonal(shared, own)
    spread = np.sqrt(own)
    scale = np.outer(spread, spread)
    together = np.divide(shared, scale, out=np.zeros_like(shared), where=scale > 0.0)
    np.fill_diagonal(together, 1.0)
    return together
