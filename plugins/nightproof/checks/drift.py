"""The drift family: have the inputs, the outputs or the labels moved away from the baseline?

Drift alone is evidence, not harm, so nothing here pages; a feature that stops arriving does show as
a watch on the night it happens. Of the distances between two histograms one is judged, the
population stability index; the others are shown for whoever knows them better.

Where the config names a column of times, the baseline's rows are first weighed to the night's mix
of weekdays and parts of the day: what a Sunday is like is no drift on a Sunday.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Harm, Subject, judged, shown, unknown
from nightproof.config import ModelConfig
from nightproof.metrics.category_change import SURE, category_change
from nightproof.metrics.chi_square import cramers_v
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.hellinger import hellinger
from nightproof.metrics.jensen_shannon import jensen_shannon
from nightproof.metrics.kolmogorov_smirnov import kolmogorov_smirnov
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.psi import psi
from nightproof.metrics.range_violations import range_violations
from nightproof.metrics.rates import wilson
from nightproof.metrics.shift import Shift
from nightproof.metrics.strata import adjusted
from nightproof.metrics.wasserstein import wasserstein
from nightproof.profiles import Profile
from nightproof.profiles.distinct import distinct, new_values
from nightproof.sections import Drift
from nightproof.words import signed

Counts = npt.NDArray[np.int64]
SHOWN: dict[str, Callable[[Counts, Counts], Shift | Unknown]] = {
    "jensen_shannon": jensen_shannon,
    "hellinger": hellinger,
    "cramers_v": cramers_v,
}
"""Distances of any two histograms that are shown beside the one that is judged."""
NAMED = 3
"""Values that a reason names."""


@dataclass(frozen=True)
class Compared:
    """One column's histograms tonight and in the baseline.

    Parameters
    ----------
    night, baseline
        Counts by bin; the baseline's weighed to tonight's mix of times, where times are known.
    plain
        The baseline's as it is, where it was weighed.
    """

    night: Counts
    baseline: Counts
    plain: Counts | None = None


def check_drift(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings on each output, the label and each feature, and on how they vary together."""
    limits, spec = config.checks.drift, current.spec
    found = list(_labels(current, baseline, limits, window=window))
    for column in dict.fromkeys((*spec.outputs, *spec.numeric, *spec.categorical)):
        subject = Subject("drift", "psi", window, {}, column)
        compared = _compared(column, current, baseline)
        found += _distances(subject, compared, current, baseline, limit=limits.min_effect)
        if column in spec.outputs:
            found.append(_shift(_about(subject, "output_shift"), compared, limit=limits.max_output_shift))
        if column in spec.features:
            found += _values(subject, current, baseline, limits)
    return found + list(_together(current, baseline, limits, window=window))


def _compared(column: str, current: Profile, baseline: Profile) -> Compared:
    night, known = current.bins(column), baseline.bins(column)
    if current.spec.time is None:
        return Compared(night, known)
    strata = adjusted(current.strata(column), baseline.strata(column))
    return Compared(night, known) if isinstance(strata, Unknown) else Compared(night, strata.expected, known)


def _distances(
    subject: Subject, compared: Compared, current: Profile, baseline: Profile, *, limit: float
) -> Iterator[Finding]:
    column = subject.column or ""
    yield _shift(subject, compared, limit=limit)
    others = {name: distance(compared.night, compared.baseline) for name, distance in SHOWN.items()}
    if column in current.spec.numeric and column in (*current.spec.features, *current.spec.outputs):
        others |= _ordered(column, compared, current, baseline)
    for name, shift in others.items():
        about = Subject("drift", name, subject.window, {}, column)
        # What too few rows cannot tell is said once, of the distance that is judged.
        if not isinstance(shift, Unknown):
            yield shown(about, shift.estimate, None, None)


def _ordered(column: str, compared: Compared, current: Profile, baseline: Profile) -> dict[str, Shift | Unknown]:
    """Distances of numbers, which know how far bins lie apart."""
    feature, ranges = current.spec.numeric[column], (current.range(column), baseline.range(column))
    found: dict[str, Shift | Unknown] = {
        "kolmogorov_smirnov": kolmogorov_smirnov(compared.night, compared.baseline),
    }
    if ranges[0] is not None and ranges[1] is not None and feature.edges:
        found["wasserstein"] = wasserstein(
            compared.night,
            compared.baseline,
            edges=feature.edges,
            current_range=ranges[0],
            baseline_range=ranges[1],
            sd=feature.sd,
        )
    return found


def _shift(subject: Subject, compared: Compared, *, limit: float) -> Finding:
    found = psi(compared.night, compared.baseline)
    if isinstance(found, Unknown):
        return unknown(subject, found)
    words = f"its distribution shifted by more than {limit:g}"
    if compared.plain is not None and not isinstance(plain := psi(compared.night, compared.plain), Unknown):
        by_time = signed(plain.estimate.value - found.estimate.value)
        words = f"{words} at this mix of weekdays and hours (they explain {by_time} more)"
    estimate = found.estimate
    # Where the interval begins at 0 its lower arm is cut off, and the upper one tells the spread.
    low = estimate.low or 2 * estimate.value - estimate.high
    change = Change(estimate.value, low, estimate.high)
    harm = Harm(change, limit, limit, words, margin=limit, pages=False, doubtful=False)
    return judged(subject, estimate, None, delta=None, harm=harm)


def _values(subject: Subject, current: Profile, baseline: Profile, limits: Drift) -> Iterator[Finding]:
    """Values that are missing, new, gone or out of range."""
    column = subject.column or ""
    now, then = (wilson(p.missing(column), _rows(p, column)) for p in (current, baseline))
    words = "is missing in more rows"
    yield _rise(_about(subject, "missing_rate"), now, then, limit=limits.max_missing_rise, words=words)
    if column in current.spec.numeric:
        yield _outside(_about(subject, "outside_rate"), current, baseline, limit=limits.max_outside_rise)
    elif not current.spec.categorical[column].buckets:
        yield _unseen(_about(subject, "unseen_rate"), current, baseline, limit=limits.max_unseen_rise)
        yield from _vanished(_about(subject, "vanished_share"), current, baseline)
    else:
        yield from _new_values(_about(subject, "new_distinct_share"), current, baseline)


def _about(subject: Subject, metric: str) -> Subject:
    return Subject("drift", metric, subject.window, {}, subject.column)


def _rows(profile: Profile, column: str) -> int:
    return profile.missing(column) + int(profile.bins(column).sum())


def _outside(subject: Subject, current: Profile, baseline: Profile, *, limit: float) -> Finding:
    column = subject.column or ""
    below, above = current.outside(column)
    rows, known = (int(profile.bins(column).sum()) for profile in (current, baseline))
    found = range_violations(below, above, rows, baseline_rows=known)
    if isinstance(found, Unknown):
        return unknown(subject, found)
    words = f"lies outside the baseline's range ({below:,} rows below, {above:,} above) in more rows"
    share = Estimate(0.0, 0.0, found.share.high, known)
    return _risen(subject, found.share, share, delta=found.rise, limit=limit, words=words)


def _unseen(subject: Subject, current: Profile, baseline: Profile, *, limit: float) -> Finding:
    column = subject.column or ""
    now, then = (_last(profile.bins(column)) for profile in (current, baseline))
    named = ", ".join(list(current.unseen(column))[:NAMED])
    words = f"has values that the baseline does not know ({named}) in more rows"
    return _rise(subject, now, then, limit=limit, words=words)


def _last(bins: Counts) -> Estimate | Unknown:
    return wilson(int(bins[-1]), int(bins.sum()), nothing="no row has a value")


def _vanished(subject: Subject, current: Profile, baseline: Profile) -> Iterator[Finding]:
    """Values of the baseline that tonight has not a row of, where chance does not explain it."""
    column = subject.column or ""
    level = SURE / len(current.spec.categorical)  # a night without change names no column, 19 times in 20
    change = category_change(current.bins(column)[:-1], baseline.bins(column)[:-1], level=level)
    if not change.vanished:
        return
    vocabulary = current.spec.categorical[column].vocabulary
    share, rows = sum(gone.share for gone in change.vanished), int(current.bins(column).sum())
    named = ", ".join(vocabulary[gone.index] for gone in change.vanished[:NAMED])
    more = f" and {len(change.vanished) - NAMED} more" if len(change.vanished) > NAMED else ""
    known = wilson(round(share * baseline.bins(column).sum()), int(baseline.bins(column).sum()))
    assert isinstance(known, Estimate)
    words = f"no row has {named}{more}, which the baseline has in {share:.1%} of its rows"
    # All of it is beyond what is tolerated, which is nothing.
    estimate = Estimate(known.value, known.low, known.high, rows)
    change_of = Change(known.value, max(known.low, 1e-12), known.high)
    harm = Harm(change_of, 0.0, 0.0, words, margin=max(share, 1e-12), pages=False)
    yield judged(subject, estimate, None, delta=None, harm=harm)


def _new_values(subject: Subject, current: Profile, baseline: Profile) -> Iterator[Finding]:
    """Of a column with too many values to list: how many of tonight's different ones are new."""
    column = subject.column or ""
    seen, known = current.sketch(column), baseline.sketch(column)
    if seen is None or known is None or distinct(seen)[0] <= 0.0:
        return
    whole, new = distinct(seen), new_values(seen, known)
    low, value, high = (min(max(end / whole[0], 0.0), 1.0) for end in (new[1], new[0], new[2]))
    yield shown(subject, Estimate(value, min(low, value), max(high, value), round(whole[0])), None, None)


def _labels(current: Profile, baseline: Profile, limits: Drift, *, window: int) -> Iterator[Finding]:
    """Whether the labels moved, where they are classes; a numeric label is counted as a column is."""
    now, then = (_label_counts(profile) for profile in (current, baseline))
    if now is None or then is None or not now.sum():
        return
    subject = Subject("drift", "psi", window, {}, current.spec.label)
    yield _shift(subject, Compared(now, then), limit=limits.min_effect)


def _label_counts(profile: Profile) -> Counts | None:
    if profile.spec.task.kind == "binary":
        rows = profile.outcomes()
        return np.rint([rows.labelled - rows.positives, rows.positives]).astype(np.int64)
    if profile.spec.task.kind == "multiclass":
        counts: Counts = np.rint(profile.confusion().sum(axis=1)).astype(np.int64)
        return counts
    return None


def _together(current: Profile, baseline: Profile, limits: Drift, *, window: int) -> Iterator[Finding]:
    """Whether the features still vary together as in the baseline."""
    if current.spec.components is None:
        return
    subject = Subject("drift", "reconstruction_error", window, {})
    now, then = (mean_loss(profile.loss("reconstruction")) for profile in (current, baseline))
    if isinstance(now, Unknown) or isinstance(then, Unknown):
        yield unknown(subject, now if isinstance(now, Unknown) else Unknown("no rows in the baseline", 0))
        return
    limit = float(f"{limits.max_reconstruction_rise * then.value:.2g}")
    words = "its features vary together less than they did, by more"
    yield _risen(subject, now, then, delta=difference(now, then), limit=limit, words=words)


def _rise(
    subject: Subject, current: Estimate | Unknown, baseline: Estimate | Unknown, *, limit: float, words: str
) -> Finding:
    if isinstance(current, Unknown):
        return unknown(subject, current, baseline=baseline)
    if isinstance(baseline, Unknown):
        baseline = Estimate(0.0, 0.0, 0.0, 0)
    return _risen(subject, current, baseline, delta=difference(current, baseline), limit=limit, words=words)


def _risen(
    subject: Subject, current: Estimate, baseline: Estimate, *, delta: Change, limit: float, words: str
) -> Finding:
    harm = Harm(delta, limit, limit, f"{words} than the tolerated rise of {limit:.3g}", margin=limit, pages=False)
    return judged(subject, current, baseline, delta=delta, harm=harm)
