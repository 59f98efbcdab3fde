"""Injected faults: each changes what it says and nothing else; and how what was told is scored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from nightproof.validation import Expectation, Validation
from nightproof.verdict import Cause, Incident, Verdict

ROOT = Path(__file__).resolve().parents[1]
ROWS = 120
FEATURES = {"dep_delay", "distance", "hour", "carrier", "origin", "dest"}


@pytest.fixture(scope="module", autouse=True)
def importable():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield


class Model:
    """A model that knows only its features, so that every change of one can be seen in the score."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def score(self, flights):
        delay = flights["dep_delay"].cast(pl.Float64).fill_null(0.0).to_numpy()
        distance = flights["distance"].cast(pl.Float64).fill_null(0.0).to_numpy()
        known = flights["carrier"].is_in(["UA", "AA"]).to_numpy()
        return np.round(
            1 / (1 + np.exp(-self.weight * (delay + distance / 1000 + flights["hour"].to_numpy() + known) / 50)), 6
        )


def night(start):
    from benchmarks.faults.frames import Frames

    draw, when = np.random.default_rng(start), datetime(2013, 5, 1, tzinfo=UTC)
    origin = [("EWR", "JFK", "LGA")[i % 3] for i in range(ROWS)]
    predictions = pl.DataFrame(
        {
            "flight_id": [f"{start}-{i}" for i in range(ROWS)],
            "predicted_at": [when + timedelta(minutes=i) for i in range(ROWS)],
            "model_version": ["1"] * ROWS,
            "p_late": draw.random(ROWS).round(6),
            "dep_delay": pl.Series(draw.integers(-10, 60, ROWS), dtype=pl.Int32),
            "distance": pl.Series(draw.integers(100, 3000, ROWS), dtype=pl.Int32),
            "hour": pl.Series(draw.integers(5, 24, ROWS), dtype=pl.Int32),
            "carrier": [("UA", "AA")[i % 2] for i in range(ROWS)],
            "origin": origin,
            "dest": [f"D{i % 7}" for i in range(ROWS)],
        }
    )
    labels = pl.DataFrame(
        {
            "flight_id": predictions["flight_id"],
            "late": pl.Series(draw.integers(0, 2, ROWS), dtype=pl.Int8),
            "labelled_at": predictions["predicted_at"],
        }
    )
    return Frames(predictions.with_columns(pl.Series("p_late", Model().score(predictions))), labels)


def inject(name, frames=None, seed=1):
    """The night before and after the fault whose name holds ``name``."""
    from benchmarks.faults.catalogue import FAULTS
    from benchmarks.faults.frames import Surroundings

    [fault] = [fault for fault in FAULTS if name in fault.name]
    before = frames or night(2)
    arrivals = pl.DataFrame({"flight_id": before.labels["flight_id"], "arr_delay": [i - 20 for i in range(ROWS)]})
    around = Surroundings(
        Model(), Model(0.1), night(1), arrivals.sample(fraction=1, shuffle=True, seed=3), np.random.default_rng(seed)
    )
    return before, fault.inject(before, around)


def changed(before, after):
    """Names of the columns that are not as they were, of predictions and of labels."""
    pairs = [(before.predictions, after.predictions), (before.labels, after.labels)]
    return {name for then, now in pairs for name in then.columns if not then[name].equals(now[name], null_equal=True)}


CHANGES = {
    "30 % of dep_delay missing": {"dep_delay"},
    "all of distance missing": {"distance"},
    "dep_delay in hours": {"dep_delay"},
    "distance in km": {"distance"},
    "dep_delay shuffled": {"dep_delay"},
    "dest shuffled": {"dest"},
    "25 % of labels flipped": {"late"},
    "every label of carrier UA": {"late"},
    "features of a week ago": FEATURES - {"carrier", "origin", "dest"},
    "classes swapped": {"p_late"},
    "scores capped": {"p_late"},
    "scores rounded": {"p_late"},
    "every score": {"p_late"},
    "carrier codes": {"carrier"},
    "hour always 0": {"hour"},
    "hour five hours on": {"hour"},
    "a worse version": {"model_version", "p_late"},
    "airport EWR late": {"late"},
}
ROW_FAULTS = ("airport LGA dropped", "airport JFK logged twice")
SILENT = {"dest shuffled"}
"""The model of these tests does not look at dest."""


def test_there_are_twenty():
    from benchmarks.faults.catalogue import FAULTS

    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == 20
    assert all(sum(key in name for name in names) == 1 for key in [*CHANGES, *ROW_FAULTS])
    assert len(CHANGES) + len(ROW_FAULTS) == 20


@pytest.mark.parametrize("name", CHANGES)
def test_a_fault_changes_what_it_says_and_nothing_else(name):
    before, after = inject(name)
    of_features = CHANGES[name] & FEATURES and name not in SILENT
    assert changed(before, after) == CHANGES[name] | ({"p_late"} if of_features else set())
    assert after.predictions.columns == before.predictions.columns
    assert after.labels.schema == before.labels.schema


@pytest.mark.parametrize("name", [*CHANGES, *ROW_FAULTS])
def test_a_fault_leaves_its_night_alone_and_is_the_same_again(name):
    before, once = inject(name)
    _, again = inject(name, before)
    assert before.predictions.equals(night(2).predictions)
    assert before.labels.equals(night(2).labels)
    assert once.predictions.equals(again.predictions)
    assert once.labels.equals(again.labels)


@pytest.mark.parametrize("name", [name for name, columns in CHANGES.items() if columns & FEATURES])
def test_scores_are_the_models_own_on_the_faulty_features(name):
    _, after = inject(name)
    assert after.predictions["p_late"].to_list() == Model().score(after.predictions).tolist()


def test_shares_are_what_they_say():
    _, holes = inject("30 % of dep_delay")
    before, flipped = inject("25 % of labels")
    assert 0.15 < holes.predictions["dep_delay"].null_count() / ROWS < 0.45
    assert 0.12 < (before.labels["late"] != flipped.labels["late"]).mean() < 0.4
    assert inject("all of distance")[1].predictions["distance"].null_count() == ROWS


def test_units_and_clocks():
    before, hours = inject("dep_delay in hours")
    assert np.allclose(hours.predictions["dep_delay"] * 60, before.predictions["dep_delay"])
    before, km = inject("distance in km")
    assert np.allclose(km.predictions["distance"] / before.predictions["distance"], 1.609344)
    before, later = inject("hour five hours on")
    assert ((later.predictions["hour"] - before.predictions["hour"]) % 24).unique().to_list() == [5]
    assert later.predictions["hour"].is_between(0, 23).all()


@pytest.mark.parametrize("column", ["dep_delay", "dest"])
def test_a_shuffled_column_has_the_values_it_had(column):
    before, after = inject(f"{column} shuffled")
    assert before.predictions[column].sort().equals(after.predictions[column].sort())


def test_stale_features_are_those_of_the_week_before():
    _, after = inject("features of a week ago")
    assert after.predictions.select(sorted(FEATURES)).equals(night(1).predictions.select(sorted(FEATURES)))


def test_stale_features_come_again_where_the_week_before_had_fewer_rows():
    from benchmarks.faults.feature_faults import stale
    from benchmarks.faults.frames import Frames, Surroundings

    old = Frames(night(1).predictions.head(50), night(1).labels.head(50))
    none = pl.DataFrame({"flight_id": [], "arr_delay": []})
    after = stale(night(2), Surroundings(Model(), Model(), old, none, np.random.default_rng(1)))
    assert after.predictions["dep_delay"].to_list() == [old.predictions["dep_delay"][i % 50] for i in range(ROWS)]


def test_a_groups_labels():
    before, after = inject("every label of carrier UA")
    of_group = (before.predictions["carrier"] == "UA").to_list()
    told = zip(of_group, before.labels["late"], after.labels["late"], strict=True)
    assert all(now == (1 if ua else then) for ua, then, now in told)


def test_an_airport_where_late_is_sooner():
    before, after = inject("airport EWR late")
    for place, (origin, then, now) in enumerate(
        zip(before.predictions["origin"], before.labels["late"], after.labels["late"], strict=True)
    ):
        assert now == (int(place - 20 > 5) if origin == "EWR" else then)


def test_scores():
    before, swapped = inject("classes swapped")
    assert np.allclose(before.predictions["p_late"] + swapped.predictions["p_late"], 1.0)
    assert inject("scores capped")[1].predictions["p_late"].max() == 0.3
    assert set(inject("scores rounded")[1].predictions["p_late"]) <= {0.0, 1.0}
    assert inject("every score")[1].predictions["p_late"].unique().to_list() == [0.2]
    _, worse = inject("a worse version")
    assert worse.predictions["p_late"].to_list() == Model(0.1).score(worse.predictions).tolist()


def test_rows_dropped_and_doubled():
    before, fewer = inject("airport LGA dropped")
    rest = before.predictions.filter(pl.col("origin") != "LGA")
    assert fewer.predictions.equals(rest)
    assert fewer.labels["flight_id"].equals(rest["flight_id"])
    before, more = inject("airport JFK logged twice")
    assert more.predictions.unique(maintain_order=True).equals(before.predictions)
    assert set(more.predictions.filter(pl.col("flight_id").is_duplicated())["origin"]) == {"JFK"}
    assert more.labels.equals(before.labels)


def test_faults_begin_where_nothing_else_is_told():
    from benchmarks.faults.catalogue import APART, FIRST_BEGIN, beginnings

    last = date(2013, 12, 31)
    assert beginnings(set(), last=last) == [FIRST_BEGIN + place * APART for place in range(20)]
    first, second, *_ = beginnings({FIRST_BEGIN + timedelta(days=after) for after in range(12)}, last=last)
    assert second == first + timedelta(days=1)
    for uneasy in (FIRST_BEGIN - timedelta(days=1), FIRST_BEGIN, FIRST_BEGIN + timedelta(days=1)):
        assert beginnings({uneasy}, last=last)[0] == uneasy + timedelta(days=2)
    with pytest.raises(ValueError, match="no quiet night"):
        beginnings(set(), last=date(2013, 11, 1))


def told(night, *incidents, status="regression", failed=()):
    from benchmarks.faults.told import Told

    verdict = Verdict(
        model="m",
        night=night,
        status=status,
        headline="",
        regressions=0,
        watches=0,
        insufficient=0,
        findings=0,
        false_alarm_level=0.1,
        incidents=incidents,
        history=(),
    )
    expectations = tuple(
        Expectation(
            source="contract",
            type="expect",
            column=column,
            kwargs={},
            severity="critical",
            success=False,
            observed=None,
            unexpected_count=None,
            unexpected_percent=None,
            example_keys=(),
        )
        for column in failed
    )
    validation = Validation(
        outcome="quarantined" if failed else "passed", rows=1, labelled=1, expectations=expectations, engine="none"
    )
    return Told(night, verdict, validation, ())


def incident(event="opened", check="performance", *causes):
    return Incident(
        id="x",
        event=event,
        check=check,
        metric="roc_auc",
        segment={},
        opened="2013-05-01",
        findings=(),
        cause="",
        causes=causes,
    )


def fault(*kinds, columns=(), segment=None):
    from benchmarks.faults.fault import Expected, Fault

    return Fault("f", lambda night, around: night, (Expected(kinds, columns, segment or {}),))


BROKEN = Cause(kind="data_fault", text="dep_delay is missing", columns=("dep_delay", "hour"))
MIX = Cause(kind="mix", text="other rows", columns=("origin",), segment={"origin": "EWR"})


def test_any_of_several_causes_is_right():
    from benchmarks.faults.fault import Expected, Fault

    found = Fault("f", lambda night, around: night, (Expected(("concept",)), Expected(("mix",), ("origin",))))
    assert found.is_named_by(MIX)
    assert found.is_named_by(Cause(kind="concept", text="all rows mean something else"))
    assert not found.is_named_by(BROKEN)
    assert found.columns == {"origin"}


def scored(expected, nights, clean=()):
    from benchmarks.faults.score import outcome

    return outcome(expected, nights, {t.night: t for t in clean})


def test_found_on_the_first_night_that_pages():
    quiet, page = told("2013-05-01"), told("2013-05-02", incident("opened", "performance", BROKEN))
    found = scored(fault("data_fault", columns=("dep_delay",)), [quiet, page])
    assert (found.night, found.in_time, found.is_right) == (2, True, True)
    late = scored(fault("data_fault"), [quiet, quiet, page])
    assert (late.night, late.in_time) == (3, False)


@pytest.mark.parametrize("event", ["ongoing", "recovered"])
def test_what_goes_on_or_ends_is_not_found(event):
    found = scored(fault("data_fault"), [told("2013-05-01", incident(event, "performance", BROKEN))])
    assert (found.night, found.in_time, found.is_right) == (None, False, False)


def test_a_page_that_comes_without_the_fault_too_does_not_find_it():
    page = told("2013-05-01", incident("opened", "performance", BROKEN))
    assert scored(fault("data_fault"), [page], clean=[page]).night is None
    assert scored(fault("data_fault"), [page], clean=[told("2013-05-01", incident("ongoing"))]).night == 1


def test_only_the_first_two_causes_are_read():
    expected = fault("data_fault", columns=("dep_delay",))
    for place, right in ((0, True), (1, True), (2, False)):
        causes = [MIX] * place + [BROKEN]
        assert scored(expected, [told("2013-05-01", incident("opened", "performance", *causes))]).is_right is right


@pytest.mark.parametrize(
    ("expected", "right"),
    [
        ({"kinds": ("mix",), "segment": {"origin": "EWR"}}, True),
        ({"kinds": ("mix",), "segment": {"origin": "JFK"}}, False),
        ({"kinds": ("mix",), "segment": {"origin": "JFK"}, "columns": ("origin",)}, True),
        ({"kinds": ("mix",), "columns": ("dest",)}, False),
        ({"kinds": ("concept",), "columns": ("origin",)}, False),
        ({"kinds": ("mix",)}, False),
    ],
)
def test_a_cause_is_right_by_kind_and_by_what_it_names(expected, right):
    from benchmarks.faults.fault import Expected

    assert Expected(**expected).is_met_by(MIX) is right


@pytest.mark.parametrize(("column", "right"), [("dep_delay", True), ("hour", False)])
def test_a_quarantined_night_names_the_column_of_what_failed(column, right):
    night = told("2013-05-01", incident("opened", "data"), status="quarantined", failed=("dep_delay",))
    found = scored(fault("data_fault", columns=(column,)), [night])
    assert (found.night, found.is_right) == (1, right)
    assert "quarantine (dep_delay)" in found.by


def test_the_peer_is_compared_by_nights_and_by_what_alarms():
    from benchmarks.faults.peer import compared

    clean = {"1": [], "2": ["a"], "3": ["a"]}
    faulty = {
        "new alarm on a silent night": {"1": ["b"], "2": ["a"]},
        "more alarms on a loud night": {"2": ["a", "b"], "3": ["a"]},
        "fewer alarms": {"2": [], "3": ["a"]},
    }
    found = compared("peer", clean, faulty)
    assert (found.nights, found.alarming) == (3, 2)
    assert (found.new_nights, found.new_series, found.quiet_beginnings) == (1, 2, 1)
    assert [list(series) for series in found.new.values()] == [["b"], ["b"], []]


def season(live):
    """A season of one live night, beside as many rows of days before it."""
    from benchmarks.faults.season import FIRST, Season

    before = night(6).predictions.join(night(6).labels, on="flight_id")
    before = before.with_columns(day=pl.Series([FIRST - timedelta(days=1 + i % 30) for i in range(ROWS)]))
    rows = pl.concat([before, live.with_columns(day=pl.lit(FIRST))])
    sharp = pl.col("late") * 0.6 + pl.col("p_late") * 0.3
    scored = rows.with_columns(pl.when(pl.col("day") < FIRST).then(sharp).otherwise(pl.col("p_late")).alias("p_late"))
    return Season(scored, pl.DataFrame(), Model(), Model())


@pytest.mark.parametrize(("sharpness", "true"), [(0.6, False), (0.0, True)])
@pytest.mark.parametrize("metric", ["roc_auc", "brier"])
def test_a_page_is_true_where_the_rows_say_so(metric, sharpness, true):
    from nightproof.config import load_config
    from sklearn.metrics import brier_score_loss, roc_auc_score

    from benchmarks.faults.explain import explanations

    live = night(7).predictions.join(night(7).labels, on="flight_id")
    noise = pl.Series(np.random.default_rng(1).random(ROWS) * 0.3)
    live = live.with_columns(p_late=pl.col("late") * sharpness + noise + (0.0 if sharpness else 0.5))
    page = incident("opened", "performance").model_copy(update={"metric": metric})
    config = load_config(ROOT / "include" / "models" / "flight_delay.yaml")
    [found] = explanations([told("2013-04-01", page)], season(live), config)
    oracle = {"roc_auc": roc_auc_score, "brier": brier_score_loss}[metric]
    assert found.value == pytest.approx(oracle(live["late"].to_numpy(), live["p_late"].to_numpy()))
    assert (found.rows, found.window, found.is_true) == (ROWS, 1, true)


def test_a_page_about_broken_data_is_held_against_the_column():
    from nightproof.config import load_config

    from benchmarks.faults.explain import explanations

    page = incident("opened", "data").model_copy(update={"metric": "missing_rate", "column": "hour"})
    config = load_config(ROOT / "include" / "models" / "flight_delay.yaml")
    whole = night(7).predictions.join(night(7).labels, on="flight_id")
    holed = whole.with_columns(pl.when(pl.int_range(pl.len()) % 4 > 0).then(pl.col("hour")).alias("hour"))
    for live, share in ((whole, 0.0), (holed, 0.25)):
        [found] = explanations([told("2013-04-01", page)], season(live), config)
        assert (found.value, found.is_true) == (share, share > 0)


def test_a_page_about_what_is_not_measured_says_so():
    from nightproof.config import load_config

    from benchmarks.faults.explain import explanations

    page = incident("opened", "drift").model_copy(update={"metric": "psi", "column": "hour"})
    config = load_config(ROOT / "include" / "models" / "flight_delay.yaml")
    live = night(7).predictions.join(night(7).labels, on="flight_id")
    [found] = explanations([told("2013-04-01", page)], season(live), config)
    assert (found.value, found.is_true, found.is_sure) == (None, None, False)


def test_the_independent_gaps_are_those_of_fairlearn():
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    from benchmarks.faults import measured

    rows = night(5).predictions.join(night(5).labels, on="flight_id")
    group, other = (rows.filter(pl.col("carrier") == carrier) for carrier in ("AA", "UA"))
    predicted = (rows["p_late"] >= 0.5).cast(pl.Int8).to_numpy()
    rates = {"tpr": true_positive_rate, "fpr": false_positive_rate, "sel": selection_rate}
    frame = MetricFrame(
        metrics=rates, y_true=rows["late"].to_numpy(), y_pred=predicted, sensitive_features=rows["carrier"].to_numpy()
    ).by_group
    assert measured.gap("tpr_gap", group, other) == pytest.approx(frame["tpr"]["UA"] - frame["tpr"]["AA"])
    assert measured.gap("fpr_gap", group, other) == pytest.approx(frame["fpr"]["AA"] - frame["fpr"]["UA"])
    assert measured.gap("impact_ratio", group, other) == pytest.approx(frame["sel"]["AA"] / frame["sel"]["UA"])


def test_the_interval_covers_the_value_and_draws_nights():
    from benchmarks.faults import measured

    rows = night(5).predictions.join(night(5).labels, on="flight_id")
    days = [date(2013, 5, 1 + i % 3) for i in range(ROWS)]
    for frame in (rows.with_columns(day=pl.Series(days)), rows.with_columns(day=pl.lit(days[0]))):
        low, high = measured.interval(lambda found: measured.metric("roc_auc", found), frame)
        assert low < measured.metric("roc_auc", frame) < high


def test_tables_hold_a_row_for_everything():
    from benchmarks.faults.explain import Explanation
    from benchmarks.faults.tables import faults_table, pages_table, summary

    page = Explanation("2013-05-01", "opened", "ROC | AUC", 1, "", 10, 0.7, (0.6, 0.8), 0.9, 0.85, is_true=True)
    bare = Explanation("2013-05-02", "opened", "psi", 1, "")
    found = scored(fault("data_fault"), [told("2013-05-01", incident("opened", "performance", BROKEN))])
    never = scored(fault("data_fault"), [told("2013-05-01")])
    assert page.is_sure
    assert len(pages_table([page, bare]).splitlines()) == 4
    assert "ROC \\| AUC" in pages_table([page])
    assert "**never**" in faults_table([found, never], "the peer failed")
    said = summary(275, [page, bare], [found, never], "the peer failed: no network")
    assert "2 pages, 1 of the 1" in said
    assert "| faults found within 2 nights | >= 18 of 2 | 1 |" in said
