"""The catalog: every model's config in a folder, each read by itself.

One broken file never hides another: it is listed with its faults.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from nightproof.config import ModelConfig, load_config
from nightproof.errors import ConfigError, Fault

MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


def models_folder() -> Path:
    """``NIGHTPROOF_MODELS``, or ``include/models`` of this checkout or of the working directory."""
    if given := os.environ.get("NIGHTPROOF_MODELS"):
        return Path(given)
    beside = Path(__file__).resolve().parents[2] / "include" / "models"
    return beside if beside.is_dir() else Path("include/models").resolve()


def suites_folder(models: Path) -> Path:
    """The Great Expectations suites that belong to a folder of models.

    ``NIGHTPROOF_SUITES``, or ``great_expectations/expectations`` beside the ``include`` folder.
    """
    if given := os.environ.get("NIGHTPROOF_SUITES"):
        return Path(given)
    return models.resolve().parents[1] / "great_expectations" / "expectations"


def config_paths(folder: Path) -> list[Path]:
    """Every config file of a folder, by name."""
    return sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yaml", ".yml"))


def read_catalog(folder: Path) -> Iterator[tuple[Path, ModelConfig | ConfigError]]:
    """Each config file with its config, or with what is wrong with it."""
    for path in config_paths(folder):
        try:
            yield path, load_config(path)
        except ConfigError as error:
            yield path, error


def find_model(name: str, folder: Path) -> ModelConfig:
    """The config of a model by its name.

    Raises
    ------
    ConfigError
        If there is no such file (the nearest name is given), the name leads elsewhere, or the
        file is wrong.
    """
    known = [path.stem for path in config_paths(folder)]
    if MODEL_NAME.fullmatch(name) and name in known:
        return load_config(next(path for path in config_paths(folder) if path.stem == name))
    listed = f"the folder has {', '.join(known)}" if known else "the folder has no .yaml file"
    hint = next(iter(get_close_matches(name, known, n=1)), None)
    raise ConfigError(str(folder), [Fault(None, "", repr(name), f"there is no such model; {listed}", hint)])
