"""Kinds of nights: five nulls in which nothing changes, one at the tolerance, and the harms.

A stream says how its nights differ (:class:`~benchmarks.alerts.model.Nights`) and how many rows
they have. The reference's nights are the first 28 of it; harm begins :data:`ONSET` nights later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import ndtri

from benchmarks.alerts.model import AUC, BASE, BINS, FIRST, SECOND, SELECTED_BINS, SEPARATION, Floats, Nights, promised
from benchmarks.alerts.model import probabilities as probabilities_of

REFERENCE_NIGHTS = 28
RUN_NIGHTS = 200
NIGHTS = REFERENCE_NIGHTS + RUN_NIGHTS
ONSET = 100
"""Night of a run on which harm begins."""

AUC_SD, RATE_SD, GROUP_SD = 0.01, 0.02, 0.01
"""Spread between nights of the true AUC, of rates over all rows, and of a group's own part of a rate."""
RHO = 0.7
CLUSTER = 20
"""Rows of a cluster."""

# What an effect of one unit does, near the usual night.
_AUC_BY_SEPARATION = float(np.exp(-(SEPARATION**2) / 4) / np.sqrt(2 * np.pi) / np.sqrt(2))
_RATE_BY_LEVEL = 0.34
_RATE_BY_BASE = BASE * (1 - BASE)
_SD = np.array([AUC_SD / _AUC_BY_SEPARATION, RATE_SD / _RATE_BY_BASE, RATE_SD / _RATE_BY_LEVEL])
_GROUP_SD = GROUP_SD / _RATE_BY_LEVEL

Draw = np.random.Generator


@dataclass(frozen=True)
class Cluster:
    """Rows come in clusters, each of one pair of groups, that share how easy and how high they are.

    Of four equally likely kinds; a kind adds or takes away each number. They were set so that AUC, accuracy,
    recall, precision and selection rate have design effects of 2 to 3 (a test measures them).
    """

    separation: float = 0.75
    level: float = 0.45

    @property
    def kinds(self) -> Nights:
        """The four kinds, as four nights."""
        easy, high = np.array([1, 1, -1, -1]), np.array([1, -1, 1, -1])
        return Nights(separation=self.separation * easy, level=self.level * high)


@dataclass(frozen=True)
class Stream:
    """One kind of nights.

    Parameters
    ----------
    name
        As the table has it.
    differ
        How nights differ, from a generator, for so many runs; the fields' axes are (runs or 1, NIGHTS or 1).
    volume
        Rows of each night as a multiple of ``n``, of the shape (runs, NIGHTS); ``None`` for n each night.
    clusters
        Whether rows come in clusters.
    harm
        What is added from the night of the onset on.
    always
        What is added on every night of the run, and on none of the reference's.
    raised
        Added to the scores that the model promises from the night of the onset on.
    """

    name: str
    differ: Callable[[Draw, int], Nights] = field(default=lambda draw, runs: Nights())
    volume: Callable[[Draw, int], Floats] | None = None
    clusters: Cluster | None = None
    harm: Nights | None = None
    always: Nights | None = None
    raised: float = 0.0

    @property
    def scores(self) -> Floats:
        """What the model promises in each bin: it was made, and calibrated, on usual nights of the stream."""
        return promised(probabilities_of(self.clusters.kinds if self.clusters else Nights()))

    def rows(self, n: int, draw: Draw, runs: int) -> npt.NDArray[np.int64]:
        """Rows of every night, (runs, NIGHTS)."""
        if self.volume is None:
            return np.full((runs, NIGHTS), n, dtype=np.int64)
        return np.maximum(np.rint(n * self.volume(draw, runs)), 1).astype(np.int64)

    def nights(self, draw: Draw, runs: int) -> Nights:
        """How every night differs."""
        found = self.differ(draw, runs)
        night = np.arange(NIGHTS)
        for extra, since in ((self.always, REFERENCE_NIGHTS), (self.harm, REFERENCE_NIGHTS + ONSET)):
            if extra is not None:
                found = found + _since(extra, night >= since)
        return found


def _since(extra: Nights, on: npt.NDArray[np.bool_]) -> Nights:
    """An effect on some nights only."""

    def placed(value: Floats | float) -> Floats | float:
        if np.all(np.asarray(value) == 0.0):
            return 0.0
        return on * value if np.ndim(value) == 0 else on[:, None] * np.asarray(value)

    return Nights(**{name: placed(getattr(extra, name)) for name in Nights.__dataclass_fields__})


def _by_pair(first: Floats, second: Floats) -> Floats:
    """Effects of the groups of two columns as effects of their pairs."""
    pairs = first[..., :, None] + second[..., None, :]
    return pairs.reshape(*pairs.shape[:-2], -1)


def _autocorrelated(draw: Draw, runs: int) -> Nights:
    """AR(1) with unit variance, scaled: AUC, base rate, level and each group's level, independently."""
    groups = len(FIRST) + len(SECOND)
    noise = draw.standard_normal((runs, NIGHTS, 3 + groups))
    noise[:, 1:] *= np.sqrt(1.0 - RHO**2)
    wave = lfilter([1.0], [1.0, -RHO], noise, axis=1)
    first, second = wave[..., 3 : 3 + len(FIRST)], wave[..., 3 + len(FIRST) :]
    separation, base, level = np.moveaxis(wave[..., :3] * _SD, -1, 0)
    return Nights(separation, base, level, group=_GROUP_SD / np.sqrt(2.0) * _by_pair(first, second))


def _weekend() -> npt.NDArray[np.bool_]:
    return np.arange(NIGHTS) % 7 >= 5


def _seasonal(draw: Draw, runs: int) -> Nights:  # noqa: ARG001  as the others
    """The same spread, all of it between weekends and other days."""
    # A fixed step on 2 of 7 nights has this spread for a step of 1.
    step = _weekend()[None, :] / np.sqrt(2 / 7 * 5 / 7)
    groups = _by_pair(np.array([1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])) / 2.0
    return Nights(-_SD[0] * step, _SD[1] * step, _SD[2] * step, group=_GROUP_SD * step[..., None] * groups)


def _volume(draw: Draw, runs: int) -> Floats:
    return draw.lognormal(-0.5 * 0.7**2, 0.7, (runs, NIGHTS)) * np.where(_weekend(), 1 / 3, 1.0)


def auc_lower(drop: float) -> Nights:
    """An AUC that is so much lower, and all that hangs on it."""
    return Nights(separation=float(np.sqrt(2) * ndtri(AUC - drop)) - SEPARATION)


def _more_labels(points: float) -> Nights:
    def off(labels: float) -> float:
        return float(probabilities_of(Nights(labels=labels))[:, 1].sum()) - BASE - points

    return Nights(labels=float(brentq(off, 0.0, 3.0)))


def _less_recall(points: float, pairs: npt.NDArray[np.bool_]) -> Nights:
    """A lower true-positive rate in some pairs of groups, the rest as ever."""

    def off(shift: float) -> float:
        cells = probabilities_of(Nights(positives=shift * pairs))[pairs, 1]
        return float(cells[:, BINS - SELECTED_BINS :].sum() / cells.sum()) - usual + points

    cells = probabilities_of(Nights())[pairs, 1]
    usual = float(cells[:, BINS - SELECTED_BINS :].sum() / cells.sum())
    return Nights(positives=float(brentq(off, -2.0, 0.0)) * pairs)


TOLERATED = 0.005
"""The tolerance of the AUC."""
NULLS = {
    "iid": Stream("independent nights"),
    "autocorrelated": Stream("autocorrelated nights", _autocorrelated),
    "seasonal": Stream("weekly season", _seasonal),
    "clustered": Stream("clusters within nights", clusters=Cluster()),
    "volume": Stream("varying volume", volume=_volume),
    "tolerated": Stream("AUC lower by exactly its tolerance", always=auc_lower(TOLERATED)),
}
_SECOND_OF = np.tile(np.arange(len(SECOND)), len(FIRST))
_FIRST_OF = np.repeat(np.arange(len(FIRST)), len(SECOND))
HARMS = {
    "auc_05": Stream("AUC drop .05", harm=auc_lower(0.05)),
    "auc_02": Stream("AUC drop .02", harm=auc_lower(0.02)),
    "labels": Stream("label rate +10 points at unchanged scores", harm=_more_labels(0.10)),
    "calibration": Stream("scores .10 higher", raised=0.10),
    "tpr_45": Stream("TPR of a group of 45 % down 10 points", harm=_less_recall(0.10, _FIRST_OF == 1)),
    "tpr_20": Stream("TPR of a group of 20 % down 10 points", harm=_less_recall(0.10, _SECOND_OF == 2)),
}
STREAMS = NULLS | HARMS
