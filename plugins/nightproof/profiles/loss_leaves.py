"""Leaves: rows by the leaf of the tree that foretells their absolute error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from nightproof.profiles.batch import Batch
from nightproof.profiles.counts import Dense, Facts, Shape, fixed
from nightproof.profiles.spec import LossTree
from nightproof.profiles.tasks.judged import Judged


class LossLeaves:
    """Counts of all rows by leaf, labelled ones apart, with their absolute errors."""

    def __init__(self, tree: LossTree) -> None:
        self._tree = tree
        self._counts = Dense(Shape("leaf", labels=(-1, 0), bins=len(tree.feature)))

    def add(self, judged: Judged) -> None:
        """Count a batch's rows."""
        error = judged.losses["absolute"]
        codes = judged.labelled * len(self._tree.feature) + leaf_of(self._tree, judged.batch)
        self._counts.add(codes, fixed(error), fixed(error**2))

    def facts(self) -> list[Facts]:
        """Facts of all rows so far."""
        return [self._counts.facts()]


def leaf_of(tree: LossTree, batch: Batch) -> npt.NDArray[np.int64]:
    """Node in which each row ends; a row without the asked value goes right."""
    values = [batch.numbers(name) for name in tree.columns]
    node = np.zeros(len(batch), dtype=np.int64)
    feature, cut = np.array(tree.feature), np.array(tree.cut)
    left, right = np.array(tree.left), np.array(tree.right)
    while (waiting := feature[node] >= 0).any():
        asked = np.zeros(len(batch))
        for place, numbers in enumerate(values):
            asked = np.where(feature[node] == place, numbers, asked)
        node = np.where(waiting, np.where(asked <= cut[node], left[node], right[node]), node)
    return node
