"""Rivals: rules that others use or that a book would offer, each from series to nightly evidence.

Every one is given all paging series of all runs, and the budget as false pages a night; those
without a budget do what they always do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtr, ndtri

from benchmarks.alerts.incidents import Flags
from benchmarks.alerts.model import Floats
from benchmarks.alerts.series import Series, trailing

LEVEL = 0.01
WINDOWS = (1, 7, 28)
BIAS_WINDOW = 7
"""Shorter windows do not page for bias."""
EFFECTS = np.geomspace(0.125, 8.0, 13)
"""Nightly effects, in standard errors, that the e-detector looks for."""
PRIOR_SD = 2.0


def nightly_test(series: Series, budget: float) -> Flags:  # noqa: ARG001  as every rule
    """A test each night of each series at 1 %: is it different from the reference?

    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
    correlated receiver operating characteristic curves", Biometrics 44 (1988), doi:10.2307/2531595, for
    the AUC, and the binomial z test for rates. One-sided, and without any tolerance.
    """
    with np.errstate(invalid="ignore"):
        z = _harm(series) / _error(series.error, series)
    return _any(z > -ndtri(LEVEL))


def three_sigma(series: Series, budget: float) -> Flags:  # noqa: ARG001  as every rule
    """Outside mean +- 3 standard deviations of the reference's nights, on the harmful side.

    W. A. Shewhart, "Economic control of quality of manufactured product", Van Nostrand 1931; the default
    threshold of NannyML for performance.
    """
    centre, spread = _moments(series.past_value)
    with np.errstate(invalid="ignore"):
        return _any(series.sign * (series.value - centre[:, None]) > 3.0 * spread[:, None])


def holm(series: Series, budget: float) -> Flags:
    """Holm's procedure each night over all series and windows of 1, 7 and 28 nights, rows taken for independent.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979), https://www.jstor.org/stable/4615733. What Nightproof did before.
    """
    p_values = _p_values(series)
    # Whether it rejects anything at all hangs on the smallest one alone.
    tested = np.isfinite(p_values).sum(axis=-1)
    return np.min(np.where(np.isfinite(p_values), p_values, 1.0), axis=-1) * np.maximum(tested, 1) <= budget


def benjamini_hochberg(series: Series, budget: float) -> Flags:
    """The same with the false discovery rate in place of Holm's bound.

    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995),
    doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    p_values = _p_values(series)
    tested = np.isfinite(p_values).sum(axis=-1, keepdims=True)
    ordered = np.sort(np.where(np.isfinite(p_values), p_values, 1.0), axis=-1)
    return _any(ordered * np.maximum(tested, 1) <= budget * np.arange(1, p_values.shape[-1] + 1))


def e_detector(series: Series, budget: float) -> Flags:
    """A Shiryaev-Roberts e-detector: a mixture over effects in each series, averaged over series.

    J. Shin, A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric framework for sequential change
    detection", New England Journal of Statistics in Data Science 2 (2023), arXiv:2203.03532. It alarms at
    1 / budget, before which it runs for 1 / budget nights at least on average, and begins anew after an
    alarm. Nights are taken for independent, each ``z`` of harm beyond the tolerance for normal.
    """
    with np.errstate(invalid="ignore"):
        z = (_harm(series) - series.limit) / _error(series.error, series)
    runs, nights, number = z.shape
    prior = np.exp(-0.5 * (EFFECTS / PRIOR_SD) ** 2) * EFFECTS
    weight = np.log(prior / prior.sum() / number)
    log_sum = np.full((runs, number, len(EFFECTS)), -np.inf)
    found = np.zeros((runs, nights), dtype=np.bool_)
    for night in range(nights):
        rise = EFFECTS * z[:, night, :, None] - 0.5 * EFFECTS**2
        log_sum = np.logaddexp(log_sum, 0.0) + np.where(np.isfinite(rise), rise, 0.0)
        found[:, night] = logsumexp(log_sum + weight, axis=(1, 2)) >= -np.log(budget)
        log_sum[found[:, night]] = -np.inf
    return found


def _harm(series: Series) -> Floats:
    return np.asarray(series.sign * (series.value - series.reference[:, None]))


def _error(error: Floats, series: Series) -> Floats:
    return np.hypot(error, series.reference_error[:, None])


def _any(flags: npt.NDArray[np.bool_]) -> Flags:
    return np.asarray(flags.any(axis=-1))


def _moments(past: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation over nights; an infinite spread where fewer than two can tell."""
    known = np.isfinite(past)
    nights = known.sum(axis=1)
    mean = np.where(known, past, 0.0).sum(axis=1) / np.maximum(nights, 1)
    square = np.where(known, (past - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(nights - 1, 1)
    return mean, np.where(nights > 1, np.sqrt(square), np.inf)


def _p_values(series: Series) -> Floats:
    """One-sided p-values of "no harm beyond the tolerance", the windows' side by side in the last axis."""
    found = []
    for window in WINDOWS:
        value, error = _merged(series, window)
        harm = series.sign * (value - series.reference[:, None]) - series.limit
        with np.errstate(invalid="ignore"):
            p_value = ndtr(-harm / _error(error, series))
        silent = np.array([family == "bias" and window < BIAS_WINDOW for family in series.family])
        found.append(np.where(silent, np.nan, p_value))
    return np.concatenate(found, axis=-1)


def _merged(series: Series, window: int) -> tuple[Floats, Floats]:
    """Mean of a trailing window by the nights' rows, and its standard error."""
    known = np.isfinite(series.value)
    n = np.where(known, series.n, 0.0)
    total = np.maximum(trailing(n, window), 1.0)
    value = trailing(n * np.where(known, series.value, 0.0), window) / total
    square = trailing((n * np.where(known, series.error, 0.0)) ** 2, window)
    some = trailing(n, window) > 0
    return np.where(some, value, np.nan), np.where(some, np.sqrt(square) / total, np.nan)
