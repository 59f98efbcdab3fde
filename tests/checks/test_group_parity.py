"""The bias family whole: fairlearn's and scikit-learn's values, intersections, limits and one finding a parity."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from nightproof.checks.bias import check_bias
from nightproof.checks.finding import Finding
from nightproof.checks.groups import protected_groupings, reference_group
from nightproof.checks.parity import PARITIES
from nightproof.metrics.comparisons import COMPARISONS, MEASURES
from nightproof.sections import Bias
from nightproof.words import METRICS
from sklearn.metrics import accuracy_score, precision_score, roc_auc_score

Compare = Callable[..., Any]
METHODOLOGY = (Path(__file__).parents[2] / "docs" / "methodology.md").read_text("utf-8")


def people(n: int, *, seed: int, unfair: float = 0.0, both: float = 0.0, noisy: bool = False) -> pl.DataFrame:
    """Rows by sex and race.

    ``unfair`` is taken off the scores of ``F``, ``both`` off those of ``F`` in ``B``; where ``noisy``,
    the scores of ``F`` know nothing.
    """
    draw = np.random.default_rng(seed)
    sex, race = draw.choice(["M", "F"], n, p=[0.55, 0.45]), draw.choice(["A", "B", "C"], n, p=[0.6, 0.25, 0.15])
    truth = draw.random(n)
    score = (
        np.where(noisy & (sex == "F"), draw.random(n), truth)
        - unfair * (sex == "F")
        - both * ((sex == "F") & (race == "B"))
    )
    label = (draw.random(n) < truth).astype(np.int64)
    return pl.DataFrame({"score": score.clip(0, 1), "label": label, "sex": sex, "race": race})


def found(compared: Any, window: int = 1) -> dict[tuple[str, str], Finding]:
    told = check_bias(compared.night, compared.baseline, compared.config, window=window)
    return {(f.metric, " / ".join(f.segment.values()) or str(f.column)): f for f in told}


@pytest.fixture
def told(compare: Compare) -> dict[tuple[str, str], Finding]:
    return found(compare(people(3000, seed=2, unfair=0.1), people(6000, seed=1), protected=["sex", "race"]))


def test_every_measure_of_every_group_is_fairlearns_and_scikit_learns(told: dict[tuple[str, str], Finding]) -> None:
    night = people(3000, seed=2, unfair=0.1)
    label, score = night["label"].to_numpy(), night["score"].to_numpy()
    predicted = (score >= 0.5).astype(np.int64)
    rates: dict[str, Any] = {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "fnr": false_negative_rate,
        "ppv": precision_score,
        "npv": lambda y, p: precision_score(y, p, pos_label=0),
        "accuracy": accuracy_score,
    }
    features = night.select("sex", "race").to_pandas()
    for columns in (["sex"], ["race"], ["sex", "race"]):
        oracle = MetricFrame(metrics=rates, y_true=label, y_pred=predicted, sensitive_features=features[columns])
        for key, row in oracle.by_group.iterrows():
            name = key if isinstance(key, str) else " / ".join(key)
            for rate in rates:
                assert told[rate, name].value == pytest.approx(row[rate]), (rate, name)
    for sex in "MF":
        own = (night["sex"] == sex).to_numpy()
        # A group's scores are counted on runs of the grid, within which they are tied.
        assert told["roc_auc", sex].value == pytest.approx(roc_auc_score(label[own], score[own]), abs=5e-4)
        gap = score[own].mean() - label[own].mean()
        assert told["calibration_gap", sex].value == pytest.approx(gap, abs=1e-3)
        above = (score[own] > np.median(score)).mean()
        assert told["scoring_rate", sex].value == pytest.approx(above, abs=2e-3)


def test_scores_of_few_values_are_exact_in_every_group(compare: Compare) -> None:
    night = people(2000, seed=3).with_columns(score=(pl.col("score") * 4).round() / 4 * 0.8 + 0.07)
    values = found(compare(night, night, protected=["sex", "race"]))
    for (sex, race), own in night.group_by("sex", "race"):
        gap = own["score"].mean() - own["label"].mean()
        assert values["calibration_gap", f"{sex} / {race}"].value == pytest.approx(gap, abs=2e-4)
        area = roc_auc_score(own["label"], own["score"])
        assert values["roc_auc", f"{sex} / {race}"].value == pytest.approx(area)


def test_parities_are_fairlearns(told: dict[tuple[str, str], Finding]) -> None:
    night = people(3000, seed=2, unfair=0.1)
    oracles = {
        "demographic_parity_difference": demographic_parity_difference,
        "demographic_parity_ratio": demographic_parity_ratio,
        "equal_opportunity": equal_opportunity_difference,
        "equalised_odds": equalized_odds_difference,
    }
    features = night.select("sex", "race").to_pandas()
    predicted = (night["score"] >= 0.5).to_numpy()
    for columns in (["sex"], ["race"], ["sex", "race"]):
        rows = {"y_true": night["label"].to_numpy(), "y_pred": predicted, "sensitive_features": features[columns]}
        for metric, oracle in oracles.items():
            finding = told[metric, " and ".join(columns)]
            assert finding.value == pytest.approx(oracle(**rows)), (metric, columns)
            assert finding.interval[0] <= finding.value <= finding.interval[1]
            assert finding.segment == {} and finding.column == " and ".join(columns)
        frame = MetricFrame(metrics=precision_score, **{k: rows[k] for k in rows})
        assert told["predictive_parity", " and ".join(columns)].value == pytest.approx(frame.difference())


def test_what_has_no_limit_is_shown_and_not_judged(told: dict[tuple[str, str], Finding]) -> None:
    judged = {metric for (metric, _), finding in told.items() if finding.tolerance is not None}
    assert judged == {"impact_ratio", "tpr_gap"}
    assert all((f.p_value is None) == (f.tolerance is None) for f in told.values())


@pytest.mark.parametrize(
    ("metric", "limit", "name"),
    [
        ("fpr_gap", {"min": -0.02}, "F"),
        ("ppv_gap", {"min": -0.05}, "F"),
        ("accuracy_gap", {"max": 0.01}, "F"),
        ("auc_gap", {"max": 0.1}, "F"),
        ("calibration_gap", {"min": -0.02, "max": 0.9}, "F"),
        ("selection_gap", {"max": 0.02}, "F"),
        ("tpr_ratio", {"min": 0.95}, "F"),
        ("equalised_odds", {"max": 0.03}, "sex"),
        ("equal_opportunity", {"max": 0.03}, "sex"),
        ("predictive_parity", {"max": 0.03}, "sex"),
        ("demographic_parity_difference", {"max": 0.03}, "sex"),
        ("demographic_parity_ratio", {"min": 0.95}, "sex"),
    ],
)
def test_a_limit_makes_a_measure_judged(metric: str, limit: dict[str, float], name: str, compare: Compare) -> None:
    night = people(6000, seed=2, unfair=0.25, noisy=metric == "auc_gap")
    compared = compare(night, people(6000, seed=1), protected=["sex"], checks={"bias": {metric: limit}})
    listed = check_bias(compared.night, compared.baseline, compared.config, window=1)
    own = [f for f in listed if f.metric == metric and name in (f.segment.get("sex"), f.column)]
    assert len(own) == len(limit)
    assert any(f.status == "watch" and f.p_value < 0.025 for f in own)


def test_an_impact_ratio_says_what_the_four_fifths_rule_says(compare: Compare) -> None:
    values = found(compare(people(9000, seed=2, unfair=0.25), people(6000, seed=1), protected=["sex"]))
    assert values["impact_ratio", "F"].reason.endswith("four-fifths rule: violation.")
    assert "four-fifths rule: violation" in values["demographic_parity_ratio", "sex"].reason
    assert "furthest apart are M (more) and F (less)" in values["equal_opportunity", "sex"].reason
    few = found(compare(people(150, seed=2), people(6000, seed=1), protected=["sex"]))
    assert few["impact_ratio", "F"].reason.endswith("four-fifths rule: insufficient data.")


# --- Intersections ----------------------------------------------------------------------------------------


def test_harm_to_an_intersection_is_seen(compare: Compare) -> None:
    values = found(compare(people(9000, seed=2, both=0.5), people(9000, seed=1), protected=["sex", "race"]))
    assert values["impact_ratio", "F / B"].status == "watch" and values["impact_ratio", "F / B"].p_value < 1e-6
    assert values["impact_ratio", "F / C"].status == "ok"
    assert ("impact_ratio", "M / A") not in values  # the largest is the reference


@pytest.mark.parametrize(("changes", "pairs"), [({}, 3), ({"intersections": False}, 0)])
def test_intersections_can_be_left_out(changes: dict[str, Any], pairs: int, compare: Compare) -> None:
    night = people(500, seed=2).with_columns(age=pl.lit("old"))
    compared = compare(night, night, protected=["sex", "race", "age"], checks={"bias": changes})
    assert [len(columns) for columns in protected_groupings(compared.baseline)] == [1] * 3 + [2] * pairs


def test_every_window_weighs_groups_and_intersections_alike(compare: Compare) -> None:
    compared = compare(people(900, seed=2), people(900, seed=1), protected=["sex", "race"])
    compared = compared._replace(config=compared.config.model_copy(update={"windows": (1, 7, 28)}))
    told = [{name: found.p_value for name, found in found(compared, window).items()} for window in (1, 7, 28)]
    assert told[0] == told[1] == told[2]
    assert all(told[0]["tpr_gap", group] is not None for group in ("F", "F / A"))


def test_the_reference_of_a_pair_is_the_largest_or_as_its_columns_say(compare: Compare) -> None:
    baseline = compare(people(900, seed=2), people(900, seed=1), protected=["sex", "race"]).baseline
    pair = ("sex", "race")
    assert reference_group(pair, baseline, Bias()) == {"sex": "M", "race": "A"}
    assert reference_group(pair, baseline, Bias(reference_group={"race": "B"})) == {"sex": "M", "race": "B"}
    assert reference_group(pair, baseline, Bias(reference_group={"sex": "F", "race": "C"})) == {"sex": "F", "race": "C"}


def test_a_pair_that_nobody_has_both_values_of_is_left_out(compare: Compare) -> None:
    night = (
        people(600, seed=2)
        .with_row_index()
        .with_columns(sex=pl.when(pl.col("index") < 300).then("sex"), race=pl.when(pl.col("index") >= 300).then("race"))
    )
    compared = compare(night.drop("index"), night.drop("index"), protected=["sex", "race"])
    assert protected_groupings(compared.baseline) == [("sex",), ("race",)]
    assert {len(f.segment) for f in found(compared).values()} == {0, 1}


# --- Laws -------------------------------------------------------------------------------------------------


def test_other_names_for_the_groups_change_nothing_but_the_names(compare: Compare) -> None:
    night, known = people(1500, seed=2, unfair=0.1), people(3000, seed=1)
    renamed = [
        rows.with_columns(race=pl.col("race").replace({"A": "Z", "B": "X", "C": "Y"})) for rows in (night, known)
    ]
    first = found(compare(night, known, protected=["race"]))
    second = found(compare(*renamed, protected=["race"]))
    names = {"A": "Z", "B": "X", "C": "Y", "race": "race"}
    for (metric, name), finding in first.items():
        other = second[metric, names[name]]
        assert (other.value, other.interval, other.p_value, other.status) == (
            finding.value,
            finding.interval,
            finding.p_value,
            finding.status,
        )


def test_rows_that_all_weigh_alike_are_judged_as_unweighed(compare: Compare) -> None:
    night, known = (people(n, seed=seed).with_columns(w=pl.lit(2.0)) for n, seed in ((1500, 2), (3000, 1)))
    plain = found(compare(night, known, protected=["sex"]))
    weighed = found(compare(night, known, protected=["sex"], weight="w"))
    assert plain.keys() == weighed.keys()
    for key, finding in plain.items():
        assert weighed[key].value == pytest.approx(finding.value)
        assert weighed[key].interval == pytest.approx(finding.interval)
        assert (weighed[key].n, weighed[key].status) == (finding.n, finding.status)


def test_every_measure_has_a_name_and_its_method_written_down() -> None:
    for metric in (*MEASURES, *COMPARISONS, *PARITIES):
        assert metric in METRICS
        assert f"`{metric}`" in METHODOLOGY


def test_three_columns_and_their_pairs_take_a_fraction_of_a_second(compare: Compare) -> None:
    draw = np.random.default_rng(4)
    both = [
        people(20_000, seed=seed).with_columns(age=pl.Series(draw.choice(list("123456"), 20_000))) for seed in (1, 2)
    ]
    compared = compare(*both, protected=["sex", "race", "age"])
    started = time.process_time()
    assert len(found(compared)) > 500
    assert time.process_time() - started < 0.6  # generous: shared machines, and BLAS counts its threads
