"""Torn columns: values, or labels, that look as ever and are of other rows.

Nothing in a column's own histogram shows it. Three things do: the labels' ties (see ``ties``), the counts of
pairs of columns, which no longer go together, and the share of a row's features that the baseline's components
cannot rebuild.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightproof.causes.case import Case, Suspect
from nightproof.causes.place import is_confined
from nightproof.causes.ties import Line, Tie, line, ties
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.psi import psi
from nightproof.profiles import Profile
from nightproof.verdict import Cause
from nightproof.words import percent, plain

LOOSE, HELD = 0.55, 0.75
"""A tie below the one has come off; one above the other holds. On nights without a fault they lie in 0.6 to 1.2."""
FLIPPED, MISMATCHED = 0.15, 0.3
"""Shares of replaced labels from which on they are told as flipped, or of other rows: a weaker model looks so too."""
NEAR = 0.12
"""How near the replacing labels' share of positives must be to what it is taken for."""
UNPAIRED = 0.15
"""PSI of a pair's joint counts beyond that of its two columns, from which on they go together otherwise."""
EVERYWHERE, CONFINED = 0.8, 0.45
"""Weights of labels that are off, and of the same where nearly all harm lies in one slice: a concept comes first."""


def torn_columns(case: Case, broken: Collection[str]) -> Iterator[Suspect]:
    """Columns, scores or labels of other rows, and labels that are noise.

    Parameters
    ----------
    broken
        Columns that are plainly broken by their own values, which explain their ties and pairs.
    """
    pairs = [pair for pair in _unpaired(case) if not set(pair.columns) & set(broken)]
    if pairs:
        yield _out_of_step(pairs)
    elif not broken and case.drifted("reconstruction_error", None):
        yield _somewhere(case)
    fitted = line(case.current, case.baseline)
    known = {name: tie for name, tie in ties(case.current, case.baseline).items() if name not in broken}
    if fitted is None or not fitted.tie.surely_below(1.0):
        return
    loose = [name for name, tie in known.items() if tie.slope < LOOSE and tie.surely_below(HELD)]
    held = [name for name, tie in known.items() if tie.slope > HELD]
    if held and len(loose) == 1:
        yield _shuffled(loose[0], known[loose[0]])
    elif held and not loose:
        if fitted.tie.slope < LOOSE and fitted.tie.slope < min(known[name].slope for name in held) - 0.25:
            yield _strange_scores(case, fitted)
    elif not broken:
        yield from _labels(case, fitted, loose, known)


def _much(slope: float) -> str:
    return "nothing" if slope < 0.1 else f"only {100 * slope:.0f} %"


def _shuffled(column: str, tie: Tie) -> Suspect:
    text = (
        f"{plain(column)} tells {_much(tie.slope)} of what it told about the labels while other columns tell as much "
        "as ever: its values look shuffled, or of other rows"
    )
    return Suspect(Cause(kind="data_fault", text=text, columns=(column,)), 0.85, (column,))


def _strange_scores(case: Case, fitted: Line) -> Suspect:
    (score,) = case.current.spec.outputs
    text = (
        f"{plain(score)} tells {_much(fitted.tie.slope)} of what it told about the labels while the features tell as "
        "much as ever: the scores are of other rows, or of another model"
    )
    return Suspect(Cause(kind="data_fault", text=text, columns=(score,)), 0.8, (score,))


@dataclass(frozen=True)
class _Pair:
    columns: tuple[str, str]
    excess: float


def _unpaired(case: Case) -> list[_Pair]:
    """Pairs of columns that go together otherwise than on the baseline, though each of them is as before."""
    found = []
    for grouping in case.current.spec.groupings:
        names = grouping.columns
        if len(names) != 2 or not set(names) <= set(case.current.spec.features):
            continue
        now, then = (_counts(profile, names, grouping.groups) for profile in (case.current, case.baseline))
        joint = psi(now, then)
        alone = [psi(case.current.bins(name), case.baseline.bins(name)) for name in names]
        if isinstance(joint, Unknown) or any(isinstance(shift, Unknown) for shift in alone):
            continue
        excess = joint.estimate.low - sum(s.estimate.high for s in alone if not isinstance(s, Unknown))
        if excess > UNPAIRED:
            found.append(_Pair((names[0], names[1]), excess))
    return sorted(found, key=lambda pair: -pair.excess)


def _counts(profile: Profile, columns: tuple[str, ...], groups: tuple[tuple[str, ...], ...]) -> npt.NDArray[np.int64]:
    sizes = [profile.size(dict(zip(columns, group, strict=True)))[0] for group in groups]
    return np.array([*sizes, max(profile.rows - sum(sizes), 0)], dtype=np.int64)


def _out_of_step(pairs: list[_Pair]) -> Suspect:
    first = pairs[0].columns
    shared = [name for name in first if len(pairs) > 1 and all(name in pair.columns for pair in pairs)]
    columns = (*shared, *(name for name in first if name not in shared))
    one, other = (plain(name) for name in columns)
    text = (
        f"{one} and {other} no longer go together as they did, though each is spread as on the baseline: values of "
        f"{one if shared else 'one of them'} look shuffled, or of other rows"
    )
    return Suspect(Cause(kind="data_fault", text=text, columns=columns), 0.8, columns)


def _somewhere(case: Case) -> Suspect:
    """The components cannot say which column it is."""
    moved = [name for name in case.current.spec.features if case.drifted("psi", name)]
    if moved:
        listed = ", ".join(plain(name) for name in moved[:3])
        text = f"features go together otherwise than on the baseline, and {listed} moved"
        return Suspect(Cause(kind="mix", text=text, columns=tuple(moved[:3])), 0.25)
    text = (
        "features no longer go together as they did, though each is spread as on the baseline: values of one column "
        "look shuffled, or of other rows (the profile cannot tell which)"
    )
    return Suspect(Cause(kind="data_fault", text=text), 0.3)


def _labels(case: Case, fitted: Line, loose: list[str], known: dict[str, Tie]) -> Iterator[Suspect]:
    """Whether labels are noise or of other rows: the score's tie and every column's are off alike."""
    label, rows = case.current.spec.label, case.current.outcomes()
    flipped = abs(fitted.replacement - 0.5)
    mismatched = abs(fitted.replacement - rows.positives / max(rows.labelled, 1.0))
    share, weight = min(fitted.replaced, 1.0), CONFINED if is_confined(case) else EVERYWHERE
    # Where half of the labels are positive, both look alike; but nobody flips as good as half of all labels.
    likely = mismatched >= NEAR or (flipped <= mismatched and fitted.replaced < 0.7)
    if flipped < NEAR and likely and fitted.replaced >= FLIPPED:
        text = f"{plain(label)} looks flipped at random in about {percent(share / 2.0)} of rows, whatever the score"
        yield Suspect(Cause(kind="data_fault", text=text, columns=(label,)), weight)
    elif mismatched < NEAR and fitted.replaced >= MISMATCHED:
        about = f"about {100 * share:.0f} % of labels go with neither score nor features"
        if len(known) == 1 and loose:
            # Nothing else tells of the labels, so that one column's fault and all rows' look alike.
            text = f"{about}: {plain(loose[0])} looks shuffled, or features or labels are of other rows"
            yield Suspect(Cause(kind="data_fault", text=text, columns=(loose[0], label)), weight, (loose[0],))
        else:
            joined = tuple(name for name in (label, case.current.spec.id) if name)
            text = f"{about}: features or labels look to be of other rows (stale, or joined by a wrong id)"
            yield Suspect(Cause(kind="data_fault", text=text, columns=joined), weight)
