"""What the performance section shows of multiclass and regression models besides its tables."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nightproof.profiles import Profile
from nightproof.profiles.spec import Multiclass, Regression
from nightproof.report.block import Block, Histogram, Table, Text
from nightproof.words import edges, percent, plain

CLASSES = 15
"""Classes that the confusion table shows, largest first; the others are one."""
QUANTILES = 10
"""Parts of the baseline's errors that the night's are sorted by."""
_NO_LABEL = "No row has a label yet, so there is nothing to draw."

Floats = npt.NDArray[np.float64]


def class_table(profile: Profile) -> list[Block]:
    """The night's confusion table, each row's shares of its true class."""
    assert isinstance(profile.spec.task, Multiclass)
    counts = profile.confusion()
    if not counts.sum():
        return [Text(_NO_LABEL)]
    names, counts = _largest(profile.spec.task.classes, counts)
    header = ("True class", *(f"predicted\n{name}" for name in names), "Rows of it")
    rows = tuple(
        (name, *(percent(count / row.sum()) if row.sum() else "" for count in row), f"{row.sum():,.0f}")
        for name, row in zip(names, counts, strict=True)
    )
    return [Table(header, rows, title="Confusion table of this night, in shares of each true class")]


def _largest(classes: tuple[str, ...], counts: Floats) -> tuple[list[str], Floats]:
    names = [plain(name, 30) for name in classes]
    if len(names) <= CLASSES + 1:
        return names, counts
    place = np.full(len(names), CLASSES)
    kept = np.argsort(-counts.sum(axis=1), kind="stable")[:CLASSES]
    place[kept] = np.arange(CLASSES)
    joined = np.zeros((CLASSES + 1, CLASSES + 1))
    np.add.at(joined, (place[:, None], place[None, :]), counts)
    return [*(names[at] for at in kept), f"{len(names) - CLASSES} others"], joined


def error_histogram(profile: Profile, baseline: Profile) -> list[Block]:
    """The night's signed errors beside the baseline's, in tenths of the baseline's."""
    task = profile.spec.task
    assert isinstance(task, Regression)
    (now, rows), (then, known) = profile.sizes("absolute"), baseline.sizes("absolute")
    if not rows.sum() or not known.sum():
        return [Text(_NO_LABEL)]
    cuts = _cuts(then, known)
    names = edges([float(f"{cut * task.error_scale:.3g}") for cut in cuts])
    bins = [f"up to {names[0]}", *(f"{low} to {high}" for low, high in pairwise(names))]
    return [
        Histogram(
            "Prediction less label",
            (*bins, f"above {names[-1]}"),
            _shares(now, rows, cuts),
            _shares(then, known, cuts),
            "Error, in the label's unit (tenths of the baseline's rows)",
        )
    ]


def _cuts(values: Floats, rows: Floats) -> Floats:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(rows[order])
    places = np.searchsorted(below, below[-1] * np.arange(1, QUANTILES) / QUANTILES)
    return np.unique([float(f"{cut:.3g}") for cut in values[order][places]])


def _shares(values: Floats, rows: Floats, cuts: Floats) -> tuple[float, ...]:
    counts = np.bincount(np.searchsorted(cuts, values), weights=rows, minlength=len(cuts) + 1)
    return tuple(round(float(share), 6) for share in counts / counts.sum())
