"""Broken columns: values that are missing, unknown, gone, out of range, all alike or in another unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nightproof.causes.case import Case, Suspect, plainness
from nightproof.causes.units import conversion
from nightproof.metrics.category_change import category_change
from nightproof.profiles import Profile
from nightproof.verdict import Cause
from nightproof.words import number, percent, plain

NAMED = 3
"""Values that a sentence names."""
ALIKE = 0.99
"""A column with one value in at least this share of rows, and not on the baseline, is constant."""
EMPTIED, LEAST_ROWS = 0.3, 200
"""A number is told to have left ranges that held this share of the baseline's rows, from so many rows on."""
GONE = 0.05
"""Values that had at least this share of the baseline's rows are missed; rarer ones come and go with the season."""


def broken_columns(case: Case) -> Iterator[Suspect]:
    """What is wrong with single features, by their own values."""
    for column in case.current.spec.features:
        found = _missing(case, column)
        found = found or _constant(case, column)
        if column in case.current.spec.numeric:
            found = found or _converted(case, column) or _outside(case, column) or _emptied(case, column)
        else:
            found = found or _unseen(case, column) or _vanished(case, column)
        if found is not None:
            yield found


def _fault(case: Case, column: str, text: str, bins: Sequence[int] = (), *, unknown: float = 0.9) -> Suspect:
    share = case.share_of_rows(column, bins) if len(bins) else None
    cause = Cause(kind="data_fault", text=f"{plain(column)} {text}", share=share, columns=(column,))
    return Suspect(cause, plainness(share, unknown=unknown), (column,))


def _rows(profile: Profile, column: str) -> int:
    return int(profile.feature(column).rows.sum())


def _missing(case: Case, column: str) -> Suspect | None:
    if not case.drifted("missing_rate", column):
        return None
    now, then = (p.missing(column) / max(_rows(p, column), 1) for p in (case.current, case.baseline))
    if now <= then:
        return None
    return _fault(case, column, f"is missing in {percent(now)} of rows, {percent(then)} on the baseline", [-1])


def _constant(case: Case, column: str) -> Suspect | None:
    now, then = case.current.bins(column), case.baseline.bins(column)
    rows, known = int(now.sum()), int(then.sum())
    place = int(np.argmax(now))
    if rows < 30 or not known or now[place] < ALIKE * rows or then[place] > 0.9 * known:
        return None
    span = case.current.range(column) if column in case.current.spec.numeric else None
    if span is not None and span[0] != span[1]:
        return None
    value = f"{span[0]:g}" if span else _value(case, column, place)
    if value is None:
        return None
    return _fault(case, column, f"is {value} in {percent(now[place] / rows)} of rows, as if it were not filled")


def _value(case: Case, column: str, place: int) -> str | None:
    """The one value of a category's bin; ``None`` where there are several."""
    vocabulary = case.current.spec.categorical[column].vocabulary
    if place < len(vocabulary):
        return plain(vocabulary[place], 40)
    unseen = list(case.current.unseen(column))
    return plain(unseen[0], 40) if len(unseen) == 1 else None


def _converted(case: Case, column: str) -> Suspect | None:
    if not (case.drifted("psi", column) or case.drifted("outside_rate", column)):
        return None
    now, then = case.current.bins(column), case.baseline.bins(column)
    found = conversion(now, then, case.current.spec.numeric[column], mean=case.current.mean(column))
    if found is None:
        return None
    means = (case.current.mean(column), case.baseline.mean(column))
    return _fault(case, column, f"{found.text}: its mean is {number(means[0])}, {number(means[1])} on the baseline")


def _emptied(case: Case, column: str) -> Suspect | None:
    """A number that has left the range of many rows altogether, which weather does not do."""
    now, then = case.current.bins(column), case.baseline.bins(column)
    span, lost = case.current.range(column), float(then[now == 0].sum() / max(int(then.sum()), 1))
    if span is None or now.sum() < LEAST_ROWS or lost < EMPTIED:
        return None
    text = (
        f"is never where {percent(lost)} of rows are on the baseline, only in {span[0]:g} to {span[1]:g}: "
        "another unit, a default, or a cut"
    )
    return _fault(case, column, text, unknown=0.75)


def _outside(case: Case, column: str) -> Suspect | None:
    if not case.drifted("outside_rate", column):
        return None
    below, above = case.current.outside(column)
    rows, feature = int(case.current.bins(column).sum()), case.current.spec.numeric[column]
    share, ends = (below + above) / max(rows, 1), f"{feature.low:g} to {feature.high:g}"
    bins = [len(feature.edges)] if above >= below else [0]
    return _fault(case, column, f"is out of the baseline's range ({ends}) in {percent(share)} of rows", bins)


def _unseen(case: Case, column: str) -> Suspect | None:
    if not case.drifted("unseen_rate", column):
        return None
    new, gone = list(case.current.unseen(column)), _gone(case, column)
    rate = case.current.bins(column)[-1] / max(int(case.current.bins(column).sum()), 1)
    lost = sum(share for _, share in gone)
    text = f"has values in {percent(rate)} of rows that the baseline does not know ({_listed(new)})"
    # What one name loses another one gains, give or take a night's own mix.
    if gone and 0.5 < lost / rate < 2.0:
        old = [value for value, _ in gone]
        alike = {_bare(value) for value in old} & {_bare(value) for value in new}
        how = "the same values, written otherwise" if alike else "renamed"
        text += f", and none of {_listed(old)}, {percent(lost)} on the baseline: {how}"
    return _fault(case, column, text, [-2])


def _bare(value: str) -> str:
    return "".join(character for character in value.casefold() if character.isalnum())


def _gone(case: Case, column: str) -> list[tuple[str, float]]:
    """Values of the baseline that no row has, with their shares there, the largest first."""
    feature = case.current.spec.categorical[column]
    if feature.buckets:
        return []
    now, then = case.current.bins(column), case.baseline.bins(column)
    # All of them may be gone: values that are new are one more, which the baseline has not.
    change = category_change(now, np.append(then[:-1], 0))
    return [(feature.vocabulary[value.index], value.share) for value in change.vanished]


def _vanished(case: Case, column: str) -> Suspect | None:
    gone = [(value, share) for value, share in _gone(case, column) if share >= GONE]
    if not gone:
        return None
    share = _by_mix(case, column)
    values = [value for value, _ in gone]
    text = f"is {_listed(values)} in no row, {percent(sum(s for _, s in gone))} on the baseline: rows are lost"
    segment = {column: values[0]} if len(values) == 1 else {}
    cause = Cause(kind="data_fault", text=f"{plain(column)} {text}", share=share, columns=(column,), segment=segment)
    return Suspect(cause, max(plainness(share), 0.75), (column,))


def _by_mix(case: Case, column: str) -> float | None:
    parts = case.explanation.parts if case.explanation else ()
    mix = next((part.mix.value for part in parts if part.columns == (column,)), None)
    return None if mix is None else case.share(mix)


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(plain(value, 40) for value in values[:NAMED])
    return f"{shown} and {len(values) - NAMED} more" if len(values) > NAMED else shown
