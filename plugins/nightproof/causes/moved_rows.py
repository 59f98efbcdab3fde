"""Moved rows: other rows than before (mix), the same rows that mean something else (concept), other labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nightproof.causes.case import LEAST_SHARE, Case, Suspect
from nightproof.causes.place import worst_place
from nightproof.checks.explanation import by_chance
from nightproof.metrics.estimate import Estimate
from nightproof.metrics.mix import Part
from nightproof.metrics.partition import METRIC, task_loss
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile
from nightproof.profiles.spec import Binary
from nightproof.verdict import Cause
from nightproof.words import METRICS, number, percent, plain, segment

MOST_MIXES = 2
MIX, CONCEPT, LABELS = 0.7, 0.65, 0.4
"""Weights of a mix, a concept and a shift of labels that explain everything."""


def moved_rows(case: Case) -> Iterator[Suspect]:
    """Mix, concept and label shift, as far as the attribution tells them."""
    yield from _mixes(case)
    yield from _concept(case)
    yield from _label_shift(case)


def _mixes(case: Case) -> Iterator[Suspect]:
    found = case.explanation
    if case.harm is None or found is None or by_chance(found):
        if case.foretold is not None and case.foretold >= 0.5:
            yield Suspect(_foretold_mix(case, case.foretold), MIX * case.foretold)
        return
    for part in found.leading(MOST_MIXES):
        share = case.share(part.mix.value)
        if share is not None and share >= LEAST_SHARE:
            yield Suspect(_mix(part, share), MIX * share, part.columns)


def _mix(part: Part, share: float) -> Cause:
    moved = part.moved
    if moved is None:
        return Cause(kind="mix", text=f"the mix of {plain(part.name)} moved", share=share, columns=part.columns)
    way = "more" if moved.now > moved.then else "fewer"
    text = f"{way} rows than before have {_having(moved.segment)}"
    text += f" ({percent(moved.now)}, {percent(moved.then)} on the baseline)"
    return Cause(kind="mix", text=text, share=share, columns=part.columns, segment=moved.segment)


def _having(values: dict[str, str]) -> str:
    return " and ".join(f"{plain(name)} {plain(value)}" for name, value in values.items())


def _foretold_mix(case: Case, share: float) -> Cause:
    moved = [f for f in case.findings if f.check == "drift" and f.metric == "psi" and f.status == "watch" and f.column]
    moved = [f for f in moved if f.column in case.current.spec.features]
    columns = tuple(f.column or "" for f in sorted(moved, key=lambda f: -(f.value or 0.0))[:3])
    about = f", most by {', '.join(map(plain, columns))}" if columns else ""
    return Cause(kind="mix", text=f"other rows came than on the baseline{about}", share=share, columns=columns)


def _concept(case: Case) -> Iterator[Suspect]:
    share = _worsening(case)
    # Harm in some rows may be gain in others: a slice is worse even where the whole may be chance.
    place = worst_place(case)
    if share is None and place is None:
        return
    weight = CONCEPT * (share if share is not None else 0.6)
    if place is None:
        if share is None or share < LEAST_SHARE:
            return
        text = "rows like before are predicted worse, about everywhere: labels follow other rules, or the model does"
        yield Suspect(Cause(kind="concept", text=text, share=share), weight)
        return
    part = case.share(place.contribution)
    loss = METRICS[METRIC[task_loss(case.current.spec) or "brier"]]
    text = (
        f"such rows are predicted worse than before where {segment(place.segment)} ({percent(place.share)} of rows; "
        f"{loss} {number(place.now.value)}, {number(place.then.value)} on the baseline)"
    )
    cause = Cause(kind="concept", text=text, share=part, columns=tuple(place.segment), segment=place.segment)
    yield Suspect(cause, max(weight, CONCEPT * (part or 0.0)))


def _worsening(case: Case) -> float | None:
    """Share of the harm that the rows alone do not explain."""
    if case.foretold is not None:
        return 1.0 - case.foretold
    if case.explanation is None or case.harm is None:
        return None
    leading = case.explanation.leading(1)
    return case.share(leading[0].worsening.value) if leading else 1.0


def _label_shift(case: Case) -> Iterator[Suspect]:
    """Labels more, or less, often positive than the scores foretell, in all rows alike; binary models only."""
    label, rates = case.current.spec.label, [_positive(p) for p in (case.current, case.baseline)]
    now, then = rates
    if now is None or then is None or not (now.low > then.high or now.high < then.low):
        return
    task = case.current.spec.task
    if isinstance(task, Binary) and case.drifted("psi", task.score):
        return
    foretold = case.foretold or 0.0
    size = float(np.clip(abs(now.value - then.value) / max(then.value, 1.0 - then.value, 1e-9) * 4.0, 0.0, 1.0))
    text = f"{plain(label)} is 1 in {percent(now.value)} of labelled rows, {percent(then.value)} on the baseline, "
    text += "while the scores stay as they were"
    yield Suspect(Cause(kind="label_shift", text=text, columns=(label,)), LABELS * size * (1.0 - foretold))


def _positive(profile: Profile) -> Estimate | None:
    if not isinstance(profile.spec.task, Binary):
        return None
    rows = profile.outcomes()
    found = wilson(rows.positives, rows.labelled)
    return found if isinstance(found, Estimate) else None
