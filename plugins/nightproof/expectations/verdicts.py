"""Holding rules against rows: Great Expectations' metrics of the rows, and its verdict on the metrics.

The two are apart. What depends on each row alone is measured a batch of rows at a time; its counts
add up, and the verdict is given once, on their sums. The metrics that a rule needs are worked out
once for each rule, not once a night.
"""

from __future__ import annotations

import copy
import re
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nightproof.expectations.contract import Rule
from nightproof.expectations.gx import EXAMPLES, quiet

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

_WANTED = {"result_format": "BASIC", "partial_unexpected_count": EXAMPLES}
_LOCK = threading.RLock()
_KEPT_RULES = 2_000
_FAILING = ".unexpected_count"
_BROKEN = "MetricResolutionError"


@dataclass(frozen=True)
class Result:
    """What came of one rule.

    Parameters
    ----------
    success
        Whether the rule held; never true of a rule that could not be evaluated.
    details
        Great Expectations' own ``result``. It holds values of the data: not to be told as it is.
    rows
        Positions of up to five failing rows of a rule that did not hold.
    error
        Class of the exception that kept the rule from being evaluated. Its message may quote
        values of the data and stays behind.
    """

    success: bool
    details: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Measured:
    """A rule's metrics of some rows.

    Parameters
    ----------
    asked
        The rule as Great Expectations takes it; ``None`` where it refused it.
    metrics
        By Great Expectations' names.
    rows
        Positions of the first failing rows.
    error
        Class of the exception that kept them from being computed.
    """

    asked: Asked | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    error: str | None = None

    def plus(self, other: Measured, *, start: int) -> Measured:
        """Of these rows and of others, which begin at a position; only of a rule about each row alone."""
        if self.error or other.error:
            return Measured(self.asked, error=self.error or other.error)
        return Measured(
            self.asked,
            # Counts add up, and examples of values follow each other.
            {name: value + other.metrics[name] for name, value in self.metrics.items()},
            (*self.rows, *(start + row for row in other.rows))[:EXAMPLES],
        )


@dataclass(frozen=True)
class Asked:
    """A rule as Great Expectations takes it: all that follows from it alone.

    Parameters
    ----------
    expectation
        Gives the verdict.
    metrics
        Those that the verdict needs, by name.
    edges
        Which metric stands on which, down to the rows.
    """

    expectation: Expectation
    metrics: Mapping[str, Any]
    edges: Sequence[Any]

    def failing(self) -> Any:
        """Identity of the metric that says of each row whether it fails; ``None`` where no row does."""
        counts = [name for name in self.metrics if name.endswith(_FAILING)]
        count = next((name for name in reversed(counts)), None)
        stands_on = self.metrics[count].metric_dependencies if count else {}
        return stands_on["unexpected_condition"].id if "unexpected_condition" in stands_on else None


def run(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[Result]:
    """Hold rules against rows.

    Parameters
    ----------
    frame
        The rows, indexed from 0.
    rules
        With arguments that their types take.

    Returns
    -------
    list of Result
        One a rule, in their order. Nothing that Great Expectations raises leaves this function:
        it becomes a result that is no success.
    """
    return judge(measure(frame, rules))


def measure(frame: pd.DataFrame, rules: Sequence[Rule]) -> list[Measured]:
    """Great Expectations' metrics of some rows, for each rule; as :func:`run` takes them."""
    with _LOCK, quiet(), _configurations_kept(), _engine(frame) as engine:
        types = frame.dtypes.to_dict()
        asked = [_asked(rule, str(types.get(rule.column)), engine) for rule in rules]
        if (found := _resolved(engine, asked)) is None:
            # One rule that breaks the run is found by measuring each alone.
            alone = [_resolved(engine, [each]) for each in asked]
            return [each[0] if each else Measured(None, error=_BROKEN) for each in alone]
        return found


def judge(measured: Sequence[Measured]) -> list[Result]:
    """Great Expectations' verdict on metrics."""
    with _LOCK, quiet(), _configurations_kept(), _engine(None) as engine:
        return [_judged(found, engine) for found in measured]


def _resolved(engine: Any, asked: Sequence[Asked | str]) -> list[Measured] | None:
    """Metrics of all rules in one run; ``None`` where it broke, which says nothing of which rule did it."""
    from great_expectations.validator.validation_graph import ValidationGraph

    edges = [edge for each in asked if isinstance(each, Asked) for edge in each.edges]
    try:
        metrics, aborted = (
            ValidationGraph(engine, edges).resolve({"result_format": _WANTED}, show_progress_bars=False)
            if edges
            else ({}, {})
        )
        return [_taken(each, metrics, aborted) for each in asked]
    except Exception:  # noqa: BLE001  whatever Great Expectations raises, it did not measure
        return None


def _taken(asked: Asked | str, metrics: Mapping[Any, Any], aborted: Mapping[Any, Any]) -> Measured:
    if isinstance(asked, str):
        return Measured(None, error=asked)
    if aborted:
        of_rule = {vertex.id for edge in asked.edges for vertex in (edge.left, edge.right) if vertex is not None}
        if error := _error({str(name): told["exception_info"] for name, told in aborted.items() if name in of_rule}):
            return Measured(asked, error=error)
    found = {name: metrics[wanted.id] for name, wanted in asked.metrics.items()}
    return Measured(asked, found, _failing_rows(asked, metrics))


def _failing_rows(asked: Asked, metrics: Mapping[Any, Any]) -> tuple[int, ...]:
    failing = metrics.get(asked.failing())
    if failing is None or not any(metrics[each.id] for name, each in asked.metrics.items() if name.endswith(_FAILING)):
        return ()
    rows = failing[0]
    places = np.flatnonzero(np.asarray(rows == True))[:EXAMPLES]  # noqa: E712  as Great Expectations asks it
    return tuple(int(place) for place in rows.index[places])


def _judged(found: Measured, engine: Any) -> Result:
    if found.error or found.asked is None:
        return Result(success=False, error=found.error)
    try:
        said = found.asked.expectation._validate(
            metrics=dict(found.metrics),
            runtime_configuration={"result_format": copy.deepcopy(_WANTED)},
            execution_engine=engine,
        )
    except Exception:  # noqa: BLE001  whatever a rule raises, it did not hold
        return Result(success=False, error=_class_raised(traceback.format_exc()))
    told = said if isinstance(said, dict) else vars(said)
    # Some expectations answer with numpy's own booleans.
    success = bool(told["success"])
    return Result(success, told.get("result") or {}, () if success else found.rows)


@contextmanager
def _engine(frame: pd.DataFrame | None) -> Iterator[Any]:
    """What ``Batch.validate`` comes down to, without the three hashes of all rows that it takes first."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine

    rows = {} if frame is None else {"night": frame}
    engine = PandasExecutionEngine(batch_data_dict=rows)
    try:
        yield engine
    finally:
        # The engine and its rows hold each other: they would stay until the garbage collector comes by.
        rows.clear()
        engine.batch_manager.batch_data_cache.clear()


_KEPT: dict[tuple[str, ...], Asked] = {}
_CONFIGURATIONS: dict[int, tuple[Expectation, Any]] = {}
"""Of the expectations that are kept, by their identity; beside them, so that it is nobody else's."""


def _asked(rule: Rule, dtype: str, engine: Any) -> Asked | str:
    """The rule as Great Expectations takes it, or the class of what it raised."""
    # Rules about types ask for other metrics of columns of objects.
    key = (rule.type, repr(rule.kwargs), dtype)
    if key not in _KEPT:
        if len(_KEPT) >= _KEPT_RULES:
            _KEPT.clear()
            _CONFIGURATIONS.clear()
        try:
            _KEPT[key] = _worked_out(_built(rule), engine)
        except Exception as error:  # noqa: BLE001  whatever a rule raises, it did not hold
            return type(error).__name__
    return _KEPT[key]


def _built(rule: Rule) -> Expectation:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(rule.type)(**copy.deepcopy(dict(rule.kwargs)))


def _worked_out(expectation: Expectation, engine: Any) -> Asked:
    from great_expectations.validator.validation_graph import ValidationGraph

    _CONFIGURATIONS[id(expectation)] = (expectation, expectation.configuration)
    wanted = {"result_format": copy.deepcopy(_WANTED)}
    needs = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=wanted)
    graph = ValidationGraph(engine)
    for metric in needs.get_metric_configurations():
        graph.build_metric_dependency_graph(metric, wanted)
    return Asked(expectation, needs.metric_configurations, graph.edges)


@contextmanager
def _configurations_kept() -> Iterator[None]:
    """Let each expectation work out its configuration once instead of some thirty times.

    It is derived from fields that do not change, and deriving it was two fifths of a night's
    validation. A test holds results to be Great Expectations' own.
    """
    from great_expectations.expectations.expectation import Expectation

    base: Any = Expectation
    derived = base.configuration

    def configuration(self: Any) -> Any:
        of, kept = _CONFIGURATIONS.get(id(self), (None, None))
        return kept if of is self else derived.fget(self)

    base.configuration = property(configuration)
    try:
        yield
    finally:
        base.configuration = derived


def _error(info: Mapping[str, Any]) -> str | None:
    """Class of what was raised by one of several metrics."""
    told = next((told for told in info.values() if told and told.get("raised_exception")), None)
    return _class_raised(str(told.get("exception_traceback"))) if told else None


def _class_raised(trace: str) -> str:
    raised = (re.match(r"(?:\w+\.)*(\w*(?:Error|Exception))\b", line) for line in trace.splitlines())
    return next((match[1] for match in raised if match), "an exception")
