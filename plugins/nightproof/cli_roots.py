"""Which results roots a command is about: one by its location, or those of all models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nightproof.catalog import models_folder, read_catalog
from nightproof.errors import ConfigError, Fault

Models = Annotated[Path | None, typer.Option("--models", help="Folder of model configs; also NIGHTPROOF_MODELS.")]
Results = Annotated[
    str | None, typer.Option("--results", help="One results root, such as s3://bucket/nightproof/; all models' roots.")
]


def roots_of(results: str | None, models: Path | None) -> list[str]:
    """The root that is named, or every root of the configs that can be read.

    Raises
    ------
    ConfigError
        If none is named and no config can be read.
    """
    return [location_of(results)] if results else _roots(models or models_folder())


def location_of(results: str) -> str:
    """A results root as it was given, ending in a slash; what is none is bad usage."""
    from nightproof.sections import location

    try:
        return location(results)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--results") from error


def _roots(folder: Path) -> list[str]:
    configs = [config for _, config in read_catalog(folder)]
    roots = dict.fromkeys(config.results_url for config in configs if not isinstance(config, ConfigError))
    if not roots:
        fault = Fault(None, "", None, "no model's config can be read here; name a results root with --results")
        raise ConfigError(str(folder), [fault])
    return list(roots)
