"""Reproduce: the same to the last bit, or exactly what is not and what moved; nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nightproof import evaluation
from nightproof.errors import NightError, RecordError
from nightproof.night import Night
from nightproof.reproduce import Reproduction, reproduce
from nightproof.storage import MemoryStore

NIGHTS = ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04"]
BAD = {"noise": 1.0}
ALL = {
    "findings.json",
    "profile.parquet",
    "readings.json",
    "validation.json",
    "verdict.json",
    "baseline/profile.parquet",
    "baseline/spec.json",
}


@pytest.fixture
def told(bench: Any) -> Any:
    """A model with four nights, the third bad."""
    for night in NIGHTS:
        bench.night(night, **(BAD if night == NIGHTS[2] else {}))
        bench.evaluate(night)
    return bench


def again(bench: Any, night: str = NIGHTS[-1], *, cache: str = "another-worker", **named: Any) -> Reproduction:
    resources = bench.resources(cache=cache)
    return reproduce(bench.config(), Night.parse(night), resources, **named)


def logs(bench: Any) -> MemoryStore:
    store = bench.open_store("s3://ml-logs")
    assert isinstance(store, MemoryStore)
    return store


def edit(bench: Any, name: str, change: Any) -> None:
    """Change a published object behind everybody's back."""
    store = bench.open_store("s3://ml-results")
    key = bench.model_results().folder + name
    store.put(key, change(store.read(key)))


@pytest.mark.parametrize("night", NIGHTS)
def test_every_night_is_the_same_on_another_worker(told: Any, night: str) -> None:
    before = told.objects()
    found = again(told, night)
    assert (found.outcome, found.differences, found.moved, found.reason) == ("same", (), (), None)
    assert set(found.files) == ALL and set(found.files.values()) == {"same"}
    stored = json.loads(before[next(name for name in before if name.startswith(night) and "findings" in name)])
    assert found.findings == len(stored) > 0
    assert found.numbers > 10 * found.findings
    assert told.objects() == before


def test_it_says_so_in_one_sentence(told: Any) -> None:
    found = again(told)
    assert found.in_words() == (
        f"2024-03-04 quiet ({found.evaluation_id}): {found.findings:,} findings, {found.numbers:,} numbers: "
        "the same, bit for bit."
    )


def test_a_night_stands_on_the_evaluations_of_then_not_on_those_that_came_since(told: Any) -> None:
    told.night(NIGHTS[1], seed=99, **BAD)
    told.evaluate(NIGHTS[1])
    assert again(told, NIGHTS[2]).outcome == again(told, NIGHTS[3]).outcome == "same"


def test_of_several_evaluations_of_a_night_each_can_be_named(told: Any) -> None:
    first = told.model_results().log.latest()[NIGHTS[3]].evaluation_id
    told.config(windows=[1, 3])
    second = told.evaluate(NIGHTS[3], told.config(windows=[1, 3])).id
    assert first != second
    assert again(told).evaluation_id == second
    assert again(told, evaluation_id=first).outcome == again(told, evaluation_id=second).outcome == "same"
    with pytest.raises(NightError, match=rf"no evaluation nonsense of quiet .*{NIGHTS[3]}: that night has {first}"):
        again(told, evaluation_id="nonsense")
    with pytest.raises(NightError, match="that night has none"):
        again(told, "2024-05-01")


def test_the_config_is_the_recorded_one_whatever_the_file_says_now(told: Any) -> None:
    changed = told.config(windows=[1, 28], checks={"drift": {"min_effect": 0.5}}, owner="somebody-else")
    assert reproduce(changed, Night.parse(NIGHTS[3]), told.resources()).outcome == "same"


def test_the_order_of_a_configs_keys_changes_nothing(bench: Any) -> None:
    def config(*metrics: str) -> Any:
        tolerances = {name: {"max_drop": 0.02} for name in metrics}
        return bench.config(checks={"performance": tolerances})

    one, other = config("roc_auc", "accuracy", "recall"), config("recall", "roc_auc", "accuracy")
    assert one.fingerprint == other.fingerprint
    bench.night(NIGHTS[0])
    first = bench.evaluate(NIGHTS[0], one)
    assert bench.evaluate(NIGHTS[0], other).id == first.id
    assert again(bench, NIGHTS[0]).outcome == "same"


@pytest.mark.parametrize("cache", ["cache", "another-worker"])
def test_data_that_was_replaced_in_a_store_without_versions_is_named(told: Any, cache: str) -> None:
    told.night(NIGHTS[3], seed=5)
    found = again(told, cache=cache)
    assert found.outcome == "incomplete"
    gone = [moved for moved in found.moved if moved.kind == "object"]
    assert [moved.name.split("/")[3] for moved in gone] == ["labels", "predictions"]
    assert all("has changed" in str(moved.now) for moved in gone)
    # From the stored profile on, everything is computed again all the same.
    assert found.files["findings.json"] == found.files["verdict.json"] == "same"
    assert found.files["profile.parquet"] == found.files["validation.json"] == "given"
    assert found.files["baseline/profile.parquet"] == "same"
    assert "taken from the record" in found.in_words()


def test_a_reference_that_is_gone_leaves_the_stored_baseline(told: Any) -> None:
    logs(told).delete("reference/part-0.parquet")
    found = again(told)
    assert found.outcome == "incomplete"
    assert [(m.kind, m.name) for m in found.moved] == [("object", "memory://ml-logs/reference/part-0.parquet")]
    assert found.files["baseline/profile.parquet"] == "given"
    assert found.files["profile.parquet"] == found.files["findings.json"] == "same"


def test_a_number_that_was_changed_in_the_record_is_named(told: Any) -> None:
    entry = told.model_results().log.latest()[NIGHTS[3]]

    def change(raw: bytes) -> bytes:
        stored = json.loads(raw)
        held = next(finding for finding in stored if finding["metric"] == "roc_auc" and finding["window"] == 1)
        held["value"] += 1e-12
        return json.dumps(stored, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"

    edit(told, f"{entry.night}/{entry.evaluation_id}/findings.json", change)
    found = again(told)
    assert (found.outcome, found.different) == ("different", 1)
    (difference,) = found.differences
    assert (difference.file, difference.field) == ("findings.json", "value")
    assert "roc_auc" in difference.where and difference.then == difference.now + 1e-12
    assert [(m.kind, m.name.rsplit("/", 1)[1]) for m in found.moved] == [("record", "findings.json")]


def test_a_count_that_was_changed_in_the_profile_is_named(told: Any) -> None:
    import io

    import polars as pl

    entry = told.model_results().log.latest()[NIGHTS[3]]

    def change(raw: bytes) -> bytes:
        facts, metadata = pl.read_parquet(io.BytesIO(raw)), pl.read_parquet_metadata(io.BytesIO(raw))
        facts[7, "count"] += 1
        buffer = io.BytesIO()
        facts.write_parquet(buffer, metadata={"nightproof.spec": metadata["nightproof.spec"]})
        return buffer.getvalue()

    edit(told, f"{entry.night}/{entry.evaluation_id}/profile.parquet", change)
    found = again(told)
    assert found.outcome == "different"
    assert [(d.file, d.field, d.then - d.now) for d in found.differences] == [("profile.parquet", "count", 1)]


def test_a_history_that_was_changed_is_named_as_what_moved(told: Any) -> None:
    entry = told.model_results().log.latest()[NIGHTS[2]]
    edit(told, f"{entry.night}/{entry.evaluation_id}/verdict.json", lambda raw: raw.replace(b"incidents", b"incidents"))
    assert again(told).outcome == "same"

    def forget(raw: bytes) -> bytes:
        stored = json.loads(raw)
        stored["incidents"] = []
        return json.dumps(stored).encode()

    edit(told, f"{entry.night}/{entry.evaluation_id}/verdict.json", forget)
    found = again(told)
    assert found.outcome == "different"
    assert [(m.kind, m.name.rsplit("/", 3)[1]) for m in found.moved] == [("history", NIGHTS[2])]


def test_a_history_that_was_deleted_is_said(told: Any) -> None:
    entry = told.model_results().log.latest()[NIGHTS[2]]
    told.open_store("s3://ml-results").delete(
        f"{told.model_results().folder}{entry.night}/{entry.evaluation_id}/profile.parquet"
    )
    found = again(told)
    assert found.outcome == "incomplete"
    assert found.reason is not None and f"{entry.night}/{entry.evaluation_id}/profile.parquet" in found.reason
    # What comes before it is compared all the same.
    assert found.files["profile.parquet"] == "same" and "findings.json" not in found.files


def test_files_that_retention_deleted_are_not_compared_and_said(told: Any) -> None:
    entry = told.model_results().log.latest()[NIGHTS[3]]
    folder = f"{told.model_results().folder}{entry.night}/{entry.evaluation_id}/"
    for name in ("findings.json", "readings.json"):
        told.open_store("s3://ml-results").delete(folder + name)
    found = again(told)
    assert (found.outcome, found.files["findings.json"], found.findings) == ("same", "deleted", 0)
    assert "no longer in the record, so not compared: findings.json, readings.json" in found.in_words()


def test_another_version_of_a_library_or_of_the_code_is_said(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = {**evaluation.environment(), "nightproof": "9.9.9+new", "numpy": "9.0"}
    monkeypatch.setattr("nightproof.reproduce.published.environment", lambda: now)
    found = again(told)
    assert found.outcome == "same"
    assert [(m.kind, m.name, m.now) for m in found.moved] == [
        ("code", "nightproof", "9.9.9+new"),
        ("library", "numpy", "9.0"),
    ]


def test_another_way_of_counting_is_found_to_the_number(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightproof.checks.drift import check_drift
    from nightproof.pipeline import FAMILIES

    def other(*given: Any, **named: Any) -> Any:
        first, *rest = check_drift(*given, **named)
        return [first.model_copy(update={"value": 0.123}), *rest]

    monkeypatch.setattr("nightproof.pipeline.FAMILIES", {**FAMILIES, "drift": other})
    found = again(told)
    assert found.outcome == "different"
    assert any(d.file == "findings.json" and d.field == "value" and d.now == 0.123 for d in found.differences)


def test_a_manifest_that_was_changed_is_an_error(told: Any) -> None:
    entry = told.model_results().log.latest()[NIGHTS[3]]
    edit(
        told, f"{entry.night}/{entry.evaluation_id}/manifest.json", lambda raw: raw.replace(b'"ok"', b'"watch"') + b" "
    )
    with pytest.raises(RecordError, match="is not the one that entry 3 of the log names"):
        again(told)


def test_a_quarantined_night_is_reproduced_with_its_suite(bench: Any) -> None:
    bench.suites.mkdir(parents=True, exist_ok=True)
    suite = bench.suites / "own.json"
    expectation = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "x", "min_value": 100, "max_value": 200},
    }
    suite.write_text(json.dumps({"name": "own", "expectations": [expectation]}))
    config = bench.config(validate={"suite": "own"})
    bench.night(NIGHTS[0])
    assert bench.evaluate(NIGHTS[0], config, left_out=("report",)).verdict.status == "quarantined"
    # Today's suite asks for something else, and its file is gone tomorrow.
    suite.unlink()
    found = reproduce(config, Night.parse(NIGHTS[0]), bench.resources(cache="another-worker"))
    assert found.outcome == "same", found.in_words()
    assert set(found.files) == {"validation.json", "verdict.json", "findings.json", "data_docs.html.gz"}


# Evidently warns of its own dependencies.
@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_with_validation_and_report_the_pages_are_the_same_too(bench: Any) -> None:
    bench.night(NIGHTS[0])
    bench.evaluate(NIGHTS[0], left_out=())
    found = again(bench, NIGHTS[0])
    assert found.outcome == "same", found.in_words()
    assert found.files["report.html.gz"] == found.files["report.json"] == "same"
