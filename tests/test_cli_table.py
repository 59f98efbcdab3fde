"""`nightproof table`: what it prints, and with which code it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable
from nightproof import cli
from nightproof.results_root import ResultsRoot
from nightproof.storage import open_store
from nightproof.table.check import check


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Run the command line as a shell would; gives the exit code and what it printed."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nightproof", *arguments])
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as ended:
            printed = capsys.readouterr()
            return int(ended.code or 0), printed.out, printed.err
        raise AssertionError("the command line ends with an exit code")

    folder.config()
    return ran


@pytest.fixture
def models(folder) -> list[str]:
    return ["--models", str(folder.models)]


def test_a_table_is_synced_checked_rebuilt_and_compacted(folder, run, models):
    for night in ("2026-01-30", "2026-01-31"):
        folder.night(night)
        folder.evaluate(night)
    code, out, _ = run("table", "path", *models)
    assert (code, out.strip()) == (0, folder.resources().table(folder.config()).url)
    code, out, _ = run("table", "sync", "--json", *models)
    assert (code, json.loads(out)["evaluations_added"]) == (0, 0)
    code, out, _ = run("table", "compact", "--json", *models)
    assert (code, json.loads(out)["merged"], json.loads(out)["made"]) == (0, 2, 1)
    code, out, _ = run("table", "rebuild", "--json", *models)
    assert (code, json.loads(out)["evaluations"]) == (0, 2)
    code, out, _ = run("table", "check", "--json", "--results", folder.results)
    told = json.loads(out)
    assert (code, told["difference"], told["of_table"]) == (0, None, told["of_logs"])


def test_a_difference_ends_with_1_and_is_named(folder, run, models):
    folder.night("2026-01-30")
    evaluation = folder.evaluate("2026-01-30")
    DeltaTable(folder.resources().table(folder.config())._uri).delete("ordinal = 0")
    code, out, _ = run("table", "check", *models)
    assert code == 1
    assert f"quiet, log entry 0 (2026-01-30/{evaluation.id})" in out


def test_a_replay_fills_the_table_once(folder, run, models):
    for night in ("2026-01-29", "2026-01-30", "2026-01-31"):
        folder.night(night)
    said = ["--from", "2026-01-29", "--to", "2026-01-31", "--no-report", "--no-validate"]
    code, _, err = run("replay", "quiet", *said, *models)
    assert code == 0, err
    table = folder.resources().table(folder.config())
    table.refresh()
    assert (table.version, table.last("quiet")) == (1, 2)
    assert check(ResultsRoot.at(folder.results, open_store), table).difference is None


def test_a_broken_record_is_a_fault_of_storage(folder, run, models):
    folder.night("2026-01-30")
    folder.evaluate("2026-01-30")
    next(Path(folder.folder, "results").rglob("findings.json")).write_text("[]")
    code, _, err = run("table", "rebuild", *models)
    assert code == 3
    assert "findings.json is not what was published" in err


@pytest.mark.parametrize("given", [["--results", "memory://x/"], ["--results", "gs://bucket/"]])
def test_where_no_table_can_lie_is_bad_usage(run, models, given):
    code, _, err = run("table", "path", *given, *models)
    assert code == 2
    assert "s3://bucket/prefix/" in err.replace("\n", " ")


def test_a_folder_without_models_is_bad_config(run, tmp_path):
    empty = tmp_path / "none" / "models"
    empty.mkdir(parents=True)
    code, _, err = run("table", "path", "--models", str(empty))
    assert code == 2
    assert "--results" in err
