"""The section `metrics` of a config: the team's own metrics, each a ratio of two sums over rows.

A metric is told in YAML by columns, or by a Python function in ``include/metrics/NAME.py``. Such a file is
read here and not run: what a config stands on (which columns, which version of the source) is in its text.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from nightproof.errors import Fault
from nightproof.sections import Column, Columns, Data, Section, Tolerance
from nightproof.words import METRICS
from nightproof.yaml_source import Source

ROWS = "count"
"""What `over` says for the rows themselves."""
MOST = 50
"""Metrics of one model."""
LARGEST_FILE = 256 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_OWN = ("estimated_", "backtest_", "change_by_")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            "name a metric by 1 to 60 lower-case letters, digits and '_', a letter first, such as revenue_per_decision"
        )
    if value in METRICS or value.startswith(_OWN):
        raise ValueError("this is the name of a built-in metric; give yours another, such as our_" + value[:50])
    return value


class MetricSource(Section):
    """What a Python metric's file was when the config was read."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of its bytes: another source is another metric, and its nights are other evaluations."""
    columns: tuple[Column, ...] = ()
    """Its `COLUMNS`: what it reads as numbers."""
    text_columns: tuple[Column, ...] = ()
    """Its `TEXT`: what it reads as text."""
    code: Annotated[str, Field(exclude=True, repr=False)] = ""
    """The source itself; never part of a record, so that no code is ever run that came from one."""


class Metric(Tolerance):
    """One metric: the sum of one number of each row over the sum of another."""

    sum: Column | None = None
    """Numeric column, of the predictions or of the labels, that is added up."""
    over: Column | None = None
    """Numeric column whose sum that is divided by; `count` for the number of rows, as where it is left out."""
    python: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,59}$")] | None = None
    """Name of a function in a file of the same name in `include/metrics/`, in place of `sum` and `over`."""
    source: SkipJsonSchema[MetricSource | None] = None
    """Filled in from the file of `python`."""

    @model_validator(mode="after")
    def _one_kind(self) -> Metric:
        if (self.sum is None) == (self.python is None):
            raise ValueError("give sum (a column) or python (a function in include/metrics/), one of the two")
        if self.python is not None and self.over is not None:
            raise ValueError("over belongs to sum; a Python function gives its own denominator")
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError("give max_drop or max_rise, the one that is harm, or neither to show it only")
        return self

    @property
    def denominator(self) -> str | None:
        """The column that is divided by; ``None`` for the number of rows, and for a function's own."""
        return None if self.over in (None, ROWS) else self.over

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read as numbers, each once."""
        own = self.source.columns if self.source else ()
        return tuple(dict.fromkeys(name for name in (self.sum, self.denominator, *own) if name is not None))

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that are read as text."""
        return self.source.text_columns if self.source else ()

    @property
    def harm(self) -> Literal["max_drop", "max_rise"] | None:
        """Which way it gets worse; ``None`` where it is shown and not judged."""
        return "max_drop" if self.max_drop is not None else "max_rise" if self.max_rise is not None else None

    @property
    def definition(self) -> tuple[str, ...]:
        """What it counts: two metrics of the same definition have the same facts."""
        source = [self.source.sha256, *self.columns, "/", *self.text_columns] if self.source else []
        return (self.sum or "", self.over or ROWS, self.python or "", *source)


MetricKey = Annotated[str, AfterValidator(_name)]
Metrics = Annotated[dict[MetricKey, Metric], Field(max_length=MOST)]


def metrics_folder(models: Path) -> Path:
    """Where the Python metrics of a folder of models lie: ``NIGHTPROOF_METRICS``, or ``metrics`` beside it."""
    if given := os.environ.get("NIGHTPROOF_METRICS"):
        return Path(given)
    return models.resolve().parent / "metrics"


def columns_of(metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """Every column that some metrics read, each once."""
    return tuple(dict.fromkeys(name for m in metrics.values() for name in (*m.columns, *m.text_columns)))


def with_sources(data: dict[str, Any], folder: Path, source: Source) -> tuple[dict[str, Any], list[Fault]]:
    """A config's data with what the files of its Python metrics are, and what is wrong with them.

    Parameters
    ----------
    data
        As YAML has it; not changed. What is no metric at all is left for the config to refuse.
    folder
        Of the files.
    source
        The YAML, for lines.
    """
    said = data.get("metrics")
    if not isinstance(said, dict):
        return data, []
    told, faults = dict(said), []
    for key, metric in said.items():
        if not isinstance(metric, dict):
            continue
        if "source" in metric:
            line = source.line("metrics", key, "source")
            faults.append(Fault(line, f"metrics.{key}.source", None, "is filled in from the file; take it out"))
        name = metric.get("python")
        if isinstance(name, str) and re.fullmatch(r"[a-z_][a-z0-9_]{0,59}", name):
            read = read_source(folder / f"{name}.py", name)
            if isinstance(read, str):
                faults.append(Fault(source.line("metrics", key, "python"), f"metrics.{key}.python", repr(name), read))
            else:
                told[key] = {**metric, "source": read}
    return {**data, "metrics": told}, faults


def read_source(path: Path, function: str) -> MetricSource | str:
    """A metric's file as it is now, or what is wrong with it; nothing of it is run."""
    where = f"metrics/{path.name}"
    try:
        raw = path.read_bytes()
    except OSError as error:
        return f"{where} cannot be read in {path.parent}: {error.strerror}"
    if len(raw) > LARGEST_FILE:
        return f"{where} is larger than {LARGEST_FILE // 1024} kB"
    try:
        code = raw.decode("utf-8")
        tree = ast.parse(code)
    except UnicodeDecodeError as error:
        return f"{where} is not UTF-8 text (byte {error.start})"
    except SyntaxError as error:
        line = f" line {error.lineno}" if error.lineno else ""
        return f"{where}{line}: {error.msg}"
    except (ValueError, RecursionError, MemoryError):
        return f"{where} is not Python"
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        return f"{where} defines no function {function}(rows)"
    lists = {name: _names(tree, name) for name in ("COLUMNS", "TEXT")}
    wrong = [name for name, found in lists.items() if found is None]
    if wrong or not (lists["COLUMNS"] or lists["TEXT"]):
        return f'{where}: write the columns that it reads as COLUMNS = ("price", "cost"), and those of text as TEXT'
    return MetricSource(
        sha256=hashlib.sha256(raw).hexdigest(),
        columns=tuple(lists["COLUMNS"] or ()),
        text_columns=tuple(lists["TEXT"] or ()),
        code=code,
    )


def _names(tree: ast.Module, constant: str) -> list[str] | None:
    """A module's constant list of column names: empty where there is none, ``None`` where it is something else."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            return _listed(value)
    return []


def _listed(value: ast.expr) -> list[str] | None:
    try:
        names = ast.literal_eval(value)
    except (ValueError, TypeError):
        return None
    good = isinstance(names, tuple | list) and all(isinstance(name, str) and 0 < len(name) <= 200 for name in names)
    return list(dict.fromkeys(names)) if good else None


def column_faults(metrics: Mapping[str, Metric], columns: Columns, data: Data, source: Source) -> Iterator[Fault]:
    """Metrics of columns that hold no numbers by what the config says of them."""
    known = {"data.id": data.id, "columns.time": columns.time, "columns.model_version": columns.model_version}
    taken = {name: key for key, name in {**known, "columns.query": columns.query}.items() if name}
    taken |= dict.fromkeys(columns.features.categorical, "columns.features.categorical")
    for key, metric in metrics.items():
        wrong = [name for name in metric.columns if name in taken]
        # A time is read as a time, and never as text.
        wrong += [name for name in metric.text_columns if name == columns.time]
        for name in wrong:
            problem = f"is read as {taken[name]}, and cannot be a number of a metric too; name another column"
            yield Fault(source.line("metrics", key), f"metrics.{key}", repr(name), problem)
