"""The scores of groups, which a profile counts on runs of cells rather than on single cells.

A run stands where all labelled rows of the profile have their mean score in it: exact for scores of
few values, and for others off by far less than a run is wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nightproof.metrics.roc_auc import auc_bound
from nightproof.profiles import Profile
from nightproof.profiles.score_grid import cell_of, centre_of, runs_of
from nightproof.profiles.spec import Binary
from nightproof.profiles.sums import Scores
from nightproof.profiles.tasks.binary import group_runs

Cells = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GroupScores:
    """Scores of a profile by group, for groups of one column or of a pair.

    Parameters
    ----------
    profile
        Of a binary model.
    runs
        Middle cells of the runs that have rows, rising.
    cells
        The cell of the mean score of each.
    everyone
        All labelled rows, by run.
    """

    profile: Profile
    runs: Cells
    cells: Cells
    everyone: Scores
    mixed: npt.NDArray[np.bool_]
    """Runs in which rows of different cells count as tied."""

    @classmethod
    def of(cls, profile: Profile, *, columns: int) -> GroupScores:
        """Find the mean scores of the runs on which groups of so many columns are counted."""
        assert isinstance(profile.spec.task, Binary)
        run_of, middle = runs_of(group_runs(profile.spec.task, columns))
        fine = profile.scores
        used, place = np.unique(run_of[fine.cells], return_inverse=True)
        runs = middle[used]
        positives, negatives = (_summed(place, side, len(runs)) for side in (fine.positives, fine.negatives))
        rows = fine.positives + fine.negatives
        mean = _summed(place, rows * centre_of(fine.cells), len(runs)) / np.maximum(positives + negatives, 1e-300)
        cells = cell_of(np.clip(mean, 0.0, 1.0))
        mixed = np.bincount(place, minlength=len(runs)) > 1
        return cls(profile, runs, cells, Scores(cells, negatives, positives), mixed)

    def group(self, segment: Mapping[str, str]) -> Scores:
        """The labelled rows of one group."""
        found = self.profile.scores_of(segment)
        return Scores(self.cells[np.searchsorted(self.runs, found.cells)], found.negatives, found.positives)

    def bound(self, segment: Mapping[str, str]) -> float:
        """How far the AUC of one group may be off because rows of one run count as tied."""
        found = self.profile.scores_of(segment)
        mixed = self.mixed[np.searchsorted(self.runs, found.cells)]
        return auc_bound(found, among=mixed)


def _summed(place: Cells, values: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    return np.bincount(place, weights=values, minlength=size).astype(np.float64)
