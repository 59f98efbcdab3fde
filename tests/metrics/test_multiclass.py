"""Multiclass metrics from the profile: scikit-learn's on the raw rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.metrics import PERFORMANCE, performance
from nightproof.metrics.estimate import Estimate, Unknown
from nightproof.profiles import Profile
from sklearn import metrics as sk

Profiled = Callable[..., Profile]
Table = npt.NDArray[np.float64]
NAMES = ["ash", "birch", "cedar"]
LAW = settings(deadline=None, derandomize=True, max_examples=25)
SCHEMA = {**dict.fromkeys(NAMES, pl.Float64), "label": pl.String, "weight": pl.Float64}
REFERENCE = pl.DataFrame(
    {"ash": [0.2, 0.5], "birch": [0.3, 0.25], "cedar": [0.5, 0.25], "label": ["ash", "cedar"], "weight": [1.0, 1.0]}
)
POINTS = st.tuples(*[st.integers(0, 6)] * 3).filter(lambda parts: sum(parts) > 0)
"""Probabilities in small parts: many ties, and certainty."""
ROWS = st.lists(st.tuples(POINTS, st.integers(0, 2), st.sampled_from([0.5, 1.0, 2.0])), min_size=2, max_size=40)


def frame(rows: list[tuple[tuple[int, int, int], int, float]]) -> pl.DataFrame:
    table = np.array([np.array(parts) / sum(parts) for parts, _, _ in rows])
    columns = {name: table[:, place] for place, name in enumerate(NAMES)}
    return pl.DataFrame(
        {**columns, "label": [NAMES[label] for _, label, _ in rows], "weight": [weight for *_, weight in rows]},
        schema=SCHEMA,
    )


def measured(profile: Profile) -> dict[str, Estimate | Unknown]:
    return {name: metric(profile) for name, metric in PERFORMANCE["multiclass"].items()}


def oracle(night: pl.DataFrame, weight: Table | None = None) -> dict[str, float]:
    """scikit-learn's numbers, but the area."""
    table, truth = night.select(NAMES).to_numpy(), night["label"].to_numpy()
    chosen = np.array(NAMES)[table.argmax(axis=1)]
    own = np.eye(3)[[NAMES.index(name) for name in truth]]
    given: dict[str, Any] = {"sample_weight": weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes without rows
        found = {
            "accuracy": sk.accuracy_score(truth, chosen, **given),
            "balanced_accuracy": sk.balanced_accuracy_score(truth, chosen, **given),
            "log_loss": sk.log_loss(truth, np.clip(table, 1e-15, 1), labels=NAMES, **given),
            "brier": np.average(((table - own) ** 2).sum(axis=1), weights=weight),
        }
        for name, score in {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}.items():
            found[f"{name}_macro"] = score(truth, chosen, average="macro", zero_division=0, **given)
        found["f1_weighted"] = sk.f1_score(truth, chosen, average="weighted", zero_division=0, **given)
    return found


@LAW
@given(rows=ROWS, weighed=st.booleans())
def test_every_number_is_scikit_learns(rows: list[Any], weighed: bool, profiled: Profiled) -> None:
    night = frame(rows)
    columns = {"scores": {name: name for name in NAMES}, "features": {"numeric": ["ash"]}}
    columns |= {"weight": "weight"} if weighed else {}
    profile = profiled(night, task="multiclass", reference=REFERENCE, **columns)
    told = measured(profile)
    for name, expected in oracle(night, night["weight"].to_numpy() if weighed else None).items():
        found = told[name]
        if isinstance(found, Unknown):
            assert found.n < 2  # two rows of unequal weight tell less than two rows
            continue
        assert found.value == pytest.approx(expected, rel=1e-5, abs=1e-6), name
        assert found.low <= found.value <= found.high


@pytest.mark.parametrize("weighed", [False, True])
def test_areas_and_top_k_accuracies_are_scikit_learns(weighed: bool, profiled: Profiled) -> None:
    draw = np.random.default_rng(3)
    names = [f"c{place}" for place in range(6)]
    table = draw.dirichlet(np.full(6, 0.7), 4000)
    label = np.array([draw.choice(6, p=row) for row in table])
    weight = draw.gamma(2.0, 0.5, 4000)
    night = pl.DataFrame(
        {name: table[:, place] for place, name in enumerate(names)}
        | {"label": [names[place] for place in label], "weight": weight}
    )
    columns: dict[str, Any] = {"scores": {name: name for name in names}} | ({"weight": "weight"} if weighed else {})
    told = measured(profiled(night, task="multiclass", **columns))
    given: dict[str, Any] = {"sample_weight": weight} if weighed else {}
    area = told["roc_auc"]
    assert isinstance(area, Estimate) and area.bound < 1e-4
    truth = np.array(names)[label]
    # scikit-learn weighs no multiclass area by class: one class at a time, then.
    areas = [sk.roc_auc_score(label == place, table[:, place], **given) for place in range(6)]
    assert abs(area.value - np.mean(areas)) <= area.bound + 1e-9
    if not weighed:
        assert area.value == pytest.approx(sk.roc_auc_score(truth, table, multi_class="ovr", labels=names), abs=1e-4)
    for k in (2, 3, 5):
        found = told[f"top_{k}_accuracy"]
        assert isinstance(found, Estimate)
        assert found.value == pytest.approx(sk.top_k_accuracy_score(label, table, k=k, **given), abs=1e-6)


def test_metrics_that_its_classes_cannot_have_are_not_asked_for(profiled: Profiled) -> None:
    profile = profiled(REFERENCE, task="multiclass", scores={name: name for name in NAMES})
    assert set(PERFORMANCE["multiclass"]) - set(performance(profile)) == {"top_3_accuracy", "top_5_accuracy"}
    assert measured(profile)["top_3_accuracy"] == Unknown("there are only 3 classes", 2)


@pytest.mark.parametrize(
    "labels", [[], ["ash"], ["ash"] * 5, [None] * 5, ["oak"] * 5], ids=["empty", "one", "one class", "none", "unknown"]
)
def test_nights_that_tell_little_say_what_is_missing(labels: list[str | None], profiled: Profiled) -> None:
    size = len(labels)
    night = pl.DataFrame(
        {"ash": [0.6] * size, "birch": [0.3] * size, "cedar": [0.1] * size, "label": labels},
        schema={name: SCHEMA[name] for name in (*NAMES, "label")},
    )
    told = measured(profiled(night, task="multiclass", reference=REFERENCE, scores={name: name for name in NAMES}))
    assert isinstance(told["roc_auc"], Unknown)
    for found in told.values():
        if isinstance(found, Unknown):
            assert found.why and found.n in (0, size)
        else:
            assert labels[0] == "ash" and 0.0 <= found.low <= found.value <= found.high


def test_probabilities_that_are_no_numbers_leave_their_rows_out(profiled: Profiled) -> None:
    good = pl.DataFrame({"ash": [0.6, 0.1], "birch": [0.3, 0.8], "cedar": [0.1, 0.1], "label": ["ash", "cedar"]})
    bad = pl.DataFrame(
        {"ash": [float("nan"), 1.5, None], "birch": [0.3] * 3, "cedar": [float("inf"), 0.1, 0.1], "label": ["ash"] * 3}
    )
    scores = {name: name for name in NAMES}
    night = pl.concat([good, bad])
    assert measured(profiled(night, task="multiclass", reference=REFERENCE, scores=scores)) == measured(
        profiled(good, task="multiclass", reference=REFERENCE, scores=scores)
    )
