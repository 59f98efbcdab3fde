"""Python metrics: what a function is given, what it may give back, and what is said where it may not."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nightproof.config import load_config
from nightproof.errors import DataError
from nightproof.profiles.row_functions import RowFunction, function_faults, row_functions

ROWS = {"price": np.array([1.0, 2.0, np.nan, 4.0]), "country": np.array(["de", None, "fr", "de"], dtype=object)}


def function(body: str, name: str = "margin") -> RowFunction:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return RowFunction(name, name, f"import numpy as np\nCOLUMNS = ('price',)\ndef {name}(rows):\n{lines}\n")


def test_a_function_sees_numbers_with_nan_and_text_with_none() -> None:
    made = function(
        "assert rows['price'].dtype == np.float64 and np.isnan(rows['price']).sum() in (0, 1)\n"
        "assert rows['country'].dtype == object and set(rows['country']) <= {'de', 'fr', None}\n"
        "assert set(rows) == {'price', 'country'}\n"
        "return rows['price'] * (rows['country'] == 'de'), np.ones(len(rows['price']), dtype=int)"
    )
    x, y = made(ROWS)
    np.testing.assert_array_equal(x, [1.0, 0.0, np.nan, 4.0])
    assert x.dtype == y.dtype == np.float64 and y.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("raise ValueError('two\\nlines')", "it raised ValueError: two lines"),
        ("return rows['cost'], rows['price']", "it raised KeyError: 'cost'"),
        ("return rows['price']", "two arrays, \\(numerator, denominator\\)"),
        ("return rows['price'], rows['price'], rows['price']", "two arrays"),
        ("return rows['price'][1:], rows['price']", "numerator has the shape \\(3,\\)"),
        ("return rows['price'], 1.0", "denominator has the shape \\(\\)"),
        ("return rows['price'], rows['country']", "denominator is no array of numbers"),
        ("return rows['price'] / 0.0, rows['price']", "numerator is infinite in 3 of 4 rows"),
        ("return rows['price'] - np.nanmean(rows['price']), rows['price']", "depends on the other rows"),
        ("return np.cumsum(rows['price']), rows['price']", "depends on the other rows"),
        ("return rows['price'][::-1], rows['price']", "depends on the other rows"),
        ("return np.full(len(rows['price']), len(rows['price'])), rows['price']", "depends on the other rows"),
        ("rows['price'][0] = 3.0\nreturn rows['price'], rows['price']", "read-only"),
        ("rows['price'] = 3.0\nreturn rows['price'], rows['price']", "it raised TypeError"),
    ],
)
def test_what_is_wrong_with_a_function_is_said_with_its_file_and_metric(body: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        function(body)(ROWS)
    assert str(caught.value).startswith("metrics/margin.py, margin(rows) of the metric margin: ")
    assert "\n" not in str(caught.value)
    assert ROWS["price"][0] == 1.0


def test_a_file_that_cannot_be_run_is_said_to_be() -> None:
    broken = RowFunction("margin", "margin", "import nothing_of_this_name\ndef margin(rows): pass\n")
    with pytest.raises(DataError, match=r"metrics/margin\.py of the metric margin cannot be loaded: ModuleNotFound"):
        broken(ROWS)


def test_no_rows_and_one_row_are_rows_too() -> None:
    made = function("return rows['price'], np.ones_like(rows['price'])")
    for count in (0, 1):
        x, y = made({name: values[:count] for name, values in ROWS.items()})
        assert len(x) == len(y) == count


def test_a_function_travels_as_its_source() -> None:
    made = function("return rows['price'], np.ones_like(rows['price'])")
    made(ROWS)
    other = pickle.loads(pickle.dumps(made))
    assert other == made and other.sha256 == made.sha256
    np.testing.assert_array_equal(other(ROWS)[0], made(ROWS)[0])


def config(folder: Path, source: str, **metric: Any) -> Any:
    (folder / "models").mkdir(exist_ok=True)
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics" / "margin.py").write_text(source, "utf-8")
    path = folder / "models" / "m.yaml"
    path.write_text(
        "model: m\ntask: binary\ndata: {predictions: 's3://logs/p/', reference: 's3://logs/r/'}\n"
        "columns: {score: p, label: y}\nmetrics:\n  margin: {python: margin, max_drop: 0.1}\n"
    )
    return load_config(path)


def test_a_config_tries_its_functions_on_invented_rows(tmp_path: Path) -> None:
    good = "COLUMNS = ('price',)\nTEXT = ['country']\ndef margin(rows):\n    return rows['price'], rows['price']\n"
    assert function_faults(config(tmp_path, good)) == []
    [fault] = function_faults(config(tmp_path, good.replace("rows['price'], ", "rows['prise'], ")))
    assert fault.key == "metrics.margin"
    assert "metrics/margin.py, margin(rows) of the metric margin: it raised KeyError: 'prise'" in str(fault)


def test_a_config_from_a_record_runs_the_repositorys_source_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "COLUMNS = ('price',)\ndef margin(rows):\n    return rows['price'], rows['price']\n"
    then = config(tmp_path, source)
    recorded = type(then).model_validate(then.model_dump(mode="json", by_alias=True))
    assert recorded.fingerprint == then.fingerprint and recorded.metrics["margin"].source.code == ""
    monkeypatch.setenv("NIGHTPROOF_METRICS", str(tmp_path / "metrics"))
    assert row_functions(recorded) == row_functions(then)
    (tmp_path / "metrics" / "margin.py").write_text(source + "# changed\n", "utf-8")
    with pytest.raises(DataError, match=r"was computed by another metrics/margin\.py \(SHA-256"):
        row_functions(recorded)
    (tmp_path / "metrics" / "margin.py").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        row_functions(recorded)
