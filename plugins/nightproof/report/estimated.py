"""Estimated performance beside the realised one: what labels will say, and how well that was foretold."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.checks.estimated import BACKTEST, ESTIMATED, backtests, error_of, realised
from nightproof.checks.finding import Finding
from nightproof.evaluation import Evaluation
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.estimated import estimates
from nightproof.profiles import Profile
from nightproof.report.block import Block, Section, Table, Text
from nightproof.report.headline import metric_name
from nightproof.report.table import section_of
from nightproof.words import NONE, STATUS, ends, nights, number, percent, plain, signed


def section(evaluation: Evaluation, profile: Profile, baseline: Profile) -> Section:
    """Every metric that can be estimated; empty where none can."""
    found = estimates(profile, baseline, labelled=False)
    if not any(isinstance(estimate, Estimate) for estimate in found.values()):
        return Section("estimated", "", ())
    told = [f for f in evaluation.findings if section_of(f) == "estimated"]
    counts = {status: float(sum(f.status == status for f in told)) for status in STATUS}
    rows, labelled = profile.size()
    share = percent(labelled / rows)
    text = (
        f"What the labels will say, from what a prediction meant on the baseline; {share} of the night's rows have "
        "their label. An estimate sees that other rows came, and not that the same rows are now labelled "
        "otherwise (concept drift): then it is off by more than chance allows, which the back-test shows. "
        "It wakes nobody."
    )
    blocks: list[Block] = [Text(text), _table(found, profile, baseline)]
    if longer := [f for f in told if f.window > 1]:
        blocks.append(_windows(longer))
    return Section("estimated", "Estimated performance", tuple(blocks), counts)


def _table(found: dict[str, Estimate | Unknown], profile: Profile, baseline: Profile) -> Table:
    tested = backtests(profile, baseline)
    header = (
        "This night",
        "Estimated\n(95 % interval)",
        "Realised\n(95 % interval)",
        "Baseline",
        "Back-test: estimated\non the labelled rows",
        "Off by\n(95 % interval)",
        "As chance allows?",
    )
    return Table(header, tuple(_row(name, value, profile, baseline, tested.get(name)) for name, value in found.items()))


def _row(
    name: str,
    estimate: Estimate | Unknown,
    profile: Profile,
    baseline: Profile,
    tested: tuple[Estimate, Estimate] | None,
) -> tuple[str, ...]:
    known, then = realised(name, profile), realised(name, baseline)
    off, chance = NONE, "no labels to tell by"
    if tested is not None:
        error = error_of(*tested)
        off = f"{signed(error.value)}{ends(error.interval)}"
        chance = "✔ yes" if error.low <= 0.0 <= error.high else "▲ no"
    return (
        metric_name(name),
        _shown(estimate),
        _shown(known),
        number(then.value) if isinstance(then, Estimate) else NONE,
        number(tested[0].value) if tested else NONE,
        off,
        chance,
    )


def _shown(estimate: Estimate | Unknown) -> str:
    if isinstance(estimate, Unknown):
        return NONE
    return f"{number(estimate.value)}{ends(estimate.interval)}"


def _windows(found: Sequence[Finding]) -> Table:
    header = ("Through longer windows", "Window", "Rows (n)", "Estimated\n(95 % interval)", "Beside", "What it says")
    return Table(header, tuple(_window(f) for f in found))


def _window(f: Finding) -> tuple[str, ...]:
    tested = f.metric.startswith(BACKTEST)
    beside = "realised" if tested else "baseline"
    return (
        metric_name(f.metric.removeprefix(BACKTEST).removeprefix(ESTIMATED)),
        nights(f.window),
        f"{f.n:,}",
        f"{number(f.value)}{ends(f.interval)}",
        f"{beside} {number(f.baseline)}",
        plain(f.reason, 300),
    )
