"""Means of a regression's losses: absolute, squared and signed error, percentages, and the interval's.

All are means of sums that the profile keeps exactly, errors in units of the baseline's root mean
squared error (each held within 1,024 of them); their skewness comes from the grid that sizes of
errors are counted on. See :mod:`nightproof.metrics.losses` for the interval.
"""

from __future__ import annotations

import math

from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.skewness import skewness
from nightproof.profiles import Profile
from nightproof.profiles.spec import Regression
from nightproof.profiles.sums import Loss


def mae(profile: Profile) -> Estimate | Unknown:
    """Mean absolute error, in the label's unit."""
    values, rows = profile.sizes("absolute")
    return mean_loss(profile.loss("absolute"), skewness=skewness(abs(values), rows))


def rmse(profile: Profile) -> Estimate | Unknown:
    """Root of the mean squared error, in the label's unit; the interval is the mean square's, its ends' roots taken."""
    assert isinstance(profile.spec.task, Regression)
    values, rows = profile.sizes("absolute")
    squared = mean_loss(_squares(profile), skewness=skewness(values**2, rows))
    if isinstance(squared, Unknown):
        return squared
    scale = profile.spec.task.error_scale
    value, low, high = (math.sqrt(max(0.0, end)) * scale for end in (squared.value, squared.low, squared.high))
    return Estimate(value, low, high, squared.n)


def mean_error(profile: Profile) -> Estimate | Unknown:
    """Mean of prediction less label, in the label's unit: how much too high the model predicts."""
    values, rows = profile.sizes("absolute")
    return mean_loss(profile.loss("error"), skewness=skewness(values, rows), least=-math.inf)


def mape(profile: Profile) -> Estimate | Unknown:
    """Mean of absolute error over size of the label, 1 being 100 %.

    Rows with a label of 0 have none and are left out. Traps: a label near 0 outweighs all other
    rows (each row is held at 1,024 times), too low predictions are punished less than too high ones,
    so that it favours models that predict low; :func:`nightproof.metrics.wape.wape` has neither.
    """
    values, rows = profile.sizes("percentage")
    found = mean_loss(profile.loss("percentage"), skewness=skewness(values, rows))
    return Unknown("fewer than two rows have a label other than 0", found.n) if isinstance(found, Unknown) else found


def pinball_loss(profile: Profile) -> Estimate | Unknown:
    """Mean of the pinball losses of the interval's two ends, each at the quantile it should be, in the label's unit."""
    values, rows = profile.sizes("pinball")
    return mean_loss(profile.loss("pinball"), skewness=skewness(values, rows))


def interval_width(profile: Profile) -> Estimate | Unknown:
    """Mean width of the prediction interval over labelled rows, in the label's unit."""
    values, rows = profile.sizes("width")
    return mean_loss(profile.loss("width"), skewness=skewness(values, rows), least=-math.inf)


def _squares(profile: Profile) -> Loss:
    """Sums of squared errors, in units of the baseline's mean squared error."""
    moments = profile.moments
    n, total = moments.get("e2", (0, 0.0))
    _, fourth = moments.get("e4", (0, 0.0))
    if profile.spec.weight is None:
        return Loss(n, total, fourth)
    weight, squared, cross = (moments.get(name, (0, 0.0))[1] for name in ("w", "w2", "w2e2"))
    return Loss(n, total, fourth, weight, squared, cross)
