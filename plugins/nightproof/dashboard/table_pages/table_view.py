"""Ask the table: where the metrics table lies, what its columns are, and code that asks it what people ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, get_args

from pydantic import Field, ValidationError

from nightproof.board import FleetRow
from nightproof.dashboard.fleet import Fleet
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.table_pages.table_columns import COLUMNS
from nightproof.dashboard.table_pages.table_questions import QUESTIONS
from nightproof.dashboard.table_pages.table_snippets import TOOLS, Asked, Tool, snippet

TABLE = "metrics"
"""The table's folder below a results root."""
YEAR, WEEKS = timedelta(days=364), timedelta(days=27)
S3_VARIABLES = (
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY", "your keys; a role or AWS_PROFILE will do as well where there is one"),
    ("AWS_REGION", "the bucket's region"),
    ("AWS_ENDPOINT_URL", "the server's address, only for what is not AWS"),
    ("AWS_ALLOW_HTTP", "true, only where that address begins with http://"),
)
"""What the readers take from the environment; this server tells nobody its own."""


class TableQuery(View):
    """What was asked for."""

    root: Annotated[str, Field(max_length=2000)] = ""
    """Results root; by default that of the model, or the one with most models."""
    model: Annotated[str, Field(max_length=200)] = ""
    """The model that is filled in."""
    tool: Tool = "duckdb"
    """The tool that is shown."""


class TableRoot(View):
    """One results root with its table."""

    root: str
    table: str
    """Where the table lies, for any reader of Delta tables."""
    models: tuple[str, ...]
    """Models in it that you may read."""


class Snippet(View):
    """Code that answers a question."""

    tool: Tool
    code: str
    """Python that leaves what it found in `answer`."""


class TableQuestion(View):
    """A question that people ask of the table."""

    name: str
    title: str
    about: str
    snippets: tuple[Snippet, ...]


class TableColumn(View):
    """A column of the table."""

    name: str
    type: str
    meaning: str


class Variable(View):
    """An environment variable that a reader of the table needs."""

    names: str
    meaning: str


class TableView(View):
    """The metrics tables of the models that you may read, and how to ask them."""

    roots: tuple[TableRoot, ...]
    shown: TableRoot | None
    """The one that the snippets are about; null where you may read no model that has results."""
    model: str
    """The model that is filled in."""
    metric: str
    """Its primary metric."""
    tool: Tool
    variables: tuple[Variable, ...]
    """What must be set where the snippets run; none for a folder."""
    questions: tuple[TableQuestion, ...]
    columns: tuple[TableColumn, ...]


def asked_of(given: Mapping[str, str]) -> tuple[TableQuery, tuple[str, ...]]:
    """What an address asks for, and a clause for each part of it that was not understood and is left out."""
    known = {name: value for name, value in given.items() if name in TableQuery.model_fields}
    try:
        return TableQuery.model_validate(known), ()
    except ValidationError as error:
        wrong = {str(fault["loc"][0]) for fault in error.errors(include_url=False)}
    said = {"tool": f" (one of {', '.join(get_args(Tool))})"}
    odd = tuple(f"{name} = {known[name][:60]!r}{said.get(name, ' (too long)')}" for name in known if name in wrong)
    return TableQuery.model_validate({k: v for k, v in known.items() if k not in wrong}), odd


def table_view(fleet: Fleet, viewer: Viewer, query: TableQuery, today: date) -> TableView:
    """What a viewer sees of the tables: only those of models that they may read.

    Parameters
    ----------
    today
        For the nights that are filled in where the model has none yet.
    """
    roots = _roots(fleet, viewer)
    shown = _shown(roots, query)
    model = _model(shown, query, fleet)
    row = fleet.rows.get(model)
    asked = _asked(shown, model, row, today)
    return TableView(
        roots=roots,
        shown=shown,
        model=model,
        metric=asked.metric,
        tool=query.tool,
        variables=_variables(shown),
        questions=tuple(
            TableQuestion(
                name=question.name,
                title=question.title,
                about=question.about,
                snippets=tuple(Snippet(tool=tool, code=snippet(question, tool, asked)) for tool in TOOLS),
            )
            for question in QUESTIONS
        )
        if shown
        else (),
        columns=tuple(TableColumn(name=name, type=kind, meaning=meaning) for name, kind, meaning in COLUMNS),
    )


def _roots(fleet: Fleet, viewer: Viewer) -> tuple[TableRoot, ...]:
    """Roots with the models that may be read in them; the one with most of them first."""
    found: dict[str, list[str]] = {}
    for model, place in fleet.places.items():
        if place.results_url and viewer.may_read(model):
            # An address may carry a user and a password: a browser is told neither.
            found.setdefault(redacted(place.results_url), []).append(model)
    made = [
        TableRoot(root=url, table=f"{url.rstrip('/')}/{TABLE}", models=tuple(sorted(models)))
        for url, models in found.items()
    ]
    return tuple(sorted(made, key=lambda one: (-len(one.models), one.root)))


def _shown(roots: tuple[TableRoot, ...], query: TableQuery) -> TableRoot | None:
    named = [one for one in roots if one.root == query.root]
    holding = [one for one in roots if query.model in one.models]
    return next(iter([*named, *holding, *roots]), None)


def _model(shown: TableRoot | None, query: TableQuery, fleet: Fleet) -> str:
    """The model asked for, else one that has nights."""
    if shown is None:
        return ""
    if query.model in shown.models:
        return query.model
    return next((name for name in shown.models if name in fleet.rows), shown.models[0])


def _asked(shown: TableRoot | None, model: str, row: FleetRow | None, today: date) -> Asked:
    try:
        last = date.fromisoformat(row.night) if row else today
    except ValueError:
        last = today
    metric = row.primary.metric if row and row.primary else "roc_auc"
    since, lately = str(last - YEAR), str(last - WEEKS)
    return Asked(table=shown.table if shown else "", model=model, metric=metric, since=since, lately=lately)


def _variables(shown: TableRoot | None) -> tuple[Variable, ...]:
    if shown is None or not shown.root.startswith("s3://"):
        return ()
    return tuple(Variable(names=names, meaning=meaning) for names, meaning in S3_VARIABLES)
