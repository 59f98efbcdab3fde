"""Ranking metrics from the profile: scikit-learn's NDCG, and plain loops over each query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics import PERFORMANCE
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles import Profile
from sklearn.metrics import average_precision_score, ndcg_score

Profiled = Callable[..., Profile]
LAW = settings(deadline=None, derandomize=True, max_examples=25)
ROW = st.tuples(st.integers(0, 7), st.integers(0, 3))
"""Score and relevance: ties in both."""
QUERIES = st.lists(
    st.tuples(st.lists(ROW, min_size=2, max_size=8), st.sampled_from([0.5, 1.0, 2.0])), min_size=2, max_size=12
)
SCHEMA = {"q": pl.String, "score": pl.Float64, "label": pl.Float64, "weight": pl.Float64}
REFERENCE = pl.DataFrame({"q": ["a", "a"], "score": [0.1, 0.9], "label": [0.0, 1.0], "weight": [1.0, 1.0]})


def frame(queries: list[Any]) -> pl.DataFrame:
    rows = [
        {"q": f"q{place}", "score": float(score), "label": float(gain), "weight": weight}
        for place, (candidates, weight) in enumerate(queries)
        for score, gain in candidates
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def measured(night: pl.DataFrame, profiled: Profiled, **columns: Any) -> dict[str, Estimate | Unknown]:
    profile = profiled(night, task="ranking", reference=REFERENCE, query="q", score="score", **columns)
    return {name: metric(profile) for name, metric in PERFORMANCE["ranking"].items()}


@LAW
@given(queries=QUERIES, k=st.integers(1, 9), weighed=st.booleans())
def test_ndcg_is_scikit_learns_over_queries_with_something_to_find(
    queries: list[Any], k: int, weighed: bool, profiled: Profiled
) -> None:
    kept = [(rows, weight) for rows, weight in queries if any(gain for _, gain in rows)]
    found = measured(frame(queries), profiled, k=k, **({"weight": "weight"} if weighed else {}))["ndcg"]
    if isinstance(found, Unknown):
        assert len(kept) < 3
        return
    each = [ndcg_score([[gain for _, gain in rows]], [[score for score, _ in rows]], k=k) for rows, _ in kept]
    weights = [weight for _, weight in kept] if weighed else None
    assert found.value == pytest.approx(np.average(each, weights=weights), abs=1e-6)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0


def test_the_others_without_ties_are_what_each_query_shows(profiled: Profiled) -> None:
    draw = np.random.default_rng(2)
    queries = [([(float(score), int(draw.random() < 0.3)) for score in draw.permutation(12)], 1.0) for _ in range(150)]
    told = measured(frame(queries), profiled, k=12)
    tables = [np.array(rows) for rows, _ in queries]
    tables = [table for table in tables if table[:, 1].any()]
    precision = [average_precision_score(table[:, 1], table[:, 0]) for table in tables]
    first = [1 / (1 + int(table[table[:, 0].argsort()[::-1], 1].argmax())) for table in tables]
    expected = {"map": np.mean(precision), "mrr": np.mean(first), "recall_at_k": 1.0}
    for name, value in expected.items():
        found = told[name]
        assert isinstance(found, Estimate) and found.n == len(tables)
        assert found.value == pytest.approx(value, abs=1e-6)
    three = measured(frame(queries), profiled, k=3)["recall_at_k"]
    top = [table[table[:, 0].argsort()[::-1][:3], 1].sum() / table[:, 1].sum() for table in tables]
    assert isinstance(three, Estimate) and three.value == pytest.approx(np.mean(top), abs=1e-6)


@pytest.mark.parametrize(
    "rows",
    [[], [("a", 0.5, 1.0)], [("a", 0.5, 0.0)] * 40, [("a", 0.5, None)] * 40, [("a", float("nan"), 1.0)] * 40,
     [(None, 0.5, 1.0)] * 40],
    ids=["empty", "one row", "nothing relevant", "no label", "no score", "no query"],
)  # fmt: skip
def test_nights_that_tell_little_say_what_is_missing(rows: list[Any], profiled: Profiled) -> None:
    night = pl.DataFrame(
        [{"q": query, "score": score, "label": label, "weight": 1.0} for query, score, label in rows], schema=SCHEMA
    )
    for found in measured(night, profiled).values():
        assert isinstance(found, Unknown)
        assert found.why == "fewer than two queries have a relevant row"


def test_queries_that_are_all_right_leave_the_lower_side_open(profiled: Profiled) -> None:
    queries = [([(2, 1), (1, 0)], 1.0)] * 50
    for found in measured(frame(queries), profiled).values():
        assert isinstance(found, Estimate)
        assert found.value == found.high == 1.0
        assert 0.9 < found.low < 0.95
