"""A user's suite: a JSON file of expectations, every fault in it reported at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, Fault
from nightproof.expectations.contract import Rule
from nightproof.night import Night
from nightproof.validation import Severity
from nightproof.yaml_source import read_yaml

MAX_BYTES = 1024 * 1024
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
PARAMETERS: dict[str, Callable[[Night], str]] = {
    "night": str,
    "night_start": lambda night: night.start.isoformat(),
    "night_end": lambda night: night.end.isoformat(),
    "labels_due": lambda night: night.matures_at.isoformat(),
}
"""What a suite may refer to as ``{"$PARAMETER": "night_start"}``, for freshness."""
_SUITE_KEYS = ("name", "expectations", "meta", "notes", "id")
_ENTRY_KEYS = ("type", "kwargs", "severity", "meta", "notes", "description", "id")

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong at a path of keys and indices: a fault that does not know its line yet."""

    where: Where
    text: str
    value: str | None = None
    hint: str | None = None

    def under(self, *path: str | int) -> Problem:
        """The same, seen from further up."""
        return replace(self, where=(*path, *self.where))


KwargsCheck = Callable[[str, Mapping[str, Any]], Iterable[Problem]]


def suite_path(config: ModelConfig, suites: Path) -> Path | None:
    """File of a model's suite, or ``None`` where it has none."""
    name = config.validate_.suite
    return suites / f"{name}.json" if name else None


def read_suite(path: Path, *, check: KwargsCheck) -> list[Rule]:
    """Read a suite.

    Parameters
    ----------
    path
        A JSON file in Great Expectations' own form.
    check
        What is wrong with one expectation's type and arguments; paths start at the expectation.

    Raises
    ------
    ConfigError
        With every fault of the file.
    """
    suite = _read_json(path)
    problems = list(_problems(suite, check))
    if problems:
        raise ConfigError(str(path), _faults(path, problems))
    return [
        Rule("suite", entry["type"], entry.get("kwargs", {}), entry.get("severity", "critical"))
        for entry in suite["expectations"]
    ]


def bind(value: Any, night: Night) -> Any:
    """Arguments with every ``{"$PARAMETER": name}`` replaced by what it stands for on a night."""
    if isinstance(value, Mapping):
        if set(value) == {"$PARAMETER"}:
            return PARAMETERS[value["$PARAMETER"]](night)
        return {key: bind(item, night) for key, item in value.items()}
    return [bind(item, night) for item in value] if isinstance(value, list) else value


EXAMPLE_NIGHT = Night.parse("2000-01-01", timedelta(days=1))
"""Stands in for a night where a suite is checked without one."""


def _read_json(path: Path) -> Any:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except OSError as error:
        raise _whole(path, f"the suite cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise _whole(path, f"the suite is larger than {MAX_BYTES // 1024} kB")
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise _whole(path, f"the suite is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        problem = f"this is not JSON: {error.msg[0].lower() + error.msg[1:]}, at column {error.colno}"
        raise ConfigError(str(path), [Fault(error.lineno, "", None, problem)]) from error
    except RecursionError as error:
        raise _whole(path, "the suite is nested too deeply") from error
    except ValueError as error:
        raise _whole(path, str(error)) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key, value in pairs:
        if key in built:
            raise ValueError(f"the key {key!r} stands twice in one object")
        built[key] = value
    return built


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON has")


def _missing(path: Path) -> ConfigError:
    there = sorted(found.stem for found in path.parent.glob("*.json"))
    listed = ", ".join(there) if there else "none"
    problem = f"there is no such suite; suites in {path.parent} are: {listed}"
    return ConfigError(str(path), [Fault(None, "validate.suite", repr(path.stem), problem, nearest(path.stem, there))])


def _whole(path: Path, problem: str) -> ConfigError:
    return ConfigError(str(path), [Fault(None, "", None, problem)])


def _faults(path: Path, problems: Sequence[Problem]) -> list[Fault]:
    try:
        # JSON is YAML but for tabs: good enough to find lines, which is all it is read for.
        line = read_yaml(path).line
    except ConfigError:
        line = _no_line
    return [
        Fault(
            line(*found.where),
            ".".join(str(step) for step in found.where),
            found.value,
            found.text,
            found.hint,
        )
        for found in problems
    ]


def _no_line(*_: str | int) -> None:
    return None


def _problems(suite: Any, check: KwargsCheck) -> Iterator[Problem]:
    if not isinstance(suite, dict):
        yield Problem((), 'a suite is an object: {"name": …, "expectations": [ … ]}')
        return
    yield from _unknown_keys(suite, _SUITE_KEYS)
    entries = suite.get("expectations")
    if not isinstance(entries, list):
        yield Problem(("expectations",), "a list of expectations is required")
    elif not entries:
        nothing = "the suite expects nothing: add an expectation, or take the suite out of the config"
        yield Problem(("expectations",), nothing)
    else:
        for index, entry in enumerate(entries):
            yield from (found.under("expectations", index) for found in _entry_problems(entry, check))


def _entry_problems(entry: Any, check: KwargsCheck) -> Iterator[Problem]:
    if not isinstance(entry, dict):
        yield Problem((), 'an expectation is an object: {"type": …, "kwargs": { … }}')
        return
    yield from _unknown_keys(entry, _ENTRY_KEYS)
    severity = entry.get("severity", "critical")
    if severity not in SEVERITIES:
        allowed = "allowed are critical, warning and info"
        yield Problem(("severity",), allowed, repr(severity), nearest(str(severity), SEVERITIES))
    kwargs = entry.get("kwargs", {})
    if not isinstance(entry.get("type"), str):
        yield Problem(("type",), "the expectation's name is required")
    elif not isinstance(kwargs, dict):
        yield Problem(("kwargs",), "the expectation's arguments are an object")
    elif wrong := list(_parameter_problems(kwargs)):
        yield from (found.under("kwargs") for found in wrong)
    else:
        yield from check(entry["type"], bind(kwargs, EXAMPLE_NIGHT))


def _unknown_keys(found: Mapping[str, Any], allowed: Sequence[str]) -> Iterator[Problem]:
    for key in found:
        if key not in allowed:
            # What suites of Great Expectations before 1.0 called it.
            hint = "type" if key == "expectation_type" else nearest(key, allowed)
            yield Problem((key,), f"no such key here; allowed are {', '.join(allowed)}", hint=hint)


def _parameter_problems(value: Any) -> Iterator[Problem]:
    if isinstance(value, dict) and "$PARAMETER" in value:
        name = str(value["$PARAMETER"])
        if name not in PARAMETERS or len(value) > 1:
            known = f"no such parameter; there are {', '.join(PARAMETERS)}"
            yield Problem((), known, repr(name), nearest(name, list(PARAMETERS)))
    elif isinstance(value, list | dict):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from (found.under(step) for found in _parameter_problems(item))


def bad_pattern(pattern: Any) -> str | None:
    """What is wrong with a regular expression, or ``None``."""
    try:
        re.compile(pattern)
    except (re.error, TypeError) as error:
        return str(error)
    return None


def nearest(name: str, allowed: Sequence[str]) -> str | None:
    """The allowed name that is nearest to a wrong one, where one is near."""
    return next(iter(get_close_matches(name, allowed, n=1, cutoff=0.6)), None)
