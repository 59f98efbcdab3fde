"""The tally: counts of all batches so far, and the facts that they come to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from nightproof.profiles.batch import Batch, Plan
from nightproof.profiles.component_rows import ComponentRows
from nightproof.profiles.counts import Facts
from nightproof.profiles.distinct import DistinctRows
from nightproof.profiles.feature_rows import UNSEEN_KEPT, CategoricalRows, FeatureRows, NumericRows
from nightproof.profiles.group_rows import GroupRows, VersionRows
from nightproof.profiles.loss_leaves import LossLeaves
from nightproof.profiles.metric_rows import MetricRows
from nightproof.profiles.row_functions import RowFunction
from nightproof.profiles.rows import Rows
from nightproof.profiles.spec import ProfileSpec
from nightproof.profiles.tasks import TASKS
from nightproof.profiles.tasks.judged import Judged, add_weighted, counter


class Counted(Protocol):
    """Something that is counted of judged rows."""

    def add(self, judged: Judged) -> None:
        """Count a batch's rows."""

    def facts(self) -> list[Facts]:
        """Facts of all rows so far, each key once."""


class Tally:
    """Counts of any number of batches under one spec.

    Parameters
    ----------
    spec
        What to count, by which bins.
    unseen
        How many unknown values of a column are named; ``None`` for all, where facts are still to be added up.
    functions
        Of the team's own Python metrics, by metric.
    """

    def __init__(
        self,
        spec: ProfileSpec,
        *,
        unseen: int | None = UNSEEN_KEPT,
        functions: Mapping[str, RowFunction] = MappingProxyType({}),
    ) -> None:
        plan = Plan(spec)
        self._plan, self._task = plan, TASKS[spec.task.kind](spec)
        self._outcomes = counter(self._task.outcomes.shape())
        features = [NumericRows(name, feature) for name, feature in spec.numeric.items()]
        others = [CategoricalRows(name, feature, kept=unseen) for name, feature in spec.categorical.items()]
        loss = next(iter(self._task.by_segment), None)
        self._parts: list[Counted] = [FeatureRows([*features, *others], loss=loss, time=spec.time)]
        self._parts += [GroupRows(groups, self._task, spec) for groups in plan.groups]
        self._parts += [VersionRows(g.columns[0], self._task.outcomes) for g in spec.groupings if "version" in g.uses]
        self._parts += [DistinctRows([name for name, f in spec.categorical.items() if f.buckets])]
        self._parts += [ComponentRows(spec.components, spec)] if spec.components else []
        self._parts += [LossLeaves(spec.loss_tree)] if spec.loss_tree else []
        self._parts += [MetricRows(spec, plan.groups, functions)] if spec.metrics else []

    def add(self, rows: Rows) -> None:
        """Count a batch of at most 2**17 rows."""
        judged = self._task.judge(Batch(rows.frame, self._plan, rows.listed))
        if not len(judged.batch):
            return
        add_weighted(self._outcomes, judged.outcome, judged.weight)
        self._task.count(judged)
        for part in self._parts:
            part.add(judged)

    def facts(self) -> list[Facts]:
        """Facts of all rows so far, each key once."""
        return [self._outcomes.facts(), *self._task.facts(), *(fact for part in self._parts for fact in part.facts())]
