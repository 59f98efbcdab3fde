"""A night's report and Data Docs as pages, read from the results.

They are made of data that anybody may have written, so each is served sandboxed: its scripts run
without an origin, reach no network, and cannot act as the user who looks at it. They are stored packed, and go out as
they are stored wherever the browser unpacks them itself.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from nightproof.dashboard.night_pages.night_record import Found, find, folder_of, unpacked, why_gone
from nightproof.dashboard.serving.access import Viewer, Who
from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.source import Source
from nightproof.errors import NightproofError, ObjectMissing
from nightproof.manifest import LogEntry, Manifest
from nightproof.results import ModelResults

SANDBOX = {
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=300",
    "Vary": "Accept-Encoding",
}
PAGES = {"report": "report.html.gz", "data-docs": "data_docs.html.gz"}
LOOKED_BACK = 31
"""Nights, the latest first, among which one with a page is looked for."""
_GZIP = b"\x1f\x8b"

Model = Annotated[str, Path(max_length=80)]


pages = APIRouter(include_in_schema=False)


@pages.get("/models/{model}/latest/{name}")
def latest(request: Request, viewer: Who, model: Model, name: str) -> Response:
    """The page of the model's latest night that has one."""
    return _answer(request, lambda: _latest(_source(request, viewer, model).results(model), name))


@pages.get("/models/{model}/nights/{night}/{evaluation_id}/{name}")
def night_page(request: Request, viewer: Who, model: Model, night: str, evaluation_id: str, name: str) -> Response:
    """The page of one evaluation."""
    return _answer(request, lambda: _page(_source(request, viewer, model), model, night, evaluation_id, name=name))


def _source(request: Request, viewer: Viewer, model: str) -> Source:
    viewer.check(model)
    source: Source = request.app.state.source
    return source


def _latest(results: ModelResults, page: str) -> bytes:
    name = _file(page)
    newest: dict[str, LogEntry] = {entry.night: entry for entry in results.log.entries()}
    for night in sorted(newest, reverse=True)[:LOOKED_BACK]:
        try:
            return results.store.read(folder_of(results, newest[night]) + name)
        except ObjectMissing:
            continue
    raise ObjectMissing(f"None of the last {LOOKED_BACK} nights of this model has been published with this page.")


def _page(source: Source, model: str, night: str, evaluation_id: str, *, name: str) -> bytes:
    file = _file(name)
    found = find(source, model, night, evaluation_id)
    try:
        return found.read(file)
    except ObjectMissing:
        raise ObjectMissing(f"This night has no such page. {_why(found, file)}".rstrip()) from None


def _why(found: Found, file: str) -> str:
    """Why a page that was published is gone; empty where there never was one."""
    manifest = Manifest.from_bytes(found.read("manifest.json"), name=found.folder)
    return why_gone(found, file) if file in manifest.files else ""


def _file(page: str) -> str:
    if page not in PAGES:
        raise ObjectMissing("There is no such page.")
    return PAGES[page]


def _answer(request: Request, read: Callable[[], bytes]) -> Response:
    try:
        stored = read()
        if stored.startswith(_GZIP) and _unpacks(request.headers.get("Accept-Encoding", "")):
            return HTMLResponse(stored, headers=SANDBOX | {"Content-Encoding": "gzip"})
        return HTMLResponse(unpacked(stored, "This page"), headers=SANDBOX)
    except ObjectMissing as error:
        return HTMLResponse(_plain_page("Not found", redacted(str(error))), status_code=404, headers=SANDBOX)
    except NightproofError as error:
        return HTMLResponse(_plain_page("Not to be had now", redacted(str(error))), status_code=503, headers=SANDBOX)


def _unpacks(accepted: str) -> bool:
    """Whether a browser says that it takes gzip (RFC 9110, 12.5.3): by name or by ``*``, and not with a weight of 0."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        try:
            weights[coding.strip()] = float(weight.partition("=")[2].strip() or 1.0)
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0.0


def _plain_page(title: str, text: str) -> str:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<body style='font:16px/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem'>"
        f"<h1>{title}</h1><p>{html.escape(text)}</p></body></html>"
    )
