"""The holdout in words, for people at a terminal."""

from __future__ import annotations

from nightproof.holdout.freshness import Freshness, Measured
from nightproof.holdout.leakage import Leakage
from nightproof.holdout.materialise import Rows
from nightproof.holdout.score import CandidateScore
from nightproof.holdout.update import Update
from nightproof.holdout.version import HoldoutVersion
from nightproof.words import counted

MOST_COLUMNS = 10
"""Columns whose drift is shown; JSON has all."""


def losses(rows: Rows) -> str:
    """Lines on the rows that a version has and that cannot be read; empty where there are none."""
    said = [
        f"{sum(lost.values()):,} rows of {len(lost)} nights are {why}"
        for lost, why in ((rows.gone, "gone: their pinned data is no longer there"), (rows.erased, "erased since"))
        if lost
    ]
    return "".join(f"\n{line}." for line in said)


def update_in_words(done: Update, model: str) -> str:
    """What an update came to."""
    if done.version is None:
        waiting = f"{done.provisional} nights wait for final labels" if done.provisional else "evaluate some first"
        return f"{model}: no night is final yet, so there is no holdout; {waiting}."
    made = "made" if done.is_new else "stands; nothing new"
    lines = [f"{model}: version {done.version.number} {made}. {_extent(done.version)}"]
    lines += [f"{night} is left out: {why}" for night, why in done.unreadable.items()]
    if done.new_lineage:
        lines.append(f"It is another sample than before, for the rule changed: {done.new_lineage}.")
    return "\n".join(lines)


def _extent(version: HoldoutVersion) -> str:
    nights = version.nights
    return f"{version.rows:,} rows of {len(nights)} nights, {nights[0].night} to {nights[-1].night}."


def version_in_words(version: HoldoutVersion, fresh: Freshness) -> list[str]:
    """A version, and whether it is like live traffic."""
    rule = version.rule
    strata = len({number for night in version.nights for number in night.strata})
    drawn = f"{counted(strata, 'stratum', 'strata')} by {', '.join(rule.strata)}" if rule.strata else "no strata"
    if rule.group:
        drawn = f"whole groups by {rule.group}"
    lines = [
        f"{rule.model}, holdout version {version.number} ({version.made_at[:10]}). {_extent(version)}",
        (
            f"drawn: {rule.per_night} rows a night at most, {drawn}; lineage {version.lineage} since version "
            f"{version.lineage_since}"
        ),
        *_verdict(fresh),
    ]
    if fresh.live_to is None:
        return lines
    lines += ["", f"{'':<24}{'holdout':<28}live, {fresh.live_from} to {fresh.live_to} ({fresh.live_nights} nights)"]
    lines += [
        f"{each.metric:<24}{_measured(each.holdout):<28}{_measured(each.live)}"
        for each in (*fresh.labels, *fresh.performance)
    ]
    lines += ["", "PSI of the holdout against live traffic, worst first"]
    lines += [f"{each.column:<24}{_measured(each.psi)}" for each in fresh.drift[:MOST_COLUMNS]]
    if len(fresh.drift) > MOST_COLUMNS:
        lines.append(f"and {len(fresh.drift) - MOST_COLUMNS} columns more")
    return lines


def _verdict(fresh: Freshness) -> list[str]:
    if fresh.status == "fresh":
        return ["fresh: like the last nights of live traffic, as far as these rows can tell"]
    if fresh.status == "unknown":
        return [f"cannot be told whether it is fresh: {'; '.join(fresh.because)}"]
    return [f"stale: do not validate on it, because {why}" for why in fresh.because]


def _measured(found: Measured) -> str:
    if found.value is None:
        return found.why
    if found.low is None or found.high is None:
        return f"{found.value:.4f} ({found.why})"
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f})"


def leakage_in_words(found: Leakage) -> list[str]:
    """What the checks of training data found."""
    marks = {"passed": "ok  passed ", "leaking": "!!  leaking", "unknown": "?   unknown"}
    lines = [f"{found.training}: {found.rows:,} rows against version {found.version} of {found.model}'s holdout"]
    for each in found.checks:
        examples = f" For example {', '.join(each.examples)}." if each.examples and each.status != "passed" else ""
        lines.append(f"{marks[each.status]}  {each.name:<12}{each.reason}{examples}")
    return lines


def score_in_words(found: CandidateScore) -> list[str]:
    """A candidate beside the live model."""
    lines = [
        (
            f"{found.predictions}: {found.rows:,} rows of version {found.version}; {found.without_prediction:,} of its "
            f"rows have no prediction, {found.beside:,} predictions are of other rows"
        ),
        f"{'':<24}{'candidate':<28}{'live model, same rows':<28}difference, paired",
    ]
    return lines + [
        f"{each.metric:<24}{_measured(each.candidate):<28}{_measured(each.live):<28}{_measured(each.difference)}"
        for each in found.metrics
    ]
