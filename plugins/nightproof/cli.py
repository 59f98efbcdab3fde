"""The command line: the same pipeline without Airflow.

Exit codes: 0 all is fine; 1 a regression or a quarantined night, where the command asks about
that; 2 bad usage or bad config; 3 the night could not be evaluated (data or storage).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightproof.catalog import config_paths, find_model, models_folder, suites_folder
from nightproof.cli_alerts import alert, digest, tell_evaluation
from nightproof.cli_audit import card, prune, report, storage
from nightproof.cli_board import board
from nightproof.cli_chain import key_warnings, keygen, verify
from nightproof.cli_holdout import holdout
from nightproof.cli_policy import replay_policy
from nightproof.cli_reproduce import reproduce
from nightproof.cli_revise import revise
from nightproof.cli_table import table
from nightproof.cli_ui import ui
from nightproof.config import ModelConfig, json_schema, load_config
from nightproof.errors import AlertError, ConfigError, Fault, NightError, NightproofError
from nightproof.night import Night, nights_between

if TYPE_CHECKING:
    from nightproof.evaluation import Evaluation
    from nightproof.pipeline import Step
    from nightproof.resources import Resources
    from nightproof.results import ModelResults
    from nightproof.verdict import Incident

app = typer.Typer(
    help="Nightly proof that every deployed model is still as good as you said.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = Annotated[str, typer.Argument(help="Name of the model, as in include/models/NAME.yaml.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines, one line a result.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Leave the Evidently report out; the record says so.")]
NoValidate = Annotated[bool, typer.Option("--no-validate", help="Leave validation out; the record says so.")]
PROJECTED_EVERY = 50
"""Nights of a replay that go on the board and into the metrics table at a time."""
_MARKS = {"ok": "ok ", "watch": "~  ", "regression": "!! ", "insufficient_data": "?  ", "quarantined": "XX "}


@app.command("check-config")
def check_config(
    names: Annotated[list[str] | None, typer.Argument(help="Models or files; all of the folder by default.")] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Say everything that is wrong with model configs and their suites."""
    folder = models or models_folder()
    paths = [Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml" for name in names or []]
    faulty = not _check_fleet(folder, as_json=as_json)
    for path in paths or config_paths(folder):
        try:
            config = _checked(path, suites_folder(folder))
        except ConfigError as error:
            faulty = True
            _say_faults(path, error, as_json=as_json)
        else:
            _say_fine(path, config, as_json=as_json)
    if not paths and not config_paths(folder):
        raise ConfigError(str(folder), [Fault(None, "", None, "there is no .yaml file in this folder")])
    if faulty:
        raise typer.Exit(2)


def _checked(path: Path, suites: Path) -> ModelConfig:
    from nightproof.validate import check_suite

    config = load_config(path)
    faults = check_suite(config, suites)
    if config.metrics:
        from nightproof.profiles.row_functions import function_faults

        faults = [*faults, *function_faults(config)]
    if config.alerts.notifiers:
        # Airflow is imported only where a config asks for one of its classes.
        from nightproof.operators.notifiers import notifier_faults

        faults = [*faults, *notifier_faults(config)]
    if faults:
        raise ConfigError(str(path), faults)
    return config


def _check_fleet(folder: Path, *, as_json: bool) -> bool:
    from nightproof.fleet import fleet_path, read_fleet

    try:
        read_fleet(folder)
    except ConfigError as error:
        _say_faults(fleet_path(folder), error, as_json=as_json)
        return False
    return True


def _say_fine(path: Path, config: ModelConfig, *, as_json: bool) -> None:
    from nightproof.mute import mute_warnings

    warnings = [*mute_warnings(config, datetime.now(UTC).date()), *key_warnings(config)]
    if as_json:
        said = {"warnings": warnings} if warnings else {}
        _say({"file": str(path), "model": config.model, "faults": [], **said})
        return
    _say(f"{path}: fine")
    for warning in warnings:
        print(f"{path}: warning: {warning}", file=sys.stderr)


def _say_faults(path: Path, error: ConfigError, *, as_json: bool) -> None:
    if as_json:
        _say({"file": str(path), "model": path.stem, "faults": [vars(fault) for fault in error.faults]})
    else:
        print(error, file=sys.stderr)


@app.command()
def schema(
    fleet: Annotated[bool, typer.Option("--fleet", help="Of include/fleet.yaml, not of a model.")] = False,
) -> None:
    """Print the JSON Schema of a model's config, or of the fleet's, for editors."""
    from nightproof.fleet import json_schema as fleet_schema

    print(json.dumps(fleet_schema() if fleet else json_schema(), indent=2))


@app.command()
def evaluate(
    model: Model,
    night: Annotated[str, typer.Option("--night", help="The UTC day to evaluate, YYYY-MM-DD.")],
    no_report: NoReport = False,
    no_validate: NoValidate = False,
    no_alert: Annotated[bool, typer.Option("--no-alert", help="Do not tell Slack.")] = False,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate one night; exits with 1 on a regression or a quarantined night."""
    config, chosen = _chosen(model, night, night, models)
    evaluation = _run(config, next(chosen), models, no_report=no_report, no_validate=no_validate)
    line = _line(evaluation)
    # Before Slack: what it does not take must not hide the verdict.
    _say(line if as_json else _in_words(line))
    if not no_alert:
        folder = models or models_folder()
        tell_evaluation(evaluation, _resources(suites_folder(folder)), folder)
    if line["status"] in ("regression", "quarantined"):
        raise typer.Exit(1)


@app.command()
def replay(
    model: Model,
    first: Annotated[str, typer.Option("--from", help="First night, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="Last night, YYYY-MM-DD.")],
    no_report: NoReport = False,
    no_validate: NoValidate = False,
    with_alerts: Annotated[bool, typer.Option("--alert", help="Tell Slack, as the nightly run does.")] = False,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="YAML with other `checks` or `alerts`: what would it have paged? Reads only."),
    ] = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a stretch of nights in order, a line each; a night that fails does not end it."""
    if policy is not None:
        config, _ = _chosen(model, first, last, models)
        replay_policy(config, policy, first=first, last=last, results=_results_of(config, models), as_json=as_json)
        return
    from nightproof.ahead import ahead
    from nightproof.cache import default_folder

    config, nights = _chosen(model, first, last, models)
    suites, left_out = suites_folder(models or models_folder()), _left_out(no_report, no_validate)
    failed = False
    coming = ahead(config, list(nights), cache=default_folder(), suites=suites, left_out=left_out)
    for count, night in enumerate(coming, 1):
        if count % PROJECTED_EVERY == 0:
            _project(config, models)
        try:
            # A commit a night would be slow, and leave as many small files.
            evaluation = _run(config, night, models, no_report=no_report, no_validate=no_validate, project=False)
        except ConfigError:
            raise
        except NightproofError as error:
            failed = True
            line = {"model": model, "night": str(night), "status": "failed", "error": str(error)}
            _say(line if as_json else _in_words(line))
            continue
        line = _line(evaluation)
        _say(line if as_json else _in_words(line))
        if with_alerts:
            failed |= not _told(evaluation, suites, models or models_folder())
    _project(config, models)
    if failed:
        raise typer.Exit(3)


def _chosen(model: str, first: str, last: str, models: Path | None) -> tuple[ModelConfig, Iterator[Night]]:
    config = find_model(model, models or models_folder())
    delay = config.data.label_delay
    nights = nights_between(Night.parse(first, delay), Night.parse(last, delay))
    if Night.parse(last, delay).end > datetime.now(UTC):
        raise NightError(f"The night {last} is not over yet, so it cannot be evaluated.")
    return config, nights


def _run(
    config: ModelConfig,
    night: Night,
    models: Path | None,
    *,
    no_report: bool,
    no_validate: bool,
    project: bool = True,
) -> Evaluation:
    # polars, scipy and boto3 are not needed to print a help text.
    from nightproof.pipeline import evaluate as evaluate_night

    resources = _resources(suites_folder(models or models_folder()))
    left_out = _left_out(no_report, no_validate)
    return evaluate_night(config, night, resources, left_out=left_out, project=project)


def _project(config: ModelConfig, models: Path | None) -> None:
    from nightproof.projections import fill_projections

    fill_projections(config, _resources(suites_folder(models or models_folder())))


def _results_of(config: ModelConfig, models: Path | None) -> ModelResults:
    return _resources(suites_folder(models or models_folder())).results(config)


def _line(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "model": evaluation.config.model,
        "night": str(evaluation.night),
        "evaluation_id": evaluation.id,
        "status": evaluation.verdict.status,
        "findings": len(evaluation.findings),
        "incidents": [_incident(found, evaluation.config) for found in evaluation.verdict.incidents],
    }


def _incident(incident: Incident, config: ModelConfig) -> dict[str, Any]:
    from nightproof.mute import find_mute

    mute = find_mute(config.alerts.mute, incident, datetime.now(UTC).date())
    line = incident.model_dump(include={"id", "event", "check", "metric", "segment", "cause"})
    return line | ({"muted": mute.model_dump(mode="json", include={"until", "reason"})} if mute else {})


def _left_out(no_report: bool, no_validate: bool) -> list[Step]:
    steps: list[tuple[Step, bool]] = [("report", no_report), ("validate", no_validate)]
    return [step for step, out in steps if out]


app.command()(report)
app.command()(card)
app.command()(prune)
app.command()(storage)
app.command()(alert)
app.command()(digest)
app.add_typer(holdout, name="holdout")
app.command()(reproduce)
app.add_typer(table, name="table")
app.command()(board)
app.command()(ui)
app.command()(revise)
app.command()(verify)
app.command()(keygen)


@app.command()
def version() -> None:
    """Print the version of the package and of its source."""
    from nightproof.evaluation import code_version

    print(code_version())


def main() -> None:
    """Run the command line; errors raised on purpose become a message and an exit code."""
    try:
        app(prog_name="nightproof")
    except (ConfigError, NightError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except NightproofError as error:
        print(error, file=sys.stderr)
        sys.exit(3)


def _resources(suites: Path) -> Resources:
    from nightproof.cache import Cache, default_folder
    from nightproof.resources import Resources

    if suites not in _OPENED:
        _OPENED[suites] = Resources(cache=Cache(default_folder()), suites=suites)
    return _OPENED[suites]


_OPENED: dict[Path, Resources] = {}


def _told(evaluation: Evaluation, suites: Path, folder: Path) -> bool:
    """Tell Slack of one of many nights; a refusal is said, and does not end the rest."""
    try:
        tell_evaluation(evaluation, _resources(suites), folder)
    except AlertError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _say(line: dict[str, Any] | str) -> None:
    print(line if isinstance(line, str) else json.dumps(line), flush=True)


def _in_words(line: dict[str, Any]) -> str:
    if "error" in line:
        return f"XX {line['night']}  failed: {line['error']}"
    told = "; ".join(f"{i['event']}: {i['cause']}{_muted(i.get('muted'))}" for i in line["incidents"])
    status = str(line["status"])
    return f"{_MARKS[status]}{line['night']}  {status:<18}{line['findings']:>4} findings  {told}".rstrip()


def _muted(mute: dict[str, Any] | None) -> str:
    return f" (muted until {mute['until']}: {mute['reason']})" if mute else ""
