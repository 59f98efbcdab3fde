"""Groups: what moved in the one group, or segment, that a finding is about."""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.causes.case import Case, Suspect
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.losses import mean_loss
from nightproof.metrics.partition import METRIC, task_loss
from nightproof.metrics.rates import wilson
from nightproof.profiles.spec import Binary
from nightproof.profiles.sums import Outcomes
from nightproof.verdict import Cause
from nightproof.words import METRICS, number, percent, plain, segment

WEIGHT = 0.3
"""Less than any fault or attribution that explains a good part: it says where and what, and not why."""


def moved_groups(case: Case) -> Iterator[Suspect]:
    """What surely moved in the segment of the worst finding and did not in all rows alike."""
    worst = case.worst
    if worst is None or not worst.segment or case.current.size(worst.segment)[0] == 0:
        return
    if worst.check == "bias" and isinstance(case.current.spec.task, Binary):
        yield from _rates(case, worst.segment)
    else:
        yield from _losses(case, worst.segment)


def _rates(case: Case, rows: dict[str, str]) -> Iterator[Suspect]:
    """Whether the labels of a group moved, or what is predicted for it."""
    counts = [profile.outcomes(rows) for profile in (case.current, case.baseline)]
    labels, selected = (_moved(rate(counts[0]), rate(counts[1])) for rate in (_label_rate, _selection_rate))
    label = plain(case.current.spec.label)
    if labels:
        text = f"where {segment(rows)}, {label} is 1 in {labels} of labelled rows"
        yield Suspect(Cause(kind="label_shift", text=text, columns=(case.current.spec.label,), segment=rows), WEIGHT)
    if selected:
        kept = "" if labels else f", while {label} is 1 as often as before"
        text = f"where {segment(rows)}, {selected} of rows are predicted positive{kept}"
        yield Suspect(Cause(kind="concept", text=text, columns=tuple(rows), segment=rows), WEIGHT + 0.01)


def _label_rate(rows: Outcomes) -> Estimate | Unknown:
    return wilson(rows.positives, rows.labelled)


def _selection_rate(rows: Outcomes) -> Estimate | Unknown:
    return wilson(rows.selected, rows.rows)


def _moved(now: Estimate | Unknown, then: Estimate | Unknown) -> str | None:
    """Both rates in words, where they surely differ."""
    if isinstance(now, Unknown) or isinstance(then, Unknown):
        return None
    change = difference(now, then)
    sure = change.low > 0.0 or change.high < 0.0
    return f"{percent(now.value)} (on the baseline {percent(then.value)})" if sure else None


def _losses(case: Case, rows: dict[str, str]) -> Iterator[Suspect]:
    loss = task_loss(case.current.spec)
    if loss is None:
        return
    now, then = (mean_loss(profile.loss(loss, rows)) for profile in (case.current, case.baseline))
    if isinstance(now, Unknown) or isinstance(then, Unknown) or difference(now, then).low <= 0.0:
        return
    name = METRICS[METRIC[loss]]
    text = (
        f"such rows are predicted worse than before where {segment(rows)} ({name} {number(now.value)}, "
        f"{number(then.value)} on the baseline)"
    )
    yield Suspect(Cause(kind="concept", text=text, columns=tuple(rows), segment=rows), WEIGHT - 0.1)
