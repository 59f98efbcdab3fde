"""One night in depth: the verdict and why, every finding, what was known when, and how all of it can be proved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import yaml
from pydantic import ValidationError

from nightproof.config import ModelConfig
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.night_pages.chain_view import ChainCheck, ChainView, chain_view, check
from nightproof.dashboard.night_pages.findings_table import FindingsQuery, FindingsView, findings_view, harms_of
from nightproof.dashboard.night_pages.known_when import EvaluationLine, known_when
from nightproof.dashboard.night_pages.night_belief import Belief, IncidentTold, belief, incidents_told, labels_until
from nightproof.dashboard.night_pages.night_record import Found, Papers
from nightproof.dashboard.past_nights import PastNights
from nightproof.dashboard.source import Source
from nightproof.errors import ObjectMissing
from nightproof.manifest import Manifest
from nightproof.snapshot import LabelState, PinnedObject
from nightproof.validation import Expectation
from nightproof.verdict import VerdictStatus

OBJECTS = 200
"""Objects of a snapshot that are listed; the file has them all."""
REPORTS = {"report": ("Evidently report", "report.html.gz"), "data-docs": ("Data Docs", "data_docs.html.gz")}


class ReportLine(View):
    """A page that the night left."""

    name: str
    """In addresses: `report` or `data-docs`."""
    title: str
    size: int | None
    """Bytes, packed; null where there is none."""
    without: str
    """Why there is none, in a sentence; empty where there is one."""


class ValidationTold(View):
    """Whether the night's data was fit to be judged."""

    outcome: str
    said: str
    rows: int
    labelled: int
    engine: str
    failed: tuple[Expectation, ...]
    passed: tuple[Expectation, ...]


class FileLine(View):
    """A file that the manifest names."""

    name: str
    size: int
    sha256: str
    without: str
    """Why it is gone, in a sentence; empty where it is there."""
    download: bool
    """Whether it can be had here, as it was published."""


class Command(View):
    """Something to paste into a terminal."""

    what: str
    line: str


class RecordTold(View):
    """What the night was made of, and how it is proved and repeated."""

    location: str
    objects: tuple[PinnedObject, ...]
    more_objects: int
    """Of the snapshot, beyond those listed."""
    pinned_by: str
    baseline_id: str | None
    files: tuple[FileLine, ...]
    environment: dict[str, str]
    config: dict[str, Any]
    """The model's config as it was, defaults filled in."""
    chain: ChainView
    check: ChainCheck | None
    """Null until it is asked for (`?check=1`)."""
    commands: tuple[Command, ...]

    @property
    def config_yaml(self) -> str:
        """The config as people write it."""
        return yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True, width=100)


class NightView(View):
    """One evaluation of one night."""

    model: str
    night: str
    evaluation_id: str
    status: VerdictStatus
    headline: str
    evaluated_at: str
    known_at: str
    """UTC instant at which its data was listed; empty in records of the first versions."""
    labels: LabelState
    labels_until: datetime | None
    """Until when labels may come; null where they are final, or that is not known."""
    rows: int | None
    labelled: int | None
    version: str | None
    """The model's version; null where no column tells, or the night was evaluated again since."""
    counts: dict[str, int]
    """Findings by status, as the verdict has them."""
    owner: str
    description: str
    previous: str | None
    next: str | None
    """Nights beside it that were evaluated."""
    latest: str
    """Id of the night's last evaluation."""
    incidents: tuple[IncidentTold, ...]
    belief: Belief
    findings: FindingsView
    evaluations: tuple[EvaluationLine, ...]
    evaluations_in_all: int
    reports: tuple[ReportLine, ...]
    validation: ValidationTold
    record: RecordTold
    torn: tuple[str, ...]
    """Files that are not what the chain says was published."""
    features: tuple[str, ...]
    """Columns that have a page of their own."""


def night_view(
    source: Source, found: Found, papers: Papers, query: FindingsQuery, *, at: datetime, checked: bool = False
) -> NightView:
    """A night's page.

    Parameters
    ----------
    found, papers
        The evaluation, and what it left.
    query
        Which findings are asked for.
    at
        Now, in UTC.
    checked
        Whether the evaluation's bytes are to be held against the chain.
    """
    manifest, verdict, model = papers.manifest, papers.verdict, found.results.model
    config, harms = config_of(manifest), harms_of(manifest.config)
    past = _past(source, model)
    line = past.line(manifest.night) if past else None
    previous, following = beside(past, manifest.night) if past else (None, None)
    chain = chain_view(found)
    record = _record(found, papers, chain, check(found, papers, source.config(model), at=at) if checked else None)
    counts = {"regression": verdict.regressions, "watch": verdict.watches, "insufficient_data": verdict.insufficient}
    return NightView(
        model=model,
        night=manifest.night,
        evaluation_id=manifest.evaluation_id,
        status=verdict.status,
        headline=verdict.headline,
        evaluated_at=manifest.evaluated_at,
        known_at=manifest.known_at,
        labels=manifest.labels,
        labels_until=labels_until(manifest.night, config) if manifest.labels == "provisional" else None,
        rows=manifest.rows,
        labelled=manifest.labelled,
        version=line.version if line and line.evaluation_id == manifest.evaluation_id else None,
        counts=counts | {"findings": verdict.findings},
        owner=config.owner if config else "",
        description=config.description if config else "",
        previous=previous,
        next=following,
        latest=found.latest.evaluation_id,
        incidents=incidents_told(papers, source.place(model), config, harms),
        belief=belief(papers, config, harms),
        findings=findings_view(papers.findings, query, without=papers.without, harms=harms),
        evaluations=known_when(found, papers),
        evaluations_in_all=len(found.every),
        reports=tuple(_report(papers, name) for name in REPORTS),
        validation=_validation(papers),
        record=record,
        torn=papers.torn,
        features=tuple(sorted({f.column for f in papers.findings or () if f.metric == "psi" and f.column})),
    )


def config_of(manifest: Manifest) -> ModelConfig | None:
    """The config of an evaluation; ``None`` where this version can no longer read it."""
    try:
        return ModelConfig.model_validate(manifest.config)
    except ValidationError:
        return None


def beside(past: PastNights, night: str) -> tuple[str | None, str | None]:
    """The nights before and after one that were evaluated, however far away; few months are read for it."""
    months = sorted(past.row.months)
    before = after = None
    for month in reversed([name for name in months if name <= night[:7]]):
        if nights := [line.night for line in past.lines(f"{month}-01", f"{month}-31") if line.night < night]:
            before = nights[-1]
            break
    for month in [name for name in months if name >= night[:7]]:
        if nights := [line.night for line in past.lines(f"{month}-01", f"{month}-31") if line.night > night]:
            after = nights[0]
            break
    return before, after


def _past(source: Source, model: str) -> PastNights | None:
    """The model's past nights; ``None`` where it is not on the board."""
    try:
        return source.nights(model)
    except ObjectMissing:
        return None


def _report(papers: Papers, name: str) -> ReportLine:
    title, file = REPORTS[name]
    return ReportLine(name=name, title=title, size=papers.there.get(file), without=_without(papers, name, file))


def _without(papers: Papers, name: str, file: str) -> str:
    if file in papers.there:
        return ""
    if file in papers.manifest.files:
        return papers.gone(file)
    left_out = papers.verdict.steps_left_out
    if name == "report":
        return "It was left out when the night was evaluated." if "report" in left_out else "None was made."
    if "validate" in left_out:
        return "Validation was left out when the night was evaluated."
    if not papers.validation.failed():
        return "There are none: they are made where an expectation fails, and none did."
    return "None were made."


_OUTCOMES = {
    "passed": "Every expectation of the data holds.",
    "warned": "Some expectations do not hold; none of them is critical, so the night was evaluated.",
    "quarantined": "A critical expectation does not hold: the night is quarantined, and nothing was computed on it.",
    "skipped": "Validation was left out: nobody looked whether the data was fit to be judged.",
}
_WORST = {"critical": 0, "warning": 1, "info": 2}


def _validation(papers: Papers) -> ValidationTold:
    found = papers.validation
    return ValidationTold(
        outcome=found.outcome,
        said=_OUTCOMES[found.outcome],
        rows=found.rows,
        labelled=found.labelled,
        engine=found.engine,
        failed=tuple(sorted(found.failed(), key=lambda e: _WORST[e.severity])),
        passed=tuple(e for e in found.expectations if e.success),
    )


def _record(found: Found, papers: Papers, chain: ChainView, checked: ChainCheck | None) -> RecordTold:
    manifest, objects = papers.manifest, papers.snapshot.objects
    return RecordTold(
        location=found.results.store.url(found.folder),
        objects=objects[:OBJECTS],
        more_objects=max(0, len(objects) - OBJECTS),
        pinned_by=manifest.data_pinned_by,
        baseline_id=manifest.baseline_id,
        files=tuple(
            FileLine(
                name=name,
                size=stored.size,
                sha256=stored.sha256,
                without=papers.gone(name),
                download=name in DOWNLOADS and name in papers.there,
            )
            for name, stored in sorted(manifest.files.items())
        ),
        environment=manifest.environment,
        config=manifest.config,
        chain=chain,
        check=checked,
        commands=tuple(_commands(manifest, chain, found)),
    )


DOWNLOADS = (
    "findings.json",
    "readings.json",
    "snapshot.json",
    "validation.json",
    "verdict.json",
    "manifest.json",
)
"""Files that can be downloaded as they were published."""


def _commands(manifest: Manifest, chain: ChainView, found: Found) -> list[Command]:
    model, night = manifest.model, manifest.night
    exactly = f" --evaluation {manifest.evaluation_id}" if len(found.every) > 1 else ""
    return [
        Command(
            what="Is the record as it was published, and does the chain still contain this night?",
            line=f"nightproof verify {model} --head {chain.number}:{chain.sha256}",
        ),
        Command(
            what="Compute the night again from its pinned data, and compare every number bit for bit",
            line=f"nightproof reproduce {model} --night {night}{exactly}",
        ),
        Command(what="Fetch the report as a page", line=f"nightproof report {model} --night {night}"),
        Command(
            what="One bundle for an auditor",
            line=f"nightproof report {model} --audit --from {night} --to {night}",
        ),
    ]


def findings_of(papers: Papers, query: FindingsQuery) -> FindingsView:
    """The findings of an evaluation alone."""
    harms: Mapping[str, str] = harms_of(papers.manifest.config)
    return findings_view(papers.findings, query, without=papers.without, harms=harms)
