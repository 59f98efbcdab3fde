"""What a rule's pages come to: false pages a budget's worth of nights, and how soon harm is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from benchmarks.alerts.incidents import Flags
from benchmarks.alerts.streams import ONSET

WITHIN = 100
"""Nights after the onset within which harm counts as found."""


@dataclass(frozen=True)
class FalsePages:
    """False pages a night with a 95 % interval."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Delay:
    """Nights until harm was told, 1 being the night of the onset; infinite where it was not told in time.

    Parameters
    ----------
    median, lower, upper
        Median and quartiles over runs.
    found
        Share of runs in which it was told within :data:`WITHIN` nights.
    """

    median: float
    lower: float
    upper: float
    found: float


def false_pages(pages: Flags) -> FalsePages:
    """The rate over runs without harm.

    The interval is Garwood's for a Poisson count, with the count made smaller by as much as runs
    vary more than a Poisson count would (quasi-likelihood): a run with pages tends to have more.

    References
    ----------
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936),
    doi:10.1093/biomet/28.3-4.437; P. McCullagh and J. A. Nelder, "Generalized linear models", 1989.
    """
    runs, nights = pages.shape
    each = pages.sum(axis=1)
    count = float(each.sum())
    spread = max(1.0, float(each.var(ddof=1)) / float(each.mean())) if count and runs > 1 else 1.0
    told = count / spread
    low = float(gammaincinv(told, 0.025)) if told else 0.0
    scale = spread / (runs * nights)
    return FalsePages(count / (runs * nights), low * scale, float(gammaincinv(told + 1.0, 0.975)) * scale)


def delay(pages: Flags) -> Delay:
    """Of runs whose harm begins on the night :data:`ONSET`.

    A run that paged for nothing not long before may have its incident open still: what it tells
    then is told in that incident, so only runs without a page in the 14 nights before count.
    """
    quiet = ~pages[:, ONSET - 14 : ONSET].any(axis=1)
    after = pages[quiet, ONSET : ONSET + WITHIN]
    nights = np.where(after.any(axis=1), after.argmax(axis=1) + 1.0, np.inf)
    if not len(nights):
        return Delay(np.nan, np.nan, np.nan, np.nan)
    # Of ranks, not between them: between a night and never there is nothing.
    lower, median, upper = np.quantile(nights, [0.25, 0.5, 0.75], method="inverted_cdf")
    return Delay(float(median), float(lower), float(upper), float(np.isfinite(nights).mean()))
