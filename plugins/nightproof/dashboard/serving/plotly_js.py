"""Plotly's script for the browser, from the installed package and from nowhere else; the package is never imported."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import metadata, util
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from nightproof.errors import ObjectMissing

KEPT = "public, max-age=31536000, immutable"
"""The version is in the name, so what it names never changes."""

pages = APIRouter(include_in_schema=False)


@cache
def plotly_file() -> str:
    """Name of the script, with the installed version in it."""
    try:
        return f"plotly-{metadata.version('plotly')}.js"
    except metadata.PackageNotFoundError:
        raise ObjectMissing("The package plotly is not installed: charts are shown as tables.") from None


@pages.get("/static/plotly.js")
def installed(request: Request) -> Response:
    """To the installed version: pages need not know which one it is."""
    root = request.scope.get("root_path", "").rstrip("/")
    return RedirectResponse(f"{root}/static/{plotly_file()}", headers={"Cache-Control": "public, max-age=300"})


@pages.get("/static/plotly-{version}.js")
def script(request: Request, version: str) -> Response:
    """Plotly's script, packed where the browser takes it packed."""
    if f"plotly-{version}.js" != plotly_file():
        raise ObjectMissing("There is no such file.")
    headers = {"Cache-Control": KEPT, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    content = _packed()
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(content)
    return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _packed() -> bytes:
    """The script, gzipped once: a third of its size stays in memory."""
    found = util.find_spec("plotly")
    if found is None or found.origin is None:
        raise ObjectMissing("The package plotly is not installed: charts are shown as tables.")
    path = Path(found.origin).parent / "package_data" / "plotly.min.js"
    if not path.is_file():
        raise ObjectMissing("The installed package plotly has no script: charts are shown as tables.")
    return gzip.compress(path.read_bytes(), 6, mtime=0)
