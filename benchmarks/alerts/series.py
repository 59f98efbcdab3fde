"""Series: what a rule is given of many runs, each metric's value and standard error night by night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.alerts import nightly
from benchmarks.alerts.counts import Counts, draw_counts
from benchmarks.alerts.model import FIRST, SECOND, Floats, threshold
from benchmarks.alerts.nightly import Told
from benchmarks.alerts.streams import ONSET, REFERENCE_NIGHTS, Stream

TOLERANCES = {"roc_auc": 0.005, "accuracy": 0.02, "precision": 0.02, "recall": 0.02, "calibration_error": 0.02**2}
"""That of the calibration error on the scale of its square, from a calibrated baseline."""
GAPS, GAP_LIMIT = ("tpr_gap", "fpr_gap", "selection_gap"), 0.02
SLICE_LIMITS = {"accuracy": 0.02, "brier": 0.01}
MORE_IS_WORSE = ("calibration_error", "brier", *GAPS)
LEAST_ROWS, LEAST_GROUP = 30, 30
"""Fewer labelled rows in all, or of a group, tell nothing: the product's own limits."""
MERGED = (7, 28)
"""Windows of nights whose rows are also told together, as the product's config has them by default."""
CHUNK = 20
"""Runs that are drawn at once."""


@dataclass(frozen=True)
class Series:
    """``K`` series of many runs. NaN where a night cannot tell.

    Harm is ``sign * (value - reference)``, and harm beyond ``limit`` is what a rule is to page for.

    Parameters
    ----------
    value, error, n
        By run, night and series: the night's value, its sampling standard error (rows taken for
        independent) and the rows that it stands on.
    reference, reference_error
        By run and series: the value over all rows of the reference's 28 nights. A gap is held
        against a limit as it is, not against the reference's gap, so its reference is 0 with no
        error; but where the reference's own gap is beyond the limit, only a larger one is harm.
    past_value, past_error, past_n
        The reference's nights one by one, by run, night and series.
    merged_value, merged_error, merged_n
        By run, window of :data:`MERGED`, night and series: the value over all rows of the window's nights,
        that night the last. NaN for slices, and while the window has no more nights than a shorter one.
    limit, sign, family, name
        By series; ``sign`` is 1 where more is worse, else -1. ``family`` is performance, bias or slice;
        slices are evidence and do not page.
    """

    value: Floats
    error: Floats
    n: Floats
    reference: Floats
    reference_error: Floats
    past_value: Floats
    past_error: Floats
    past_n: Floats
    merged_value: Floats
    merged_error: Floats
    merged_n: Floats
    limit: Floats
    sign: Floats
    family: tuple[str, ...]
    name: tuple[str, ...]

    @property
    def paging(self) -> Series:
        """The same without slices."""
        return self.of(np.array([family != "slice" for family in self.family]))

    def of(self, kept: npt.NDArray[np.bool_]) -> Series:
        """Some of the series."""
        arrays = {name: value[..., kept] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        named = {key: tuple(np.array(getattr(self, key))[kept].tolist()) for key in ("family", "name")}
        return replace(self, **arrays, **named)


def draw_series(stream: Stream, n: int, *, runs: int, seed: int) -> Series:
    """Runs of a stream with about ``n`` rows a night; equal arguments give equal runs."""
    seeds = np.random.SeedSequence(seed).spawn(-(-runs // CHUNK))
    parts = [
        series_of(
            draw_counts(stream, n, draw=np.random.default_rng(one), runs=min(CHUNK, runs - CHUNK * place)), stream
        )
        for place, one in enumerate(seeds)
    ]
    by_run = [name for name, value in vars(parts[0]).items() if isinstance(value, np.ndarray) and value.ndim > 1]
    return replace(parts[0], **{name: np.concatenate([getattr(part, name) for part in parts]) for name in by_run})


def series_of(counts: Counts, stream: Stream) -> Series:
    """The series of runs whose counts were drawn from a stream."""
    changed = REFERENCE_NIGHTS + ONSET
    scores = stream.scores
    limit = threshold(scores)
    told = dict(measured(counts, scores, limit))
    if stream.raised:
        after = dict(measured(counts[:, changed:], raised(scores, stream.raised), limit))
        told = {key: _joined(value, after[key], changed) for key, value in told.items()}
    whole = dict(measured(counts[:, :REFERENCE_NIGHTS].sum(axis=1), scores, limit))
    keys = list(told)
    now = [np.stack([getattr(told[key], part) for key in keys], axis=-1) for part in ("value", "error", "n")]
    reference, error = (np.stack([getattr(whole[key], part) for key in keys], axis=-1) for part in ("value", "error"))
    bias = np.array([family == "bias" for family, _ in keys])
    broken = bias & (reference > GAP_LIMIT)
    return Series(
        *(part[:, REFERENCE_NIGHTS:] for part in now),
        reference=np.where(broken, reference - GAP_LIMIT, np.where(bias, 0.0, reference)),
        reference_error=np.where(bias & ~broken, 0.0, error),
        past_value=now[0][:, :REFERENCE_NIGHTS],
        past_error=now[1][:, :REFERENCE_NIGHTS],
        past_n=now[2][:, :REFERENCE_NIGHTS],
        **_merged(counts[:, REFERENCE_NIGHTS:], stream, keys),
        limit=np.array([_limit(*key) for key in keys]),
        sign=np.array([1.0 if _metric(name) in MORE_IS_WORSE else -1.0 for _, name in keys]),
        family=tuple(family for family, _ in keys),
        name=tuple(name for _, name in keys),
    )


def _merged(counts: Counts, stream: Stream, keys: list[tuple[str, str]]) -> dict[str, Floats]:
    """Values over all rows of each window of nights."""
    scores, limit = stream.scores, threshold(stream.scores)
    if stream.raised:
        # Bins before the onset and bins after it, which promise more, side by side in the order of their scores.
        after = (np.arange(counts.shape[1]) >= ONSET)[:, None, None, None]
        every = np.concatenate([scores, raised(scores, stream.raised)])
        order = np.argsort(every, kind="stable")
        counts, scores = np.concatenate([counts * ~after, counts * after], axis=-1)[..., order], every[order]
    paging = [key for key in keys if key[0] != "slice"]
    parts: dict[str, list[Floats]] = {"value": [], "error": [], "n": []}
    for window, shorter in zip(MERGED, (1, *MERGED), strict=False):
        told = dict(zip(paging, (one for _, one in measured(trailing(counts, window), scores, limit)), strict=False))
        for name, values in parts.items():
            found = np.full((*counts.shape[:2], len(keys)), np.nan)
            found[:, shorter:, : len(paging)] = np.stack([getattr(told[key], name) for key in paging], axis=-1)[
                :, shorter:
            ]
            values.append(found)
    return {f"merged_{name}": np.stack(values, axis=1) for name, values in parts.items()}


def trailing(values: npt.NDArray[Any], window: int) -> npt.NDArray[Any]:
    """Sums over each night (second axis) and those before it, ``window`` nights in all."""
    sums = np.cumsum(values, axis=1)
    sums[:, window:] -= sums[:, :-window].copy()
    return sums


def raised(scores: Floats, by: float) -> Floats:
    """The same bins, each promising more."""
    return np.minimum(scores + by, 0.999)


def measured(counts: Counts, scores: Floats, limit: float) -> Iterator[tuple[tuple[str, str], Told]]:
    """Every series of some nights by (family, name); counts' last axes are pair of groups, label and bin."""
    negatives, positives = counts.sum(axis=-3)[..., 0, :], counts.sum(axis=-3)[..., 1, :]
    selected = scores > limit
    table = _confusion(counts, selected)
    all_rows = table.sum(axis=-3)
    enough = all_rows.sum(axis=(-2, -1)) >= LEAST_ROWS
    hits = all_rows[..., 0, 0] + all_rows[..., 1, 1]
    performance = {
        "roc_auc": nightly.auc(negatives, positives),
        "accuracy": nightly.rate(hits, all_rows.sum(axis=(-2, -1))),
        "precision": nightly.rate(all_rows[..., 1, 1], all_rows[..., 1].sum(axis=-1)),
        "recall": nightly.rate(all_rows[..., 1, 1], all_rows[..., 1, :].sum(axis=-1)),
        "calibration_error": nightly.squared_calibration_error(negatives, positives, scores),
    }
    yield from ((("performance", name), told.where(enough)) for name, told in performance.items())
    for column, groups in _groups(table).items():
        for group in range(1, groups.shape[-3]):
            for name, told in _gaps(groups[..., group, :, :], groups[..., 0, :, :]).items():
                yield ("bias", f"{name} {column}={group}"), told
    for name, rows in _slices(counts).items():
        own = _confusion(rows, selected)
        size = own.sum(axis=(-2, -1))
        right = nightly.rate(own[..., 0, 0] + own[..., 1, 1], size)
        yield ("slice", f"accuracy {name}"), right.where(size >= LEAST_GROUP)
        brier = nightly.mean_of_squares(rows[..., 0, :], rows[..., 1, :], scores)
        yield ("slice", f"brier {name}"), brier.where(size >= LEAST_GROUP)


def _confusion(counts: Counts, selected: npt.NDArray[np.bool_]) -> Counts:
    """Rows by label and prediction in place of label and bin."""
    return np.stack([counts[..., ~selected].sum(axis=-1), counts[..., selected].sum(axis=-1)], axis=-1)


def _groups(table: Counts) -> dict[str, Counts]:
    """Tables of the groups of each protected column."""
    pairs = table.reshape(*table.shape[:-3], len(FIRST), len(SECOND), 2, 2)
    return {"g": pairs.sum(axis=-3), "h": pairs.sum(axis=-4)}


def _gaps(own: Counts, reference: Counts) -> dict[str, Told]:
    """How much worse a group is served than the reference group, as the product's comparisons have it."""
    enough = np.minimum(own.sum(axis=(-2, -1)), reference.sum(axis=(-2, -1))) >= LEAST_GROUP
    mine, other = ((_rate(rows, 1), _rate(rows, 0), _selection(rows)) for rows in (own, reference))
    found = (nightly.gap(other[0], mine[0]), nightly.gap(mine[1], other[1]), nightly.gap(other[2], mine[2]))
    return {name: told.where(enough) for name, told in zip(GAPS, found, strict=True)}


def _rate(table: Counts, label: int) -> Told:
    return nightly.rate(table[..., label, 1], table[..., label, :].sum(axis=-1))


def _selection(table: Counts) -> Told:
    return nightly.rate(table[..., 1].sum(axis=-1), table.sum(axis=(-2, -1)))


def _slices(counts: Counts) -> dict[str, Counts]:
    """Ten slices: the groups of the first column, and the pairs."""
    pairs = counts.reshape(*counts.shape[:-3], len(FIRST), len(SECOND), *counts.shape[-2:])
    first = pairs.sum(axis=-3)
    one = {f"g={g}": first[..., g, :, :] for g in range(len(FIRST))}
    two = {f"g={g},h={h}": pairs[..., g, h, :, :] for g in range(len(FIRST)) for h in range(len(SECOND))}
    return one | two


def _limit(family: str, name: str) -> float:
    if family == "bias":
        return GAP_LIMIT
    return (TOLERANCES if family == "performance" else SLICE_LIMITS)[_metric(name)]


def _metric(name: str) -> str:
    return name.split(" ", maxsplit=1)[0]


def _joined(before: Told, after: Told, changed: int) -> Told:
    """Nights before a change measured one way, and those after it another."""
    parts = ((a[:, :changed], b) for a, b in zip(vars(before).values(), vars(after).values(), strict=True))
    return Told(*(np.concatenate(pair, axis=1) for pair in parts))
