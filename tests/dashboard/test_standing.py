"""How a model stands: its verdict, its incidents, and whether its nights still come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nightproof.dashboard.due import coming, delay_of, first
from nightproof.dashboard.place import Place
from nightproof.dashboard.standing import GRACE, ORDER, SIGNS, silent_since, stand_of, worst_first
from nightproof.verdict import Incident

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NIGHT = datetime(2026, 11, 18, tzinfo=UTC)  # a Wednesday
DUE = {"0s": NIGHT + DAY + 4 * HOUR, "1d": NIGHT + 2 * DAY}
"""When the night of 2026-11-18 could be evaluated by a run at 04:00, by the delay of its labels."""


def incident(**changes: Any) -> Incident:
    told = {
        "id": "performance-2026-11-17",
        "event": "ongoing",
        "check": "performance",
        "metric": "roc_auc",
        "segment": {},
        "opened": "2026-11-17",
        "findings": ("ROC AUC",),
        "cause": "ROC AUC fell by 0.1.",
        "since": "2026-11-16",
        "worst": 2.0,
        "families": ("performance",),
    }
    return Incident.model_validate(told | changes)


QUARANTINE = {
    "check": "data",
    "metric": "validation",
    "families": ("data",),
    "cause": "2 critical expectations failed.",
    "worst": None,
}
BLIND = {"check": "blind", "metric": "labelled_rows", "families": ("blind",), "cause": "For 8 nights.", "worst": None}


@pytest.fixture
def row(published: Any) -> Any:
    """A good night of 2026-11-18, evaluated when it was due; changes replace its fields."""
    known = published.source().row("quiet")

    def make(
        *, schedule: str = "0 4 * * *", label_delay: str = "0s", after: timedelta = HOUR / 12, **changes: Any
    ) -> Any:
        at = (DUE[label_delay] + after).isoformat() if label_delay in DUE else ""
        told: dict[str, Any] = {
            "night": "2026-11-18",
            "evaluated_at": at,
            "schedule": schedule,
            "label_delay": label_delay,
        }
        told |= {"status": "ok", "headline": "No regression.", "incidents": ()}
        return known.model_copy(update=told | changes)

    return make


@pytest.fixture
def place(bench: Any) -> Any:
    """Where a model lies whose config has these keys."""

    def make(**config: Any) -> Place:
        made = bench.config(**config)
        return Place(made.results_url, made)

    return make


SOON = NIGHT + 2 * DAY
ALONE = Place("s3://ml-results/nightproof/")
"""Of a model without a config here: its row says what its schedule is."""


# --- Silence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "step"),
    [("0 4 * * *", DAY), ("0 0 * * *", DAY), ("30 23 * * *", DAY), ("0 * * * *", DAY), ("*/5 * * * *", DAY)],
)
@pytest.mark.parametrize("delay", ["0s", "1d"])
def test_a_nightly_model_is_silent_a_day_and_the_grace_after_its_last_night(
    row: Any, schedule: str, step: timedelta, delay: str
) -> None:
    """However often a schedule ticks, it brings one night a day; and labels that are waited for are no silence."""
    found = row(schedule=schedule, label_delay=delay)
    last = datetime.fromisoformat(found.evaluated_at)
    for waited in (timedelta(0), step, step + GRACE):
        assert silent_since(ALONE, found, last + waited) is None
    assert silent_since(ALONE, found, last + step + GRACE + HOUR) == last + step


def test_a_weekly_model_is_not_silent_within_its_week(row: Any) -> None:
    found = row(schedule="0 4 * * 3")
    last = datetime.fromisoformat(found.evaluated_at)
    assert silent_since(ALONE, found, last + 7 * DAY + GRACE) is None
    assert silent_since(ALONE, found, last + 7 * DAY + GRACE + HOUR) is not None


def test_a_model_of_weekdays_is_not_silent_on_the_weekend(row: Any) -> None:
    """The run of Friday is of Thursday's interval, and that of Monday, which begins on Friday, comes three days on."""
    thursday = row(schedule="0 4 * * 1-5", night="2026-11-19", evaluated_at="2026-11-20T04:05:00+00:00")
    assert silent_since(ALONE, thursday, datetime(2026, 11, 23, 10, tzinfo=UTC)) is None
    assert silent_since(ALONE, thursday, datetime(2026, 11, 23, 11, tzinfo=UTC)) is not None


def test_nights_of_long_ago_that_are_replayed_now_are_no_silence(row: Any) -> None:
    replayed = row(night="2013-10-24", evaluated_at=SOON.isoformat())
    assert silent_since(ALONE, replayed, SOON + DAY) is None
    assert silent_since(ALONE, replayed, SOON + DAY + GRACE + HOUR) is not None


def test_a_night_that_is_published_again_does_not_excuse_the_next_one(row: Any, place: Any) -> None:
    """Late labels publish a night again, days after the next one was due."""
    found, now = row(after=DAY + 11 * HOUR), NIGHT + 3 * DAY + 4 * HOUR
    assert silent_since(place(), found, now) is not None


def test_a_night_that_was_late_moves_the_next_by_no_more_than_a_run_waits(row: Any, place: Any) -> None:
    here, next_due = place(), DUE["0s"] + DAY
    late = row(after=10 * HOUR)
    assert silent_since(here, late, next_due + 10 * HOUR + GRACE) is None
    assert silent_since(here, late, next_due + 12 * HOUR + GRACE + HOUR) is not None


@pytest.mark.parametrize("at", ["2030-01-01T00:00:00+00:00", "soon", ""])
def test_a_clock_that_cannot_be_believed_is_no_excuse_for_ever(row: Any, at: str) -> None:
    found = row(evaluated_at=at)
    assert silent_since(ALONE, found, DUE["0s"] + DAY) is None
    assert silent_since(ALONE, found, NIGHT + 5 * DAY) is not None


def test_an_instant_without_a_zone_is_utc(row: Any) -> None:
    at = DUE["0s"].replace(tzinfo=None)
    with_zone, without = row(evaluated_at=DUE["0s"].isoformat()), row(evaluated_at=at.isoformat())
    for hours in range(24, 36):
        now = DUE["0s"] + hours * HOUR
        assert silent_since(ALONE, with_zone, now) == silent_since(ALONE, without, now)


@pytest.mark.parametrize("schedule", ["0 4 31 2 *", "", "every night", "99 99 * * *"])
def test_a_schedule_that_never_ticks_makes_nothing_silent(row: Any, schedule: str) -> None:
    assert silent_since(ALONE, row(schedule=schedule), NIGHT + 400 * DAY) is None
    assert coming(schedule, "2026-11-18", DAY) is None and first(schedule, DAY, SOON) is None


def test_of_a_schedule_that_was_changed_the_later_due_counts(row: Any, place: Any) -> None:
    now = NIGHT + 4 * DAY
    assert silent_since(place(schedule="0 4 * * 3"), row(), now) is None
    assert silent_since(place(), row(schedule="0 4 * * 3"), now) is None
    assert silent_since(place(), row(), now) is not None


def test_a_first_night_is_that_of_the_next_run_and_waits_for_its_labels() -> None:
    found = first("0 4 * * *", DAY, datetime(2026, 11, 18, 12, tzinfo=UTC))
    assert found is not None
    assert (found.night, found.due) == ("2026-11-18", datetime(2026, 11, 20, tzinfo=UTC))


def test_a_text_that_is_no_duration_is_none() -> None:
    assert delay_of("36h") == 1.5 * DAY
    assert delay_of("a while") == timedelta(0)


# --- Standing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("ok", "ok"),
        ("watch", "watch"),
        ("insufficient_data", "blind"),
        ("quarantined", "quarantined"),
        ("regression", "regression"),
    ],
)
def test_without_incidents_a_model_stands_as_its_last_night(row: Any, status: str, standing: str) -> None:
    stand = stand_of(ALONE, row(status=status, headline="So it was."), SOON)
    assert (stand.standing, stand.why, stand.silent_since) == (standing, "So it was.", None)


def test_an_open_incident_stands_above_a_good_night(row: Any) -> None:
    stand = stand_of(ALONE, row(incidents=(incident(),)), SOON)
    assert (stand.standing, stand.why) == ("incident", "ROC AUC fell by 0.1.")


def test_the_worst_of_several_incidents_says_why(row: Any) -> None:
    worse = incident(id="bias-2026-11-18", check="bias", worst=9.0, cause="Worse.")
    assert stand_of(ALONE, row(incidents=(incident(), worse)), SOON).why == "Worse."


def test_an_incident_that_is_over_makes_nothing_bad(row: Any) -> None:
    over = [incident(event="recovered", ended="2026-11-18"), incident(event="withdrawn", ended="2026-11-18")]
    assert stand_of(ALONE, row(incidents=tuple(over)), SOON).standing == "ok"


def test_a_model_can_have_an_incident_open_and_be_silent(row: Any) -> None:
    stand = stand_of(ALONE, row(incidents=(incident(),)), NIGHT + 9 * DAY)
    assert stand.standing == "incident" and stand.silent_since is not None


def test_silence_is_red_however_good_the_last_night_was(row: Any) -> None:
    stand = stand_of(ALONE, row(), NIGHT + 9 * DAY)
    assert stand.standing == "silent"
    assert "2026-11-18" in stand.why and f"{stand.silent_since:%Y-%m-%d %H:%M}" in stand.why


def test_an_incident_that_is_only_the_quarantine_of_the_last_night_has_its_name(row: Any) -> None:
    stand = stand_of(ALONE, row(status="quarantined", incidents=(incident(**QUARANTINE),)), SOON)
    assert (stand.standing, stand.why) == ("quarantined", "2 critical expectations failed.")
    both = row(status="quarantined", incidents=(incident(**QUARANTINE), incident()))
    assert stand_of(ALONE, both, SOON).standing == "incident"


def test_a_quarantine_that_good_nights_have_not_ended_is_an_incident(row: Any) -> None:
    assert stand_of(ALONE, row(incidents=(incident(**QUARANTINE, good_nights=1),)), SOON).standing == "incident"


def test_a_model_that_is_blind_for_long_is_not_said_to_have_regressed(row: Any) -> None:
    stand = stand_of(ALONE, row(status="insufficient_data", incidents=(incident(**BLIND),)), SOON)
    assert (stand.standing, stand.why) == ("blind", "For 8 nights.")


def test_a_mute_holds_until_its_day(row: Any, place: Any) -> None:
    muted = place(alerts={"mute": [{"check": "performance", "until": "2026-11-21", "reason": "known"}]})
    found = row(incidents=(incident(),), status="regression", after=DAY)
    assert stand_of(muted, found, SOON).standing == "muted"
    assert stand_of(muted, found, SOON + DAY).standing == "incident"
    other = row(incidents=(incident(), incident(check="bias", metric="tpr_gap", families=("bias",))))
    assert stand_of(muted, other, SOON).standing == "incident"


def test_a_muted_model_that_is_silent_is_silent(row: Any, place: Any) -> None:
    muted = place(alerts={"mute": [{"check": "performance", "until": "2999-01-01", "reason": "known"}]})
    assert stand_of(muted, row(incidents=(incident(),)), NIGHT + 9 * DAY).standing == "silent"


def test_a_broken_config_tells_its_faults_and_not_where_it_lies(row: Any, bench: Any) -> None:
    from nightproof.config import load_config
    from nightproof.errors import ConfigError

    bench.config()
    path = bench.models / "quiet.yaml"
    path.write_text("model: quiet\ntask: binray\ncolums: {}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    stand = stand_of(replace(ALONE, fault=str(caught.value)), row(), SOON)
    assert stand.standing == "broken"
    assert "binray" in stand.why and "colums" in stand.why and "quiet.yaml" in stand.why
    assert str(bench.models) not in stand.why


def test_a_model_without_a_night_is_new_unless_its_results_cannot_be_read() -> None:
    assert stand_of(ALONE, None, SOON).standing == "new"
    assert stand_of(ALONE, None, SOON, unread=True).standing == "unread"
    assert stand_of(replace(ALONE, unread="no row"), None, SOON).standing == "unread"


def test_a_model_whose_config_is_gone_is_retired_once_its_nights_stop(row: Any) -> None:
    gone = replace(ALONE, gone=True)
    assert stand_of(gone, row(), SOON).standing == "ok"
    assert stand_of(gone, row(incidents=(incident(),)), NIGHT + 9 * DAY).standing == "retired"


def test_the_worst_incident_is_the_one_of_the_largest_harm_then_the_oldest() -> None:
    small, large = incident(id="a", worst=1.0), incident(id="b", worst=3.0)
    old, untold = incident(id="c", worst=1.0, since="2026-01-01"), incident(id="d", worst=None)
    assert [found.id for found in worst_first([untold, small, old, large])] == ["b", "c", "a", "d"]


def test_every_standing_is_told_by_words_of_its_own() -> None:
    assert len({words for _, words in SIGNS.values()}) == len(SIGNS)
    assert all(sign.strip() and words.strip() for sign, words in SIGNS.values())
    assert min(ORDER, key=ORDER.__getitem__) == "incident"
