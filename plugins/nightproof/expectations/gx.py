"""Great Expectations, behind three functions: what it knows, whether arguments suit it, and a run.

Its import costs seconds, so it happens at the first call, never at this module's.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from numbers import Integral
from typing import TYPE_CHECKING, Any

from nightproof.expectations.contract import Rule
from nightproof.expectations.suite import Problem, bad_pattern, nearest

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

EXAMPLES = 5
_NEEDS_SQL = (
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern_list",
    "expect_query_results_to_match_comparison",
    "expect_table_row_count_to_equal_other_table",
    "unexpected_rows_expectation",
)
_NOT_ARGUMENTS = (
    *(
        "id",
        "meta",
        "notes",
        "description",
        "severity",
        "windows",
        "batch_id",
        "metadata",
        "library_metadata",
    ),
    # How results are told, and that an exception is a failure, is not for a suite to say.
    *("result_format", "catch_exceptions", "rendered_content"),
)
_LOCK = threading.RLock()


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
        Positions of up to five failing rows, where they were asked for.
    error
        Class of the exception that kept the rule from being evaluated. Its message may quote
        values of the data and stays behind.
    """

    success: bool
    details: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    error: str | None = None


def engine() -> str:
    """What runs the rules, with versions."""
    with quiet():
        from pandas import __version__ as pandas_version

        from great_expectations import __version__ as version

    return f"great_expectations {version} on pandas {pandas_version}"


def problems(name: str, kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with an expectation's name and arguments, as far as no data is needed to tell.

    Parameters
    ----------
    name
        Great Expectations' name of it, such as ``expect_column_values_to_be_unique``.
    kwargs
        Its arguments.

    Yields
    ------
    Problem
        With its path from the expectation.
    """
    with quiet():
        from great_expectations.expectations.registry import list_registered_expectation_implementations

    known = sorted(set(list_registered_expectation_implementations()) - set(_NEEDS_SQL))
    if name in _NEEDS_SQL:
        yield Problem(("type",), "this expectation runs on SQL only, not on files", repr(name))
    elif name not in known:
        no_such = "Great Expectations has no expectation of this name"
        yield Problem(("type",), no_such, repr(name), nearest(name, known))
    else:
        found = [*_unknown_arguments(name, kwargs), *_refused_arguments(name, kwargs), *_senseless(kwargs)]
        yield from (problem.under("kwargs") for problem in found)


def run(frame: pd.DataFrame, rules: Sequence[Rule], *, examples: bool = False) -> list[Result]:
    """Hold rules against rows.

    Parameters
    ----------
    frame
        The rows, indexed from 0.
    rules
        With arguments that their types take.
    examples
        Whether positions of failing rows are wanted; they cost about as much again.

    Returns
    -------
    list of Result
        One a rule, in their order. Nothing that Great Expectations raises leaves this function:
        it becomes a result that is no success.
    """
    wanted = {"result_format": "SUMMARY" if examples else "BASIC", "partial_unexpected_count": EXAMPLES}
    with _LOCK, quiet(), _configurations_kept():
        validator = _validator(frame)
        try:
            results = _together(validator, rules, wanted)
        except Exception:  # noqa: BLE001  one rule that breaks the run is found by running each alone
            results = []
        if all(result.error for result in results):
            return [_alone(validator, rule, wanted) for rule in rules]
        return results


@contextmanager
def quiet() -> Iterator[None]:
    """Great Expectations, imported and ready, its warnings and its log kept to itself.

    They quote values of the data.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _context()
        yield


@contextmanager
def _configurations_kept() -> Iterator[None]:
    """Let each expectation work out its configuration once instead of some thirty times.

    It is derived from fields that do not change during a run, and deriving it was two fifths of
    a night's validation. A test holds results to be the same with and without.
    """
    from great_expectations.expectations.expectation import Expectation

    base: Any = Expectation
    derived = base.configuration
    # The expectation is kept beside what it gave: its id is then nobody else's.
    kept: dict[int, tuple[Any, Any]] = {}

    def configuration(self: Any) -> Any:
        if id(self) not in kept:
            kept[id(self)] = (self, derived.fget(self))
        return kept[id(self)][1]

    base.configuration = property(configuration)
    try:
        yield
    finally:
        base.configuration = derived


@cache
def _context() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    import great_expectations as gx

    # It logs what it raises, values of the data included, and its results say the same.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validator(frame: pd.DataFrame) -> Any:
    """What ``Batch.validate`` comes down to, without the three hashes of all rows that it takes first."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.validator.validator import Validator

    engine = PandasExecutionEngine(batch_data_dict={"night": frame})
    return Validator(execution_engine=engine, data_context=_context())


def _together(validator: Any, rules: Sequence[Rule], wanted: dict[str, Any]) -> list[Result]:
    configurations = [_built(rule, place).configuration for place, rule in enumerate(rules)]
    results = validator.graph_validate(configurations, runtime_configuration={"result_format": wanted})
    by_place = {result.expectation_config.meta["place"]: _result(result) for result in results}
    return [by_place[place] for place in range(len(rules))]


def _alone(validator: Any, rule: Rule, wanted: dict[str, Any]) -> Result:
    try:
        return _together(validator, [rule], wanted)[0]
    except Exception as error:  # noqa: BLE001  whatever a rule raises, it did not hold
        return Result(success=False, error=type(error).__name__)


def _built(rule: Rule, place: int) -> Expectation:
    from great_expectations.expectations.registry import get_expectation_impl

    # Two rules may be alike, and results come back in another order: the place tells them apart.
    return get_expectation_impl(rule.type)(**rule.kwargs, meta={"place": place})


def _result(result: ExpectationValidationResult) -> Result:
    error = _error(result.exception_info or {})
    # Some expectations answer with numpy's own booleans, and one that raised with nothing.
    success = bool(result.success) and error is None
    details = result.result or {}
    rows = details.get("partial_unexpected_index_list") or []
    return Result(success, details, tuple(int(row) for row in rows if isinstance(row, Integral)), error)


def _error(info: Mapping[str, Any]) -> str | None:
    """Class of what was raised; the information is of the expectation, or of each of its metrics."""
    for told in [info] if "raised_exception" in info else info.values():
        if told and told.get("raised_exception"):
            lines = str(told.get("exception_traceback")).splitlines()
            raised = (re.match(r"(?:\w+\.)*(\w*(?:Error|Exception))\b", line) for line in lines)
            return next((match[1] for match in raised if match), "an exception")
    return None


def _unknown_arguments(name: str, kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    allowed = [argument for argument in _model(name).__fields__ if argument not in _NOT_ARGUMENTS]
    for argument in kwargs:
        if argument not in allowed:
            text = f"{name} takes no such argument; it takes {', '.join(allowed)}"
            yield Problem((argument,), text, hint=nearest(argument, allowed))


def _refused_arguments(name: str, kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    """What the expectation itself says of its arguments, once for each of them."""
    with quiet():
        from great_expectations.compatibility import pydantic
        from great_expectations.exceptions.exceptions import GreatExpectationsError

        model = _model(name)
        try:
            model(**{argument: value for argument, value in kwargs.items() if argument in model.__fields__})
        except pydantic.ValidationError as error:
            # An argument of several possible types is refused once for each: the first is the clearest.
            first = {detail["loc"][0]: detail["msg"] for detail in reversed(error.errors())}
        except (GreatExpectationsError, TypeError, ValueError) as error:
            first = {"__root__": str(error) or type(error).__name__}
        else:
            return
    for argument, message in first.items():
        yield Problem(() if argument == "__root__" else (argument,), message[0].lower() + message[1:])


def _senseless(kwargs: Mapping[str, Any]) -> Iterator[Problem]:
    """What the expectation takes without a word, and can then never hold."""
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if _above(low, high):
        yield Problem(("min_value",), "the least is more than the most that is allowed", repr(low))
    patterns = [("regex", kwargs["regex"])] if "regex" in kwargs else []
    for argument, pattern in [
        *patterns,
        *(("regex_list", each) for each in _listed(kwargs.get("regex_list"))),
    ]:
        if wrong := bad_pattern(pattern):
            yield Problem((argument,), f"this is not a regular expression: {wrong}", repr(pattern))


def _above(low: Any, high: Any) -> bool:
    if isinstance(low, str) and isinstance(high, str):
        return low > high
    return isinstance(low, int | float) and isinstance(high, int | float) and low > high


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _model(name: str) -> type[Expectation]:
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(name)
