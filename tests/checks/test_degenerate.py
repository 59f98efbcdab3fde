"""Nights that break statistics: every finding is still plain JSON, with a reason and no NaN."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.checks.bias import check_bias
from nightproof.checks.drift import check_drift
from nightproof.checks.finding import Finding, Findings
from nightproof.checks.judge import Harm, Subject, judged
from nightproof.checks.performance import check_performance
from nightproof.errors import RecordError
from nightproof.metrics.estimate import Change, Estimate

Rows = Callable[..., pl.DataFrame]
Compare = Callable[..., Any]

TEXT = pl.String
NIGHTS = {
    "empty": pl.DataFrame(schema={"score": pl.Float64, "label": pl.Int64, "x": pl.Float64, "g": TEXT}),
    "one row": pl.DataFrame({"score": [0.7], "label": [1], "x": [1.0], "g": ["a"]}),
    "one class": pl.DataFrame({"score": [i / 100 for i in range(100)], "label": 1, "x": 1.0, "g": "a"}),
    "no labels": pl.DataFrame(
        {"score": [0.7] * 100, "label": pl.Series([None] * 100, dtype=pl.Int64), "x": 1.0, "g": "a"}
    ),
    "all selected": pl.DataFrame({"score": 1.0, "label": [0, 1] * 50, "x": 1.0, "g": ["a", "b"] * 50}),
    "none selected": pl.DataFrame({"score": 0.0, "label": [0, 1] * 50, "x": 1.0, "g": ["a", "b"] * 50}),
    "perfect": pl.DataFrame({"score": [0.0, 1.0] * 50, "label": [0, 1] * 50, "x": 1.0, "g": ["a", "b"] * 50}),
    "perfectly wrong": pl.DataFrame({"score": [1.0, 0.0] * 50, "label": [0, 1] * 50, "x": 1.0, "g": "b"}),
    "all null": pl.DataFrame(
        {"score": [0.3] * 100, "label": [0, 1] * 50, "x": pl.Series([None] * 100, dtype=pl.Float64), "g": "a"}
    ).with_columns(g=pl.lit(None, dtype=TEXT)),
    "infinite": pl.DataFrame({"score": [0.3] * 100, "label": [0, 1] * 50, "x": float("inf"), "g": "new"}),
}
CHECKS = {
    "performance": {
        "roc_auc": {"max_drop": 0.02},
        "pr_auc": {"max_drop": 0.02},
        "accuracy": {"max_drop": 0.02},
        "precision": {"max_drop": 0.02},
        "recall": {"max_drop": 0.02},
        "f1": {"max_drop": 0.02},
        "log_loss": {"max_rise": 0.05},
        "brier": {"max_rise": 0.01},
        "calibration_error": {"max_rise": 0.02},
    }
}


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("baseline", ["usual", "one row", "one class", "none selected", "perfect", "no labels"])
def test_every_finding_is_json_in_order_and_explained(night: str, baseline: str, rows: Rows, compare: Compare) -> None:
    usual = rows(300, seed=1, x=[float(i) for i in range(300)], g=["a", "b", "b"] * 100)
    known = usual if baseline == "usual" else NIGHTS[baseline]
    compared = compare(NIGHTS[night], known, checks=CHECKS, protected=["g"], slices=["g"])
    findings = [
        finding
        for check in (check_performance, check_drift, check_bias)
        for finding in check(compared.night, compared.baseline, compared.config, window=1)
    ]
    raw = Findings(tuple(findings)).to_bytes()
    json.loads(raw, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert Findings.from_bytes(raw, name="findings.json").all == tuple(findings)
    for finding in findings:
        assert finding.reason.endswith(".") and "nan" not in finding.reason
        assert finding.status in ("ok", "watch", "insufficient_data")
        assert (finding.value is None) <= (finding.status == "insufficient_data")
        if finding.interval:
            assert finding.interval[0] <= finding.value <= finding.interval[1]
        if finding.delta_interval:
            assert finding.delta_interval[0] <= finding.delta <= finding.delta_interval[1]


FINITE = st.floats(-3, 3)
ARM = st.floats(0, 3)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(value=FINITE, below=ARM, above=ARM, limit=FINITE, margin=st.floats(0.001, 1))
def test_a_status_is_what_the_interval_and_the_tolerance_say(
    value: float, below: float, above: float, limit: float, margin: float
) -> None:
    change = Change(value, value - below, value + above)
    estimate = Estimate(value, change.low, change.high, 100)
    finding = judged(
        Subject("performance", "brier", 1, {}),
        estimate,
        estimate,
        delta=change,
        harm=Harm(change, limit, limit, "rose", margin=margin),
    )
    if finding.status == "watch":
        assert value > limit
    else:
        assert value <= limit
    if finding.status == "ok":
        assert change.high <= limit or finding.detectable <= margin
    if finding.status == "insufficient_data":
        assert change.low <= limit < change.high and finding.detectable > margin


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'[{"check": "performance"}]'])
def test_bytes_of_something_else_are_no_findings(raw: bytes) -> None:
    with pytest.raises(RecordError, match=r"night/findings\.json is not a list of findings"):
        Findings.from_bytes(raw, name="night/findings.json")


def test_a_finding_holds_no_nan() -> None:
    estimate = Estimate(float("nan"), 0.0, 1.0, 3)
    harm = Harm(Change(0.0, 0.0, 0.0), 0.1, 0.1, "rose", margin=0.1)
    with pytest.raises(ValueError, match="finite"):
        judged(Subject("performance", "brier", 1, {}), estimate, None, delta=None, harm=harm)
    assert "value" in Finding.model_fields
