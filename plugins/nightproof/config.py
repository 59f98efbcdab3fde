"""A model's config: one YAML file, every fault in it reported at once.

Four keys are enough (``model``, ``task``, ``data``, ``columns``); everything else has a default.
"""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from nightproof.alert_sections import Alerts
from nightproof.errors import ConfigError, Fault
from nightproof.faults import explain
from nightproof.fleet import TAKEN, Fleet, faults_of, read_fleet, with_defaults
from nightproof.holdout_section import Holdout, clashes
from nightproof.metric_names import HARM, METRICS_OF, MetricName, Task
from nightproof.metric_sections import Metrics, column_faults, metrics_folder, with_sources
from nightproof.record_sections import RecordKeeping
from nightproof.sections import (
    DEFAULTS,
    OUTPUTS,
    Checks,
    Columns,
    Data,
    Engine,
    Location,
    Section,
    Tolerance,
    Validate,
    duration_text,
    engine_of,
    location,
)
from nightproof.yaml_source import Source, read_yaml

DECIDES = {"false_alarms", "pages", "references", "recover_after", "reopen_within", "blind_after"}
"""What of `alerts` changes a verdict; the rest says who is told, and when."""


class ModelConfig(Section):
    """One deployed model, as its team describes it."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
    """Name of the model: lower-case letters, digits, `_` and `-`; the file bears the same name."""
    description: Annotated[str, Field(max_length=2000)] = ""
    owner: Annotated[str, Field(min_length=1, max_length=100)] = "nightproof"
    cost_center: str | None = None
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    task: Task
    schedule: str = "0 4 * * *"
    """Cron expression, in UTC: when the night just ended is evaluated."""
    data: Data
    results: Location | None = None
    """Where results go; by default `nightproof/` in the bucket of the predictions."""
    columns: Columns
    validate_: Annotated[Validate, Field(alias="validate")] = Validate()
    checks: Checks = Checks()
    metrics: Metrics = {}
    """The team's own metrics by name, each a ratio of two sums over rows."""
    windows: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=400)], ...], Field(min_length=1)] = (1, 7, 28)
    """How many nights are merged, each night seen through every window."""
    alerts: Alerts = Alerts()
    record: RecordKeeping = RecordKeeping()
    holdout: Holdout | None = None
    engine: Annotated[
        Engine,
        BeforeValidator(engine_of, json_schema_input_type=Literal["local"] | Engine),
        Field(exclude=True),
    ] = Engine()
    """What counts the night's rows: `local`, or a Spark cluster; no part of a result, nor of its record."""

    @model_validator(mode="before")
    @classmethod
    def _in_order(cls, given: Any) -> Any:
        # A manifest has its keys sorted: no result may depend on the order in which somebody wrote them.
        return _with_sorted_keys(given)

    @field_validator("model")
    @classmethod
    def _not_the_fleets(cls, value: str) -> str:
        if value in TAKEN:
            raise ValueError(f"{value} {TAKEN[value]}; give the model another name")
        return value

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        # Imported here: only configs that set a schedule pay for it.
        from croniter import croniter

        text = value.strip()
        if len(text.split()) != 5 or not croniter.is_valid(text):
            raise ValueError("write a cron expression of five fields, such as '0 4 * * *'")
        return text

    @field_validator("windows")
    @classmethod
    def _windows(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if 1 not in value:
            raise ValueError("windows must include 1, the night itself")
        return tuple(sorted(set(value)))

    @property
    def tolerances(self) -> dict[MetricName, Tolerance]:
        """What performance is held against: the config's own tolerances, or the task's default."""
        return DEFAULTS[self.task] if self.checks.performance is None else self.checks.performance

    @property
    def results_url(self) -> str:
        """Where results go, with the default filled in; ends in a slash."""
        if self.results:
            return self.results
        if from_environment := os.environ.get("NIGHTPROOF_RESULTS"):
            return location(from_environment)
        if self.data.predictions.startswith("s3://"):
            return "/".join(self.data.predictions.split("/")[:3]) + "/nightproof/"
        fixed = self.data.predictions.split("%")[0].rsplit("/", 1)[0]
        return fixed.rsplit("/", 1)[0] + "/nightproof/"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that can change a result (not of descriptions, owners, channels or places)."""
        told = {"description", "owner", "cost_center", "tags", "schedule", "results"}
        text = self.model_dump_json(exclude={*told, "data", "alerts", "record", "holdout"}, by_alias=True)
        # A suite may refer to when labels are due.
        data = f"{self.data.id}|{duration_text(self.data.label_delay)}"
        held = {name: tolerance.value for name, tolerance in self.tolerances.items()}
        decided = self.alerts.model_dump_json(include=DECIDES)
        return hashlib.sha256(f"{text}|{data}|{held}|{decided}".encode()).hexdigest()


def _with_sorted_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_sorted_keys(value[key]) for key in sorted(value, key=str)}
    return [_with_sorted_keys(item) for item in value] if isinstance(value, list) else value


def load_config(path: Path) -> ModelConfig:
    """Read one model's YAML, with what the fleet's says beneath it.

    Parameters
    ----------
    path
        The file; its name without ``.yaml`` must be the model's name. ``fleet.yaml`` lies beside its folder.

    Raises
    ------
    ConfigError
        With every fault of the file: line, key, value, what is allowed, and the nearest name; and with
        those of the fleet's, without which nobody knows what the model's config is.
    """
    source = read_yaml(path)
    if path.suffix != ".yaml":
        raise ConfigError(str(path), [Fault(None, "", None, f"the file's name must be {path.stem}.yaml")])
    faults = [] if source.value("model") in (None, path.stem) else [_misnamed(source, path)]
    faults += (broken := faults_of(path.parent))
    fleet = Fleet() if broken else read_fleet(path.parent)
    data, unreadable = with_sources(with_defaults(source.data, fleet), metrics_folder(path.parent), source)
    faults += unreadable
    try:
        config = ModelConfig.model_validate(data)
    except ValidationError as error:
        faults += [explain(detail, ModelConfig, source) for detail in error.errors(include_url=False)]
    else:
        faults += _clashes(config, source)
    faults += _wrong_way(source)
    if faults:
        raise ConfigError(str(path), faults)
    return config


def json_schema() -> dict[str, Any]:
    """JSON Schema of a model's config, for the completion and checks of editors."""
    schema = ModelConfig.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _misnamed(source: Source, path: Path) -> Fault:
    problem = f"the model and its file must bear the same name; this file is {path.name}"
    return Fault(source.line("model"), "model", repr(source.value("model")), problem, hint=path.stem)


def _wrong_way(source: Source) -> list[Fault]:
    """Tolerances that point where a metric gets better, not worse."""
    tolerances = source.value("checks", "performance")
    if not isinstance(tolerances, dict):
        return []
    return [
        Fault(
            source.line("checks", "performance", name),
            f"checks.performance.{name}",
            ", ".join(given) or None,
            f"{name} gets worse by a {harm[4:]}: give {harm} and nothing else",
        )
        for name, harm in HARM.items()
        if isinstance(given := tolerances.get(name), dict)
        and set(given) <= {"max_drop", "max_rise"}
        and set(given) != {harm}
    ]


def _clashes(config: ModelConfig, source: Source) -> list[Fault]:
    """What each key alone may say, and the whole may not."""
    return [
        *_task_faults(config, source),
        *_metric_faults(config, source),
        *_column_faults(config, source),
        *_holdout_faults(config, source),
        *_lock_faults(config, source),
        *_keep_faults(config, source),
        *column_faults(config.metrics, config.columns, config.data, source),
    ]


def _task_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """Output columns that the task needs, or that are another task's."""
    columns, own = config.columns, OUTPUTS[config.task]
    every = dict.fromkeys(key for keys in OUTPUTS.values() for key in keys)
    faults = [
        Fault(source.line("columns"), f"columns.{key}", None, f"this key is required where task is {config.task}")
        for key, required in own.items()
        if required and getattr(columns, key) is None
    ]
    faults += [
        Fault(
            source.line("columns", key),
            f"columns.{key}",
            None,
            f"means nothing where task is {config.task}; its outputs are told by {' and '.join(own)}",
        )
        for key in every
        if key not in own and getattr(columns, key) is not None
    ]
    if columns.scores is not None and len(columns.scores) < 2:
        faults.append(Fault(source.line("columns", "scores"), "columns.scores", None, "name at least two classes"))
    return faults


def _lock_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """Object Lock where nothing can be locked."""
    if config.record.lock is None or config.results_url.startswith("s3://"):
        return []
    problem = f"only S3 has Object Lock, and results go to {config.results_url}: remove it, or set results to s3://"
    return [Fault(source.line("record", "lock"), "record.lock", None, problem)]


def _metric_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """Tolerances on metrics of another task."""
    own = METRICS_OF[config.task]
    return [
        Fault(
            source.line("checks", "performance", name),
            f"checks.performance.{name}",
            None,
            f"is no metric of a {config.task} model; allowed are {', '.join(own)}",
        )
        for name in config.checks.performance or {}
        if name not in own
    ]


def _holdout_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """A holdout that the columns cannot give."""
    if config.holdout is None:
        return []
    found = clashes(config.holdout, task=config.task, columns=config.columns, row_id=config.data.id)
    paths = [(("holdout", key) if key else ("holdout",), problem) for key, problem in found]
    return [Fault(source.line(*path), ".".join(path), None, problem) for path, problem in paths]


def _keep_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """Retention that is shorter than what later nights are judged by."""
    keep, maturity = config.record.keep, config.data.matures_after
    nights = f"{max(config.windows)} nights and labels may come for {duration_text(maturity)}"
    problem = f"the longest window is {nights}: keep these longer than both together and a week, or null for ever"
    return [
        Fault(source.line("record", "keep", name), f"record.keep.{name}", duration_text(getattr(keep, name)), problem)
        for name in keep.too_short(windows=config.windows, maturity=maturity)
    ]


def _column_faults(config: ModelConfig, source: Source) -> list[Fault]:
    """Columns that are given two meanings that exclude each other."""
    columns = config.columns
    features = [*columns.features.numeric, *columns.features.categorical]
    faults = [
        Fault(
            source.line("columns", "features"),
            "columns.features",
            repr(name),
            "the model's output and the label are not features; remove it from the list",
        )
        for name in features
        if name in (*columns.outputs, columns.label)
    ]
    faults += [
        Fault(source.line("columns", "features"), "columns.features", repr(name), "is listed more than once")
        for name in sorted({name for name in features if features.count(name) > 1})
    ]
    if columns.label in columns.outputs:
        problem = "the model's output and the label are the same column"
        faults.append(Fault(source.line("columns", "label"), "columns.label", repr(columns.label), problem))
    return faults
