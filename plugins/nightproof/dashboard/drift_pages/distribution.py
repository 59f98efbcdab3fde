"""A column's distribution: its bins or values in two profiles side by side, with the rows in each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.words import edges

if TYPE_CHECKING:
    from nightproof.profiles import Profile

CATEGORIES = 25
"""Values of a categorical column that are shown one by one."""
NEW = 12
"""Unknown values that are named."""
Kind = Literal["number", "category", "class", "hashed"]


class Bin(View):
    """One bin of a number, or one value of a category."""

    name: str
    now: int
    """Rows."""
    now_share: float
    """Of the rows that have a value."""
    then: int
    then_share: float


class Distribution(View):
    """A column in two profiles; shares are of the rows that have a value."""

    kind: Kind
    bins: tuple[Bin, ...]
    rows: tuple[int, int]
    """All rows of each."""
    missing: tuple[int, int]
    """Rows without a value of each."""
    mean: tuple[float | None, float | None]
    """Of a number."""
    range: tuple[tuple[float, float] | None, tuple[float, float] | None]
    """Least and largest value of a number, rounded outwards so that they are nobody's."""
    outside: tuple[int, int]
    """Rows of the first below and above all of the baseline's."""
    unseen: tuple[tuple[str, int], ...]
    """Some values that the baseline does not know, with their rows."""

    @property
    def largest(self) -> float:
        """The largest share of any bin."""
        return max([max(bin_.now_share, bin_.then_share) for bin_ in self.bins], default=0.0)


def distribution(column: str, now: Profile, then: Profile) -> Distribution | None:
    """A column in two profiles of one spec; ``None`` where the column is not counted by bin.

    Parameters
    ----------
    column
        A feature, an output, or the label.
    now, then
        The night's profile and the one beside it.
    """
    spec = now.spec
    if column in spec.numeric:
        return _number(column, now, then)
    if column in spec.categorical:
        return _category(column, now, then)
    return _label(now, then) if column == spec.label else None


def _number(column: str, now: Profile, then: Profile) -> Distribution:
    texts = edges(now.spec.numeric[column].edges)
    names = ["any value"]
    if texts:
        inner = [f"over {low} to {high}" for low, high in pairwise(texts)]
        names = [f"up to {texts[0]}", *inner, f"over {texts[-1]}"]
    return _made("number", names, _counts(now, column), _counts(then, column), column, now, then)


def _category(column: str, now: Profile, then: Profile) -> Distribution:
    feature = now.spec.categorical[column]
    counts, known = _counts(now, column), _counts(then, column)
    if feature.buckets:
        return _made("hashed", *_hashed(counts, known, feature.vocabulary), column, now, then)
    rows = list(zip(feature.vocabulary, counts, known, strict=False))
    largest = sorted(range(len(rows)), key=lambda i: (-max(_share(counts, i), _share(known, i)), i))[:CATEGORIES]
    kept = sorted(largest)  # as in the vocabulary: the baseline's most frequent value first
    others = [i for i in range(len(rows)) if i not in set(kept)]
    told = [rows[i] for i in kept]
    if others:
        told.append((f"{len(others)} others", sum(counts[i] for i in others), sum(known[i] for i in others)))
    if counts[-1] or known[-1]:
        told.append(("(not in the baseline)", counts[-1], known[-1]))
    names, first, second = (list(part) for part in zip(*told, strict=True)) if told else ([], [], [])
    return _made("category", names, first, second, column, now, then)


def _hashed(
    counts: Sequence[int], known: Sequence[int], vocabulary: Sequence[str]
) -> tuple[list[str], list[int], list[int]]:
    """Of a column with too many values to list: the listed ones, and all others together."""
    kept = min(len(vocabulary), CATEGORIES)
    names = [*vocabulary[:kept], "all other values"]
    return names, [*counts[:kept], sum(counts[kept:])], [*known[:kept], sum(known[kept:])]


def _label(now: Profile, then: Profile) -> Distribution | None:
    task = now.spec.task
    if task.kind == "binary":
        names = ["0", "1"]
        found = [profile.outcomes() for profile in (now, then)]
        counts = [[round(rows.labelled - rows.positives), round(rows.positives)] for rows in found]
    elif task.kind == "multiclass":
        names = list(task.classes)
        counts = [[round(float(n)) for n in profile.confusion().sum(axis=1)] for profile in (now, then)]
    else:
        return None
    unlabelled = [profile.rows - profile.size()[1] for profile in (now, then)]
    return _of("class", names, counts[0], counts[1], rows=(now.rows, then.rows), missing=(unlabelled[0], unlabelled[1]))


def _made(
    kind: Kind,
    names: Sequence[str],
    now_counts: Sequence[int],
    then_counts: Sequence[int],
    column: str,
    now: Profile,
    then: Profile,
) -> Distribution:
    missing = now.missing(column), then.missing(column)
    found = _of(kind, names, now_counts, then_counts, rows=(now.rows, then.rows), missing=missing)
    if kind == "number":
        shown = {"mean": (now.mean(column), then.mean(column)), "range": (now.range(column), then.range(column))}
        return found.model_copy(update=shown | {"outside": now.outside(column)})
    return found.model_copy(update={"unseen": tuple(now.unseen(column).items())[:NEW]})


def _of(
    kind: Kind,
    names: Sequence[str],
    now: Sequence[int],
    then: Sequence[int],
    *,
    rows: tuple[int, int],
    missing: tuple[int, int],
) -> Distribution:
    bins = [
        Bin(name=name, now=now[i], now_share=_share(now, i), then=then[i], then_share=_share(then, i))
        for i, name in enumerate(names)
    ]
    while kind == "number" and len(bins) > 1 and not (bins[-1].now or bins[-1].then):
        bins.pop()  # above all that was ever seen: as a rule, empty
    return Distribution(
        kind=kind,
        bins=tuple(bins),
        rows=rows,
        missing=missing,
        mean=(None, None),
        range=(None, None),
        outside=(0, 0),
        unseen=(),
    )


def _counts(profile: Profile, column: str) -> list[int]:
    return [int(count) for count in profile.bins(column)]


def _share(counts: Sequence[int], place: int) -> float:
    total = sum(counts)
    return counts[place] / total if total else 0.0
