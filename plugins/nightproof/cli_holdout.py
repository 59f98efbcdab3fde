"""`nightproof holdout`: the test set that grows from production, and what may be done with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from nightproof.catalog import find_model, models_folder
from nightproof.errors import DataError

if TYPE_CHECKING:
    from nightproof.config import ModelConfig
    from nightproof.holdout import Rows
    from nightproof.holdout.update import Update
    from nightproof.holdout.version import HoldoutVersion
    from nightproof.profiles import ProfileSpec
    from nightproof.resources import Resources


class ShownByDefault(TyperGroup):
    """``holdout MODEL`` is ``holdout show MODEL``, which is also there for a model that bears a command's name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See :class:`click.Group`."""
        named = bool(args) and args[0] in self.commands
        return super().resolve_command(ctx, args if named else ["show", *args])


holdout = typer.Typer(
    cls=ShownByDefault,
    help="The labelled test set that grows from production. `holdout MODEL` shows it.",
    no_args_is_help=True,
    subcommand_metavar="MODEL | COMMAND [ARGS]...",
)
Model = Annotated[str, typer.Argument(help="Name of the model, as in include/models/NAME.yaml.")]
Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
Version = Annotated[int | None, typer.Option("--version", min=0, help="Its number; the last one by default.")]
TrainingRows = Annotated[str, typer.Option("--training", help="Parquet or CSV: a path, file:///… or s3://…")]


@holdout.command()
def show(model: Model, version: Version = None, models: Models = None, as_json: AsJson = False) -> None:
    """Show a version and whether it is like live traffic; exits with 1 where it is stale."""
    from nightproof.holdout.freshness import freshness
    from nightproof.holdout.sentences import version_in_words

    config, resources = _opened(model, models)
    found = _version(config, resources, version)
    fresh = freshness(config, resources, found)
    if as_json:
        _say({**_told(found), "freshness": fresh.model_dump(mode="json")})
    else:
        _say("\n".join(version_in_words(found, fresh)))
    if fresh.status == "stale":
        raise typer.Exit(1)


@holdout.command()
def update(model: Model, models: Models = None, as_json: AsJson = False) -> None:
    """Make the next version, if final nights came or changed."""
    from nightproof.holdout.freshness import freshness, store_freshness
    from nightproof.holdout.sentences import update_in_words
    from nightproof.holdout.update import update as bring_up

    config, resources = _opened(model, models)
    done = bring_up(config, resources)
    if done.version is not None and done.is_new:
        store_freshness(config, resources, freshness(config, resources, done.version))
    _say(_updated(done) if as_json else update_in_words(done, model))


@holdout.command()
def export(
    model: Model,
    to: Annotated[Path, typer.Option("--to", help="Parquet file to write.")],
    version: Version = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Write the rows of a version, with labels, night and hash, from the pinned data."""
    from nightproof.holdout.sentences import losses

    config, resources = _opened(model, models)
    rows = _rows(config, resources, version)
    _write(rows, to)
    told = {"model": model, "version": rows.version.number, "file": str(to), **_lost(rows)}
    _say(told if as_json else f"{to}: {rows.table.height:,} rows of version {rows.version.number}{losses(rows)}")


@holdout.command()
def check(
    model: Model,
    training: TrainingRows,
    version: Version = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Look for the holdout in training data; exits with 1 where it leaks."""
    from nightproof.holdout.leakage import check as look
    from nightproof.holdout.sentences import leakage_in_words, losses
    from nightproof.holdout.training import open_training

    config, resources = _opened(model, models)
    rows = _rows(config, resources, version)
    given = open_training(training, open_store=resources.open_store, cache=resources.cache)
    found = look(given, rows, config, _spec(config, resources))
    if as_json:
        _say({**found.model_dump(mode="json"), **_lost(rows)})
    else:
        _say("\n".join(leakage_in_words(found)) + losses(rows))
    if found.is_leaking:
        raise typer.Exit(1)


@holdout.command()
def exclude(
    model: Model,
    training: TrainingRows,
    to: Annotated[Path, typer.Option("--to", help="File to write, in the format of the training data.")],
    version: Version = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Write the training data without the rows that leak."""
    from nightproof.holdout.exclude import exclude as write
    from nightproof.holdout.sentences import losses
    from nightproof.holdout.training import open_training

    config, resources = _opened(model, models)
    rows = _rows(config, resources, version)
    given = open_training(training, open_store=resources.open_store, cache=resources.cache)
    kept, left_out = write(given, to, rows, config, _spec(config, resources))
    told = {"model": model, "version": rows.version.number, "file": str(to), "kept": kept, "left_out": left_out}
    _say(told if as_json else f"{to}: {kept:,} rows kept, {left_out:,} left out{losses(rows)}")


@holdout.command()
def score(
    model: Model,
    predictions: Annotated[str, typer.Option("--predictions", help="Parquet or CSV: id and output columns.")],
    version: Version = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a candidate's predictions beside the live model's on the same rows."""
    from nightproof.holdout.score import score as evaluate
    from nightproof.holdout.sentences import losses, score_in_words
    from nightproof.holdout.training import open_training

    config, resources = _opened(model, models)
    rows = _rows(config, resources, version)
    given = open_training(predictions, open_store=resources.open_store, cache=resources.cache)
    found = evaluate(given, rows, config, _spec(config, resources))
    if as_json:
        _say({**found.model_dump(mode="json"), **_lost(rows)})
    else:
        _say("\n".join(score_in_words(found)) + losses(rows))


# --- What the commands share ------------------------------------------------------------------------------


def _opened(model: str, models: Path | None) -> tuple[ModelConfig, Resources]:
    from nightproof.cache import Cache, default_folder
    from nightproof.catalog import suites_folder
    from nightproof.holdout.version import Rule
    from nightproof.resources import Resources

    folder = models or models_folder()
    config = find_model(model, folder)
    Rule.of(config)  # says at once where there is no holdout
    return config, Resources(cache=Cache(default_folder()), suites=suites_folder(folder))


def _version(config: ModelConfig, resources: Resources, number: int | None) -> HoldoutVersion:
    from nightproof.holdout.versions import Versions

    found = Versions(resources.results(config)).read(number)
    if found is None:
        raise DataError(
            f"The holdout of {config.model} has no version yet: run nightproof holdout update {config.model}."
        )
    return found


def _rows(config: ModelConfig, resources: Resources, number: int | None) -> Rows:
    from nightproof.holdout import read_rows

    return read_rows(config, resources, _version(config, resources, number).number)


def _spec(config: ModelConfig, resources: Resources) -> ProfileSpec:
    from nightproof.holdout.freshness import latest_spec

    return latest_spec(config, resources)


def _write(rows: Rows, to: Path) -> None:
    from nightproof.holdout.exclude import replacing

    with replacing(to) as temporary:
        rows.table.write_parquet(temporary)


def _lost(rows: Rows) -> dict[str, Any]:
    return {"rows_read": rows.table.height, "gone": dict(rows.gone), "erased": dict(rows.erased)}


def _say(line: dict[str, Any] | str) -> None:
    print(line if isinstance(line, str) else json.dumps(line), flush=True)


def _told(version: HoldoutVersion) -> dict[str, Any]:
    told = version.model_dump(mode="json", exclude={"nights"})
    return {**told, "from": version.nights[0].night, "to": version.nights[-1].night, "nights": len(version.nights)}


def _updated(done: Update) -> dict[str, Any]:
    told = _told(done.version) if done.version is not None else {"number": None}
    return {
        **told,
        "is_new": done.is_new,
        "provisional": done.provisional,
        "quarantined": done.quarantined,
        "unreadable": dict(done.unreadable),
        "new_lineage": done.new_lineage,
    }
