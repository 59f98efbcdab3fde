"""The bias family, beside fairlearn: groups against the reference group, small ones kept private."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_ratio,
    equal_opportunity_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from nightproof.checks.bias import check_bias
from nightproof.checks.finding import Finding
from nightproof.errors import DataError
from sklearn.metrics import precision_score

Rows = Callable[..., pl.DataFrame]
Compare = Callable[..., Any]


def listed(compared: Any) -> list[Finding]:
    return check_bias(compared.night, compared.baseline, compared.config, window=1)


def found(compared: Any) -> dict[tuple[str, str], Finding]:
    """Findings by metric and group; those of a whole column by the column."""
    return {(f.metric, " / ".join(f.segment.values()) or str(f.column)): f for f in listed(compared)}


def group(name: str, *, tp: int, fp: int, fn: int, tn: int) -> pl.DataFrame:
    n = tp + fp + fn + tn
    cells = {
        "score": [0.9] * (tp + fp) + [0.1] * (fn + tn),
        "label": [1] * tp + [0] * fp + [1] * fn + [0] * tn,
    }
    return pl.DataFrame(cells | {"g": pl.Series([name] * n, dtype=pl.String)})


def selected(name: str, hits: int, n: int) -> pl.DataFrame:
    """A group of which so many are selected, half of them rightly."""
    return group(name, tp=hits // 2, fp=hits - hits // 2, fn=0, tn=n - hits)


MANY = pl.concat([selected("a", 500, 1000), selected("b", 500, 1000)])


def test_rates_are_fairlearns(rows: Rows, compare: Compare) -> None:
    night = pl.concat([rows(n, seed=n, g=name) for name, n in (("a", 900), ("b", 300), ("c", 50))])
    night = night.with_columns(score=pl.when(pl.col("g") == "b").then(pl.col("score") * 0.8).otherwise("score"))
    told = found(compare(night, night, protected=["g"]))
    rates = {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "ppv": precision_score,
    }
    label, predicted = night["label"].to_numpy(), (night["score"] >= 0.5).to_numpy()
    oracle = MetricFrame(metrics=rates, y_true=label, y_pred=predicted, sensitive_features=night["g"].to_numpy())
    for name in rates:
        for each, value in oracle.by_group[name].items():
            assert told[name, each].value == pytest.approx(value)
    groups = {"y_true": label, "y_pred": predicted, "sensitive_features": night["g"].to_numpy()}
    most = oracle.by_group["selection_rate"].idxmax()
    against_most = found(compare(night, night, protected=["g"], checks={"bias": {"reference_group": most}}))
    ratios = [finding.value for (metric, _), finding in against_most.items() if metric == "impact_ratio"]
    assert min(ratios) == pytest.approx(demographic_parity_ratio(**groups))
    best = oracle.by_group["tpr"].idxmax()
    against_best = found(compare(night, night, protected=["g"], checks={"bias": {"reference_group": best}}))
    gaps = [finding.value for (metric, _), finding in against_best.items() if metric == "tpr_gap"]
    assert max(gaps) == pytest.approx(equal_opportunity_difference(**groups))


def test_groups_served_alike_are_ok_and_a_new_gap_is_a_candidate(compare: Compare) -> None:
    alike = found(compare(MANY, MANY, protected=["g"]))
    assert (alike["impact_ratio", "b"].status, alike["impact_ratio", "b"].value) == ("ok", 1.0)
    assert ("impact_ratio", "a") not in alike  # the reference group is not compared with itself
    night = pl.concat([selected("a", 500, 1000), selected("b", 300, 1000)])
    told = found(compare(night, MANY, protected=["g"]))["impact_ratio", "b"]
    assert (told.status, told.value, told.baseline, told.tolerance) == ("watch", pytest.approx(0.6), 1.0, 0.8)
    assert told.p_value < 1e-6 and told.interval[1] < 0.8


def test_a_gap_in_true_positive_rates_is_the_reference_groups_less_the_groups(compare: Compare) -> None:
    good, bad = {"tp": 450, "fp": 50, "fn": 50, "tn": 450}, {"tp": 300, "fp": 200, "fn": 200, "tn": 300}
    known = pl.concat([group("a", **good), group("b", **good)])
    worse = found(compare(pl.concat([group("a", **good), group("b", **bad)]), known, protected=["g"]))["tpr_gap", "b"]
    assert (worse.status, worse.value, worse.tolerance) == ("watch", pytest.approx(0.3), 0.1)
    better = found(compare(pl.concat([group("a", **bad), group("b", **good)]), known, protected=["g"]))["tpr_gap", "b"]
    assert (better.status, better.value) == ("ok", pytest.approx(-0.3))


@pytest.mark.parametrize("hits", range(16, 45, 4))
def test_a_candidate_lies_wholly_beyond_the_limit(hits: int, compare: Compare) -> None:
    night = pl.concat([selected("a", 500, 1000), selected("b", hits, 100)])
    told = found(compare(night, MANY, protected=["g"]))["impact_ratio", "b"]
    assert (told.p_value < 0.025) == (told.interval[1] < 0.8)
    assert (told.status == "watch") == (told.value < 0.8)
    assert told.interval[0] <= told.value <= told.interval[1]


def test_an_interval_far_across_the_limit_is_never_ok(compare: Compare) -> None:
    # 18 of 40 beside 50 in 100: a ratio of 0.9 that might as well be 0.6.
    night = pl.concat([selected("a", 500, 1000), selected("b", 18, 40)])
    told = found(compare(night, MANY, protected=["g"]))["impact_ratio", "b"]
    assert told.interval[0] < 0.7 < 0.8 < told.value
    assert told.status == "insufficient_data"
    assert told.detectable > 0.2  # from equality to the limit


def test_a_limit_above_is_held_too(compare: Compare) -> None:
    night = pl.concat([selected("a", 300, 1000), selected("b", 600, 1000)])
    checks = {"bias": {"impact_ratio": {"max": 1.25}, "tpr_gap": {}}}
    told = found(compare(night, MANY, protected=["g"], checks=checks))
    assert told["impact_ratio", "b"].status == "watch" and told["impact_ratio", "b"].p_value < 1e-6
    assert (told["tpr_gap", "b"].status, told["tpr_gap", "b"].tolerance) == ("ok", None)


def test_what_the_baseline_already_broke_is_news_only_where_it_is_worse(compare: Compare) -> None:
    known = pl.concat([selected("a", 500, 1000), selected("b", 300, 1000)])
    same = found(compare(known, known, protected=["g"]))["impact_ratio", "b"]
    assert same.status != "watch" and same.p_value == pytest.approx(0.5)
    worse = pl.concat([selected("a", 500, 1000), selected("b", 150, 1000)])
    told = found(compare(worse, known, protected=["g"]))["impact_ratio", "b"]
    assert told.status == "watch" and told.p_value < 1e-6
    assert "the baseline was under the limit of 0.8 too" in told.reason
    better = pl.concat([selected("a", 500, 1000), selected("b", 390, 1000)])
    assert found(compare(better, known, protected=["g"]))["impact_ratio", "b"].status == "ok"


def test_a_handful_of_rows_in_the_baseline_excuses_nothing(compare: Compare) -> None:
    known = pl.concat([selected("a", 500, 1000), selected("b", 0, 5)])
    night = pl.concat([selected("a", 500, 1000), selected("b", 200, 1000)])
    told = found(compare(night, known, protected=["g"]))
    assert told["impact_ratio", "b"].status == "watch" and told["impact_ratio", "b"].p_value < 1e-6
    # Nor are a few people's values shown.
    assert all(finding.baseline is None for (_, name), finding in told.items() if name == "b")


def test_a_small_group_is_named_and_its_values_are_not_shown(compare: Compare) -> None:
    night = pl.concat([selected("a", 500, 1000), selected("b", 3, 29), selected("c", 10, 30)])
    known = pl.concat([MANY, selected("c", 50, 100)])
    told = [finding for finding in listed(compare(night, known, protected=["g"])) if finding.segment == {"g": "b"}]
    assert len(told) == 1
    small = told[0]
    assert (small.status, small.n) == ("insufficient_data", 29)
    assert small.value is small.baseline is small.delta is small.interval is small.p_value is None
    assert "fewer than 30" in small.reason
    larger = found(compare(night, known, protected=["g"], checks={"bias": {"min_group": 31}}))
    assert larger["impact_ratio", "c"].value is None


def test_nobody_selected_in_the_reference_group_says_so(compare: Compare) -> None:
    night = pl.concat([selected("a", 0, 1000), selected("b", 50, 500)])
    told = found(compare(night, MANY, protected=["g"]))["impact_ratio", "b"]
    assert told.status == "insufficient_data" and told.value is None
    assert "nobody in the reference group was selected" in told.reason


def test_nobody_selected_in_a_group_is_a_ratio_of_zero(compare: Compare) -> None:
    night = pl.concat([selected("a", 500, 1000), selected("b", 0, 500)])
    told = found(compare(night, MANY, protected=["g"]))
    assert (told["impact_ratio", "b"].value, told["impact_ratio", "b"].status) == (0.0, "watch")
    assert told["impact_ratio", "b"].p_value < 1e-6
    assert told["tpr_gap", "b"].status == told["ppv", "b"].status == "insufficient_data"


def test_the_largest_group_of_the_baseline_is_the_reference_whatever_the_night_has(compare: Compare) -> None:
    known = pl.concat([selected("a", 50, 100), selected("b", 100, 200), selected("(missing)", 500, 900)])
    night = pl.concat([selected("a", 500, 1000), selected("b", 100, 200)])
    told = found(compare(night, known, protected=["g"]))
    assert ("impact_ratio", "a") in told and ("impact_ratio", "b") not in told


def test_a_configured_reference_group_must_be_in_the_baseline(compare: Compare) -> None:
    told = found(compare(MANY, MANY, protected=["g"], checks={"bias": {"reference_group": "b"}}))
    assert ("impact_ratio", "a") in told and ("impact_ratio", "b") not in told
    with pytest.raises(DataError, match=r"'z'.*it has a, b\."):
        listed(compare(MANY, MANY, protected=["g"], checks={"bias": {"reference_group": "z"}}))


def test_a_protected_column_without_values_in_the_baseline_says_so(compare: Compare) -> None:
    with pytest.raises(DataError, match="No row of the baseline has a value in g"):
        listed(compare(MANY, MANY.with_columns(g=pl.lit(None, dtype=pl.String)), protected=["g"]))


def test_missing_and_new_groups_are_compared_too(compare: Compare) -> None:
    night = pl.concat([MANY, selected("new", 10, 100), selected("x", 10, 100).with_columns(g=pl.lit(None, pl.String))])
    told = found(compare(night, MANY, protected=["g"]))
    for name in ("(not in the baseline)", "(missing)"):
        assert told["impact_ratio", name].status == "watch"
        assert told["impact_ratio", name].baseline is None


def test_every_protected_column_has_its_own_reference_group(compare: Compare) -> None:
    both = MANY.with_columns(h=pl.Series(["y"] * 1500 + ["z"] * 500))
    told = listed(compare(both, both, protected=["g", "h"]))
    compared = [finding.segment for finding in told if finding.metric == "impact_ratio"]
    assert [segment for segment in compared if len(segment) == 1] == [{"g": "b"}, {"h": "z"}]
