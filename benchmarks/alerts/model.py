"""The simulated model: who its rows are, how it scores them, and how likely each kind of row is.

A row has a group in each of two protected columns, a label and a score. Given the label, a latent
``z`` is normal with standard deviation 1 and mean ``+d/2`` (label 1) or ``-d/2`` (label 0): the
binormal model [1]_, whose AUC is ``Phi(d / sqrt 2)``. The score is ``z`` cut into ``BINS`` bins, each
with the probability of label 1 in it: a model that rounds its scores, and is calibrated. A night is
a table of counts, :data:`SHAPE`, drawn from the probabilities of its cells; nothing about its rows
that any metric here asks for is lost in it.

References
----------
.. [1] D. D. Dorfman and E. Alf, "Maximum-likelihood estimation of parameters of signal-detection
   theory", Journal of Mathematical Psychology 6 (1969), doi:10.1016/0022-2496(69)90019-4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr, ndtri

Floats = npt.NDArray[np.float64]

AUC = 0.85
BASE = 0.4
"""Share of rows with label 1."""
BINS = 32
SELECTED_BINS = 13
"""The highest bins are predicted positive: 13 of 32 rows, about the base rate."""
SEPARATION = math.sqrt(2.0) * float(ndtri(AUC))

FIRST = (0.55, 0.45)
"""Shares of the groups of the first protected column; the first group is the reference."""
SECOND = (0.4, 0.3, 0.2, 0.1)
"""And of the second."""
CELLS = np.outer(FIRST, SECOND).ravel()
"""Shares of the pairs of groups."""
SHAPE = (len(CELLS), 2, BINS)
"""Counts of a night: pair of groups, label, score bin."""


def _edges() -> Floats:
    """Cuts of ``z`` into bins of equal shares of rows."""
    fine = np.linspace(-8.0, 8.0, 200_001)
    below = BASE * ndtr(fine - SEPARATION / 2) + (1 - BASE) * ndtr(fine + SEPARATION / 2)
    return np.concatenate([[-np.inf], np.interp(np.arange(1, BINS) / BINS, below, fine), [np.inf]])


EDGES = _edges()


@dataclass(frozen=True)
class Nights:
    """How nights differ from the model's usual one; 0 throughout is the usual one.

    Every field broadcasts against the nights' shape, such as (runs, nights); those by pair of
    groups have one axis more, of 8.

    Parameters
    ----------
    separation
        Added to ``d``: 0.061 is an AUC .01 higher.
    base
        Added to the logit of the base rate: 0.083 is 2 points more.
    level
        Added to every ``z``: 0.057 selects 2 points more rows.
    group
        The same by pair of groups.
    positives
        Added to the ``z`` of rows with label 1, by pair of groups.
    labels
        Added to the logit of the probability of label 1 at an unchanged score.
    """

    separation: Floats | float = 0.0
    base: Floats | float = 0.0
    level: Floats | float = 0.0
    group: Floats | float = 0.0
    positives: Floats | float = 0.0
    labels: Floats | float = 0.0

    def __add__(self, other: Nights) -> Nights:
        return Nights(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})


def probabilities(nights: Nights) -> Floats:
    """Probability of each cell of :data:`SHAPE`, the nights' own axes first; cells add up to 1."""
    half = _pair((SEPARATION + np.asarray(nights.separation)) / 2.0)
    shift = _pair(nights.level) + np.asarray(nights.group)
    rising = shift + half + np.asarray(nights.positives)
    within = np.stack(np.broadcast_arrays(_bins(shift - half), _bins(rising)), axis=-2)
    one = _pair(expit(logit(BASE) + np.asarray(nights.base)))
    share = np.stack(np.broadcast_arrays(1.0 - one, one), axis=-1)
    cells = CELLS[:, None, None] * share[..., None] * within
    return cells if np.all(np.asarray(nights.labels) == 0.0) else _relabelled(cells, np.asarray(nights.labels))


def _pair(value: Floats | float) -> Floats:
    """A value of whole nights, with an axis for the pairs of groups."""
    return np.asarray(value, dtype=np.float64)[..., None]


def _bins(mean: Floats) -> Floats:
    return np.diff(ndtr(EDGES - mean[..., None]), axis=-1)


def _relabelled(cells: Floats, labels: Floats) -> Floats:
    """The same rows, their labels drawn anew from another probability at each score."""
    every = cells.sum(axis=-2)
    one = every * expit(logit(cells[..., 1, :] / every) + labels[..., None, None])
    return np.stack([every - one, one], axis=-2)


def promised(cells: Floats) -> Floats:
    """The score of each bin, by which a model is calibrated on rows of these cells."""
    every = cells.sum(axis=-3).reshape(-1, 2, BINS).sum(axis=0)
    return np.asarray((every[1] / every.sum(axis=0)).round(6), dtype=np.float64)


def threshold(scores: Floats) -> float:
    """Rows with a higher score are predicted positive."""
    return float(scores[-SELECTED_BINS - 1 :][:2].mean())
