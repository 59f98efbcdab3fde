"""The task `holdout`: only where a config keeps one, beside the alert, and what it tells."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default")]


def test_the_task_is_there_only_where_a_config_keeps_a_holdout_and_no_alert_waits_for_it(bench: Any) -> None:
    from nightproof.operators.dag import model_dag

    assert "holdout" not in model_dag(bench.config(), bench.models).task_ids
    dag = model_dag(bench.config(holdout={}), bench.models)
    assert dag.get_task("holdout").upstream_task_ids == {"publish"}
    assert dag.get_task("holdout").downstream_task_ids == set()
    assert dag.get_task("alert").upstream_task_ids == {"publish"}


def test_it_tells_version_rows_and_freshness_and_twice_changes_nothing(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nightproof.operators.holdout import HoldoutOperator

    config = bench.config(holdout={"per_night": 100})
    task = HoldoutOperator(task_id="holdout", model="quiet", models_folder=str(bench.models))
    monkeypatch.setattr(HoldoutOperator, "open_resources", lambda _: bench.resources())
    assert task.execute({})["version"] is None
    bench.night("2024-03-01")
    bench.evaluate("2024-03-01", config)
    told = task.execute({})
    assert told == {"version": 0, "is_new": True, "rows": 100, "status": "fresh", "because": []}
    results = bench.model_results(config)
    names = {found.key.rsplit("/", 1)[1] for found in results.store.list(f"{results.folder}holdout/")}
    assert {"000000000.json", "000000000.drift.json"} <= names
    assert task.execute({}) == told | {"is_new": False}
    assert {found.key.rsplit("/", 1)[1] for found in results.store.list(f"{results.folder}holdout/")} == names
