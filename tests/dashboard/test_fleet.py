"""The fleet's page and its API: who is shown, in which order, what was asked for, and thirty nights in a drawing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightproof.board import Primary
from nightproof.dashboard.app import create_app
from nightproof.dashboard.drawing.sparkline import SLOTS, sparkline, strip
from nightproof.dashboard.fleet_pages.fleet_cells import ago
from nightproof.dashboard.fleet_pages.fleet_query import FleetQuery, asked_of
from nightproof.dashboard.fleet_pages.fleet_view import change_of, fleet_stamp, fleet_view
from nightproof.dashboard.fleet_pages.open_incident import open_incident
from nightproof.dashboard.kept import Kept
from nightproof.dashboard.place import Place
from nightproof.dashboard.serving.access import NO_MODEL, Viewer
from nightproof.dashboard.source import Fleet
from nightproof.verdict import Incident

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = "s3://ml-results/nightproof/"
HOSTILE = "<img src=x onerror=alert(1)>"


@dataclass
class MadeUp:
    """A source of models that were never evaluated."""

    places: dict[str, Place] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def fleet(self) -> Fleet:
        return Fleet(dict(self.places), dict(self.rows), dict(self.faults), NOW)


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


def primary(value: list[float | None], *, last: str = "2026-11-18", **changes: Any) -> Primary:
    days = [str(date.fromisoformat(last) - timedelta(days=i)) for i in reversed(range(len(value)))]
    told = {
        "metric": "roc_auc",
        "worse": "lower",
        "night": days,
        "value": value,
        "low": [None if v is None else v - 0.02 for v in value],
        "high": [None if v is None else v + 0.02 for v in value],
        "n": [500] * len(value),
        "status": "".join("-" if v is None else "o" for v in value),
        "baseline": 0.9,
        "limit": 0.88,
    }
    return Primary.model_validate(told | changes)


@pytest.fixture
def add(published: Any) -> Callable[..., None]:
    """``add(source, model, …)``: one more model, whose last night was good; changes replace its row's fields."""
    known = published.source().row("quiet")

    def put(
        source: MadeUp, model: str, *, row: bool = True, place: dict[str, Any] | None = None, **changes: Any
    ) -> None:
        source.places[model] = Place(**{"results_url": ROOT, **(place or {})})
        told: dict[str, Any] = {
            "model": model,
            "night": "2026-11-18",
            "evaluated_at": "2026-11-20T04:05:00+00:00",
            "status": "ok",
        }
        told |= {"headline": "No regression.", "incidents": (), "owner": "ops", "tags": (), "schedule": "0 4 * * *"}
        told |= {"label_delay": "0s", "description": "", "statuses": (("2026-11-18", "ok"),)}
        if row:
            source.rows[model] = known.model_copy(update=told | changes)

    return put


@pytest.fixture
def fleet(add: Any) -> MadeUp:
    """A model in each of several standings."""
    source = MadeUp()
    add(source, "b_good", tags=("eu", "tier-1"), owner="payments", description="Is it fraud?")
    add(source, "a_good", tags=("eu",))
    add(source, "bad", incidents=(incident(),), status="regression")
    add(source, "worse", incidents=(incident(worst=7.5, cause="It fell by far."),), status="regression", tags=("us",))
    add(source, "silent", evaluated_at="2026-11-10T04:05:00+00:00")
    add(source, "long_silent", evaluated_at="2026-10-10T04:05:00+00:00")
    add(source, "watched", status="watch")
    add(source, "fresh", row=False)
    add(source, "faulty", row=False, place={"fault": "/srv/x/faulty.yaml has 1 fault:\n  /srv/x/faulty.yaml: bad <b>"})
    return source


ORDERED = ["worse", "bad", "faulty", "long_silent", "silent", "watched", "a_good", "b_good", "fresh"]
ALL = Viewer()


def names(source: MadeUp, viewer: Viewer = ALL, **asked: Any) -> list[str]:
    return [model.model for model in fleet_view(source.fleet(), viewer, FleetQuery(**asked), NOW).models]


@pytest.fixture
def look(ask: Any) -> Callable[..., Any]:
    """``look(source, path, viewer=…)``: an answer of the dashboard over a made-up source."""

    def asked(source: Any, path: str, viewer: Viewer = ALL, **how: Any) -> Any:
        return ask(create_app(source, lambda: viewer, clock=lambda: NOW), path, **how)

    return asked


def rows_of(html: str) -> list[str]:
    return re.findall(r'class="name" href="/models/([^"]*)"', html)


# --- Order and filters ----------------------------------------------------------------------------------------


def test_open_incidents_are_first_the_worst_of_them_on_top(fleet: MadeUp) -> None:
    assert names(fleet) == ORDERED


def test_a_page_and_the_api_answer_with_the_same_models(fleet: MadeUp, look: Any) -> None:
    assert rows_of(look(fleet, "/").text) == ORDERED
    answer = look(fleet, "/api/v1/models").json()
    assert [model["model"] for model in answer["models"]] == ORDERED
    assert answer["counts"]["incident"] == 2 and answer["total"] == len(ORDERED) == sum(answer["counts"].values())


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({"q": "GOOD"}, ["a_good", "b_good"]),
        ({"q": "fraud eu"}, ["b_good"]),
        ({"owner": "payments"}, ["b_good"]),
        ({"tag": "eu", "standing": "ok"}, ["a_good", "b_good"]),
        ({"standing": "incident"}, ["worse", "bad"]),
        ({"q": "no such words"}, []),
        ({"sort": "name"}, sorted(ORDERED)),
    ],
)
def test_filters_leave_what_fits(fleet: MadeUp, asked: dict[str, Any], shown: list[str]) -> None:
    assert names(fleet, **asked) == shown


def test_counts_are_of_all_models_whatever_was_asked_for(fleet: MadeUp) -> None:
    every = fleet_view(fleet.fleet(), ALL, FleetQuery(), NOW)
    narrowed = fleet_view(fleet.fleet(), ALL, FleetQuery(q="good"), NOW)
    assert (narrowed.counts, narrowed.total, narrowed.matching) == (every.counts, every.total, 2)


def test_by_change_the_model_that_lost_most_of_its_tolerance_is_first(fleet: MadeUp, add: Any) -> None:
    add(fleet, "slipping", primary=primary([0.9, 0.885]))
    add(fleet, "fallen", primary=primary([0.9, 0.7]))
    assert names(fleet, sort="change")[0] == "fallen"
    assert change_of(primary([0.9, 0.88])) == pytest.approx(1.0)
    assert change_of(primary([0.9, None])) is change_of(None) is change_of(primary([0.9], limit=None)) is None


def test_by_night_the_oldest_last_night_is_first_after_models_without_one(fleet: MadeUp, add: Any) -> None:
    add(fleet, "old", night="2026-01-01")
    assert names(fleet, sort="night")[:3] == ["faulty", "fresh", "old"]


@pytest.mark.parametrize("per", [1, 2, 4, 9, 1000])
def test_pages_are_all_models_each_once(fleet: MadeUp, per: int) -> None:
    pages = fleet_view(fleet.fleet(), ALL, FleetQuery(per=per), NOW).pages
    assert [name for page in range(1, pages + 1) for name in names(fleet, per=per, page=page)] == ORDERED


def test_beyond_the_last_page_is_the_last_page(fleet: MadeUp) -> None:
    assert names(fleet, per=4, page=99) == names(fleet, per=4, page=3) == ORDERED[8:]


words_of = st.text(max_size=20)


@given(words_of, words_of, st.sampled_from(["", "silent", "ok"]), words_of, st.integers(1, 50), st.integers(1, 1000))
def test_an_address_says_what_it_shows(q: str, owner: str, standing: Any, tag: str, page: int, per: int) -> None:
    asked = FleetQuery(q=q, owner=owner, standing=standing, tag=tag, page=page, per=per)
    link = asked.link(page=page)
    given = dict(parse_qsl(link.removeprefix("?"), keep_blank_values=True))
    assert asked_of(given) == (asked, ())


def test_another_filter_begins_with_the_first_page() -> None:
    assert FleetQuery(page=7).link(standing="ok") == "?standing=ok"
    assert FleetQuery(page=7, q="x").link(q="") == ""


def test_what_an_address_asks_in_vain_is_left_out_and_said(fleet: MadeUp, look: Any) -> None:
    answer = look(fleet, f"/?standing=purple&page=-3&per=x&q={'x' * 300}&tag=eu&nothing={HOSTILE}")
    assert answer.status_code == 200
    assert rows_of(answer.text) == ["a_good", "b_good"]
    assert answer.text.count("which is left out") == 4 and "purple" in answer.text
    assert look(fleet, "/api/v1/models?standing=purple", accept="application/json").status_code == 422


# --- Who may see what -----------------------------------------------------------------------------------------


def test_a_viewer_sees_nothing_of_what_they_may_not_read(fleet: MadeUp, look: Any) -> None:
    viewer = Viewer("ann", frozenset(("bad", "a_good")))
    seen = fleet_view(fleet.fleet(), viewer, FleetQuery(), NOW)
    assert [model.model for model in seen.models] == ["bad", "a_good"]
    assert seen.total == 2 and sum(seen.counts.values()) == 2
    assert "payments" not in seen.owners and "us" not in seen.tags
    page = look(fleet, "/", viewer).text
    assert rows_of(page) == ["bad", "a_good"]
    assert not any(name in page for name in ("b_good", "long_silent", "faulty", "payments", "It fell by far"))


def test_a_model_that_may_not_be_read_is_as_one_that_is_not_there(fleet: MadeUp, look: Any) -> None:
    viewer = Viewer("ann", frozenset(("bad",)))
    hidden, missing = look(fleet, "/api/v1/models/worse", viewer), look(fleet, "/api/v1/models/nobody")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json() == {"detail": NO_MODEL}
    assert look(fleet, "/api/v1/models/bad", viewer).json()["standing"] == "incident"


def test_faults_of_results_are_told_to_whoever_may_read_all(fleet: MadeUp, look: Any) -> None:
    fleet.faults[ROOT] = "No answer from http://key:secret@store:9000."
    page = look(fleet, "/").text
    assert ROOT in page and "No answer from" in page and "secret" not in page
    assert ROOT not in look(fleet, "/", Viewer("ann", frozenset(("bad", "fresh")))).text


def test_a_model_whose_results_cannot_be_read_is_not_called_new(fleet: MadeUp) -> None:
    fleet.faults[ROOT] = "No answer."
    seen = {model.model: model for model in fleet_view(fleet.fleet(), ALL, FleetQuery(), NOW).models}
    assert seen["fresh"].standing == "unread"
    # What was read before is still shown, and said to be of before.
    assert seen["bad"].standing == "incident" and seen["bad"].unread


# --- What a row tells -----------------------------------------------------------------------------------------


def test_an_incident_tells_since_when_why_and_what_to_believe_it_by(fleet: MadeUp, look: Any) -> None:
    page = " ".join(look(fleet, "/?q=worse").text.split())
    for said in ("It fell by far.", "Since 2026-11-16", "7.5 times its tolerance", "labels are final"):
        assert said in page


def test_evidence_counts_the_nights_that_are_surely_beyond_the_limit(add: Any) -> None:
    source = MadeUp()
    nights = tuple((f"2026-11-{day:02d}", "ok") for day in range(14, 19))
    add(source, "m", primary=primary([0.9, 0.9, 0.8, 0.87, 0.8]), statuses=nights, labels="provisional")
    found = open_incident(incident(), source.rows["m"], source.places["m"], NOW.date())
    assert (found.since, found.nights, found.nights_at_least) == ("2026-11-16", 3, False)
    assert any("on 2 of 3 nights" in clause for clause in found.evidence)
    assert any(clause.startswith("last night 0.800 (0.780 to 0.820, n = 500)") for clause in found.evidence)
    assert any("provisional" in clause for clause in found.evidence)


def test_an_incident_older_than_the_nights_that_are_known_has_lasted_at_least_so_long(add: Any) -> None:
    source = MadeUp()
    add(source, "m", nights=200, statuses=(("2026-11-17", "regression"), ("2026-11-18", "regression")))
    found = open_incident(incident(since="2026-01-01"), source.rows["m"], source.places["m"], NOW.date())
    assert (found.nights, found.nights_at_least) == (2, True)


def test_a_model_tells_when_its_first_night_comes(published: Any) -> None:
    config = published.source().config("quiet")
    source = MadeUp({"soon": Place(ROOT, config), "never": Place(ROOT)})
    seen = {model.model: model for model in fleet_view(source.fleet(), ALL, FleetQuery(), NOW).models}
    assert seen["soon"].comes is not None and seen["soon"].comes > NOW
    assert seen["never"].comes is None


def test_a_broken_config_shows_its_faults_escaped_and_not_its_folder(fleet: MadeUp, look: Any) -> None:
    page = look(fleet, "/?q=faulty").text
    assert "faulty.yaml: bad &lt;b&gt;" in page and "/srv/x" not in page
    assert look(fleet, "/api/v1/models/faulty").json()["why"].count("/srv/x") == 0


def test_text_of_data_stays_text(add: Any, look: Any) -> None:
    source, hostile = MadeUp(), f"{HOSTILE}\u202e{{{{ 7 * 7 }}}}"
    told = incident(cause=hostile + "x" * 10_000, segment={hostile: hostile})
    states = {
        "metric": "psi",
        "column": hostile,
        "segment": {hostile: hostile},
        "value": 0.3,
        "series": 2,
        "watches": 1,
    }
    add(source, "m", incidents=(told,), owner=hostile, tags=(hostile,), description=hostile, headline=hostile)
    drift = source.rows["m"].drift.model_copy(update={"status": "w", **states})
    source.rows["m"] = source.rows["m"].model_copy(
        update={"drift": drift, "bias": drift, "business": drift, "data": drift}
    )
    page = look(source, "/").text
    # Only the values of the filters, which nobody sees, are the very text.
    assert "<img" not in page and "\u202e" not in re.sub(r'value="[^"]*"', "", page)
    assert "{{ 7 * 7 }}" in page
    assert "x" * 1000 not in page


# --- Nothing to show ------------------------------------------------------------------------------------------


def test_an_empty_fleet_says_how_a_model_is_added(look: Any) -> None:
    page = look(MadeUp(), "/").text
    for said in ("include/models/", "model:", "task:", "data:", "columns:", "nightproof check-config"):
        assert said in page


def test_a_viewer_who_may_read_nothing_is_told_whom_to_ask(fleet: MadeUp, look: Any) -> None:
    page = look(fleet, "/", Viewer("ann", frozenset())).text
    assert "No model that you may read" in page and "include/models" not in page
    assert not any(name in page for name in ("a_good", "b_good", "long_silent", "faulty", "payments"))


def test_filters_that_nothing_fits_can_be_cleared(fleet: MadeUp, look: Any) -> None:
    page = look(fleet, "/?q=nobody&per=50").text
    assert "No model fits this" in page and 'href="/?per=50"' in page


# --- News -----------------------------------------------------------------------------------------------------


def test_the_stamp_changes_with_a_night_or_a_standing_of_what_the_viewer_may_read(fleet: MadeUp, add: Any) -> None:
    viewer = Viewer("ann", frozenset(("bad", "a_good")))

    def stamp(now: datetime = NOW) -> str:
        return fleet_stamp(fleet.fleet(), viewer, now).stamp

    before = stamp()
    assert stamp() == before == fleet_view(fleet.fleet(), viewer, FleetQuery(q="bad"), NOW).stamp
    add(fleet, "b_good", entries=99)
    assert stamp() == before
    assert stamp(NOW + timedelta(days=3)) != before
    add(fleet, "a_good", entries=99)
    assert stamp() != before


def test_a_new_row_of_a_model_is_shown_at_once(fleet: MadeUp, add: Any, look: Any) -> None:
    """Rows are laid out once and kept: a new night, or another standing, makes one anew."""
    assert "Incident open" not in look(fleet, "/?q=a_good").text.split("<table", 1)[1]
    add(fleet, "a_good", incidents=(incident(cause="It fell now."),))
    assert "It fell now." in look(fleet, "/?q=a_good").text


def test_what_is_kept_is_made_anew_when_what_it_was_made_of_changes() -> None:
    kept, made = Kept[int](2), iter(range(100))
    assert [kept.get("a", (1,), made.__next__) for _ in range(3)] == [0, 0, 0]
    assert [kept.get("a", (2,), made.__next__), kept.get("b", (1,), made.__next__)] == [1, 2]
    assert kept.get("c", (1,), made.__next__) == 3
    assert kept.get("a", (2,), made.__next__) == 4


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-5, "just now"),
        (0, "just now"),
        (1, "1 minute ago"),
        (59, "59 minutes ago"),
        (125, "2 hours ago"),
        (2880, "2 days ago"),
    ],
)
def test_how_long_ago_is_told_in_its_largest_unit(minutes: int, said: str) -> None:
    at = NOW - timedelta(minutes=minutes)
    assert ago(at.isoformat(), NOW) == ago(at.replace(tzinfo=None).isoformat(), NOW) == said
    assert ago("once", NOW) == ""


# --- Thirty nights in a drawing -------------------------------------------------------------------------------


def drawn(svg: str) -> tuple[str, dict[str, str]]:
    """What a drawing says in words, and its paths by their class."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    title = root.find("title")
    assert title is not None
    return title.text or "", {path.get("class") or "": path.get("d") or "" for path in root.iter("path")}


values = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=45)


@given(values, st.sampled_from(["lower", "higher"]))
def test_a_drawing_is_small_and_well_formed_whatever_the_values(value: list[float | None], worse: str) -> None:
    svg = str(sparkline(primary(value, worse=worse)))
    assert len(svg.encode()) < 1200
    _, paths = drawn(svg)
    assert all(re.fullmatch(r"[MHhvz0-9 ]+", path) for path in paths.values())
    assert max(int(x) for x in re.findall(r"\d+", " ".join(paths.values()))) <= SLOTS * 5 + 5


def test_harm_is_a_mark_and_is_said_in_words() -> None:
    title, paths = drawn(str(sparkline(primary([0.9, 0.8, 0.875, 0.9]))))
    # The third night lies beyond the limit, but not with its whole interval.
    assert paths["harm"].count("M") == 1
    assert "lowest 0.800 on 2026-11-16" in title and "surely beyond it on 1 night" in title


def test_a_night_without_a_value_and_one_that_did_not_come_leave_a_gap() -> None:
    assert drawn(str(sparkline(primary([0.9, None, 0.9]))))[1]["gap"].count("M") == 1
    nights = ["2026-11-10", "2026-11-11", "2026-11-12", "2026-11-16"]
    title, paths = drawn(str(sparkline(primary([0.9] * 4, night=nights))))
    assert paths["gap"].count("M") == 3 and paths["line"].count("M") == 2
    assert "3 nights without a value" in title


def test_a_weekly_model_has_no_gaps() -> None:
    nights = [str(date(2026, 9, 7) + timedelta(days=7 * i)) for i in range(8)]
    assert "gap" not in drawn(str(sparkline(primary([0.9] * 8, night=nights))))[1]


def test_baseline_and_limit_are_drawn_where_they_are() -> None:
    _, paths = drawn(str(sparkline(primary([0.9, 0.89]))))
    assert paths["base"] != paths["limit"]
    _, paths = drawn(str(sparkline(primary([0.9, 0.89], baseline=None, limit=None))))
    assert not paths.keys() & {"base", "limit"}


def test_statuses_are_told_apart_without_colour() -> None:
    nights = ("ok", "watch", "regression", "insufficient_data", "quarantined")
    title, paths = drawn(str(strip([(f"2026-11-{i + 10}", status) for i, status in enumerate(nights)])))  # type: ignore[misc]
    assert len({re.sub(r"M\d+ ", "", path) for path in paths.values()}) == len(nights)
    assert "1 regression" in title and "1 quarantined" in title and "the last bad one 2026-11-14" in title
    assert strip([]) == sparkline(primary([None], baseline=None, limit=None)) == ""
