"""The command that computes a published night again: `nightproof reproduce`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightproof.catalog import find_model, models_folder, suites_folder
from nightproof.night import Night

if TYPE_CHECKING:
    from nightproof.resources import Resources

EXITS = {"same": 0, "different": 1, "incomplete": 3}


def reproduce(
    model: Annotated[str, typer.Argument(help="Name of the model, as in include/models/NAME.yaml.")],
    night: Annotated[str, typer.Option("--night", help="The UTC day, YYYY-MM-DD.")],
    evaluation: Annotated[
        str | None, typer.Option("--evaluation", help="Id of one of its evaluations; the latest by default.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for machines, one line a result.")] = False,
) -> None:
    """Compute a published night again from its pinned data and compare every number; writes nothing.

    Exits with 0 if all is the same bit for bit, 1 if not, 3 if data that it needs is gone.
    """
    from nightproof.reproduce import reproduce as reproduce_night

    folder = models or models_folder()
    config = find_model(model, folder)
    chosen = Night.parse(night, config.data.label_delay)
    found = reproduce_night(config, chosen, _resources(folder), evaluation_id=evaluation)
    print(json.dumps(found.model_dump(mode="json")) if as_json else found.in_words(), flush=True)
    if found.outcome != "same":
        raise typer.Exit(EXITS[found.outcome])


def _resources(models: Path) -> Resources:
    from nightproof.cache import Cache, default_folder
    from nightproof.resources import Resources

    return Resources(cache=Cache(default_folder()), suites=suites_folder(models))
