"""A night's report and Data Docs as pages, read from the results.

They are made of data that anybody may have written, so each is served sandboxed: its scripts run
without an origin, reach no network, and cannot act as the user who looks at it.
"""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from nightproof.dashboard.access import Viewer, Who
from nightproof.errors import NightError, NightproofError, ObjectMissing
from nightproof.manifest import LogEntry
from nightproof.night import Night
from nightproof.results import ModelResults

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

Model = Annotated[str, Path(max_length=80)]


pages = APIRouter(include_in_schema=False)


@pages.get("/models/{model}/latest/{name}")
def latest(request: Request, viewer: Who, model: Model, name: str) -> HTMLResponse:
    """The page of the model's latest night that has one."""
    return _answer(lambda: _latest(_results(request, viewer, model), name))


@pages.get("/models/{model}/nights/{night}/{evaluation_id}/{name}")
def night_page(request: Request, viewer: Who, model: Model, night: str, evaluation_id: str, name: str) -> HTMLResponse:
    """The page of one evaluation."""
    return _answer(lambda: _page(_results(request, viewer, model), night, evaluation_id, name))


def _results(request: Request, viewer: Viewer, model: str) -> ModelResults:
    viewer.check(model)
    results: ModelResults = request.app.state.source.results(model)
    return results


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
