"""Which groups are too small to show, and which others cover for them.

A small group's numbers are not shown. If it is the only one, they are all rows' less those of the
others, and can be worked out. So one more group covers for it: the largest other one that is not
the reference is shown with its counts rounded to fives (base rounding [1]_), so that what can be
worked out of the small group is off by up to two rows in every count. To withhold that group
altogether would hide the harm of many behind the privacy of a few; and it is judged on its exact
counts all the same.

References
----------
.. [1] A. Hundepool et al., "Statistical Disclosure Control", Wiley (2012), chapter 5,
   doi:10.1002/9781118348239.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from nightproof.checks.finding import Finding
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.rates import wilson
from nightproof.profiles.spec import MISSING, OTHER
from nightproof.profiles.sums import Outcomes
from nightproof.words import number

Key = tuple[str, ...]
"""A group: its value in each column."""

BASE = 5
"""What the counts of a covering group are rounded to."""
ROUNDED = "counts are rounded to fives, so that those of a group too small to show cannot be worked out"
_JUDGED = {
    "ok": "not beyond the limit of {limit:g}",
    "watch": "beyond the limit of {limit:g}",
    "insufficient_data": "too few rows to tell of the limit of {limit:g}",
}
_NUMBERS = ("value", "interval", "baseline", "delta", "delta_interval", "detectable", "n")


def covers(rows: Mapping[Key, int], small: Collection[Key], *, reference: Key) -> set[Key]:
    """Groups that cover for the small ones.

    Groups of one column stand in one line, those of a pair in a table whose row and column totals
    are shown elsewhere. A line with a single group that is not shown exactly gives that group away,
    so the largest other one of the line covers for it, until no line has a single one.

    Parameters
    ----------
    rows
        Labelled rows of every group.
    small
        Those that are too small to show. A missing or unknown value is no group of people whose
        members anybody knows, so it needs no cover; but it is cover for another.
    reference
        Covers only where nothing else is left to.

    Returns
    -------
    set
        Empty where no small group can be worked out.
    """
    hidden, lines = set(small), _lines(rows)
    while True:
        added = {cover for line in lines if (cover := _cover(line, hidden, rows, reference)) is not None}
        if not added:
            return hidden - set(small)
        hidden |= added


def rounded(rows: Outcomes) -> Outcomes:
    """A group's counts, each rounded to the nearest five."""
    tp, fp, fn, tn = (_round(count) for count in (rows.tp, rows.fp, rows.fn, rows.tn))
    selected, passed = rows.selected - rows.tp - rows.fp, rows.passed - rows.fn - rows.tn
    return Outcomes(tp, fp, fn, tn, tp + fp + _round(selected), fn + tn + _round(passed))


def rounded_share(share: Estimate | Unknown) -> Estimate | Unknown:
    """A share of a group's rows as its rounded counts give it."""
    if isinstance(share, Unknown):
        return share
    n = _round(share.n)
    return wilson(min(n, _round(share.value * share.n)), n)


def covering(exact: Iterable[Finding], shown: Iterable[Finding]) -> Iterator[Finding]:
    """Findings judged on exact counts and told in rounded ones.

    Parameters
    ----------
    exact, shown
        The same findings from exact and from rounded counts. What rounding leaves nothing of is
        told without numbers.
    """
    told = {(finding.metric, finding.tolerance): finding for finding in shown}
    for finding in exact:
        other = told.get((finding.metric, finding.tolerance))
        if finding.value is None or other == finding:
            yield finding
        elif other is None or other.value is None:
            numbers = dict.fromkeys(_NUMBERS) | {"n": _round(finding.n)}
            yield finding.model_copy(update=numbers | {"reason": f"Not shown; {_judged(finding)}{ROUNDED}."})
        else:
            said = f"{other.reason[:-1]}; "
            if other.status != finding.status:
                said = f"{number(other.value)}; {_judged(finding)}"
            numbers = {name: getattr(other, name) for name in _NUMBERS}
            yield finding.model_copy(update=numbers | {"reason": f"{said}{ROUNDED}."})


def _judged(finding: Finding) -> str:
    if finding.tolerance is None:
        return ""
    return _JUDGED[finding.status].format(limit=finding.tolerance) + "; "


def _round(count: float) -> int:
    return BASE * int((count + BASE / 2) // BASE)


def _lines(rows: Mapping[Key, int]) -> list[list[Key]]:
    if all(len(key) == 1 for key in rows):
        return [list(rows)]
    lines: dict[tuple[int, str], list[Key]] = {}
    for key in rows:
        for place, value in enumerate(key):
            lines.setdefault((place, value), []).append(key)
    return list(lines.values())


def _cover(line: list[Key], hidden: Collection[Key], rows: Mapping[Key, int], reference: Key) -> Key | None:
    alone = [key for key in line if key in hidden]
    shown = [key for key in line if key not in hidden]
    if len(alone) != 1 or not shown or {MISSING, OTHER} & set(alone[0]):
        return None
    return min(shown, key=lambda key: (key == reference, -rows[key], key))
