"""The commands of the record: what they write, print and exit with."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from nightproof import cli


@pytest.fixture
def run(folder: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    config = folder.config()
    for night in ("2024-03-01", "2024-03-02"):
        folder.night(night)
        folder.evaluate(night, config)
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(folder.models))
    monkeypatch.chdir(folder.folder)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nightproof", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


def test_an_audit_pack_is_written_and_told(folder: Any, run: Callable[..., Any]) -> None:
    period = ["report", "quiet", "--audit", "--from", "2024-03-01", "--to", "2024-03-03"]
    code, out, _ = run(*period)
    path = Path("quiet-audit-2024-03-01-to-2024-03-03.zip")
    assert (code, path.exists()) == (0, True) and "2 of 3 nights evaluated" in out and "2024-03-03" in out
    code, out, _ = run(*period, "--output", "other.zip", "--json")
    told = json.loads(out)
    assert (code, told["whole"], told["missing"], told["file"]) == (0, True, ["2024-03-03"], "other.zip")
    assert ZipFile(BytesIO(Path("other.zip").read_bytes())).testzip() is None
    assert run(*period, "--output", "no/such/folder.zip")[0] == 2


def test_a_pack_of_a_touched_record_is_written_and_exits_with_1(folder: Any, run: Callable[..., Any]) -> None:
    [name] = [name for name in folder.objects() if name.startswith("2024-03-01") and name.endswith("verdict.json")]
    results = folder.model_results()
    path = Path(results.store.url(results.folder + name).removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b" ")
    code, out, _ = run("report", "quiet", "--audit", "--from", "2024-03-01", "--to", "2024-03-02")
    assert code == 1 and "BROKEN" in out and Path("quiet-audit-2024-03-01-to-2024-03-02.zip").exists()


def test_a_card_is_printed_or_written(run: Callable[..., Any]) -> None:
    assert run("card", "quiet")[1].startswith("# Model card: quiet")
    for name in ("card.md", "card.html", "card.json"):
        assert run("card", "quiet", "--output", name) == (0, f"{name}\n", "")
    assert json.loads(Path("card.json").read_text("utf-8")) == json.loads(run("card", "quiet", "--json")[1])


def test_prune_and_storage_say_what_there_is(run: Callable[..., Any]) -> None:
    code, out, _ = run("prune", "--all", "--dry-run", "--json")
    assert (code, json.loads(out)["freed_bytes"]) == (0, 0)
    assert "everything is kept for ever" in run("prune", "quiet")[1]
    told = json.loads(run("storage", "quiet", "--json")[1])
    assert told["evaluations"] == told["nights"] == 2 and told["files"]["profile.parquet"] > 0
    assert told["bytes"] == sum(told["files"].values()) + sum(told["beside"].values())
    assert "2 evaluations of 2 nights" in run("storage", "quiet")[1]
