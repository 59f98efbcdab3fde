"""The model page's laws: it tells every kind of model, page and API tell the same, and what makes no sense is said."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from nightproof.board import Month, NightLine, board_of
from nightproof.board.row import row_of
from nightproof.board.series import Numbers, Told
from nightproof.config import load_config
from nightproof.dashboard.app import create_app
from nightproof.dashboard.model_pages.model_page import OWN_METRICS
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source
from nightproof.metric_names import HARM, METRICS_OF, Task
from nightproof.storage import MemoryStore
from nightproof.verdict import Incident

COLUMNS: dict[Task, dict[str, Any]] = {
    "binary": {"score": "score", "label": "label"},
    "multiclass": {"scores": {"a": "p_a", "b": "p_b"}, "label": "label"},
    "regression": {"prediction": "p", "label": "label"},
    "ranking": {"score": "score", "label": "label", "query": "q"},
}
NOW = datetime(2024, 3, 10, 6, tzinfo=UTC)
INCIDENT = Incident(
    id="performance-2024-03-07", event="ongoing", check="performance", metric="roc_auc", segment={},
    opened="2024-03-07", findings=("ROC AUC",), cause="ROC AUC fell.", since="2024-03-06",
)  # fmt: skip


def days(last: str, count: int, *, without: Sequence[str] = ()) -> list[str]:
    end = date.fromisoformat(last)
    nights = [(end - timedelta(days=count - 1 - i)).isoformat() for i in range(count)]
    return [night for night in nights if night not in without]


def line(night: str, **said: Any) -> NightLine:
    """A night's line; it was evaluated when its labels were due."""
    due = date.fromisoformat(night) + timedelta(days=2)
    known: dict[str, Any] = {
        "night": night, "evaluation_id": "0" * 16, "number": 0, "status": "ok", "headline": "No regression.",
        "labels": "final", "known_at": "", "evaluated_at": f"{due}T04:10:00+00:00", "rows": 1000, "labelled": 900,
        "version": "v1", "validation": "passed", "failed": 0, "regressions": 0, "watches": 0, "insufficient": 0,
        "blind_nights": 0, "incidents": (), "evaluations": 1, "has_report": False, "has_data_docs": False,
    }  # fmt: skip
    return NightLine(**known | said)


def numbers(task: Task, place: int, *, own: int = 1) -> Numbers:
    """What a night told: every metric of its task, two features, a group, a metric of the team's own."""
    found: dict[Any, Any] = {}
    for metric in METRICS_OF[task]:
        worse = "lower" if HARM[metric] == "max_drop" else "higher"
        value = 0.8 + place / 1000
        told = Told(value, value - 0.02, value + 0.02, 900, 0.82, 0.7 if worse == "lower" else 0.95, "o")
        found["performance", metric, None, ()] = (worse, told)
    for column, value in (("x", 0.02), ("y", 0.3)):
        told = Told(value, value - 0.01, value + 0.01, 1000, None, 0.1, "w" if value > 0.1 else "o")
        found["drift", "psi", column, ()] = ("higher", told)
    found["drift", "label_coverage", "label", ()] = ("lower", Told(0.9, 0.88, 0.92, 1000, 0.9, 0.8, "o"))
    ratio = Told(0.79, 0.7, 0.9, 300, None, 0.8, "w")
    found["bias", "impact_ratio", None, (("group", "b"),)] = ("lower", ratio)
    for i in range(own):
        found["business", f"latency_{i}", None, ()] = ("higher", Told(120.0, 119.0, 121.0, 1000, 118.0, 140.0, "o"))
    return found


@dataclass
class Models:
    """Models that were never evaluated: their board is written as it is wanted."""

    folder: Path
    store: MemoryStore = field(default_factory=lambda: MemoryStore("ml-results"))

    def add(self, model: str, lines: Sequence[NightLine], *, task: Task = "binary", own: int = 1, **said: Any) -> None:
        """A model with some nights."""
        known = {
            "model": model,
            "task": task,
            "data": {"predictions": "file:///p/", "reference": "file:///r/", "label_delay": "1d"},
            "results": "s3://ml-results/",
            "columns": COLUMNS[task] | {"features": {"numeric": ["x", "y"]}},
        }
        path = self.folder / f"{model}.yaml"
        path.write_text(yaml.safe_dump(known | said), "utf-8")
        if lines:
            self._publish(model, lines, task, own, path)

    def _publish(self, model: str, lines: Sequence[NightLine], task: Task, own: int, path: Path) -> None:
        config = load_config(path)
        board = board_of(config, lambda url: self.store)
        names = {one.night[:7]: len(lines) for one in lines}
        months = []
        for name in names:
            here = [(i, one) for i, one in enumerate(lines) if one.night.startswith(name)]
            told = {o.night: (o, {} if o.status == "quarantined" else numbers(task, i, own=own)) for i, o in here}
            months.append(Month(model=model, month=name, nights=(), series=()).with_nights(told))
            board.write_month(months[-1], len(lines))
        nights = [one.night for one in lines]
        board.write_row(row_of(model, config, months[-2:], entries=len(lines), months=names, nights=nights))

    def app(self, viewer: Viewer = Viewer(), *, now: datetime = NOW) -> FastAPI:  # noqa: B008  it never changes
        """The dashboard over them."""
        source = Source(lambda url: self.store, models=self.folder)
        return create_app(source, lambda: viewer, clock=lambda: now)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


@pytest.fixture
def look(models: Models, ask: Callable[..., httpx.Response]) -> Callable[..., httpx.Response]:
    def looked(path: str, *, viewer: Viewer | None = None, now: datetime = NOW) -> httpx.Response:
        return ask(models.app(viewer or Viewer(), now=now), path)

    return looked


Look = Callable[..., httpx.Response]


def figures(text: str) -> list[dict[str, Any]]:
    return [json.loads(found) for found in re.findall(r'class="figure">(.*?)</script>', text, re.DOTALL)]


def plain(text: str) -> str:
    """A page as it is read."""
    shown = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


@pytest.mark.parametrize("task", sorted(COLUMNS))
def test_every_task_has_its_metrics(models: Models, look: Look, task: Task) -> None:
    models.add("one", [line(night) for night in days("2024-03-08", 40)], task=task)
    page = look("/models/one")
    assert page.status_code == 200
    names = {trace["name"] for figure in figures(page.text) for trace in figure["data"] if "told" in trace}
    told = look("/api/v1/models/one/overview").json()
    assert [number["metric"] for number in told["performance"]] == list(METRICS_OF[task])
    assert len(names) == len(METRICS_OF[task]) + 2  # label coverage and the team's own beside them


def test_page_and_api_tell_the_same(models: Models, look: Look) -> None:
    nights = [line(night) for night in days("2024-03-08", 20)]
    models.add("one", [*nights[:-1], nights[-1].model_copy(update={"status": "watch", "headline": "Look at y."})])
    told, page = look("/api/v1/models/one/overview").json(), plain(look("/models/one").text)
    assert told["head"]["standing"] == "watch" and "Look at y." in page
    assert told["statuses"] == {"ok": 19, "watch": 1}
    assert all(f"{said['about']} {said['text']}" in page for said in told["believe"])
    assert [number["column"] for number in told["drift"]] == ["y", "x"]
    assert told["bias"][0]["segment"] == {"group": "b"}
    assert [night["night"] for night in told["latest"]] == [one.night for one in reversed(nights)]


def test_a_night_of_which_nothing_is_known_is_a_gap_and_is_counted(models: Models, look: Look) -> None:
    missed = ("2024-02-20", "2024-02-21")
    models.add("one", [line(night) for night in days("2024-03-08", 30, without=missed)])
    page = look("/models/one?last=30")
    assert "Not evaluated 2 nights" in plain(page.text)
    [primary] = [t for t in figures(page.text)[0]["data"] if "told" in t]
    at = [i for i, value in enumerate(primary["y"]) if value is None]
    assert [(date.fromisoformat(primary["x0"]) + timedelta(days=i)).isoformat() for i in at] == list(missed)


def test_one_night_is_enough_for_a_page(models: Models, look: Look) -> None:
    models.add("one", [line("2024-03-08")])
    page = look("/models/one")
    assert page.status_code == 200 and "The first night on record is 2024-03-08" in page.text
    assert all(len(t["y"]) == 1 for f in figures(page.text) for t in f["data"] if "told" in t)


def test_nights_that_were_all_quarantined_have_no_numbers_and_say_why(models: Models, look: Look) -> None:
    nights = days("2024-03-08", 4)
    quarantined = {"status": "quarantined", "validation": "quarantined", "failed": 2, "rows": None, "labelled": None}
    models.add("one", [line(night, **quarantined) for night in nights])
    page = look("/models/one")
    assert page.status_code == 200
    assert "All its nights were quarantined" in page.text
    said = look("/api/v1/models/one/overview").json()
    assert said["performance"] == said["drift"] == said["bias"] == []
    assert {one["sure"] for one in said["believe"] if one["about"] in ("Labels", "Data")} == {"no"}


def test_a_model_without_a_night_says_what_happens_next(models: Models, look: Look) -> None:
    models.add("one", [])
    page = plain(look("/models/one").text)
    assert "No night of this model has been evaluated yet" in page
    assert "nightproof evaluate one --night" in page and "2024-03-" in page
    assert look("/api/v1/models/one/overview").json()["span"] is None
    assert look("/api/v1/models/one/nights").json()["nights"] == []
    assert look("/api/v1/models/one/series").json()["series"] == []


def test_a_broken_config_shows_its_faults(models: Models, look: Look) -> None:
    (models.folder / "one.yaml").write_text("model: one\ntask: <b>binry</b>\n", "utf-8")
    page = look("/models/one")
    assert page.status_code == 200 and "<b>binry" not in page.text
    assert "data: this key is required" in plain(page.text)


def test_an_open_incident_leads_and_links(models: Models, look: Look) -> None:
    nights = days("2024-03-08", 20)
    models.add("one", [line(night, incidents=(INCIDENT,) if night >= "2024-03-07" else ()) for night in nights])
    page = look("/models/one").text
    assert f'href="/models/one/incidents/{INCIDENT.id}"' in page
    about = [one["about"] for one in look("/api/v1/models/one/overview").json()["believe"]]
    assert about[0] == "The incident"
    spans = [shape for shape in figures(page)[0]["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(s["x0"], s["x1"]) for s in spans] == [("2024-03-05 12:00", "2024-03-08 12:00")]


def test_labels_that_may_still_come_and_nights_that_stopped_are_reasons_to_doubt(models: Models, look: Look) -> None:
    nights = [line(night) for night in days("2024-03-08", 9)]
    models.add("one", [*nights[:-1], nights[-1].model_copy(update={"labels": "provisional"})])
    sure = {one["about"]: one["sure"] for one in look("/api/v1/models/one/overview").json()["believe"]}
    assert sure["Labels"] == "partly" and "How fresh" not in sure
    later = look("/api/v1/models/one/overview", now=NOW + timedelta(days=9)).json()
    assert later["believe"][0]["about"] == "How fresh" and later["believe"][0]["sure"] == "no"


def test_versions_are_marked_where_they_begin(models: Models, look: Look) -> None:
    nights = days("2024-03-08", 12)
    named = [line(night, version="v1" if night < "2024-03-01" else "v2") for night in nights]
    models.add("one", [*named[:-1], named[-1].model_copy(update={"version": None})])
    assert look("/api/v1/models/one/overview").json()["versions"] == [["2024-03-01", "v2"]]
    notes = figures(look("/models/one").text)[0]["layout"]["annotations"]
    assert [(note["x"], note["text"]) for note in notes] == [("2024-03-01", "v2")]


# --- Spans ------------------------------------------------------------------------------------------------------


@pytest.fixture
def year(models: Models) -> None:
    models.add("one", [line(night) for night in days("2024-03-08", 400)])


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize(
    ("query", "first", "last", "nights"),
    [
        ("", "2023-12-10", "2024-03-08", 90),
        ("?last=30", "2024-02-08", "2024-03-08", 30),
        ("?last=365", "2023-03-10", "2024-03-08", 365),
        ("?last=1000", "2021-06-13", "2024-03-08", 400),
        ("?from=2024-01-01&to=2024-01-31", "2024-01-01", "2024-01-31", 31),
        ("?from=2024-03-01", "2024-03-01", "2024-03-08", 8),
        ("?to=2023-02-28", "2023-02-03", "2023-02-28", 26),
        ("?from=2024-03-05&to=2024-04-05", "2024-03-05", "2024-04-05", 4),
        ("?from=2022-01-01&to=2022-02-01", "2022-01-01", "2022-02-01", 0),
    ],
)
def test_an_address_asks_for_nights(look: Look, query: str, first: str, last: str, nights: int) -> None:
    found = look(f"/api/v1/models/one/nights{query}").json()
    assert (found["span"]["first"], found["span"]["last"], len(found["nights"])) == (first, last, nights)
    assert bool(found["span"]["note"]) == (nights < found["span"]["nights"])
    page = look(f"/models/one{query}")
    assert page.status_code == 200
    assert f"Nights from {first} to {last}" in page.text and found["span"]["note"] in page.text


WRONG = [
    ("?last=0", "30, 90, 365"),
    ("?last=ninety", "30, 90, 365"),
    ("?last=%D9%A3", "30, 90, 365"),
    ("?last=-5", "30, 90, 365"),
    ("?last=5000", "1,100"),
    ("?last=30&to=2024-01-01", "not for both"),
    ("?from=2024-13-01", "YYYY-MM-DD"),
    ("?to=yesterday", "YYYY-MM-DD"),
    ("?from=2024-02-01&to=2024-01-01", "the earlier night first"),
    ("?from=2000-01-01&to=2024-01-01", "1,100"),
    ("?from=0001-01-01", "1,100"),
    ("?last=999999999999999999", "1,100"),
    ("?from=%3Cscript%3Ealert(1)%3C/script%3E", "from"),
    (f"?last={'9' * 5000}", "20 characters"),
]


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize(("query", "allowed"), WRONG)
@pytest.mark.parametrize("path", ["/models/one", "/api/v1/models/one/nights"])
def test_what_makes_no_sense_is_refused_with_what_is_allowed(look: Look, path: str, query: str, allowed: str) -> None:
    answer = look(f"{path}{query}")
    assert answer.status_code == 422
    assert allowed in html.unescape(answer.text)
    assert "<script>" not in answer.text


@pytest.mark.usefixtures("year")
def test_the_api_has_series_as_lists_beside_the_nights(look: Look) -> None:
    found = look("/api/v1/models/one/series?check=drift&metric=psi&column=y&last=30").json()
    [series] = found["series"]
    assert series["column"] == "y" and series["status"] == "w" * 30
    assert len(found["nights"]) == 30
    for name in ("value", "low", "high", "n", "baseline", "limit"):
        assert len(series[name]) == 30
    every = look("/api/v1/models/one/series?last=30").json()["series"]
    assert {one["check"] for one in every} == {"performance", "drift", "bias", "business"}
    assert look("/api/v1/models/one/series?metric=nothing").json()["series"] == []
    assert look("/api/v1/models/one/series?check=nothing").status_code == 422


@pytest.mark.usefixtures("year")
def test_a_year_is_a_page_of_bounded_size(models: Models, look: Look) -> None:
    models.add("own", [line(night) for night in days("2024-03-08", 400)], task="multiclass", own=50)
    page = look("/models/own?last=365")
    assert len(page.content) < 600_000
    assert "38 further metrics" in page.text


# --- The calendar, the team's own metrics, Airflow ----------------------------------------------------------------


@pytest.mark.usefixtures("year")
def test_every_night_of_the_calendar_leads_to_its_page(look: Look) -> None:
    page = look("/models/one?last=365").text
    linked = re.findall(r'<td><a class="ok" href="/models/one/nights/([\d-]+)"', page)
    assert sorted(linked) == days("2024-03-08", 365)


def test_without_metrics_of_its_own_a_model_shows_the_yaml_that_adds_some(models: Models, look: Look) -> None:
    models.add("one", [line("2024-03-08")], own=0)
    assert OWN_METRICS.strip() in html.unescape(look("/models/one").text)
    models.add("added", [], **yaml.safe_load(OWN_METRICS))
    config = load_config(models.folder / "added.yaml")
    assert config.metrics["latency_ms_mean"].max_rise == 20


def test_within_airflow_the_page_leads_to_the_dag(models: Models, ask: Callable[..., httpx.Response]) -> None:
    models.add("one", [line("2024-03-08")])
    around = FastAPI()
    around.mount("/nightproof", models.app())
    assert 'href="/dags/one" target="_top"' in ask(around, "/nightproof/models/one").text
    assert "/dags/" not in ask(models.app(), "/models/one").text


# --- Who may see it, and hostile text ------------------------------------------------------------------------------

PATHS = (
    "/models/{}",
    "/models/{}/calibration",
    *(f"/api/v1/models/{{}}/{n}" for n in ("overview", "nights", "series", "calibration")),
)


@pytest.mark.usefixtures("year")
@pytest.mark.parametrize("path", PATHS)
def test_a_model_that_may_not_be_read_is_as_one_that_is_not_there(look: Look, path: str) -> None:
    viewer = Viewer("bob", frozenset({"other"}))
    hidden, missing = look(path.format("one"), viewer=viewer), look(path.format("nobody"))
    assert hidden.status_code == missing.status_code == 404
    assert "2024-03-08" not in hidden.text


def test_hostile_texts_are_shown_as_they_are_and_nothing_of_them_runs(models: Models, look: Look) -> None:
    evil = "</script><img src=x onerror=alert(1)>{{ 7*7 }}"
    incident = INCIDENT.model_copy(update={"cause": evil})
    said: Mapping[str, Any] = {"headline": evil, "version": evil, "incidents": (incident,)}
    models.add("one", [line("2024-03-07", version="v0"), line("2024-03-08", **said)], owner=evil, description=evil)
    page = look("/models/one").text
    assert "<img" not in page and page.count("</script>") == page.count("<script")
    assert evil[:20] in html.unescape(page)


def test_a_calibration_curve_is_drawn_of_a_nights_profile(get: Callable[..., httpx.Response]) -> None:
    page = get("/models/quiet/calibration")
    [figure] = figures(page.text)
    assert [trace["name"] for trace in figure["data"]] == ["Perfect", "This night", "Baseline"]
    rows = get("/api/v1/models/quiet/calibration").json()["curves"][0]["rows"]
    assert rows == figure["data"][1]["customdata"]
    assert sum(rows) == get("/api/v1/models/quiet/nights").json()["nights"][-1]["labelled"]
    assert get("/models/quiet/calibration?night=1999-01-01").status_code == 404


def test_a_night_without_a_profile_says_why_there_is_no_curve(models: Models, look: Look) -> None:
    quarantined = {"status": "quarantined", "validation": "quarantined"}
    models.add("one", [line("2024-03-07"), line("2024-03-08", **quarantined)])
    assert "was quarantined" in look("/models/one/calibration").text
    deleted = look("/models/one/calibration?night=2024-03-07")
    assert deleted.status_code == 200 and "Retention deleted" in deleted.text
