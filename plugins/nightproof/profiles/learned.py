"""What a spec learns from the reference beyond bins: components, a tree of losses, pairs to look at."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import polars as pl

from nightproof.profiles.batch import Batch, Plan, bin_codes
from nightproof.profiles.component_rows import LARGEST, STANDARD_BITS, VECTOR_BITS
from nightproof.profiles.groupings import make_grouping
from nightproof.profiles.rows import typed
from nightproof.profiles.spec import Components, LossTree, ProfileSpec, Regression
from nightproof.profiles.tasks import TASKS

SAMPLE = 100_000
"""Rows that are learned from."""
LEAST_ROWS = 200
"""From fewer nothing is learned."""
EXPLAINED = 0.65
"""Share of the features' variance that the kept components explain, as NannyML has it."""
MOST_COMPONENTS = 12
MOST_COLUMNS = 120
"""More features than this, and the last ones have no part in the components, whose sums would not be exact."""
PAIRED = 4
"""Features whose pairs are looked at: those by whose bins the loss differs most."""
LEAVES = 32

Floats = npt.NDArray[np.float64]


def learn(spec: ProfileSpec, table: pl.DataFrame) -> ProfileSpec:
    """The spec with what its reference's rows teach."""
    table = table.gather_every(max(1, -(-table.height // SAMPLE)))
    if table.height < LEAST_ROWS:
        return spec
    frame = typed(table.lazy(), spec.columns, spec, labelled=True).collect()
    batch = Batch(frame, Plan(spec))
    spec = spec.model_copy(update={"components": _components(spec, batch)})
    task = TASKS[spec.task.kind](spec)
    judged = task.judge(batch)
    if not task.by_segment or judged.labelled.sum() < LEAST_ROWS:
        return spec
    loss = judged.losses[task.by_segment[0]]
    pairs = _pairs(spec, judged.batch, np.where(judged.labelled, loss, np.nan))
    known = {g.columns for g in spec.groupings} | {g.columns[::-1] for g in spec.groupings}
    found = [make_grouping(table, ("discovered",), pair, parts=4, distinct=8) for pair in pairs if pair not in known]
    tree = _loss_tree(spec, judged.batch, loss, judged.labelled) if isinstance(spec.task, Regression) else None
    return spec.model_copy(update={"groupings": (*spec.groupings, *found), "loss_tree": tree})


def _components(spec: ProfileSpec, batch: Batch) -> Components | None:
    """Principal components of the features' correlation, largest first."""
    columns = [name for name in spec.features if name in spec.categorical or spec.numeric[name].edges][:MOST_COLUMNS]
    codes = {name: _frequencies(spec, batch, name) for name in columns if name in spec.categorical}
    if len(columns) < 2:
        return None
    standard = np.column_stack([_standard(spec, batch, name, codes) for name in columns])
    values, vectors = np.linalg.eigh(standard.T @ standard / len(standard))
    values, vectors = values[::-1], vectors[:, ::-1]
    share = np.cumsum(values) / max(float(values.sum()), 1e-12)
    count = min(int(np.searchsorted(share, EXPLAINED)) + 1, MOST_COMPONENTS, len(columns) - 1)
    whole = np.rint(vectors[:, :count].T * 2.0**VECTOR_BITS).astype(int)
    return Components(columns=tuple(columns), codes=codes, vectors=tuple(map(tuple, whole.tolist())))


def _frequencies(spec: ProfileSpec, batch: Batch, name: str) -> tuple[int, ...]:
    feature = spec.categorical[name]
    size = len(feature.vocabulary) + max(feature.buckets, 1) + 1
    codes = batch.category_codes(name)
    share = np.bincount(codes, minlength=size) / len(codes)
    rows = share[codes]
    standard = (share - rows.mean()) / (float(rows.std()) or 1.0)
    standard[-1] = 0.0  # missing values lie at the mean
    whole = np.rint(np.clip(standard, -LARGEST, LARGEST) * 2.0**STANDARD_BITS)
    return tuple(int(value) for value in whole)


def _standard(spec: ProfileSpec, batch: Batch, name: str, codes: dict[str, tuple[int, ...]]) -> Floats:
    if name in codes:
        return np.array(codes[name])[batch.category_codes(name)] * 2.0**-STANDARD_BITS
    feature = spec.numeric[name]
    values = np.clip((batch.numbers(name) - feature.mean) / feature.sd, -LARGEST, LARGEST)
    return np.where(np.isnan(values), 0.0, values)


def _pairs(spec: ProfileSpec, batch: Batch, loss: Floats) -> list[tuple[str, str]]:
    """Pairs of the features by whose bins the mean loss differs most."""
    gained = sorted(((_explained(batch, spec, name, loss), name) for name in spec.features), reverse=True)
    best = [name for gain, name in gained[:PAIRED] if gain > 0.0]
    return list(combinations(sorted(best), 2))


def _explained(batch: Batch, spec: ProfileSpec, name: str, loss: Floats) -> float:
    """Share of the loss's variance between a feature's bins, less what chance gives so many bins."""
    if name in spec.numeric:
        codes: npt.NDArray[np.integer] = bin_codes(batch.numbers(name), spec.numeric[name].edges)
    else:
        codes = batch.category_codes(name)
    known = ~np.isnan(loss)
    codes, values = codes[known], loss[known]
    count = np.bincount(codes)
    used = count > 0
    means = np.bincount(codes, weights=values)[used] / count[used]
    between = float(np.dot(count[used], (means - values.mean()) ** 2))
    whole = float(((values - values.mean()) ** 2).sum())
    chance = (int(used.sum()) - 1) * (whole - between) / max(len(values) - int(used.sum()), 1)
    return (between - chance) / whole if whole > 0.0 else 0.0


def _loss_tree(spec: ProfileSpec, batch: Batch, loss: Floats, labelled: npt.NDArray[np.bool_]) -> LossTree:
    """A tree of few leaves, each with a fiftieth of the rows at least, that foretells the absolute error."""
    from sklearn.tree import DecisionTreeRegressor

    columns = [spec.outputs[0], *(name for name in spec.features if name in spec.numeric)]
    table = np.column_stack([batch.numbers(name) for name in columns])
    table = table[labelled]
    finite = np.where(np.isfinite(table), table, np.nan)
    # What is missing goes right, as beyond the largest value.
    beyond = np.nan_to_num(np.nanmax(finite, axis=0, initial=-1e30)) + 1.0
    table = np.where(np.isfinite(table), table, beyond)
    model = DecisionTreeRegressor(max_leaf_nodes=LEAVES, min_samples_leaf=max(20, len(table) // 50), random_state=0)
    tree = model.fit(table, loss[labelled]).tree_
    leaf = tree.children_left < 0
    return LossTree(
        columns=tuple(columns),
        feature=tuple(int(f) for f in np.where(leaf, -1, tree.feature)),
        cut=tuple(float(cut) for cut in np.where(leaf, 0.0, tree.threshold)),
        left=tuple(int(node) for node in np.maximum(tree.children_left, 0)),
        right=tuple(int(node) for node in np.maximum(tree.children_right, 0)),
    )
