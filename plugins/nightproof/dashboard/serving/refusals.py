"""Refusals: what cannot be shown, as a page for people and as JSON for programs, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from nightproof.dashboard.serving.redaction import redacted
from nightproof.dashboard.serving.render import failure, page
from nightproof.errors import NightError, NightproofError, ObjectMissing

API = "/api/v1"
Login = Callable[[Request], str]
"""Where whoever is not known is sent to log in, and back from."""
_TITLES = {401: "Log in to see this", 404: "Not found", 405: "Only to be looked at"}
_WORDS = {
    401: "Nobody is logged in, or the login has run out.",
    404: "There is no such page.",
    405: "Nothing here can be changed: the dashboard answers GET and HEAD alone.",
}


def add_refusals(app: FastAPI) -> None:
    """Have an application refuse in the dashboard's words; ``app.state.login`` is a :data:`Login` or ``None``."""
    app.add_exception_handler(NightproofError, _not_shown)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _refused)


def refused(request: Request, status: int, title: str, why: str) -> Response:
    """A refusal, as whoever asked can read it."""
    if for_program(request):
        return JSONResponse({"detail": why}, status_code=status)
    return page(request, "error", status=status, title=title, why=why)


def for_program(request: Request) -> bool:
    """Whether a program asked: the API answers programs, all else people."""
    below = below_root(request)
    return below == API or below.startswith(f"{API}/")


def below_root(request: Request) -> str:
    """The path that was asked for, below the root of the dashboard."""
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", "").rstrip("/"))


def own_address(request: Request) -> str:
    """The address that was asked for, without its host: it leads nowhere but to this server."""
    path = "/" + quote(str(request.scope["path"]).lstrip("/\\"), safe="/:+@=,~-._")
    query = str(request.scope.get("query_string", b""), "latin-1")
    return f"{path}?{query}" if query else path


def _not_shown(request: Request, error: Exception) -> Response:
    assert isinstance(error, NightproofError)
    if for_program(request):
        status = 404 if isinstance(error, ObjectMissing | NightError) else 503
        return JSONResponse({"detail": redacted(str(error))}, status_code=status)
    return failure(request, error)


def _not_understood(request: Request, error: Exception) -> Response:
    """What was asked for has a part that cannot be: said with its name, never with the text that came."""
    assert isinstance(error, RequestValidationError)
    faults = [{"loc": list(fault["loc"]), "msg": fault["msg"], "type": fault["type"]} for fault in error.errors()]
    if for_program(request):
        return JSONResponse({"detail": faults}, status_code=422)
    why = "; ".join(f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}" for fault in faults)
    return page(request, "error", status=422, title="This address cannot be understood", why=f"{why}.")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # Who may not read a model is told that there is none: 403 is a login that is none.
    status = 401 if error.status_code == 403 else error.status_code
    login: Login | None = request.app.state.login
    if status == 401 and login is not None and request.method == "GET" and _by_browser(request):
        return RedirectResponse(login(request), status_code=302)
    answer = refused(request, status, _TITLES.get(status, "Not to be had"), _WORDS.get(status, str(error.detail)))
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _by_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not for_program(request)


__all__ = ["API", "Login", "add_refusals", "below_root", "for_program", "own_address", "refused"]
