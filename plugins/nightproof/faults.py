"""Pydantic's errors in the words of someone who edits a YAML file."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from nightproof.errors import Fault
from nightproof.yaml_source import Source

_EXPECTED = {
    "string_type": "write text",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "tuple_type": "write a list",
    "list_type": "write a list",
    "dict_type": "write keys and values",
    "model_type": "write keys and values",
    "model_attributes_type": "write keys and values",
    "bool_parsing": "write true or false",
}
_SHAPES = {
    "model": "use 1 to 80 lower-case letters, digits, '_' or '-', starting with a letter or digit",
    "suite": "use letters, digits, '_' and '-' only",
    "master": "write spark://host:port, k8s://…, yarn or local",
    "channel": "write a channel such as '#ml-network', or its id",
    "class": "write a class path such as package.module.Class",
    "mention": "write the id of a user or a user group, such as S0123456789",
}


def explain(error: ErrorDetails, model: type[BaseModel], source: Source) -> Fault:
    """One fault from one pydantic error.

    Parameters
    ----------
    error
        As listed by ``ValidationError.errors()``.
    model
        The class that was being read, for the names that are allowed.
    source
        The YAML, for lines and values.
    """
    path = tuple(step for step in error["loc"] if step != "[key]")
    key = ".".join(str(step) for step in path)
    line = source.line(*path)
    kind = error["type"]
    if kind == "missing":
        return Fault(line, key, None, "this key is required", None)
    if kind == "extra_forbidden":
        allowed = allowed_keys(model, path[:-1])
        problem = f"no such key here; allowed are {_enumerate(allowed)}"
        return Fault(line, key, None, problem, _nearest(str(path[-1]), allowed))
    if kind == "literal_error":
        allowed = [name.strip("'") for name in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        found = str(error["input"])
        problem = f"allowed are {_enumerate(allowed)}"
        return Fault(line, key, repr(found), problem, _nearest(found, allowed))
    problem = _EXPECTED.get(kind) or _problem(error, str(path[-1]) if path else "")
    return Fault(line, key, _shown(error["input"]), problem, None)


def _problem(error: ErrorDetails, name: str) -> str:
    if error["type"] == "string_pattern_mismatch":
        return _SHAPES.get(name, "must match " + str(error["ctx"]["pattern"]))
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    message = error["msg"]
    return message[0].lower() + message[1:]


def allowed_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Keys that a config section takes, by its path from the top."""
    found: Any = model
    for step in path:
        for name, field in found.model_fields.items():
            if step in (name, field.alias):
                found = _section(field.annotation) or found
    return [field.alias or name for name, field in found.model_fields.items()]


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section(part))), None)


def _nearest(name: str, allowed: list[str]) -> str | None:
    return next(iter(get_close_matches(name, allowed, n=1, cutoff=0.6)), None)


def _enumerate(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _shown(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return None
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
