"""Evidence: what nights say together of each series, through which windows and beside which reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import product as combinations_of
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.evidence import Seen, weigh
from nightproof.sequential.looks import WINDOWS

ROOT = Path(__file__).resolve().parents[1]
HISTORY = 60
SHARED = [HealthCheck.function_scoped_fixture]


def weighed(nights: Any, findings: Iterable[Finding], **about: Any) -> dict[Any, Seen]:
    """What tonight says beside a story's nights, by metric, group and reference."""
    known = {"config": nights.config, "night": nights.night.date, "ended": {}}
    seen = weigh(list(findings), nights.readings, **known | about)
    return {(s.series.finding.metric, *s.series.finding.segment.values(), s.reference): s for s in seen}


@pytest.fixture
def gap(told: Any) -> Callable[..., Finding]:
    """A group's gap in true-positive rate, of which a tenth is tolerated."""

    def made(group: str, value: float = 0.02, **about: Any) -> Finding:
        known = {"check": "bias", "baseline": None, "error": 0.02, "segment": {"carrier": group}}
        found: Finding = told("tpr_gap", value, **known | about)
        return found

    return made


# --- Tonight's findings ------------------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=25, suppress_health_check=SHARED)
@given(values=st.lists(st.floats(-0.2, 0.5), min_size=1, max_size=6), data=st.data())
def test_the_order_of_the_findings_does_not_matter(
    values: list[float], data: st.DataObject, story: Any, told: Any, gap: Any
) -> None:
    tonight = [told("roc_auc", 0.8), *(gap(str(place), value) for place, value in enumerate(values))]
    nights = story().quiet(10, told(), *(gap(str(place)) for place in range(len(values))))
    one, other = weighed(nights, tonight), weighed(nights, data.draw(st.permutations(tonight)))
    assert one == {name: other[name] for name in one} and len(one) == len(tonight)


def test_what_is_held_against_nothing_is_not_weighed(story: Any, told: Any, policy: Any) -> None:
    slices = told().model_copy(update={"segment": {"origin": "JFK"}})
    untold = told("brier", 0.15, tolerance=0.01).model_copy(update={"value": None, "interval": None})
    nights = story(policy(checks={"performance": {"roc_auc": {"max_drop": 0.02}, "brier": {"max_rise": 0.01}}}))
    assert weighed(nights, [slices, untold, told("recall")]) == {}
    assert weighed(nights, []) == {}


def test_a_night_that_tells_nothing_tests_nothing(story: Any, told: Any) -> None:
    # Rows there were, but the metric was never told before tonight.
    alone = weighed(story().quiet(20, told("brier", 0.15, tolerance=0.01)), [told()])["roc_auc", "baseline"]
    assert alone.window in WINDOWS and alone.n == told().n
    # A value without rows is no evidence, however large the harm.
    assert weighed(story().quiet(20, told()), [told("roc_auc", 0.1, n=0)])["roc_auc", "baseline"].log_p > math.log(0.2)


def test_nights_without_readings_are_gaps_and_not_zeros(story: Any, told: Any) -> None:
    nights = story().quiet(30, told())
    nights.skip(5)
    found = weighed(nights, [told("roc_auc", 0.7)])["roc_auc", "baseline"]
    assert found.value == pytest.approx(0.7) and found.n == told().n
    assert found.rejected


def test_harm_of_every_kind_of_series_is_found_and_measured(story: Any, told: Any, gap: Any, policy: Any) -> None:
    config = policy(checks={"performance": {"roc_auc": {"max_drop": 0.02}, "log_loss": {"max_rise": 0.02}}})
    broken = {"check": "drift", "column": "x", "tolerance": 0.05, "error": 0.004}
    usual = [
        told(),
        told("log_loss", 0.4, baseline=0.4),
        gap("UA"),
        told("missing_rate", 0.02, baseline=0.02, **broken),
    ]
    nights = story(config).quiet(HISTORY, *usual)
    worse = [
        told("roc_auc", 0.75),
        told("log_loss", 0.5, baseline=0.4),
        gap("UA", 0.6),
        told("missing_rate", 0.5, baseline=0.02, **broken),
    ]
    better = [told("roc_auc", 0.95), told("log_loss", 0.3, baseline=0.4), gap("UA", -0.6)]
    better.append(told("missing_rate", 0.0, baseline=0.02, **broken))
    found = weighed(nights, worse)
    assert len(found) == 4 and all(s.rejected and s.tonight > 0 for s in found.values())
    # Harm beyond what is tolerated, and its size in units of that.
    auc = found["roc_auc", "baseline"]
    assert (auc.harm, auc.size, auc.value) == pytest.approx((0.08, 5.0, 0.75), abs=1e-6)
    assert found["tpr_gap", "UA", "baseline"].harm == pytest.approx(0.5)
    assert not any(s.rejected or s.tonight > 0 for s in weighed(nights, better).values())


@pytest.mark.parametrize("tonight", [6.0, -6.0])
def test_a_mean_error_is_harm_in_either_direction_and_keeps_its_sign(
    tonight: float, story: Any, told: Any, policy: Any
) -> None:
    columns = {"prediction": "p", "label": "label"}
    checks = {"performance": {"mean_error": {"max_rise": 1.0}}}
    about: dict[str, Any] = {"baseline": 0.5, "baseline_error": 0.01, "error": 0.1, "tolerance": 1.0}
    nights = story(policy(task="regression", columns=columns, checks=checks))
    nights.quiet(HISTORY, told("mean_error", 0.5, **about))
    assert nights.tell(told("mean_error", tonight, **about)).status == "regression"
    [found] = nights.settled
    assert (found.value, found.delta) == pytest.approx((tonight, tonight - 0.5))
    assert found.interval[0] < tonight < found.interval[1]
    assert weighed(nights, [told("mean_error", tonight, **about)])["mean_error", "baseline"].harm == pytest.approx(4.5)
    # As it is through a merged window, where single nights are too small to tell.
    through = weighed(nights, [told("mean_error", tonight, window=7, **about)])["mean_error", "baseline"]
    assert (through.harm, through.value, through.rejected) == (pytest.approx(4.5), tonight, True)


# --- Windows ------------------------------------------------------------------------------------------------


def test_a_window_never_reaches_back_over_a_recovery(story: Any, told: Any) -> None:
    nights = story().quiet(HISTORY, told())
    for _ in range(10):
        nights._read([told("roc_auc", 0.6)], None, ("performance",))
        nights.night = nights.night.before(-1)
    nights.quiet(4, told())
    tonight = [told()]
    without = weighed(nights, tonight)["roc_auc", "baseline"]
    assert without.rejected and without.window > 5
    for days in (1, 2, 4, 5):
        found = weighed(nights, tonight, ended={"performance": nights.night.date - timedelta(days=days)})
        assert not found["roc_auc", "baseline"].rejected
        assert found["roc_auc", "baseline"].window <= days
    # Another family's end is none of its business.
    assert weighed(nights, tonight, ended={"bias": nights.night.date})["roc_auc", "baseline"].rejected


def test_nor_does_it_weeks_later(story: Any, told: Any) -> None:
    nights = story().quiet(HISTORY, told())
    for drop in [0.4] * 12 + [0.0] * 40:
        nights.tell(told("roc_auc", 0.85 - drop))
    assert nights.events()[11:] == ["ongoing", "ongoing", "ongoing", "recovered", *[""] * 37]
    assert {verdict.status for verdict in nights.verdicts[15:]} == {"ok"}


def test_a_metric_whose_nights_do_not_average_is_told_by_merged_windows(story: Any, told: Any, policy: Any) -> None:
    config = policy(checks={"performance": {"calibration_error": {"max_rise": 0.02}, "brier": {"max_rise": 0.02}}})

    def both(value: float, window: int = 1, **about: Any) -> list[Finding]:
        about = {"baseline": 0.01, "window": window} | about
        return [told(metric, value, **about) for metric in ("calibration_error", "brier")]

    # Each night by itself is pushed up by its few rows; all rows together are well.
    nights = story(config).quiet(HISTORY, *both(0.045, error=0.01))
    tonight = [*both(0.045, error=0.01), *both(0.012, 7, error=0.004), *both(0.011, 28, error=0.002)]
    found = weighed(nights, tonight)
    assert not found["calibration_error", "baseline"].rejected
    assert found["calibration_error", "baseline"].window in (1, 7, 28)
    # The mean of nights is what another metric's long window is, whatever the merged one says.
    assert found["brier", "baseline"].rejected and found["brier", "baseline"].value == pytest.approx(0.045, abs=0.01)
    worse = [*both(0.045, error=0.01), *both(0.3, 7, error=0.004)]
    assert weighed(nights, worse)["calibration_error", "baseline"].rejected
    # The merged window may not reach back over a recovery either.
    ended = {"performance": nights.night.date - timedelta(days=3)}
    assert not weighed(nights, worse, ended=ended)["calibration_error", "baseline"].rejected


def test_a_small_group_is_told_by_its_merged_windows(story: Any, gap: Any) -> None:
    nights = story().quiet(HISTORY, gap("UA"))
    small = [gap("B6", 0.7, window=window, n=50) for window in (7, 28)]
    found = weighed(nights, [gap("UA"), *small])["tpr_gap", "B6", "baseline"]
    assert found.rejected and found.window in (7, 28) and found.n == 50
    assert math.isnan(found.tonight)
    # How much nights differ is taken from the groups that single nights tell.
    alone = weighed(story(), small)["tpr_gap", "B6", "baseline"]
    assert alone.spread > found.spread


# --- References -----------------------------------------------------------------------------------------------


def versions(story: Any, told: Any, policy: Any, *references: str, since: int) -> Any:
    """A model that was better than its baseline until a version came so many nights ago, tonight included."""
    nights = story(policy(alerts={"references": list(references)})).quiet(HISTORY, told("roc_auc", 0.93))
    nights.readings = [found.model_copy(update={"version": "13"}) for found in nights.readings]
    for _ in range(since - 1):
        nights._read([told("roc_auc", 0.86)], "14", ())
        nights.night = nights.night.before(-1)
    return nights


@pytest.mark.parametrize("since", [1, 2, 6])
def test_a_drop_that_began_with_a_version_is_found_against_the_version_before(
    since: int, story: Any, told: Any, policy: Any
) -> None:
    nights = versions(story, told, policy, "baseline", "previous version", since=since)
    found = weighed(nights, [told("roc_auc", 0.86)], version="14")
    # It is still better than the baseline that it was accepted on.
    assert not found["roc_auc", "baseline"].rejected
    against = found["roc_auc", "previous version"]
    assert against.rejected and against.window == since
    assert against.harm == pytest.approx(0.07 - 0.02, abs=0.002)


def test_the_same_version_is_compared_with_no_other(story: Any, told: Any, policy: Any) -> None:
    nights = versions(story, told, policy, "baseline", "previous version", since=1)
    for version in ("13", None):
        assert {s.reference for s in weighed(nights, [told("roc_auc", 0.86)], version=version).values()} == {"baseline"}
    old = versions(story, told, policy, "previous version", since=40)
    assert weighed(old, [told("roc_auc", 0.86)], version="14") == {}


def test_a_version_says_nothing_of_what_its_nights_do_not_tell(story: Any, told: Any, gap: Any, policy: Any) -> None:
    config = policy(checks={"performance": {"calibration_error": {"max_rise": 0.02}}})
    calibration = told("calibration_error", 0.01, baseline=0.01)
    nights = story(config).quiet(HISTORY, calibration, gap("UA"))
    nights.readings = [found.model_copy(update={"version": "13"}) for found in nights.readings]
    nights.tell(calibration, gap("UA"), version="14")
    # Two nights do not average to a calibration error, nor does one night tell a small group.
    tonight = [calibration, gap("UA"), gap("B6", window=7)]
    against = {name for name in weighed(nights, tonight, version="14") if name[-1] == "previous version"}
    assert against == {("tpr_gap", "UA", "previous version")}
    # A version that came before the last incident was over is not looked back at.
    ended = {"bias": nights.night.date - timedelta(days=1)}
    assert "previous version" not in {name[-1] for name in weighed(nights, tonight, version="14", ended=ended)}


def test_a_verdict_says_that_it_is_the_version(story: Any, told: Any, policy: Any) -> None:
    nights = versions(story, told, policy, "baseline", "previous version", since=3)
    [incident] = nights.tell(told("roc_auc", 0.86), version="14").incidents
    assert incident.reference == "previous version"
    assert date.fromisoformat(incident.since) == nights.night.date - timedelta(days=3)
    assert ", compared with the previous version: " in incident.cause or "version" in incident.cause


def test_a_version_that_is_worse_than_the_one_before_is_not_well_because_the_baseline_is_worse_still(
    story: Any, told: Any, policy: Any
) -> None:
    nights = versions(story, told, policy, "baseline", "previous version", since=1)
    for _ in range(10):
        nights.tell(told("roc_auc", 0.86), version="14")
    assert nights.events() == ["opened", *["ongoing"] * 9]
    for _ in range(3):
        nights.tell(told("roc_auc", 0.93), version="14")
    assert nights.events()[10:] == ["ongoing", "ongoing", "recovered"]


def test_trailing_nights_tell_a_change_though_the_baseline_is_long_gone(story: Any, told: Any, policy: Any) -> None:
    config = policy(alerts={"references": ["trailing 28 nights"]})
    nights = story(config).quiet(HISTORY, told("roc_auc", 0.93))
    found = weighed(nights, [told("roc_auc", 0.86)])["roc_auc", "trailing 28 nights"]
    assert found.rejected and found.harm == pytest.approx(0.05, abs=0.002)
    # And what was always far below the baseline is no change.
    nights = story(config).quiet(HISTORY, told("roc_auc", 0.70))
    assert not weighed(nights, [told("roc_auc", 0.70)])["roc_auc", "trailing 28 nights"].rejected


def test_each_further_reference_costs_budget(story: Any, told: Any, policy: Any) -> None:
    def least(*references: str) -> float:
        nights = story(policy(alerts={"references": list(references)})).quiet(HISTORY, told())
        drops = (0.02 + place / 2000 for place in range(200))
        return next(d for d in drops if weighed(nights, [told("roc_auc", 0.85 - d)])["roc_auc", "baseline"].rejected)

    assert least("baseline") < least("baseline", "trailing 28 nights", "trailing 7 nights")


# --- Families -------------------------------------------------------------------------------------------------


def shift(told: Any, value: float) -> Finding:
    """A feature's PSI."""
    found: Finding = told("psi", value, check="drift", column="x", baseline=None, tolerance=0.1, error=0.01)
    return found


def test_a_family_that_does_not_page_is_a_watch_at_five_percent(story: Any, told: Any, policy: Any) -> None:
    def settled(pages: list[str], values: list[float]) -> tuple[Finding, Any]:
        nights = story(policy("1 per 365 nights", alerts={"pages": pages})).quiet(HISTORY, told(), shift(told, 0.02))
        for value in values:
            verdict = nights.tell(told(), shift(told, value))
        return next(f for f in nights.settled if f.metric == "psi" and f.window == 1), verdict

    quiet, loud = ["performance", "bias"], ["performance", "drift"]
    # Tonight is within what is tolerated, and the last nights together are not.
    found, verdict = settled(quiet, [0.4, 0.4, 0.4, 0.09])
    assert (found.status, verdict.incidents) == ("watch", ())
    assert "nights" in found.reason and "beyond what chance and how nights differ explain" in found.reason
    assert settled(quiet, [0.02, 0.02, 0.02, 0.09])[0].status == "ok"
    _, verdict = settled(loud, [0.4, 0.4])
    assert [(i.check, i.event) for i in verdict.incidents] == [("drift", "ongoing")]


def test_what_does_not_page_costs_the_others_nothing(story: Any, told: Any) -> None:
    drifted = [shift(told, 0.02).model_copy(update={"column": str(place)}) for place in range(40)]

    def least(*others: Finding) -> float:
        nights = story().quiet(HISTORY, told(), *others)
        drops = (0.02 + place / 2000 for place in range(200))
        tonight = ([told("roc_auc", 0.85 - drop), *others] for drop in drops)
        return next(
            0.85 - found[0].value for found in tonight if weighed(nights, found)["roc_auc", "baseline"].rejected
        )

    assert least(*drifted) == least()


# --- The simulator ----------------------------------------------------------------------------------------------


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The benchmark's modules."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks.alerts import product, series, streams

    return product, series, streams


@pytest.mark.parametrize("last", [0, 5, 45])
@pytest.mark.parametrize("n", [200, 2000])
def test_the_simulator_judges_as_the_product_does(
    n: int, last: int, simulated: Any, story: Any, told: Any, policy: Any
) -> None:
    product, series, streams = simulated
    drawn = product._rooted(series.draw_series(streams.NULLS["iid"], n, runs=1, seed=8).paging)
    k = len(drawn.name)
    nights = product.Nights(k, last + 1)
    for night in range(last + 1):
        columns = drawn.sign * drawn.value[0, night], drawn.error[0, night], drawn.n[0, night]
        nights.add(*columns, usual=np.ones(k, dtype=np.bool_))
    expected, _ = product._weighed(nights, drawn, last, np.full((1, k), product.LONG))

    limits = {"max_drop": ("roc_auc", "accuracy", "precision", "recall"), "max_rise": ("calibration_error",)}
    tolerated = dict(zip(drawn.name, drawn.limit.tolist(), strict=True))
    performance = {name: {end: tolerated[name]} for end, names in limits.items() for name in names}
    bias = {name: {"max": series.GAP_LIMIT} for name in series.GAPS} | {"impact_ratio": {}}
    config = policy(checks={"performance": performance, "bias": bias}, alerts={"references": ["baseline"]})

    def findings(night: int) -> Iterable[Finding]:
        through = [(1, drawn.value[0, night], drawn.error[0, night], drawn.n[0, night])]
        through += [
            (
                window,
                drawn.merged_value[0, place, night],
                drawn.merged_error[0, place, night],
                drawn.merged_n[0, place, night],
            )
            for place, window in enumerate(series.MERGED)
        ]
        for (window, value, error, rows), place in combinations_of(through, range(k)):
            if not (np.isfinite(value[place]) and np.isfinite(error[place])):
                continue
            metric, _, group = drawn.name[place].partition(" ")
            about: dict[str, Any] = {"tolerance": tolerated[drawn.name[place]], "window": window}
            if drawn.family[place] == "bias":
                column, name = group.split("=")
                about = {
                    "check": "bias",
                    "limit": ("max", series.GAP_LIMIT),
                    "segment": {column: name},
                    "window": window,
                }
                # A baseline beyond the limit is what it is counted from.
                known = drawn.reference[0, place]
                about["baseline"] = known + series.GAP_LIMIT if drawn.reference_error[0, place] else None
            else:
                about["baseline"] = drawn.reference[0, place]
            if drawn.reference_error[0, place]:
                about["baseline_error"] = drawn.reference_error[0, place]
            yield told(metric, value[place], error=error[place], n=int(rows[place]), **about)

    lived = story(config)
    for night in range(last):
        lived._read(list(findings(night)), None, ())
        lived.night = lived.night.before(-1)
    seen = weigh(list(findings(last)), lived.readings, config=config, night=lived.night.date, ended={})
    judged = {_simulated_name(s.series.finding): s.log_p for s in seen}
    assert len(judged) == len(seen) > 5
    # What tonight cannot tell is no test, and tells nothing there either. Where single nights are too small to tell a
    # group, the product takes how much they differ from other groups, and the simulator from what it expects.
    alone = np.isfinite(drawn.value[0, last])
    found = np.array([judged.get(name, 0.0) for name in drawn.name])
    assert found[alone] == pytest.approx(expected[0][alone], rel=1e-6, abs=1e-9)
    assert found == pytest.approx(expected[0], abs=0.5)
    assert alone.sum() >= 14


def _simulated_name(finding: Finding) -> str:
    return " ".join([finding.metric, *(f"{column}={group}" for column, group in finding.segment.items())])
