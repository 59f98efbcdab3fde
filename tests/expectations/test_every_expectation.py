"""Every expectation that a suite may hold, on a night with something of everything in it.

Two laws: Nightproof's run says what Great Expectations' own validator says, and a table that is
too large to be held says what it says when it is held.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nightproof.config import ModelConfig
from nightproof.expectations import gx, night_tables, projection, verdicts
from nightproof.expectations.contract import Rule
from nightproof.expectations.night_tables import DamageFound, Table, read_table, to_pandas
from nightproof.night import Night
from nightproof.night_files import NightFiles
from nightproof.validate import validate
from nightproof.validation import Expectation, Validation

ROWS = 53


def night() -> pl.DataFrame:
    """Nulls, NaN, repeated values and every plain type; some batches of some columns have no value at all."""
    number = pl.int_range(ROWS, eager=True)
    start = datetime(2013, 12, 14, tzinfo=UTC)
    return pl.DataFrame(
        {
            "id": pl.Series([f"row-{i if i not in (20, 41) else 3}" for i in range(ROWS)]),
            "whole": number * 7 % 11,
            "holes": pl.Series([None if i % 5 == 0 or i < 12 else 2**53 + i for i in range(ROWS)], dtype=pl.Int64),
            "small": (number % 9).cast(pl.Int8),
            "real": (number.cast(pl.Float64) / 7).sin(),
            "single": pl.Series([float("nan") if i == 8 else i / 3 for i in range(ROWS)], dtype=pl.Float32),
            "flag": pl.Series([None if i % 10 < 7 else i % 2 == 0 for i in range(ROWS)], dtype=pl.Boolean),
            "sure": number % 3 == 0,
            "word": pl.Series([None if i in range(14, 22) else ["ab", "b", "ab1"][i % 3] for i in range(ROWS)]),
            "nothing": pl.Series([None] * ROWS, dtype=pl.String),
            "kind": pl.Series(["x", "y"] * 26 + ["z"]).cast(pl.Categorical),
            "json": pl.Series(['{"a": 1}', "{"] * 26 + ["[]"]),
            "day_text": pl.Series(["2013-12-14", "14.12."] * 26 + ["2013-12-15"]),
            "at": pl.Series([None if i == 5 else start + timedelta(hours=i) for i in range(ROWS)]),
            "day": pl.Series([date(2013, 12, 1 + i % 9) for i in range(ROWS)]),
            "decimal": (number.cast(pl.Float64) / 4).cast(pl.Decimal(10, 2)),
        }
    )


def rule(name: str, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{name}", "kwargs": kwargs, "severity": "warning"}


def _each(name: str, columns: str, **kwargs: Any) -> list[dict[str, Any]]:
    return [rule(name, column=column, **kwargs) for column in columns.split()]


PAIR = {"column_A": "whole", "column_B": "small"}
THREE = {"column_list": ["whole", "small", "holes"]}
PARTITION = {"values": ["ab", "b", "ab1"], "weights": [0.3, 0.3, 0.4]}
QUANTILES = {"quantiles": [0.1, 0.5], "value_ranges": [[0, 3], [None, 5]]}
ONLY_JFK = 'col("kind") == "x"'

EVERY = [
    *_each("column_distinct_values_to_be_in_set", "word flag", value_set=["ab", "b"]),
    *_each("column_distinct_values_to_contain_set", "word small", value_set=["ab", 3]),
    *_each("column_distinct_values_to_equal_set", "word sure", value_set=[True, False]),
    rule("column_kl_divergence_to_be_less_than", column="word", partition_object=PARTITION, threshold=0.5),
    *_each("column_max_to_be_between", "whole single holes real", min_value=0, max_value=10),
    *_each("column_max_to_be_between", "at day", min_value="2013-12-13"),
    *_each("column_mean_to_be_between", "whole single holes real decimal small", min_value=0, max_value=4.4),
    *_each("column_median_to_be_between", "whole single holes real", min_value=0, max_value=5),
    *_each("column_min_to_be_between", "whole single holes real at", min_value=0),
    *_each("column_most_common_value_to_be_in_set", "word whole", value_set=["b", "ab", 3]),
    rule("column_pair_values_a_to_be_greater_than_b", **PAIR),
    rule("column_pair_values_a_to_be_greater_than_b", column_A="holes", column_B="whole", mostly=0.6),
    rule("column_pair_values_to_be_equal", **PAIR),
    rule("column_pair_values_to_be_equal", column_A="word", column_B="id", ignore_row_if="either_value_is_missing"),
    rule("column_pair_values_to_be_in_set", **PAIR, value_pairs_set=[[0, 0], [7, 1]]),
    *_each("column_proportion_of_non_null_values_to_be_between", "word at holes nothing", min_value=0.9),
    *_each("column_proportion_of_unique_values_to_be_between", "id word whole holes", min_value=0.5),
    *_each("column_quantile_values_to_be_between", "whole real single holes", quantile_ranges=QUANTILES),
    *_each("column_stdev_to_be_between", "whole real holes", min_value=1),
    *_each("column_sum_to_be_between", "whole real holes decimal", min_value=1, max_value=1000),
    *_each("column_to_exist", "id nothing nowhere"),
    rule("column_to_exist", column="whole", column_index=1),
    rule("column_to_exist", column="whole", column_index=2),
    *_each("column_type_to_be", "whole word", type_="int64"),
    *_each("column_unique_value_count_to_be_between", "id word kind holes", min_value=1, max_value=3),
    *_each("column_value_lengths_to_be_between", "id word nothing", min_value=5),
    *_each("column_value_lengths_to_equal", "id word json", value=2),
    *_each("column_value_z_scores_to_be_less_than", "whole real single", threshold=1, double_sided=True),
    *_each("column_values_to_be_between", "whole real single holes small decimal flag", min_value=0, max_value=6),
    *_each("column_values_to_be_between", "whole holes small single", min_value=3, strict_min=True, mostly=0.5),
    *_each("column_values_to_be_between", "at day", min_value="2013-12-03", max_value="2013-12-15T04:00:00+00:00"),
    *_each("column_values_to_be_between", "word id nothing", min_value=3),
    *_each("column_values_to_be_between", "word id nothing kind whole single", min_value="2013-12-14"),
    *_each(
        "column_values_to_be_between",
        "whole word at",
        row_condition=ONLY_JFK,
        condition_parser="great_expectations",
        min_value=2,
    ),
    rule("column_values_to_be_between", column="whole", min_value=3, row_condition="whole > small.mean()"),
    rule("column_values_to_be_between", column="whole", min_value=3, row_condition="nowhere > 2"),
    *_each("column_values_to_be_dateutil_parseable", "day_text word whole"),
    *_each("column_values_to_be_decreasing", "whole real word"),
    *_each("column_values_to_be_in_set", "word kind small holes flag sure at", value_set=["ab", "x", 1, True]),
    *_each("column_values_to_be_in_set", "holes", value_set=[2**53 + 13, 2**53 + 14]),
    *_each("column_values_to_be_in_set", "word", value_set=[]),
    *_each(
        "column_values_to_be_in_type_list",
        "id small whole holes flag sure single at nothing",
        type_list=["int8", "float64", "str"],
    ),
    *_each("column_values_to_be_in_type_list", "flag", type_list=["bool"]),
    *_each("column_values_to_be_increasing", "id whole at", mostly=0.5),
    *_each("column_values_to_be_json_parseable", "json word whole"),
    *_each("column_values_to_be_null", "nothing word flag holes"),
    *_each("column_values_to_be_of_type", "whole flag word holes", type_="int64"),
    *_each("column_values_to_be_unique", "id whole real holes word nothing at flag"),
    *_each("column_values_to_be_unique", "id", row_condition=ONLY_JFK, condition_parser="great_expectations"),
    *_each("column_values_to_be_unique", "id", row_condition='id == "row-3"', condition_parser="pandas"),
    *_each("column_values_to_match_json_schema", "json", json_schema={"type": "object"}),
    *_each("column_values_to_match_regex", "word id kind nothing whole", regex="^a|row-[0-9]$", mostly=0.2),
    *_each("column_values_to_match_regex", "word", regex="(?=a)(?!.*1)"),
    *_each("column_values_to_match_regex_list", "word id", regex_list=["^a", "b$"], match_on="any"),
    *_each("column_values_to_match_strftime_format", "day_text word", strftime_format="%Y-%m-%d"),
    *_each("column_values_to_not_be_in_set", "word small holes", value_set=["ab", 3]),
    *_each("column_values_to_not_be_null", "word flag holes single nothing at id"),
    *_each("column_values_to_not_be_outliers", "whole real", method="iqr", multiplier=1.5),
    *_each("column_values_to_not_match_regex", "word id", regex="^a|[0-4]$"),
    *_each("column_values_to_not_match_regex_list", "word id", regex_list=["^a", "3$"]),
    rule("compound_columns_to_be_unique", column_list=["id", "kind"]),
    rule("compound_columns_to_be_unique", column_list=["word", "whole", "holes"]),
    rule("multicolumn_sum_to_equal", **THREE, sum_total=12),
    rule("multicolumn_sum_to_equal", column_list=["whole", "small"], sum_total=0, mostly=0.01),
    rule("multicolumn_values_to_be_equal", column_list=["whole", "small"]),
    rule("multicolumn_values_to_be_equal", column_list=["id", "word"], ignore_row_if="any_value_is_missing"),
    rule("select_column_values_to_be_unique_within_record", **THREE),
    rule("table_column_count_to_be_between", min_value=30),
    rule("table_column_count_to_equal", value=18),
    rule("table_columns_to_match_ordered_list", column_list=["id", "whole"]),
    rule("table_columns_to_match_set", column_set=["id"], exact_match=False),
    rule("table_row_count_to_be_between", max_value=ROWS - 1),
    rule("table_row_count_to_equal", value=ROWS),
]

KINDS = sorted({entry["type"] for entry in EVERY})


def test_no_expectation_is_left_out() -> None:
    with gx.quiet():
        from great_expectations.expectations.registry import list_registered_expectation_implementations

    assert set(KINDS) == set(list_registered_expectation_implementations()) - set(gx._NEEDS_SQL)
    assert set(KINDS) >= projection.EACH_ROW


# ---------------------------------------------------------------- as Great Expectations says


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("held") / "night"
    night().write_parquet(path)
    return read_table([path], NightFiles((path,)), lambda name: True)


def said_by_great_expectations(frame: Any, rule: Rule) -> tuple[Any, ...]:
    """Success, result and failing rows, or only that it raised."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.validator import Validator

    def ask(result_format: str) -> Any:
        asked = ExpectationConfiguration(type=rule.type, kwargs=dict(rule.kwargs))
        engine = PandasExecutionEngine(batch_data_dict={"night": frame})
        wanted = {"result_format": result_format, "partial_unexpected_count": gx.EXAMPLES}
        return Validator(execution_engine=engine, data_context=gx._context()).graph_validate(
            [asked], {"result_format": wanted}
        )[0]

    basic = ask("BASIC")
    info = basic.exception_info
    if info and (info.get("raised_exception", True)):
        return False, {}, [], True
    rows = [] if basic.success else ask("SUMMARY").result.get("partial_unexpected_index_list") or []
    return bool(basic.success), basic.result, rows, False


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_what_great_expectations_says(held: Table, kind: str) -> None:
    frame = to_pandas(held.rows(list(held.schema)), exact="id")
    rules = [Rule("suite", entry["type"], entry["kwargs"]) for entry in EVERY if entry["type"] == kind]
    # Twice: what is kept from the first time must not change the second.
    once, again = verdicts.run(frame, rules), verdicts.run(frame, rules)
    for rule, *found in zip(rules, once, again, strict=True):
        with gx.quiet():
            expected = said_by_great_expectations(frame, rule)
        for result in found:
            told = (result.success, result.details, list(result.rows), result.error is not None)
            # As text: no NaN and no NaT equals itself.
            assert repr(told) == repr(expected), rule


# ---------------------------------------------------------------- large as small


def config() -> ModelConfig:
    features = {"numeric": ["whole", "holes", "small", "real", "single", "sure"], "categorical": ["word", "kind"]}
    data = {"predictions": "file:///p/", "labels": "file:///l/", "reference": "file:///r/", "id": "id"}
    columns = {"score": "real", "label": "late", "features": features}
    given = {"model": "m", "task": "binary", "data": data, "columns": columns, "validate": {"suite": "every"}}
    return ModelConfig.model_validate(given)


def labels() -> pl.DataFrame:
    """One id twice, one of no prediction, one null; some predictions have no label."""
    ids = [*night()["id"].head(40), "row-5", "nobody", None]
    return pl.DataFrame({"id": ids, "late": [None if i % 6 == 0 else i % 2 for i in range(len(ids))]})


def files(folder: Path, parts: int) -> NightFiles:
    """The night in several files of several row groups, one of them with narrower types than the others."""
    edges = [ROWS * place // parts for place in range(parts + 1)]
    rows = [night()[first:last] for first, last in itertools.pairwise(edges)]
    rows[0] = rows[0].with_columns(pl.col("whole").cast(pl.Int16), kind=pl.col("kind").cast(pl.String))
    predictions = [folder / f"predictions-{place}" for place in range(parts)]
    for path, frame in zip(predictions, rows, strict=True):
        frame.write_parquet(path, row_group_size=10, statistics=path.name.endswith("0"))
    labels().write_parquet(folder / "labels")
    (folder / "every.json").write_text(json.dumps({"name": "every", "expectations": EVERY}), "utf-8")
    return NightFiles(tuple(predictions), (folder / "labels",))


def found(folder: Path, parts: int, in_memory: int) -> Validation:
    return validate(config(), Night.parse("2013-12-14"), files(folder, parts), suites=folder, in_memory=in_memory)


def keyed(validation: Validation) -> dict[str, list[Expectation]]:
    return {
        kind: [e for e in validation.expectations if e.type == kind]
        for kind in {e.type for e in validation.expectations}
    }


def without_places(told: dict[str, list[Expectation]]) -> dict[str, list[tuple[Expectation, int]]]:
    return {
        kind: [(e.model_copy(update={"example_keys": ()}), len(e.example_keys)) for e in some]
        for kind, some in told.items()
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    return found(tmp_path_factory.mktemp("small"), 3, 10**9)


@pytest.mark.parametrize(("parts", "batch"), [(2, 7), (5, 10**6)])
def test_a_large_night_has_the_same_answers(
    small: Validation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int, batch: int
) -> None:
    monkeypatch.setattr(night_tables, "BATCH_ROWS", batch)
    monkeypatch.setattr(projection, "_FEW", 2)
    large = found(tmp_path, parts, 0)
    # Of how many files there are, the two are right to tell different things.
    told = keyed(large) | {"expect_file_to_be_readable_parquet": keyed(small)["expect_file_to_be_readable_parquet"]}
    # The same rows lie in other files, so their places differ; how many are named does not.
    assert without_places(told) == without_places(keyed(small))
    assert (large.outcome, large.rows, large.labelled) == (small.outcome, small.rows, small.labelled)
    assert len([e for e in small.expectations if e.source == "suite"]) == len(EVERY)


def test_columns_apart_have_the_same_answers_as_together(
    small: Validation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "TOGETHER", 0)
    assert found(tmp_path, 3, 10**9) == small


def test_of_a_large_night_no_more_is_read_than_a_rule_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = Table.rows

    def rows(self: Table, names: list[str]) -> pl.DataFrame:
        asked.append(len(names) if self.held is None else 0)
        return real(self, names)

    monkeypatch.setattr(Table, "rows", rows)
    found(tmp_path, 3, 0)
    assert 0 < max(asked) <= 3


# ---------------------------------------------------------------- damage


def test_damage_in_the_middle_of_a_large_night_is_told_as_of_a_small_one(tmp_path: Path) -> None:
    def damaged(in_memory: int) -> Validation:
        given = files(tmp_path, 3)
        raw = given.predictions[1].read_bytes()
        middle = len(raw) // 2
        given.predictions[1].write_bytes(raw[:200] + b"\0" * (middle - 200) + raw[middle:])
        return validate(config(), Night.parse("2013-12-14"), given, suites=tmp_path, in_memory=in_memory)

    large = damaged(0)
    assert "predictions-1 is corrupt" in str([e.observed for e in large.failed()])
    assert keyed(large) == keyed(damaged(10**9))
    assert large.rows < ROWS


def test_damage_that_comes_late_is_no_answer(tmp_path: Path) -> None:
    path = files(tmp_path, 1).predictions[0]
    table = read_table([path], NightFiles((path,)), lambda name: True, in_memory=0)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamageFound):
        table.column("id")
