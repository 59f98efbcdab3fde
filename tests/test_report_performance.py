"""The performance section of every task: what it draws below its tables, and that odd nights draw too."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from nightproof.checks.performance import check_performance
from nightproof.config import ModelConfig
from nightproof.evaluation import Evaluation
from nightproof.metrics import performance
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec
from nightproof.report.block import Histogram, Section, Table, Text
from nightproof.report.performance import section

CLASSES = [f"class {i}" for i in range(20)]
COLUMNS: dict[str, dict[str, Any]] = {
    "multiclass": {"scores": {name: name for name in CLASSES}},
    "regression": {"prediction": "y"},
    "ranking": {"query": "q", "score": "score"},
}


def night(task: str, n: int, *, seed: int = 1) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    if task == "multiclass":
        table = draw.dirichlet(np.full(20, 0.3), n)
        label = [CLASSES[i] for i in table.argmax(axis=1)]
        return pl.DataFrame({name: table[:, i] for i, name in enumerate(CLASSES)} | {"label": label})
    if task == "regression":
        label = draw.normal(50, 10, n)
        return pl.DataFrame({"y": label + draw.normal(seed - 1, 2, n), "label": label})
    query = [f"q{i // 4}" for i in range(n)]
    return pl.DataFrame({"q": query, "score": draw.random(n), "label": draw.integers(0, 2, n).astype(float)})


def drawn(task: str, tonight: pl.DataFrame, known: pl.DataFrame, folder: Path) -> tuple[Section, Profile]:
    for table, name in ((tonight, "night"), (known, "reference")):
        table.write_parquet(folder / f"{name}.parquet")
    data = {"predictions": "file:///data/p/", "reference": "file:///data/r/"}
    columns = {"label": "label", **COLUMNS[task]}
    config = ModelConfig.model_validate({"model": "drawn", "task": task, "data": data, "columns": columns})
    spec = infer_spec(config, [folder / "reference.parquet"])
    profile, baseline = (collect([folder / f"{name}.parquet"], [], spec) for name in ("night", "reference"))
    findings = check_performance(profile, baseline, config, window=1)
    return section(cast("Evaluation", SimpleNamespace(findings=findings)), profile, baseline), profile


@pytest.mark.parametrize("task", COLUMNS)
def test_every_metric_has_its_row(task: str, tmp_path: Path) -> None:
    found, profile = drawn(task, night(task, 800), night(task, 800, seed=3), tmp_path)
    table = next(block for block in found.blocks if isinstance(block, Table))
    assert len(table.rows) == len(performance(profile))
    assert all("_" not in row[0] for row in table.rows)  # names in words
    assert len({row[0] for row in table.rows}) == len(table.rows)


def test_many_classes_are_shown_as_the_largest_and_the_rest(tmp_path: Path) -> None:
    found, _ = drawn("multiclass", night("multiclass", 3000), night("multiclass", 3000, seed=3), tmp_path)
    table = found.blocks[-1]
    assert isinstance(table, Table)
    assert len(table.rows) == 16 and table.rows[-1][0] == "5 others"
    assert sum(int(row[-1].replace(",", "")) for row in table.rows) == 3000
    # The scores' first is the true class, so all shares lie on the diagonal.
    assert {row[1 + place] for place, row in enumerate(table.rows)} == {"100.0 %"}


def test_errors_are_drawn_in_tenths_of_the_baselines(tmp_path: Path) -> None:
    found, _ = drawn("regression", night("regression", 4000, seed=5), night("regression", 4000), tmp_path)
    histogram = found.blocks[-1]
    assert isinstance(histogram, Histogram)
    assert histogram.baseline == pytest.approx([0.1] * 10, abs=0.01)
    assert sum(histogram.night) == pytest.approx(1.0, abs=1e-4)
    # Predictions are two standard deviations too high.
    assert histogram.night[-1] > 0.7 > 0.05 > histogram.night[0]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("rows", [0, 1])
def test_a_night_of_few_rows_is_drawn_too(task: str, rows: int, tmp_path: Path) -> None:
    tonight = night(task, 1) if rows else night(task, 1).clear()
    found, _ = drawn(task, tonight, night(task, 300, seed=3), tmp_path)
    assert rows or isinstance(found.blocks[-1], Text)


def test_constant_errors_have_one_bin(tmp_path: Path) -> None:
    same = pl.DataFrame({"y": [3.0] * 50, "label": [1.0] * 50})
    histogram = drawn("regression", same, same, tmp_path)[0].blocks[-1]
    assert isinstance(histogram, Histogram)
    assert sum(histogram.night) == pytest.approx(1.0) and histogram.night == histogram.baseline
