"""The bias family: are the groups of each protected column served alike?

Every group has its rates, its AUC and its calibration, each with an interval, and each is compared
with the reference group. Then each column, and each pair of columns, has one finding for each
notion of parity (:mod:`nightproof.checks.parity`). What is judged is what has a limit: by default
the impact ratio (the four-fifths rule of 29 CFR 1607.4(D)) and the gap in true-positive rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nightproof.checks.finding import Finding
from nightproof.checks.group_errors import check_group_errors
from nightproof.checks.group_rules import Rules
from nightproof.checks.groups import Groups, protected_groupings, reference_group
from nightproof.checks.judge import Subject, unknown
from nightproof.checks.parity import parities
from nightproof.checks.suppression import Key, covering, covers, rounded
from nightproof.config import ModelConfig
from nightproof.metrics.comparisons import Measures
from nightproof.metrics.estimate import Unknown
from nightproof.profiles import Profile
from nightproof.profiles.spec import Binary
from nightproof.sections import Bias


def check_bias(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Measures of every group, how each compares with the reference group, and the parities.

    Groups with fewer labelled rows than ``checks.bias.min_group`` are named and neither judged
    nor shown, and take no part in the parities; where the baseline has so few of a group, its
    values there are not used either.

    Of models that are not binary, what :mod:`nightproof.checks.group_errors` tells.

    Raises
    ------
    DataError
        If the baseline has no group to compare with.
    """
    if not isinstance(baseline.spec.task, Binary):
        return check_group_errors(current, baseline, config, window=window)
    settings = config.checks.bias
    return [
        finding
        for columns in protected_groupings(baseline)
        for finding in _Grouping(
            now=Groups.of(current, columns),
            then=Groups.of(baseline, columns),
            reference=tuple(reference_group(columns, baseline, settings).values()),
            rules=Rules(settings, window),
        ).findings()
    ]


@dataclass(frozen=True)
class _Grouping:
    """One grouping of a night beside the baseline."""

    now: Groups
    then: Groups
    reference: Key
    rules: Rules

    @property
    def settings(self) -> Bias:
        return self.rules.settings

    def findings(self) -> Iterator[Finding]:
        """What is told of every group, largest first, and of all of them together."""
        large, covered = self.now.large(self.settings.min_group), self._covered()
        other = self.now.measured(self.reference), self.then.measured(self.reference)
        told = other[0]
        if self.reference in covered:
            told = self.now.rounded(self.reference, told)
        for key in self.now.outcomes:
            if key not in large:
                yield self._small(key)
            else:
                yield from self._group(key, other, covered=covered, told=told)
        yield from self._parities(covered)

    def _covered(self) -> set[Key]:
        if not self.settings.complementary_suppression:
            return set()
        small = set(self.now.labelled) - set(self.now.large(self.settings.min_group))
        return covers(self.now.labelled, small, reference=self.reference)

    def _small(self, key: Key) -> Finding:
        few = f"fewer than {self.settings.min_group} labelled rows, so the group is not shown"
        subject = Subject("bias", "impact_ratio", self.rules.window, self.now.segment(key))
        return unknown(subject, Unknown(few, self.now.labelled[key]))

    def _group(
        self, key: Key, other: tuple[Measures, Measures], *, covered: set[Key], told: Measures
    ) -> Iterable[Finding]:
        """One group's findings; ``told`` is what is told of the reference group on the night."""
        segment, is_reference = self.now.segment(key), key == self.reference
        own = other[0] if is_reference else self.now.measured(key)
        known = self.then.measured(key) if self.then.labelled.get(key, 0) >= self.settings.min_group else None
        exact = self.rules.findings(segment, (own, known), None if is_reference else other)
        if key not in covered and (is_reference or self.reference not in covered):
            return exact
        shown = self.now.rounded(key, own) if key in covered else own
        return covering(exact, self.rules.findings(segment, (shown, known), None if is_reference else (told, other[1])))

    def _parities(self, covered: set[Key]) -> Iterable[Finding]:
        least, rules, columns = self.settings.min_group, self.rules, self.now.columns
        large, known = tuple(self.now.large(least).items()), tuple(self.then.large(least).items())
        exact = parities(columns, large, known, settings=rules.settings, window=rules.window)
        if not covered:
            return exact
        shown = tuple((key, rounded(rows) if key in covered else rows) for key, rows in large)
        told = parities(columns, shown, known, settings=rules.settings, window=rules.window)
        return covering(exact, told)
