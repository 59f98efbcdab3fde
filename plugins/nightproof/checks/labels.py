"""Label coverage: have as many rows their labels as usual, and in every group?

A label that has not come yet is no fault: how many are there depends on how old the night is when it is
counted. So a night is compared with earlier nights *at the same age*, and a group's shortfall with the
shortfall that it usually has.

References
----------
.. [1] R. G. Newcombe, "Interval estimation for the difference between independent proportions: comparison
   of eleven methods", Statistics in Medicine 17 (1998), method 10,
   doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nightproof.checks.finding import Finding
from nightproof.checks.held import labels as held
from nightproof.checks.judge import Subject, evidence, judged, unknown
from nightproof.checks.suppression import BASE, Key, covers
from nightproof.config import ModelConfig
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile
from nightproof.profiles.spec import MISSING, OTHER, Grouping
from nightproof.words import number

NIGHTS = 28
"""Earlier nights that tell what is usual."""
LEAST_NIGHTS = 7
"""With fewer, coverage is shown and not judged."""

Size = tuple[int, int]
"""Rows, and labelled ones among them."""


@dataclass(frozen=True)
class Usual:
    """How complete labels were on earlier nights at the same age.

    Parameters
    ----------
    nights
        Of each night, rows and labelled rows.
    profiles
        Of those of the same spec as tonight's, for its groups; none where they are too few.
    """

    nights: Sequence[Size] = ()
    profiles: Sequence[Profile] = ()

    @property
    def coverage(self) -> Estimate | Unknown:
        """Share of labelled rows, all nights together; unknown of fewer than seven."""
        if len(self.nights) < LEAST_NIGHTS:
            return Unknown(f"fewer than {LEAST_NIGHTS} earlier nights of the same age", len(self.nights))
        return wilson(sum(labelled for _, labelled in self.nights), sum(rows for rows, _ in self.nights))

    def size(self, segment: Mapping[str, str]) -> Size:
        """Rows and labelled rows of a group, all nights together."""
        sizes = [profile.size(segment) for profile in self.profiles]
        return sum(rows for rows, _ in sizes), sum(labelled for _, labelled in sizes)


def check_labels(current: Profile, usual: Usual, config: ModelConfig, *, window: int = 1) -> list[Finding]:
    """Findings on the coverage of all rows, and on its gap to each group of protected columns and slices.

    Parameters
    ----------
    current
        Tonight's profile.
    usual
        Earlier nights at the same age.
    config
        For ``checks.labels`` and the size of groups that are shown.
    """
    found = [_coverage(current, usual, config, window=window)]
    for grouping in current.spec.groupings:
        if {"protected", "slice"} & set(grouping.uses):
            found += _gaps(grouping, current, usual, config, window=window)
    return found


def _coverage(current: Profile, usual: Usual, config: ModelConfig, *, window: int) -> Finding:
    subject = Subject("drift", "label_coverage", window, {}, config.columns.label)
    rows, labelled = current.size()
    return _held(subject, wilson(labelled, rows), usual.coverage, config)


def _gaps(grouping: Grouping, current: Profile, usual: Usual, config: ModelConfig, *, window: int) -> Iterator[Finding]:
    columns, least = grouping.columns, config.checks.bias.min_group
    sizes = {tuple(segment.values()): current.size(segment) for segment in current.segments(columns)}
    large = [key for key, (rows, _) in sizes.items() if rows >= least and not {MISSING, OTHER} & set(key)]
    rounded = _covering(sizes, least) if config.checks.bias.complementary_suppression else set()
    all_now, all_usual = current.size(), usual.size({})
    for key in large:
        segment = dict(zip(columns, key, strict=True))
        subject = Subject("drift", "label_coverage_gap", window, segment, config.columns.label)
        own, known = sizes[key], usual.size(segment)
        now = gap(all_now, _rounded(own) if key in rounded else own)
        then = gap(all_usual, known) if known[0] >= least else Unknown("too few rows of it on earlier nights", known[0])
        if not isinstance(now, Unknown):
            yield _held(subject, now, then, config)


def _covering(sizes: Mapping[Key, Size], least: int) -> set[Key]:
    """Groups told in rounded counts, so that those of the only small one cannot be worked out."""
    rows = {key: count for key, (count, _) in sizes.items()}
    small = [key for key, count in rows.items() if count < least]
    return covers(rows, small, reference=max(rows, key=lambda key: rows[key])) if small else set()


def _rounded(size: Size) -> Size:
    rows, labelled = (BASE * round(count / BASE) for count in size)
    return max(rows, BASE), min(labelled, max(rows, BASE))


def gap(every: Size, group: Size) -> Estimate | Unknown:
    """Coverage of all rows less that of a group among them.

    All rows are the group's and the others', two independent samples: with a share *w* of the rows in the group,
    the gap is *1 - w* times the difference between the others' coverage and the group's, whose interval is
    Newcombe's of two Wilson intervals.

    Parameters
    ----------
    every, group
        Rows and labelled rows.

    Returns
    -------
    Estimate | Unknown
        ``n`` is the group's rows. Unknown where the group has no rows, or there are no others.
    """
    rows, labelled = max(every[0] - group[0], 0), max(every[1] - group[1], 0)
    rest, own = wilson(min(labelled, rows), rows), wilson(*reversed(group))
    if isinstance(rest, Unknown) or isinstance(own, Unknown):
        return Unknown("there are no rows beside the group's, or none in it", group[0])
    others = rows / (rows + group[0])
    change = difference(rest, own)
    return Estimate(others * change.value, others * change.low, others * change.high, group[0])


def _held(subject: Subject, now: Estimate | Unknown, then: Estimate | Unknown, config: ModelConfig) -> Finding:
    if isinstance(now, Unknown):
        return unknown(subject, now)
    if isinstance(then, Unknown):
        ends = f"{number(now.low)} to {number(now.high)}, n = {now.n:,}"
        reason = f"{number(now.value)} ({ends}): shown and not judged, {then.why}."
        return evidence(subject, now, None, None, status="ok", reason=reason)
    delta = difference(now, then)
    bound = held(subject.metric, config.checks.labels)
    return judged(subject, now, then, delta=delta, harm=bound.harm(now, delta, pages=False))
