"""What a bias audit under New York City's Local Law 144 of 2021 has to show, from the night's findings.

Rules of the City of New York, title 6, subchapter T (6 RCNY § 5-300 to § 5-304):

* § 5-300: the impact ratio is the selection rate of a category over that of the **most selected**
  category, or its scoring rate over that of the highest scoring one; the scoring rate is the share
  of a category that scores above the sample's median score.
* § 5-301(b), (c): for sex categories, for race/ethnicity categories, and for their intersections;
  with the number of those assessed whose category is unknown.
* § 5-301(d): a category of less than 2 % of the data may be left out of the ratios, with a reason;
  its number and its rate are shown all the same.

Nightproof cannot know which column holds sex and which race or ethnicity, nor is it the independent
auditor that the law asks for: it shows every protected column and every pair this way.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.metrics.estimate import Estimate, ratio
from nightproof.profiles.spec import MISSING, OTHER
from nightproof.report.bias_groups import Column, Group
from nightproof.report.block import Block, Table, Text
from nightproof.words import NONE, ends, number

LEAST_SHARE = 0.02
"""§ 5-301(d)."""
_RATES = ("selection_rate", "scoring_rate")


def view(column: Column) -> list[Block]:
    """The table of one protected column, or pair, and what it leaves out."""
    total = sum(group.rows for group in column.groups) + sum(column.small.values())
    known = [group for group in column.groups if not {MISSING, OTHER} & set(group.key)]
    counted = [group for group in known if group.rows >= LEAST_SHARE * total]
    top = {rate: _highest(counted, rate) for rate in _RATES}
    header = (
        "Category",
        "Assessed",
        "Selection rate",
        "Impact ratio",
        "Scoring rate",
        "Impact ratio\n(scoring)",
        "Note",
    )
    rows = tuple(_row(group, top, is_counted=group in counted) for group in known)
    return [Text(_text(column)), Table(header, rows)]


def _text(column: Column) -> str:
    unknown = sum(group.rows for group in column.groups if {MISSING, OTHER} & set(group.key))
    unknown += sum(n for key, n in column.small.items() if {MISSING, OTHER} & set(key))
    hidden = [key for key in column.small if not {MISSING, OTHER} & set(key)]
    small = f" Categories too small to show: {len(hidden)}." if hidden else ""
    return (
        "Impact ratios as 6 RCNY § 5-300 defines them: over the rate of the **most selected** (or highest scoring) "
        "category, not over that of the configured reference group. The scoring rate is the share that scores above "
        "the median of all labelled rows. A category of less than 2 % of the data is left out of the ratios, as "
        "§ 5-301(d) allows an auditor to do for a stated reason; its number and rates are shown. Assessed in an "
        f"unknown category, and so left out: {unknown:,}.{small} Intervals are those of two groups and do not count "
        "that the highest was picked. This is evidence for a bias audit, not the independent audit that the law asks "
        "for."
    )


def _highest(groups: Sequence[Group], rate: str) -> Estimate | None:
    found = [estimate for group in groups if (estimate := _estimate(group, rate))]
    return max(found, key=lambda estimate: estimate.value, default=None)


def _row(group: Group, top: dict[str, Estimate | None], *, is_counted: bool) -> tuple[str, ...]:
    cells: list[str] = []
    notes = [] if is_counted else ["under 2 % of the data: left out of the ratios"]
    for rate, word in zip(_RATES, ("most selected", "highest scoring"), strict=True):
        own, highest = _estimate(group, rate), top[rate]
        cells.append("not known" if own is None else f"{number(own.value)}{ends(own.interval)}")
        if own is None or highest is None or not is_counted or highest.value == 0.0:
            cells.append(NONE)
        elif own == highest:
            cells.append("1.000")
            notes.append(word)
        else:
            found = ratio(own, highest)
            cells.append(f"{number(found.value)}{ends(found.interval)}")
    return group.name, f"{group.rows:,}", *cells, ", ".join(notes)


def _estimate(group: Group, rate: str) -> Estimate | None:
    f = group.found.get(rate)
    if f is None or f.value is None or f.interval is None:
        return None
    return Estimate(f.value, *f.interval, f.n)
