"""The API for people: every endpoint, what it answers, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from nightproof.dashboard.api_pages.openapi import Document, operations
from nightproof.dashboard.fleet import Fleet
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.serving.access import Viewer

_SLOT = re.compile(r"\{(\w+)\}")
_TITLES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


class ApiParameter(View):
    """One parameter of an endpoint."""

    name: str
    where: str
    """`path` or `query`."""
    type: str
    required: bool
    default: str
    """Empty where there is none."""
    meaning: str


class ApiField(View):
    """One field of an answer."""

    name: str
    type: str
    meaning: str


class Endpoint(View):
    """One endpoint of the API."""

    id: str
    """Names its place on the page."""
    method: str
    path: str
    says: str
    """What it answers, in a sentence."""
    more: str
    """The rest of what there is to say; may be empty."""
    parameters: tuple[ApiParameter, ...]
    answer: str
    """Name of the schema of its answer, or its content type."""
    fields: tuple[ApiField, ...]
    example: str
    """Path that can be asked now, as far as the fleet has what it needs."""


class ApiGroup(View):
    """The endpoints of one part of the dashboard."""

    name: str
    endpoints: tuple[Endpoint, ...]


def api_view(made: Document, examples: Mapping[str, str]) -> tuple[ApiGroup, ...]:
    """Every endpoint of an OpenAPI document, by part.

    Parameters
    ----------
    made
        The document.
    examples
        What stands for path parameters in the examples.
    """
    groups: dict[str, list[Endpoint]] = {}
    for path, method, operation in operations(made):
        tag = next(iter(operation.get("tags", [])), "others")
        groups.setdefault(tag, []).append(_endpoint(made, path, method, operation, examples))
    return tuple(ApiGroup(name=name, endpoints=tuple(found)) for name, found in groups.items())


def examples_of(fleet: Fleet, viewer: Viewer) -> dict[str, str]:
    """What stands for parameters in examples: of the first model that the viewer may read and that has nights."""
    row = next((row for name, row in sorted(fleet.rows.items()) if viewer.may_read(name)), None)
    if row is None:
        return {}
    incident = next((found.id for found in row.incidents), None)
    found = {"model": row.model, "night": row.night, "evaluation_id": row.evaluation_id}
    return found | ({"incident_id": incident} if incident else {})


def _endpoint(made: Document, path: str, method: str, operation: Document, examples: Mapping[str, str]) -> Endpoint:
    said = [part.strip() for part in operation.get("description", "").strip().split("\n\n")]
    summary = operation.get("summary", "")
    # A summary that FastAPI made of a function's name says less than the first line of its text.
    written = bool(summary) and summary.replace(" ", "_").lower() != _function(operation, path, method)
    says, more = (summary, said) if written or not said[0] else (said[0], said[1:])
    answer, fields = _answer(made, operation)
    return Endpoint(
        id=operation.get("operationId", f"{method}-{path}"),
        method=method.upper(),
        path=path,
        says=says,
        more=" ".join(" ".join(part.split()) for part in more if part != says),
        parameters=tuple(_parameter(made, found) for found in operation.get("parameters", [])),
        answer=answer,
        fields=fields,
        example=_SLOT.sub(lambda slot: _filled(slot, examples), path),
    )


def _filled(slot: re.Match[str], examples: Mapping[str, str]) -> str:
    return quote(examples[slot[1]], safe="") if slot[1] in examples else slot[0]


def _function(operation: Document, path: str, method: str) -> str:
    """The function's name, as FastAPI puts it before the path in an operation's id."""
    behind = re.sub(r"\W", "_", path) + f"_{method}"
    return str(operation.get("operationId", "")).removesuffix(behind)


def _parameter(made: Document, found: Document) -> ApiParameter:
    schema = found.get("schema", {})
    default = schema.get("default")
    return ApiParameter(
        name=found["name"],
        where=found["in"],
        type=_type(made, schema),
        required=bool(found.get("required")),
        default="" if default in (None, "") else str(default),
        meaning=_one_line(found.get("description") or schema.get("description") or ""),
    )


def _answer(made: Document, operation: Document) -> tuple[str, tuple[ApiField, ...]]:
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    if "application/json" not in content:
        return next(iter(content), "nothing"), ()
    schema = content["application/json"].get("schema", {})
    resolved = _resolved(made, schema)
    fields = tuple(
        ApiField(name=name, type=_type(made, of), meaning=_one_line(of.get("description", "")))
        for name, of in resolved.get("properties", {}).items()
    )
    return _type(made, schema), fields


def _resolved(made: Document, schema: Document) -> Document:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return dict(made["components"]["schemas"].get(name, {})) if name else schema


def _type(made: Document, schema: Document) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        resolved = _resolved(made, schema)
        return _type(made, resolved) if "enum" in resolved else str(name)
    if "enum" in schema:
        return " | ".join(str(value) or "(empty)" for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"]) or "(empty)"
    if several := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(made, one) for one in several))
    return _plain_type(made, schema)


def _plain_type(made: Document, schema: dict[str, Any]) -> str:
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(made, schema['items'])}" if schema.get("items") else "list"
    if kind == "object":
        of = schema.get("additionalProperties")
        return f"object of {_type(made, of)}" if isinstance(of, dict) and of else "object"
    if schema.get("format") in ("date", "date-time"):
        return "date" if schema["format"] == "date" else "instant, UTC"
    return _TITLES.get(kind, str(kind))


def _one_line(text: str) -> str:
    return " ".join(text.split())
