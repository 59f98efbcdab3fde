"""The bias family: are the groups of each protected column served alike?

Groups are compared with the reference group by the impact ratio (the four-fifths rule of 29 CFR
1607.4(D)) and by the gap in true-positive rate. A limit that the baseline already broke was
accepted with the model: there, only getting worse than the baseline is news.

Who is served differs from night to night by more than rows do, and most by group. Where the config
has windows of a week or more, only those page; the night by itself is evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Harm, Subject, judged, shown, unknown
from nightproof.config import Bias, ModelConfig
from nightproof.errors import DataError
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference, ratio
from nightproof.metrics.rates import RATES
from nightproof.profiles import Profile
from nightproof.profiles.spec import MISSING, OTHER

EQUAL = {"impact_ratio": 1.0, "tpr_gap": 0.0}
"""What each comparison is for two groups that are served alike."""

LEAST_WINDOW = 7
"""Nights of a window that may page, where the config has one as long."""


@dataclass(frozen=True)
class Group:
    """One group's rates beside those of the reference group, in one profile."""

    own: dict[str, Estimate | Unknown]
    reference: dict[str, Estimate | Unknown]

    def compared(self, metric: str) -> Change | Unknown:
        """Its ``impact_ratio`` or ``tpr_gap`` (reference less own)."""
        rate = "selection_rate" if metric == "impact_ratio" else "tpr"
        own, reference = self.own[rate], self.reference[rate]
        if isinstance(own, Unknown):
            return own
        if isinstance(reference, Unknown):
            return Unknown(f"in the reference group, {reference.why}", own.n)
        if metric == "tpr_gap":
            return difference(reference, own)
        if reference.value == 0.0:
            return Unknown("nobody in the reference group was selected", own.n)
        return ratio(own, reference)


def check_bias(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Rates of every group, and how each compares with the reference group.

    Groups with fewer labelled rows than ``checks.bias.min_group`` are named and neither judged
    nor shown; where the baseline has so few of a group, its values there are not used either.
    """
    return [
        finding
        for grouping in current.spec.groupings
        if "protected" in grouping.uses
        for finding in _grouping(grouping.columns, current, baseline, config=config, window=window)
    ]


def reference_group(columns: tuple[str, ...], baseline: Profile, settings: Bias) -> dict[str, str]:
    """The segment that the others of a protected column are compared with.

    Raises
    ------
    DataError
        If the configured group is not in the baseline.
    """
    segments = [s for s in baseline.segments(columns) if not {OTHER, MISSING} & set(s.values())]
    if not segments:
        raise DataError(
            f"No row of the baseline has a value in {columns[0]}, so its groups cannot be compared. "
            "Mend the reference, or take the column out of columns.protected."
        )
    wanted = settings.reference_group
    if isinstance(wanted, dict):
        wanted = wanted.get(columns[0], "largest")
    if wanted == "largest":
        return segments[0]
    for segment in segments:
        if wanted in segment.values():
            return segment
    known = ", ".join(value for segment in segments for value in segment.values())
    raise DataError(
        f"checks.bias.reference_group is {wanted!r}, which no row of the baseline has in {columns[0]}; "
        f"it has {known}. Name one of those, or 'largest', or one for each column, "
        f"such as {{{columns[0]}: {segments[0][columns[0]]}}}."
    )


def _grouping(
    columns: tuple[str, ...], current: Profile, baseline: Profile, *, config: ModelConfig, window: int
) -> Iterator[Finding]:
    settings = config.checks.bias
    reference = reference_group(columns, baseline, settings)
    for segment in current.segments(columns):
        labelled = current.outcomes(segment).labelled
        if labelled < settings.min_group:
            few = Unknown(f"fewer than {settings.min_group} labelled rows, so the group is not shown", labelled)
            yield unknown(Subject("bias", "impact_ratio", window, segment), few)
            continue
        now = _group(current, segment, reference)
        known = baseline.outcomes(segment).labelled >= settings.min_group
        then = _group(baseline, segment, reference) if known else None
        for name in RATES:
            yield _rate(Subject("bias", name, window, segment), now.own[name], then.own[name] if then else None)
        if segment != reference:
            yield from _compared(now, then, segment, config=config, window=window)


def _group(profile: Profile, segment: dict[str, str], reference: dict[str, str]) -> Group:
    own, other = profile.outcomes(segment), profile.outcomes(reference)
    return Group({n: rate(own) for n, rate in RATES.items()}, {n: rate(other) for n, rate in RATES.items()})


def _rate(subject: Subject, now: Estimate | Unknown, then: Estimate | Unknown | None) -> Finding:
    if isinstance(now, Unknown):
        return unknown(subject, now, baseline=then)
    if not isinstance(then, Estimate):
        return shown(subject, now, None, None)
    return shown(subject, now, then, difference(now, then))


def _compared(
    now: Group, then: Group | None, segment: dict[str, str], *, config: ModelConfig, window: int
) -> Iterator[Finding]:
    settings = config.checks.bias
    pages = window >= min(LEAST_WINDOW, max(config.windows))
    for metric, limits in (("impact_ratio", settings.impact_ratio), ("tpr_gap", settings.tpr_gap)):
        subject = Subject("bias", metric, window, segment)
        current, baseline = now.compared(metric), then.compared(metric) if then else None
        rate = now.own["selection_rate" if metric == "impact_ratio" else "tpr"]
        if isinstance(current, Unknown) or isinstance(rate, Unknown):
            why = current if isinstance(current, Unknown) else Unknown("no rows", 0)
            yield unknown(subject, why)
            continue
        value = _estimate(current, rate.n)
        known = _estimate(baseline, 0) if isinstance(baseline, Change) else None
        delta = difference(value, known) if known else None
        bounds = [(-1, limits.min), (1, limits.max)]
        harms = [_harm(metric, value, known, delta, sign, bound) for sign, bound in bounds if bound is not None]
        if not harms:
            yield shown(subject, value, known, delta)
        for harm in harms:
            yield judged(subject, value, known, delta=delta, harm=replace(harm, pages=pages))


def _estimate(change: Change, n: int) -> Estimate:
    return Estimate(change.value, change.low, change.high, n)


def _harm(metric: str, value: Estimate, known: Estimate | None, delta: Change | None, sign: int, bound: float) -> Harm:
    margin = abs(bound - EQUAL[metric])
    side = "under" if sign < 0 else "over"
    if known is not None and delta is not None and sign * known.value > sign * bound:
        change = delta if sign > 0 else delta.reversed()
        words = f"the baseline was {side} the limit of {bound:g} too, and this is worse still"
        return Harm(change, 0.0, bound, words, margin)
    absolute = Change(value.value, value.low, value.high)
    change = absolute if sign > 0 else absolute.reversed()
    return Harm(change, sign * bound, bound, f"{side} the limit of {bound:g}", margin)
