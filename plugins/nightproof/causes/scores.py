"""Broken scores of a binary classifier: inverted, cut off, rounded, all alike; and classes taken for each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from nightproof.causes.case import Case, Suspect
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.psi import psi
from nightproof.metrics.roc_auc import roc_auc
from nightproof.profiles import Profile
from nightproof.profiles.score_grid import centre_of
from nightproof.profiles.spec import Binary, Multiclass
from nightproof.verdict import Cause
from nightproof.words import number, percent, plain

LEAST_ROWS = 30
EMPTIED = 0.15
"""A cap is told where at least this share of the baseline's scores lay beyond it: fewer may lack on a calm night."""
MIRRORED = 0.4
"""An inverted score keeps at least so much of what it told, the other way round."""
PILED = 0.02
"""… or where more than this share of rows is at the very end and the baseline had half as much beyond."""
DOUBLED = 0.2
"""Rows that are there twice are told from this share on: fewer may meet where features are coarser than they were."""
COARSE = 0.2
"""Scores are rounded where there are fewer different ones than this share of those to be expected."""

Counts = npt.NDArray[np.int64]


def broken_scores(case: Case) -> Iterator[Suspect]:
    """What is wrong with the outputs, by their own values and by how they go with the labels."""
    task = case.current.spec.task
    if isinstance(task, Binary):
        now, then = case.current.score_cells, case.baseline.score_cells
        if now[1].sum() >= LEAST_ROWS and then[1].sum() >= LEAST_ROWS:
            inverted = _inverted(case, task.score)
            yield from [inverted] if inverted else _shape(case, task.score, now, then)
    elif isinstance(task, Multiclass):
        yield from _exchanged(case, task)


def _fault(column: str, text: str, weight: float) -> Suspect:
    return Suspect(Cause(kind="data_fault", text=f"{plain(column)} {text}", columns=(column,)), weight, (column,))


def _inverted(case: Case, score: str) -> Suspect | None:
    now, then = roc_auc(case.current.scores), roc_auc(case.baseline.scores)
    if not isinstance(now, Estimate) or not isinstance(then, Estimate) or now.high >= 0.5 or then.low <= 0.5:
        return None
    # Rows without any order may come out a little below one half.
    if 0.5 - now.value < MIRRORED * (then.value - 0.5):
        return None
    straight, mirrored = (_apart(case, score, step) for step in (1, -1))
    label = case.current.spec.label
    text = f"orders rows the wrong way round (ROC AUC {number(now.value)}, below 0.5)"
    if mirrored is not None and straight is not None and mirrored < straight:
        return _fault(score, f"{text}, and its mirror image is spread as it was: the classes are swapped", 0.98)
    found = _fault(score, f"{text} though it is spread as it was: {plain(label)} is inverted", 0.98)
    cause = found.cause.model_copy(update={"columns": (label, score)})
    return Suspect(cause, found.weight, (label, score))


def _apart(case: Case, score: str, step: int) -> float | None:
    found = psi(np.ascontiguousarray(case.current.bins(score)[::step]), case.baseline.bins(score))
    return None if isinstance(found, Unknown) else found.estimate.value


Cells = tuple[Counts, Counts]
"""Cells of the score grid, rising, and their rows."""


def _shape(case: Case, score: str, now: Cells, then: Cells) -> Iterator[Suspect]:
    rows = int(now[1].sum())
    if len(now[0]) == 1:
        if len(then[0]) > 1:
            yield _fault(score, f"is {number(float(centre_of(now[0])[0]))} in every row", 0.97)
        return
    expected = float((1.0 - (1.0 - then[1] / then[1].sum()) ** rows).sum())
    if len(now[0]) < COARSE * expected:
        text = f"has only {len(now[0])} different values, where about {expected:.0f} are to be expected: rounded"
        yield _fault(score, text, 0.95)
        return
    # Another version has scores of its own, and may have fewer different ones.
    if case.new_version is None and (again := _doubled(now[1], then[1])) >= DOUBLED:
        yield _twice(case, again)
    yield from _cut(score, now, then, upper=True)
    yield from _cut(score, now, then, upper=False)


def _doubled(now: Counts, then: Counts) -> float:
    """Share of rows whose score is there twice, beyond what as many rows of the baseline would show.

    Of ``n`` rows drawn without replacement from the baseline's, the expected number of cells that hold exactly two
    is a sum of hypergeometric probabilities (rarefaction). 0 where the baseline has fewer rows.
    """
    # A second to import: only a night that regressed is explained.
    from scipy.stats import hypergeom

    rows, known = int(now.sum()), int(then.sum())
    if rows > known:
        return 0.0
    held, times = np.unique(then, return_counts=True)
    expected = float((hypergeom.pmf(2, known, held, rows) * times).sum())
    return max(2.0 * (int((now == 2).sum()) - expected) / rows, 0.0)


def _twice(case: Case, share: float) -> Suspect:
    found = case.explanation
    grown = (
        [part.moved.segment for part in found.parts if part.moved and part.moved.now > part.moved.then] if found else []
    )
    columns = tuple(name for name in (case.current.spec.id, *(grown[0] if grown else ())) if name)
    text = f"about {percent(share)} of rows share their very score with one other row: rows look logged twice"
    return Suspect(Cause(kind="data_fault", text=text, columns=columns), 0.85)


def _cut(score: str, now: Cells, then: Cells, *, upper: bool) -> Iterator[Suspect]:
    end = -1 if upper else 0
    beyond = then[0] > now[0][end] if upper else then[0] < now[0][end]
    lost, piled = float(then[1][beyond].sum() / then[1].sum()), float(now[1][end] / now[1].sum())
    # That so many rows of the baseline's kind all lie within by chance.
    chance = (1.0 - lost) ** float(now[1].sum())
    at_end = piled > PILED and lost > piled / 2.0
    if chance < 1e-3 and (lost >= EMPTIED or at_end):
        edge = number(float(centre_of(now[0])[end]))
        way, side = ("above", "capped") if upper else ("below", "cut off from below")
        there = f", and {percent(piled)} of rows are at {edge}" if at_end else ""
        text = f"is never {way} {edge}, where {percent(lost)} of rows are on the baseline{there}: {side}"
        yield _fault(score, text, 0.95 if at_end else 0.6)


def _exchanged(case: Case, task: Multiclass) -> Iterator[Suspect]:
    """Two classes each of which is mostly predicted where the other is true, and was not on the baseline."""
    now, then = (_rates(profile) for profile in (case.current, case.baseline))
    if now is None or then is None:
        return
    for i in range(len(task.classes)):
        for j in range(i):
            if (
                min(now[i, j] - now[i, i], now[j, i] - now[j, j])
                > 0.0
                < min(then[i, i], then[j, j]) - max(then[i, j], then[j, i])
            ):
                pair = (task.scores[j], task.scores[i])
                text = f"and {plain(pair[1])} look exchanged: each is mostly predicted where the other class is true"
                found = _fault(pair[0], text, 0.95)
                yield Suspect(found.cause.model_copy(update={"columns": pair}), found.weight, pair)


def _rates(profile: Profile) -> npt.NDArray[np.float64] | None:
    table = profile.confusion()
    rows = table.sum(axis=1)
    if rows.sum() < LEAST_ROWS:
        return None
    return np.asarray(table / np.maximum(rows, 1.0)[:, None], dtype=np.float64)
