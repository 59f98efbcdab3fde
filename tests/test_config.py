"""A model's config: defaults that carry a new user, and every fault of a file at once."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nightproof.catalog import suites_folder
from nightproof.config import ModelConfig, json_schema, load_config
from nightproof.errors import ConfigError, Fault
from nightproof.expectations.suite import suite_path
from nightproof.metric_names import HARM, METRICS_OF
from nightproof.sections import OUTPUTS, Tolerance

ROOT = Path(__file__).parents[1]
FOUR_KEYS = """\
model: quiet
task: binary
data:
  predictions: s3://logs/predictions/dt=%Y-%m-%d/
  reference: s3://logs/reference/
columns:
  score: p
  label: y
"""
FULL = """\
model: quiet
description: Will it be late?
owner: network-ops
cost_center: NET-42
tags: [demo]
task: binary
schedule: "0 4 * * *"
data:
  predictions: s3://logs/predictions/dt=%Y-%m-%d/
  labels: s3://logs/labels/dt=%Y-%m-%d/
  reference: s3://logs/reference/
  id: row
  label_delay: 1d
  wait: 6h
results: s3://results/nightproof/
columns:
  score: p
  label: y
  threshold: 0.5
  features: {numeric: [x, hour], categorical: [carrier]}
  protected: [carrier]
  slices: [origin, [origin, hour]]
  model_version: version
  latency_ms: latency
validate: {suite: quiet, min_rows: 10}
checks:
  performance: {roc_auc: {max_drop: 0.02}, brier: {max_rise: 0.01}}
  drift: {min_effect: 0.1, max_missing_rise: 0.05, max_unseen_rise: 0.01}
  bias: {reference_group: largest, min_group: 30, impact_ratio: {min: 0.8}, tpr_gap: {max: 0.1}}
windows: [1, 7, 28]
alerts:
  slack: {channel: "#ml-network"}
  false_alarms: 1 per 90 nights
"""


def written(folder: Path, text: str | bytes, name: str = "quiet.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str) -> ModelConfig:
    return load_config(written(folder, text))


def faults(folder: Path, text: str | bytes, name: str = "quiet.yaml") -> list[Fault]:
    with pytest.raises(ConfigError) as caught:
        load_config(written(folder, text, name))
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


def fault(folder: Path, text: str | bytes, name: str = "quiet.yaml") -> Fault:
    (only,) = faults(folder, text, name)
    return only


def with_value(path: str, value: Any) -> str:
    """The full config with the value at a dotted path replaced, or taken out where it is ``...``."""
    said = yaml.safe_load(FULL)
    *above, last = path.split(".")
    section = said
    for key in above:
        section = section[key]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return yaml.safe_dump(said, sort_keys=False)


# --- Defaults ---------------------------------------------------------------------------------------------


def test_four_keys_are_enough_and_the_rest_has_the_documented_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, FOUR_KEYS)
    assert config.results_url == "s3://logs/nightproof/"
    assert (config.schedule, config.owner, config.windows) == ("0 4 * * *", "nightproof", (1, 7, 28))
    assert (config.data.labels, config.data.label_delay, config.data.wait) == (
        None,
        timedelta(0),
        timedelta(hours=12),
    )
    assert (config.columns.threshold, config.columns.protected, config.columns.slices) == (0.5, (), ())
    assert config.tolerances == {"roc_auc": Tolerance(max_drop=0.02), "brier": Tolerance(max_rise=0.01)}
    assert config.checks.drift.min_effect == 0.1
    assert (config.checks.bias.impact_ratio.min, config.checks.bias.tpr_gap.max) == (0.8, 0.1)
    assert (config.checks.bias.reference_group, config.checks.bias.min_group) == ("largest", 30)
    assert (config.alerts.slack, config.alerts.false_alarms) == (None, "1 per 90 nights")
    assert config.alerts.false_alarms_per_night == pytest.approx(1 / 90)
    assert suite_path(config, tmp_path) is None


def test_a_full_config_is_read_as_it_is_written(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    dumped = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    said = yaml.safe_load(FULL)
    said["columns"]["slices"] = [["origin"], ["origin", "hour"]]
    assert dumped == said


def test_a_config_survives_being_dumped_and_read_again(tmp_path: Path) -> None:
    config = read(tmp_path, FULL)
    assert ModelConfig.model_validate_json(config.model_dump_json(by_alias=True)) == config


@pytest.mark.parametrize(
    ("predictions", "results"),
    [
        ("s3://logs/a/predictions/dt=%Y-%m-%d/", "s3://logs/nightproof/"),
        ("s3://logs/dt=%Y", "s3://logs/nightproof/"),
        ("file:///data/predictions/dt=%Y-%m-%d/", "file:///data/nightproof/"),
    ],
)
def test_results_lie_beside_the_predictions_by_default(tmp_path: Path, predictions: str, results: str) -> None:
    text = FOUR_KEYS.replace("s3://logs/predictions/dt=%Y-%m-%d/", predictions)
    assert read(tmp_path, text).results_url == results


def test_results_by_default_lie_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPROOF_RESULTS", "s3://elsewhere/results")
    assert read(tmp_path, FOUR_KEYS).results_url == "s3://elsewhere/results/"
    assert read(tmp_path, FULL).results_url == "s3://results/nightproof/"


def test_windows_are_sorted_and_each_is_kept_once(tmp_path: Path) -> None:
    assert read(tmp_path, FOUR_KEYS + "windows: [28, 1, 7, 7]\n").windows == (1, 7, 28)


def test_dates_are_text(tmp_path: Path) -> None:
    config = read(tmp_path, FOUR_KEYS + "description: 2013-12-14\ntags: [2013-12-14]\n")
    assert (config.description, config.tags) == ("2013-12-14", ("2013-12-14",))


@pytest.mark.parametrize(("text", "minutes"), [("0m", 0), ("90m", 90), ("12h", 720), ("1d", 1440), ("2 d", 2880)])
def test_durations_have_units(tmp_path: Path, text: str, minutes: int) -> None:
    assert read(tmp_path, with_value("data.wait", text)).data.wait == timedelta(minutes=minutes)


# --- Faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["model", "task", "data", "columns"])
def test_each_of_the_four_keys_is_required(tmp_path: Path, key: str) -> None:
    said = yaml.safe_load(FOUR_KEYS)
    del said[key]
    found = fault(tmp_path, yaml.safe_dump(said))
    assert (found.key, found.problem) == (key, "this key is required")


def test_every_fault_of_a_file_is_told_at_once_with_line_key_value_and_nearest_name(tmp_path: Path) -> None:
    text = """\
model: quiet
task: binry
ownr: me
data:
  predictions: https://logs/
  reference: s3://logs/reference/
  id: row
  label_delay: soon
columns:
  score: p
  treshold: 0.5
checks:
  performance:
    roc_au: {max_drop: 0.1}
    brier: {max_drop: 0.1}
    accuracy: {max_drop: -1}
windows: [7]
alerts: {slack: {channel: ml network}, false_alarms: never}
"""
    told = {found.key: found for found in faults(tmp_path, text)}
    expected = {
        "task": (2, "'binry'", "binary"),
        "ownr": (3, None, "owner"),
        "data.predictions": (5, "'https://logs/'", None),
        "data.label_delay": (8, "'soon'", None),
        "columns.label": (9, None, None),
        "columns.treshold": (11, None, "threshold"),
        "checks.performance.roc_au": (14, "'roc_au'", "roc_auc"),
        "checks.performance.brier": (15, "max_drop", None),
        "checks.performance.accuracy.max_drop": (16, "-1", None),
        "windows": (17, None, None),
        "alerts.slack.channel": (18, "'ml network'", None),
        "alerts.false_alarms": (18, "'never'", None),
    }
    # What is allowed stands in the sentence; a missing key is said on the line of its section.
    assert {key: (f.line, f.value, f.hint) for key, f in told.items()} == expected
    assert "allowed are binary" in told["task"].problem
    assert "threshold" in told["columns.treshold"].problem
    assert all(name in told["checks.performance.roc_au"].problem for name in HARM)


def test_faults_are_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    lines = [found.line or 0 for found in faults(tmp_path, "windows: [7]\nmodl: quiet\ntask: binry\n")]
    assert lines == sorted(lines)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("model", "../quiet", "lower-case letters"),
        ("model", "a/b", "lower-case letters"),
        ("model", "Quiet", "lower-case letters"),
        ("model", "", "lower-case letters"),
        ("model", "q" * 81, "lower-case letters"),
        ("model", 7, "write text"),
        ("description", "x" * 2001, "2000"),
        ("tags", "demo", "write a list"),
        ("schedule", "99 99 * * *", "five fields"),
        ("schedule", "0 4 * *", "five fields"),
        ("schedule", "0 0 4 * * *", "five fields"),
        ("schedule", "@daily", "five fields"),
        ("schedule", "", "five fields"),
        ("data", "s3://logs/", "write keys and values"),
        ("data.predictions", "/data/", "s3://bucket/prefix/"),
        ("data.predictions", "file://data/", "file:///folder/"),
        ("data.predictions", "s3://LOGS/", "s3://bucket/prefix/"),
        ("data.predictions", "s3://logs/../other/", "'..'"),
        ("data.id", ..., "add data.id"),
        ("data.label_delay", "1w", "30m, 12h or 1d"),
        ("data.label_delay", 3, "30m, 12h or 1d"),
        ("data.label_delay", "-1d", "30m, 12h or 1d"),
        ("columns.threshold", 0, "greater than 0"),
        ("columns.threshold", 1.0, "less than 1"),
        ("columns.threshold", "half", "write a number"),
        ("columns.threshold", float("nan"), "finite"),
        ("columns.score", ["p"], "write text"),
        ("columns.score", None, "this key is required where task is binary"),
        ("columns.slices", [["a", "b", "c"]], "2"),
        ("validate.suite", "../../etc/passwd", "letters, digits"),
        ("validate.min_rows", 0, "greater than or equal to 1"),
        ("validate.min_rows", 1.5, "write a whole number"),
        ("checks.performance.roc_auc", 0.02, "write keys and values"),
        ("checks.performance.roc_auc.max_drop", 0, "greater than 0"),
        ("checks.performance.roc_auc.max_drop", float("inf"), "finite"),
        ("checks.drift.min_effect", -0.1, "greater than 0"),
        ("checks.drift.max_missing_rise", 1.1, "less than or equal to 1"),
        ("checks.bias.min_group", 9, "greater than or equal to 10"),
        ("checks.bias.impact_ratio.min", float("nan"), "finite"),
        ("windows", [], "at least 1"),
        ("windows", [7, 28], "must include 1"),
        ("windows", [1, 0], "greater than or equal to 1"),
        ("windows", [1, 401], "less than or equal to 400"),
        ("alerts.slack.channel", "ml-network", "'#ml-network'"),
        ("alerts.slack.channel", "@everyone", "'#ml-network'"),
        ("alerts.false_alarms", "0 per 90 nights", "more than 0"),
        ("alerts.false_alarms", "90 per 90 nights", "less than 1"),
        ("alerts.false_alarms", 1, "1 per 90 nights"),
    ],
)
def test_a_wrong_value_is_one_fault_that_says_what_is_allowed(
    tmp_path: Path, path: str, value: object, said: str
) -> None:
    found = next(f for f in faults(tmp_path, with_value(path, value)) if said in f.problem)
    assert path.startswith(found.key.split(".")[0])
    assert found.line is not None


def test_only_the_wrong_item_of_a_list_is_named(tmp_path: Path) -> None:
    assert fault(tmp_path, with_value("windows", [1, 0, 7])).key == "windows.1"


@pytest.mark.parametrize("name", METRICS_OF["binary"])
def test_a_tolerance_must_point_where_its_metric_gets_worse(tmp_path: Path, name: str) -> None:
    right = HARM[name]  # type: ignore[index]
    wrong = "max_rise" if right == "max_drop" else "max_drop"
    assert read(tmp_path, with_value("checks.performance", {name: {right: 0.1}})).checks.performance
    for given_ in ({wrong: 0.1}, {right: 0.1, wrong: 0.1}, {}):
        found = fault(tmp_path, with_value("checks.performance", {name: given_}))
        assert found.key == f"checks.performance.{name}"
        assert f"give {right} and nothing else" in found.problem


@pytest.mark.parametrize(
    ("features", "named"),
    [
        ({"numeric": ["x", "p"]}, "'p'"),
        ({"categorical": ["y"]}, "'y'"),
        ({"numeric": ["x"], "categorical": ["x"]}, "'x'"),
        ({"numeric": ["x", "x"]}, "'x'"),
    ],
)
def test_a_column_has_one_meaning(tmp_path: Path, features: dict[str, list[str]], named: str) -> None:
    found = fault(tmp_path, with_value("columns.features", features))
    assert (found.key, found.value) == ("columns.features", named)


def test_the_score_is_not_the_label(tmp_path: Path) -> None:
    assert fault(tmp_path, with_value("columns.label", "p")).key == "columns.label"


def test_a_model_and_its_file_bear_the_same_name(tmp_path: Path) -> None:
    found = fault(tmp_path, FOUR_KEYS, name="loud.yaml")
    assert (found.line, found.key, found.value, found.hint) == (1, "model", "'quiet'", "loud")


def test_a_file_that_ends_in_yml_is_told_its_right_name(tmp_path: Path) -> None:
    assert "quiet.yaml" in fault(tmp_path, FOUR_KEYS, name="quiet.yml").problem


# --- Files that are no config at all ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (b"", None, "a mapping of keys"),
        (b"# nothing but a comment\n", None, "a mapping of keys"),
        (b"- model: quiet\n", None, "a mapping of keys"),
        (b"quiet", None, "a mapping of keys"),
        (b"model: quiet\n\ttask: binary\n", 2, "not YAML"),
        (b"model: [quiet\n", 2, "not YAML"),
        (b"model: quiet\n---\nmodel: loud\n", 2, "not YAML"),
        (b"model: \x00\n", None, "forbids"),
        (b"model: caf\xe9\n", None, "not UTF-8 text (byte 10)"),
        (b"a: &x [1]\nb: *x\n", None, "aliases"),
        (b"a: &a {<<: *a}\n", None, "aliases"),
        (b"x: " + b"[" * 20_000 + b"]" * 20_000, None, "nested too deeply"),
        (b"#" * (256 * 1024 + 1), None, "larger than 256 kB"),
        (b"model: !!python/object/apply:os.system [id]\n", None, "required"),
        (b"model: !!python/name:os.system x\n", 1, "unreadable"),
        (b"model: !!bool perhaps\n", 1, "unreadable"),
        (b"model: !!int ''\n", 1, "unreadable"),
        (b"model: !!float ''\n", 1, "unreadable"),
        (b"model: !!int twelve\n", 1, "unreadable"),
    ],
)
def test_a_file_that_is_no_config_says_why(tmp_path: Path, text: bytes, line: int | None, said: str) -> None:
    found = faults(tmp_path, text)
    assert any(said in str(one) for one in found), found
    assert line is None or found[0].line == line


def test_a_billion_laughs_are_refused_before_they_are_told(tmp_path: Path) -> None:
    laughs = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "aliases" in fault(tmp_path, "\n".join(laughs)).problem


def test_every_key_that_stands_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    found = faults(tmp_path, "model: quiet\ndata:\n  id: a\n  id: b\nmodel: loud\n")
    assert [(f.line, f.key) for f in found] == [(4, "data.id"), (5, "model")]
    assert "first on line 3" in found[0].problem and "first on line 1" in found[1].problem


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "quiet.yaml")


_keys = st.sampled_from(
    [
        "model",
        "task",
        "data",
        "columns",
        "checks",
        "performance",
        "roc_auc",
        "windows",
        "alerts",
        "slack",
        "<<",
        "?",
        "~",
    ]
)
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["quiet", "binary", "s3://logs/", "1d", "0 4 * * *", "2013-12-14", "\ud800"]),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_sections = st.fixed_dictionaries(
    {}, optional={name: _values for name in [*ModelConfig.model_fields, "validate"] if name != "validate_"}
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_sections)
@example(said={"model": "quiet", "\ud800": 1})
@example(said={"model": "\ud800", "task": "\udfff"})
def test_a_config_is_read_or_its_faults_are_told_whatever_is_in_it(tmp_path: Path, said: dict[str, Any]) -> None:
    # JSON is YAML, surrogates and all.
    for text in (json.dumps(said), yaml.dump(said)):
        try:
            read(tmp_path, text)
        except ConfigError as error:
            assert error.faults
            str(error).encode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("model: quiet\n- [{&*!!int'\"|>%@`?#}],\t~0.1e5_"), max_size=60))
@example(text="!!int '': 1")
@example(text="? [a, b]\n: 1\n? [c]\n: 2\n")
def test_no_text_at_all_makes_reading_a_config_crash(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read(tmp_path, text)


# --- Schema and examples ----------------------------------------------------------------------------------


def shipped_schema() -> dict[str, Any]:
    return json.loads((ROOT / "include/models/schema.json").read_text("utf-8"))


def test_the_schema_that_editors_read_is_current() -> None:
    assert shipped_schema() == json_schema(), "run `make schema`"


@pytest.mark.parametrize("path", sorted((ROOT / "include/models").glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_config_is_right_and_fits_the_schema(path: Path) -> None:
    load_config(path)
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), shipped_schema())


@pytest.mark.parametrize("text", [FOUR_KEYS, FULL], ids=["four keys", "full"])
def test_the_schema_takes_what_the_reader_takes(text: str) -> None:
    jsonschema.validate(yaml.safe_load(text), shipped_schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("task", "binry"),
        ("ownr", "me"),
        ("model", "a/b"),
        ("windows", [0]),
        ("columns.threshold", 2),
        ("checks.performance.roc_au", {"max_drop": 0.1}),
        ("alerts.slack.channel", "ml network"),
        ("data.reference", ...),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(tmp_path: Path, path: str, value: object) -> None:
    text = with_value(path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), shipped_schema())
    assert faults(tmp_path, text)


def test_every_key_is_described_where_its_name_does_not_say_it_all() -> None:
    described = {
        name for name, found in shipped_schema()["$defs"]["Data"]["properties"].items() if "description" in found
    }
    assert {"predictions", "labels", "reference", "id", "label_delay", "wait"} <= described


def test_the_shipped_suite_is_where_the_shipped_config_looks_for_it() -> None:
    models = ROOT / "include/models"
    path = suite_path(load_config(models / "flight_delay.yaml"), suites_folder(models))
    assert path is not None and path.is_file()


# --- Fingerprint ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("description", "Something else."),
        ("owner", "somebody-else"),
        ("cost_center", "NET-43"),
        ("tags", ["other"]),
        ("schedule", "0 5 * * *"),
        ("results", "s3://moved/elsewhere/"),
        ("data.wait", "1h"),
        ("data.predictions", "s3://moved/predictions/dt=%Y-%m-%d/"),
        ("alerts.slack", {"channel": "#another"}),
    ],
)
def test_what_cannot_change_a_result_leaves_the_fingerprint(tmp_path: Path, path: str, value: object) -> None:
    # Where the data lies is told apart by the snapshot, object by object.
    assert read(tmp_path, with_value(path, value)).fingerprint == read(tmp_path, FULL).fingerprint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.id", "other"),
        ("data.label_delay", "2d"),
        ("columns.score", "q"),
        ("columns.label", "z"),
        ("columns.threshold", 0.6),
        ("columns.features", {"numeric": ["x"]}),
        ("columns.protected", []),
        ("columns.slices", ["origin"]),
        ("columns.model_version", ...),
        ("validate.suite", "other"),
        ("validate.min_rows", 11),
        ("checks.performance.roc_auc.max_drop", 0.03),
        ("checks.performance", {"roc_auc": {"max_drop": 0.02}}),
        ("checks.drift.min_effect", 0.2),
        ("checks.drift.max_missing_rise", 0.06),
        ("checks.drift.max_unseen_rise", 0.02),
        ("checks.bias.reference_group", "UA"),
        ("checks.bias.min_group", 40),
        ("checks.bias.impact_ratio.min", 0.7),
        ("checks.bias.tpr_gap.max", 0.2),
        ("windows", [1]),
        ("alerts.false_alarms", "1 per 30 nights"),
    ],
)
def test_what_can_change_a_result_changes_the_fingerprint(tmp_path: Path, path: str, value: object) -> None:
    assert read(tmp_path, with_value(path, value)).fingerprint != read(tmp_path, FULL).fingerprint


def test_a_fingerprint_is_a_sha256_and_does_not_depend_on_how_the_yaml_is_laid_out(tmp_path: Path) -> None:
    said = yaml.safe_load(FULL)
    again = read(tmp_path, json.dumps(dict(reversed(said.items()))))
    assert again.fingerprint == read(tmp_path, FULL).fingerprint
    assert re.fullmatch(r"[0-9a-f]{64}", again.fingerprint)


@pytest.mark.parametrize(
    "path",
    [
        "columns.threshold",
        "checks.performance.roc_auc.max_drop",
        "checks.bias.impact_ratio.min",
        "checks.bias.min_group",
    ],
)
@pytest.mark.parametrize("value", [True, "0.5"])
def test_a_number_is_neither_yes_nor_text(tmp_path: Path, path: str, value: Any) -> None:
    found = faults(tmp_path, with_value(path, value))
    assert [each.key for each in found] == [path]
    assert "number" in found[0].problem


# --- Tasks ------------------------------------------------------------------------------------------------

COLUMNS_OF: dict[str, dict[str, object]] = {
    "binary": {"score": "p", "label": "y"},
    "multiclass": {"scores": {"cat": "p_cat", "dog": "p_dog"}, "label": "animal"},
    "regression": {"prediction": "yhat", "label": "y", "interval": {"lower": "low", "upper": "high"}},
    "ranking": {"query": "q", "score": "s", "label": "relevance"},
}


def of_task(task: str, **changed: object) -> str:
    said = yaml.safe_load(FOUR_KEYS)
    return yaml.safe_dump(said | {"task": task, "columns": COLUMNS_OF[task] | changed}, sort_keys=False)


@pytest.mark.parametrize("task", COLUMNS_OF)
def test_each_task_has_its_outputs_and_its_default_tolerances(tmp_path: Path, task: str) -> None:
    config = read(tmp_path, of_task(task))
    assert config.columns.outputs
    assert config.tolerances and set(config.tolerances) <= set(METRICS_OF[config.task])


@pytest.mark.parametrize(("task", "key"), [(t, k) for t, keys in OUTPUTS.items() for k, need in keys.items() if need])
def test_an_output_that_its_task_needs_must_be_named(tmp_path: Path, task: str, key: str) -> None:
    found = fault(tmp_path, of_task(task, **{key: None}))
    assert (found.key, found.problem) == (f"columns.{key}", f"this key is required where task is {task}")


@pytest.mark.parametrize(("task", "key"), [(t, k) for t in OUTPUTS for o, ks in OUTPUTS.items() for k in ks if t != o])
def test_an_output_of_another_task_is_a_fault(tmp_path: Path, task: str, key: str) -> None:
    if key in OUTPUTS[task]:
        return
    given_ = next(columns[key] for columns in COLUMNS_OF.values() if key in columns)
    told = faults(tmp_path, of_task(task, **{key: given_}))
    assert [f.problem.split(";")[0] for f in told if f.key == f"columns.{key}"] == [
        f"means nothing where task is {task}"
    ]


def test_a_metric_of_another_task_is_a_fault(tmp_path: Path) -> None:
    found = fault(tmp_path, with_value("checks.performance", {"ndcg": {"max_drop": 0.1}}))
    assert found.key == "checks.performance.ndcg" and "is no metric of a binary model" in found.problem


def test_one_class_is_too_few(tmp_path: Path) -> None:
    assert fault(tmp_path, of_task("multiclass", scores={"cat": "p"})).problem == "name at least two classes"
