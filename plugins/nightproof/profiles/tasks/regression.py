"""Regression rows: a predicted number, and maybe an interval, against the true number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import SCALE_BITS, Dense, Facts, Shape, Sparse, fixed
from nightproof.profiles.error_grid import CELLS, cell_of
from nightproof.profiles.rows import LABEL
from nightproof.profiles.spec import ProfileSpec, Regression
from nightproof.profiles.tasks.judged import RIGHT, UNLABELLED, WRONG, Judged, Losses, Outcomes, add_weighted, weights

Floats = npt.NDArray[np.float64]
LARGEST = 1024.0
"""Errors are held within so many root mean squared errors of the baseline, labels within so many spreads."""
LARGEST_WEIGHED = 2.0**15
"""A loss times its row's weight is held within so many, for its square to leave room for other rows' in a sum."""
LARGEST_POWER = {True: 2.0**36, False: 2.0**26}
"""Weighed powers that are kept in units of ``HIGH_BITS``, and others, are held within so many."""
HIGH_BITS = 8
"""Sums of third and fourth powers are kept in units of 2**-8."""
MOMENTS = dict.fromkeys(("w", "w2", "e2", "z", "z2"), SCALE_BITS) | dict.fromkeys(
    ("e4", "z3", "z4", "e2z", "e2z2", "ay", "w2e2", "w2z", "w2z2"), HIGH_BITS
)
"""Scales of sums of powers of the error ``e``, its size ``a``, the label ``z`` and its size ``y``.

All are in units of the baseline. Where rows are weighed, those of ``HIGH_BITS`` are sums by ``w**2``; only
then are there those with a ``w``.
"""
SIZES = ("percentage", "pinball", "width")
"""Losses whose sizes are counted beside the error's own."""


class RegressionRows:
    """Rows of a regression model.

    A row counts as right where the interval, if there is one, holds its label; else all labelled
    rows count as right, and only losses tell them apart.
    """

    outcomes = Outcomes((-1, 0), 2)
    by_segment = ("absolute", "error")

    def __init__(self, spec: ProfileSpec) -> None:
        assert isinstance(spec.task, Regression)
        self._spec, self._task = spec, spec.task
        interval = ("lower_pinball", "upper_pinball", "pinball", "width") if spec.task.lower else ()
        self._losses = Losses(("absolute", "error", "size", *interval))
        self._relative = Losses(("percentage",))
        # The label is the side: 1 for a prediction that is too high, or a loss, and 0 for one too low.
        columns = {"error": "", **{name: name for name in SIZES if name == "percentage" or name in interval}}
        self._sizes = {
            name: Sparse(Shape("error", column, labels=(0, 1), bins=CELLS)) for name, column in columns.items()
        }
        self._moments = {name: Dense(Shape("moment", name)) for name in MOMENTS}

    def judge(self, batch: Batch) -> Judged:
        """Rows with a finite prediction, and finite ends of the interval if there is one."""
        usable = np.logical_and.reduce([np.isfinite(batch.numbers(name)) for name in self._task.outputs])
        batch = batch.keep(usable)
        label = batch.frame[LABEL].fill_null(float("nan")).to_numpy()
        labelled = np.isfinite(label)
        truth = np.where(labelled, label, 0.0)
        held, weight = self._held(batch, truth), weights(batch, self._spec.weight)
        return Judged(
            batch=batch,
            outcome=labelled * 2 + (held & labelled),
            labelled=labelled,
            right=np.where(labelled, np.where(held, RIGHT, WRONG), UNLABELLED).astype(np.uint8),
            losses=self._row_losses(batch, truth, labelled, weight),
            weight=weight,
        )

    def _held(self, batch: Batch, truth: Floats) -> npt.NDArray[np.bool_]:
        if self._task.lower is None or self._task.upper is None:
            return np.ones(len(truth), dtype=np.bool_)
        held: npt.NDArray[np.bool_] = (batch.numbers(self._task.lower) <= truth) & (
            truth <= batch.numbers(self._task.upper)
        )
        return held

    def _row_losses(
        self, batch: Batch, truth: Floats, labelled: npt.NDArray[np.bool_], weight: Floats | None
    ) -> dict[str, Floats]:
        largest = LARGEST if weight is None else np.minimum(LARGEST, LARGEST_WEIGHED / np.maximum(weight, 1.0))

        def kept(values: Floats) -> Floats:
            return np.where(labelled, np.clip(values, -largest, largest), 0.0)

        # Of numbers near the largest that a double holds, differences and quotients are infinite: held like others.
        with np.errstate(over="ignore"):
            scale = self._task.error_scale
            raw, size = batch.numbers(self._task.prediction) - truth, np.abs(truth)
            relative = np.divide(np.abs(raw), size, out=np.zeros_like(raw), where=labelled & (size > 0.0))
            losses = {"absolute": np.abs(raw) / scale, "error": raw / scale, "percentage": relative}
            losses["size"] = size / label_scale(self._task)
            if self._task.lower and self._task.upper:
                low, high = batch.numbers(self._task.lower), batch.numbers(self._task.upper)
                tail = (1.0 - self._task.coverage) / 2.0
                losses["lower_pinball"] = _pinball((truth - low) / scale, tail)
                losses["upper_pinball"] = _pinball((truth - high) / scale, 1.0 - tail)
                losses["width"] = (high - low) / scale
        held = {name: kept(values) for name, values in losses.items()}
        if self._task.lower:
            held["pinball"] = (held["lower_pinball"] + held["upper_pinball"]) / 2.0
        return held

    def count(self, judged: Judged) -> None:
        """Losses, the distribution of absolute errors, and what R squared is made of."""
        self._losses.add(judged)
        rows = judged.labelled
        truth = judged.batch.frame[LABEL].fill_null(0.0).to_numpy()
        nonzero = rows & (np.where(rows, truth, 0.0) != 0.0)
        self._relative.add(_only(judged, nonzero))
        for name, sizes in self._sizes.items():
            values = judged.losses[name]
            code = (values >= 0.0) * CELLS + cell_of(np.abs(values))
            add_weighted(sizes, code, judged.weight, nonzero if name == "percentage" else rows)
        self._add_moments(judged, truth, rows)

    def _add_moments(self, judged: Judged, truth: Floats, rows: npt.NDArray[np.bool_]) -> None:
        e, y, weight = judged.losses["error"][rows], judged.losses["size"][rows], _of(judged.weight, rows)
        truth = truth[rows]
        with np.errstate(over="ignore"):
            z = np.clip((truth - self._task.centre) / self._task.spread, -LARGEST, LARGEST)
        e2, z2 = e**2, z**2
        powers = {"e2": e2, "z": z, "z2": z2, "e4": e2**2, "z3": z2 * z, "z4": z2**2, "e2z": e2 * z, "e2z2": e2 * z2}
        powers["ay"] = np.abs(e) * y
        if weight is not None:
            powers |= {"w": np.ones_like(e), "w2": weight, "w2e2": e2, "w2z": z, "w2z2": z2}
        codes = np.zeros(len(e), dtype=np.uint8)
        for name, values in powers.items():
            high = MOMENTS[name] == HIGH_BITS
            # Variances of weighed means take squared weights; such moments are used for nothing else.
            weighed = values if weight is None else values * (weight**2 if high else weight)
            most = LARGEST_POWER[high]
            self._moments[name].add(codes, fixed(np.clip(weighed, -most, most), MOMENTS[name]))

    def facts(self) -> list[Facts]:
        """Facts of all rows counted so far."""
        counted: list[Dense | Sparse] = [*self._sizes.values(), *self._moments.values()]
        return [*self._losses.facts(), *self._relative.facts(), *(part.facts() for part in counted)]


def label_scale(task: Regression) -> float:
    """What sizes of labels are counted in units of: the baseline's root mean squared label."""
    return float(np.hypot(task.centre, task.spread))


def _pinball(error: Floats, quantile: float) -> Floats:
    return np.maximum(quantile * error, (quantile - 1.0) * error)


def _only(judged: Judged, rows: npt.NDArray[np.bool_]) -> Judged:
    return Judged(judged.batch, judged.outcome, rows, judged.right, judged.losses, judged.weight)


def _of(weight: Floats | None, rows: npt.NDArray[np.bool_]) -> Floats | None:
    return None if weight is None else weight[rows]
