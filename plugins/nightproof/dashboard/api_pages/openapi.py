"""The API's OpenAPI document: what FastAPI makes of the routes, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fastapi import FastAPI

Document = dict[str, Any]
PARAMETERS = {
    "model": "Name of the model.",
    "night": "The night, as `YYYY-MM-DD`, a UTC day.",
    "evaluation_id": "The evaluation: sixteen hexadecimal digits.",
    "column": "A feature, an output, the label or a protected column.",
    "run_id": "Id of an Airflow run.",
    "incident_id": "The incident's id, such as `performance-2013-12-14`.",
    "last": "So many nights up to the model's last one.",
    "from": "First night, as `YYYY-MM-DD`.",
    "to": "Last night, as `YYYY-MM-DD`.",
    "window": "How many nights are merged.",
    "page": "Which page of the list, from 1 on.",
    "status": "Of this status alone: `ok`, `watch`, `regression` or `insufficient_data`; empty for all.",
    "measure": "Which measure; the answer lists those that there are, and the first is the default.",
    "group": "A group of the column, to follow by night.",
    "a": "The nights on the left; the page of the comparison says how they are written.",
    "b": "The nights on the right, written alike.",
}
"""What a parameter means wherever its route does not say it."""
REFUSALS = {
    "401": "Nobody is logged in, or the login has run out.",
    "404": "There is no such thing, or you may not read its model: both are told alike.",
    "503": "Its results cannot be read now; the text says why.",
}
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


def document(app: FastAPI, root: str = "") -> Document:
    """The OpenAPI document of an application.

    Parameters
    ----------
    app
        The dashboard.
    root
        Where it is mounted, such as ``/nightproof``.
    """
    made: Document = deepcopy(app.openapi())
    made["servers"] = [{"url": root or "/"}]
    parts = made.setdefault("components", {})
    parts.setdefault("schemas", {})["Refusal"] = {
        "title": "Refusal",
        "type": "object",
        "properties": {"detail": {"type": "string", "title": "Detail", "description": "Why, in a sentence."}},
        "required": ["detail"],
    }
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{"bearer": []}]
    for _, _, operation in operations(made):
        for parameter in operation.get("parameters", []):
            if not parameter.get("description") and parameter["name"] in PARAMETERS:
                parameter["description"] = PARAMETERS[parameter["name"]]
        for status, why in REFUSALS.items():
            answer = operation["responses"].setdefault(status, {"description": why})
            answer.setdefault("content", {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}})
    return made


def operations(made: Document) -> Iterator[tuple[str, str, Document]]:
    """Each path, method and operation of a document."""
    for path, item in made.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]
