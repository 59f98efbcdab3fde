"""A model's config: one YAML file, every fault in it reported at once.

Four keys are enough (``model``, ``task``, ``data``, ``columns``); everything else has a default.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from nightproof.errors import ConfigError, Fault
from nightproof.faults import explain
from nightproof.yaml_source import Source, read_yaml

MetricName = Literal[
    "roc_auc", "pr_auc", "accuracy", "precision", "recall", "f1", "log_loss", "brier", "calibration_error"
]
HARM: dict[MetricName, Literal["max_drop", "max_rise"]] = {
    "roc_auc": "max_drop",
    "pr_auc": "max_drop",
    "accuracy": "max_drop",
    "precision": "max_drop",
    "recall": "max_drop",
    "f1": "max_drop",
    "log_loss": "max_rise",
    "brier": "max_rise",
    "calibration_error": "max_rise",
}
"""Which way each metric gets worse, and so which limit a config may set for it."""

_DURATION = re.compile(r"(\d{1,5})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_BUDGET = re.compile(r"(\d{1,4})\s+per\s+(\d{1,5})\s+nights?")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a duration such as 30m, 12h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _duration_text(value: timedelta) -> str:
    minutes = int(value.total_seconds()) // 60
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def _url(value: str) -> str:
    if not re.match(r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$)|file:///)", value):
        raise ValueError("write s3://bucket/prefix/ or file:///folder/")
    if ".." in value.split("/"):
        raise ValueError("'..' is not allowed in a location")
    return value if value.endswith("/") else value + "/"


def _budget(value: object) -> object:
    if not isinstance(value, str) or (match := _BUDGET.fullmatch(value.strip())) is None:
        raise ValueError("write the number of false pages you accept, such as '1 per 90 nights'")
    if not 0 < int(match[1]) < int(match[2]):
        raise ValueError("the budget must be more than 0 and less than 1 a night")
    return value.strip()


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(_duration_text, return_type=str),
]
Location = Annotated[str, AfterValidator(_url)]
Column = Annotated[str, Field(min_length=1, max_length=200)]
Slice = Annotated[list[Column], BeforeValidator(_listed, json_schema_input_type=str | list[str]), Field(max_length=2)]


class Section(BaseModel):
    """What all parts of a config share: unknown keys are faults, nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Data(Section):
    """Where the night's data lies."""

    predictions: Location
    """Folder of a night's predictions; a strftime pattern, in UTC, such as `dt=%Y-%m-%d`."""
    labels: Location | None = None
    """Folder of a night's labels; leave it out when the predictions carry a label column."""
    reference: Location
    """Folder of the labelled rows that the model was accepted on: the baseline."""
    id: Column | None = None
    """Column that identifies a prediction; needed to join labels."""
    label_delay: Duration = timedelta(0)
    """How long after the night's end its labels are due."""
    wait: Duration = timedelta(hours=12)
    """How long to wait for a missing partition before the run fails."""

    @model_validator(mode="after")
    def _joinable(self) -> Data:
        if self.labels and not self.id:
            raise ValueError("labels need an id column to be joined on: add data.id")
        return self


class Features(Section):
    """Which columns are the model's inputs; with neither list, the reference's columns decide."""

    numeric: tuple[Column, ...] = ()
    categorical: tuple[Column, ...] = ()


class Columns(Section):
    """What the columns of the data mean."""

    score: Column
    """The predicted probability of the positive class, in [0, 1]."""
    label: Column
    """The truth: 0 or 1, or a boolean."""
    threshold: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.5
    """A score at or above it is a positive prediction."""
    features: Features = Features()
    protected: tuple[Column, ...] = ()
    """Columns whose groups must be served alike."""
    slices: tuple[Slice, ...] = ()
    """Columns, or pairs of columns, whose values are looked at one by one."""
    model_version: Column | None = None
    """Which version of the model made the prediction; counted and shown."""
    latency_ms: Column | None = None
    """How long the prediction took; so far only validated to be a number."""


class Validate(Section):
    """What decides whether a night may be evaluated at all."""

    suite: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")] | None = None
    """Name of a Great Expectations suite in `great_expectations/expectations/`."""
    min_rows: Annotated[int, Field(strict=True, ge=1)] = 1
    """Fewer rows than this, and the night is quarantined."""


class Tolerance(Section):
    """How far a metric may move in its harmful direction before it is a regression."""

    max_drop: Annotated[float, Field(strict=True, gt=0)] | None = None
    max_rise: Annotated[float, Field(strict=True, gt=0)] | None = None

    @property
    def value(self) -> float:
        """The tolerated change, positive."""
        return self.max_drop if self.max_drop is not None else (self.max_rise or 0.0)


class Limit(Section):
    """The least or the most that a bias measure may be."""

    min: Annotated[float, Field(strict=True)] | None = None
    max: Annotated[float, Field(strict=True)] | None = None


def _default_performance() -> dict[MetricName, Tolerance]:
    return {"roc_auc": Tolerance(max_drop=0.02), "brier": Tolerance(max_rise=0.01)}


class Drift(Section):
    """How much drift is worth a look."""

    min_effect: Annotated[float, Field(strict=True, gt=0)] = 0.1
    """Population stability index below which a shift is not worth a look."""
    max_missing_rise: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.05
    """How much the share of missing values of a feature may rise."""
    max_unseen_rise: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.01
    """How much the share of values that the baseline does not know may rise."""


class Bias(Section):
    """How alike the groups of each protected column must be served."""

    reference_group: str | dict[Column, str] = "largest"
    """The group that others are compared with: `largest`, a value of the protected column, or one by column."""
    min_group: Annotated[int, Field(strict=True, ge=10)] = 30
    """Groups with fewer labelled rows are not judged, nor are their values shown."""
    impact_ratio: Limit = Limit(min=0.8)
    """Selection rate of a group over that of the reference group."""
    tpr_gap: Limit = Limit(max=0.1)
    """True-positive rate of the reference group less that of a group."""


class Checks(Section):
    """What is held against what."""

    performance: dict[MetricName, Tolerance] = Field(default_factory=_default_performance)
    drift: Drift = Drift()
    bias: Bias = Bias()


class Slack(Section):
    """Where regressions are told."""

    channel: Annotated[str, Field(pattern=r"^(#[^\s#,]{1,80}|[CGD][A-Z0-9]{7,})$")]


class Alerts(Section):
    """Who is told, and how often in error."""

    slack: Slack | None = None
    false_alarms: Annotated[str, BeforeValidator(_budget, json_schema_input_type=str)] = "1 per 90 nights"
    """How many false pages are acceptable."""

    @property
    def false_alarms_per_night(self) -> float:
        """The budget as an expected number of false pages a night, in (0, 1)."""
        match = _BUDGET.fullmatch(self.false_alarms)
        assert match is not None
        return int(match[1]) / int(match[2])


class ModelConfig(Section):
    """One deployed model, as its team describes it."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
    """Name of the model: lower-case letters, digits, `_` and `-`; the file bears the same name."""
    description: Annotated[str, Field(max_length=2000)] = ""
    owner: Annotated[str, Field(min_length=1, max_length=100)] = "nightproof"
    cost_center: str | None = None
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    task: Literal["binary"]
    schedule: str = "0 4 * * *"
    """Cron expression, in UTC: when the night just ended is evaluated."""
    data: Data
    results: Location | None = None
    """Where results go; by default `nightproof/` in the bucket of the predictions."""
    columns: Columns
    validate_: Annotated[Validate, Field(alias="validate")] = Validate()
    checks: Checks = Checks()
    windows: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=400)], ...], Field(min_length=1)] = (1, 7, 28)
    """How many nights are merged, each night seen through every window."""
    alerts: Alerts = Alerts()

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
    def results_url(self) -> str:
        """Where results go, with the default filled in; ends in a slash."""
        if self.results:
            return self.results
        if from_environment := os.environ.get("NIGHTPROOF_RESULTS"):
            return _url(from_environment)
        if self.data.predictions.startswith("s3://"):
            return "/".join(self.data.predictions.split("/")[:3]) + "/nightproof/"
        fixed = self.data.predictions.split("%")[0].rsplit("/", 1)[0]
        return fixed.rsplit("/", 1)[0] + "/nightproof/"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that can change a result (not of descriptions, owners, channels or places)."""
        told = {"description", "owner", "cost_center", "tags", "schedule", "results"}
        text = self.model_dump_json(exclude={*told, "data", "alerts"}, by_alias=True)
        # A suite may refer to when labels are due.
        data = f"{self.data.id}|{_duration_text(self.data.label_delay)}"
        return hashlib.sha256(f"{text}|{data}|{self.alerts.false_alarms}".encode()).hexdigest()


def load_config(path: Path) -> ModelConfig:
    """Read one model's YAML.

    Parameters
    ----------
    path
        The file; its name without ``.yaml`` must be the model's name.

    Raises
    ------
    ConfigError
        With every fault of the file: line, key, value, what is allowed, and the nearest name.
    """
    source = read_yaml(path)
    if path.suffix != ".yaml":
        raise ConfigError(str(path), [Fault(None, "", None, f"the file's name must be {path.stem}.yaml")])
    faults = [] if source.value("model") in (None, path.stem) else [_misnamed(source, path)]
    try:
        config = ModelConfig.model_validate(source.data)
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
    """Columns that are given two meanings that exclude each other."""
    columns = config.columns
    features = [*columns.features.numeric, *columns.features.categorical]
    faults = [
        Fault(
            source.line("columns", "features"),
            "columns.features",
            repr(name),
            "the score and the label are not features; remove it from the list",
        )
        for name in features
        if name in (columns.score, columns.label)
    ]
    faults += [
        Fault(source.line("columns", "features"), "columns.features", repr(name), "is listed more than once")
        for name in sorted({name for name in features if features.count(name) > 1})
    ]
    if columns.score == columns.label:
        problem = "the score and the label are the same column"
        faults.append(Fault(source.line("columns", "label"), "columns.label", repr(columns.label), problem))
    return faults
