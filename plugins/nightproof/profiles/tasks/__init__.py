"""What each task makes of a row: how it was judged, and what more is counted of it."""

from __future__ import annotations

from collections.abc import Callable

from nightproof.profiles.spec import ProfileSpec
from nightproof.profiles.tasks.binary import BinaryRows
from nightproof.profiles.tasks.judged import TaskRows
from nightproof.profiles.tasks.multiclass import MulticlassRows
from nightproof.profiles.tasks.ranking import RankingRows
from nightproof.profiles.tasks.regression import RegressionRows

TASKS: dict[str, Callable[[ProfileSpec], TaskRows]] = {
    "binary": BinaryRows,
    "multiclass": MulticlassRows,
    "regression": RegressionRows,
    "ranking": RankingRows,
}

__all__ = ["TASKS", "TaskRows"]
