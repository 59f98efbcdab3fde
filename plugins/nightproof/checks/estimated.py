"""Estimated performance: is the model still good, on rows whose labels are to come?

Nothing here pages: an estimate sees a shift of the rows, and not that their labels follow other rules
than before. Once labels are there, the estimate is held against what they say (the back-test).
"""

from __future__ import annotations

from nightproof.checks.finding import Finding, Status
from nightproof.checks.judge import Subject, evidence, unknown
from nightproof.config import ModelConfig
from nightproof.metric_names import HARM, MetricName
from nightproof.metrics import PERFORMANCE
from nightproof.metrics.estimate import Change, Estimate, Unknown, difference
from nightproof.metrics.estimated import LEAST_ROWS, estimates
from nightproof.profiles import Profile
from nightproof.words import counted, number, signed

LABELLED = 0.9
"""Where a larger share of the rows than this has labels, they are told instead."""
ESTIMATED = "estimated_"
BACKTEST = "backtest_"


def check_estimated(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """What labels will say, or how well that was foretold.

    Parameters
    ----------
    current
        The merged profile of the window's nights.
    baseline
        The baseline's profile: what a score, or a leaf of the loss tree, is taken to mean.
    config
        For the tolerances: ``checks.performance``.
    window
        Nights in ``current``.

    Returns
    -------
    list of Finding
        Where less than 90 % of the rows have labels, ``estimated_*``: the value on all rows, beside
        the baseline's. Else ``backtest_*`` of the metrics that have a tolerance: the value
        estimated on the labelled rows, whose ``baseline`` is the realised one. None for tasks
        that cannot be estimated, and where rows are weighed.
    """
    rows, labelled = current.size()
    if rows == 0:
        return []
    tested = backtests(current, baseline)
    if labelled < LABELLED * rows:
        return [
            _estimated(name, estimate, baseline, config, tested.get(name), window)
            for name, estimate in estimates(current, baseline, labelled=False).items()
        ]
    known = list(tested)
    told = [name for name in known if name in config.tolerances] or known[:1]
    return [_backtest(name, *tested[name], window) for name in told]


def realised(name: str, profile: Profile) -> Estimate | Unknown:
    """A metric from labels."""
    metric: MetricName = name  # type: ignore[assignment]  # what is estimated is a metric
    return PERFORMANCE[profile.spec.task.kind][metric](profile)


Tested = tuple[Estimate, Estimate]
"""An estimate on labelled rows, and what was realised on them."""


def backtests(current: Profile, baseline: Profile) -> dict[str, Tested]:
    """Each metric estimated on the labelled rows, beside what their labels say; none for fewer than 30 of them."""
    if current.size()[1] < LEAST_ROWS:
        return {}
    pairs = {
        name: (estimate, realised(name, current))
        for name, estimate in estimates(current, baseline, labelled=True).items()
    }
    return {
        name: (estimate, known)
        for name, (estimate, known) in pairs.items()
        if isinstance(estimate, Estimate) and isinstance(known, Estimate)
    }


def error_of(estimate: Estimate, known: Estimate) -> Change:
    """How far an estimate was off; holds 0 in 95 of 100 nights on which a score means what it did."""
    return Change(estimate.value - known.value, estimate.low - known.value, estimate.high - known.value)


def _backtest(name: str, estimate: Estimate, known: Estimate, window: int) -> Finding:
    error = error_of(estimate, known)
    expected = "as chance allows"
    if not error.low <= 0.0 <= error.high:
        expected = "more than chance allows: a prediction does not mean what it did on the baseline"
    reason = (
        f"Estimated without labels: {number(estimate.value)}; the labels of {counted(estimate.n, 'row')} say "
        f"{number(known.value)}, so the estimate was off by {signed(error.value)}, {expected}."
    )
    subject = Subject("performance", BACKTEST + name, window, {})
    return evidence(subject, estimate, known, error, status="ok", reason=reason)


def _estimated(
    name: str,
    estimate: Estimate | Unknown,
    baseline: Profile,
    config: ModelConfig,
    tested: Tested | None,
    window: int,
) -> Finding:
    subject = Subject("performance", ESTIMATED + name, window, {})
    known = realised(name, baseline)
    if isinstance(estimate, Unknown):
        return unknown(subject, estimate, baseline=known)
    if isinstance(known, Unknown):
        return unknown(subject, Unknown(f"in the baseline, {known.why}", estimate.n))
    delta = difference(estimate, known)
    status, judged = _judged(name, delta, config)
    reason = (
        f"Estimated without labels: {number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)}), "
        f"{signed(delta.value)} from the baseline's {number(known.value)}{judged}{_tested(tested)}."
    )
    return evidence(subject, estimate, known, delta, status=status, reason=reason)


def _judged(name: str, delta: Change, config: ModelConfig) -> tuple[Status, str]:
    metric: MetricName = name  # type: ignore[assignment]  # what is estimated is a metric
    tolerance = config.tolerances.get(metric)
    if tolerance is None:
        return "ok", ""
    falls = HARM[metric] == "max_drop"
    harm = delta.reversed() if falls else delta
    if harm.low <= tolerance.value:
        return "ok", ""
    moved = f"{'drop' if falls else 'rise'} of more than the tolerated {tolerance.value:g}"
    return "watch", f", surely a {moved} if a prediction means what it did on the baseline"


def _tested(tested: Tested | None) -> str:
    if tested is None:
        return ""
    estimate, known = tested
    rows, off = counted(estimate.n, "labelled row"), signed(error_of(estimate, known).value)
    return f"; of {rows} it says {number(estimate.value)} where the labels say {number(known.value)}, off by {off}"
