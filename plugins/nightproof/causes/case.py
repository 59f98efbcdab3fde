"""A case: what regressed, and the evidence that its causes are looked for in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np

from nightproof.checks.estimated import backtests, realised
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.metric_names import HARM, MetricName
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.metrics.mix import Explanation, explain
from nightproof.metrics.partition import Partition, features, task_loss
from nightproof.profiles import Profile
from nightproof.verdict import Cause

LEAST_SHARE = 0.1
"""What explains less of the harm than this is no cause of it, though it may be worth a word."""


@dataclass(frozen=True)
class Suspect:
    """A possible cause.

    Parameters
    ----------
    cause
        As it is told.
    weight
        0 to 1, by which suspects are ranked: the harm that it explains, and how plainly its signature shows.
    beneath
        Columns whose other suspects it makes needless: a column that is missing has also drifted.
    """

    cause: Cause
    weight: float
    beneath: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Case:
    """Two profiles of one spec and what the checks found on the first.

    Parameters
    ----------
    worst
        The finding that is told of; the causes of a finding about single rows' losses are shares of its own
        change, all others' of the task's loss.
    new_version
        The version that came on the first night of the harm, if one did.
    """

    current: Profile
    baseline: Profile
    findings: Sequence[Finding]
    config: ModelConfig
    worst: Finding | None = None
    new_version: str | None = None

    def drifted(self, metric: str, column: str | None) -> bool:
        """Whether the drift family has a metric of a column for more than is tolerated."""
        return (metric, column) in self._drifted

    @cached_property
    def _drifted(self) -> set[tuple[str, str | None]]:
        seen = [f for f in self.findings if f.check == "drift" and f.status in ("watch", "regression")]
        return {(f.metric, f.column) for f in seen}

    @cached_property
    def explanation(self) -> Explanation | None:
        """How each column splits the change of the mean loss, where there is one to split."""
        if self.worst is not None and self.worst.check == "business":
            return None  # nothing that is told of the loss is a share of that change
        found = explain(self.current, self.baseline)
        return None if isinstance(found, Unknown) else found

    @cached_property
    def harm(self) -> float | None:
        """By how much the task's mean loss rose; ``None`` where that may be chance."""
        found = self.explanation
        return found.whole.value if found is not None and found.whole.low > 0.0 else None

    def share(self, part: float) -> float | None:
        """A part of the harm as a share of it, held within [0, 1]; ``None`` where no harm is sure."""
        return None if self.harm is None else float(np.clip(part / self.harm, 0.0, 1.0))

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """Each feature's bins with their losses, missing ones last; none for a ranking."""
        loss = task_loss(self.current.spec)
        found = [] if loss is None else features(self.current, self.baseline, loss)
        return {cut.columns[0]: cut for cut in found}

    def share_of_rows(self, column: str, bins: Sequence[int]) -> float | None:
        """Share of the harm that would be gone had no more rows than on the baseline been in these bins.

        With ``w`` the bins' share of the labelled rows, that is (w1 - w0)(m_bins - m_rest) of the mean loss: the
        rows too many are given the loss of the night's other rows. ``None`` where there are no others.
        """
        cut = self.partitions.get(column)
        if cut is None or self.harm is None:
            return None
        inside = np.zeros(len(cut.now.n), dtype=np.bool_)
        inside[list(bins)] = True
        n, total = cut.now.n, cut.now.total
        known = max(float(cut.then.n.sum()), 1.0)
        if not n[inside].sum() or n[~inside].sum() < 2:
            return None
        rise = n[inside].sum() / n.sum() - cut.then.n[inside].sum() / known
        apart = total[inside].sum() / n[inside].sum() - total[~inside].sum() / n[~inside].sum()
        return self.share(float(rise * apart))

    @cached_property
    def foretold(self) -> float | None:
        """Share of the change that follows from the rows alone, scores meaning what they did on the baseline.

        Of the worst metric where its estimate is back-tested, else of the task's loss; ``None`` where neither is,
        or where no harm is sure. The rest is concept: the same scores, other labels.
        """
        tested = backtests(self.current, self.baseline)
        for name in (self.worst.metric if self.worst and not self.worst.segment else "", "brier", "mae"):
            known = realised(name, self.baseline) if name in tested else None
            if isinstance(known, Estimate):
                estimate, real = tested[name]
                fell = HARM[cast("MetricName", name)] == "max_drop"
                if not (real.high < known.value if fell else real.low > known.value):
                    continue
                moved = (estimate.value - known.value) / (real.value - known.value)
                return float(np.clip(moved, 0.0, 1.0))
        return None


def plainness(share: float | None, *, unknown: float = 0.9) -> float:
    """Weight of a fault whose signature is plain: more the more it explains, little where it explains nothing."""
    if share is None:
        return unknown
    return 0.55 + 0.45 * share if share >= LEAST_SHARE else 0.15 + share
