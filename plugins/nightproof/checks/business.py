"""The business family: are the team's own metrics still what they were, in all and group by group?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nightproof.checks import held
from nightproof.checks.finding import Finding
from nightproof.checks.groups import protected_groupings, reference_group
from nightproof.checks.judge import Subject, judged, shown, unknown
from nightproof.checks.suppression import Key, covers
from nightproof.config import ModelConfig
from nightproof.metric_sections import Metric
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.ratio_of_sums import ratio_of_sums
from nightproof.profiles import Profile
from nightproof.profiles.metric_rows import LARGEST
from nightproof.profiles.ratios import ratio
from nightproof.words import counted

LEAST_ROWS = 30
"""A metric on fewer rows is not judged."""

Segment = Mapping[str, str]


def check_business(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings on every metric of the section ``metrics``; of the night itself, in each protected group and slice too.

    Parameters
    ----------
    current
        The merged profile of the window's nights.
    baseline
        The baseline's profile.
    config
        For the metrics and their tolerances; one without a tolerance is shown and not judged. Groups in which
        fewer than ``checks.bias.min_group`` rows count are not shown.
    window
        Nights in ``current``.
    """
    found = []
    for name, metric in config.metrics.items():
        everyone = _compare(name, metric, current, baseline, window=window, segment={})
        found.append(_with_held(everyone, ratio(current, name).held))
        if window == 1:
            found += _groups(name, metric, current, baseline, config)
    return found


def _compare(
    name: str, metric: Metric, current: Profile, baseline: Profile, *, window: int, segment: dict[str, str]
) -> Finding:
    subject = Subject("business", name, window, segment)
    then = _known(name, baseline, segment)
    now = ratio_of_sums(ratio(current, name, segment), usual=ratio(baseline, name, segment))
    if isinstance(now, Estimate) and now.n < LEAST_ROWS:
        now = Unknown(f"fewer than {LEAST_ROWS} rows", now.n)
    if isinstance(now, Unknown):
        return unknown(subject, now, baseline=then)
    if isinstance(then, Unknown):
        return unknown(subject, Unknown(f"in the baseline, {then.why}", now.n))
    delta = difference(now, then)
    if metric.harm is None:
        return shown(subject, now, then, delta)
    # A group is evidence for the night's verdict, not a page of its own.
    harm = held.business(metric).harm(now, delta, pages=not segment)
    return judged(subject, now, then, delta=delta, harm=harm)


def _known(name: str, baseline: Profile, segment: Segment) -> Estimate | Unknown:
    """A metric of the baseline, computed once for all nights that are held against it."""
    key = f"ratio of {name} where {sorted(segment.items())}"
    if key not in baseline.memo:
        baseline.memo[key] = ratio_of_sums(ratio(baseline, name, segment))
    found: Estimate | Unknown = baseline.memo[key]
    return found


def _with_held(finding: Finding, held_rows: int) -> Finding:
    """A finding with the number of rows whose numbers were too large to be taken as they are."""
    if not held_rows:
        return finding
    said = f"held within {LARGEST:,.0f} units of the baseline: {counted(held_rows, 'row')}"
    return finding.model_copy(update={"reason": f"{finding.reason[:-1]}; {said}."})


def _groups(name: str, metric: Metric, current: Profile, baseline: Profile, config: ModelConfig) -> Iterator[Finding]:
    for columns, uses in _groupings(current):
        for segment in _shown(name, columns, current, baseline, config, protected="protected" in uses):
            yield _compare(name, metric, current, baseline, window=1, segment=segment)


def _groupings(profile: Profile) -> list[tuple[Key, tuple[str, ...]]]:
    """Protected columns and configured slices; pairs of protected columns only where they are a slice."""
    return [
        (grouping.columns, grouping.uses)
        for grouping in profile.spec.groupings
        if "slice" in grouping.uses or ("protected" in grouping.uses and len(grouping.columns) == 1)
    ]


def _shown(
    name: str, columns: Key, current: Profile, baseline: Profile, config: ModelConfig, *, protected: bool
) -> list[dict[str, str]]:
    """Groups that are large enough to show, and from which no small protected one can be worked out."""
    settings = config.checks.bias
    rows = {tuple(found.values()): ratio(current, name, found).n for found in current.segments(columns)}
    small = {key for key, count in rows.items() if count < settings.min_group}
    hidden = set(small)
    if protected and settings.complementary_suppression and columns in protected_groupings(baseline):
        # All rows' sums less those of the groups that are shown would be the small one's: one more is left out.
        reference = tuple(reference_group(columns, baseline, settings).values())
        hidden |= covers(rows, small, reference=reference)
    return [dict(zip(columns, key, strict=True)) for key in rows if key not in hidden]
