"""Mean and variance of a sum over two histograms' bins, exact for rare bins too.

A drift distance is a sum over bins of a function of the two counts. Its asymptotic moments fail
where a bin expects a row or less, as those of rare categories do. Here each count is Poisson, and
the mean over it is taken by Gauss quadrature for that weight [1]_ (exact for polynomials up to
degree 11); then the totals are held at what they are, which takes the linear and quadratic part in
the totals away [2]_ [3]_. For Pearson's statistic this gives the ``bins - 1`` degrees of freedom.

References
----------
.. [1] G. H. Golub and J. H. Welsch, "Calculation of Gauss quadrature rules", Mathematics of
   Computation 23 (1969), doi:10.1090/S0025-5718-69-99647-1; the polynomials are Charlier's.
.. [2] C. Morris, "Central limit theorems for multinomial sums", Annals of Statistics 3 (1975),
   doi:10.1214/aos/1176343006.
.. [3] P. Jacquet and W. Szpankowski, "Analytical depoissonization and its applications",
   Theoretical Computer Science 201 (1998), doi:10.1016/S0304-3975(97)00167-9.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from nightproof.metrics.shift import Floats

NODES = 6
_STEP = 1 / 80
_LAST = 640
"""The table's last row: a mean of 2.2 million rows, where the standardised nodes are Hermite's."""


def moments(terms: Callable[[Floats, Floats], Floats], current: Floats, baseline: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of ``sum(terms(X, Y))`` over independent multinomial ``X`` and ``Y``.

    Parameters
    ----------
    terms
        From counts by bin (any shapes that broadcast) to the bins' terms.
    current, baseline
        Expected counts by bin, the last axis running over the bins; earlier axes are cases.

    Returns
    -------
    tuple of arrays
        Mean and variance, one a case. The variance is at least 0.
    """
    n, m = current.sum(-1), baseline.sum(-1)
    x, wx = _nodes(current)
    y, wy = _nodes(baseline)
    dx, dy = x - current[..., None], y - baseline[..., None]
    values = terms(x[..., :, None], y[..., None, :])
    means = _dot(_over(values, wy), wx)
    values = values - means[..., None, None]
    by_x, by_y = _over(values, wy), _over(values.swapaxes(-1, -2), wx)
    squares = _dot(_over(values * values, wy), wx).sum(-1)
    # Charlier's polynomials of the totals: linear, quadratic and mixed.
    linear = [_dot(by_x, wx * dx).sum(-1), _dot(by_y, wy * dy).sum(-1)]
    quadratic = [_dot(by_x, wx * (dx * dx - dx)).sum(-1), _dot(by_y, wy * (dy * dy - dy)).sum(-1)]
    mixed = _dot(_over(values, wy * dy), wx * dx).sum(-1)
    mean = means.sum(-1) - quadratic[0] / (2 * n) - quadratic[1] / (2 * m)
    held = linear[0] ** 2 / n + linear[1] ** 2 / m + mixed**2 / (n * m)
    held += (quadratic[0] / n) ** 2 / 2 + (quadratic[1] / m) ** 2 / 2
    return mean, np.maximum(squares - held, 0.0)


def _over(values: Floats, weights: Floats) -> Floats:
    return np.asarray((values @ weights[..., None])[..., 0])


def _dot(values: Floats, weights: Floats) -> Floats:
    return np.asarray((values * weights).sum(-1))


def _nodes(mean: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights for Poisson counts of these means, on a new last axis."""
    z, weights = _table()
    place = np.minimum(np.arcsinh(np.sqrt(mean)) / _STEP, _LAST - 1e-9)
    row = place.astype(np.int64)
    part = (place - row)[..., None]
    nodes = z[row] * (1 - part) + z[row + 1] * part
    nodes = mean[..., None] + nodes * np.sqrt(1 + mean)[..., None]
    return np.maximum(nodes, 0.0), weights[row] * (1 - part) + weights[row + 1] * part


@cache
def _table() -> tuple[Floats, Floats]:
    """Standardised nodes and weights by ``asinh(sqrt(mean))``, on which scale they run smoothly."""
    mean = np.sinh(np.arange(_LAST + 1) * _STEP) ** 2
    at = np.arange(NODES)
    jacobi = np.zeros((len(mean), NODES, NODES))
    jacobi[:, at, at] = mean[:, None] + at
    beside = np.sqrt(mean[:, None] * at[1:])
    jacobi[:, at[1:], at[:-1]] = jacobi[:, at[:-1], at[1:]] = beside
    nodes, vectors = np.linalg.eigh(jacobi)
    return (nodes - mean[:, None]) / np.sqrt(1 + mean)[:, None], vectors[:, 0, :] ** 2
