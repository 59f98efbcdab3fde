"""Slack messages: the golden ones, Slack's limits, and names that would like to be more than names."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.evaluation import Evaluation
from nightproof.message import Links, Message, compose, compose_failure
from nightproof.night import Night
from nightproof.snapshot import Snapshot
from nightproof.validation import Expectation, Validation
from nightproof.verdict import Incident, Verdict
from slack_sdk.models.blocks import Block

GOLDEN = Path(__file__).parent / "golden"
LINKS = Links(
    location="s3://ml-results/nightproof/flight_delay/2013-12-14/0123456789abcdef/",
    report="https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef/report",
    data_docs="https://airflow.example/nightproof/models/flight_delay/nights/2013-12-14/0123456789abcdef/data-docs",
    run="https://airflow.example/dags/flight_delay/runs/scheduled__2013-12-16",
)
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
    "x" * 5000,
    "<" * 5000,
    "",
    "\u202eright-to-left",
]
SENTENCE = "0.565 (0.527 to 0.602, n = 8,412), −0.270 from the baseline's 0.835: fell by more than the tolerated 0.02."


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
    finding("brier", value=0.3, interval=(0.281, 0.319), baseline=0.166, delta=0.134, delta_interval=(0.114, 0.154)),
    finding("psi", "drift", column="dep_delay", status="watch", value=1.206, interval=(1.053, 1.373), delta=None),
    finding("psi", "drift", column="hour", status="ok", value=0.01, delta=None),
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
QUARANTINED = evaluation(
    failed=(
        expectation(),
        expectation(
            type="expect_column_to_exist", column="carrier", unexpected_count=None, observed=None, example_keys=()
        ),
    )
)
CAUSE = "2 critical expectations failed on 8,412 rows; nothing was evaluated on them."
CASES: dict[str, Message] = {
    "opened": compose(incident(), REGRESSED, LINKS),
    "worsened": compose(
        incident("worsened", opened="2013-12-12"), replace(REGRESSED, night=Night.parse("2013-12-14")), LINKS
    ),
    "ongoing": compose(incident("ongoing", opened="2013-12-13"), REGRESSED, LINKS),
    "recovered": compose(incident("recovered"), evaluation(night="2013-12-17"), LINKS),
    "bias": compose(incident(check="bias", metric="impact_ratio", segment={"carrier": "UA"}), UNFAIR, LINKS),
    "quarantined": compose(incident(check="data", metric="validation", cause=CAUSE), QUARANTINED, LINKS),
    "passes_again": compose(
        incident("recovered", "data", findings=("expect_column_to_exist(carrier)",)),
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
        elif kind == "context":
            assert 0 < len(block["elements"]) <= 10
            assert all(0 < len(element["text"]) <= 2000 for element in block["elements"])
        else:
            assert kind == "actions" and 0 < len(block["elements"]) <= 25
            for button in block["elements"]:
                assert len(button["text"]["text"]) <= 75
                assert len(button["url"]) <= 3000 and button["url"].startswith("https://")


def check_harmless(message: Message) -> None:
    """No text from data mentions, links or formats; what Slack would find by itself is left verbatim."""
    for text in [*texts(message.blocks), message.text]:
        assert "<" not in text and ">" not in text
        assert re.findall(r"&(?!amp;|lt;|gt;)", re.sub(r"&\w*…$", "", text)) == []
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


def test_a_message_says_what_by_how_much_since_when_of_how_many_and_where_to_look() -> None:
    said = "\n".join(texts(CASES["worsened"].blocks))
    for part in [
        "ROC AUC fell by 0.270 (0.231 to 0.310) to 0.565",
        "tolerated is 0.020",
        "n = 8,412",
        "baseline 0.835",
    ]:
        assert part in said
    assert "since 2013-12-12 (for 2 nights)" in said
    assert "shift (PSI) of dep_delay 1.206" in said and "of hour" not in said
    assert "network-ops" in said and LINKS.location in said
    buttons = [b for block in CASES["worsened"].blocks if block["type"] == "actions" for b in block["elements"]]
    assert [button["url"] for button in buttons] == [LINKS.report, LINKS.run]


def test_a_quarantine_names_the_expectations_their_counts_and_keys() -> None:
    said = "\n".join(texts(CASES["quarantined"].blocks))
    for part in ["`expect_column_values_to_be_between` of `p_late`", "1,234 rows (14.7 %)", "`UA-1545`", "carrier"]:
        assert part in said


def test_a_new_incident_is_new_and_a_recovered_one_says_how_long_it_lasted() -> None:
    assert "new tonight" in "\n".join(texts(CASES["opened"].blocks))
    assert "since 2013-12-14 (lasted 3 nights)" in "\n".join(texts(CASES["recovered"].blocks))


def test_a_long_list_is_cut_and_says_how_many_more_there_are() -> None:
    many = [finding(segment={"carrier": f"C{i}"}) for i in range(40)]
    message = compose(incident(), evaluation(*many), LINKS)
    check_limits(message)
    assert "34 more in the report" in "\n".join(texts(message.blocks))
    many_failed = tuple(expectation(column=f"c{i}") for i in range(40))
    message = compose(incident(check="data"), evaluation(failed=many_failed), LINKS)
    check_limits(message)
    assert "34 more in the Data Docs" in "\n".join(texts(message.blocks))


def hostile_messages(name: str) -> list[Message]:
    cause = f"{name}: it fell."
    bad = [
        finding(segment={name: name}),
        finding("psi", "drift", column=name, status="watch"),
        finding("impact_ratio", "bias", segment={"carrier": name}),
    ]
    failed = (expectation(type=f"expect_{name}", column=name, observed=name, example_keys=(name,) * 5),)
    links = replace(LINKS, location=name)
    regressed = evaluation(*bad, owner=name[:100] or "x")
    return [
        *(
            compose(incident(event, cause=cause, findings=(name,)), regressed, links)
            for event in ("opened", "recovered")
        ),
        compose(incident(check="bias", cause=cause), regressed, links),
        compose(incident(check="data", cause=cause), evaluation(failed=failed), links),
        compose_failure(name, name, step=name, problem=name, run=None),
    ]


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
