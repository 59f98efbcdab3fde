"""Row functions: the team's own Python metrics, each two numbers of every row.

A function sees some of a night's rows at a time, and which ones is up to the engine. So what it gives for a
row must follow from that row alone: only then do its sums add up over batches, nights and clusters. That is
tried on every batch, by giving it every other row by itself as well.

The code is the team's own, from their repository. It is taken from the config that was read from there and
never from a record: a bucket holds its SHA-256 and nothing that could be run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from nightproof.config import ModelConfig
from nightproof.errors import DataError, Fault
from nightproof.metric_sections import Metric, metrics_folder, read_source

SAME = 1e-9
"""Relative difference up to which two answers for a row are the same: processors may round the last bits."""
TRIED: Mapping[str, Sequence[Any]] = {
    "number": (1.0, 2.0, 0.5, float("nan"), 10.0, 3.0),
    "text": ("a", "b", None, "a", "c", "b"),
}
"""Rows that a function is tried on before any night is there."""

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class RowFunction:
    """One function, ready to be called; it may be pickled, and travels as its source.

    Parameters
    ----------
    metric
        Name of the metric, for messages.
    name
        Of the function, and of its file without ``.py``.
    code
        The file's text.
    """

    metric: str
    name: str
    code: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.code.encode()).hexdigest()

    def __call__(self, rows: Columns) -> tuple[Floats, Floats]:
        """Numerator and denominator of each row; NaN in either, and the row does not count.

        Parameters
        ----------
        rows
            Arrays of equal length by column: float64 with NaN for null, or objects, each a str or None.

        Raises
        ------
        DataError
            If the function fails, gives something else than two numbers a row, an infinity, or something
            else for the same row among others.
        """
        count = len(next(iter(rows.values())))
        whole = self._called(rows, count)
        # Neighbours apart, so that neither a mean over rows nor a running sum gives the same.
        for part in (slice(0, None, 2), slice(1, None, 2)) if count > 1 else ():
            alone = self._called(_part(rows, part), len(range(count)[part]))
            if not all(_same(found[part], again) for found, again in zip(whole, alone, strict=True)):
                problem = "what it gives for a row depends on the other rows; it must follow from the row alone"
                raise self._fault(problem)
        return whole

    def _called(self, rows: Columns, count: int) -> tuple[Floats, Floats]:
        function = _compiled(self.name, self.code, self.metric)
        try:
            with np.errstate(all="ignore"):
                found = function(MappingProxyType({name: _locked(values) for name, values in rows.items()}))
        except Exception as error:  # whatever the team's own code raises is told as its fault
            raise self._fault(f"it raised {_said(error)}") from error
        if not isinstance(found, tuple) or len(found) != 2:
            raise self._fault("it must return two arrays, (numerator, denominator)")
        return self._numbers(found[0], "numerator", count), self._numbers(found[1], "denominator", count)

    def _numbers(self, values: Any, which: str, count: int) -> Floats:
        try:
            numbers = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise self._fault(f"its {which} is no array of numbers") from error
        if numbers.shape != (count,):
            raise self._fault(
                f"its {which} has the shape {numbers.shape}, and must have one number for each of {count} rows"
            )
        if np.isinf(numbers).any():
            infinite = int(np.isinf(numbers).sum())
            raise self._fault(
                f"its {which} is infinite in {infinite} of {count} rows; give NaN for rows that do not count"
            )
        return numbers

    def _fault(self, problem: str) -> DataError:
        return DataError(f"metrics/{self.name}.py, {self.name}(rows) of the metric {self.metric}: {problem}.")


def row_functions(config: ModelConfig) -> dict[str, RowFunction]:
    """The functions of a config's Python metrics, by metric.

    Raises
    ------
    DataError
        If a config that was read from a record names a source that is not in the repository any more.
    """
    return {name: _of(name, metric) for name, metric in config.metrics.items() if metric.python}


def _of(name: str, metric: Metric) -> RowFunction:
    assert metric.python is not None
    source = metric.source
    if source is not None and source.code:
        return RowFunction(name, metric.python, source.code)
    from nightproof.catalog import models_folder

    folder = metrics_folder(models_folder())
    found = read_source(folder / f"{metric.python}.py", metric.python)
    if isinstance(found, str):
        raise DataError(f"The metric {name} cannot be computed: {found}.")
    if source is not None and found.sha256 != source.sha256:
        raise DataError(
            f"The metric {name} was computed by another metrics/{metric.python}.py (SHA-256 {source.sha256[:12]}…, "
            f"now {found.sha256[:12]}…): check the repository out as it was then."
        )
    return RowFunction(name, metric.python, found.code)


def function_faults(config: ModelConfig) -> list[Fault]:
    """What is wrong with a config's Python metrics, each run on a few invented rows."""
    faults = []
    for name, metric in config.metrics.items():
        if not metric.python:
            continue
        numbers = dict.fromkeys(metric.columns, np.array(TRIED["number"]))
        texts = dict.fromkeys(metric.text_columns, np.array(TRIED["text"], dtype=object))
        try:
            _of(name, metric)({**numbers, **texts})
        except DataError as error:
            faults.append(Fault(None, f"metrics.{name}", None, str(error).removesuffix(".")))
    return faults


@lru_cache(maxsize=256)
def _compiled(name: str, code: str, metric: str) -> Callable[[Any], Any]:
    module = ModuleType(f"nightproof_metric_{name}")
    try:
        exec(compile(code, f"metrics/{name}.py", "exec"), module.__dict__)  # noqa: S102 - the team's own repository
        function: Callable[[Any], Any] = getattr(module, name)
    except Exception as error:
        raise DataError(f"metrics/{name}.py of the metric {metric} cannot be loaded: {_said(error)}.") from error
    return function


def _said(error: Exception) -> str:
    """An error on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(".")


def _part(rows: Columns, part: slice) -> Columns:
    return {name: np.ascontiguousarray(values[part]) for name, values in rows.items()}


def _locked(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = values.view()
    view.flags.writeable = False
    return view


def _same(one: Floats, other: Floats) -> bool:
    return bool(np.allclose(one, other, rtol=SAME, atol=0.0, equal_nan=True))
