"""Slack messages: the golden ones, Slack's limits, and names that would like to be more than names."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.alert_sections import Mute
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.evaluation import Evaluation
from nightproof.message import (
    Dashboard,
    DigestIncident,
    DigestLine,
    DigestMute,
    Links,
    Message,
    compose,
    compose_digest,
    compose_failure,
    compose_shared,
)
from nightproof.night import Night
from nightproof.snapshot import Snapshot
from nightproof.validation import Expectation, Validation
from nightproof.verdict import Cause, Incident, Verdict
from slack_sdk.models.blocks import Block

GOLDEN = Path(__file__).parent / "golden"
LINKS = Links(
    location="s3://ml-results/nightproof/flight_delay/2013-12-14/0123456789abcdef/",
    report="https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef/report",
    data_docs="https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef/data-docs",
    run="https://airflow.example/dags/flight_delay/runs/scheduled__2013-12-16",
    dashboard="https://airflow.example/nightproof/models/flight_delay",
)
DASHBOARD = Dashboard("https://airflow.example/nightproof")
NIGHT_PAGE = "https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef"
INCIDENT_PAGE = "https://airflow.example/nightproof/models/flight_delay/incidents/performance-2013-12-14"
CHART, SOMEONE, TEAM = "F0123456789ABCDEF", "U012AB3CD", "S012AB3CD"
HOSTILE = [
    "<!channel>",
    "<@U012AB3CD>",
    "<https://evil.example|click>",
    "*bold*",
    "`code`",
    "```block```",
    "a & b",
    "&lt;!here&gt;",
    "~struck~",
    "@channel #general https://evil.example",
    "line\nbreak\r\n• forged",
    ":white_check_mark: all is well",
    "_emphasis_",
    "> quoted",
    "https://evil.example/|>click",
    "x" * 5000,
    "<" * 5000,
    "",
    "\u202eright-to-left",
]
SENTENCE = "0.565 (0.527 to 0.602, n = 8,412), −0.270 from the baseline's 0.835: fell by more than the tolerated 0.02."


CAUSES = (
    Cause(
        kind="data_fault",
        text="dep_delay is missing in 31.0 % of rows, 0.2 % on the baseline",
        share=0.62,
        columns=("dep_delay",),
    ),
    Cause(kind="new_version", text="it began with version 14", share=0.2),
    Cause(kind="mix", text="more rows than before have origin JFK (41.0 %, 33.0 % on the baseline)"),
    Cause(kind="concept", text="a fourth is not told"),
)


def finding(metric: str = "roc_auc", check: str = "performance", **changes: Any) -> Finding:
    known: dict[str, Any] = {
        "check": check,
        "metric": metric,
        "column": None,
        "segment": {},
        "window": 1,
        "value": 0.565,
        "interval": (0.527, 0.602),
        "baseline": 0.835,
        "delta": -0.27,
        "delta_interval": (-0.31, -0.231),
        "tolerance": 0.02,
        "n": 8412,
        "detectable": 0.056,
        "p_value": 1e-9,
        "status": "regression",
        "reason": SENTENCE,
    }
    return Finding.model_validate(known | changes)


def incident(event: str = "opened", check: str = "performance", **changes: Any) -> Incident:
    known: dict[str, Any] = {
        "id": f"{check}-2013-12-14",
        "event": event,
        "check": check,
        "metric": "roc_auc",
        "segment": {},
        "opened": "2013-12-14",
        "findings": ("ROC AUC", "Brier score"),
        "causes": CAUSES if check == "performance" else (),
        "cause": f"ROC AUC: {SENTENCE}",
    }
    return Incident.model_validate(known | changes)


def expectation(**changes: Any) -> Expectation:
    known: dict[str, Any] = {
        "source": "contract",
        "type": "expect_column_values_to_be_between",
        "column": "p_late",
        "kwargs": {"min_value": 0, "max_value": 1},
        "severity": "critical",
        "success": False,
        "observed": "from 0.1 to 7.0",
        "unexpected_count": 1234,
        "unexpected_percent": 14.7,
        "example_keys": ("UA-1545", "AA-1141"),
    }
    return Expectation.model_validate(known | changes)


def evaluation(
    *findings: Finding, night: str = "2013-12-14", failed: tuple[Expectation, ...] = (), owner: str = "network-ops"
) -> Evaluation:
    config = ModelConfig.model_validate(
        {
            "model": "flight_delay",
            "task": "binary",
            "owner": owner,
            "data": {"predictions": "s3://ml-logs/p/", "reference": "s3://ml-logs/r/"},
            "columns": {"score": "p_late", "label": "late"},
        }
    )
    validation = Validation(
        outcome="quarantined" if failed else "passed", rows=8412, labelled=8400, expectations=failed, engine="GX 1"
    )
    verdict = Verdict(
        model="flight_delay",
        night=night,
        status="regression",
        headline="",
        regressions=0,
        watches=0,
        insufficient=0,
        findings=len(findings),
        false_alarm_level=0.011,
        incidents=(),
        history=(),
    )
    snapshot = Snapshot(model="flight_delay", night=night, objects=())
    return Evaluation(
        config, Night.parse(night), "0123456789abcdef", snapshot, validation, None, None, findings, verdict
    )


REGRESSED = evaluation(
    finding(),
    finding(window=7, value=0.71, interval=(0.69, 0.73), delta=-0.125, delta_interval=(-0.15, -0.1), n=58_113),
    finding(
        "brier",
        value=0.3,
        interval=(0.281, 0.319),
        baseline=0.166,
        delta=0.134,
        delta_interval=(0.114, 0.154),
        tolerance=0.01,
    ),
    finding("psi", "drift", column="dep_delay", status="watch", value=1.206, interval=(1.053, 1.373), delta=None),
    finding("psi", "drift", column="distance", status="watch", value=0.302, interval=(0.25, 0.36), delta=None),
    finding("psi", "drift", column="hour", status="ok", value=0.01, delta=None),
)
BACK = evaluation(
    finding(value=0.832, interval=(0.826, 0.838), delta=-0.003, delta_interval=(-0.01, 0.004), status="ok"),
    night="2013-12-17",
)
UNFAIR = evaluation(
    finding(
        "impact_ratio",
        "bias",
        segment={"carrier": "UA"},
        value=0.61,
        interval=(0.55, 0.68),
        tolerance=0.8,
        baseline=0.95,
        delta=-0.34,
    )
)
BROKEN = evaluation(
    finding(
        "missing_rate",
        "drift",
        column="dep_delay",
        value=0.31,
        interval=(0.3, 0.32),
        baseline=0.002,
        delta=0.308,
        delta_interval=(0.298, 0.318),
        tolerance=0.05,
    )
)
DRIFTED = evaluation(
    finding(
        "psi",
        "drift",
        column="dep_delay",
        value=1.206,
        interval=(1.053, 1.373),
        tolerance=0.1,
        baseline=None,
        delta=None,
        delta_interval=None,
    )
)
BLIND = evaluation(finding(status="insufficient_data", n=41, detectable=0.11))
QUARANTINED = evaluation(
    failed=(
        expectation(),
        expectation(
            type="expect_column_to_exist", column="carrier", unexpected_count=None, observed=None, example_keys=()
        ),
    )
)
CAUSE = "2 critical expectations failed on 8,412 rows; nothing was evaluated on them."
BLINDNESS = (
    "For 7 nights there have been too few labelled rows to say whether the model is within its tolerances. "
    "Nothing that happens to it would be seen."
)
MUTE = Mute(incident="performance-2013-12-14", until=date(2013, 12, 28), reason="Known: the feed is being mended")
AUC = DigestIncident("ROC AUC", "2013-12-06", 9, "https://airflow.example/nightproof/models/flight_delay")
WEEK = (
    DigestLine(
        "flight_delay",
        "network-ops",
        "regression",
        7,
        open=(AUC,),
        pages=2,
        budget=7 / 90,
        link=AUC.link,
        head="123:ab12cd34ef56ab78",
    ),
    DigestLine(
        "churn",
        "growth",
        "regression",
        6,
        open=(DigestIncident("Impact ratio where region is north", "2013-12-14", 2),),
        opened=(DigestIncident("Impact ratio where region is north", "2013-12-14", 2),),
        muted=(DigestMute("bias-2013-12-14", date(2013, 12, 28), "Known: retraining is under way"),),
        pages=1,
        budget=7 / 90,
    ),
    DigestLine("cargo", "freight", None, 0, budget=7 / 90),
    DigestLine("upsell", "growth", "insufficient_data", 7, budget=7 / 365),
    DigestLine(
        "crew", "network-ops", "ok", 5, recovered=(DigestIncident("Brier score", "2013-12-08", 4),), budget=7 / 90
    ),
    *(DigestLine(f"fare_{place:02}", "pricing", "ok", 7, budget=7 / 90) for place in range(12)),
)
CASES: dict[str, Message] = {
    "opened": compose(incident(), REGRESSED, LINKS, chart=CHART, mention=SOMEONE),
    "worsened": compose(
        incident("worsened", opened="2013-12-12", worst=13.5),
        replace(REGRESSED, night=Night.parse("2013-12-14")),
        LINKS,
        chart=CHART,
        mention=TEAM,
    ),
    "reopened": compose(incident("reopened", opened="2013-12-01", since="2013-12-13"), REGRESSED, LINKS, chart=CHART),
    "ongoing": compose(incident("ongoing", opened="2013-12-13"), REGRESSED, LINKS, chart=CHART),
    "ongoing_good": compose(incident("ongoing", good_nights=2), replace(BACK, night=Night.parse("2013-12-16")), LINKS),
    "recovered": compose(incident("recovered", good_nights=3, ended="2013-12-17"), BACK, LINKS, chart=CHART),
    "withdrawn": compose(
        incident(
            "withdrawn",
            ended="2013-12-14",
            cause="Withdrawn: on the labels known by 2013-12-17 (8,400 of 8,412 rows; 3,020 before) ROC AUC is within "
            "its tolerance.",
        ),
        replace(BACK, night=Night.parse("2013-12-14")),
        LINKS,
        chart=CHART,
    ),
    "opened_late": compose(
        incident(
            cause="ROC AUC fell. It is seen on the labels known by 2013-12-17 (8,400 of 8,412 rows; 3,020 before)."
        ),
        REGRESSED,
        LINKS,
    ),
    "muted": compose(incident(), REGRESSED, LINKS, muted=MUTE, mention=SOMEONE),
    "no_cause": compose(
        incident(causes=(Cause(kind="unknown", text="nothing stands out"),), reference="trailing 28 nights"),
        evaluation(finding(reference="trailing 28 nights", window=3)),
        LINKS,
    ),
    "bias": compose(incident(check="bias", metric="impact_ratio", segment={"carrier": "UA"}), UNFAIR, LINKS),
    "broken": compose(
        incident(check="data", metric="missing_rate", column="dep_delay", findings=("Missing values of dep_delay",)),
        BROKEN,
        LINKS,
    ),
    "drift": compose(
        incident(check="drift", metric="psi", column="dep_delay", findings=("Shift (PSI) of dep_delay",)),
        DRIFTED,
        LINKS,
    ),
    "blind": compose(
        incident(
            check="blind", metric="labelled_rows", since="2013-12-08", findings=("Labelled rows",), cause=BLINDNESS
        ),
        BLIND,
        LINKS,
        mention=SOMEONE,
    ),
    "quarantined": compose(incident(check="data", metric="validation", cause=CAUSE), QUARANTINED, LINKS),
    "passes_again": compose(
        incident("recovered", "data", metric="validation", findings=("expect_column_to_exist(carrier)",)),
        evaluation(night="2013-12-15"),
        LINKS,
    ),
    "failure": compose_failure(
        "flight_delay",
        "2013-12-14",
        step="pull",
        problem="Night 2013-12-14 of flight_delay cannot be evaluated: there is no object under s3://ml-logs/p/.",
        run=LINKS.run,
    ),
    "no_links": compose(incident(), REGRESSED, Links(location=LINKS.location)),
    "without_dashboard": compose(
        incident(), REGRESSED, Links(location=LINKS.location, report=LINKS.report, run=LINKS.run)
    ),
    "digest": compose_digest(WEEK, channel="#ml-network", week="2013-W50", dashboard=DASHBOARD),
    "digest_green": compose_digest(WEEK[-12:], channel="#ml-network", week="2013-W50"),
    "shared": compose_shared(
        "weather_feed",
        "weather-team",
        "2013-12-14",
        ["temp", "wind_speed"],
        ["flight_delay", "crew", "cargo"],
        faults={"temp": "is missing in 100.0 % of rows"},
        links={"flight_delay": "https://airflow.example/nightproof/models/flight_delay"},
    ),
}


def texts(found: Any) -> list[str]:
    """Every text of a message that Slack formats."""
    if isinstance(found, dict):
        own = [str(found["text"])] if found.get("type") == "mrkdwn" else []
        return own + [text for value in found.values() for text in texts(value)]
    return [text for item in found for text in texts(item)] if isinstance(found, list) else []


def check_limits(message: Message) -> None:
    """What Slack refuses: by its own library, and by what that does not check."""
    for block in Block.parse_all(message.blocks):
        block.validate_json()
    assert 0 < len(message.blocks) <= 50
    assert 0 < len(message.text) <= 4000
    assert len(json.dumps(message.blocks)) < 100_000
    for block in message.blocks:
        kind = block["type"]
        if kind == "header":
            assert 0 < len(block["text"]["text"]) <= 150 and block["text"]["type"] == "plain_text"
        elif kind == "section":
            assert 0 < len(block["text"]["text"]) <= 3000
        elif kind == "image":
            assert 0 < len(block["alt_text"]) <= 2000 and block["slack_file"] == {"id": CHART}
        elif kind == "context":
            assert 0 < len(block["elements"]) <= 10
            assert all(0 < len(element["text"]) <= 2000 for element in block["elements"])
        else:
            assert kind == "actions" and 0 < len(block["elements"]) <= 25
            for button in block["elements"]:
                assert len(button["text"]["text"]) <= 75
                assert len(button["url"]) <= 3000 and button["url"].startswith("https://")


OURS = re.compile(r"<(@U012AB3CD|!subteam\^S012AB3CD|https://airflow\.example/[\w/.~-]*\|[^<>|]*)>")
"""What may mention and link: ids that the config names and pages of our own."""


def check_harmless(message: Message) -> None:
    """No text from data mentions, links or formats; what Slack would find by itself is left verbatim."""
    for text in [*(OURS.sub("", text) for text in texts(message.blocks)), message.text]:
        assert "<" not in text and ">" not in text
        assert re.findall(r"&(?!amp;|lt;|gt;)", text) == []
        assert re.findall(r":[a-z_]+:", text) == []
    assert all(part["verbatim"] for part in _formatted(message.blocks))


def _formatted(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, dict):
        own = [found] if found.get("type") == "mrkdwn" else []
        return own + [part for value in found.values() for part in _formatted(value)]
    return [part for item in found for part in _formatted(item)] if isinstance(found, list) else []


@pytest.mark.parametrize("name", list(CASES))
def test_a_message_is_the_golden_one(name: str) -> None:
    """Written anew by ``RENEW_GOLDEN=1 pytest``, then read by somebody before it is kept."""
    path = GOLDEN / f"slack_{name}.json"
    shown = json.dumps({"text": CASES[name].text, "blocks": CASES[name].blocks}, indent=2, ensure_ascii=False) + "\n"
    if REWRITE:
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


# Read before the tests begin: they run in an environment without the machine's own settings.
REWRITE = bool(os.environ.get("RENEW_GOLDEN"))


@pytest.mark.parametrize("name", list(CASES))
def test_slack_takes_every_message_and_it_mentions_nobody(name: str) -> None:
    check_limits(CASES[name])
    check_harmless(CASES[name])


def said(message: Message) -> str:
    return "\n".join(texts(message.blocks))


def kinds(message: Message) -> list[str]:
    return [block["type"] for block in message.blocks]


def urls(message: Message) -> list[str]:
    return [b["url"] for block in message.blocks if block["type"] == "actions" for b in block["elements"]]


def test_the_first_two_lines_are_the_verdict() -> None:
    first, second, *_ = CASES["opened"].blocks
    assert first["text"]["text"] == "🔴 Regression: flight_delay, 2013-12-14"
    assert second["text"]["text"].startswith("*ROC AUC fell by 0.270 to 0.565*")
    assert CASES["opened"].text.startswith(
        "🔴 Regression: flight_delay, 2013-12-14. ROC AUC fell by 0.270 to 0.565. Likely cause: dep_delay is missing"
    )


def test_a_message_says_by_how_much_since_when_of_how_many_and_where_to_look() -> None:
    message = said(CASES["worsened"])
    for part in ["0.231 to 0.310", "tolerated is 0.020", "n = 8,412", "baseline 0.835", "2013-12-12, for 3 nights"]:
        assert part in message
    assert "13.5 times what is tolerated" in message
    assert "shift (PSI) of distance 0.302" in message and "of hour" not in message
    assert "network-ops" in message and "0123456789abcdef" in message
    assert urls(CASES["worsened"]) == [INCIDENT_PAGE, NIGHT_PAGE, LINKS.report]
    assert f"<{LINKS.dashboard}|model's page>" in message and f"<{LINKS.run}|Airflow run>" in message


def test_the_likely_cause_is_told_with_its_share_in_three_lines_at_most() -> None:
    message = said(CASES["opened"])
    assert "dep_delay is missing in 31.0 % of rows, 0.2 % on the baseline, which explains 62\u00a0% of it" in message
    assert "version 14" in message and "origin JFK" in message and "fourth" not in message
    assert "nothing stands out" in said(CASES["no_cause"])


def test_a_message_says_what_it_compares_with_and_through_how_many_nights() -> None:
    assert "trailing 28 nights" in said(CASES["no_cause"]) and "baseline" not in said(CASES["no_cause"])
    assert "ROC AUC over 3 nights" in said(CASES["no_cause"])


def test_without_a_chart_only_its_block_is_left_out() -> None:
    with_chart = CASES["opened"].blocks
    without = compose(incident(), REGRESSED, LINKS, mention=SOMEONE)
    assert [block for block in with_chart if block["type"] != "image"] == without.blocks
    assert with_chart.index(next(b for b in with_chart if b["type"] == "image")) == 2, "below the verdict"


@pytest.mark.parametrize(("name", "mentioned"), [("opened", "<@U012AB3CD>"), ("worsened", "<!subteam^S012AB3CD>")])
def test_a_page_mentions_whom_the_config_names(name: str, mentioned: str) -> None:
    assert mentioned in said(CASES[name])
    assert "page" in said(CASES[name])


@pytest.mark.parametrize("name", ["blind", "muted"])
def test_a_notice_and_what_is_muted_mention_nobody(name: str) -> None:
    assert "U012AB3CD" not in said(CASES[name])


@pytest.mark.parametrize("event", ["ongoing", "recovered"])
def test_what_is_no_page_mentions_nobody(event: str) -> None:
    assert "U012AB3CD" not in said(compose(incident(event), REGRESSED, LINKS, mention=SOMEONE))


def test_only_the_id_of_somebody_is_mentioned() -> None:
    with pytest.raises(ValueError, match="not the id"):
        compose(incident(), REGRESSED, LINKS, mention="!channel")


def test_a_mute_is_said_with_its_reason_and_else_how_to_mute() -> None:
    assert "muted until 2013-12-28: Known: the feed" in said(CASES["muted"])
    assert "alerts.mute" not in said(CASES["muted"])
    fence = re.search(r"```(.*?)```", said(CASES["opened"]), re.DOTALL)
    assert fence is not None and fence[1].count("\n") == 2
    (pasted,) = yaml.safe_load(fence[1].replace("…", "the feed is being mended"))
    mute = Mute.model_validate(pasted)
    assert mute.incident == "performance-2013-12-14" and mute.until > date(2013, 12, 14)


def test_an_id_that_is_no_name_is_not_offered_for_muting() -> None:
    message = compose(incident(id="a: *b* `c` <!here>"), REGRESSED, LINKS)
    check_harmless(message)
    assert "alerts.mute" not in said(message)


def test_an_ongoing_incident_is_a_short_reply() -> None:
    assert "header" not in kinds(CASES["ongoing"]) and len(CASES["ongoing"].blocks) <= 3
    assert "Good night 2 of the 3" in said(CASES["ongoing_good"])
    assert "0.832 (0.826 to 0.838)" in said(CASES["ongoing_good"])
    stopped = compose(incident("ongoing"), QUARANTINED, LINKS)
    assert "quarantined" in said(stopped)


def test_every_kind_of_trouble_has_its_own_sign_and_word() -> None:
    first = {
        name: CASES[name].blocks[0]["text"]["text"].split(":")[0] for name in CASES if "header" in kinds(CASES[name])
    }
    assert [first[name] for name in ("opened", "bias", "broken", "quarantined", "drift", "blind")] == [
        "🔴 Regression",
        "🔴 Bias",
        "⛔ Broken data",
        "⛔ Quarantined",
        "🟡 Drift",
        "⚪ Blind",
    ]


def test_shares_of_rows_are_percentages() -> None:
    assert "Missing values of dep_delay rose by 30.8 points to 31.0 %" in said(CASES["broken"])


def test_drift_says_that_it_is_no_harm_and_blindness_what_it_cannot_see() -> None:
    assert "by itself it is no harm" in said(CASES["drift"])
    assert "41 rows show a change of 0.110 or more; tolerated is 0.020" in said(CASES["blind"])


def test_a_quarantine_names_the_expectations_their_counts_and_keys() -> None:
    for part in ["`expect_column_values_to_be_between` of `p_late`", "1,234 rows (14.7 %)", "`UA-1545`", "carrier"]:
        assert part in said(CASES["quarantined"])
    assert urls(CASES["quarantined"])[0] == LINKS.data_docs


def test_a_new_incident_is_new_and_a_recovered_one_says_how_long_it_lasted() -> None:
    assert "since *tonight*" in said(CASES["opened"])
    assert "over on 2013-12-17: 3 nights" in said(CASES["recovered"])
    assert "ROC AUC is back at 0.832, within tolerance for 3 nights." in said(CASES["recovered"])


def test_without_links_a_message_says_where_the_record_is() -> None:
    assert urls(CASES["no_links"]) == [] and LINKS.location in said(CASES["no_links"])


def test_a_long_list_is_cut_and_says_how_many_more_there_are() -> None:
    many = [finding(segment={"carrier": f"C{i}"}) for i in range(40)]
    about = tuple(found.subject for found in many)
    message = compose(incident(segment={"carrier": "C0"}, findings=about), evaluation(*many), LINKS)
    check_limits(message)
    assert "34 more in the report" in said(message)
    many_failed = tuple(expectation(column=f"c{i}") for i in range(40))
    message = compose(incident(check="data", metric="validation"), evaluation(failed=many_failed), LINKS)
    check_limits(message)
    assert "34 more in the Data Docs" in said(message)


def test_a_digest_leaves_no_model_out() -> None:
    for line in WEEK:
        assert line.model in said(CASES["digest"])


def test_a_digest_has_open_incidents_first_the_oldest_of_them_on_top() -> None:
    first = next(block for block in CASES["digest"].blocks if block["type"] == "section")["text"]["text"]
    assert first.index("flight_delay") < first.index("churn") and "open for 9 nights" in first
    assert "3 pages sent" in said(CASES["digest"])
    assert CASES["digest"].blocks[0]["text"]["text"].endswith("4 of 17 models need a look")


def test_a_week_without_trouble_is_one_line() -> None:
    assert kinds(CASES["digest_green"]) == ["header", "section", "context"]
    assert "12 models without a regression: fare_00, fare_01" in said(CASES["digest_green"])


@pytest.mark.parametrize("count", [0, 1, 2000])
def test_a_digest_of_any_size_is_taken(count: int) -> None:
    bad = [DigestLine(f"m{i}", "o", "regression", 7, open=(AUC,), opened=(AUC,), link=AUC.link) for i in range(count)]
    good = [DigestLine(f"g{i}", "o", "ok", 7, link=AUC.link) for i in range(count)]
    message = compose_digest([*bad, *good], channel="#c", week="2013-W50")
    check_limits(message)
    check_harmless(message)


def hostile_messages(name: str) -> list[Message]:
    cause = f"{name}: it fell."
    bad = [
        finding(segment={name: name}),
        finding("psi", "drift", column=name, status="watch"),
        finding("impact_ratio", "bias", segment={"carrier": name}),
    ]
    failed = (expectation(type=f"expect_{name}", column=name, observed=name, example_keys=(name,) * 5),)
    links = replace(LINKS, location=name, report=None, dashboard=None)
    regressed = evaluation(*bad, owner=name[:100] or "x")
    about = tuple(found.subject for found in bad)
    causes = (Cause(kind="mix", text=name, share=0.5, columns=("x",)),) * 4
    mute = Mute.model_construct(until=date(2013, 12, 28), reason=name)
    opened = incident(cause=cause, findings=about, segment={name: name}, causes=causes, reference=name)
    return [
        *(
            compose(opened.model_copy(update={"event": event}), regressed, links, chart=CHART, muted=muted)
            for event in ("opened", "ongoing", "recovered")
            for muted in (None, mute)
        ),
        compose(incident(check="bias", cause=cause, findings=(name,) * 9), regressed, links),
        compose(incident(check="blind", metric=name, cause=cause), evaluation(), links),
        compose(incident(check="data", metric="validation", cause=cause), evaluation(failed=failed), links),
        compose_failure(name, name, step=name, problem=name, run=None),
        compose_shared(name, name, name, [name] * 40, [name] * 40, faults={name: name}),
        compose_digest(_week(name), channel=name, week=name),
    ]


def _week(name: str) -> list[DigestLine]:
    about = (DigestIncident(name, name, 3, LINKS.dashboard),) * 20
    muted = (DigestMute(name, date(2013, 12, 28), name),) * 20
    bad = DigestLine(name, name, "regression", 7, open=about, opened=about, recovered=about, muted=muted)
    return [bad, DigestLine(name, name, "ok", 3, link=LINKS.dashboard), DigestLine(name, name, None, 0)]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:20]))
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    for message in hostile_messages(name):
        check_limits(message)
        check_harmless(message)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(max_size=60) | st.text(st.sampled_from("<>&*`~_!@#|\n "), max_size=4000))
def test_any_name_at_all_is_only_a_name(name: str) -> None:
    for message in hostile_messages(name):
        check_limits(message)
        check_harmless(message)


@pytest.mark.parametrize("mark", ["*", "`", "~"])
def test_marks_in_a_name_do_not_unbalance_those_of_the_message(mark: str) -> None:
    plain = hostile_messages("x")
    marked = hostile_messages(f"x{mark}")
    for before, after in zip(plain, marked, strict=True):
        assert [t.count(mark) for t in texts(after.blocks)] == [t.count(mark) for t in texts(before.blocks)]


def test_a_real_night_says_its_rows_and_its_version(bench: Any) -> None:
    table = bench.night("2024-03-01", count=300).with_columns(version=pl.lit("14 *beta*"))
    reference = BytesIO()
    table.drop("id").write_parquet(reference)
    bench.put("reference/part-0.parquet", reference.getvalue())
    bench.write("2024-03-01", table.drop("label"), table.select("id", "label"))
    columns = {"score": "score", "label": "label", "model_version": "version"}
    found = bench.evaluate("2024-03-01", bench.config(columns=columns, windows=[1]))
    about = incident(opened="2024-03-01", metric="labelled_rows", check="blind", cause="Too few rows.")
    message = compose(about, found, LINKS)
    check_harmless(message)
    assert "version *14 ∗beta∗*" in said(message)
    assert "*300 rows, 300 labelled*" in said(message)
