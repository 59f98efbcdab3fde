"""A night's report and Data Docs as pages, read from the results.

They are made of data that anybody may have written, so each is served sandboxed: its scripts run
without an origin, reach no network, and cannot act as the user who looks at it.
"""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path
from fastapi.responses import HTMLResponse

from nightproof.catalog import find_model, models_folder
from nightproof.errors import ConfigError, NightError, NightproofError, ObjectMissing
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.results import ModelResults
from nightproof.storage import OpenStore

SANDBOX = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=300",
}
PAGES = {"report": "report.html.gz", "data-docs": "data_docs.html.gz"}
_EVALUATION = re.compile(r"[0-9a-f]{16}")

DagId = Annotated[str, Path(max_length=80)]


def create_app(open_store: OpenStore, may_read: Callable[..., Any]) -> FastAPI:
    """The pages.

    Parameters
    ----------
    open_store
        Finds the results' store.
    may_read
        A FastAPI dependency that refuses whoever may not read the DAG named ``dag_id`` in the path.
    """
    app = FastAPI(title="Nightproof", docs_url=None, redoc_url=None, openapi_url=None)
    guarded = [Depends(may_read)]

    @app.get("/models/{dag_id}/latest/{page}", dependencies=guarded)
    def latest(dag_id: DagId, page: str) -> HTMLResponse:
        """The page of the model's latest night that has one."""
        return _answer(lambda: _latest(_results(dag_id, open_store), page))

    @app.get("/models/{dag_id}/nights/{night}/{evaluation_id}/{page}", dependencies=guarded)
    def night_page(dag_id: DagId, night: str, evaluation_id: str, page: str) -> HTMLResponse:
        """The page of one evaluation."""
        return _answer(lambda: _page(_results(dag_id, open_store), night, evaluation_id, page))

    return app


def _results(model: str, open_store: OpenStore) -> ModelResults:
    return ModelResults.of(find_model(model, models_folder()), open_store)


def _latest(results: ModelResults, page: str) -> bytes:
    entries: list[LogEntry] = list(results.log.latest().values())
    for entry in reversed(entries):
        try:
            return _page(results, entry.night, entry.evaluation_id, page)
        except ObjectMissing:
            continue
    raise ObjectMissing("No night of this model has been published with this page yet.")


def _page(results: ModelResults, night: str, evaluation_id: str, page: str) -> bytes:
    name = PAGES.get(page)
    if name is None or not _EVALUATION.fullmatch(evaluation_id):
        raise ObjectMissing("There is no such page.")
    return gzip.decompress(results.dossier(str(Night.parse(night)), evaluation_id).read(name))


def _answer(read: Callable[[], bytes]) -> HTMLResponse:
    try:
        return HTMLResponse(read(), headers=SANDBOX)
    except ConfigError:
        # Its message names this machine's folders and the other models.
        return HTMLResponse(_plain_page("Not found", "No such model."), status_code=404, headers=SANDBOX)
    except (ObjectMissing, NightError) as error:
        return HTMLResponse(_plain_page("Not found", str(error)), status_code=404, headers=SANDBOX)
    except NightproofError as error:
        return HTMLResponse(_plain_page("Not to be had now", str(error)), status_code=503, headers=SANDBOX)


def _plain_page(title: str, text: str) -> str:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<body style='font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem'>"
        f"<h1>{title}</h1><p>{html.escape(text)}</p></body></html>"
    )
