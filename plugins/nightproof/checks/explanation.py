"""What explains a change of the mean loss: the mix of rows, or rows like before predicted worse.

The change itself is judged by the performance family; here it is only explained. A part is worth a watch
just where the change lies surely beyond the tolerance of its metric, and the part surely goes the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.checks.finding import Finding
from nightproof.checks.judge import Subject, evidence
from nightproof.config import ModelConfig
from nightproof.metric_names import MetricName
from nightproof.metrics.estimate import Change, Estimate, Unknown
from nightproof.metrics.mix import Explanation, Part, explain
from nightproof.metrics.partition import METRIC
from nightproof.profiles import Profile
from nightproof.words import METRICS, number, percent, plain, segment, signed

EXPLAINED = 5
"""Columns that are told."""
MOST = 1 / 3
"""Bins that explain this share of what a column's mix explains are named for it (a shift has two ends)."""


def check_change(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """The change of the mean loss, and the columns whose mix explains most of it.

    Parameters
    ----------
    current
        The night's profile.
    baseline
        The baseline's profile.
    config
        For the tolerance of the loss's metric: ``checks.performance``.
    window
        Nights in ``current``.

    Returns
    -------
    list of Finding
        ``change``, whose delta is the whole; then, where it is beyond chance, for at most five columns whose mix
        is too, ``change_by_mix`` and ``change_by_worsening``, which add up to it. None where there is nothing to
        explain: no labels, no features, a ranking.
    """
    found = explain(current, baseline)
    if isinstance(found, Unknown):
        return []
    harmful = _beyond(found, config)
    whole = evidence(
        Subject("performance", "change", window, {}),
        found.now,
        found.then,
        found.whole,
        status="watch" if harmful else "ok",
        reason=sentence(found),
    )
    leading = () if by_chance(found) else found.leading(EXPLAINED)
    return [whole, *(finding for part in leading for finding in _parts(found, part, harmful, window))]


def by_chance(found: Explanation) -> bool:
    """Whether the whole change may be chance, so that there is nothing to explain."""
    return found.whole.low <= 0.0 <= found.whole.high


def _beyond(found: Explanation, config: ModelConfig) -> bool:
    name: MetricName = "mae" if found.loss == "absolute" else "brier"
    tolerance = config.tolerances.get(name)
    return tolerance is not None and found.whole.low > tolerance.value


def _parts(found: Explanation, part: Part, harmful: bool, window: int) -> Iterator[Finding]:
    for metric, change, reason in (
        ("change_by_mix", part.mix, by_mix(found, part)),
        ("change_by_worsening", part.worsening, by_worsening(found, part)),
    ):
        yield evidence(
            Subject("performance", metric, window, {}, column=part.name),
            Estimate(change.value, change.low, change.high, found.now.n),
            None,
            None,
            status="watch" if harmful and change.low > 0.0 else "ok",
            reason=reason,
        )


def sentence(found: Explanation) -> str:
    """A change and what explains most of it, in one plain sentence."""
    loss, whole = METRICS[METRIC[found.loss]], found.whole
    moved = "rose" if whole.value >= 0.0 else "fell"
    start = f"The {_lower(loss)} {moved} by {number(abs(whole.value))}"
    if by_chance(found):
        return f"{start}, which may be chance."
    leading = found.leading(1)
    if not leading:
        return (
            f"{start}, because rows like before are predicted {_way(whole)}: no column's mix surely explains any of it."
        )
    part = leading[0]
    rest = part.worsening
    share = f" ({100 * part.mix.value / whole.value:.0f} %)"
    more = f"{number(abs(rest.value))} because rows like before are predicted {_way(rest)}"
    # What went the other way is taken off.
    joint = ", " if rest.value * whole.value >= 0.0 else ", less "
    return f"{start}: {number(abs(part.mix.value))}{share} because {_because(part)}{joint}{more}."


def _because(part: Part) -> str:
    """Which rows became more or fewer, where those are most of what the mix explains."""
    moved = part.moved
    if moved is None or abs(moved.mix) < MOST * abs(part.mix.value):
        return f"the mix of {plain(part.name)} moved"
    return f"{'more' if moved.now > moved.then else 'fewer'} rows have {_having(moved.segment)}"


def _way(change: Change) -> str:
    return "worse" if change.value >= 0.0 else "better"


def _lower(name: str) -> str:
    """A metric's name within a sentence: abbreviations keep their capitals."""
    first = name.split(maxsplit=1)[0]
    return name if first.isupper() or first == "Brier" else name[0].lower() + name[1:]


def _having(values: dict[str, str]) -> str:
    return " and ".join(f"{plain(name)} {plain(value)}" for name, value in values.items())


def by_mix(found: Explanation, part: Part) -> str:
    """What a column explains by its mix."""
    how = ""
    if part.moved is not None:
        shares = f"{percent(part.moved.now)} of rows, {percent(part.moved.then)} on the baseline"
        how = f", most where {segment(part.moved.segment)} ({shares}: {signed(part.moved.mix)})"
    name, whole = plain(part.name), signed(found.whole.value)
    return f"The mix of {name} explains {signed(part.mix.value)} of the change of {whole}{how}."


def by_worsening(found: Explanation, part: Part) -> str:
    """What is left when the mix of a column is held."""
    name, whole, rest = plain(part.name), signed(found.whole.value), part.worsening
    rows = f"rows like before are predicted {_way(rest)}"
    return f"With the mix of {name} held, {signed(rest.value)} of the change of {whole} is left: {rows}."
