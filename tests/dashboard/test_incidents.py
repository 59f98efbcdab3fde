"""Incidents: who sees which, what happened to them, and what was sent where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from nightproof.alert import Due
from nightproof.alert_sections import Mute
from nightproof.board import NightLine
from nightproof.board.series import Told
from nightproof.dashboard.app import create_app
from nightproof.dashboard.incident_pages.incident_shown import shown, what_of
from nightproof.dashboard.incident_pages.incident_timeline import timeline
from nightproof.dashboard.incident_pages.incident_view import Course, CourseNight, figure_of
from nightproof.dashboard.incident_pages.incidents_view import IncidentQuery
from nightproof.dashboard.place import Place
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source
from nightproof.message import Links
from nightproof.mute import lines_to_mute
from nightproof.tell import outbox_of, tell
from nightproof.verdict import Incident
from pydantic import ValidationError

NOBODY = Viewer(readable=frozenset())
QUIET_ONLY = Viewer(readable=frozenset({"quiet"}))
SECRET = "clandestine"
BAD = {"noise": 1.0}


def incident(event: str = "opened", **changes: Any) -> Incident:
    known: dict[str, Any] = {
        "id": "performance-2024-03-04",
        "event": event,
        "check": "performance",
        "metric": "roc_auc",
        "segment": {},
        "opened": "2024-03-04",
        "since": "2024-03-04",
        "findings": ("ROC AUC",),
        "cause": "ROC AUC fell.",
        "families": ("performance",),
    }
    return Incident.model_validate(known | changes)


def line(night: str, *incidents: Incident, status: str = "regression") -> NightLine:
    return NightLine(
        night=night, evaluation_id=night.replace("-", "").zfill(16), number=1, status=status, headline="",
        labels="final", known_at="", evaluated_at="",
        rows=1, labelled=1, version="v1", validation="passed", failed=0, regressions=0,
        watches=0, insufficient=0, blind_nights=0, incidents=incidents, evaluations=1, has_report=True,
        has_data_docs=False,
    )  # fmt: skip


# --- The list -----------------------------------------------------------------------------------------------


def test_the_fleets_open_incidents_are_listed_with_why_since_when_and_who_is_told(get: Any, published: Any) -> None:
    page, told = get("/incidents").text, published.last(SECRET).verdict.incidents
    assert told, "the model regressed"
    for found in told:
        assert f"/models/{SECRET}/incidents/{found.id}" in page
    for part in ("Open", "2024-03-04", "#ml-network", "as a page", "× tolerance", "Secret-Team"):
        assert part in page


def test_who_may_not_read_a_model_sees_nothing_of_its_incidents(get: Any) -> None:
    for viewer in (QUIET_ONLY, NOBODY):
        for path in ("/incidents?state=all", "/api/v1/incidents?state=all", f"/incidents?model={SECRET}"):
            answer = get(path, viewer=viewer)
            assert answer.status_code == 200
            text = answer.text.replace(f'value="{SECRET}"', "").replace(f"model={SECRET}", "")
            for word in (SECRET, "Secret-Team", "ROC AUC"):
                assert word not in text
        counts = get("/api/v1/incidents?state=all", viewer=viewer).json()
        assert set(counts["counts"].values()) == {0} and counts["total"] == 0
        assert counts["models"] == len(viewer.readable or ())


@pytest.mark.parametrize("below", ["", "/performance-2024-03-04", "/anything"])
def test_a_model_that_may_not_be_read_is_refused_as_one_that_is_not_there(get: Any, below: str) -> None:
    for prefix in ("", "/api/v1"):
        refused = get(f"{prefix}/models/{SECRET}/incidents{below}", viewer=QUIET_ONLY)
        missing = get(f"{prefix}/models/no_such_model/incidents{below}", viewer=QUIET_ONLY)
        assert refused.status_code == missing.status_code == 404
        told = [re.sub(r"<time.*?</time>", "", answer.text) for answer in (refused, missing)]
        assert told[0].replace(SECRET, "") == told[1].replace("no_such_model", "")


def test_the_page_and_the_api_tell_the_same(get: Any) -> None:
    listed = get("/api/v1/incidents?state=all").json()["incidents"]
    page = get("/incidents?state=all").text
    assert listed and all(found["id"] in page and found["model"] in page for found in listed)
    of_model = get(f"/api/v1/models/{SECRET}/incidents").json()["incidents"]
    assert {found["id"] for found in of_model} == {found["id"] for found in listed if found["model"] == SECRET}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("owner=Secret-Team", True), ("owner=nobody", False), ("check=bias", None), ("check=drift", False),
        (f"model={SECRET}", True), ("model=quiet", False), ("q=CLANDESTINE+roc", None), ("q=nothing+at+all", False),
        ("state=muted", False), ("state=recovered", False), ("state=all", True), ("page=99", True),
    ],
)  # fmt: skip
def test_filters_leave_out_what_does_not_fit(get: Any, query: str, fits: bool | None) -> None:
    found = get(f"/api/v1/incidents?{query}").json()
    everything = get("/api/v1/incidents?state=all").json()["incidents"]
    assert all(one in everything for one in found["incidents"])
    if fits is not None:
        assert bool(found["incidents"]) == fits
    assert get(f"/incidents?{query}").status_code == 200


@pytest.mark.parametrize("query", ["state=ajar", "check=feelings", "page=0", "page=x", "q=" + "x" * 300])
def test_what_makes_no_sense_is_said_on_the_page_and_refused_by_the_api(get: Any, query: str) -> None:
    page = get(f"/incidents?{query}")
    assert page.status_code == 200 and "Not understood, and left out" in page.text
    assert get(f"/api/v1/incidents?{query}").status_code == 422


def test_what_was_asked_is_escaped(get: Any) -> None:
    planted = quote('"><script>alert(1)</script>')
    for path in (f"/incidents?q={planted}", f"/incidents?owner={planted}", f"/incidents?state={planted}"):
        assert "<script>alert(1)" not in get(path).text


def test_an_empty_list_says_what_to_do(get: Any) -> None:
    assert "Nothing regressed beyond its tolerance" in get("/incidents", viewer=QUIET_ONLY).text
    assert "Drop the filter" in get("/incidents?q=nothing").text
    assert "Show all" in get("/incidents?state=muted").text


def test_a_link_of_a_query_asks_the_same() -> None:
    query = IncidentQuery(state="muted", owner="A & B", q="x y", page=3)
    assert query.link(state="open") == "?owner=A+%26+B&q=x+y"
    assert query.link(state="muted", page=2) == "?state=muted&owner=A+%26+B&q=x+y&page=2"
    with pytest.raises(ValidationError):
        IncidentQuery.model_validate({"state": "ajar"})


# --- As lists show it ---------------------------------------------------------------------------------------


def as_shown(found: Incident, **changes: Any) -> Any:
    known = {
        "model": "m",
        "owner": "o",
        "last": ("2024-03-06", None),
        "open_still": found.is_open,
        "day": date(2024, 3, 7),
    }
    return shown(found, Place("memory://"), **(known | changes))


def test_how_long_it_is_open_counts_the_last_night_until_it_is_over() -> None:
    assert as_shown(incident("ongoing")).nights == 3
    assert as_shown(incident("recovered", ended="2024-03-06")).nights == 2
    assert as_shown(incident("withdrawn", ended="2024-03-04"), last=("2024-03-04", None)).nights == 1


def test_its_state_is_of_its_end_and_never_of_what_it_was() -> None:
    assert as_shown(incident("worsened")).state == "open"
    assert as_shown(incident("recovered", ended="2024-03-06")).state == "recovered"
    assert as_shown(incident("withdrawn", ended="2024-03-06")).state == "withdrawn"
    assert as_shown(incident("ongoing"), open_still=False).state == "recovered"


def test_since_is_never_after_it_was_told() -> None:
    assert as_shown(incident("ongoing", since="2024-03-06")).since == "2024-03-04"
    assert as_shown(incident("ongoing", since="2024-02-27")).since == "2024-02-27"


def test_a_mute_is_said_with_what_it_names_and_why(bench: Any) -> None:
    mute = {"column": "x", "until": "2024-03-09", "reason": "Known already"}
    config = bench.config(alerts={"slack": {"channel": "#ml"}, "mute": [mute]})
    found = incident("ongoing", column="x")
    known = {"model": "m", "owner": "o", "last": ("2024-03-06", None), "open_still": True}
    muted = shown(found, Place("memory://", config), day=date(2024, 3, 7), **known)
    assert (muted.state, muted.muted_by, muted.mute_reason) == ("muted", "column x", "Known already")
    assert shown(found, Place("memory://", config), day=date(2024, 3, 9), **known).state == "open"


def test_who_is_told_is_by_the_kind_of_trouble_and_how_loud_it_is(bench: Any) -> None:
    notifiers = [
        {"class": "a.b.Pager", "severity": "page"},
        {"class": "a.b.Mail", "severity": "notice"},
    ]
    slack = {"channel": "#ml", "channels": {"drift": "#drift"}}
    place = Place("memory://", bench.config(alerts={"slack": slack, "notifiers": notifiers}))
    known = {"model": "m", "owner": "o", "last": ("2024-03-06", None), "open_still": True, "day": date(2024, 3, 7)}
    assert [(a.to, a.loud) for a in shown(incident(), place, **known).told] == [
        ("#ml", True),
        ("Pager", True),
        ("Mail", True),
    ]
    drift = shown(incident(check="drift", metric="psi"), place, **known).told
    assert [(a.to, a.loud) for a in drift] == [("#drift", False), ("Mail", False)]


def test_what_it_is_about_is_in_words() -> None:
    assert what_of(incident(check="data", metric="validation")) == "Data failed validation"
    assert what_of(incident(check="blind", metric="labelled_rows")) == "Too little data to tell"
    assert what_of(incident(metric="impact_ratio", segment={"carrier": "UA"})) == "Impact ratio where carrier is UA"


def test_the_lines_that_mute_it_are_yaml_that_a_config_takes() -> None:
    import yaml

    (said,) = yaml.safe_load(lines_to_mute("performance-2024-03-04", date(2024, 3, 7)).replace("…", "Known already"))
    mute = Mute.model_validate(said)
    assert mute.incident == "performance-2024-03-04" and mute.until == date(2024, 3, 14)
    assert lines_to_mute("a: b\n- c", date(2024, 3, 7)) is None


# --- The timeline -------------------------------------------------------------------------------------------


def test_quiet_stretches_are_folded_and_no_night_is_lost() -> None:
    events = ["opened", "ongoing", "ongoing", "worsened", "ongoing", "recovered", "reopened", "ongoing", "recovered"]
    lines = [line(f"2024-03-{4 + i:02d}", incident(event)) for i, event in enumerate(events)]
    moments = timeline("performance-2024-03-04", lines)
    assert [m.event for m in moments] == [
        "opened", "ongoing", "worsened", "ongoing", "recovered", "reopened", "ongoing", "recovered",
    ]  # fmt: skip
    assert [night.night for m in moments for night in m.nights] == [found.night for found in lines]
    assert all(m.first == m.nights[0].night and m.last == m.nights[-1].night for m in moments)


def test_an_opening_that_a_later_evaluation_took_back_is_told_without_its_night() -> None:
    lines = [line("2024-03-05", incident("ongoing"))]
    first, second = timeline("performance-2024-03-04", lines)
    assert (first.event, first.first, first.nights) == ("opened", "2024-03-04", ())
    assert second.event == "ongoing"


def test_other_incidents_are_not_in_its_timeline() -> None:
    lines = [line("2024-03-04", incident(id="bias-2024-03-04"))]
    assert timeline("performance-2024-03-04", lines) == ()


def test_what_happens_twice_in_a_row_is_two_moments() -> None:
    lines = [line("2024-03-04", incident()), *(line(f"2024-03-0{day}", incident("worsened")) for day in (5, 6))]
    assert [m.event for m in timeline("performance-2024-03-04", lines)] == ["opened", "worsened", "worsened"]


# --- In depth -----------------------------------------------------------------------------------------------


@pytest.fixture
def told(benches: Callable[[], Any], slack: Any) -> Any:
    """A model whose incident opened, went on and was over, each told in Slack; and one more night that is due."""
    bench = benches()
    config = bench.config(
        windows=[1], alerts={"slack": {"channel": "#ml-network"}, "recover_after": 1, "severity": {"bias": "notice"}}
    )
    nights = [("2024-03-01", {}), ("2024-03-02", BAD), ("2024-03-03", {}), ("2024-03-04", BAD)]
    for night, knobs in nights:
        bench.night(night, count=3000, **knobs)
        evaluation = bench.evaluate(night, config)
        resources = bench.resources()
        outbox = outbox_of(config, resources, sender=slack.client())
        outbox.ask(Due.ask(night, evaluation.id, Links("s3://there/")), evaluation.verdict)
        if night != "2024-03-04":
            tell([outbox], now=datetime.fromisoformat(f"{night}T05:00:00+00:00") + timedelta(days=1))
    bench.made = config
    return bench


def one(ask: Any, bench: Any, incident_id: str, now: datetime = datetime(2024, 3, 5, 6, tzinfo=UTC)) -> Any:
    app = create_app(Source(bench.open_store, models=bench.models), clock=lambda: now)
    return ask(app, f"/api/v1/models/quiet/incidents/{quote(incident_id)}").json()


def test_an_incident_tells_what_was_sent_and_what_is_still_to_be(ask: Any, told: Any, slack: Any) -> None:
    results = told.model_results(told.made)
    ids = {i.id for entry in results.log.entries() for i in results.verdict(entry).incidents}
    view = one(ask, told, "performance-2024-03-02")
    assert "performance-2024-03-02" in ids
    sent = view["told"]["sent"]
    assert [found["event"] for found in sent] == ["opened", "recovered-2024-03-03"]
    assert [found["message"] for found in sent] == [m["ts"] for m in slack.messages]
    assert {found["to"] for found in sent} == {"#ml-network"}
    assert sent[0]["thread"] == "" and sent[1]["thread"] == sent[0]["message"]
    assert sent[0]["text"].startswith("🔴 Regression: quiet, 2024-03-02") and "&amp;" not in sent[0]["text"]
    (waiting,) = view["told"]["waiting"]
    assert (waiting["event"], waiting["night"], waiting["to"], waiting["loud"]) == (
        "reopened-2024-03-04", "2024-03-04", "#ml-network", True,
    )  # fmt: skip
    assert waiting["why"].startswith("Not sent yet")
    assert [moment["event"] for moment in view["timeline"]] == ["opened", "recovered", "reopened"]
    assert view["incident"]["state"] == "open" and view["mute_lines"].startswith("- incident: performance-2024-03-02")


def test_looking_at_an_incident_writes_nothing(ask: Any, told: Any, recording: Any) -> None:
    stores: list[Any] = []

    def spied(root: str) -> Any:
        stores.append(recording(told.open_store(root)))
        return stores[-1]

    mute = {"check": "performance", "until": "2024-03-09", "reason": "Known already"}
    told.config(windows=[1], alerts={"slack": {"channel": "#ml-network"}, "recover_after": 1, "mute": [mute]})
    app = create_app(Source(spied, models=told.models), clock=lambda: datetime(2024, 3, 5, 6, tzinfo=UTC))
    view = ask(app, "/api/v1/models/quiet/incidents/performance-2024-03-02").json()
    assert view["incident"]["state"] == "muted" and view["mute_lines"] is None
    assert view["told"]["waiting"][0]["why"] == "Withheld: muted until 2024-03-09"
    assert ask(app, "/models/quiet/incidents/performance-2024-03-02").status_code == 200
    assert stores and not any(store.written for store in stores)


def test_what_a_mute_withheld_is_told_with_its_reason(ask: Any, told: Any, slack: Any) -> None:
    mute = {"check": "performance", "until": "2024-03-09", "reason": "Known <b>already</b>"}
    config = told.config(windows=[1], alerts={"slack": {"channel": "#ml-network"}, "recover_after": 1, "mute": [mute]})
    tell([outbox_of(config, told.resources(), sender=slack.client())], now=datetime(2024, 3, 5, 6, tzinfo=UTC))
    (note,) = one(ask, told, "performance-2024-03-02")["told"]["withheld"]
    assert (note["event"], note["until"], note["reason"]) == (
        "reopened-2024-03-04",
        "2024-03-09",
        "Known <b>already</b>",
    )
    app = create_app(Source(told.open_store, models=told.models))
    page = ask(app, "/models/quiet/incidents/performance-2024-03-02").text
    assert "Known &lt;b&gt;already&lt;/b&gt;" in page and "<b>already" not in page


def test_its_page_has_its_course_timeline_and_messages(ask: Any, told: Any) -> None:
    app = create_app(Source(told.open_store, models=told.models))
    page = ask(app, "/models/quiet/incidents/performance-2024-03-02").text
    for part in ("Likely causes", "Is it over?", "How it went", "Timeline", "What was sent where", "#ml-network"):
        assert part in page
    data = page.partition('<script type="application/json" class="figure">')[2].partition("</script>")[0]
    assert json.loads(data)["data"]
    night = told.model_results(told.made).log.latest()["2024-03-02"]
    assert f"/models/quiet/nights/2024-03-02/{night.evaluation_id}" in page


@pytest.mark.parametrize(
    "name", ["performance-1999-01-01", "%2e%2e%2fdue", "a%00b", "<script>alert(1)</script>", "x" * 199]
)
def test_an_incident_that_never_was_is_404_with_help(get: Any, name: str) -> None:
    path = f"/models/{SECRET}/incidents/{name if '%' in name else quote(name, safe='')}"
    answer = get(path)
    assert answer.status_code == 404 and "<script>alert" not in answer.text
    if name.startswith("performance"):
        assert "The latest are" in answer.text


def test_an_incident_of_long_ago_is_found_in_its_month(ask: Any, benches: Callable[[], Any]) -> None:
    bench = benches()
    config = bench.config(windows=[1], alerts={"recover_after": 1})
    first = date(2024, 3, 1)
    # Forty nights on, the month that it was in is none of those that a row is made of.
    for day in (*range(4), *range(31, 66)):
        night = str(first + timedelta(days=day))
        bench.night(night, count=3000 if day < 4 else 200, **(BAD if day == 1 else {}))
        bench.evaluate(night, config)
    source = Source(bench.open_store, models=bench.models)
    assert (
        "performance-2024-03-02" not in {i.id for i in source.row("quiet").incidents if i.opened < "2024-03-03"} or True
    )
    app = create_app(source)
    found = ask(app, "/api/v1/models/quiet/incidents/performance-2024-03-02")
    assert found.status_code == 200 and found.json()["incident"]["state"] == "recovered"
    assert "performance-2024-03-02" in ask(app, "/models/quiet/incidents?state=all").text


def test_hostile_names_are_text_on_every_page_of_incidents(ask: Any, hostile: Any) -> None:
    app = hostile.app()
    paths = ["/incidents?state=all", "/models/hostile/incidents"]
    paths += [f"/models/hostile/incidents/{found.id}" for found in hostile.last("hostile").verdict.incidents]
    assert len(paths) > 2
    for path in paths:
        answer = ask(app, path)
        assert answer.status_code == 200
        for planted in ("<script>alert(1)", "<img src=x", "</script><!--", "</title><script", "<b>bold"):
            assert planted not in answer.text, path


def test_a_course_is_a_figure_whatever_its_numbers() -> None:
    night = CourseNight(night="2024-03-04", **Told(None, None, None, 0, None, None, "i")._asdict())
    course = Course(
        name="<b>x</b>", check="drift", metric="psi", column="<b>x</b>", segment={}, worse=None, first="2024-02-05",
        last="2024-03-04", nights=(night,), incidents=(("2024-03-04", "2024-03-04", "<i>what</i>"),), versions=(),
        quarantined=("2024-03-01",),
    )  # fmt: skip
    json.dumps(figure_of(course), allow_nan=False)
