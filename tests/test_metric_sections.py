"""The section `metrics` of a config: what it may say, and every fault in it at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightproof.cli import app
from nightproof.config import ModelConfig, json_schema, load_config
from nightproof.errors import ConfigError
from nightproof.metric_sections import MetricSource, read_source
from nightproof.words import METRICS, metric_title, subject
from typer.testing import CliRunner

TOP = """\
model: shop
task: binary
data: {predictions: "s3://logs/p/", reference: "s3://logs/r/", id: order}
columns:
  score: p
  label: y
  features: {numeric: [x], categorical: [country]}
  time: when
metrics:
"""
MARGIN = 'COLUMNS = ("price", "cost")\n\n\ndef margin(rows):\n    return rows["price"] - rows["cost"], rows["price"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "margin.py").write_text(MARGIN, "utf-8")
    return tmp_path


def read(folder: Path, metrics: str) -> ModelConfig:
    path = folder / "models" / "shop.yaml"
    path.write_text(TOP + metrics, "utf-8")
    return load_config(path)


def faults(folder: Path, metrics: str) -> dict[int | None, str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, metrics)
    return {fault.line: str(fault) for fault in caught.value.faults}


def test_metrics_by_columns_and_by_a_function(folder: Path) -> None:
    config = read(
        folder,
        "  revenue_per_decision: {sum: revenue, over: count, max_drop: 0.5}\n"
        "  cost_per_approval: {sum: cost_usd, over: approvals, max_rise: 2}\n"
        "  margin: {python: margin, max_drop: 0.1}\n"
        "  shown_only: {sum: revenue}\n",
    )
    told = {name: (m.columns, m.denominator, m.harm, m.value) for name, m in config.metrics.items()}
    assert told == {
        "revenue_per_decision": (("revenue",), None, "max_drop", 0.5),
        "cost_per_approval": (("cost_usd", "approvals"), "approvals", "max_rise", 2.0),
        "margin": (("price", "cost"), None, "max_drop", 0.1),
        "shown_only": (("revenue",), None, None, 0.0),
    }


def test_every_fault_is_told_at_once_with_its_line(folder: Path) -> None:
    (folder / "metrics" / "broken.py").write_text("def broken(rows:\n", "utf-8")
    (folder / "metrics" / "bare.py").write_text("def bare(rows):\n    return rows\n", "utf-8")
    found = faults(
        folder,
        "  roc_auc: {sum: revenue}\n"  # 10
        "  Revenue: {sum: revenue}\n"
        "  both: {sum: revenue, python: margin}\n"
        "  neither: {over: count}\n"
        "  two_ways: {sum: revenue, max_drop: 1, max_rise: 1}\n"
        "  negative: {sum: revenue, max_drop: -1}\n"  # 15
        "  infinite: {sum: revenue, max_drop: .inf}\n"
        "  odd: {sum: revenue, ower: count}\n"
        "  missing: {python: nowhere}\n"
        "  upwards: {python: ../../etc/passwd}\n"
        "  broken: {python: broken}\n"  # 20
        "  bare: {python: bare}\n"
        "  forged: {python: margin, source: {sha256: abc}}\n"
        "  over_function: {python: margin, over: price}\n"
        "  number: 3\n",
    )
    said = {
        10: "is the name of a built-in metric",
        11: "lower-case letters",
        12: "one of the two",
        13: "one of the two",
        14: "max_drop or max_rise",
        15: "greater than 0",
        16: "finite number",
        17: "no such key here",
        18: "metrics/nowhere.py cannot be read",
        19: "must match",
        20: "metrics/broken.py line 1",
        21: "COLUMNS",
        22: "take it out",
        23: "over belongs to sum",
        24: "keys and values",
    }
    assert {line: text for line, text in said.items() if text not in found.get(line, "")} == {}, found


def test_columns_that_hold_no_numbers_are_refused(folder: Path) -> None:
    found = faults(
        folder,
        "  a: {sum: country}\n  b: {sum: revenue, over: order}\n  c: {sum: when}\n  d: {sum: p, over: y}\n",
    )
    assert "columns.features.categorical" in found[10]
    assert "data.id" in found[11]
    assert "columns.time" in found[12]
    assert 13 not in found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("COLUMNS = ('a',)\ndef other(rows): pass\n", "defines no function margin(rows)"),
        ("COLUMNS = names()\ndef margin(rows): pass\n", "COLUMNS"),
        ("COLUMNS = 'price'\ndef margin(rows): pass\n", "COLUMNS"),
        ("COLUMNS = (1, 2)\ndef margin(rows): pass\n", "COLUMNS"),
        ("COLUMNS = ()\ndef margin(rows): pass\n", "COLUMNS"),
        ("class margin: pass\n", "defines no function"),
        ("x = '" + "a" * 300_000 + "'\n", "larger than 256 kB"),
        ("\0", "margin.py: source code"),
        ("(" * 5000, "margin.py"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_of_it_is_run(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "margin.py"
    path.write_text(text, "utf-8")
    found = read_source(path, "margin")
    assert isinstance(found, str) and problem in found


def test_a_file_is_read_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "margin.py"
    path.write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n" + MARGIN, "utf-8")
    assert isinstance(read_source(path, "margin"), MetricSource)
    assert not (tmp_path / "ran").exists()
    path.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in str(read_source(path, "margin"))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(name=st.text(max_size=70))
def test_a_name_is_a_plain_word_or_a_fault(name: str) -> None:
    data = {"predictions": "s3://logs/p/", "reference": "s3://logs/r/"}
    said = {"model": "m", "task": "binary", "data": data, "columns": {"score": "p", "label": "y"}}
    try:
        config = ModelConfig.model_validate({**said, "metrics": {name: {"sum": "revenue"}}})
    except ValueError:
        return
    assert list(config.metrics) == [name]
    assert name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and name not in METRICS


def test_titles_of_names_that_users_made() -> None:
    assert metric_title("revenue_per_decision") == "Revenue per decision"
    assert subject("revenue_per_decision", None, {"g": "a"}) == "Revenue per decision where g is a"
    assert metric_title("roc_auc") == "ROC AUC"


def test_a_tolerance_changes_the_fingerprint_and_not_what_is_counted(folder: Path) -> None:
    one, other = (read(folder, f"  margin: {{python: margin, max_drop: {limit}}}\n") for limit in (0.1, 0.2))
    assert one.fingerprint != other.fingerprint
    assert one.metrics["margin"].definition == other.metrics["margin"].definition
    (folder / "metrics" / "margin.py").write_text(MARGIN + "# changed\n", "utf-8")
    changed = read(folder, "  margin: {python: margin, max_drop: 0.1}\n")
    assert changed.fingerprint != one.fingerprint
    assert changed.metrics["margin"].definition != one.metrics["margin"].definition


def test_the_environment_may_name_another_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "metrics" / "margin.py").rename(folder / "elsewhere" / "margin.py")
    assert "cannot be read" in faults(folder, "  margin: {python: margin}\n")[10]
    monkeypatch.setenv("NIGHTPROOF_METRICS", str(folder / "elsewhere"))
    assert read(folder, "  margin: {python: margin}\n").metrics["margin"].columns == ("price", "cost")


def test_editors_are_offered_what_users_write() -> None:
    known = json_schema()["$defs"]["Metric"]["properties"]
    assert set(known) == {"sum", "over", "python", "max_drop", "max_rise"}


def test_check_config_runs_functions_and_says_what_is_wrong(folder: Path) -> None:
    read(folder, "  margin: {python: margin}\n")
    ran = CliRunner().invoke(app, ["check-config", "--models", str(folder / "models"), "--json"])
    assert (ran.exit_code, json.loads(ran.stdout.splitlines()[-1])["faults"]) == (0, [])
    (folder / "metrics" / "margin.py").write_text(MARGIN.replace('["cost"]', '["cost"].mean()'), "utf-8")
    ran = CliRunner().invoke(app, ["check-config", "--models", str(folder / "models"), "--json"])
    [fault] = json.loads(ran.stdout.splitlines()[-1])["faults"]
    assert ran.exit_code == 2 and "depends on the other rows" in fault["problem"]
