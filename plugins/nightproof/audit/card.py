"""The model card: what a model is, what it was accepted on, how it does, for whom, and what nobody knows of it.

Its sections are those of Mitchell et al. [1]_. All of it comes from the config and from published results; what
they do not say is said to be unknown, and never guessed.

References
----------
.. [1] M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, doi:10.1145/3287560.3287596.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nightproof.audit.incidents import Life
from nightproof.audit.period import Evaluated, Period
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.report.bias_groups import gather
from nightproof.report.bias_tables import rates, selection
from nightproof.sections import duration_text
from nightproof.words import METRICS, NONE, STATUS, counted, nights, number, percent

UNKNOWN = "unknown"
NIGHTS = 90
"""Nights back to which incidents are told."""


@dataclass(frozen=True)
class Score:
    """One metric, on the baseline and of late."""

    metric: str
    name: str
    baseline: str
    value: str
    tolerance: str
    status: str
    n: int | None


@dataclass(frozen=True)
class GroupTable:
    """Groups of one protected column, or pair."""

    column: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    errors: tuple[tuple[str, ...], ...]
    errors_header: tuple[str, ...]
    small: int
    rounded: bool


@dataclass(frozen=True)
class Card:
    """A model card, section by section; every value is text for people."""

    model: str
    night: str
    window: int
    details: tuple[tuple[str, str], ...]
    data: tuple[tuple[str, str], ...]
    features: tuple[tuple[str, str, str], ...]
    scores: tuple[Score, ...]
    groups: tuple[GroupTable, ...]
    limits: tuple[str, ...]
    incidents: tuple[tuple[str, str, str, str], ...]
    monitoring: tuple[tuple[str, str], ...]
    record: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def make_card(period: Period, lives: Sequence[Life]) -> Card:
    """The card as of the last evaluated night of a period.

    Parameters
    ----------
    period
        Of at least one evaluated night.
    lives
        Its incidents.
    """
    latest = list(period.latest.values())[-1]
    # The card tells of the last night that could be evaluated: a quarantined one has no numbers.
    told = next((e for e in reversed(period.latest.values()) if e.findings), latest)
    config, found = period.config_then, told.findings or ()
    window = max((f.window for f in found), default=1)
    return Card(
        model=config.model,
        night=told.night,
        window=window,
        details=_details(config, told),
        data=_data(config, told, period),
        features=_features(config),
        scores=tuple(_scores(config, found, window)),
        groups=tuple(group_tables(found)),
        limits=tuple(_limits(config, latest, told, window)),
        incidents=tuple((life.opened, life.ended or "open", life.subject, _last(life)) for life in lives),
        monitoring=_monitoring(config),
        record=_record(latest, period),
    )


def _details(config: ModelConfig, told: Evaluated) -> tuple[tuple[str, str], ...]:
    column = config.columns.model_version
    versions = [f.segment.get(column or "") for f in told.findings or () if column and column in f.segment]
    version = ", ".join(dict.fromkeys(v for v in versions if v)) or _version(told) or UNKNOWN
    return (
        ("Purpose", config.description or UNKNOWN),
        ("Owner", config.owner),
        ("Cost center", config.cost_center or UNKNOWN),
        ("Task", config.task),
        ("Version of the model", version if column else f"{UNKNOWN}: no columns.model_version is configured"),
        ("Tags", ", ".join(config.tags) or "none"),
        ("Intended users, out-of-scope uses, licence, training data", f"{UNKNOWN} to the monitoring: ask the owner"),
    )


def _version(told: Evaluated) -> str | None:
    import json

    raw = told.readings_raw
    return json.loads(raw).get("version") if raw is not None else None


def _data(config: ModelConfig, told: Evaluated, period: Period) -> tuple[tuple[str, str], ...]:
    manifest, snapshot = told.manifest, told.snapshot
    known = [e.manifest for e in period.latest.values() if e.manifest.rows]
    coverage = [m.labelled / m.rows for m in known if m.rows and m.labelled is not None]
    reference = snapshot.of("reference") if snapshot else ()
    return (
        ("Evaluation data", f"{config.data.predictions}, a UTC day a night"),
        ("Labels", config.data.labels or "a column of the predictions"),
        ("Rows of the night", UNKNOWN if manifest.rows is None else f"{manifest.rows:,}"),
        ("Label coverage", f"median {percent(sorted(coverage)[len(coverage) // 2])}" if coverage else UNKNOWN),
        ("Labels are due", f"{duration_text(config.data.label_delay)} after the night's end"),
        ("Labels are final", f"{duration_text(config.data.matures_after)} after the night's end"),
        ("Baseline", f"{counted(len(reference), 'object')} in {config.data.reference}" if reference else UNKNOWN),
        ("Baseline id", manifest.baseline_id or UNKNOWN),
    )


def _features(config: ModelConfig) -> tuple[tuple[str, str, str], ...]:
    columns = config.columns
    kinds = [
        *((n, "number") for n in columns.features.numeric),
        *((n, "category") for n in columns.features.categorical),
    ]
    found = [(name, kind, "protected" if name in columns.protected else "") for name, kind in kinds]
    found += [(name, "not a feature", "protected") for name in columns.protected if name not in dict(kinds)]
    return tuple(found) if kinds else (*found, ("every other column of the reference", "by its type", ""))


def _scores(config: ModelConfig, found: Sequence[Finding], window: int) -> list[Score]:
    own = [f for f in found if f.check == "performance" and not f.segment and f.metric in METRICS]
    best: dict[str, Finding] = {}
    for f in sorted(own, key=lambda f: f.window):
        if f.window <= window and not f.metric.startswith(("change", "backtest_", "slice_")):
            best[f.metric] = f
    held = set(config.tolerances)
    ordered = sorted(best.values(), key=lambda f: (f.metric not in held, list(METRICS).index(f.metric)))
    return [_score(f, config) for f in ordered]


def _score(f: Finding, config: ModelConfig) -> Score:
    tolerance = config.tolerances.get(f.metric)  # type: ignore[call-overload]
    words = "not held"
    if tolerance is not None:
        words = f"may {'drop' if tolerance.max_drop is not None else 'rise'} by {tolerance.value:g}"
    told = f"{number(f.value)} {_interval(f.interval)}" if f.value is not None else f"{UNKNOWN}: {f.reason}"
    return Score(
        metric=f.metric,
        name=METRICS[f.metric],
        baseline=number(f.baseline) if f.baseline is not None else UNKNOWN,
        value=f"{told} through {nights(f.window)}",
        tolerance=words,
        status=STATUS[f.status] if tolerance is not None else NONE,
        n=f.n,
    )


def _interval(ends: tuple[float, float] | None) -> str:
    return "(no interval)" if ends is None else f"({number(ends[0])} to {number(ends[1])})"


def group_tables(found: Sequence[Finding], *, most: int = 60) -> list[GroupTable]:
    """Groups of each protected column and pair, through the longest window; small ones are only counted."""
    bias = [f for f in found if f.check == "bias"]
    tables = []
    for names in dict.fromkeys(tuple(f.segment) for f in bias if f.segment):
        windows = gather(bias, names, reference=_reference(bias, names))
        if not windows:
            continue
        column = windows[max(windows)]
        groups = column.worst(most)
        told, errors = selection(groups), rates(groups)
        tables.append(
            GroupTable(
                column=" × ".join(names),
                header=told.header,
                rows=told.rows,
                errors_header=errors.header,
                errors=errors.rows,
                small=len(column.small),
                rounded=any(" ≈" in row[0] for row in told.rows),
            )
        )
    return tables


def _reference(bias: Sequence[Finding], names: tuple[str, ...]) -> tuple[str, ...]:
    """The group that the others are held beside: it alone has rates and no ratio."""
    metrics: dict[tuple[str, ...], set[str]] = {}
    for f in bias:
        if tuple(f.segment) == names:
            metrics.setdefault(tuple(f.segment.values()), set()).add(f.metric)
    return next((key for key, own in metrics.items() if "selection_rate" in own and "impact_ratio" not in own), ())


def _limits(config: ModelConfig, latest: Evaluated, told: Evaluated, window: int) -> list[str]:
    limits = []
    if latest is not told:
        limits.append(
            f"The last night, {latest.night}, has no findings ({latest.manifest.status}): shown is {told.night}."
        )
    found = [f for f in told.findings or () if f.window == window]
    left = [f for f in found if f.status == "insufficient_data"]
    if left:
        subjects = ", ".join(dict.fromkeys(METRICS.get(f.metric, f.metric) for f in left))
        limits.append(
            f"Too little data left {counted(len(left), 'finding')} open through {nights(window)}: {subjects}."
        )
    small = sum(table.small for table in group_tables(told.findings or ()))
    if small:
        limits.append(
            f"{counted(small, 'group')} of fewer than {config.checks.bias.min_group} labelled rows "
            f"{'is' if small == 1 else 'are'} neither judged nor shown."
        )
    verdict = latest.verdict
    if verdict and verdict.blind_nights:
        limits.append(f"Blind for {counted(verdict.blind_nights, 'night')}: too little data to tell anything.")
    if verdict and verdict.steps_left_out:
        limits.append(f"Left out on request: {', '.join(verdict.steps_left_out)}.")
    if not config.columns.protected:
        limits.append("No protected column is configured: nothing is known about bias.")
    limits.append("A group that no column tells apart cannot be looked at. A cause is a likelihood, not a proof.")
    return limits


def _last(life: Life) -> str:
    told = sum(message.how == "told" for message in life.messages)
    muted = sum(message.how == "muted" for message in life.messages)
    said = [f"{counted(told, 'message')} sent" if told else "nobody was told", *([f"{muted} muted"] if muted else [])]
    return f"{life.causes[0] if life.causes else 'cause unknown'}; {', '.join(said)}"


def _monitoring(config: ModelConfig) -> tuple[tuple[str, str], ...]:
    alerts, keep = config.alerts, config.record.keep
    kept = [(kind, getattr(keep, kind)) for kind in ("reports", "findings", "profiles")]
    return (
        (
            "Evaluated",
            f"{config.schedule} (cron, UTC), each night and through {', '.join(map(str, config.windows))} nights",
        ),
        ("False alarms accepted", str(alerts.false_alarms)),
        ("Told in", alerts.slack.channel if alerts.slack else "no Slack channel"),
        ("Validation suite", config.validate_.suite or "the contract that the config implies, and no other"),
        ("Retention", "; ".join(f"{kind} {duration_text(age) if age else 'for ever'}" for kind, age in kept)),
        (
            "Object Lock",
            f"{config.record.lock.mode}, {duration_text(config.record.lock.retain)}" if config.record.lock else "none",
        ),
        ("Signatures", "Ed25519 on every link" if config.record.sign else "none"),
        ("Why these tolerances", f"{UNKNOWN}: the config holds numbers, not reasons; ask the owner"),
    )


def _record(latest: Evaluated, period: Period) -> tuple[tuple[str, str], ...]:
    head = period.head
    versions = ", ".join(f"{name} {version}" for name, version in latest.manifest.environment.items())
    return (
        ("Night", latest.night),
        ("Evaluation", latest.entry.evaluation_id),
        ("Published", latest.manifest.evaluated_at),
        ("Manifest SHA-256", latest.entry.manifest_sha256),
        ("Entry of the log", str(latest.entry.number)),
        ("Head of the log", f"{head[0]}:{head[1]}" if head else UNKNOWN),
        ("Code and libraries", versions),
    )
