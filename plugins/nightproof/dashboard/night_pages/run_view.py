"""An Airflow run's night before it is published: how far it has come, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.source import Source
from nightproof.errors import NightError, ObjectMissing
from nightproof.night import Night
from nightproof.words import plain

STEPS = (
    ("pull", "snapshot.json", "Pin the night's objects"),
    ("validate", "validation.json", "Is the data fit to be judged?"),
    ("profile", "profile.parquet", "Count the rows"),
    ("decide", "verdict.json", "Check every family, and decide"),
    ("report", "report.html.gz", "Write the report"),
    ("publish", "manifest.json", "Seal the results, and add them to the chain"),
)
"""Each step with the file that it leaves."""


class StepLine(View):
    """One step of a run."""

    name: str
    """Of the Airflow task."""
    what: str
    done: bool


class RunView(View):
    """A run whose night is not published."""

    model: str
    run_id: str
    night: str | None
    """Null where the run's id does not say it."""
    said: str
    """What is known of it, in a sentence or two."""
    steps: tuple[StepLine, ...]
    due: datetime | None
    """When its labels are due; null where that is not known."""
    latest: str | None
    """The model's latest published night; null where there is none."""


def run_view(source: Source, model: str, run_id: str, night: str | None) -> RunView:
    """How far a run's night has come.

    Parameters
    ----------
    night
        The run's, as text; ``None`` where it is not known.
    """
    parsed = _parsed(source, model, night)
    done = _done(source, model, parsed) if parsed else {}
    config = source.config(model)
    return RunView(
        model=model,
        run_id=plain(run_id, 200),
        night=str(parsed) if parsed else None,
        said=_said(parsed, done),
        steps=tuple(StepLine(name=name, what=what, done=done.get(name, False)) for name, _, what in STEPS),
        due=parsed.matures_at if parsed and config else None,
        latest=_latest(source, model),
    )


def _parsed(source: Source, model: str, night: str | None) -> Night | None:
    config = source.config(model)
    try:
        if night is None:
            return None
        return Night.parse(night, config.data.label_delay) if config else Night.parse(night)
    except NightError:
        return None


def _done(source: Source, model: str, night: Night) -> dict[str, bool]:
    """Steps whose file is there, of the evaluation that came furthest."""
    results = source.results(model)
    below = f"{results.folder}{night}/"
    folders: dict[str, set[str]] = {}
    for stored in results.store.list(below):
        folder, _, name = stored.key.removeprefix(below).rpartition("/")
        folders.setdefault(folder, set()).add(name)
    files = max(folders.values(), key=len, default=set())
    reached = max((place for place, (_, file, _) in enumerate(STEPS) if file in files), default=-1)
    # What a step left out, or a quarantine, passed over is done all the same.
    return {name: place <= reached for place, (name, _, _) in enumerate(STEPS)}


def _said(night: Night | None, done: Mapping[str, bool]) -> str:
    if night is None:
        return "Airflow's run does not say which night it is of."
    coming = next((name for name, _, _ in STEPS if not done.get(name)), None)
    if coming is None:
        return f"The night of {night} is sealed; its entry in the chain comes next."
    if coming == "pull":
        return f"Nothing of the night of {night} is stored yet: its data and labels are waited for, then pulled."
    return f"The night of {night} is being evaluated, or its run ended early: the step {coming} comes next."


def _latest(source: Source, model: str) -> str | None:
    try:
        return source.row(model).night
    except ObjectMissing:
        return None
