"""The alert simulator: its nights are what they say, its numbers are the product's, its rules keep to their laws."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from nightproof.checks.bias import check_bias
from nightproof.checks.groups import Groups
from nightproof.checks.performance import check_performance
from nightproof.decide import decide
from nightproof.metrics import performance
from nightproof.metrics.comparisons import COMPARISONS
from nightproof.metrics.losses import bounded_mean
from nightproof.metrics.rates import accuracy
from nightproof.night import Night
from nightproof.past import Past
from nightproof.profiles import merge
from nightproof.readings import Readings, readings
from nightproof.verdict import PAGES
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

ROOT = Path(__file__).resolve().parents[1]
Z95 = 1.959963984540054


@pytest.fixture(scope="module", autouse=True)
def importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


@pytest.fixture(scope="module")
def series():
    """A few runs of every stream, by stream and rows a night, each drawn once."""
    from benchmarks.alerts.series import draw_series
    from benchmarks.alerts.streams import STREAMS

    known = {}

    def drawn(stream, n=2_000, *, runs=10):
        if (stream, n) not in known:
            known[stream, n] = draw_series(STREAMS[stream], n, runs=runs, seed=5)
        return known[stream, n]

    return drawn


def of(series, name):
    place = series.name.index(name)
    return series.value[..., place], series.error[..., place]


# The nights themselves


@pytest.mark.parametrize("stream", ["iid", "autocorrelated", "seasonal", "clustered", "volume", "labels", "tpr_20"])
def test_cells_are_probabilities(stream):
    from benchmarks.alerts.model import SHAPE, probabilities
    from benchmarks.alerts.streams import STREAMS

    cells = probabilities(STREAMS[stream].nights(np.random.default_rng(1), 2))
    assert cells.shape[-3:] == SHAPE
    assert cells.min() >= 0.0
    np.testing.assert_allclose(cells.sum(axis=(-3, -2, -1)), 1.0)


def test_the_model_is_what_it_is_said_to_be():
    from benchmarks.alerts.model import AUC, BASE, BINS, SELECTED_BINS, Nights, probabilities, promised, threshold

    cells = probabilities(Nights()).sum(axis=0)
    scores = promised(probabilities(Nights()))
    label, score = np.repeat([0, 1], BINS), np.tile(scores, 2)
    area = roc_auc_score(label, score, sample_weight=cells.ravel())
    assert area == pytest.approx(AUC, abs=0.001)  # 32 bins tie a few pairs
    assert cells[1].sum() == pytest.approx(BASE)
    np.testing.assert_allclose(cells.sum(axis=0), 1 / BINS, rtol=1e-6)
    assert (scores > threshold(scores)).sum() == SELECTED_BINS
    np.testing.assert_allclose(scores, cells[1] / cells.sum(axis=0), atol=1e-6)


def test_counts_are_multinomial():
    from benchmarks.alerts.counts import draw_counts
    from benchmarks.alerts.model import Nights, probabilities
    from benchmarks.alerts.streams import STREAMS

    counts = draw_counts(STREAMS["iid"], 2_000, draw=np.random.default_rng(3), runs=2).astype(float)
    assert (counts.sum(axis=(2, 3, 4)) == 2_000).all()
    pooled, expected = counts.sum(axis=(0, 1)), probabilities(Nights()) * counts.sum()
    squared = ((pooled - expected) ** 2 / expected).sum()
    assert chi2.sf(squared, expected.size - 1) > 1e-3


def test_equal_seeds_are_equal_runs():
    from benchmarks.alerts.series import draw_series
    from benchmarks.alerts.streams import STREAMS

    one, other = (draw_series(STREAMS["clustered"], 200, runs=3, seed=9) for _ in range(2))
    np.testing.assert_array_equal(one.value, other.value)
    assert not np.array_equal(one.value, draw_series(STREAMS["clustered"], 200, runs=3, seed=10).value)


def excess(series, name):
    """Variance between nights beyond that of sampling, as the product's rows would have it."""
    value, error = of(series, name)
    return float(np.mean(np.var(value, axis=1, ddof=1) - np.mean(error**2, axis=1)))


def test_nights_differ_as_they_are_said_to(series):
    independent, alike = series("iid", 20_000), series("autocorrelated", 20_000)
    assert abs(excess(independent, "roc_auc")) < 0.001**2
    assert math.sqrt(excess(alike, "roc_auc")) == pytest.approx(0.01, rel=0.25)
    assert math.sqrt(excess(alike, "recall")) == pytest.approx(0.02, rel=0.4)
    value, _ = of(alike, "roc_auc")
    neighbours = np.corrcoef(value[:, :-1].ravel(), value[:, 1:].ravel())[0, 1]
    assert neighbours == pytest.approx(0.7, abs=0.12)


def test_weekends_differ(series):
    value, _ = of(series("seasonal", 20_000), "roc_auc")
    weekend = np.arange(200) % 7 >= 5
    assert value[:, weekend].mean() == pytest.approx(value[:, ~weekend].mean() - 0.022, abs=0.003)


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "precision", "recall", "tpr_gap g=1", "selection_gap h=1"])
def test_clusters_have_a_design_effect_of_two_or_three(series, name):
    value, error = of(series("clustered"), name)
    assert 1.6 < np.var(value, axis=1, ddof=1).mean() / np.mean(error**2) < 3.4


def test_volume_varies(series):
    drawn = series("volume")
    n = drawn.n[..., drawn.name.index("accuracy")]
    weekend = np.arange(200) % 7 >= 5
    assert np.log(n[:, ~weekend]).std() == pytest.approx(0.7, rel=0.1)
    assert np.median(n[:, weekend]) / np.median(n[:, ~weekend]) == pytest.approx(1 / 3, rel=0.2)


HARMED = [
    ("auc_05", "roc_auc", -0.05),
    ("auc_02", "roc_auc", -0.02),
    ("calibration", "calibration_error", 0.0096),
    ("tpr_45", "tpr_gap g=1", 0.10),
    ("tpr_20", "tpr_gap h=2", 0.10),
]


@pytest.mark.parametrize(("stream", "name", "by"), HARMED)
def test_harm_begins_on_its_night_and_is_as_large_as_said(series, stream, name, by):
    value, _ = of(series(stream, 20_000), name)
    assert value[:, 100:].mean() - value[:, :100].mean() == pytest.approx(by, abs=0.05 * abs(by) + 0.001)
    before, _ = of(series("iid", 20_000), name)
    assert value[:, :100].mean() == pytest.approx(before.mean(), abs=0.001)


def test_more_labels_leave_the_scores_as_they_were():
    from benchmarks.alerts.model import Nights, probabilities
    from benchmarks.alerts.streams import HARMS

    cells = probabilities(HARMS["labels"].harm)
    assert cells[:, 1].sum() == pytest.approx(0.5)
    np.testing.assert_allclose(cells.sum(axis=-2), probabilities(Nights()).sum(axis=-2))


def test_the_last_null_is_at_the_tolerance(series):
    drawn = series("tolerated", 20_000)
    place = drawn.name.index("roc_auc")
    fall = drawn.reference[:, place].mean() - drawn.value[..., place].mean()
    assert fall == pytest.approx(drawn.limit[place], abs=0.0004)


# The numbers are the product's


@pytest.fixture(scope="module", params=[("iid", 2_000), ("autocorrelated", 1_000), ("clustered", 500)])
def told(request, tmp_path_factory):
    """Profiles of a few nights' rows beside the simulator's values of the very same nights."""
    from benchmarks.alerts.counts import draw_counts
    from benchmarks.alerts.drift import config, profiles
    from benchmarks.alerts.model import threshold
    from benchmarks.alerts.rows import write_run
    from benchmarks.alerts.series import measured
    from benchmarks.alerts.streams import REFERENCE_NIGHTS, STREAMS

    name, n = request.param
    stream, folder, nights = STREAMS[name], tmp_path_factory.mktemp("nights"), 4
    run = write_run(folder, stream, n, nights=nights, seed=11)
    every = list(profiles(config(stream), run, folder))
    counts = draw_counts(stream, n, draw=np.random.default_rng(11), runs=1)[0]
    night = counts[REFERENCE_NIGHTS : REFERENCE_NIGHTS + nights]
    return every[1:], dict(measured(night, stream.scores, threshold(stream.scores)))


def test_performance_is_that_of_the_profile(told):
    profiles, values = told
    for night, profile in enumerate(profiles):
        found = {name: metric(profile) for name, metric in performance(profile).items()}
        for name in ("roc_auc", "accuracy", "precision", "recall"):
            own = values["performance", name]
            assert own.value[night] == pytest.approx(found[name].value, abs=1e-9)
        for name in ("accuracy", "precision", "recall"):  # Wilson's interval, whose width is its error's
            half = (found[name].high - found[name].low) / 2 / Z95
            assert values["performance", name].error[night] == pytest.approx(half, rel=0.02)
        area = found["roc_auc"]
        scale = area.value * (1 - area.value)  # the interval's middle is on the logit scale
        ends = [math.log(end / (1 - end)) for end in (area.low + area.bound, area.high - area.bound)]
        half = (ends[1] - ends[0]) / 2 / Z95 * scale
        assert values["performance", "roc_auc"].error[night] == pytest.approx(half, rel=0.04)


def test_the_calibration_error_is_the_root_of_the_series(told):
    profiles, values = told
    own = values["performance", "calibration_error"]
    for night, profile in enumerate(profiles):
        found = performance(profile)["calibration_error"](profile)
        square = own.value[night]
        assert math.sqrt(max(0.0, square)) == pytest.approx(found.value, abs=2e-3)
        assert math.sqrt(square + Z95 * own.error[night]) == pytest.approx(found.high, rel=0.02)


def test_gaps_are_the_products(told):
    profiles, values = told
    for night, profile in enumerate(profiles):
        for column, reference in (("g", ("g0",)), ("h", ("h0",))):
            groups = Groups.of(profile, (column,))
            for key in groups.outcomes:
                if key == reference:
                    continue
                for name in ("tpr_gap", "fpr_gap", "selection_gap"):
                    own = values["bias", f"{name} {column}={key[0][1:]}"]
                    change = COMPARISONS[name].of(groups.measured(key), groups.measured(reference))
                    if groups.labelled[key] < 30:
                        assert math.isnan(own.value[night])
                        continue
                    assert own.value[night] == pytest.approx(change.value, abs=1e-9)
                    half = (change.high - change.low) / 2 / Z95
                    # MOVER's sides are unequal where rows are few.
                    rough = 0.05 if min(groups.labelled[key], groups.labelled[reference]) >= 200 else 0.25
                    assert own.error[night] == pytest.approx(half, rel=rough)


def test_slices_are_the_products(told):
    profiles, values = told
    for night, profile in enumerate(profiles):
        segment = {"g": "g1", "h": "h0"}
        if profile.size(segment)[1] < 30:
            continue
        right, brier = accuracy(profile.outcomes(segment)), bounded_mean(profile.loss("brier", segment))
        assert values["slice", "accuracy g=1,h=0"].value[night] == pytest.approx(right.value)
        assert values["slice", "brier g=1,h=0"].value[night] == pytest.approx(brier.value, abs=1e-6)


def test_standard_errors_are_those_of_independent_rows(series):
    for name in ("roc_auc", "accuracy", "precision", "recall", "tpr_gap h=3", "selection_gap g=1"):
        value, error = of(series("iid"), name)
        assert np.var(value, axis=1, ddof=1).mean() == pytest.approx(np.mean(error**2), rel=0.12)


def test_small_groups_cannot_be_told(series):
    value, _ = of(series("iid", 200), "tpr_gap h=3")
    assert np.isnan(value).any()  # about 20 rows a night
    assert not np.isnan(of(series("iid", 200), "roc_auc")[0]).any()


def test_ten_slices_and_seventeen_series_that_may_page(series):
    drawn = series("iid")
    assert (
        len({name.split(" ", 1)[1] for name, family in zip(drawn.name, drawn.family, strict=True) if family == "slice"})
        == 10
    )
    assert len(drawn.paging.name) == drawn.paging.value.shape[-1] == 5 + 3 * 4
    assert drawn.value.shape == drawn.error.shape == drawn.n.shape == (10, 200, len(drawn.name))
    assert drawn.past_value.shape == (10, 28, len(drawn.name))


def test_merged_windows_are_all_their_rows_together(series):
    drawn = series("volume")
    place = drawn.name.index("accuracy")
    n, value = drawn.n[..., place], drawn.value[..., place]
    whole = (n * value)[:, 43:50].sum(axis=1) / n[:, 43:50].sum(axis=1)
    np.testing.assert_allclose(drawn.merged_value[:, 0, 49, place], whole)
    np.testing.assert_allclose(drawn.merged_n[:, 1, 49, place], n[:, 22:50].sum(axis=1))
    assert np.isnan(drawn.merged_value[:, 1, :7]).all() and np.isnan(drawn.merged_value[:, 0, :1]).all()
    small = drawn.name.index("tpr_gap h=3")
    assert np.isfinite(drawn.merged_value[:, 1, 27:, small]).all()


def test_scores_that_rise_are_merged_with_those_before(series):
    drawn = series("calibration")
    square = drawn.merged_value[:, 1, 113, drawn.name.index("calibration_error")]  # 14 of 28 nights
    assert square.mean() == pytest.approx(0.05**2, rel=0.25)


# Rules


def test_an_incident_pages_once_until_three_quiet_nights():
    from benchmarks.alerts.incidents import pages

    evidence = np.array([[0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1]], dtype=bool)
    assert np.flatnonzero(pages(evidence)[0]).tolist() == [1, 9]
    assert not pages(np.zeros((2, 5), dtype=bool)).any()


@pytest.mark.parametrize("rule", ["holm", "bh", "e_detector"])
def test_a_smaller_budget_has_no_more_evidence(series, rule):
    from benchmarks.alerts import rivals

    found = {"holm": rivals.holm, "bh": rivals.benjamini_hochberg, "e_detector": rivals.e_detector}[rule]
    drawn = series("auc_02", 2_000).paging
    counts = [found(drawn, budget).sum() for budget in (1 / 30, 1 / 90, 1 / 365)]
    assert all(more >= less for more, less in pairwise(counts))


def test_bh_finds_what_holm_finds(series):
    from benchmarks.alerts import rivals

    drawn = series("tpr_45").paging
    assert not (rivals.holm(drawn, 1 / 90) & ~rivals.benjamini_hochberg(drawn, 1 / 90)).any()


def test_the_e_detector_runs_for_as_long_as_it_must():
    """Its time to a false alarm is at least 1 / budget on average, where each night's z is normal."""
    from benchmarks.alerts import rivals
    from benchmarks.alerts.series import Series

    runs, nights, budget = 200, 400, 1 / 30
    z = np.random.default_rng(4).standard_normal((runs, nights, 1))
    one, none = np.ones_like(z), np.zeros((runs, 1))
    others = dict.fromkeys(("past_value", "past_error", "past_n", "merged_value", "merged_error", "merged_n"), z[:, :1])
    drawn = Series(z, one, one, none, none, **others, limit=np.zeros(1), sign=np.ones(1), family=("x",), name=("x",))
    alarms = rivals.e_detector(drawn, budget).sum()
    assert 0 < alarms <= budget * runs * nights


def test_every_rule_pages_for_large_harm_and_takes_nights_that_cannot_tell(series):
    from benchmarks.alerts.outcomes import delay
    from benchmarks.alerts.rules import RULES

    for name, named in RULES.items():
        pages = named.rule(series("auc_05").paging, 1 / 90)
        assert pages.shape == (10, 200) and pages.dtype == np.bool_
        assert delay(pages).found > 0.9, name
        blind = series("iid", 200).paging
        blind.value[:, 50:60] = np.nan
        blind.error[:, 50:60] = np.nan
        assert not named.rule(blind, 1 / 90)[:, 55:60].any()


def decided(stream, *, n, nights, seed, folder):
    """Nights on which the product itself pages, from rows to verdicts."""
    from benchmarks.alerts.drift import config, profiles
    from benchmarks.alerts.features import PROTECTED
    from benchmarks.alerts.rows import FIRST_NIGHT, write_run

    shown = {name: {"max": 0.02} for name in ("tpr_gap", "fpr_gap", "selection_gap")}
    drops = {name: {"max_drop": 0.02} for name in ("accuracy", "precision", "recall")}
    settings = config(
        stream,
        columns={"features": {"categorical": [*PROTECTED]}, "slices": []},
        checks={
            "performance": drops | {"roc_auc": {"max_drop": 0.005}, "calibration_error": {"max_rise": 0.02}},
            "bias": shown | {"impact_ratio": {"min": 0.01}, "intersections": False},
        },
        alerts={"false_alarms": "1 per 90 nights"},
    )
    every = profiles(settings, write_run(folder, stream, n, nights=nights, seed=seed), folder)
    baseline, known, past, pages = next(every), [], Past(), []
    for night, profile in enumerate(every):
        known.append(profile)
        windows = [1, *(w for w, shorter in ((7, 1), (28, 7)) if night >= shorter)]
        findings = [
            finding
            for window in windows
            for check in (check_performance, check_bias)
            for finding in check(merge(known[-window:]), baseline, settings, window=window)
        ]
        date = Night.parse(str(FIRST_NIGHT + timedelta(days=night)), "0d")
        settled, verdict = decide(findings, config=settings, night=date, past=past)
        pages.append(any(incident.event in PAGES for incident in verdict.incidents))
        troubled = {family for incident in verdict.incidents if incident.is_open for family in incident.families}
        said = Readings(night=str(date), rows=n, labelled=n, troubled=tuple(sorted(troubled)), all=readings(settled))
        past = Past(verdict, [*past.readings, said])
    return np.flatnonzero(pages)


@pytest.mark.parametrize(("harm", "n"), [(0.0, 300), (0.05, 300), (0.10, 200)])
def test_the_rule_is_the_products(harm, n, tmp_path):
    from benchmarks.alerts.counts import draw_counts
    from benchmarks.alerts.product import product
    from benchmarks.alerts.series import series_of
    from benchmarks.alerts.streams import Stream, auc_lower

    stream, nights = Stream("harmed throughout", always=auc_lower(harm)), 14
    own = decided(stream, n=n, nights=nights, seed=31, folder=tmp_path)
    counts = draw_counts(stream, n, draw=np.random.default_rng(31), runs=1)
    twin = np.flatnonzero(product(series_of(counts, stream).paging, 1 / 90)[0, :nights])
    assert len(own) == len(twin) == (0 if harm == 0.0 else len(twin))
    # Intervals' two sides are taken for one in the simulation, so that a close call may fall a night apart.
    np.testing.assert_allclose(own, twin, atol=1)


# What rules come to


def test_false_pages_have_an_interval_that_holds_the_truth():
    from benchmarks.alerts.outcomes import false_pages

    draw = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        found = false_pages(draw.random((50, 100)) < 0.01)
        held += found.low <= 0.01 <= found.high
    assert held >= 185
    none = false_pages(np.zeros((10, 100), dtype=bool))
    assert none.rate == none.low == 0.0 and none.high == pytest.approx(3.7 / 1000, rel=0.01)


def test_delays_count_from_the_first_night_of_harm():
    from benchmarks.alerts.outcomes import delay

    pages = np.zeros((4, 200), dtype=bool)
    pages[0, 100] = pages[1, 101] = pages[2, 104] = True
    found = delay(pages)
    assert (found.lower, found.median, found.upper, found.found) == (1.0, 2.0, 5.0, 0.75)
    pages[3, 95] = True  # an incident that was open before tells nothing
    assert delay(pages).found == 1.0
    assert math.isnan(delay(np.ones((2, 200), dtype=bool)).median)


def test_the_tables_have_every_cell():
    from benchmarks.alerts import report
    from benchmarks.alerts.cells import SIZES, cell
    from benchmarks.alerts.drift import SHIFTS, Shown
    from benchmarks.alerts.peers import PEERS
    from benchmarks.alerts.streams import HARMS, NULLS, STREAMS

    one, other = cell("iid", 2_000, runs=3), cell("auc_05", 2_000, runs=3)
    cells = {(key, n): one if key in NULLS else other for key in STREAMS for n in SIZES}
    drift = {shift: Shown(shift, 4, 2, 3, 0.1) for shift in SHIFTS}
    text = report.render(report.Results(cells, {peer.name: "not run" for peer in PEERS}, drift), heading="Today.")
    for stream in (NULLS | HARMS).values():
        assert text.count(f"| {stream.name} | ") >= len(SIZES)
    assert "nan%" not in text and "inf" not in text


def test_drift_is_asked_of_the_checks_themselves():
    from benchmarks.alerts.drift import shown

    found = shown(0.25, 2000, nights=2)
    assert found.nights == found.named == found.within == 2 and 0.0 <= found.others <= 1.0


def test_peers_are_pinned_and_asked_the_same():
    from benchmarks.alerts.features import FEATURES
    from benchmarks.alerts.peers import PEERS, version

    assert len(FEATURES) == 40
    for peer in PEERS:
        assert version(peer) != "?"
        module = peer.function.partition(":")[0].replace(".", "/")
        assert (ROOT / f"{module}.py").exists()


def test_the_document_has_the_markers():
    from benchmarks.alerts.__main__ import BEGIN, DOCUMENT, END

    text = DOCUMENT.read_text("utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert text.index(BEGIN) < text.index(END)
