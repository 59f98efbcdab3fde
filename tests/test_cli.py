"""The command line: exit codes, lines for machines, and messages for people."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightproof import cli
from nightproof.demo.slack_recorder import SlackRecorder

BAD = {"noise": 1.0}
QUICK = ["--no-report", "--no-validate"]
LINE = {"model", "night", "evaluation_id", "status", "findings", "incidents"}
INCIDENT = {"id", "event", "check", "metric", "segment", "cause"}
Run = Callable[..., "Ran"]


class Ran:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(folder: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``nightproof`` as its entry point does, on the bench's models."""
    folder.config()
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(folder.models))
    monkeypatch.setenv("NIGHTPROOF_CACHE", str(folder.folder / "cache"))
    monkeypatch.chdir(folder.folder)

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(cli, "_OPENED", {})
        monkeypatch.setattr("sys.argv", ["nightproof", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Ran(code, printed.out, printed.err)

    return command


# --- evaluate ---------------------------------------------------------------------------------------------


def test_a_night_without_a_regression_is_0_and_a_regression_is_1(folder: Any, run: Run) -> None:
    folder.night("2024-03-01")
    folder.night("2024-03-02", **BAD)
    good = run("evaluate", "quiet", "--night", "2024-03-01", *QUICK)
    bad = run("evaluate", "quiet", "--night", "2024-03-02", *QUICK)
    assert (good.code, bad.code) == (0, 1)
    assert "2024-03-01" in good.out
    assert bad.out.startswith("!! 2024-03-02  regression") and "opened: ROC AUC" in bad.out


def test_the_line_for_machines_is_as_documented(folder: Any, run: Run) -> None:
    folder.night("2024-03-02", **BAD)
    ran = run("evaluate", "quiet", "--night", "2024-03-02", *QUICK, "--json")
    (line,) = ran.lines
    assert set(line) == LINE
    assert (line["model"], line["night"], line["status"]) == ("quiet", "2024-03-02", "regression")
    assert len(line["evaluation_id"]) == 16 and line["findings"] > 0
    (incident,) = [i for i in line["incidents"] if i["check"] == "performance"]
    assert set(incident) == INCIDENT
    assert (incident["id"], incident["event"], incident["segment"]) == ("performance-2024-03-02", "opened", {})


def test_steps_that_are_left_out_are_in_the_record(folder: Any, run: Run) -> None:
    folder.night("2024-03-01")
    (line,) = run("evaluate", "quiet", "--night", "2024-03-01", *QUICK, "--json").lines
    manifest = json.loads(folder.objects()[f"2024-03-01/{line['evaluation_id']}/manifest.json"])
    assert manifest["steps_left_out"] == ["report", "validate"]


def test_slack_is_told_where_there_is_a_token_and_else_it_is_said(
    folder: Any, run: Run, slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.night("2024-03-02", **BAD)
    night = ["evaluate", "quiet", "--night", "2024-03-02", *QUICK]
    assert "SLACK_BOT_TOKEN is not set" in run(*night).err
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    assert run(*night, "--no-alert").err == ""
    assert slack.messages == []
    assert "Slack was told" in run(*night).err
    assert "Slack was told" not in run(*night).err
    assert len(slack.messages) == 1


def test_a_slack_that_refuses_is_3_and_the_token_is_not_shown(
    folder: Any, run: Run, slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.night("2024-03-02", **BAD)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-wrong-token")
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    refused = run("evaluate", "quiet", "--night", "2024-03-02", *QUICK)
    assert refused.code == 3
    assert "invalid_auth" in refused.err and "xoxb-wrong-token" not in refused.err
    assert "regression" in refused.out, "the verdict is told all the same"
    assert len(folder.objects("log/")) == 1
    folder.night("2024-03-03")
    both = run("replay", "quiet", "--from", "2024-03-02", "--to", "2024-03-03", "--alert", "--json", *QUICK)
    assert both.code == 3
    assert [json.loads(line)["status"] == "failed" for line in both.out.splitlines()] == [False, False]


def test_a_report_that_cannot_be_written_is_2_and_says_where(folder: Any, run: Run) -> None:
    folder.night("2024-03-01")
    evaluation = folder.evaluate("2024-03-01")
    dossier = folder.model_results().dossier("2024-03-01", evaluation.id)
    dossier.write("report.html.gz", gzip.compress(b"<p>as if it had one</p>"))
    nowhere = folder.folder / "no" / "such" / "folder.html"
    done = run("report", "quiet", "--night", "2024-03-01", "--output", str(nowhere))
    assert done.code == 2
    assert "cannot be written" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "quite", "--night", "2024-03-01"], "Did you mean 'quiet'?"),
        (["evaluate", "../models/quiet", "--night", "2024-03-01"], "no such model"),
        (["evaluate", "quiet", "--night", "yesterday"], "YYYY-MM-DD"),
        (["evaluate", "quiet", "--night", "2024-02-30"], "YYYY-MM-DD"),
        (["evaluate", "quiet"], "--night"),
        (["evaluate", "quiet", "--night", "9000-01-01"], "not over yet"),
        (["replay", "quiet", "--from", "2024-03-02", "--to", "2024-03-01"], "is earlier than the first"),
        (["replay", "quiet", "--from", "2024-03-02", "--to", "9000-01-01"], "not over yet"),
        (["replay", "quiet", "--from", "2024-03-02"], "--to"),
        (["evaluate", "quiet", "--night", "2024-03-01", "--models", "nowhere"], "no .yaml file"),
        (["report", "quiet", "--night", "2024-03-01"], "no evaluation of quiet"),
        (["report", "quite", "--night", "2024-03-01"], "Did you mean 'quiet'?"),
        (["report", "quiet"], "give --night for one"),
        (["report", "quiet", "--night", "2024-03-01", "--to", "page.html"], "is named by --output"),
        (["report", "quiet", "--audit", "--from", "2024-03-01"], "an audit pack is of a period"),
        (["report", "quiet", "--audit", "--from", "2024-03-02", "--to", "2024-03-01"], "is earlier than the first"),
        (["report", "quiet", "--audit", "--from", "2024-03-01", "--to", "2024-03-02"], "has no night from 2024-03-01"),
        (["card", "quiet"], "Nothing of quiet is published"),
        (["card", "quiet", "--output", "card.docx"], ".html"),
        (["prune"], "or give --all"),
        (["prune", "quite"], "Did you mean 'quiet'?"),
        (["storage", "quite"], "Did you mean 'quiet'?"),
        (["evalute", "quiet"], "evalute"),
    ],
)
def test_bad_usage_is_2_and_says_what_is_wrong(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.out == ""


def test_tonight_is_not_over_yet(run: Run) -> None:
    assert "not over yet" in run("evaluate", "quiet", "--night", f"{datetime.now(UTC):%Y-%m-%d}").err


def test_a_missing_night_is_3_and_names_where_it_was_looked_for(folder: Any, run: Run) -> None:
    ran = run("evaluate", "quiet", "--night", "2024-03-01", *QUICK)
    assert ran.code == 3
    assert f"{folder.logs}predictions/dt=2024-03-01/" in ran.err


def test_a_broken_config_is_2_with_all_its_faults(folder: Any, run: Run) -> None:
    (folder.models / "broken.yaml").write_text("model: broken\ntask: binry\nownr: me\n")
    ran = run("evaluate", "broken", "--night", "2024-03-01")
    assert ran.code == 2
    assert "line 2: task" in ran.err and "line 3: ownr" in ran.err


# --- replay -----------------------------------------------------------------------------------------------


def test_a_replay_prints_a_line_a_night_in_order(folder: Any, run: Run) -> None:
    nights = [f"2024-03-{day:02d}" for day in range(1, 6)]
    for night in nights:
        folder.night(night, **(BAD if night.endswith("04") else {}))
    ran = run("replay", "quiet", "--from", nights[0], "--to", nights[-1], *QUICK, "--json")
    assert ran.code == 0
    assert [line["night"] for line in ran.lines] == nights
    assert all(set(line) == LINE for line in ran.lines)
    assert ran.lines[3]["status"] == "regression"
    again = run("replay", "quiet", "--from", nights[0], "--to", nights[-1], *QUICK, "--json")
    assert again.out == ran.out
    assert len(folder.objects("log/")) == len(nights)


@pytest.mark.parametrize("spoil", ["missing", "corrupt"])
def test_a_night_that_fails_does_not_end_a_replay(folder: Any, run: Run, spoil: str) -> None:
    for day in (1, 3):
        folder.night(f"2024-03-{day:02d}")
    if spoil == "corrupt":
        folder.write("2024-03-02", b"PAR1 but no more", b"PAR1 but no more")
    ran = run("replay", "quiet", "--from", "2024-03-01", "--to", "2024-03-03", *QUICK, "--json")
    assert ran.code == 3
    assert [line["night"] for line in ran.lines] == ["2024-03-01", "2024-03-02", "2024-03-03"]
    failed = ran.lines[1]
    assert (failed["model"], failed["status"]) == ("quiet", "failed")
    assert failed["error"]
    assert ran.lines[2]["status"] != "failed"


def test_a_replay_tells_slack_only_if_asked(
    folder: Any, run: Run, slack: SlackRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    for day in (1, 2):
        folder.night(f"2024-03-{day:02d}", **BAD)
    nights = ["replay", "quiet", "--from", "2024-03-01", "--to", "2024-03-02", *QUICK]
    run(*nights)
    assert slack.messages == []
    run(*nights, "--alert")
    assert len(slack.messages) == 1
    run(*nights, "--alert")
    assert len(slack.messages) == 1


# --- check-config, schema, report, version ----------------------------------------------------------------


def test_a_right_config_is_fine(folder: Any, run: Run) -> None:
    ran = run("check-config")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{folder.models / 'quiet.yaml'}: fine\n"


def test_every_config_is_checked_and_every_fault_is_told(folder: Any, run: Run) -> None:
    (folder.models / "a.yaml").write_text("model: a\ntask: binry\nownr: me\n")
    (folder.models / "z.yaml").write_text("model: [")
    ran = run("check-config")
    assert ran.code == 2
    assert "quiet.yaml: fine" in ran.out
    for part in ["a.yaml: line 2: task", "'binary'", "a.yaml: line 3: ownr", "'owner'", "z.yaml: line 1"]:
        assert part in ran.err


def test_faults_for_machines_have_their_parts(folder: Any, run: Run) -> None:
    (folder.models / "a.yaml").write_text("model: a\ntask: binry\n")
    ran = run("check-config", "--json")
    assert ran.code == 2
    broken, fine = ran.lines
    assert (broken["model"], fine["model"], fine["faults"]) == ("a", "quiet", [])
    task = next(fault for fault in broken["faults"] if fault["key"] == "task")
    assert set(task) == {"line", "key", "value", "problem", "hint"}
    assert (task["line"], task["value"], task["hint"]) == (2, "'binry'", "binary")


def test_one_config_is_checked_by_name_or_by_file(folder: Any, run: Run) -> None:
    (folder.models / "a.yaml").write_text("model: [")
    assert run("check-config", "quiet").code == 0
    assert run("check-config", str(folder.models / "quiet.yaml")).code == 0
    assert run("check-config", "a").code == 2
    missing = run("check-config", "nobody")
    assert missing.code == 2 and "nobody.yaml" in missing.err


def test_a_folder_without_configs_is_said_to_be(run: Run, tmp_path: Path) -> None:
    ran = run("check-config", "--models", str(tmp_path / "nowhere"))
    assert ran.code == 2 and "no .yaml file" in ran.err


def test_a_suite_that_is_not_there_is_a_fault_of_its_config(folder: Any, run: Run) -> None:
    folder.config(validate={"suite": "nobody"})
    ran = run("check-config")
    assert ran.code == 2 and "nobody.json" in ran.err


def test_the_schema_is_printed_as_it_is_shipped(run: Run) -> None:
    shipped = Path(__file__).parents[1] / "include/models/schema.json"
    assert run("schema").out == shipped.read_text("utf-8")


def test_the_version_names_the_source(run: Run) -> None:
    from nightproof.evaluation import code_version

    assert run("version").out == code_version() + "\n"


def test_a_nights_report_is_fetched_as_a_page(folder: Any, run: Run) -> None:
    folder.night("2024-03-01")
    evaluation = folder.evaluate("2024-03-01")
    without = run("report", "quiet", "--night", "2024-03-01")
    assert without.code == 2 and f"{evaluation.id} of 2024-03-01 was made without a report" in without.err
    dossier = folder.model_results().dossier("2024-03-01", evaluation.id)
    dossier.write("report.html.gz", gzip.compress(b"<!doctype html>the page"))
    ran = run("report", "quiet", "--night", "2024-03-01")
    assert (ran.code, ran.out) == (0, "quiet-2024-03-01.html\n")
    assert (folder.folder / "quiet-2024-03-01.html").read_bytes() == b"<!doctype html>the page"
    run("report", "quiet", "--night", "2024-03-01", "--output", str(folder.folder / "there.html"))
    assert (folder.folder / "there.html").exists()


# --- Telling ----------------------------------------------------------------------------------------------

ALERTS = {"slack": {"channel": "#ml-network"}}


@pytest.fixture
def told(folder: Any, slack: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
    monkeypatch.setenv("NIGHTPROOF_SLACK_URL", slack.base_url)
    folder.night("2024-03-02", **BAD)
    return slack


def test_what_was_not_told_is_told_when_asked_for_once(folder: Any, told: Any, run: Run) -> None:
    folder.config(windows=[1], alerts=ALERTS)
    run("evaluate", "quiet", "--night", "2024-03-02", *QUICK, "--no-alert")
    assert told.messages == []
    ran = run("alert", "quiet", "--json")
    assert [line["text"] for line in ran.lines] == [message["text"] for message in told.messages]
    assert len(told.messages) >= 1 and told.messages[0]["text"].count("2024-03-02") >= 1
    assert run("alert", "--json").out == ""
    assert run("alert", "quiet").out == ""


def test_without_a_token_nobody_can_be_told(folder: Any, run: Run) -> None:
    folder.config()
    for command in (["alert"], ["alert", "quiet"], ["digest"]):
        ran = run(*command)
        assert ran.code == 3 and "SLACK_BOT_TOKEN is not set" in ran.err


def test_a_muted_incident_is_shown_with_its_reason_and_not_told(folder: Any, told: Any, run: Run) -> None:
    mute = {"check": "performance", "until": "2999-01-01", "reason": "the feed is rebuilt"}
    folder.config(windows=[1], alerts=ALERTS | {"mute": [mute]})
    ran = run("evaluate", "quiet", "--night", "2024-03-02", *QUICK, "--json")
    (incident,) = [found for found in ran.lines[0]["incidents"] if found["check"] == "performance"]
    assert incident["muted"] == {"until": "2999-01-01", "reason": "the feed is rebuilt"}
    assert (
        "(muted until 2999-01-01: the feed is rebuilt)" in run("evaluate", "quiet", "--night", "2024-03-02", *QUICK).out
    )
    assert not any("performance" in message["metadata"]["event_payload"]["key"] for message in told.messages)


def test_the_chart_of_a_night_is_in_its_message(folder: Any, told: Any, run: Run) -> None:
    folder.config(windows=[1], alerts=ALERTS)
    folder.night("2024-03-01")
    for night in ("2024-03-01", "2024-03-02"):
        run("evaluate", "quiet", "--night", night, *QUICK)
    (image, *_) = [block for message in told.messages for block in message["blocks"] if block["type"] == "image"]
    assert told.log.file_path(image["slack_file"]["id"]).read_bytes().startswith(b"\x89PNG")


def test_a_digest_is_posted_once(folder: Any, told: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.config(windows=[1], alerts=ALERTS)
    yesterday = str((datetime.now(UTC) - timedelta(days=1)).date())
    folder.night(yesterday)
    run("evaluate", "quiet", "--night", yesterday, *QUICK, "--no-alert")
    first, second = run("digest", "--channel", "#ml-network"), run("digest")
    assert (first.code, second.code) == (0, 0)
    (message,) = told.messages
    assert "Week" in message["text"]


def test_check_config_tells_of_a_broken_fleet_of_odd_mutes_and_of_what_is_no_notifier(folder: Any, run: Run) -> None:
    mute = {"check": "bias", "until": "2020-01-01", "reason": "as agreed"}
    folder.config(alerts=ALERTS | {"mute": [mute]})
    ran = run("check-config")
    assert ran.code == 0 and "alerts.mute.0 is over since 2020-01-01" in ran.err
    assert "warnings" in json.loads(run("check-config", "--json").out)
    folder.config(alerts=ALERTS | {"notifiers": [{"class": "os.path.join"}]})
    ran = run("check-config")
    assert ran.code == 2 and "no subclass of airflow.sdk.BaseNotifier" in ran.err
    folder.config()
    (folder.models.parent / "fleet.yaml").write_text("alerts: {quiet_hours: never}\n")
    ran = run("check-config")
    assert ran.code == 2
    assert ran.err.count("22:00-07:00 Europe/Berlin") == 2, "by itself, and as the model's fault"
    assert run("schema", "--fleet").out == (Path(__file__).parents[1] / "include/fleet.schema.json").read_text("utf-8")
