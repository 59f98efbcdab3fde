"""What training data may hold of the holdout, and what is found of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.errors import DataError
from nightproof.holdout import Rows, read_rows, update
from nightproof.holdout.exclude import exclude
from nightproof.holdout.freshness import latest_spec
from nightproof.holdout.giveaway import giveaways
from nightproof.holdout.leakage import LeakCheck, check
from nightproof.holdout.materialise import NIGHT, ROW
from nightproof.holdout.training import open_training
from sklearn.metrics import roc_auc_score


class Case:
    """A holdout of one model and training data to hold against it."""

    def __init__(self, bench: Any, folder: Path, config: Any, rows: Rows) -> None:
        self.bench, self.folder, self.config, self.rows = bench, folder, config, rows
        self.resources = bench.resources()
        self.spec = latest_spec(config, self.resources)

    def training(self, table: pl.DataFrame, name: str = "train.parquet") -> Any:
        path = self.folder / name
        table.write_csv(path) if name.endswith(".csv") else table.write_parquet(path)
        return self.open(str(path))

    def open(self, location: str) -> Any:
        return open_training(location, open_store=self.bench.open_store, cache=self.resources.cache)

    def check(self, table: pl.DataFrame, name: str = "train.parquet") -> dict[str, LeakCheck]:
        found = check(self.training(table, name), self.rows, self.config, self.spec)
        return {each.name: each for each in found.checks}


@pytest.fixture
def case(bench: Any, published: Callable[..., Any], tmp_path: Path) -> Callable[..., Case]:
    def make(**holdout: Any) -> Case:
        config = published(count=400, **{"per_night": 80, **holdout})
        update(config, bench.resources())
        return Case(bench, tmp_path, config, read_rows(config, bench.resources()))

    return make


@pytest.fixture
def clean(make_rows: Any) -> pl.DataFrame:
    """Training rows that have nothing to do with the holdout."""
    table: pl.DataFrame = make_rows(2000, seed=77, name="train")
    return table


def held(case: Case, count: int) -> pl.DataFrame:
    rows: pl.DataFrame = case.rows.table.drop(NIGHT, ROW).head(count).with_columns(pl.col("label").cast(pl.Int64))
    return rows


def test_clean_training_data_passes(case: Any, clean: pl.DataFrame) -> None:
    found = case().check(clean)
    assert {name: each.status for name, each in found.items()} == {
        "same_ids": "passed",
        "same_rows": "passed",
        "time": "unknown",
        "giveaway": "passed",
    }


@pytest.mark.parametrize("name", ["train.parquet", "train.csv"])
def test_rows_of_the_holdout_are_found_by_their_ids(case: Any, clean: pl.DataFrame, name: str) -> None:
    one = case()
    leaked = held(one, 7).with_columns(x=pl.col("x") + 1.0)
    found = one.check(pl.concat([clean, leaked.select(clean.columns)]), name)
    assert (found["same_ids"].status, found["same_ids"].rows) == ("leaking", 7)
    assert found["same_ids"].share == pytest.approx(7 / 2007)
    assert set(found["same_ids"].examples) <= set(one.rows.table[ROW])
    assert found["same_rows"].status == "passed"


@pytest.mark.parametrize("name", ["train.parquet", "train.csv"])
def test_rows_of_the_holdout_are_found_under_other_ids(case: Any, clean: pl.DataFrame, name: str) -> None:
    one = case()
    leaked = held(one, 60).with_columns(id=pl.format("copy-{}", pl.int_range(pl.len())))
    found = one.check(pl.concat([clean, leaked.select(clean.columns)]), name)
    assert found["same_ids"].status == "passed"
    assert (found["same_rows"].status, found["same_rows"].rows) == ("leaking", 60)


def test_single_precision_does_not_hide_a_row(case: Any, clean: pl.DataFrame) -> None:
    one = case()
    leaked = held(one, 60).with_columns(id=pl.format("copy-{}", pl.int_range(pl.len())))
    both = pl.concat([clean, leaked.select(clean.columns)]).with_columns(pl.col("x").cast(pl.Float32))
    assert one.check(both)["same_rows"].rows == 60


def test_a_few_alike_rows_are_not_called_a_leak_where_chance_cannot_be_measured(case: Any, clean: pl.DataFrame) -> None:
    one = case()
    leaked = held(one, 1).with_columns(id=pl.lit("copy"))
    found = one.check(pl.concat([clean, leaked.select(clean.columns)]))["same_rows"]
    assert (found.status, found.rows) == ("unknown", 1)


def test_rows_that_repeat_by_chance_are_no_leak(case: Any, clean: pl.DataFrame, make_rows: Any) -> None:
    one = case()
    coarse = one.rows.table.with_columns(pl.col("x").round(1))
    rows = Rows(one.rows.version, coarse, {}, {}, one.rows.ranks)
    again = Case(one.bench, one.folder, one.config, rows)
    found = again.check(clean.with_columns(pl.col("x").round(1)))["same_rows"]
    assert found.rows is not None and found.rows > 1000
    assert found.status == "passed"


def test_training_data_without_an_id_or_a_feature_says_so(case: Any, clean: pl.DataFrame) -> None:
    found = case().check(clean.drop("id", "x"))
    assert found["same_ids"].status == found["same_rows"].status == "unknown"
    assert "no column id" in found["same_ids"].reason and "no column x" in found["same_rows"].reason


def test_a_feature_that_is_the_label_gives_it_away(case: Any, make_rows: Any) -> None:
    one = case()
    table = one.rows.table.with_columns(x=pl.col("label") * 2.0 + pl.col("x") * 1e-3)
    assert list(giveaways(table, one.config, one.spec)) == ["x"]
    table = one.rows.table.with_columns(group=pl.when(pl.col("label") == 1).then(pl.lit("a")).otherwise(pl.lit("b")))
    found = giveaways(table, one.config, one.spec)
    assert isinstance(found, dict) and list(found) == ["group"] and found["group"] == pytest.approx(1.0)
    hidden = one.rows.table.with_columns(x=pl.when(pl.col("label") == 1).then(pl.col("x")))
    assert list(giveaways(hidden, one.config, one.spec)) == ["x"]


def test_an_id_like_category_gives_nothing_away(case: Any) -> None:
    one = case()
    table = one.rows.table.with_columns(group=pl.col("id"))
    assert giveaways(table, one.config, one.spec) == {}


def test_how_well_a_number_tells_the_label_is_the_area_under_its_curve(case: Any) -> None:
    from nightproof.holdout.giveaway import _area

    draw = np.random.default_rng(3)
    worth, target = draw.integers(0, 20, 300).astype(float), draw.integers(0, 2, 300).astype(float)
    area = roc_auc_score(target, worth)
    assert _area(worth, target) == pytest.approx(max(area, 1 - area))


def test_groups_of_the_holdout_are_found(bench: Any, tmp_path: Path, make_rows: Any) -> None:
    config = bench.config(holdout={"per_night": 60, "group": "customer"})
    for night in ("2024-03-01", "2024-03-02"):
        table = bench.night(night, count=300).with_columns(customer=pl.int_range(pl.len()) % 40)
        bench.write(night, table.drop("label"), table.select("id", "label"))
        bench.evaluate(night, config)
    update(config, bench.resources())
    one = Case(bench, tmp_path, config, read_rows(config, bench.resources()))
    customers = set(one.rows.table["customer"])
    # The same hash on both nights: the same customers.
    assert len(customers) == 8
    training = make_rows(400, seed=5, name="t").with_columns(customer=pl.int_range(pl.len()) % 40)
    found = one.check(training)["same_groups"]
    assert (found.status, found.rows) == ("leaking", 80)
    to = tmp_path / "kept.parquet"
    exclude(one.training(training), to, one.rows, config, one.spec)
    assert not customers & set(pl.read_parquet(to)["customer"])


def test_training_rows_of_the_holdouts_time_are_counted_and_forbidden_where_the_config_says_so(
    bench: Any, tmp_path: Path, make_rows: Any
) -> None:
    columns = {**bench.config().columns.model_dump(mode="json", exclude_none=True), "time": "at"}
    for apart, status in ((False, "passed"), (True, "leaking")):
        config = bench.config(holdout={"per_night": 60, "time_apart": apart}, columns=columns)
        bench.put("reference/part-0.parquet", _timed(make_rows(2000, seed=1), "2024-02-01"))
        table = bench.night("2024-03-02", count=300).with_columns(at=pl.lit("2024-03-02T05:00:00"))
        bench.write("2024-03-02", table.drop("label"), table.select("id", "label"))
        bench.evaluate("2024-03-02", config)
        update(config, bench.resources())
        one = Case(bench, tmp_path, config, read_rows(config, bench.resources()))
        days = ["2024-03-01T23:59:59"] * 90 + ["2024-03-02T00:00:00"] * 6 + ["2024-04-01T00:00:00"] * 4
        training = make_rows(100, seed=5, name="t").with_columns(at=pl.Series(days))
        found = one.check(training.with_columns(pl.col("at").str.to_datetime(strict=False)))["time"]
        assert (found.status, found.rows) == (status, 10)


def _timed(table: pl.DataFrame, day: str) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    table.drop("id").with_columns(at=pl.lit(f"{day}T05:00:00")).write_parquet(buffer)
    return buffer.getvalue()


# --- Excluding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["train.parquet", "train.csv"])
def test_what_is_excluded_is_what_leaks_and_the_rest_is_as_it_was(case: Any, clean: pl.DataFrame, name: str) -> None:
    one = case()
    copies = held(one, 60).with_columns(id=pl.format("copy-{}", pl.int_range(pl.len())))
    leaked = pl.concat([held(one, 60), copies]).select(clean.columns)
    shuffled = pl.concat([clean, leaked]).sample(fraction=1.0, shuffle=True, seed=1)
    to = one.folder / f"kept-{name}"
    counts = exclude(one.training(shuffled, name), to, one.rows, one.config, one.spec)
    assert counts == (2000, 120)
    kept = pl.read_csv(to) if name.endswith("csv") else pl.read_parquet(to)
    assert kept.equals(shuffled.filter(pl.col("id").str.starts_with("train")))
    assert not check(one.open(str(to)), one.rows, one.config, one.spec).is_leaking


def test_a_csv_keeps_every_character(case: Any) -> None:
    one = case()
    text = 'id,x,group,label,note\n007,1.50,a,1,"say ""hi"", twice"\n008,-0.0,,0,7.0\n'
    path = one.folder / "odd.csv"
    path.write_text(text)
    exclude(one.open(str(path)), one.folder / "kept.csv", one.rows, one.config, one.spec)
    told = [line.replace('"', "") for line in (one.folder / "kept.csv").read_text().splitlines()]
    assert told == [line.replace('"', "") for line in text.splitlines()]


def test_the_training_data_is_never_written_over(case: Any, clean: pl.DataFrame) -> None:
    one = case()
    training = one.training(clean)
    with pytest.raises(DataError, match="is the training data itself"):
        exclude(training, one.folder / "train.parquet", one.rows, one.config, one.spec)


def test_a_failure_leaves_no_file(case: Any, clean: pl.DataFrame) -> None:
    one = case()
    path = one.folder / "two"
    path.mkdir()
    clean.write_parquet(path / "a.parquet")
    clean.drop("x").write_parquet(path / "b.parquet")
    to = one.folder / "kept.parquet"
    with pytest.raises(DataError, match="do not have the same columns"):
        exclude(one.open(str(path)), to, one.rows, one.config, one.spec)
    assert not to.exists() and not list(one.folder.glob(".nightproof*"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.parquet", None, "does not exist"),
        ("rows.txt", b"a,b\n1,2\n", "not Parquet, nor CSV"),
        ("rows.parquet", b"PAR1broken", "cannot be read"),
        ("rows.csv", b"", "cannot be read"),
        ("twice.csv", b"a,a\n1,2\n", "two columns called 'a'"),
    ],
)
def test_training_data_that_cannot_be_read_says_so(case: Any, name: str, content: bytes | None, said: str) -> None:
    one = case()
    path = one.folder / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        one.open(str(path)).columns  # noqa: B018


def test_training_data_in_a_bucket_is_read_from_there(case: Any, clean: pl.DataFrame) -> None:
    from io import BytesIO

    one = case()
    buffer = BytesIO()
    clean.write_parquet(buffer)
    one.bench.put("train/part-0.parquet", buffer.getvalue())
    one.bench.put("train/_SUCCESS", b"")
    for location in ("s3://ml-logs/train/", "s3://ml-logs/train/part-0.parquet"):
        assert check(one.open(location), one.rows, one.config, one.spec).rows == 2000
    with pytest.raises(DataError, match="does not exist"):
        one.open("s3://ml-logs/nowhere/")
