"""READ THIS FIRST: what happens to one model in one night.

::

    pull ─► validate ─► profile ─► performance ┐
                 │                 drift       │
                 │                 bias        ├─► decide ─► report ─► publish ─► alert
                 │                 business    ┘     ▲
                 └── critical failure: quarantined ──┘

Each ``*_night`` below is one Airflow task, and :func:`evaluate` runs them all in this process. A
step reads what earlier steps left in the evaluation's dossier and leaves its own piece there,
once: repeating a step, on any worker, changes nothing. Tasks hand each other only a
:class:`Ticket`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from nightproof.causes import likely_causes
from nightproof.checks.bias import check_bias
from nightproof.checks.business import check_business
from nightproof.checks.drift import check_drift
from nightproof.checks.finding import Check, Finding, Findings
from nightproof.checks.labels import check_labels
from nightproof.checks.performance_family import check_performance_family
from nightproof.config import ModelConfig
from nightproof.decide import decide
from nightproof.dossier import Dossier, compress
from nightproof.engines import collect
from nightproof.errors import DataError
from nightproof.evaluation import Evaluation
from nightproof.expectations.data_docs import data_docs
from nightproof.expectations.suite import suite_path
from nightproof.history import History
from nightproof.known import history_of, name_among
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.past import Past
from nightproof.profiles import Profile
from nightproof.profiles.row_functions import row_functions
from nightproof.profiles.small_cells import without_small_cells
from nightproof.projections import fill_projections
from nightproof.publish import Sign, publish, seal
from nightproof.pull import files_of, pull
from nightproof.quarantine import quarantine
from nightproof.readings import Readings, readings
from nightproof.record import Record
from nightproof.report import render
from nightproof.resources import Resources
from nightproof.signatures import SigningKey
from nightproof.snapshot import Snapshot
from nightproof.validate import validate
from nightproof.validation import Validation
from nightproof.verdict import Cause, Verdict

Step = Literal["validate", "report"]
"""Steps that a caller may leave out; the record then says so."""

FAMILIES: Mapping[Check, Callable[..., list[Finding]]] = {
    "performance": check_performance_family,
    "drift": check_drift,
    "bias": check_bias,
    "business": check_business,
}
WINDOWED: Collection[Check] = ("performance", "bias", "business")
"""Families that also look at windows of several nights; drift is a question of tonight."""


def families_of(config: ModelConfig) -> list[Check]:
    """The families that a config asks for: `business` only where it has metrics of its own."""
    return [family for family in FAMILIES if family != "business" or config.metrics]


class Ticket(Record):
    """What a night's tasks hand each other: which evaluation they work on."""

    model: str
    night: str
    evaluation_id: str
    config: str
    """Fingerprint of the config that it was named by."""
    left_out: tuple[Step, ...] = ()


def evaluate(
    config: ModelConfig,
    night: Night,
    resources: Resources,
    *,
    left_out: Iterable[Step] = (),
    project: bool = True,
    now: datetime | None = None,
) -> Evaluation:
    """Evaluate one night, all steps but the alert, in this process.

    The same inputs are the same evaluation: one that is published already is read, not made anew. ``project`` is
    as for :func:`publish_night`, ``now`` as for :func:`~nightproof.pull.pull`.

    Raises
    ------
    DataError
        If there is nothing to evaluate, or the reference is wrong.
    StoreError
        If object storage fails.
    """
    ticket = pull_night(config, night, resources, left_out=left_out, now=now)
    if not is_published(config, ticket, resources):
        compute_night(config, ticket, resources)
    publish_night(config, ticket, resources, project=project)
    return read_evaluation(config, ticket, resources)


def compute_night(config: ModelConfig, ticket: Ticket, resources: Resources, *, history: History | None = None) -> None:
    """All steps between the pull and publishing, on the latest earlier nights or on those of ``history``."""
    validation = validate_night(config, ticket, resources)
    if validation.outcome != "quarantined":
        profile_night(config, ticket, resources)
    history = history or _history(config, ticket, resources)
    findings = [
        found
        for family in families_of(config)
        for found in check_night(config, ticket, resources, family=family, history=history)
    ]
    decide_night(config, ticket, resources, findings=findings, history=history)
    report_night(config, ticket, resources)


def pull_night(
    config: ModelConfig,
    night: Night,
    resources: Resources,
    *,
    left_out: Iterable[Step] = (),
    now: datetime | None = None,
) -> Ticket:
    """Pin the night's data, and name the evaluation by it; ``now`` is as for :func:`~nightproof.pull.pull`."""
    _sign(config, resources)  # a key that is missing is told now, not after the night's work
    snapshot = pull(config, night, open_store=resources.open_store, cache=resources.cache, now=now)
    steps = tuple(sorted(set(left_out)))
    text = _suite(config, resources) if "validate" not in steps else ""
    name = name_among(resources.results(config), snapshot, config, suite=text, left_out=steps)
    ticket = Ticket(model=config.model, night=str(night), evaluation_id=name, config=config.fingerprint, left_out=steps)
    dossier = _dossier(config, ticket, resources)
    dossier.write("snapshot.json", snapshot.to_bytes())
    if text:
        dossier.write("suite.json", text.encode("utf-8"))
    return ticket


def _suite(config: ModelConfig, resources: Resources) -> str:
    """Text of the config's suite; empty without one."""
    path = suite_path(config, resources.suites)
    return path.read_text("utf-8") if path and path.exists() else ""


def is_published(config: ModelConfig, ticket: Ticket, resources: Resources) -> bool:
    """Whether the evaluation has its manifest, so that nothing is left to do but to tell of it."""
    return _dossier(config, ticket, resources).find("manifest.json") is not None


def validate_night(config: ModelConfig, ticket: Ticket, resources: Resources) -> Validation:
    """Decide whether the night's rows may be evaluated."""
    dossier = _dossier(config, ticket, resources)
    if dossier.find("validation.json") is None:
        if "validate" in ticket.left_out:
            found = Validation(outcome="skipped", rows=0, labelled=0, expectations=(), engine="none")
        else:
            recorded = dossier.find("suite.json") or b""
            if recorded.decode("utf-8") != _suite(config, resources):
                raise DataError(
                    f"The suite {config.validate_.suite} has changed since the night {ticket.night} was pulled: "
                    "evaluate the night anew; in Airflow, clear its run from the task pull."
                )
            snapshot = _snapshot(dossier)
            files = files_of(snapshot, open_store=resources.open_store, cache=resources.cache)
            found = validate(config, _night(config, ticket), files, suites=resources.suites)
            if found.failed():
                page = data_docs(found, model=config.model, night=ticket.night)
                dossier.write("data_docs.html.gz", compress(page))
        dossier.write("validation.json", found.to_bytes())
    return _validation(dossier)


def profile_night(config: ModelConfig, ticket: Ticket, resources: Resources) -> Profile:
    """Count the night's rows, under the bins that its baseline fixes."""
    dossier, results = _dossier(config, ticket, resources), resources.results(config)
    snapshot = _snapshot(dossier)
    baseline = resources.baseline(config, snapshot)
    if dossier.find("profile.parquet") is None:
        files = files_of(snapshot, open_store=resources.open_store, cache=resources.cache)
        functions = row_functions(config)
        counted = collect(files.predictions, files.labels, baseline.spec, engine=config.engine, functions=functions)
        kept = without_small_cells(counted, least=config.checks.bias.min_group)
        dossier.write("profile.parquet", kept.to_bytes())
    return results.profile(ticket.night, ticket.evaluation_id, baseline.spec)


def check_night(
    config: ModelConfig, ticket: Ticket, resources: Resources, *, family: Check, history: History | None = None
) -> list[Finding]:
    """One family's findings: tonight's, and those of longer windows; none on a quarantined night."""
    dossier = _dossier(config, ticket, resources)
    if _validation(dossier).outcome == "quarantined":
        return []
    snapshot = _snapshot(dossier)
    baseline = resources.baseline(config, snapshot)
    tonight = profile_night(config, ticket, resources)
    check = FAMILIES[family]
    findings = check(tonight, baseline.profile, config, window=1)
    history = history or _history(config, ticket, resources)
    if family == "drift":
        findings += check_labels(tonight, history.usual(snapshot.labels, baseline), config)
    if family in WINDOWED:
        for window, nights in history.windows(config.windows, baseline, tonight):
            findings += check(nights, baseline.profile, config, window=window)
    return findings


def decide_night(
    config: ModelConfig,
    ticket: Ticket,
    resources: Resources,
    *,
    findings: Iterable[Finding],
    history: History | None = None,
) -> Verdict:
    """Settle the findings and the verdict."""
    dossier = _dossier(config, ticket, resources)
    if dossier.find("verdict.json") is None:
        history = history or _history(config, ticket, resources)
        snapshot, is_counted = _snapshot(dossier), _validation(dossier).outcome != "quarantined"
        rows = profile_night(config, ticket, resources).size() if is_counted else None
        past = history.past(config, snapshot, rows)
        if not is_counted:
            dossier.write("findings.json", Findings(()).to_bytes())
            verdict = _quarantined(config, ticket, resources, past)
        else:
            verdict = _settled(config, ticket, resources, findings=list(findings), history=history, past=past)
        dossier.write("verdict.json", verdict.to_bytes())
    return Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json"))


def _history(config: ModelConfig, ticket: Ticket, resources: Resources) -> History:
    return history_of(resources.results(config), _night(config, ticket), ticket.evaluation_id)


def _quarantined(config: ModelConfig, ticket: Ticket, resources: Resources, past: Past) -> Verdict:
    validation = _validation(_dossier(config, ticket, resources))
    return quarantine(validation, config=config, night=_night(config, ticket), past=past, left_out=ticket.left_out)


def _settled(
    config: ModelConfig,
    ticket: Ticket,
    resources: Resources,
    *,
    findings: Sequence[Finding],
    history: History,
    past: Past,
) -> Verdict:
    """Settle findings and leave them, with their readings, in the dossier."""
    dossier, night = _dossier(config, ticket, resources), _night(config, ticket)
    tonight = profile_night(config, ticket, resources)
    baseline = resources.baseline(config, _snapshot(dossier))
    version = next(iter(tonight.versions()), None)

    def explain(worst: Finding) -> tuple[Cause, ...]:
        nights = history.last(worst.window, baseline, tonight)
        new = past.new_version(version, night, worst.window)
        return likely_causes(nights, baseline.profile, findings, config=config, worst=worst, new_version=new)

    settle = partial(
        decide,
        findings,
        config=config,
        night=night,
        past=past,
        version=version,
        explain=explain,
        left_out=ticket.left_out,
    )
    settled, verdict = settle()
    raw = dossier.write("findings.json", Findings(settled).to_bytes())
    held = Findings.from_bytes(raw, name=dossier.url("findings.json")).all
    if held != settled:
        # Another run was first, and may have known other nights: the verdict is on its findings.
        _, verdict = settle(written=held)
    rows, labelled = tonight.size()
    found = Readings(
        night=ticket.night,
        version=version,
        rows=rows,
        labelled=labelled,
        troubled=tuple(dict.fromkeys(f for i in verdict.incidents if i.is_open for f in i.families)),
        all=readings(findings),
    )
    dossier.write("readings.json", found.to_bytes())
    return verdict


def report_night(config: ModelConfig, ticket: Ticket, resources: Resources) -> str | None:
    """Render the Evidently report; gives its URL, or ``None`` where it is left out."""
    dossier = _dossier(config, ticket, resources)
    if "report" in ticket.left_out:
        return None
    if dossier.find("report.html.gz") is None:
        rendered = render(read_evaluation(config, ticket, resources))
        dossier.write("report.json", rendered.json)
        dossier.write("report.html.gz", compress(rendered.html))
    return dossier.url("report.html.gz")


def publish_night(config: ModelConfig, ticket: Ticket, resources: Resources, *, project: bool = True) -> LogEntry:
    """Seal the evaluation, add it to the log, and bring what is made of the log up to it.

    Whoever publishes many nights in a row says ``project=False`` and calls
    :func:`~nightproof.projections.fill_projections` now and then.
    """
    entry = _sealed(config, ticket, resources)
    if project:
        fill_projections(config, resources)
    return entry


def _sealed(config: ModelConfig, ticket: Ticket, resources: Resources) -> LogEntry:
    dossier, log, sign = _dossier(config, ticket, resources), resources.results(config).log, _sign(config, resources)
    sealed = dossier.find("manifest.json")
    if sealed is not None:
        return seal(sealed, dossier=dossier, log=log, sign=sign)
    evaluation = read_evaluation(config, ticket, resources)
    baseline_files = resources.baseline_files(config, evaluation.baseline.id) if evaluation.baseline else {}
    return publish(evaluation, baseline_files=baseline_files, dossier=dossier, log=log, sign=sign)


def read_evaluation(config: ModelConfig, ticket: Ticket, resources: Resources) -> Evaluation:
    """Put an evaluation together from its dossier.

    Raises
    ------
    ObjectMissing
        If a step before this one has not left its piece.
    """
    dossier = _dossier(config, ticket, resources)
    snapshot, validation = _snapshot(dossier), _validation(dossier)
    quarantined = validation.outcome == "quarantined"
    return Evaluation(
        config=config,
        night=_night(config, ticket),
        id=ticket.evaluation_id,
        snapshot=snapshot,
        validation=validation,
        profile=None if quarantined else profile_night(config, ticket, resources),
        baseline=None if quarantined else resources.baseline(config, snapshot),
        findings=Findings.from_bytes(dossier.read("findings.json"), name=dossier.url("findings.json")).all,
        verdict=Verdict.from_bytes(dossier.read("verdict.json"), name=dossier.url("verdict.json")),
    )


def _dossier(config: ModelConfig, ticket: Ticket, resources: Resources) -> Dossier:
    return resources.results(config).dossier(ticket.night, ticket.evaluation_id)


def _sign(config: ModelConfig, resources: Resources) -> Sign | None:
    signing = config.record.sign
    return partial(resources.results(config).signatures.add, key=SigningKey.of(signing)) if signing else None


def _night(config: ModelConfig, ticket: Ticket) -> Night:
    return Night.parse(ticket.night, config.data.label_delay)


def _snapshot(dossier: Dossier) -> Snapshot:
    return Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))


def _validation(dossier: Dossier) -> Validation:
    return Validation.from_bytes(dossier.read("validation.json"), name=dossier.url("validation.json"))
