"""The commands that show and keep the record: `report`, `card`, `prune` and `storage`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightproof.catalog import config_paths, find_model, models_folder, suites_folder
from nightproof.config import ModelConfig, load_config
from nightproof.errors import ConfigError, NightError, NightproofError
from nightproof.night import Night

if TYPE_CHECKING:
    from nightproof.audit import Pack
    from nightproof.prune import Pruned
    from nightproof.results import ModelResults

Model = Annotated[str, typer.Argument(help="Name of the model, as in include/models/NAME.yaml.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines, one line a result.")]


def report(
    model: Model,
    night: Annotated[str | None, typer.Option("--night", help="One night's Evidently report: its UTC day.")] = None,
    audit: Annotated[bool, typer.Option("--audit", help="The audit pack of a period, a zip.")] = False,
    first: Annotated[str | None, typer.Option("--from", help="First night of the audit, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last night of the audit, YYYY-MM-DD.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="File to write; named by default.")] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Write a night's Evidently report, or the audit pack of a period; exits with 1 if its record is not whole."""
    for option, value in (("--from", first), ("--to", last)):
        _check_night(value, option)
    if audit:
        _audit(model, night, first, last, output, models, as_json=as_json)
        return
    if night is None or first is not None or last is not None:
        raise typer.BadParameter(
            "give --night for one night's report, or --audit with --from and --to for the audit pack of a period.",
            param_hint="--night" if night is None else "--from / --to",
        )
    _night_report(model, night, output, models, as_json=as_json)


def _check_night(value: str | None, option: str) -> None:
    if value is None:
        return
    try:
        Night.parse(value)
    except NightError as error:
        file = " The file to write is named by --output." if "/" in value or "." in value else ""
        raise typer.BadParameter(f"{error}{file}", param_hint=option) from error


def _night_report(model: str, night: str, output: Path | None, models: Path | None, *, as_json: bool) -> None:
    import gzip

    from nightproof.prune import when_pruned

    config, results = _opened(model, models)
    entry = results.log.latest().get(str(Night.parse(night)))
    if entry is None:
        raise NightError(f"There is no evaluation of {model} for the night {night} in {config.results_url}.")
    packed = results.dossier(entry.night, entry.evaluation_id).find("report.html.gz")
    if packed is None:
        if (note := when_pruned(results, entry, "report.html.gz")) is not None:
            raise NightError(
                f"The report of {night} was pruned on {note.at[:10]}: {note.rule}. What it was drawn from may still "
                f"be there: nightproof report {model} --audit --from {night} --to {night}."
            )
        raise NightError(f"The evaluation {entry.evaluation_id} of {night} was made without a report.")
    path = output or Path(f"{config.model}-{entry.night}.html")
    _write(path, gzip.decompress(packed))
    told = {"model": config.model, "night": entry.night, "evaluation_id": entry.evaluation_id, "file": str(path)}
    print(json.dumps(told) if as_json else path)


def _audit(
    model: str,
    night: str | None,
    first: str | None,
    last: str | None,
    output: Path | None,
    models: Path | None,
    *,
    as_json: bool,
) -> None:
    if night is not None or first is None or last is None:
        problem = "an audit pack is of a period: give --from and --to, and no --night."
        raise typer.BadParameter(problem, param_hint="--audit")
    if first > last:
        raise NightError(f"The last night, {last}, is earlier than the first, {first}.")
    from nightproof.audit import make_pack

    config, results = _opened(model, models)
    pack = make_pack(config, results, first=date.fromisoformat(first), last=date.fromisoformat(last))
    path = output or Path(f"{pack.name}.zip")
    _write(path, pack.content)
    told = pack.to_json()
    print(json.dumps({**told, "file": str(path)}) if as_json else _pack_in_words(pack, path))
    if not told["whole"]:
        raise typer.Exit(1)


def _pack_in_words(pack: Pack, path: Path) -> str:
    from nightproof.words import counted, size

    period, told = pack.period, pack.to_json()
    lines = [
        f"{path}: {size(len(pack.content))}, {counted(len(pack.files), 'file')}",
        f"  {told['evaluated']} of {counted(told['nights'], 'night')} evaluated, "
        + counted(told["incidents"], "incident"),
    ]
    lines += [f"  not evaluated: {', '.join(period.missing[:10])}"] if period.missing else []
    lines += [f"  BROKEN: {problem}" for problem in period.problems[:5]]
    lines += [f"  and {len(period.problems) - 5} more"] if len(period.problems) > 5 else []
    lines += [f"  head {told['head']}"]
    return "\n".join(lines)


def card(
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write, .md or .html; Markdown to the screen by default.")
    ] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Write the model card: config, latest results by group, limits, incidents of 90 nights."""
    from nightproof.audit.card import NIGHTS, make_card
    from nightproof.audit.incidents import lives
    from nightproof.audit.page import card_html, card_markdown
    from nightproof.audit.period import read_period

    if output is not None and output.suffix not in (".md", ".html", ".json"):
        raise typer.BadParameter(f"{output} ends in none of .md, .html and .json.", param_hint="--output")
    config, results = _opened(model, models)
    known = results.log.latest()
    if not known:
        raise NightError(f"Nothing of {model} is published in {config.results_url}: evaluate a night first.")
    last = date.fromisoformat(max(known))
    period = read_period(config, results, first=last - timedelta(days=NIGHTS - 1), last=last)
    if not period.latest:
        raise NightError(f"No manifest of {model} in {config.results_url} can be read: run nightproof verify {model}.")
    made = make_card(period, lives(period, results))
    said = json.dumps(made.to_json(), ensure_ascii=False)
    if output is None:
        print(said if as_json else card_markdown(made))
        return
    pages = {".md": card_markdown(made).encode(), ".html": card_html(made), ".json": said.encode()}
    _write(output, pages[output.suffix])
    print(said if as_json else output)


def prune(
    model: Annotated[str | None, typer.Argument(help="Name of the model.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model of the folder.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Delete what `record.keep` no longer keeps; a note of it is published first, and the chain stays whole."""
    from nightproof.prune import prune as prune_model

    if (model is None) == (not every):
        raise typer.BadParameter("name a model, or give --all.", param_hint="MODEL")
    folder, failed = models or models_folder(), False
    for config in [find_model(model, folder)] if model else _readable(folder):
        try:
            found = prune_model(config, _results(config, models), now=datetime.now(UTC), dry_run=dry_run)
        except NightproofError as error:
            if model:
                raise
            failed = True
            print(f"{config.model}: {error}", file=sys.stderr)
            continue
        print(json.dumps(_pruned(config, found, dry_run)) if as_json else _in_words(config, found, dry_run), flush=True)
    if failed:
        raise typer.Exit(3)


def _readable(folder: Path) -> Sequence[ModelConfig]:
    configs = []
    for path in config_paths(folder):
        try:
            configs.append(load_config(path))
        except ConfigError as error:
            print(error, file=sys.stderr)
    return configs


def _pruned(config: ModelConfig, found: Pruned, dry_run: bool) -> dict[str, Any]:
    return {
        "model": config.model,
        "dry_run": dry_run,
        "rule": found.rule,
        "note": found.note,
        "files": [file.model_dump() for file in found.files],
        "leftovers": list(found.leftovers),
        "freed": dict(found.freed),
        "freed_bytes": found.freed_bytes,
        "locked": list(found.locked),
    }


def _in_words(config: ModelConfig, found: Pruned, dry_run: bool) -> str:
    from nightproof.words import counted, size

    would = "would delete" if dry_run else "deleted"
    objects = counted(len(found.files) + len(found.leftovers), "object")
    lines = [f"{config.model}: {would} {objects}, {size(found.freed_bytes)}"]
    lines += [f"  {kind}: {size(count)}" for kind, count in sorted(found.freed.items())]
    lines += [f"  rule: {found.rule or 'everything is kept for ever (record.keep)'}"]
    lines += [f"  note {found.note}" for _ in [0] if found.note is not None]
    if found.locked:
        stay = counted(len(found.locked), "file")
        lines.append(f"  {stay} that Object Lock holds, or the store refuses, stay: {found.locked[0]} and so on")
    return "\n".join(lines)


def storage(model: Model, models: Models = None, as_json: AsJson = False) -> None:
    """Say what a model's results take, by kind and per night, and what retention would free now."""
    from nightproof.storing import stored

    config, results = _opened(model, models)
    found = stored(config, results, now=datetime.now(UTC))
    print(json.dumps(found.to_json()) if as_json else found.in_words())


def _opened(model: str, models: Path | None) -> tuple[ModelConfig, ModelResults]:
    config = find_model(model, models or models_folder())
    return config, _results(config, models)


def _results(config: ModelConfig, models: Path | None) -> ModelResults:
    from nightproof.cache import Cache, default_folder
    from nightproof.resources import Resources

    suites = suites_folder(models or models_folder())
    return Resources(cache=Cache(default_folder()), suites=suites).results(config)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.", param_hint="--output") from error
