"""The API: all that the pages show, typed, described, finite, and told to people and programs alike."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from nightproof.dashboard.api_pages.openapi import document, operations
from nightproof.dashboard.app import API
from nightproof.dashboard.serving.access import Viewer

PAGES_OF_OTHERS = {"/table": "/table", "/": "/models"}
NO_DATA = ("/static/", "/api", "/token")
"""Pages that show no model's data."""
FILES = ("report", "data-docs", "name}", "latest", "runs", ".json", ".csv", ".parquet")
"""Routes that answer with a file of the record, or lead to another page."""


@pytest.fixture(scope="module")
def app(published: Any) -> FastAPI:
    found: FastAPI = published.app()
    return found


@pytest.fixture(scope="module")
def made(app: FastAPI) -> dict[str, Any]:
    return document(app)


@pytest.fixture(scope="module")
def answers(app: FastAPI, routes: Callable[[FastAPI], list[APIRoute]]) -> list[APIRoute]:
    """Every route of the API that is documented."""
    return [route for route in routes(app) if route.path.startswith(API) and route.include_in_schema]


# --- The document -------------------------------------------------------------------------------------------


def test_the_document_is_served_and_says_where_the_api_is(get: Any, made: dict[str, Any]) -> None:
    answer = get(f"{API}/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json() == made and made["openapi"].startswith("3.1")
    assert made["servers"] == [{"url": "/"}] and document_at_root("/nightproof", made)["servers"] == [
        {"url": "/nightproof"}
    ]
    for other in ("/docs", "/redoc", "/openapi.json"):
        assert get(other).status_code == 404, "no page of it loads scripts from elsewhere"


def document_at_root(root: str, made: dict[str, Any]) -> dict[str, Any]:
    class Fake:
        def openapi(self) -> dict[str, Any]:
            return made

    return document(Fake(), root)  # type: ignore[arg-type]


def test_making_the_document_changes_nothing_of_the_application(app: FastAPI) -> None:
    before = json.dumps(app.openapi(), sort_keys=True)
    document(app, "/nightproof")
    assert json.dumps(app.openapi(), sort_keys=True) == before


def test_every_documented_route_is_below_the_api_and_reads_alone(made: dict[str, Any]) -> None:
    found = list(operations(made))
    assert len(found) > 10
    for path, method, _ in found:
        assert path.startswith(f"{API}/") and method == "get"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_answers(made: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(made)]
    assert len(names) == len(set(names))
    for path, _, operation in operations(made):
        assert operation.get("summary"), path
        assert operation.get("description", "").strip(), path
        assert operation.get("tags"), path


def test_every_parameter_says_what_it_means_and_has_a_type(made: dict[str, Any]) -> None:
    for path, _, operation in operations(made):
        declared = {found["name"] for found in operation.get("parameters", []) if found["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))
        for found in operation.get("parameters", []):
            assert found.get("description"), f"{path}: {found['name']}"
            assert found["in"] in ("path", "query") and any(
                key in found["schema"] for key in ("type", "anyOf", "$ref", "enum", "const")
            )
            assert found["in"] == "query" or found["required"]


def test_every_answer_is_typed(answers: list[APIRoute], made: dict[str, Any]) -> None:
    for route in answers:
        schema = made["paths"][route.path]["get"]["responses"]["200"].get("content", {})
        assert schema, route.path
        for kind, content in schema.items():
            if kind == "application/json":
                assert _is_typed(made, content["schema"]), f"{route.path} answers with anything"


def _is_typed(made: dict[str, Any], schema: dict[str, Any]) -> bool:
    if "$ref" in schema:
        resolved = made["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return bool(resolved.get("properties")) or "enum" in resolved
    if schema.get("type") == "array":
        return _is_typed(made, schema.get("items", {}))
    return False


def test_the_document_holds_together(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    for reference in _references(made):
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in schemas, reference
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("type") or schema.get("anyOf") or "enum" in schema, name
    for _, _, operation in operations(made):
        assert {"200", "401", "404", "503"} <= set(operation["responses"])
        for parameter in operation.get("parameters", []):
            Draft202012Validator.check_schema(parameter["schema"])
    json.dumps(made, allow_nan=False)


def _references(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for value in found.values():
            yield from _references(value)
    elif isinstance(found, list):
        for value in found:
            yield from _references(value)


# --- The answers --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked(app: FastAPI, published: Any, answers: list[APIRoute], ask_all: Any) -> list[tuple[str, Any]]:
    """Every documented route asked for the model that regressed."""
    sample = published.sample("clandestine") | {"column": "x"}
    paths = []
    for route in answers:
        path = route.path
        for name, value in sample.items():
            path = path.replace(f"{{{name}}}", value)
        needed = [f.alias for f in route.dependant.query_params if f.field_info.is_required()]
        query = "&".join(f"{name}={sample[name]}" for name in needed if name in sample)
        paths.append((route.path, f"{path}?{query}" if query else path))
    found = ask_all(app, [path for _, path in paths], accept="application/json")
    return [(template, answer) for (template, _), answer in zip(paths, found, strict=True)]


def test_every_answer_is_finite_json_as_the_document_says(asked: list[tuple[str, Any]], made: dict[str, Any]) -> None:
    told = 0
    for template, answer in asked:
        assert answer.status_code in (200, 404, 422), f"{template}: {answer.text[:200]}"
        assert answer.headers["content-type"] == "application/json", template
        value = json.loads(answer.text, parse_constant=_not_finite)
        if answer.status_code == 200:
            told += 1
            schema = made["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            faults = list(Draft202012Validator(schema | {"components": made["components"]}).iter_errors(value))
            assert not faults, f"{template}: {faults[0].message[:300]} at {list(faults[0].absolute_path)}"
    assert told > 8


def _not_finite(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def test_every_page_of_data_has_its_answer(app: FastAPI, routes: Any, answers: list[APIRoute]) -> None:
    told = {route.path.removeprefix(API) for route in answers}
    for route in routes(app):
        path = route.path
        if path.startswith(NO_DATA) or any(part in path for part in FILES) or path.startswith(API):
            continue
        wanted = PAGES_OF_OTHERS.get(path, path).rstrip("/")
        below = {
            wanted,
            wanted.replace("/features/{column:path}", "/features"),
            wanted.replace("/features/{column}", "/features"),
        }
        assert below & told, f"the page {path} has no answer in the API"


def test_what_is_not_there_is_refused_in_words(get: Any, made: dict[str, Any]) -> None:
    for path in ("/models/no_such_model", "/models/no_such_model/incidents", "/nothing"):
        answer = get(f"{API}{path}")
        assert answer.status_code == 404
        Draft202012Validator(made["components"]["schemas"]["Refusal"]).validate(answer.json())


def test_a_parameter_that_there_is_not_is_ignored(get: Any) -> None:
    for path in ("/incidents", "/table", "/models"):
        plain, asked = get(f"{API}{path}").json(), get(f"{API}{path}?nonsense=1").json()
        assert _without_time(plain) == _without_time(asked)


def _without_time(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "at"}


# --- The page -----------------------------------------------------------------------------------------------


def test_the_page_lists_every_endpoint_its_parameters_and_an_example(get: Any, made: dict[str, Any]) -> None:
    page = get("/api").text
    for path, _, operation in operations(made):
        assert f"</span> {path}</h3>" in page
        for parameter in operation.get("parameters", []):
            assert f"<code>{parameter['name']}</code>" in page
    assert "openapi.json" in page and "curl -s -H" in page and "nightproof ui" in page


def test_inside_airflow_it_says_how_to_get_a_token(published: Any, ask: Any) -> None:
    app = published.app(login=lambda request: "/auth/login")
    page = ask(app, "/api").text
    assert "/auth/token" in page and "nightproof ui" not in page


def test_examples_are_of_what_the_viewer_may_read(get: Any) -> None:
    quiet = get("/api", viewer=Viewer(readable=frozenset({"quiet"}))).text
    assert "/models/quiet" in quiet and "clandestine" not in quiet
    nobody = get("/api", viewer=Viewer(readable=frozenset())).text
    assert "quiet" not in nobody and "/models/{model}" in nobody


def test_an_example_can_be_asked(get: Any) -> None:
    page = get("/api").text
    examples = re.findall(r"http://[^/]+(/api/v1/[^&#]*)&#39;", page)
    whole = [path for path in examples if "{" not in path]
    assert len(whole) > 8
    for path in whole:
        assert get(path).status_code in (200, 422), path
