"""Sums: whether one of the team's own metrics moved because other rows came, or because one group's moved.

A ratio of sums over all rows is the mean of its groups' ratios by their shares ``s`` of the denominator. Its change
is ``sum (s1 - s0) (mean of R1, R0 - R) + sum (mean of s1, s0) (R1 - R0)``: what the mix did, and what the groups
themselves did (Kitagawa 1955, doi:10.1080/01621459.1955.10501299).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nightproof.causes.case import Case, Suspect
from nightproof.profiles.ratios import ratio
from nightproof.profiles.spec import OTHER
from nightproof.verdict import Cause
from nightproof.words import number, percent, segment

WEIGHT = 0.5
LEAST_SHARE = 0.5
"""A mix, or a group, that explains less than this of a change is not told."""
CONFINED = 0.5
"""A group with more than this share of the denominator says nothing of where."""


@dataclass(frozen=True)
class _Group:
    segment: dict[str, str]
    now: float
    then: float
    """Its ratio."""
    share: float
    share_then: float
    """Of the denominator."""

    def mix(self, whole: float) -> float:
        return (self.share - self.share_then) * ((self.now + self.then) / 2.0 - whole)

    @property
    def own(self) -> float:
        return (self.share + self.share_then) / 2.0 * (self.now - self.then)


def moved_sums(case: Case) -> Iterator[Suspect]:
    """What explains a finding of the business family by the groups of one column; nothing of any other."""
    worst = case.worst
    if worst is None or worst.check != "business" or not worst.delta or worst.baseline is None:
        return
    for grouping in case.current.spec.groupings:
        if {"protected", "slice"} & set(grouping.uses):
            groups = _groups(case, worst.metric, grouping.columns)
            yield from _suspects(groups, worst.delta, worst.baseline, grouping.columns)


def _suspects(groups: list[_Group], delta: float, whole: float, columns: tuple[str, ...]) -> Iterator[Suspect]:
    mix = sum(group.mix(whole) for group in groups) / delta
    known = [group for group in groups if OTHER not in group.segment.values()]
    if not known:
        return
    if mix >= LEAST_SHARE:
        most = max(known, key=lambda group: group.mix(whole) / delta)
        way = "more" if most.share > most.share_then else "less"
        text = (
            f"{way} than before comes from where {segment(most.segment)} "
            f"({percent(most.share)}, {percent(most.share_then)} on the baseline)"
        )
        cause = Cause(kind="mix", text=text, share=min(mix, 1.0), columns=columns, segment=most.segment)
        yield Suspect(cause, WEIGHT * min(mix, 1.0), columns)
        return
    most = max(known, key=lambda group: group.own / delta)
    own = most.own / delta
    if own >= LEAST_SHARE and most.share < CONFINED:
        text = f"where {segment(most.segment)} it is {number(most.now)}, {number(most.then)} on the baseline"
        cause = Cause(kind="concept", text=text, share=min(own, 1.0), columns=columns, segment=most.segment)
        yield Suspect(cause, WEIGHT * min(own, 1.0))


def _groups(case: Case, name: str, columns: tuple[str, ...]) -> list[_Group]:
    """Groups that both sides have enough rows of; none where a denominator is not positive."""
    least = case.config.checks.bias.min_group
    whole = [ratio(profile, name) for profile in (case.current, case.baseline)]
    found = []
    for rows in case.current.segments(columns):
        now, then = (ratio(profile, name, rows) for profile in (case.current, case.baseline))
        if min(now.y, then.y, whole[0].y, whole[1].y) > 0 and min(now.n, then.n) >= least:
            unit = now.unit
            found.append(
                _Group(rows, now.x / now.y * unit, then.x / then.y * unit, now.y / whole[0].y, then.y / whole[1].y)
            )
    return found
