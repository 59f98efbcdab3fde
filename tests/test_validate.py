"""Validation, on real Parquet files: each kind of bad input, and what is told of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.errors import ConfigError
from nightproof.expectations import verdicts
from nightproof.expectations.contract import KNOWN_IDS, READABLE, SAME_ID_TYPE, Rule, contract
from nightproof.expectations.data_docs import data_docs
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.validate import check_suite, validate
from nightproof.validation import Expectation, Validation

NIGHT = Night.parse("2013-12-14")
SECRET = "a-private-value"
HOSTILE = "<script>alert('x')</script>&\"$column"
ROWS = 60
FIRST = "part-0.parquet row 0"


def config(**changes: Any) -> ModelConfig:
    given: dict[str, Any] = {
        "model": "flight_delay",
        "task": "binary",
        "data": {
            "predictions": "s3://logs/predictions/dt=%Y-%m-%d/",
            "labels": "s3://logs/labels/dt=%Y-%m-%d/",
            "reference": "s3://logs/reference/",
            "id": "flight_id",
        },
        "columns": {
            "score": "p_late",
            "label": "late",
            "features": {"numeric": ["dep_delay", "distance"], "categorical": ["carrier"]},
            "protected": ["carrier"],
            "slices": [["origin", "carrier"]],
            "model_version": "model_version",
            "latency_ms": "latency_ms",
        },
    }
    return ModelConfig.model_validate(given | changes)


def predictions(rows: int = ROWS) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "flight_id": [f"flight-{i}" for i in range(rows)],
            "p_late": draw.random(rows),
            "dep_delay": draw.normal(10, 20, rows),
            "distance": draw.integers(80, 3000, rows),
            "carrier": draw.choice(["UA", "B6"], rows),
            "origin": draw.choice(["JFK", "LGA"], rows),
            "model_version": ["1"] * rows,
            "latency_ms": draw.random(rows),
            "at": [datetime(2013, 12, 14, 7, tzinfo=UTC)] * rows,
            "day": [date(2013, 12, 14)] * rows,
        },
        schema_overrides={
            "flight_id": pl.String,
            "carrier": pl.String,
            "origin": pl.String,
            "model_version": pl.String,
        },
    )


def labels(rows: int = ROWS) -> pl.DataFrame:
    return predictions(rows).select("flight_id", late=pl.int_range(pl.len()) % 2)


class Bench:
    """Files, a suite and a config, put together for one validation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[Path, str] = {}

    def file(self, content: pl.DataFrame | bytes, name: str) -> Path:
        path = self.folder / f"{len(self.names):064d}"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.write_parquet(path)
        self.names[path] = f"s3://logs/{name}"
        return path

    def suite(self, *entries: dict[str, Any] | str, text: str | None = None) -> None:
        told = text if text is not None else json.dumps({"name": "night", "expectations": entries}, indent=1)
        (self.folder / "night.json").write_text(told, "utf-8")

    def validate(
        self,
        night: pl.DataFrame | bytes | list[pl.DataFrame | bytes] | None = None,
        truth: pl.DataFrame | bytes | None = None,
        **changes: Any,
    ) -> Validation:
        parts = night if isinstance(night, list) else [predictions() if night is None else night]
        files = NightFiles(
            tuple(self.file(part, f"predictions/part-{place}.parquet") for place, part in enumerate(parts)),
            (self.file(labels() if truth is None else truth, "labels/part-0.parquet"),),
            self.names,
        )
        if (self.folder / "night.json").exists():
            changes = {"validate": {"suite": "night"}} | changes
        found = validate(config(**changes), NIGHT, files, suites=self.folder)
        return Validation.from_bytes(found.to_bytes(), name="validation.json")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def one(found: Validation, kind: str, column: str | None = None) -> Expectation:
    failed = [e for e in found.failed() if e.type == kind and column in (None, e.column)]
    assert len(failed) == 1, [(e.type, e.column, e.observed) for e in found.failed()]
    return failed[0]


def between(column: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": "expect_column_values_to_be_between", "kwargs": {"column": column} | kwargs}


def test_a_good_night_passes_and_lists_every_expectation(bench: Bench) -> None:
    bench.suite(between("distance", min_value=0))
    found = bench.validate()
    assert (found.outcome, found.rows, found.labelled, found.failed()) == ("passed", ROWS, ROWS, ())
    # Two readable roles, the rules of the contract, two of how the tables meet, and one of the suite.
    assert len(found.expectations) == 2 + len(contract(config())) + 2 + 1
    assert all(e.observed is not None or e.success for e in found.expectations)
    assert "great_expectations 1." in found.engine


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda raw: b"", "empty"),
        (lambda raw: b"flight_id,p_late\n1,0.5\n" * 9, "not a Parquet file"),
        (lambda raw: raw[: len(raw) // 2], "truncated"),
        (lambda raw: raw[:6] + b"\0" * 90 + raw[96:], "corrupt"),
        (lambda raw: raw[:-60] + b"\xff" * 50 + raw[-10:], "corrupt"),
        (lambda raw: b"PAR1", "truncated"),
    ],
)
def test_a_damaged_file_is_named(bench: Bench, damage: Callable[[bytes], bytes], told: str, tmp_path: Path) -> None:
    predictions().write_parquet(tmp_path / "whole")
    found = bench.validate([predictions(), damage((tmp_path / "whole").read_bytes())])
    assert found.outcome == "quarantined"
    failed = one(found, READABLE)
    assert failed.observed is not None
    assert failed.observed.startswith(f"s3://logs/predictions/part-1.parquet is {told}")
    assert str(tmp_path) not in failed.observed
    assert found.rows == ROWS


def test_no_readable_file_leaves_nothing_else_to_say(bench: Bench) -> None:
    found = bench.validate(b"nonsense")
    assert found.outcome == "quarantined"
    assert [e.type for e in found.failed()] == [READABLE]


def test_a_damaged_label_file_is_critical(bench: Bench) -> None:
    failed = one(bench.validate(truth=b"PAR1...."), READABLE)
    assert failed.severity == "critical"
    assert failed.observed is not None and "labels/part-0" in failed.observed


def test_a_file_that_this_machine_lost_is_no_fault_of_the_data(bench: Bench) -> None:
    files = NightFiles((bench.folder / "gone",), ())
    with pytest.raises(FileNotFoundError):
        validate(config(), NIGHT, files, suites=bench.folder)


def test_an_empty_partition_is_critical(bench: Bench) -> None:
    found = bench.validate(predictions(0), labels(0))
    assert (found.outcome, found.rows) == ("quarantined", 0)
    assert [e.observed for e in found.failed()] == ["0 rows"]


def test_too_few_rows(bench: Bench) -> None:
    found = bench.validate(validate={"min_rows": ROWS + 1})
    assert one(found, "expect_table_row_count_to_be_between").observed == f"{ROWS} rows"


# ---------------------------------------------------------------- columns


def test_a_renamed_column_is_told_with_its_nearest_name(bench: Bench) -> None:
    found = bench.validate(predictions().rename({"p_late": "p_lat"}))
    failed = one(found, "expect_column_to_exist", "p_late")
    assert (failed.severity, failed.observed) == ("critical", "no such column: p_late; did you mean p_lat?")
    assert len(found.failed()) == 1


@pytest.mark.parametrize("column", ["flight_id", "distance", "carrier", "origin", "model_version", "latency_ms"])
def test_every_column_of_the_config_must_be_there(bench: Bench, column: str) -> None:
    found = bench.validate(predictions().drop(column))
    assert found.outcome == "quarantined"
    one(found, "expect_column_to_exist", column)


def test_a_column_missing_in_one_object_names_it(bench: Bench) -> None:
    found = bench.validate([predictions(), predictions().drop("distance")])
    observed = one(found, "expect_column_to_exist", "distance").observed
    assert observed == "column distance is missing in 1 of 2 objects: s3://logs/predictions/part-1.parquet"


def test_a_column_of_two_types_names_both_objects(bench: Bench) -> None:
    found = bench.validate([predictions(), predictions().with_columns(pl.col("distance").cast(pl.String))])
    observed = one(found, "expect_column_to_exist", "distance").observed
    assert observed is not None
    assert "number in s3://logs/predictions/part-0.parquet, text in s3://logs/predictions/part-1.parquet" in observed


def test_numbers_of_several_widths_are_one_column(bench: Bench) -> None:
    other = predictions().with_columns(
        pl.col("distance").cast(pl.Int16),
        pl.col("dep_delay").cast(pl.Decimal(10, 2)),
        pl.lit(None).alias("carrier"),
        flight_id=pl.concat_str(pl.lit("other-"), "flight_id"),
    )
    assert [e.type for e in bench.validate([predictions(), other]).failed()] == []


@pytest.mark.parametrize("column", ["p_late", "distance", "latency_ms"])
def test_text_in_place_of_numbers_is_critical(bench: Bench, column: str) -> None:
    found = bench.validate(predictions().with_columns(pl.col(column).cast(pl.String)))
    failed = one(found, "expect_column_values_to_be_in_type_list", column)
    assert (failed.severity, failed.observed) == ("critical", f"{column} is String")
    assert len(found.failed()) == 1


def test_a_nested_column_is_no_feature(bench: Bench) -> None:
    found = bench.validate(predictions().with_columns(carrier=pl.concat_list("carrier")))
    assert "List" in (one(found, "expect_column_to_exist", "carrier").observed or "")


# ---------------------------------------------------------------- score, features, ids


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (float("nan"), "expect_column_values_to_not_be_null", "0 null, 1 NaN"),
        (None, "expect_column_values_to_not_be_null", "1 null"),
        (float("inf"), "expect_column_values_to_be_between", "to inf"),
        (1.5, "expect_column_values_to_be_between", "to 1.5"),
        (-0.25, "expect_column_values_to_be_between", "from about -0.25"),
    ],
)
def test_a_score_that_is_no_probability(bench: Bench, value: float | None, kind: str, told: str) -> None:
    scores = [value, *predictions()["p_late"].to_list()[1:]]
    failed = one(bench.validate(predictions().with_columns(p_late=pl.Series(scores))), kind, "p_late")
    assert (failed.severity, failed.unexpected_count, failed.example_keys) == ("critical", 1, (FIRST,))
    assert told in (failed.observed or "")


def test_examples_are_five_places_at_most(bench: Bench) -> None:
    night = predictions().with_columns(p_late=pl.lit(2.5), carrier=pl.lit(SECRET))
    bench.suite({"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "carrier", "value_set": ["UA"]}})
    found = bench.validate(night)
    for kind in ("expect_column_values_to_be_between", "expect_column_values_to_be_in_set"):
        failed = one(found, kind)
        assert failed.example_keys == tuple(f"part-0.parquet row {i}" for i in range(5))
        assert (failed.unexpected_count, failed.unexpected_percent) == (ROWS, 100.0)
    assert SECRET not in found.to_bytes().decode()


def test_without_an_id_there_are_examples_too(bench: Bench) -> None:
    data = {"predictions": "s3://logs/p/", "reference": "s3://logs/r/"}
    path = bench.file(predictions().with_columns(p_late=pl.lit(2.5), late=pl.lit(1)), "p")
    found = validate(config(data=data), NIGHT, NightFiles((path,)), suites=bench.folder)
    assert len(one(found, "expect_column_values_to_be_between").example_keys) == 5
    assert found.labelled == ROWS


def test_a_row_of_several_files_is_told_by_its_own(bench: Bench) -> None:
    bad = predictions().with_columns(p_late=pl.Series([0.5] * (ROWS - 1) + [7.0]))
    other = predictions().with_columns(flight_id=pl.col("flight_id") + "b")
    last = f"row {ROWS - 1}"
    for parts, place in (([bad, other], f"part-0.parquet {last}"), ([other, bad], f"part-1.parquet {last}")):
        kind = "expect_column_values_to_be_between"
        assert one(bench.validate(list(parts)), kind, "p_late").example_keys == (place,)
    files = NightFiles(
        (bench.file(bad, "hour=0/part.parquet"), bench.file(other, "hour=1/part.parquet")), (), bench.names
    )
    data = {"predictions": "s3://logs/p/", "reference": "s3://logs/r/"}
    with_label = config(data=data)
    found = validate(with_label, NIGHT, files, suites=bench.folder, in_memory=1)
    kind = "expect_column_values_to_be_between"
    assert one(found, kind, "p_late").example_keys == (f"s3://logs/hour=0/part.parquet {last}",)


def test_an_all_null_feature_is_a_warning(bench: Bench) -> None:
    for nothing in (pl.lit(None), pl.lit(None, pl.Float64)):
        found = bench.validate(predictions().with_columns(dep_delay=nothing))
        assert found.outcome == "warned"
        failed = one(found, "expect_column_values_to_not_be_null", "dep_delay")
        assert failed.observed == f"{ROWS} of {ROWS} rows (100 %); {ROWS} null"


def test_an_infinite_feature_is_a_warning(bench: Bench) -> None:
    found = bench.validate(predictions().with_columns(dep_delay=pl.lit(float("-inf"))))
    assert found.outcome == "warned"
    assert one(found, "expect_column_values_to_be_between", "dep_delay").unexpected_count == ROWS


def test_a_constant_feature_and_a_new_category_are_fine(bench: Bench) -> None:
    found = bench.validate(predictions().with_columns(dep_delay=pl.lit(1.0), carrier=pl.lit("new")))
    assert found.outcome == "passed"


def test_duplicate_ids(bench: Bench) -> None:
    ids = ["flight-1", "flight-1", *predictions()["flight_id"].to_list()[2:]]
    failed = one(
        bench.validate(predictions().with_columns(flight_id=pl.Series(ids))),
        "expect_column_values_to_be_unique",
    )
    assert (failed.severity, failed.unexpected_count, failed.example_keys) == (
        "critical",
        2,
        (FIRST, "part-0.parquet row 1"),
    )


def test_one_object_stored_twice_is_twice_the_rows(bench: Bench) -> None:
    path = bench.file(predictions(), "p")
    files = NightFiles((path, path), (bench.file(labels(), "l"),))
    found = validate(config(), NIGHT, files, suites=bench.folder)
    assert found.rows == 2 * ROWS
    assert one(found, "expect_column_values_to_be_unique").unexpected_count == 2 * ROWS


def test_large_whole_number_ids_beside_a_null_are_not_taken_for_equal(bench: Bench) -> None:
    ids = pl.Series([None, *range(2**53, 2**53 + ROWS - 1)], dtype=pl.Int64)
    truth = pl.DataFrame({"flight_id": ids.drop_nulls(), "late": [1] * (ROWS - 1)})
    found = bench.validate(predictions().with_columns(flight_id=ids), truth)
    assert [e.type for e in found.failed()] == ["expect_column_values_to_not_be_null"]
    assert found.failed()[0].example_keys == (FIRST,)


# ---------------------------------------------------------------- labels


def test_labels_of_unknown_ids_are_a_warning_with_their_places(bench: Bench) -> None:
    failed = one(bench.validate(truth=labels(ROWS + 7)), KNOWN_IDS)
    assert (failed.severity, failed.unexpected_count) == ("warning", 7)
    assert failed.example_keys == tuple(f"part-0.parquet row {i}" for i in range(ROWS, ROWS + 5))
    assert failed.observed == f"7 of {ROWS + 7} labels belong to no prediction of this night"


def test_two_labels_for_one_id_are_critical_and_make_no_row_twice(bench: Bench) -> None:
    found = bench.validate(truth=pl.concat([labels(), labels(2)]))
    failed = one(found, "expect_column_values_to_be_unique")
    assert (failed.severity, failed.example_keys) == (
        "critical",
        tuple(f"part-0.parquet row {i}" for i in (0, 1, ROWS, ROWS + 1)),
    )
    assert (found.rows, found.labelled) == (ROWS, ROWS)


@pytest.mark.parametrize("wrong", [2, 0.5, "yes", "1"])
def test_a_label_is_0_or_1(bench: Bench, wrong: object) -> None:
    found = bench.validate(truth=labels().with_columns(late=pl.lit(wrong)))
    failed = one(found, "expect_column_values_to_be_in_set", "late")
    assert failed.severity == "critical"
    assert "yes" not in (failed.observed or "")


@pytest.mark.parametrize("kind", [pl.Boolean, pl.Int8, pl.Float32, pl.UInt64])
def test_labels_of_any_honest_type_may_be_missing(bench: Bench, kind: type[pl.DataType]) -> None:
    truth = labels().with_columns(late=pl.when(pl.int_range(pl.len()) > 9).then(pl.col("late").cast(kind)))
    found = bench.validate(truth=truth)
    assert (found.outcome, found.labelled) == ("passed", ROWS - 10)


def test_no_label_at_all_is_a_warning(bench: Bench) -> None:
    for truth in (labels(0), labels().with_columns(late=pl.lit(None, pl.Int64))):
        found = bench.validate(truth=truth)
        assert found.outcome == "warned"
        failed = one(found, "expect_column_proportion_of_non_null_values_to_be_between")
        assert failed.observed == f"0 of {ROWS} rows are labelled"


def test_ids_of_two_types_cannot_be_joined(bench: Bench) -> None:
    truth = labels().with_columns(flight_id=pl.int_range(pl.len()))
    failed = one(bench.validate(truth=truth), SAME_ID_TYPE)
    assert (failed.severity, failed.observed) == (
        "critical",
        "String in the predictions, Int64 in the labels",
    )


# ---------------------------------------------------------------- the user's suite


def test_a_suite_sees_labels_dates_and_its_night(bench: Bench) -> None:
    start, end = {"$PARAMETER": "night_start"}, {"$PARAMETER": "night_end"}
    bench.suite(
        between("late", min_value=0, max_value=1),
        {
            "type": "expect_column_max_to_be_between",
            "kwargs": {"column": "at", "min_value": start, "max_value": end},
        },
        {"type": "expect_column_min_to_be_between", "kwargs": {"column": "day", "min_value": "2013-12-14"}},
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "day", "max_value": "2013-12-13"}},
        between("at", min_value="2013-12-14T06:59:00+00:00", max_value="2013-12-14T08:01:00+01:00"),
    )
    found = bench.validate()
    assert [e.success for e in found.expectations if e.source == "suite"] == [True, True, True, False, True]
    assert one(found, "expect_column_max_to_be_between").kwargs == {"max_value": "2013-12-13"}


def test_a_row_condition_is_kept_to(bench: Bench) -> None:
    night = predictions().with_columns(distance=pl.when(pl.col("origin") == "JFK").then(0).otherwise(9))
    bench.suite(
        between("distance", min_value=9, row_condition='origin == "LGA"'),
        between("distance", min_value=9, row_condition='origin == "JFK"'),
    )
    found = bench.validate(night)
    assert [e.success for e in found.expectations if e.source == "suite"] == [True, False]
    rows = (night["origin"] == "JFK").arg_true().head(5)
    places = tuple(f"part-0.parquet row {row}" for row in rows)
    assert one(found, "expect_column_values_to_be_between").example_keys == places


def test_a_quantile_expectation_is_told_as_plain_json(bench: Bench) -> None:
    ranges = {"quantiles": [0.5], "value_ranges": [[0, 1]]}
    kwargs = {"column": "distance", "quantile_ranges": ranges}
    bench.suite({"type": "expect_column_quantile_values_to_be_between", "kwargs": kwargs, "severity": "info"})
    found = bench.validate()
    failed = one(found, "expect_column_quantile_values_to_be_between")
    assert failed.observed == "outside what is allowed; values of the data are not told"
    assert found.outcome == "passed"


def test_the_same_expectation_twice_has_two_results(bench: Bench) -> None:
    bench.suite(
        between("distance", max_value=0),
        between("distance", max_value=0),
        between("distance", max_value=10**6),
    )
    found = bench.validate()
    assert [e.success for e in found.expectations if e.source == "suite"] == [False, False, True]


def test_what_cannot_be_evaluated_has_failed_and_quotes_nothing(bench: Bench) -> None:
    bench.suite(between("carrier", min_value=3), between("distance", min_value=0, row_condition="no_such > 1"))
    found = bench.validate(predictions().with_columns(carrier=pl.lit(SECRET)))
    assert found.outcome == "quarantined"
    failed = one(found, "expect_column_values_to_be_between", "carrier")
    assert failed.observed == "could not be evaluated: TypeError; carrier is String"
    assert "could not be evaluated" in (one(found, "expect_column_values_to_be_between", "distance").observed or "")
    assert SECRET not in found.to_bytes().decode()


def test_a_rule_that_breaks_the_whole_run_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = predictions().to_pandas()
    rules = [Rule("suite", "expect_column_to_exist", {"column": name}) for name in ("distance", "carrier")]
    real = verdicts._built

    def breaks(rule: Rule) -> Any:
        if rule.column == "carrier":
            raise RuntimeError(SECRET)
        return real(rule)

    monkeypatch.setattr(verdicts, "_built", breaks)
    monkeypatch.setattr(verdicts, "_KEPT", {})
    assert [(r.success, r.error) for r in verdicts.run(frame, rules)] == [(True, None), (False, "RuntimeError")]


def test_a_column_missing_tonight_is_a_failed_expectation(bench: Bench) -> None:
    bench.suite(between("distence", min_value=0) | {"severity": "warning"})
    failed = one(bench.validate(), "expect_column_values_to_be_between")
    assert (failed.severity, failed.observed) == (
        "warning",
        "no such column: distence; did you mean distance?",
    )


def test_a_suite_about_the_table_sees_every_column(bench: Bench) -> None:
    bench.suite({"type": "expect_table_column_count_to_equal", "kwargs": {"value": 12}})
    night = predictions().with_columns(unheard_of=pl.lit(1))
    assert bench.validate(night).outcome == "passed"


WRONG: dict[str, tuple[dict[str, Any] | str, str]] = {
    "a misspelt type": ({"type": "expect_column_values_to_be_betwen", "kwargs": {}}, "to_be_between"),
    "an older form": ({"expectation_type": "expect_column_to_exist", "kwargs": {"column": "a"}}, "'type'"),
    "an unknown argument": (between("distance", min_valu=0), "'min_value'"),
    "a missing argument": ({"type": "expect_column_to_exist", "kwargs": {}}, "field required"),
    "an impossible argument": (between("distance", min_value=0, mostly=3), "less than or equal to 1"),
    "a range upside down": (between("distance", min_value=5, max_value=1), "more than the most"),
    "a broken pattern": (
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "carrier", "regex": "("}},
        "not a regular expression",
    ),
    "an unknown severity": (between("distance", min_value=0) | {"severity": "criticl"}, "'critical'"),
    "an unknown parameter": (between("at", min_value={"$PARAMETER": "night_strat"}), "'night_start'"),
    "a way round failing": (between("distance", min_value=0, catch_exceptions=False), "no such argument"),
    "SQL only": (
        {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "q"}},
        "SQL only",
    ),
    "no object": ("expect_column_to_exist", "is an object"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_suite_written_wrong_is_a_config_error(bench: Bench, case: str) -> None:
    entry, told = WRONG[case]
    bench.suite(between("distance", min_value=0), entry)
    with pytest.raises(ConfigError, match=r"night\.json") as raised:
        bench.validate()
    assert told in str(raised.value)
    assert "expectations.1" in str(raised.value)
    assert all((fault.line or 0) > 10 for fault in raised.value.faults)


def test_all_faults_of_a_suite_are_told_at_once(bench: Bench) -> None:
    bench.suite(*(entry for entry, _ in WRONG.values()))
    faults = check_suite(config(validate={"suite": "night"}), bench.folder)
    assert {fault.key.split("expectations.")[1].split(".")[0] for fault in faults} == {
        str(i) for i in range(len(WRONG))
    }
    assert all("night.json line" in fault.key and fault.line is None for fault in faults)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "night", "expectations": []}', "expects nothing"),
        ('{"name": "night"}', "list of expectations"),
        ('{"name": "night", "expectations": [],}', "not JSON"),
        ('{"expectations": [{"type": "a", "type": "b"}]}', "stands twice"),
        ('{"expectations": [{"type": "a", "kwargs": {"x": NaN}}]}', "NaN"),
        ("[]", "a suite is an object"),
        ("", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_suite_is_a_config_error(bench: Bench, text: str, told: str) -> None:
    bench.suite(text=text)
    with pytest.raises(ConfigError, match=told):
        bench.validate()


def test_a_missing_suite_names_the_nearest(bench: Bench) -> None:
    bench.suite(between("distance", min_value=0))
    with pytest.raises(ConfigError, match="'night'"):
        bench.validate(validate={"suite": "nigth"})
    assert check_suite(config(), bench.folder) == []


def test_the_shipped_suite_is_right() -> None:
    root = Path(__file__).parents[1]
    for suite in (root / "great_expectations" / "expectations").glob("*.json"):
        assert check_suite(config(validate={"suite": suite.stem}), suite.parent) == []


# ---------------------------------------------------------------- Great Expectations itself


def test_nothing_is_printed_or_logged(
    bench: Bench, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bench.suite(between("carrier", min_value=3))
    bench.validate(predictions().with_columns(carrier=pl.lit(SECRET)))
    out = capfd.readouterr()
    assert SECRET not in out.out + out.err + caplog.text
    assert "Metrics" not in out.err


def test_the_module_is_light() -> None:
    import subprocess

    heavy = "{'pandas', 'great_expectations'} & {*sys.modules}"
    told = f"import sys, nightproof.validate, nightproof.expectations.data_docs; print({heavy})"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


# ---------------------------------------------------------------- Data Docs


def hostile_night(bench: Bench) -> Validation:
    ids = [HOSTILE, HOSTILE, *predictions()["flight_id"].to_list()[2:]]
    night = predictions().with_columns(flight_id=pl.Series(ids), carrier=pl.lit(SECRET + HOSTILE), p_late=pl.lit(7.0))
    bench.suite(
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "carrier", "value_set": ["UA", HOSTILE]},
        },
        {"type": "expect_column_to_exist", "kwargs": {"column": HOSTILE}},
        {
            "type": "expect_column_values_to_match_regex",
            "kwargs": {"column": "carrier", "regex": "(?<!x)^<b>$"},
        },
    )
    return bench.validate(night.rename({"origin": "origin" + HOSTILE}))


def test_data_docs_hold_no_markup_of_the_data_and_no_values(bench: Bench) -> None:
    page = data_docs(hostile_night(bench), model="flight_delay", night="2013-12-14").decode()
    assert "<script" not in page and "<b>" not in page.replace('"><b>Quarantined', "")
    assert SECRET not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;&quot;$column" in page
    assert "values must belong to this set" in page


def test_data_docs_load_nothing(bench: Bench) -> None:
    page = data_docs(bench.validate(), model="flight_delay", night="2013-12-14").decode()
    for loads in ("http://", "https://", "src=", "<link", "url(", "@import", "<script"):
        assert loads not in page
    assert "default-src 'none'" in page
    assert "expectations held" in page


def test_data_docs_tell_every_failure(bench: Bench) -> None:
    found = bench.validate([predictions().drop("distance"), b"nonsense"], labels(ROWS + 1))
    page = data_docs(found, model="flight_delay", night="2013-12-14").decode()
    failed = page.split("<details")[0]
    for expectation in found.failed():
        assert (expectation.observed or "").replace("'", "&#x27;") in failed
    assert "every label belongs to a prediction of the night" in failed
    assert failed.count("<tr>") == len(found.failed()) + 1


def test_a_column_missing_in_the_labels_says_where(bench: Bench) -> None:
    found = bench.validate(truth=labels().rename({"late": "lat"}))
    failed = one(found, "expect_column_to_exist", "late")
    assert failed.observed == "no such column: late; did you mean lat? (in the labels)"
    assert found.labelled == 0
