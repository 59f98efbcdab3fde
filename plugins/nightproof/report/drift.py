"""The drift section: which inputs moved, how far, and what they look like now."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.profiles import Profile
from nightproof.report.block import Block, Histogram, Section, Table, Text
from nightproof.words import STATUS, counted, edges, ends, label, markdown, nights, number, plain

DRAWN = 6
"""Distributions that are drawn: the score's, those worth a look, then the largest shifts."""
LAGGING = 8
"""Groups whose label coverage is shown."""
CATEGORIES = 15
"""Values of a categorical feature that get a bar of their own."""
_ORDER = ("regression", "watch", "insufficient_data", "ok")


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """Whether the inputs or the scores moved away from the baseline."""
    found = [f for f in evaluation.findings if f.check == "drift"]
    ranked = _ranked(found)
    limit = evaluation.config.checks.drift.min_effect
    text = (
        "Have the inputs or the scores moved away from the baseline? The population stability index (PSI) "
        "is 0 where nothing moved; what small samples add to it is taken away. "
        f"Beyond {limit:g} it is worth a look. Drift alone is no harm, so it wakes nobody."
    )
    blocks: list[Block] = [Text(text), _table(found, ranked, profile)] if ranked else []
    blocks += _coverage(found)
    blocks += _together(found)
    if distances := _distances(found, ranked, profile):
        blocks.append(distances)
    drawn = _drawn(ranked, found, profile)
    if drawn:
        blocks.append(Text(f"### Distributions\n\n{_HOW}"))
    blocks += [_histogram(column, profile, baseline) for column in drawn]
    blocks += _empty(ranked, profile, baseline)
    counts = {status: float(sum(f.status == status for f in found)) for status in STATUS}
    return Section("drift", "Drift", tuple(blocks), counts)


_HOW = (
    "Shares of the rows that have a value. The score is cut in steps of 0.05. A numeric feature is cut where the "
    "baseline has about equal shares, so its bins differ in width and the baseline's bars are about level. "
    "A bin holds what is above its first number, up to and with its second."
)


def _ranked(found: Sequence[Finding]) -> list[str]:
    """Columns by this night's shift, the largest first; what has none comes last."""
    shift = {f.column or "": f.value if f.value is not None else -1.0 for f in _tonight(found, "psi").values()}
    return sorted(shift, key=lambda column: (-shift[column], column))


def _tonight(found: Sequence[Finding], metric: str, window: int = 1) -> dict[str, Finding]:
    return {f.column or "": f for f in found if f.metric == metric and f.window == window}


def _table(found: Sequence[Finding], ranked: Sequence[str], profile: Profile) -> Table:
    windows = sorted({f.window for f in found})
    shifts = {window: _tonight(found, "psi", window) for window in windows}
    missing, outside = _tonight(found, "missing_rate"), _tonight(found, "outside_rate")
    unseen = _tonight(found, "unseen_rate") | _tonight(found, "new_distinct_share")
    header = (
        "Column",
        *(f"PSI, {nights(window)}\n(95 % interval)" for window in windows),
        "Missing\nbaseline",
        "Out of range",
        "Unknown values\nbaseline",
        "Status of this night",
    )
    rows = tuple(
        (
            _name(column, profile),
            *(_shift(shifts[window].get(column)) for window in windows),
            _rate(missing.get(column)),
            _rate(outside.get(column), known=False),
            _rate(unseen.get(column)),
            _status(column, found, profile),
        )
        for column in ranked
    )
    return Table(header, rows)


def _shift(f: Finding | None) -> str:
    if f is None:
        return ""
    sign = "" if f.status == "ok" else STATUS[f.status].split()[0] + " "
    return f"{sign}{number(f.value)}{ends(f.interval)}"


def _rate(f: Finding | None, *, known: bool = True) -> str:
    if f is None:
        return ""
    return f"{number(f.value)}\nwas {number(f.baseline)}" if known and f.baseline is not None else number(f.value)


def _status(column: str, found: Sequence[Finding], profile: Profile) -> str:
    own = [f for f in found if f.column == column and f.window == 1]
    worst = min((f.status for f in own), key=_ORDER.index)
    words = {
        "psi": "shifted",
        "missing_rate": "more missing",
        "unseen_rate": "more unknown values",
        "outside_rate": "out of range",
        "vanished_share": "values gone",
        "label_coverage": "fewer labels",
        "label_coverage_gap": "fewer labels in a group",
    }
    why = [words.get(f.metric, f.metric) for f in own if f.status == worst]
    text = STATUS[worst] if worst in ("ok", "insufficient_data") else f"{STATUS[worst]}: {', '.join(why)}"
    if worst == "insufficient_data":
        text += "\n" + next(plain(f.reason, 200) for f in own if f.status == worst)
    new = list(profile.unseen(column).items()) if column in profile.spec.categorical else []
    if new:
        named = ", ".join(f"{plain(value, 24)} ({counted(rows, 'row')})" for value, rows in new[:3])
        text += f"\nnew: {named}" + (", …" if len(new) > 3 else "")
    return text


def _drawn(ranked: Sequence[str], found: Sequence[Finding], profile: Profile) -> list[str]:
    told = {f.column for f in found if f.metric == "psi" and f.window == 1 and f.value is not None}
    watched = [c for c in ranked if any(f.column == c and f.status == "watch" and f.window == 1 for f in found)]
    order = dict.fromkeys([*profile.spec.outputs, *watched, *ranked])
    return [column for column in order if column in told and _counted(column, profile)][:DRAWN]


def _counted(column: str, profile: Profile) -> bool:
    """Whether a column is counted by bin; a label that is a class is not."""
    return column in profile.spec.numeric or column in profile.spec.categorical


def _coverage(found: Sequence[Finding]) -> list[Block]:
    """How complete the labels are, beside what is usual; groups that lag the most first."""
    every = [f for f in found if f.metric == "label_coverage" and f.value is not None]
    gaps = [f for f in found if f.metric == "label_coverage_gap" and f.value is not None]
    if not every:
        return []
    worst = sorted(gaps, key=lambda f: (_ORDER.index(f.status), -(f.value or 0.0)))[:LAGGING]
    header = ("Labels", "Share of rows,\nor short of all rows by", "Usual at this age", "Rows (n)", "Status")
    rows = tuple(
        (f.subject, f"{number(f.value)}{ends(f.interval)}", number(f.baseline), f"{f.n:,}", STATUS[f.status])
        for f in [*every, *worst]
    )
    more = f" The {LAGGING} groups of {len(gaps):,} that lag most are shown." if len(gaps) > LAGGING else ""
    text = (
        "### How complete the labels are\n\nBeside earlier nights whose labels were counted at the same age: "
        f"labels that come as late as always are no fault.{more}"
    )
    return [Text(text), Table(header, rows)]


def _together(found: Sequence[Finding]) -> list[Block]:
    """How all features together moved."""
    tonight = [f for f in found if f.metric == "reconstruction_error" and f.window == 1 and f.value is not None]
    return [
        Text(
            "**All features together.** The error of rebuilding a row's features from the baseline's principal "
            f"components is {number(f.value)} (baseline {number(f.baseline)}): {STATUS[f.status]}. It rises where "
            "features stop moving together, even if each of them alone looks as before."
        )
        for f in tonight
    ]


_DISTANCES = {
    "jensen_shannon": "Jensen-Shannon",
    "hellinger": "Hellinger",
    "cramers_v": "Cramér's V",
    "kolmogorov_smirnov": "Kolmogorov-\nSmirnov",
    "wasserstein": "Wasserstein\n(baseline sd)",
}


def _distances(found: Sequence[Finding], ranked: Sequence[str], profile: Profile) -> Table | None:
    """The other distances of this night, which are shown and not judged."""
    by_metric = {metric: _tonight(found, metric) for metric in _DISTANCES}
    rows = tuple(
        (_name(column, profile), *(_shift(by_metric[metric].get(column)) for metric in _DISTANCES))
        for column in ranked
        if any(column in told for told in by_metric.values())
    )
    return Table(("Other distances, this night\n(95 % interval)", *_DISTANCES.values()), rows) if rows else None


def _name(column: str, profile: Profile) -> str:
    note = "output" if column in profile.spec.outputs else "label" if column == profile.spec.label else ""
    return f"{plain(column)} ({note})" if note else plain(column)


def _empty(ranked: Sequence[str], profile: Profile, baseline: Profile) -> list[Block]:
    none = [c for c in ranked if _counted(c, profile) and not profile.bins(c).sum() and baseline.bins(c).sum()]
    if not none:
        return []
    named = ", ".join(markdown(column) for column in none[:20])
    return [Text(f"No row of this night has a value of {named}.")]


def _histogram(column: str, profile: Profile, baseline: Profile) -> Histogram:
    if column in profile.spec.numeric:
        names, now, then = _numeric(column, profile, baseline)
    else:
        names, now, then = _categorical(column, profile, baseline)
    title = _name(column, profile)
    axis = f"{label(column)}, {'bins' if column in profile.spec.numeric else 'values'}"
    return Histogram(title, tuple(names), _shares(now), _shares(then), axis)


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    total = sum(counts)
    return tuple(round(int(count) / total, 5) if total else 0.0 for count in counts)


def _numeric(column: str, profile: Profile, baseline: Profile) -> tuple[list[str], list[int], list[int]]:
    texts = edges(profile.spec.numeric[column].edges)
    if not texts:
        names = ["any value"]
    else:
        inner = [f"{low} to {high}" for low, high in pairwise(texts)]
        names = [f"up to {texts[0]}", *inner, f"above {texts[-1]}"]
    now, then = profile.bins(column).tolist(), baseline.bins(column).tolist()
    while len(names) > 1 and not (now[-1] or then[-1]):  # above all that was ever seen: as a rule, empty
        names, now, then = names[:-1], now[:-1], then[:-1]
    return names, now, then


def _categorical(column: str, profile: Profile, baseline: Profile) -> tuple[list[str], list[int], list[int]]:
    vocabulary = profile.spec.categorical[column].vocabulary
    now, then = profile.bins(column).tolist(), baseline.bins(column).tolist()
    shares = list(zip(_shares(now), _shares(then), strict=True))
    large = sorted(range(len(vocabulary)), key=lambda i: (-max(shares[i]), i))[:CATEGORIES]
    kept = sorted(large)  # as in the vocabulary: the baseline's most frequent value first
    names = [label(vocabulary[i], 18) for i in kept]
    others = [i for i in range(len(vocabulary)) if i not in set(kept)]
    counts = [[side[i] for i in kept] for side in (now, then)]
    if others:
        names.append(f"{len(others)} others")
        counts = [[*c, sum(side[i] for i in others)] for c, side in zip(counts, (now, then), strict=True)]
    if now[-1] or then[-1]:
        names.append("unknown")
        counts = [[*c, side[-1]] for c, side in zip(counts, (now, then), strict=True)]
    return names, counts[0], counts[1]
