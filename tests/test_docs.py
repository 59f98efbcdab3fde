"""What the documents say is true: each command, setting and metric stands in them, and their examples work."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
import yaml
from nightproof.cli import app
from nightproof.config import load_config
from nightproof.words import METRICS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
METHODOLOGY = (ROOT / "docs" / "methodology.md").read_text("utf-8")
SOURCES = {path: path.read_text("utf-8") for path in (ROOT / "plugins").rglob("*.py")}


def test_the_four_keys_of_the_readme_are_a_config(tmp_path):
    [example] = re.findall(r"```yaml\n(model: churn.*?)```", README, re.DOTALL)
    path = tmp_path / "churn.yaml"
    path.write_text(example)
    config = load_config(path)
    assert config.model == "churn"
    assert config.results_url == "s3://ml-logs/nightproof/"


@pytest.mark.parametrize("command", ["check-config", "evaluate", "replay", "report"])
def test_commands_stand_in_the_readme(command):
    assert f"nightproof {command}" in README


def test_every_command_of_the_readme_exists():
    known = set(typer.main.get_command(app).commands)
    assert set(re.findall(r"^nightproof ([a-z-]+)", README, re.MULTILINE)) <= known


def test_every_variable_stands_in_the_readme():
    read = {
        name
        for path, text in SOURCES.items()
        if "demo" not in path.parts
        for name in re.findall(r"environ(?:\.get\(|\[)\"(NIGHTPROOF_\w+)\"", text)
    }
    assert len(read) >= 5
    assert read <= set(re.findall(r"`(NIGHTPROOF_\w+)`", README))


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_has_its_method_written_down(metric):
    assert f"`{metric}`" in METHODOLOGY


def test_every_decision_stands_in_the_index():
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text("utf-8")
    decisions = [path.name for path in folder.glob("[0-9]*.md")]
    assert len(decisions) >= 6
    assert [name for name in decisions if f"({name})" not in index] == []


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/benchmarks.md",
        "docs/methodology.md",
        "docs/holdout.md",
        "docs/metrics.md",
        "docs/privacy.md",
        "docs/record.md",
        "docs/table.md",
        "docs/spark.md",
        "docs/adr/README.md",
    ],
)
def test_links_between_documents_lead_somewhere(document):
    path = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_make_target_of_the_documents_exists():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    said = re.findall(r"^make ([a-z-]+)", README + (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    assert set(said) <= targets


def test_the_metrics_of_the_document_are_computed_on_a_night(bench, make_rows):
    document = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    [source] = re.findall(r"```python\n# include/metrics/margin\.py\n(.*?)```", document, re.DOTALL)
    metrics = {}
    for example in re.findall(r"```yaml\n(metrics:.*?)```", document, re.DOTALL):
        metrics |= yaml.safe_load(example)["metrics"]
    (bench.models.parent / "metrics").mkdir(parents=True)
    (bench.models.parent / "metrics" / "margin.py").write_text(source, "utf-8")

    def sold(count: int, seed: int) -> pl.DataFrame:
        draw, table = np.random.default_rng(seed), make_rows(count, seed=seed)
        more = {name: draw.gamma(2.0, 5.0, count) for name in ("revenue", "cost_usd", "returned_usd", "price", "cost")}
        return table.with_columns(
            **{name: pl.Series(values) for name, values in more.items()},
            approvals=pl.col("score") > 0.5,
            country=pl.Series(draw.choice(["DE", "FR"], count)),
        )

    for name, table in (
        ("reference", sold(900, 1).drop("id")),
        ("predictions/dt=2026-03-01", sold(400, 2).drop("label")),
    ):
        table.write_parquet(found := BytesIO())
        bench.put(f"{name}/part-0.parquet", found.getvalue())
    night = sold(400, 2)
    night.select("id", "label").write_parquet(found := BytesIO())
    bench.put("labels/dt=2026-03-01/part-0.parquet", found.getvalue())
    evaluation = bench.evaluate("2026-03-01", bench.config(metrics=metrics), left_out=("report",))
    assert evaluation.validation.outcome == "passed"
    told = {f.metric: f.value for f in evaluation.findings if f.check == "business" and not f.segment}
    home = night.filter(pl.col("country") == "DE")
    assert told == pytest.approx(
        {
            "revenue_per_decision": night["revenue"].mean(),
            "cost_per_approval": night["cost_usd"].sum() / night["approvals"].sum(),
            "returns_share": night["returned_usd"].sum() / night["revenue"].sum(),
            "margin": 1 - home["cost"].sum() / home["price"].sum(),
        },
        rel=1e-5,
    )
