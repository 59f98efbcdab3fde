"""The fleet: what all models share comes before nothing that a model's own file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from nightproof.config import ModelConfig, load_config
from nightproof.errors import ConfigError
from nightproof.fleet import Fleet, json_schema, read_fleet

ROOT = Path(__file__).parents[1]
MODEL: dict[str, Any] = {
    "model": "quiet",
    "task": "binary",
    "data": {"predictions": "s3://logs/p/", "reference": "s3://logs/r/"},
    "columns": {"score": "p", "label": "y"},
}
MUTE = {"check": "drift", "until": "2026-12-01", "reason": "as agreed"}
FLEET: dict[str, Any] = {
    "alerts": {
        "false_alarms": "1 per 30 nights",
        "slack": {"channel": "#ml", "channels": {"bias": "#fairness", "data": "#data"}, "mention": "S12345678"},
        "quiet_hours": "22:00-07:00 Europe/Berlin",
        "severity": {"bias": "notice"},
        "mute": [MUTE],
        "notifiers": [{"class": "team.Pager", "arguments": {"text": "{title}"}}],
    },
    "sources": {"weather": {"owner": "met-team", "channel": "#feeds", "columns": ["wind", "rain"]}},
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "include" / "models"
    folder.mkdir(parents=True)
    return folder


def write(models: Path, fleet: Any, **alerts: Any) -> Path:
    text = fleet if isinstance(fleet, str) else yaml.safe_dump(fleet)
    (models.parent / "fleet.yaml").write_text(text)
    path = models / "quiet.yaml"
    path.write_text(yaml.safe_dump(MODEL | ({"alerts": alerts} if alerts else {})))
    return path


def read(models: Path, fleet: Any, **alerts: Any) -> ModelConfig:
    return load_config(write(models, fleet, **alerts))


def test_without_a_fleet_nothing_is_said(models: Path) -> None:
    path = models / "quiet.yaml"
    path.write_text(yaml.safe_dump(MODEL))
    assert load_config(path).alerts.false_alarms == "1 per 90 nights"
    assert read_fleet(models) == Fleet()


def test_a_model_that_says_nothing_has_what_the_fleet_says(models: Path) -> None:
    alerts = read(models, FLEET).alerts
    assert alerts.false_alarms == "1 per 30 nights"
    assert alerts.slack is not None and alerts.slack.channel_of("bias") == "#fairness"
    assert alerts.quiet_hours == "22:00-07:00 Europe/Berlin"
    assert [mute.check for mute in alerts.mute] == ["drift"]
    assert alerts.notifiers[0].class_ == "team.Pager"


def test_a_models_own_keys_come_first_one_by_one(models: Path) -> None:
    own = {"slack": {"channel": "#net", "channels": {"bias": "#net-bias"}}, "severity": {"data": "notice"}}
    alerts = read(models, FLEET, **own, notifiers=[], false_alarms="1 per 365 nights").alerts
    assert alerts.false_alarms == "1 per 365 nights"
    assert alerts.slack is not None
    assert (alerts.slack.channel, alerts.slack.mention) == ("#net", "S12345678")
    assert alerts.slack.channels == {"bias": "#net-bias", "data": "#data"}
    assert (alerts.severity_of("bias"), alerts.severity_of("data")) == ("notice", "notice")
    assert alerts.notifiers == ()


def test_mutes_hold_beside_each_other(models: Path) -> None:
    own = {"metric": "psi", "until": "2026-12-01", "reason": "as agreed"}
    assert [mute.metric for mute in read(models, FLEET, mute=[own]).alerts.mute] == ["psi", None]


def test_a_part_that_only_the_whole_completes_is_enough(models: Path) -> None:
    alerts = read(models, FLEET, slack={"digest": "none"}).alerts
    assert alerts.slack is not None and (alerts.slack.channel, alerts.slack.weekly) == ("#ml", None)


def test_what_decides_is_in_the_fingerprint_wherever_it_stands(models: Path) -> None:
    inherited = read(models, {"alerts": {"false_alarms": "1 per 30 nights"}}).fingerprint
    assert inherited == read(models, {"alerts": {}}, false_alarms="1 per 30 nights").fingerprint
    assert inherited != read(models, {"alerts": {}}).fingerprint


def test_a_fleet_that_changes_is_read_again(models: Path) -> None:
    assert read(models, {"alerts": {"false_alarms": "1 per 30 nights"}}).alerts.false_alarms == "1 per 30 nights"
    assert read(models, {"alerts": {"false_alarms": "1 per 365 nights"}}).alerts.false_alarms == "1 per 365 nights"


BROKEN = """\
alerts:
  false_alarm: 1 per 30 nights
  quiet_hours: 22-7
  severity: {bias: loud}
sources:
  weather: {owner: met-team, channel: feeds, columns: []}
resluts: s3://results/
"""


def test_all_faults_are_told_at_once_with_their_lines(models: Path) -> None:
    write(models, BROKEN)
    with pytest.raises(ConfigError) as caught:
        read_fleet(models)
    found = {(fault.line, fault.key) for fault in caught.value.faults}
    assert found == {
        (2, "alerts.false_alarm"),
        (3, "alerts.quiet_hours"),
        (4, "alerts.severity.bias"),
        (6, "sources.weather.channel"),
        (6, "sources.weather.columns"),
        (7, "resluts"),
    }
    assert "false_alarms" in str(caught.value) and "results" in str(caught.value)


def test_a_broken_fleet_breaks_each_model_with_its_faults_beside_the_models_own(models: Path) -> None:
    path = write(models, BROKEN, false_alarms="sometimes")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    said = str(caught.value)
    assert "7 faults" in said
    assert "fleet.yaml, line 3: alerts.quiet_hours" in said
    assert "quiet.yaml" in said and "alerts.false_alarms" in said


@pytest.mark.parametrize("text", ["[", "- a list", "alerts: 3", "alerts: null", "sources: {a b: {}}", "a: &x 1\nb: *x"])
def test_what_is_no_fleet_is_a_config_error(models: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load_config(write(models, text))


def test_a_column_belongs_to_one_source(models: Path) -> None:
    one = "{owner: a, channel: '#a', columns: [x, z]}"
    with pytest.raises(ConfigError, match="the column x belongs to a and to b"):
        read(models, f"sources: {{a: {one}, b: {one}}}")


def test_the_shipped_fleet_is_right_and_its_schema_is_current() -> None:
    shipped = json.loads((ROOT / "include/fleet.schema.json").read_text("utf-8"))
    assert shipped == json_schema(), "run `make schema`"
    text = (ROOT / "include/fleet.yaml").read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), shipped)
    jsonschema.validate(FLEET, shipped)
    assert read_fleet(ROOT / "include/models").alerts.false_alarms == "1 per 90 nights"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(BROKEN), shipped)
