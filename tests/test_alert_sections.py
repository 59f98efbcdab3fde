"""The section `alerts` of a config: every fault at once, with its line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightproof.config import load_config
from nightproof.errors import ConfigError

HEAD = """\
model: quiet
task: binary
data: {predictions: "s3://logs/p/", reference: "s3://logs/r/"}
columns: {score: p, label: y}
alerts:
"""


def faults(tmp_path: Path, alerts: str) -> dict[str, str]:
    path = tmp_path / "quiet.yaml"
    path.write_text(HEAD + alerts)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert all(fault.line and fault.line >= 6 for fault in caught.value.faults)
    return {fault.key: str(fault) for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("alerts", "key", "problem"),
    [
        ("  quiet_hours: 22-7\n", "alerts.quiet_hours", "22:00-07:00 Europe/Berlin"),
        ("  quiet_hours: 22:00-07:00 Europe/Berlim\n", "alerts.quiet_hours", "did you mean 'Europe/Berlin'"),
        ("  slack: {channel: '#a', digest: mondays}\n", "alerts.slack.digest", "monday 08:00 Europe/Berlin"),
        ("  slack: {channel: '#a', channels: {biass: '#b'}}\n", "alerts.slack.channels.biass", "performance"),
        ("  slack: {channel: '#a', channels: {bias: b}}\n", "alerts.slack.channels.bias", "channel"),
        ("  slack: {channel: '#a', mention: '@me'}\n", "alerts.slack.mention", "id"),
        ("  severity: {bias: loud}\n", "alerts.severity.bias", "page"),
        ("  mute: [{until: 2026-12-01, reason: because}]\n", "alerts.mute.0", "say what is muted"),
        ("  mute: [{until: soon, reason: because, check: bias}]\n", "alerts.mute.0.until", "date"),
        ("  mute: [{until: 2026-12-01, check: bias}]\n", "alerts.mute.0.reason", "required"),
        ("  notifiers: [{class: Pager}]\n", "alerts.notifiers.0.class", "package.module.Class"),
        (
            "  notifiers: [{class: a.Pager, arguments: {text: '{title.__class__}'}}]\n",
            "alerts.notifiers.0.arguments",
            "nothing else in braces",
        ),
    ],
)
def test_a_fault_says_what_is_allowed(tmp_path: Path, alerts: str, key: str, problem: str) -> None:
    found = faults(tmp_path, alerts)
    assert set(found) == {key}
    assert problem in found[key]


def test_a_config_may_say_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "quiet.yaml"
    path.write_text(
        HEAD
        + """\
  slack:
    channel: "#ml"
    channels: {bias: "#fairness", data: C0123456789}
    mention: S12345678
    digest: monday 08:00 Europe/Berlin
  severity: {drift: page}
  quiet_hours: 22:00-07:00 Europe/Berlin
  mute: [{incident: performance-2026-11-20, until: 2026-12-01, reason: the feed is rebuilt}]
  notifiers:
    - class: airflow.providers.pagerduty.notifications.pagerduty.PagerdutyNotifier
      arguments: {summary: "{title}", dedup_key: "{incident}", severity: critical}
"""
    )
    alerts = load_config(path).alerts
    assert alerts.slack is not None and alerts.slack.weekly is not None and alerts.quiet is not None
    assert [alerts.slack.channel_of(check) for check in ("performance", "bias", "data")] == [
        "#ml",
        "#fairness",
        "C0123456789",
    ]
    assert (alerts.severity_of("drift"), alerts.severity_of("blind")) == ("page", "notice")
