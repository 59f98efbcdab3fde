"""Engines: what counts a night's rows, in this process or on a cluster, to the same profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from nightproof import profiles
from nightproof.errors import EngineError
from nightproof.profiles import Profile, ProfileSpec
from nightproof.profiles.collect import NO_FUNCTIONS
from nightproof.profiles.row_functions import RowFunction
from nightproof.sections import Engine


def collect(
    predictions: Sequence[Path],
    labels: Sequence[Path],
    spec: ProfileSpec,
    *,
    engine: Engine,
    functions: Mapping[str, RowFunction] = NO_FUNCTIONS,
) -> Profile:
    """Count a night's rows with the engine that the config names.

    Parameters
    ----------
    predictions, labels, spec, functions
        As :func:`nightproof.profiles.collect` has them.
    engine
        Every engine gives the same profile, bit for bit.

    Raises
    ------
    DataError
        If a file cannot be read, or lacks a column that the spec counts.
    EngineError
        If a cluster cannot be reached, or ends the work, or the library to speak to it is missing.
    """
    if engine.spark is None:
        return profiles.collect(predictions, labels, spec, functions=functions)
    if find_spec("pyspark") is None:
        raise EngineError("The config names a Spark cluster, but pyspark is not here: pip install 'nightproof[spark]'.")
    from nightproof.engines.spark import collect_on_spark

    return collect_on_spark(predictions, labels, spec, cluster=engine.spark, functions=functions)
