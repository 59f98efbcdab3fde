"""The groups of a protected column, or of a pair of them, in one profile, and the one to compare with."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightproof.checks.suppression import Key, rounded, rounded_share
from nightproof.errors import DataError
from nightproof.metrics.comparisons import Measures, measures
from nightproof.metrics.group_scores import GroupScores
from nightproof.metrics.rates import RATES
from nightproof.metrics.scoring_rate import median_cell
from nightproof.profiles import Profile
from nightproof.profiles.spec import MISSING, OTHER
from nightproof.profiles.sums import Outcomes
from nightproof.sections import Bias


@dataclass(frozen=True)
class Groups:
    """One grouping's groups in one profile, largest first."""

    columns: Key
    scores: GroupScores
    outcomes: dict[Key, Outcomes]
    labelled: dict[Key, int]
    """Labelled rows, whatever they weigh."""
    median: int | None
    """The score cell of the median of all rows."""
    known: dict[Key, Measures] = field(default_factory=dict)
    """Measures of the groups that were asked for already."""

    @classmethod
    def of(cls, profile: Profile, columns: Key) -> Groups:
        """Read them from a profile, once: a baseline's are asked for again through every window."""
        name = f"groups of {columns!r}"
        if name not in profile.memo:
            profile.memo[name] = cls._read(profile, columns)
        found: Groups = profile.memo[name]
        return found

    @classmethod
    def _read(cls, profile: Profile, columns: Key) -> Groups:
        segments = {tuple(segment.values()): segment for segment in profile.segments(columns)}
        outcomes = {key: profile.outcomes(segment) for key, segment in segments.items()}
        labelled = {key: profile.size(segment)[1] for key, segment in segments.items()}
        scores = GroupScores.of(profile, columns=len(columns))
        return cls(columns, scores, outcomes, labelled, median_cell(scores.everyone))

    def segment(self, key: Key) -> dict[str, str]:
        """A group as findings name it."""
        return dict(zip(self.columns, key, strict=True))

    def large(self, least: int) -> dict[Key, Outcomes]:
        """Groups with at least so many labelled rows."""
        return {key: rows for key, rows in self.outcomes.items() if self.labelled[key] >= least}

    def measured(self, key: Key) -> Measures:
        """A group's measures; unknown ones for a group without rows."""
        if key not in self.known:
            rows, segment = self.outcomes.get(key, Outcomes(0, 0, 0, 0, 0, 0)), self.segment(key)
            group, bound = self.scores.group(segment), self.scores.bound(segment)
            self.known[key] = measures(rows, group, median=self.median, bound=bound)
        return self.known[key]

    def rounded(self, key: Key, exact: Measures) -> Measures:
        """A covering group's measures: those that are shares of its rows, from rounded counts."""
        rows = rounded(self.outcomes.get(key, Outcomes(0, 0, 0, 0, 0, 0)))
        shares: Measures = {name: rate(rows) for name, rate in RATES.items()}
        return exact | shares | {"scoring_rate": rounded_share(exact["scoring_rate"])}


def protected_groupings(baseline: Profile) -> list[Key]:
    """Protected columns, and pairs of them that the baseline has a group of."""
    every = [grouping.columns for grouping in baseline.spec.groupings if "protected" in grouping.uses]
    return [columns for columns in every if len(columns) == 1 or _known(columns, baseline)]


def reference_group(columns: Key, baseline: Profile, settings: Bias) -> dict[str, str]:
    """The segment that the others of a protected column, or of a pair, are compared with.

    Of a pair it is the largest one, unless the config names a group for one of its columns.

    Raises
    ------
    DataError
        If a configured group is not in the baseline.
    """
    segments = _known(columns, baseline)
    if not segments:
        raise DataError(
            f"No row of the baseline has a value in {columns[0]}, so its groups cannot be compared. "
            "Mend the reference, or take the column out of columns.protected."
        )
    named = settings.reference_group if isinstance(settings.reference_group, dict) else {}
    if len(columns) > 1:
        parts = [reference_group((name,), baseline, settings) for name in columns if set(columns) & set(named)]
        both = {name: value for part in parts for name, value in part.items()}
        return both if both in segments else segments[0]
    wanted = named.get(columns[0], "largest") if named else settings.reference_group
    if wanted == "largest" or not isinstance(wanted, str):
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


def _known(columns: Key, baseline: Profile) -> list[dict[str, str]]:
    return [segment for segment in baseline.segments(columns) if not {OTHER, MISSING} & set(segment.values())]
