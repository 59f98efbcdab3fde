"""Sections of a model's config: what each key means, what it may be, and its default."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    model_validator,
)

from nightproof.metric_names import MetricName, Task

_DURATION = re.compile(r"(\d{1,5})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a duration such as 30m, 12h or 1d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def duration_text(value: timedelta) -> str:
    """A duration in its largest whole unit, such as `12h`."""
    minutes = int(value.total_seconds()) // 60
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def location(value: str) -> str:
    """A location as it is used, ending in a slash.

    Raises
    ------
    ValueError
        If it is neither in a bucket nor a local folder, or leads upwards.
    """
    if not re.match(r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$)|file:///)", value):
        raise ValueError("write s3://bucket/prefix/ or file:///folder/")
    if ".." in value.split("/"):
        raise ValueError("'..' is not allowed in a location")
    return value if value.endswith("/") else value + "/"


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str),
    PlainSerializer(duration_text, return_type=str),
]
Location = Annotated[str, AfterValidator(location)]
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
    """How long after the night's end its labels are due: when it is evaluated first."""
    label_maturity: Duration | None = None
    """How long after the night's end labels may still come or be corrected: until then the night is provisional, and
    evaluated again when its labels change. By default as long as `label_delay`: nights are final at once."""
    wait: Duration = timedelta(hours=12)
    """How long to wait for a missing partition before the run fails."""

    @model_validator(mode="after")
    def _joinable(self) -> Data:
        if self.labels and not self.id:
            raise ValueError("labels need an id column to be joined on: add data.id")
        if self.label_maturity is not None and self.label_maturity < self.label_delay:
            raise ValueError(
                "labels cannot be final before they are due: raise data.label_maturity or lower label_delay"
            )
        return self

    @property
    def matures_after(self) -> timedelta:
        """How long after the night's end it is final."""
        return self.label_delay if self.label_maturity is None else self.label_maturity


class Features(Section):
    """Which columns are the model's inputs; with neither list, the reference's columns decide."""

    numeric: tuple[Column, ...] = ()
    categorical: tuple[Column, ...] = ()


class PredictionInterval(Section):
    """Columns of an interval that a regression model promises around its prediction."""

    lower: Column
    upper: Column
    coverage: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.9
    """Share of labels that it promises to hold."""


class Columns(Section):
    """What the columns of the data mean; `score`, `scores`, `prediction` and `query` by task."""

    score: Column | None = None
    """binary: the predicted probability of the positive class, in [0, 1]; ranking: any number, larger is higher."""
    scores: dict[Annotated[str, Field(min_length=1, max_length=200)], Column] | None = None
    """multiclass: the column of each class's predicted probability, by class."""
    prediction: Column | None = None
    """regression: the predicted number."""
    interval: PredictionInterval | None = None
    """regression: the interval around the prediction, if the model gives one."""
    query: Column | None = None
    """ranking: which rows were ranked together."""
    k: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    """ranking: how many places count."""
    label: Column
    """The truth: 0 or 1 or a boolean (binary), a class (multiclass), a number (regression), a relevance (ranking)."""
    threshold: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.5
    """binary: a score at or above it is a positive prediction."""
    features: Features = Features()
    protected: tuple[Column, ...] = ()
    """Columns whose groups must be served alike."""
    slices: tuple[Slice, ...] = ()
    """Columns, or pairs of columns, whose values are looked at one by one."""
    weight: Column | None = None
    """How much each row counts: a number that is 0 or more."""
    time: Column | None = None
    """When the prediction was made: weekdays and hours of the day are then not mistaken for drift."""
    model_version: Column | None = None
    """Which version of the model made the prediction; counted and shown."""
    latency_ms: Column | None = None
    """How long the prediction took; so far only validated to be a number."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's output columns, each once."""
        ends = (self.interval.lower, self.interval.upper) if self.interval else ()
        named = [self.score, *(self.scores or {}).values(), self.prediction, *ends]
        return tuple(dict.fromkeys(name for name in named if name is not None))


OUTPUTS: dict[str, dict[str, bool]] = {
    "binary": {"score": True},
    "multiclass": {"scores": True},
    "regression": {"prediction": True, "interval": False},
    "ranking": {"query": True, "score": True},
}
"""Which keys of `columns` tell a task's output, and whether each is required."""


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


DEFAULTS: dict[Task, dict[MetricName, Tolerance]] = {
    "binary": {"roc_auc": Tolerance(max_drop=0.02), "brier": Tolerance(max_rise=0.01)},
    "multiclass": {"accuracy": Tolerance(max_drop=0.02), "log_loss": Tolerance(max_rise=0.05)},
    "regression": {"r2": Tolerance(max_drop=0.02)},
    "ranking": {"ndcg": Tolerance(max_drop=0.02)},
}
"""Tolerances of a config that sets none: such as have no unit."""


class Drift(Section):
    """How much drift is worth a look."""

    min_effect: Annotated[float, Field(strict=True, gt=0)] = 0.1
    """Population stability index below which a shift is not worth a look."""
    max_missing_rise: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.05
    """How much the share of missing values of a feature may rise."""
    max_unseen_rise: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.01
    """How much the share of values that the baseline does not know may rise."""
    max_outside_rise: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.01
    """How much the share of a number's values outside the baseline's range may rise."""
    max_output_shift: Annotated[float, Field(strict=True, gt=0)] = 1.0
    """Population stability index of a model's output beyond which the output is taken for broken, not for drifted."""
    max_reconstruction_rise: Annotated[float, Field(strict=True, gt=0)] = 0.1
    """How much worse the baseline's components may rebuild the features, as a share of the baseline's error."""


class Bias(Section):
    """How alike the groups of each protected column must be served."""

    reference_group: str | dict[Column, str] = "largest"
    """The group that others are compared with: `largest`, a value of the protected column, or one by column."""
    min_group: Annotated[int, Field(strict=True, ge=10)] = 30
    """Groups with fewer labelled rows are not judged, nor are their values shown."""
    complementary_suppression: bool = True
    """Whether one more group is shown in rounded counts where those of a single small group could be worked out."""
    intersections: bool = True
    """Whether the groups of each pair of protected columns are looked at too."""
    impact_ratio: Limit = Limit(min=0.8)
    """Selection rate of a group over that of the reference group."""
    selection_gap: Limit = Limit()
    """Selection rate of the reference group less that of a group."""
    tpr_gap: Limit = Limit(max=0.1)
    """True-positive rate of the reference group less that of a group."""
    tpr_ratio: Limit = Limit()
    """True-positive rate of a group over that of the reference group."""
    fpr_gap: Limit = Limit()
    """False-positive rate of a group less that of the reference group."""
    fpr_ratio: Limit = Limit()
    """False-positive rate of a group over that of the reference group."""
    ppv_gap: Limit = Limit()
    """Positive predictive value of the reference group less that of a group."""
    ppv_ratio: Limit = Limit()
    """Positive predictive value of a group over that of the reference group."""
    accuracy_gap: Limit = Limit()
    """Accuracy of the reference group less that of a group."""
    auc_gap: Limit = Limit()
    """ROC AUC of the reference group less that of a group."""
    calibration_gap: Limit = Limit()
    """Mean score of a group less its share of positive labels."""
    demographic_parity_difference: Limit = Limit()
    """Largest gap in selection rate between any two groups."""
    demographic_parity_ratio: Limit = Limit()
    """Smallest ratio of the selection rates of any two groups."""
    equal_opportunity: Limit = Limit()
    """Largest gap in true-positive rate between any two groups."""
    equalised_odds: Limit = Limit()
    """Largest gap in true-positive rate or in false-positive rate between any two groups."""
    predictive_parity: Limit = Limit()
    """Largest gap in positive predictive value between any two groups."""

    def limit(self, measure: str) -> Limit:
        """The limit of a measure; without ends where there is none to set."""
        found = getattr(self, measure, None)
        return found if isinstance(found, Limit) else Limit()


class Labels(Section):
    """How complete the labels must be, for all rows and for every group."""

    max_coverage_drop: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.1
    """How much the share of labelled rows may fall below what nights had at the same age."""
    max_group_gap: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.1
    """How much further a group's share of labelled rows may lie below that of all rows than it usually does."""


class Checks(Section):
    """What is held against what."""

    performance: dict[MetricName, Tolerance] | None = None
    """Tolerance by metric; left out, the task's default."""
    drift: Drift = Drift()
    bias: Bias = Bias()
    labels: Labels = Labels()


def _option(value: object) -> object:
    # YAML reads true and 4 as what they are; Spark takes text.
    return str(value).lower() if isinstance(value, bool | int | float) else value


Option = Annotated[SecretStr, BeforeValidator(_option, json_schema_input_type=str | bool | int | float)]


class SparkCluster(Section):
    """A Spark cluster that counts the night's rows."""

    master: Annotated[str, Field(pattern=r"^(spark://\S+:\d+|k8s://\S+|yarn|local(\[\S+\])?)$")]
    """Its address, such as `spark://host:7077`."""
    options: dict[Annotated[str, Field(pattern=r"^spark\.\S+$")], Option] = {}
    """Spark's own settings, such as `spark.executor.memory: 4g`; their values are shown nowhere."""


class Engine(Section):
    """What counts a night's rows; the findings are the same."""

    spark: SparkCluster | None = None


def engine_of(value: object) -> object:
    """An engine as a section, also where it is just named `local`."""
    if isinstance(value, str) and value != "local":
        raise ValueError("write local, or spark: {master: spark://host:7077}")
    return {} if value == "local" else value
