"""What tests of the dashboard share: published models, an application over them, and somebody who asks it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from nightproof.dashboard.app import create_app
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.source import Source
from nightproof.evaluation import Evaluation
from nightproof.storage import OpenStore, Store
from nightproof.validation import Expectation, Validation

ALL = Viewer()
NIGHTS = ("2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04")
REPORT = b"<!doctype html><html lang=en><title>The report</title><h1>The report</h1><script>alert(1)</script>"
DATA_DOCS = b"<!doctype html><html lang=en><title>Data Docs</title><h1>The data docs</h1>"


@dataclass
class Published:
    """Some models with their nights, in a store in memory; tests read of it, and write nothing.

    Parameters
    ----------
    models
        Folder of the configs.
    open_store
        Finds the store of their results.
    evaluations
        Of each model, in the order of its nights.
    """

    models: Path
    open_store: OpenStore
    evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)

    def source(self, open_store: OpenStore | None = None) -> Source:
        """A source that knows nothing yet."""
        return Source(open_store or self.open_store, models=self.models)

    def app(self, viewer: Viewer = ALL, *, open_store: OpenStore | None = None, **given: Any) -> FastAPI:
        """The dashboard as one viewer has it."""
        return create_app(self.source(open_store), lambda: viewer, **given)

    def last(self, model: str) -> Evaluation:
        """A model's last evaluation."""
        return self.evaluations[model][-1]

    def sample(self, model: str) -> dict[str, str]:
        """What stands for the parameters of a path: of this model, or of any where it is none of these."""
        last = self.evaluations.get(model, next(iter(self.evaluations.values())))[-1]
        features = last.config.columns.features
        return {
            "model": model,
            "night": str(last.night),
            "evaluation_id": last.id,
            "run_id": f"scheduled__{last.night}T04:00:00+00:00",
            "column": next(iter((*features.numeric, *features.categorical))),
            "incident_id": next((incident.id for incident in last.verdict.incidents), f"performance-{last.night}"),
        }


# --- Asking -------------------------------------------------------------------------------------------------


def asked_all(
    app: Any,
    paths: Sequence[str],
    *,
    method: str = "GET",
    accept: str = "text/html",
    headers: Mapping[str, str] | None = None,
    base_url: str = "http://localhost",
    content: bytes | None = None,
) -> list[httpx.Response]:
    """Ask an application for paths, one after the other, without a server; no redirect is followed."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            sent = {"Accept": accept, **(headers or {})}
            return [await client.request(method, path, headers=sent, content=content) for path in paths]

    return asyncio.run(ask())


def asked(app: Any, path: str, **how: Any) -> httpx.Response:
    """Ask an application for one path."""
    return asked_all(app, [path], **how)[0]


@pytest.fixture(scope="session")
def ask() -> Callable[..., httpx.Response]:
    """``ask(app, path, …)``: see :func:`asked_all`."""
    return asked


@pytest.fixture(scope="session")
def ask_all() -> Callable[..., list[httpx.Response]]:
    """See :func:`asked_all`."""
    return asked_all


@pytest.fixture
def get(published: Published) -> Callable[..., httpx.Response]:
    """``get(path, viewer=…, accept=…, headers=…)``: an answer of the dashboard over `published`."""

    def ask_published(path: str, viewer: Viewer = ALL, **how: Any) -> httpx.Response:
        return asked(published.app(viewer), path, **how)

    return ask_published


# --- Routes -------------------------------------------------------------------------------------------------

NAMES = ("report", "data-docs", "style.css", "findings", "nothing")
"""Tried for parameters that have one of a few values, which no sample knows."""


def paths_of(app: FastAPI, sample: Mapping[str, str]) -> list[str]:
    """Every route of an application, as paths of a sample; parameters without one take several values."""
    return sorted({path for route in routes_of(app) for path in _filled(route, sample)})


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every route of an application."""
    return list(_routes(app.routes))


def _routes(routes: Sequence[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route


def _filled(route: APIRoute, sample: Mapping[str, str]) -> Iterator[str]:
    for name in NAMES:
        path = route.path
        for parameter in route.param_convertors:
            value = sample.get(parameter, name)
            for form in (f"{{{parameter}}}", f"{{{parameter}:path}}"):
                path = path.replace(form, _quoted(value))
        yield path


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return quote(value, safe="")


@pytest.fixture(scope="session")
def paths() -> Callable[[FastAPI, Mapping[str, str]], list[str]]:
    """See :func:`paths_of`."""
    return paths_of


@pytest.fixture(scope="session")
def routes() -> Callable[[FastAPI], list[APIRoute]]:
    """See :func:`routes_of`."""
    return routes_of


# --- Models -------------------------------------------------------------------------------------------------

SECRET = ("clandestine", "Secret-Team", "hush-tag", "An unspeakable purpose.", "CC-HIDDEN")
"""Words of which whoever may not read the second model must see none: its name, owner, tag, description, center."""
HARM: dict[str, Any] = {"noise": 1.0, "unfair": 0.3}


def nights_of(bench: Any, *, count: int, last: Mapping[str, Any], **config: Any) -> list[Evaluation]:
    """Write and evaluate a model's nights, of which the last has knobs of its own; each has its pages."""
    made = bench.config(**config)
    found = []
    for night in NIGHTS:
        bench.night(night, count, **(last if night == NIGHTS[-1] else {}))
        found.append(evaluated(bench, made, night))
    return found


def evaluated(bench: Any, config: Any, night: str) -> Evaluation:
    """Evaluate a night, and put the pages in its place that take seconds to make."""
    found: Evaluation = bench.evaluate(night, config)
    dossier = bench.model_results(config).dossier(night, found.id)
    dossier.write("report.html.gz", gzip.compress(REPORT))
    dossier.write("data_docs.html.gz", gzip.compress(DATA_DOCS))
    return found


@pytest.fixture(scope="session")
def published(benches: Callable[[], Any]) -> Published:
    """Two models on one results root: `quiet`, all good; `clandestine`, which regressed on its last night."""
    bench, second = benches(), benches()
    found = Published(bench.models, bench.open_store)
    found.evaluations["quiet"] = nights_of(
        bench, count=400, last={}, model="quiet", owner="ml-platform", tags=["network"], description="Will it be late?"
    )
    name, owner, tag, description, cost_center = SECRET
    told = {"owner": owner, "tags": [tag], "description": description, "cost_center": cost_center}
    found.evaluations[name] = nights_of(second, count=900, last=HARM, model=name, **told)
    store, results = second.open_store("s3://ml-results"), bench.open_store("s3://ml-results")
    for stored in store.list(""):
        results.put(stored.key, store.read(stored.key))  # type: ignore[attr-defined]
    (bench.models / f"{name}.yaml").write_bytes((second.models / f"{name}.yaml").read_bytes())
    return found


@pytest.fixture(scope="session")
def secret() -> tuple[str, ...]:
    """See :data:`SECRET`."""
    return SECRET


SCRIPT = "<script>alert(1)</script>"
BREAK = "'\"><img src=x onerror=alert(1)></script><!--"
HOSTILE = {"x": f"x{SCRIPT}", "group": f"group{BREAK}", "version": f"version{SCRIPT}"}
"""What the columns of the hostile model are called."""


@pytest.fixture(scope="session")
def hostile(benches: Callable[[], Any]) -> Published:
    """A model all of whose texts were written by somebody who means harm: `hostile`; it regressed on its last night."""
    bench = benches()
    config = bench.config(
        model="hostile",
        description=f"It harms {SCRIPT} {BREAK}",
        owner=f"</title>{SCRIPT}",
        cost_center=f"{BREAK}",
        tags=[f"<b>bold</b>{SCRIPT}", "{{ 7 * 7 }}", BREAK],
        columns={
            "score": "score",
            "label": "label",
            "model_version": HOSTILE["version"],
            "features": {"numeric": [HOSTILE["x"]], "categorical": [HOSTILE["group"]]},
            "protected": [HOSTILE["group"]],
            "slices": [HOSTILE["group"]],
        },
        alerts={
            "slack": {"channel": "#ml-network"},
            "mute": [{"metric": "psi", "until": "2999-01-01", "reason": f"known {SCRIPT}{BREAK}"}],
        },
    )
    reference = _planted(bench.night("2023-01-01", 2000), "reference")
    bench.put("reference/part-0.parquet", _parquet(reference.drop("id")))
    evaluations = []
    for night in NIGHTS:
        harm = {**HARM, "drift": 1.0} if night == NIGHTS[-1] else {}
        table = _planted(bench.night(night, 900, **harm), night)
        bench.write(night, table.drop("label"), table.select("id", "label"))
        evaluations.append(evaluated(bench, config, night))
    _plant_validation(bench, config, evaluations[-2])
    return Published(bench.models, bench.open_store, {"hostile": evaluations})


def _plant_validation(bench: Any, config: Any, evaluation: Evaluation) -> None:
    """Put what a suite's author wrote in the place of a night's validation: its manifest no longer fits it, either."""
    told = Expectation(
        source="suite",
        type=f"expect_{SCRIPT}",
        column=HOSTILE["group"],
        kwargs={"value_set": [SCRIPT, BREAK], f"{BREAK}": 1},
        severity="warning",
        success=False,
        observed=f"observed {SCRIPT}{BREAK}",
        unexpected_count=3,
        unexpected_percent=0.5,
        example_keys=(f"part-0.parquet{SCRIPT}{BREAK} row 17",),
    )
    planted = Validation(outcome="warned", rows=900, labelled=900, expectations=(told,), engine=f"gx {SCRIPT}{BREAK}")
    dossier = bench.model_results(config).dossier(str(evaluation.night), evaluation.id)
    key = f"{dossier.folder}validation.json"
    bench.open_store("s3://ml-results").put(key, planted.to_bytes())


def _planted(table: pl.DataFrame, night: str) -> pl.DataFrame:
    first = pl.col("group") == "a"
    groups = pl.when(first).then(pl.lit(f"a{SCRIPT}")).otherwise(pl.lit(f"b{BREAK}"))
    return table.with_columns(group=groups, version=pl.lit(f"v1 {SCRIPT}{night}")).rename(HOSTILE)


def _parquet(table: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


# --- Stores -------------------------------------------------------------------------------------------------


class RecordingStore:
    """A store that remembers every key and prefix that was asked for, and refuses every write.

    Parameters
    ----------
    store
        The store behind it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[str] = []
        self.written: list[str] = []

    def url(self, key: str) -> str:
        return self._store.url(key)

    def read(self, key: str) -> bytes:
        self.asked.append(key)
        return self._store.read(key)

    def head(self, key: str) -> Any:
        self.asked.append(key)
        return self._store.head(key)

    def list(self, prefix: str) -> Any:
        self.asked.append(prefix)
        return self._store.list(prefix)

    def folders(self, prefix: str) -> tuple[str, ...]:
        self.asked.append(prefix)
        return self._store.folders(prefix)

    def fetch(self, found: Any, path: Path) -> None:
        self.asked.append(found.key)
        self._store.fetch(found, path)

    def create(self, key: str, content: bytes, **how: Any) -> None:
        self._refuse(key)

    def delete(self, key: str) -> None:
        self._refuse(key)

    def _refuse(self, key: str) -> None:
        self.written.append(key)
        raise AssertionError(f"{key} was to be written")


@pytest.fixture
def recording() -> type[RecordingStore]:
    """See :class:`RecordingStore`."""
    return RecordingStore
