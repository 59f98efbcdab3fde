"""The commands, as a user types them; and what the document says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from nightproof.cli import app
from nightproof.config import load_config
from nightproof.errors import ConfigError, RecordError
from nightproof.holdout_section import Holdout
from typer.testing import CliRunner

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "holdout.md").read_text("utf-8")
NIGHTS = [f"2024-03-{day:02d}" for day in range(1, 7)]


@pytest.fixture
def model(folder: Any, tmp_path: Path) -> Any:
    config = folder.config(holdout={"per_night": 60})
    for night in NIGHTS:
        folder.night(night, count=200)
        folder.evaluate(night, config)
    return folder


def run(bench: Any, *arguments: str, code: int = 0) -> str:
    found = CliRunner().invoke(app, ["holdout", *arguments, "--models", str(bench.models)])
    assert found.exit_code == code, (found.output, found.exception)
    return found.stdout


def test_a_day_with_the_holdout(model: Any, tmp_path: Path) -> None:
    said = run(model, "update", "quiet")
    assert "version 0 made. 360 rows of 6 nights, 2024-03-01 to 2024-03-06." in said
    assert "nothing new" in run(model, "update", "quiet")
    shown = run(model, "quiet")
    assert "fresh: like the last nights" in shown and "2 strata by label" in shown and "roc_auc" in shown
    assert run(model, "show", "quiet") == shown
    told = json.loads(run(model, "quiet", "--json"))
    assert (told["number"], told["rows"], told["nights"]) == (0, 360, 6)
    assert told["freshness"]["status"] == "fresh"
    held = Path(model.results.removeprefix("file://")) / "quiet" / "holdout"
    assert (held / "000000000.json").exists()
    assert json.loads((held / "000000000.drift.json").read_text()) == told["freshness"]

    rows = tmp_path / "rows.parquet"
    told = json.loads(run(model, "export", "quiet", "--to", str(rows), "--json"))
    table = pl.read_parquet(rows)
    assert table.height == told["rows_read"] == 360
    assert set(table["nightproof:night"]) == set(NIGHTS)

    training = tmp_path / "train.csv"
    day = pl.concat([model.night(night, count=200) for night in NIGHTS])
    day.write_csv(training)
    leaks = run(model, "check", "quiet", "--training", str(training), code=1)
    assert "same_ids" in leaks and "360 training rows with the id of a row of the holdout." in leaks
    assert not re.search(r"2024-03-\d\d-\d+", leaks)  # an id
    clean = tmp_path / "clean.csv"
    assert "840 rows kept, 360 left out" in run(
        model, "exclude", "quiet", "--training", str(training), "--to", str(clean)
    )
    assert "leaking" not in run(model, "check", "quiet", "--training", str(clean))
    assert json.loads(run(model, "check", "quiet", "--training", str(clean), "--json"))["rows"] == 840

    candidate = tmp_path / "candidate.csv"
    table.select("id", pl.col("score") * 0.9).write_csv(candidate)
    found = json.loads(run(model, "score", "quiet", "--predictions", str(candidate), "--json"))
    assert (found["rows"], found["without_prediction"]) == (360, 0)
    assert "difference, paired" in run(model, "score", "quiet", "--predictions", str(candidate))


def test_a_stale_holdout_exits_with_1_and_says_why(model: Any) -> None:
    run(model, "update", "quiet")
    for day in range(20, 24):
        model.night(f"2024-04-{day}", drift=2.0)
        model.evaluate(f"2024-04-{day}", model.config(holdout={"per_night": 60}))
    said = run(model, "quiet", code=1)
    assert "stale: do not validate on it, because x has moved since: its PSI" in said
    assert "version 1 made" in run(model, "update", "quiet")


def test_faults_say_what_to_do(model: Any) -> None:
    def fault(*arguments: str) -> BaseException | None:
        return CliRunner().invoke(app, ["holdout", *arguments, "--models", str(model.models)]).exception

    assert "run nightproof holdout update quiet" in str(fault("quiet"))
    run(model, "update", "quiet")
    missing = fault("quiet", "--version", "7")
    assert isinstance(missing, RecordError) and "has no version 7; the last is 0" in str(missing)
    assert "/nowhere/rows.parquet cannot be written" in str(fault("export", "quiet", "--to", "/nowhere/rows.parquet"))
    assert "there is no such model" in str(fault("nobody"))
    model.config()
    none = fault("quiet")
    assert isinstance(none, ConfigError) and "keeps no holdout" in str(none)


# --- The config -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holdout", "said"),
    [
        ({"per_night": 0}, "holdout.per_night"),
        ({"per_night": 300, "rows": 200}, "raise holdout.rows"),
        ({"stratify": ["x"]}, "x is no column of categories"),
        ({"stratify": ["score"]}, "score is no column of categories"),
        ({"stratify": ["label"], "group": "customer"}, "give group or stratify"),
        ({"group": "id"}, "id names no entity"),
        ({"rows_per_night": 3}, "no such key here"),
    ],
)
def test_a_wrong_section_says_where_and_why(bench: Any, holdout: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        bench.config(holdout=holdout)


def test_a_model_without_ids_can_keep_no_holdout(bench: Any) -> None:
    data = {"predictions": "s3://ml-logs/p/", "reference": "s3://ml-logs/r/"}
    with pytest.raises(ConfigError, match=r"a row is drawn by its id: add data\.id"):
        bench.config(holdout={}, data=data)


def test_a_regressions_label_makes_no_strata(bench: Any) -> None:
    columns = {"prediction": "p", "label": "y"}
    with pytest.raises(ConfigError, match="strata need classes"):
        bench.config(task="regression", columns=columns, holdout={"stratify": ["y"]})
    config = bench.config(task="regression", columns=columns, holdout={})
    assert config.holdout.strata("regression", config.columns) == ()


def test_the_holdout_changes_no_result_of_a_night(bench: Any) -> None:
    assert bench.config().fingerprint == bench.config(holdout={"salt": "s"}).fingerprint


# --- The document -----------------------------------------------------------------------------------------


def test_the_documents_section_is_a_config(bench: Any) -> None:
    [example] = re.findall(r"```yaml\n(holdout:.*?)```", DOCUMENT, re.DOTALL)
    bench.config(**yaml.safe_load(example))
    assert load_config(bench.models / "quiet.yaml").holdout == Holdout(stratify=("label",))


def test_the_document_names_every_key_and_command() -> None:
    import typer

    group = typer.main.get_command(app).commands["holdout"]  # type: ignore[attr-defined]
    said = set(re.findall(r"^nightproof holdout ([a-z]+)", DOCUMENT, re.MULTILINE))
    assert set(group.commands) - {"show"} == said
    assert [key for key in Holdout.model_fields if not re.search(rf"\b{key}\b", DOCUMENT)] == []


def test_the_documents_rank_is_the_one_that_is_drawn_by() -> None:
    import hashlib

    from nightproof.holdout.rank import ranks

    key = json.dumps(["nightproof", "row", "quiet", "salt"])
    first = hashlib.sha256(key.encode() + b"\n" + b"7").digest()[:8]
    assert ranks(pl.Series(["7"]), model="quiet", salt="salt")[0] == int.from_bytes(first, "big")
