"""The command that evaluates nights again whose labels came late or were corrected."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightproof.catalog import find_model, models_folder, suites_folder
from nightproof.errors import AlertError, NightError
from nightproof.night import Night

if TYPE_CHECKING:
    from nightproof.config import ModelConfig
    from nightproof.resources import Resources
    from nightproof.revise import Change, Revised

BAD = ("regression", "quarantined")


def revise(
    model: Annotated[str, typer.Argument(help="Name of the model, as in include/models/NAME.yaml.")],
    first: Annotated[str | None, typer.Option("--from", help="First night to look at, whatever its age.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last night to look at, whatever its age.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which nights are touched; evaluate none.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Leave the Evidently report out.")] = False,
    with_alerts: Annotated[bool, typer.Option("--alert", help="Tell Slack, as the nightly run does.")] = False,
    models: Annotated[Path | None, typer.Option("--models", help="Folder of configs; also NIGHTPROOF_MODELS.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines, one line a night.")] = False,
) -> None:
    """Evaluate nights again whose labels came late, were corrected or are final by now, a line each.

    Exits with 1 if a revision shows a regression or is quarantined, with 3 if a night could not be evaluated.
    """
    from nightproof.revise import changes
    from nightproof.revise import revise as revised_of

    folder = models or models_folder()
    config, now = find_model(model, folder), datetime.now(UTC)
    ends = _ends(first, last, config, now)
    resources = _resources(folder)
    opener, results = resources.open_store, resources.results(config)
    found = changes(config, results, open_store=opener, now=now, first=ends[0], last=ends[1])
    if dry_run:
        for change in found:
            _say({"model": model, **_what(change)}, as_json=as_json)
        return
    bad = failed = False
    for revised in revised_of(config, resources, found, left_out=["report"] if no_report else []):
        _say({"model": model, **_what(revised.change), **_came_to(revised)}, as_json=as_json)
        failed |= revised.error is not None
        bad |= revised.evaluation is not None and revised.evaluation.verdict.status in BAD
        if with_alerts and revised.evaluation is not None:
            failed |= not _told(revised, resources, folder)
    if failed or bad:
        raise typer.Exit(3 if failed else 1)


def _ends(first: str | None, last: str | None, config: ModelConfig, now: datetime) -> tuple[Night | None, Night | None]:
    delay = config.data.label_delay
    ends = Night.parse(first, delay) if first else None, Night.parse(last, delay) if last else None
    if ends[0] and ends[1] and ends[1] < ends[0]:
        raise NightError(f"The last night, {last}, is earlier than the first, {first}.")
    if ends[1] and ends[1].end > now:
        raise NightError(f"The night {last} is not over yet, so there is nothing to revise.")
    return ends


def _what(change: Change) -> dict[str, Any]:
    return {
        "night": str(change.night),
        "added": list(change.added),
        "replaced": list(change.replaced),
        "removed": list(change.removed),
        "matured": change.matured,
        "before": {"evaluation_id": change.entry.evaluation_id, "status": change.entry.status},
    }


def _came_to(revised: Revised) -> dict[str, Any]:
    before = _what(revised.change)["before"] | {"labelled": revised.labelled_before}
    found = revised.evaluation
    if found is None:
        return {"before": before, "status": "failed", "error": str(revised.error)}
    return {
        "before": before,
        "evaluation_id": found.id,
        "status": found.verdict.status,
        "labels": found.snapshot.labels,
        "labelled": revised.labelled,
        "is_new": revised.is_new,
        "incidents": [
            i.model_dump(include={"id", "event", "check", "metric", "segment", "cause"})
            for i in found.verdict.incidents
        ],
    }


def _say(line: dict[str, Any], *, as_json: bool) -> None:
    print(json.dumps(line) if as_json else _in_words(line), flush=True)


def _in_words(line: dict[str, Any]) -> str:
    counts = [(len(line[what]), what) for what in ("added", "replaced", "removed")]
    changed = [f"{count} {what}" for count, what in counts if count] + (["matured"] if line["matured"] else [])
    said = f"{line['night']}  {', '.join(changed)}: "
    before = line["before"]
    if "error" in line:
        return f"{said}{before['status']}, and could not be evaluated again: {line['error']}"
    if "status" not in line:
        return f"{said}{before['status']}, to be evaluated again"
    if not line["is_new"]:
        return f"{said}{line['status']}, on the same bytes as before"
    rows = " -> ".join("none" if n is None else f"{n:,}" for n in (before["labelled"], line["labelled"]))
    told = "".join(f"; {i['event']} {i['id']}: {i['cause']}" for i in line["incidents"])
    return f"{said}{before['status']} -> {line['status']} ({line['labels']}), labelled rows {rows}{told}"


def _told(revised: Revised, resources: Resources, folder: Path) -> bool:
    """Tell Slack of a revision; a refusal is said, and does not end the rest."""
    from nightproof.cli_alerts import tell_evaluation

    assert revised.evaluation is not None
    try:
        tell_evaluation(revised.evaluation, resources, folder)
    except AlertError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _resources(folder: Path) -> Resources:
    from nightproof.cache import Cache, default_folder
    from nightproof.resources import Resources

    return Resources(cache=Cache(default_folder()), suites=suites_folder(folder))
