"""Rendering: templates with everything escaped, and the headers that every page of the dashboard has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nightproof import words
from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.standing import SIGNS
from nightproof.errors import NightError, NightproofError, ObjectMissing

HEADERS = {
    # Charts set the style of single elements; nothing else needs more than this origin.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer that says nothing else. No page is kept by a browser: a right that is taken away is gone at once."""


def page(request: Request, template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page of the dashboard.

    Parameters
    ----------
    request
        What was asked for: links stand below the root that it came by.
    template
        Its name in ``templates/``, without ``.html.j2``.
    status
        Of the answer.
    **shown
        What the template shows.
    """
    root = request.scope.get("root_path", "").rstrip("/")
    around = {
        "root": root,
        "viewer": getattr(request.state, "viewer", Viewer()),
        "here": request.url.path.removeprefix(root),
        "now": datetime.now(UTC),
    }
    text = _environment().get_template(f"{template}.html.j2").render(**around, **shown)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def failure(request: Request, error: NightproofError) -> HTMLResponse:
    """The page of what could not be shown: it says what, and where to go on."""
    missing = isinstance(error, ObjectMissing | NightError)
    title = "Not found" if missing else "Not to be had now"
    return page(request, "error", status=404 if missing else 503, title=title, why=redacted(str(error)))


def as_json(value: object) -> Markup:
    """Data in a script element of type ``application/json``: no text of it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  no character in it means anything to HTML


@cache
def asset(name: str) -> tuple[bytes, str]:
    """A static file of the dashboard and its content type; raises ``ObjectMissing``."""
    kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}.get(name.rpartition(".")[2])
    found = resources.files("nightproof.dashboard") / "static" / name
    if kind is None or "/" in name or "\\" in name or not found.is_file():
        raise ObjectMissing("There is no such file.")
    return found.read_bytes(), f"{kind}; charset=utf-8"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nightproof.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "signed": words.signed,
        "percent": words.percent,
        "plain": words.plain,
        "size": words.size,
        "metric": words.metric_title,
        "as_json": as_json,
    }
    environment.globals |= {"SIGNS": SIGNS, "STATUS": words.STATUS, "counted": words.counted, "subject": words.subject}
    return environment
