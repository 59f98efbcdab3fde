"""The night's page: which evaluation it shows, every finding, what was known when, and whether it is as published."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import polars as pl
import pytest
from nightproof.checks.finding import Findings
from nightproof.dashboard.app import create_app
from nightproof.dashboard.night_pages.findings_table import PAGE, FindingsQuery, findings_view, held
from nightproof.dashboard.night_pages.night_record import find
from nightproof.dashboard.source import Source
from nightproof.errors import ObjectMissing
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.pipeline import pull_night, validate_night
from nightproof.prune import prune

Ask = Callable[..., httpx.Response]
API = "/api/v1"


def told(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text[:500]
    return answer.json()


@pytest.fixture
def look(bench: Any, ask: Ask) -> Callable[[str], httpx.Response]:
    """Asks a fresh dashboard over the bench."""
    return lambda path: ask(create_app(Source(bench.open_store, models=bench.models)), path)


def results_store(bench: Any) -> Any:
    return bench.open_store("s3://ml-results")


# --- Which evaluation ---------------------------------------------------------------------------------------


def test_a_night_is_shown_by_its_latest_evaluation(get: Ask, published: Any) -> None:
    last = published.last("clandestine")
    night = f"/models/clandestine/nights/{last.night}"
    page = get(night)
    assert page.status_code == 200
    assert last.id in page.text
    assert get(f"{night}/{last.id}").status_code == 200
    view = told(get(f"{API}{night}"))
    assert view == told(get(f"{API}{night}/{last.id}"))
    assert view["status"] == last.verdict.status == "regression"
    assert view["headline"] == last.verdict.headline
    assert [i["incident"]["id"] for i in view["incidents"]] == [i.id for i in last.verdict.incidents]
    assert (view["previous"], view["next"]) == ("2024-03-03", None)


def test_the_latest_night_is_where_latest_leads(get: Ask) -> None:
    answer = get("/models/quiet/latest?status=ok")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/models/quiet/nights/2024-03-04?status=ok"


@pytest.mark.parametrize(
    "path",
    [
        "nights/2024-03-09",
        "nights/1999-01-01",
        "nights/yesterday",
        "nights/2024-13-45",
        "nights/2024-03-04/0000000000000000",
        "nights/2024-03-04/manifest.json",
        "nights/2024-03-03/{id}",
        "nights/yesterday/{id}",
    ],
)
def test_what_is_no_night_is_not_found_in_the_same_words(get: Ask, published: Any, path: str) -> None:
    asked = f"/models/quiet/{path.format(id=published.last('quiet').id)}"
    known = get(f"{API}/models/quiet/nights/1999-01-01").json()
    for answer in (get(f"{API}{asked}"), get(f"{API}{asked}/findings")):
        assert (answer.status_code, answer.json()) == (404, known)
    page = get(asked)
    assert page.status_code == 404
    assert known["detail"] in page.text


def test_nights_beside_one_may_lie_months_away(bench: Any, look: Any) -> None:
    for night in ("2024-01-31", "2024-05-02", "2024-09-01"):
        bench.night(night, 60)
        bench.evaluate(night)
    view = told(look(f"{API}/models/quiet/nights/2024-05-02"))
    assert (view["previous"], view["next"]) == ("2024-01-31", "2024-09-01")


def test_a_night_that_the_board_lacks_is_found_in_the_log(bench: Any) -> None:
    for night in ("2024-03-01", "2024-03-02"):
        bench.night(night, 60)
    first = bench.evaluate("2024-03-01")
    source = Source(bench.open_store, models=bench.models)
    assert source.row("quiet").nights == 1
    second = bench.evaluate("2024-03-02")  # the source has not looked again yet
    assert find(source, "quiet", "2024-03-02").entry.evaluation_id == second.id
    store = results_store(bench)
    for stored in list(store.list("nightproof/board/")):
        store.delete(stored.key)
    bare = Source(bench.open_store, models=bench.models)
    assert find(bare, "quiet", "2024-03-01", first.id).entry.evaluation_id == first.id
    with pytest.raises(ObjectMissing):
        find(bare, "quiet", "2024-03-03")


def test_a_night_that_was_evaluated_once_is_found_without_reading_the_whole_log(
    published: Any, recording: Any, ask: Ask
) -> None:
    store = recording(published.open_store("s3://ml-results"))
    app = published.app(open_store=lambda root: store)
    assert ask(app, "/models/quiet/nights/2024-03-02").status_code == 200
    entries = {key for key in store.asked if "/quiet/log/" in key}
    assert entries == {"nightproof/quiet/log/000000001.json"}


# --- Findings -----------------------------------------------------------------------------------------------


def stored_findings(published: Any, model: str) -> list[Any]:
    last = published.last(model)
    raw = published.open_store("s3://ml-results").read(f"nightproof/{model}/{last.night}/{last.id}/findings.json")
    return list(Findings.from_bytes(raw, name="findings.json").all)


def test_every_finding_is_on_one_of_the_pages_once(get: Ask, published: Any) -> None:
    every = stored_findings(published, "clandestine")
    path = f"{API}/models/clandestine/nights/2024-03-04/findings"
    first = told(get(path))
    lines = [line for page in range(1, first["pages"] + 1) for line in told(get(f"{path}?page={page}"))["lines"]]
    assert sorted(line["ordinal"] for line in lines) == list(range(len(every)))
    for line in lines:
        assert line["finding"] == every[line["ordinal"]].model_dump(mode="json")
    order = ["regression", "watch", "insufficient_data", "ok"]
    ranks = [order.index(line["finding"]["status"]) for line in lines]
    assert ranks == sorted(ranks)
    assert first["total"] == first["found"] == len(every)


def test_filters_keep_exactly_what_they_name(get: Ask, published: Any) -> None:
    every = stored_findings(published, "clandestine")
    path = f"{API}/models/clandestine/nights/2024-03-04/findings"
    watched = told(get(f"{path}?status=watch"))
    assert watched["found"] == sum(f.status == "watch" for f in every)
    of_bias = told(get(f"{path}?family=bias&window=1&q=group+is+b"))
    expected = [f for f in every if f.check == "bias" and f.window == 1 and f.segment.get("group") == "b"]
    assert of_bias["found"] == len(expected) > 0
    assert {line["finding"]["segment"]["group"] for line in of_bias["lines"]} == {"b"}
    assert told(get(f"{path}?q=no+such+thing"))["lines"] == []
    assert told(get(f"{path}?family=nonsense&status=nonsense"))["found"] == 0
    assert told(get(path))["statuses"] == watched["statuses"]  # counts are of all, whatever is asked for


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999", "1e3", "9" * 40, ""])
def test_a_page_that_there_is_not_is_the_nearest_one(get: Ask, page: str) -> None:
    found = told(get(f"{API}/models/quiet/nights/2024-03-04/findings?page={page}"))
    assert 1 <= found["page"] <= found["pages"]
    assert found["lines"]


def test_a_long_list_is_paged_and_links_keep_what_was_asked_for(make_finding: Any) -> None:
    findings = [make_finding(segment={"carrier": f"c{i}"}, check="bias", metric="impact_ratio") for i in range(250)]
    query = FindingsQuery(q="carrier", page=3)
    found = findings_view(findings, query, harms={})
    assert (found.page, found.pages, len(found.lines)) == (3, 3, 250 - 2 * PAGE)
    assert findings_view([], FindingsQuery(page=7), harms={}).pages == 1


@pytest.fixture
def make_finding(told: Any) -> Any:
    return told


def test_filters_stand_in_the_form_and_in_the_links(get: Ask) -> None:
    page = get("/models/quiet/nights/2024-03-04?status=ok&q=%22%3E%3Cscript%3E").text
    assert '<option value="ok" selected>' in page
    assert "<script>&" not in page
    assert 'value="&#34;&gt;&lt;script&gt;"' in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "roc_auc"}, "drop of 0.02"),
        ({"metric": "brier"}, "rise of 0.02"),
        ({"metric": "estimated_roc_auc"}, "drop of 0.02"),
        ({"metric": "impact_ratio", "check": "bias"}, "limit 0.02"),
        ({"metric": "missing_rate", "check": "drift", "column": "x"}, "rise of 0.02"),
        ({"metric": "revenue", "check": "business"}, "drop of 0.02"),
    ],
)
def test_what_a_finding_is_held_against_is_said_with_its_side(
    make_finding: Any, changes: dict[str, Any], words: str
) -> None:
    finding = make_finding().model_copy(update={"tolerance": 0.02, **changes})
    assert held(finding, {"revenue": "max_drop"}) == words
    assert held(finding.model_copy(update={"tolerance": None}), {}) == "not judged"


# --- Why, and whether to believe it -------------------------------------------------------------------------


def test_a_regression_says_why_since_when_and_what_it_stands_on(get: Ask, published: Any) -> None:
    view = told(get(f"{API}/models/clandestine/nights/2024-03-04"))
    (first, *_) = view["incidents"]
    assert first["since"] == "2024-03-04"
    assert first["nights"] == 1
    evidence = first["evidence"]["finding"]
    assert (evidence["metric"], evidence["segment"]) == (first["incident"]["metric"], first["incident"]["segment"])
    facts = {fact["name"]: fact["text"] for fact in view["belief"]["facts"]}
    assert facts["Rows (n)"] == f"{evidence['n']:,}"
    assert facts["False alarms accepted"] == "1 per 90 nights"
    assert facts["Labels"] == "final"
    assert facts["Rows with a label"].startswith("900 of 900")
    assert view["belief"]["answer"].startswith("Yes")
    page = get("/models/clandestine/nights/2024-03-04").text
    assert f"/models/clandestine/incidents/{first['incident']['id']}" in page


def test_a_good_night_says_how_small_a_change_it_could_have_shown(get: Ask) -> None:
    view = told(get(f"{API}/models/quiet/nights/2024-03-04"))
    assert not view["belief"]["answer"].startswith("Yes")
    assert "Smallest change it can show" in {fact["name"] for fact in view["belief"]["facts"]}


# --- What was known when ------------------------------------------------------------------------------------


@pytest.fixture
def revised(bench: Any) -> Any:
    """A night of which half of the labels came first, and all of them later."""
    config = bench.config()
    whole = bench.night("2024-03-01", 300)
    bench.write("2024-03-01", whole.drop("label"), whole.select("id", "label").head(150))
    first = bench.evaluate("2024-03-01", config)
    bench.write("2024-03-01", whole.drop("label"), whole.select("id", "label"))
    second = bench.evaluate("2024-03-01", config, resources=bench.resources(cache="other"))
    assert first.id != second.id
    return bench, first.id, second.id


def test_all_evaluations_of_a_night_are_told_with_what_changed(revised: Any, look: Any) -> None:
    _, first, second = revised
    view = told(look(f"{API}/models/quiet/nights/2024-03-01"))
    assert view["evaluation_id"] == view["latest"] == second
    old, new = view["evaluations"]
    assert (old["evaluation_id"], old["here"], old["latest"], old["changed"]) == (first, False, False, [])
    assert (new["evaluation_id"], new["here"], new["latest"], new["supersedes"]) == (second, True, True, first)
    assert (old["labelled"], new["labelled"]) == (150, 300)
    assert "150 labelled before" in new["changed"]
    assert "labels: 1 changed of 1 object" in new["changed"]


def test_a_superseded_evaluation_stays_and_leads_to_the_latest(revised: Any, look: Any) -> None:
    _, first, second = revised
    page = look(f"/models/quiet/nights/2024-03-01/{first}").text
    assert "not the last word" in page
    assert 'href="/models/quiet/nights/2024-03-01"' in page
    assert second in page
    for path in ("", f"/{second}"):
        assert "not the last word" not in look(f"/models/quiet/nights/2024-03-01{path}").text


def test_another_config_is_told_by_its_keys(bench: Any, look: Any) -> None:
    bench.night("2024-03-01", 200)
    bench.evaluate("2024-03-01")
    bench.evaluate("2024-03-01", bench.config(checks={"performance": {"roc_auc": {"max_drop": 0.04}}}))
    new = told(look(f"{API}/models/quiet/nights/2024-03-01"))["evaluations"][-1]
    assert any("checks.performance.roc_auc.max_drop" in text and "0.04" in text for text in new["changed"])


def test_labels_that_may_still_come_are_said(bench: Any, look: Any) -> None:
    night = str((datetime.now(UTC) - timedelta(days=2)).date())
    data = {
        "predictions": bench.logs + "predictions/dt=%Y-%m-%d/",
        "labels": bench.logs + "labels/dt=%Y-%m-%d/",
        "reference": bench.logs + "reference/",
        "id": "id",
        "label_maturity": "30d",
    }
    config = bench.config(data=data)
    bench.night(night, 200)
    bench.evaluate(night, config)
    view = told(look(f"{API}/models/quiet/nights/{night}"))
    assert view["labels"] == "provisional"
    until = datetime.fromisoformat(view["labels_until"])
    assert until == Night.parse(night).end + timedelta(days=30)
    assert "provisional" in view["belief"]["answer"]


# --- What there is not --------------------------------------------------------------------------------------


@pytest.fixture
def quarantined(bench: Any) -> Any:
    bench.night("2024-03-01", 200)
    table = bench.night("2024-03-02", 200).with_columns(score=pl.col("score") * 3)
    bench.write("2024-03-02", table.drop("label"), table.select("id", "label"))
    bench.evaluate("2024-03-01")
    return bench, bench.evaluate("2024-03-02", left_out=("report",))


def test_a_quarantined_night_says_which_expectations_failed(quarantined: Any, look: Any) -> None:
    _, evaluation = quarantined
    view = told(look(f"{API}/models/quiet/nights/2024-03-02"))
    assert view["status"] == evaluation.verdict.status == "quarantined"
    assert view["rows"] is None
    assert view["findings"]["total"] == 0
    assert "quarantined" in view["findings"]["without"]
    assert view["validation"]["failed"][0]["severity"] == "critical"
    docs = next(report for report in view["reports"] if report["name"] == "data-docs")
    assert docs["size"]
    page = look("/models/quiet/nights/2024-03-02?check=1")
    assert page.status_code == 200
    assert "score" in page.text and "Whole: nothing" in page.text


def test_what_was_left_out_is_said(get: Ask, bench: Any, look: Any) -> None:
    bench.night("2024-03-01", 200)
    bench.evaluate("2024-03-01")
    reports = {r["name"]: r for r in told(look(f"{API}/models/quiet/nights/2024-03-01"))["reports"]}
    assert reports["report"]["size"] is None
    assert "left out" in reports["report"]["without"]
    assert "left out" in reports["data-docs"]["without"]


def test_what_retention_deleted_is_said_with_its_rule(bench: Any, look: Any) -> None:
    config = bench.config(record={"keep": {"findings": "130d", "profiles": "130d"}})
    bench.night("2024-03-01", 200)
    bench.evaluate("2024-03-01", config)
    prune(config, bench.model_results(config), now=datetime.now(UTC) + timedelta(days=400))
    view = told(look(f"{API}/models/quiet/nights/2024-03-01"))
    assert "findings are kept for 130d" in view["findings"]["without"]
    states = {file["name"]: file["without"] for file in view["record"]["files"]}
    assert "Deleted by retention" in states["profile.parquet"]
    assert not states["verdict.json"]
    assert view["torn"] == []
    checked = told(look(f"{API}/models/quiet/nights/2024-03-01?check=1"))["record"]["check"]
    assert checked["whole"]
    page = look("/models/quiet/nights/2024-03-01")
    assert page.status_code == 200
    assert "findings are kept for 130d" in page.text


# --- Is it as it was published? -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(benches: Any) -> Any:
    """Three nights, of which no test changes anything."""
    bench = benches()
    for night in ("2024-03-01", "2024-03-02", "2024-03-03"):
        bench.night(night, 100)
        bench.evaluate(night)
    return bench


@pytest.fixture
def sealed(written: Any, bench: Any) -> Any:
    """The same in a store of its own, and where the files of the second night lie."""
    bench.config()
    store, whole = results_store(bench), results_store(written)
    for stored in whole.list(""):
        store.put(stored.key, whole.read(stored.key))
    identifier = written.model_results().log.entries()[1].evaluation_id
    return bench, f"nightproof/quiet/2024-03-02/{identifier}/"


def checked(look: Any) -> Any:
    return told(look(f"{API}/models/quiet/nights/2024-03-02?check=1"))["record"]["check"]


def test_a_check_is_made_only_when_asked_for(sealed: Any, look: Any) -> None:
    assert told(look(f"{API}/models/quiet/nights/2024-03-02"))["record"]["check"] is None
    found = checked(look)
    assert found["whole"]
    assert [step["good"] for step in found["steps"]] == [True, True, True, True, None]


def test_the_links_hash_is_that_of_the_stored_entry(sealed: Any, look: Any) -> None:
    bench, _ = sealed
    raw = results_store(bench).read("nightproof/quiet/log/000000001.json")
    record = told(look(f"{API}/models/quiet/nights/2024-03-02"))["record"]
    assert record["chain"]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert record["commands"][0]["line"].endswith(f"--head 1:{hashlib.sha256(raw).hexdigest()}")


@pytest.mark.parametrize("name", ["findings.json", "verdict.json", "profile.parquet", "history.json"])
def test_a_changed_file_is_named(sealed: Any, look: Any, name: str) -> None:
    bench, folder = sealed
    store = results_store(bench)
    store.put(folder + name, store.read(folder + name) + b" ")
    found = checked(look)
    assert not found["whole"]
    assert [(breach["kind"], breach["where"].rpartition("/")[2]) for breach in found["breaches"]] == [("changed", name)]


def test_numbers_that_are_not_what_was_published_are_never_shown_without_a_warning(sealed: Any, look: Any) -> None:
    bench, folder = sealed
    store = results_store(bench)
    store.put(folder + "findings.json", store.read(folder + "findings.json") + b" ")
    assert told(look(f"{API}/models/quiet/nights/2024-03-02"))["torn"] == ["findings.json"]
    page = look("/models/quiet/nights/2024-03-02").text
    assert "Not as it was published: findings.json" in page
    assert told(look(f"{API}/models/quiet/nights/2024-03-02"))["belief"]["answer"].startswith("No")


def test_findings_that_cannot_be_read_leave_the_verdict_to_be_seen(sealed: Any, look: Any) -> None:
    bench, folder = sealed
    results_store(bench).put(folder + "findings.json", b'[{"metric": 1}]')
    view = told(look(f"{API}/models/quiet/nights/2024-03-02"))
    assert "cannot be read" in view["findings"]["without"]
    assert view["torn"] == ["findings.json"]
    assert view["headline"] in look("/models/quiet/nights/2024-03-02").text


def test_a_missing_and_an_added_file_are_named(sealed: Any, look: Any) -> None:
    bench, folder = sealed
    store = results_store(bench)
    store.delete(folder + "readings.json")
    store.put(folder + "extra.json", b"{}")
    kinds = {(breach["kind"], breach["where"].rpartition("/")[2]) for breach in checked(look)["breaches"]}
    assert kinds == {("missing", "readings.json"), ("added", "extra.json")}
    lost = told(look(f"{API}/models/quiet/nights/2024-03-02"))["record"]["files"]
    assert "Lost" in next(file["without"] for file in lost if file["name"] == "readings.json")


def test_a_rewritten_entry_does_not_fit_the_next(sealed: Any, look: Any) -> None:
    bench, _ = sealed
    store, key = results_store(bench), "nightproof/quiet/log/000000001.json"
    entry = LogEntry.from_bytes(store.read(key), name=key)
    store.put(key, entry.model_copy(update={"labels": "provisional"}).to_bytes())
    found = checked(look)
    assert not found["whole"]
    assert found["steps"][0]["good"] is False


def test_signatures_are_tried_with_the_configs_keys(bench: Any, look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightproof.signatures import make_pair

    secret, public = make_pair()
    monkeypatch.setenv("NIGHTPROOF_SIGNING_KEY", secret.decode())
    signing = {"record": {"sign": {"public_keys": [public.decode()]}}}
    bench.night("2024-03-02", 100)
    bench.evaluate("2024-03-02", bench.config(**signing))
    step = checked(look)["steps"][-1]
    assert (step["what"], step["good"]) == ("Signature", True)
    other = make_pair()[1].decode()
    bench.config(record={"sign": {"public_keys": [other]}})
    assert checked(look)["steps"][-1]["good"] is False
    store = results_store(bench)
    store.put("nightproof/quiet/signatures/000000000.json", b"[]")
    assert checked(look)["steps"][-1]["good"] is False
    assert look("/models/quiet/nights/2024-03-02?check=1").status_code == 200


# --- An Airflow run's night ---------------------------------------------------------------------------------


def test_a_runs_night_is_shown_at_the_runs_address(get: Ask, published: Any) -> None:
    page = get("/models/quiet/runs/scheduled__2024-03-03T04:00:00+00:00")
    assert page.status_code == 200
    assert "night of <span" in page.text and "2024-03-03" in page.text
    assert "scheduled__2024-03-03T04:00:00+00:00" in page.text


def test_a_run_whose_night_is_not_published_says_what_comes_next(bench: Any, look: Any) -> None:
    config = bench.config()
    for night in ("2024-03-01", "2024-03-02"):
        bench.night(night, 100)
    bench.evaluate("2024-03-01")
    waiting = look("/models/quiet/runs/manual__2024-03-02")
    assert waiting.status_code == 200
    assert "are waited for" in waiting.text
    assert 'href="/models/quiet/nights/2024-03-01"' in waiting.text
    resources = bench.resources()
    ticket = pull_night(config, Night.parse("2024-03-02"), resources, left_out=("report", "validate"))
    assert "the step validate comes next" in look("/models/quiet/runs/manual__2024-03-02").text
    validate_night(config, ticket, resources)
    assert "the step profile comes next" in look("/models/quiet/runs/manual__2024-03-02").text
    bench.evaluate("2024-03-02", config)
    assert ticket.evaluation_id in look("/models/quiet/runs/manual__2024-03-02").text


@pytest.mark.parametrize("run_id", ["nothing", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "a%2Fb", "2024-99-99"])
def test_a_run_without_a_night_leads_to_the_latest(get: Ask, run_id: str) -> None:
    page = get(f"/models/quiet/runs/{run_id}")
    assert page.status_code == 200
    assert 'href="/models/quiet/nights/2024-03-04"' in page.text
    assert "<script>alert" not in page.text


# --- The page itself ----------------------------------------------------------------------------------------


def test_hostile_names_are_shown_and_do_nothing(hostile: Any, ask: Ask) -> None:
    app = hostile.app()
    for path in ("/models/hostile/nights/2024-03-04", "/models/hostile/nights/2024-03-04?check=1&q=script"):
        page = ask(app, path).text
        assert not re.search(r"<script>alert|<img src=x|<b>bold|</title>.*</title>", page)
        assert "&lt;script&gt;" in page


def test_links_stand_below_the_root_that_the_page_came_by(published: Any, ask: Ask) -> None:
    from fastapi import FastAPI

    outer = FastAPI()
    outer.mount("/nightproof", published.app())
    page = ask(outer, "/nightproof/models/clandestine/nights/2024-03-04?q=group").text
    own = {link for link in re.findall(r'(?:href|src|action)="([^"]*)"', page) if not link.startswith("#")}
    assert own
    assert not [link for link in own if not link.startswith("/nightproof/")]
    ids = set(re.findall(r'id="([^"]*)"', page))
    assert {link[1:] for link in re.findall(r'href="(#[^"]*)"', page)} <= ids
    answer = ask(outer, "/nightproof/models/quiet/latest")
    assert answer.headers["location"] == "/nightproof/models/quiet/nights/2024-03-04"


def test_reports_are_framed_without_an_origin_of_their_own(get: Ask) -> None:
    page = get("/models/quiet/nights/2024-03-04").text
    frames = re.findall(r"<iframe[^>]*>", page)
    assert len(frames) == 2
    for frame in frames:
        assert 'sandbox="allow-scripts"' in frame
        assert 'loading="lazy"' in frame
        assert get(re.findall(r'src="([^"]*)"', frame)[0]).status_code == 200


def test_what_the_page_shows_is_json_as_well(get: Ask) -> None:
    view = told(get(f"{API}/models/quiet/nights/2024-03-04"))
    assert json.loads(json.dumps(view, allow_nan=False)) == view
