"""``nightproof revise``: a line a touched night, and exit codes that say what they came to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from .test_cli import Run, run  # noqa: F401

CHECKS = {"performance": {"roc_auc": {"max_drop": 0.1}}, "bias": {"tpr_gap": {}, "impact_ratio": {}}}
QUICK = ("report",)


@pytest.fixture
def nights(folder: Any) -> list[str]:
    """Two nights of late, provisional still, with half of their labels."""
    data = folder.config().data
    places = {name: getattr(data, name) for name in ("predictions", "labels", "reference", "id")}
    config = folder.config(data=places | {"label_maturity": "30d"}, checks=CHECKS, windows=[1])
    today = datetime.now(UTC).date()
    found = [str(today - timedelta(days=back)) for back in (3, 2)]
    for place, night in enumerate(found):
        table = folder.night(night, count=1500, seed=40 + place)
        folder.write(night, table.drop("label"), table.select("id", "label").head(700))
        folder.evaluate(night, config, left_out=QUICK)
    return found


def complete(folder: Any, night: str, seed: int, *, wrong: bool = False) -> None:
    table = folder.night(night, count=1500, seed=seed)
    labels = table.select("id", "label")
    folder.write(night, table.drop("label"), labels.with_columns(label=1 - pl.col("label")) if wrong else labels)


@pytest.mark.integration
def test_nothing_new_is_no_line(folder: Any, nights: list[str], run: Run) -> None:  # noqa: F811
    config(folder)
    assert (run("revise", "quiet", "--json").code, run("revise", "quiet").out) == (0, "")


def config(folder: Any) -> None:
    """The model's config again: the command's fixture wrote the plain one."""
    data = {
        "predictions": folder.logs + "predictions/dt=%Y-%m-%d/",
        "labels": folder.logs + "labels/dt=%Y-%m-%d/",
        "reference": folder.logs + "reference/",
        "id": "id",
        "label_maturity": "30d",
    }
    folder.config(data=data, checks=CHECKS, windows=[1])


@pytest.mark.integration
def test_a_line_says_what_changed_and_what_it_came_to(folder: Any, nights: list[str], run: Run) -> None:  # noqa: F811
    config(folder)
    complete(folder, nights[0], 40)
    dry = run("revise", "quiet", "--dry-run", "--json")
    [line] = dry.lines
    assert (dry.code, line["night"], len(line["replaced"]), line["matured"]) == (0, nights[0], 2, False)
    assert "to be evaluated again" in run("revise", "quiet", "--dry-run").out
    ran = run("revise", "quiet", "--no-report", "--json")
    [line] = ran.lines
    assert ran.code == 0
    assert (line["before"]["labelled"], line["labelled"], line["labels"], line["is_new"]) == (
        700,
        1500,
        "provisional",
        True,
    )
    assert run("revise", "quiet", "--no-report").out == ""


@pytest.mark.integration
def test_a_regression_is_1_and_a_night_that_cannot_be_evaluated_is_3(
    folder: Any,
    nights: list[str],
    run: Run,  # noqa: F811
) -> None:
    config(folder)
    complete(folder, nights[1], 41, wrong=True)
    ran = run("revise", "quiet", "--no-report")
    assert ran.code == 1
    assert f"{nights[1]}  2 replaced: " in ran.out
    assert "-> regression (provisional), labelled rows 700 -> 1,500; opened performance-" in ran.out
    for night in nights:
        (folder.folder / "logs" / "predictions" / f"dt={night}" / "part-0.parquet").unlink()
    ran = run("revise", "quiet", "--no-report", "--json", "--from", nights[0], "--to", nights[0])
    assert ran.code == 3
    [line] = ran.lines
    assert (line["night"], line["status"]) == (nights[0], "failed") and "no object under" in line["error"]
    assert "could not be evaluated again" in run("revise", "quiet", "--no-report").out


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (["--from", "2024-03-02", "--to", "2024-03-01"], "is earlier than the first"),
        (["--from", "yesterday"], "is not a night"),
        (["--to", "2999-01-01"], "is not over yet"),
    ],
)
def test_a_range_that_cannot_be_is_2(run: Run, ends: list[str], said: str) -> None:  # noqa: F811
    ran = run("revise", "quiet", *ends)
    assert ran.code == 2
    assert said in ran.err
