"""Ask the table: who is told of which, and that every snippet runs and says what `findings.json` says."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.dashboard.fleet import Fleet
from nightproof.dashboard.place import Place
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source
from nightproof.dashboard.table_pages.table_columns import COLUMNS
from nightproof.dashboard.table_pages.table_questions import QUESTIONS
from nightproof.dashboard.table_pages.table_snippets import TOOLS, Asked, snippet
from nightproof.dashboard.table_pages.table_view import TableQuery, table_view
from nightproof.storage import open_store
from nightproof.table.schema import SCHEMA

ALL = Viewer()
TODAY = date(2026, 2, 3)
DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "table.md").read_text("utf-8")


# --- The snippets, run --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked_of(benches: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model of three nights on ``file://``, one of them evaluated again, and what the page shows of its table."""
    place = tmp_path_factory.mktemp("table")

    def put(key: str, content: bytes) -> None:
        (place / "logs" / key).parent.mkdir(parents=True, exist_ok=True)
        (place / "logs" / key).write_bytes(content)

    folder = type(benches())(place, f"file://{place}/logs/", f"file://{place}/results/", open_store, put)
    folder.reference()
    config = folder.config(windows=[1, 7])
    for night, knobs in (("2026-01-30", {}), ("2026-01-31", {}), ("2026-02-01", {"noise": 1.0, "drift": 1.0})):
        folder.night(night, **knobs)
        folder.evaluate(night, config)
    folder.night("2026-01-31", seed=7)
    folder.evaluate("2026-01-31", config)
    fleet = Source(folder.open_store, models=folder.models).fleet()
    return folder, table_view(fleet, ALL, TableQuery(), TODAY)


def rows_of(code: str) -> list[tuple[Any, ...]]:
    """What a snippet leaves in `answer`, in the words of the standard library."""
    names: dict[str, Any] = {}
    exec(compile(code, "snippet", "exec"), names)
    answer = names["answer"]
    if isinstance(answer, pl.DataFrame):
        found = answer.rows()
    elif hasattr(answer, "itertuples"):
        found = list(answer.itertuples(index=False, name=None))
    else:
        found = answer.fetchall()
    return [tuple(_plain(value) for value in row) for row in found]


def _plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, float):
        return pytest.approx(value)
    return value if isinstance(value, str | date) else int(value)


def answers(view: Any, name: str) -> dict[str, list[tuple[Any, ...]]]:
    (question,) = [found for found in view.questions if found.name == name]
    return {found.tool: rows_of(found.code) for found in question.snippets if found.tool != "spark"}


@pytest.mark.parametrize("question", [question.name for question in QUESTIONS])
def test_every_tool_gives_the_same_answer_and_one_that_is_not_empty(asked_of: Any, question: str) -> None:
    found = answers(asked_of[1], question)
    assert set(found) == {"duckdb", "polars", "pandas"}
    assert found["duckdb"] == found["polars"] == found["pandas"]
    assert found["duckdb"]


def latest(folder: Any, night: str) -> list[dict[str, Any]]:
    results = folder.model_results()
    entry = results.log.latest()[night]
    found: list[dict[str, Any]] = json.loads(results.dossier(night, entry.evaluation_id).read("findings.json"))
    return found


def test_the_worst_model_is_told_with_its_regressions(asked_of: Any) -> None:
    folder, view = asked_of
    ((model, night, status, regressions, watches, why),) = answers(view, "worst")["duckdb"]
    told = latest(folder, "2026-02-01")
    assert (model, night) == ("quiet", date(2026, 2, 1)) and status == "regression"
    assert regressions == sum(f["status"] == "regression" for f in told) > 0
    assert watches == sum(f["status"] == "watch" for f in told)
    assert why == next(f["reason"] for f in told if f["status"] == "regression")


def test_a_metric_is_that_of_each_nights_latest_evaluation(asked_of: Any) -> None:
    folder, view = asked_of
    found = {str(night): value for night, value, *_ in answers(view, "metric")["polars"]}
    for night in ("2026-01-30", "2026-01-31", "2026-02-01"):
        whole = [
            f["value"] for f in latest(folder, night)
            if (f["metric"], f["window"], f["segment"], f["check"]) == (view.metric, 1, {}, "performance")
            and f.get("reference", "baseline") == "baseline"
        ]  # fmt: skip
        assert [found[night]] == whole


def test_what_late_labels_changed_is_the_nights_that_were_evaluated_again(asked_of: Any) -> None:
    found = answers(asked_of[1], "revisions")["pandas"]
    assert {row[0] for row in found} == {date(2026, 1, 31)} and len(found) == 2
    (first, second) = found
    assert first[-1] is None and second[-1] == pytest.approx(second[-2].expected - first[-2].expected)


def test_features_are_ordered_by_how_far_they_drifted(asked_of: Any) -> None:
    found = answers(asked_of[1], "drift")["duckdb"]
    assert {row[0] for row in found} >= {"x", "group"} and found[0][0] == "x"
    assert all(row[-1] == 3 for row in found), "each night once, whatever was evaluated again"


def test_sparks_sql_is_duckdbs_but_for_the_quotes() -> None:
    asked = Asked("s3://b/metrics", "quiet", "roc_auc", "2025-02-02", "2026-01-05")
    for question in QUESTIONS:
        duckdb, spark = (
            re.search(r'"""(.*?)"""', snippet(question, t, asked), re.DOTALL)[1] for t in ("duckdb", "spark")
        )  # type: ignore[index]
        assert duckdb.replace('"', "`") == spark
        assert "s3a://b/metrics" in snippet(question, "spark", asked)


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_what_is_filled_in_stays_a_literal(table: str, model: str, metric: str) -> None:
    asked = Asked(table, model, metric, "2025-02-02", "2026-01-05")
    plain = Asked("T", "M", "K", "2025-02-02", "2026-01-05")
    for question in QUESTIONS:
        for tool in TOOLS:
            tree, other = ast.parse(snippet(question, tool, asked)), ast.parse(snippet(question, tool, plain))
            assert _shape(tree) == _shape(other)


def _shape(tree: ast.AST) -> list[str]:
    return [type(node).__name__ for node in ast.walk(tree)]


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", "\\", '"""', "a'b", "«metric»", "\\'"])
def test_a_name_in_sql_is_the_text_that_it_is(hostile: str) -> None:
    import duckdb

    asked = Asked("T", hostile, hostile, "2025-02-02", "2026-01-05")
    code = snippet(QUESTIONS[1], "duckdb", asked)
    strings = [n.value for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    (sql,) = [text for text in strings if "SELECT" in text]
    literals = re.findall(r"(?:model|metric) = ('(?:[^']|'')*')", sql)
    assert [duckdb.sql(f"SELECT {found}").fetchall() for found in literals] == [[(hostile,)]] * 2


# --- The page -----------------------------------------------------------------------------------------------


def fleet_of(**places: str) -> Fleet:
    return Fleet({name: Place(url) for name, url in places.items()}, {}, {}, datetime(2026, 2, 3, tzinfo=UTC))


def test_only_roots_of_models_that_the_viewer_may_read_are_told() -> None:
    fleet = fleet_of(a="s3://one/", b="s3://one/", c="s3://secret/")
    view = table_view(fleet, Viewer(readable=frozenset("b")), TableQuery(root="s3://secret/", model="c"), TODAY)
    assert [(one.root, one.models) for one in view.roots] == [("s3://one/", ("b",))]
    assert "secret" not in view.model_dump_json() and view.model == "b"
    nothing = table_view(fleet, Viewer(readable=frozenset()), TableQuery(), TODAY)
    assert nothing.roots == () and nothing.shown is None and nothing.questions == ()


def test_the_root_and_the_model_that_are_asked_for_are_shown() -> None:
    fleet = fleet_of(a="s3://one/", b="s3://one/", c="file:///two/")
    by_model = table_view(fleet, ALL, TableQuery(model="c"), TODAY)
    assert by_model.shown is not None and by_model.shown.table == "file:///two/metrics" and by_model.variables == ()
    by_root = table_view(fleet, ALL, TableQuery(root="s3://one/", model="nobody"), TODAY)
    assert by_root.model == "a" and any("AWS_REGION" in one.names for one in by_root.variables)


def test_no_credential_is_told() -> None:
    view = table_view(fleet_of(a="https://user:hunter22@store.example/results/"), ALL, TableQuery(), TODAY)
    assert "hunter22" not in view.model_dump_json()


def test_the_columns_are_the_tables_and_documented_alike() -> None:
    assert [name for name, _, _ in COLUMNS] == SCHEMA.names
    documented = re.search(r"## Columns.*?\n## ", DOCUMENT, re.DOTALL)[0]  # type: ignore[index]
    for cells, kind in re.findall(r"^\| (`.*?) \| (.*?) \|", documented, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", cells):
            assert {n: k for n, k, _ in COLUMNS}[name] == kind


def test_the_page_has_the_table_the_snippets_and_the_columns(get: Any) -> None:
    page = get("/table?tool=polars").text
    assert "s3://ml-results/nightproof/metrics" in page and "pl.scan_delta" in page and "duckdb.sql" not in page
    for question in QUESTIONS:
        assert f'id="{question.name}"' in page
    told = get("/api/v1/table").json()
    assert len(told["questions"]) == len(QUESTIONS) and len(told["columns"]) == len(COLUMNS)
    assert {one["tool"] for one in told["questions"][0]["snippets"]} == set(TOOLS)


def test_who_may_read_nothing_is_told_so(get: Any) -> None:
    page = get("/table", viewer=Viewer(readable=frozenset())).text
    assert "No table to ask yet" in page and "ml-results" not in page


@pytest.mark.parametrize("query", ["tool=excel", "model=" + "x" * 300, "tool=%22%3E%3Cscript%3Ealert(1)"])
def test_what_makes_no_sense_is_said_on_the_page_and_refused_by_the_api(get: Any, query: str) -> None:
    page = get(f"/table?{query}")
    assert page.status_code == 200 and "Not understood, and left out" in page.text and "<script>alert" not in page.text
    assert get(f"/api/v1/table?{query}").status_code == 422


def test_hostile_names_are_text(hostile: Any, ask: Any) -> None:
    page = ask(hostile.app(), "/table").text
    assert "<script>alert(1)" not in page and "hostile" in page
