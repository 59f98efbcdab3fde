"""Great Expectations: which expectations it knows, and whether arguments suit them.

Its import costs seconds, so it happens at the first call, never at this module's.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from nightproof.expectations.suite import Problem, bad_pattern, nearest

if TYPE_CHECKING:
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


@contextmanager
def quiet() -> Iterator[None]:
    """Great Expectations, imported and ready, its warnings and its log kept to itself.

    They quote values of the data.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _context()
        yield


@cache
def _context() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    import great_expectations as gx

    # It logs what it raises, values of the data included, and its results say the same.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


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
