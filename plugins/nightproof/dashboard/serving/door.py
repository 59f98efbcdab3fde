"""The door of a dashboard that stands alone: a token once, then a session's cookie that does not tell it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from http import HTTPStatus
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from nightproof.dashboard.serving.refusals import below_root, for_program, own_address, refused
from nightproof.dashboard.serving.render import page

COOKIE = "nightproof_session"
SESSION_S = 12 * 3600
SHORTEST = 16
"""Characters of a token at least."""
WRONG_S = 1.0
"""How long a wrong token is thought about, one after the other."""
WAITING = 10
"""Wrong tokens that may wait for that; more are refused at once."""
_FORM_BYTES = 4096


class Door:
    """Lets in whoever shows the token, and whoever did in the last hours.

    Parameters
    ----------
    app
        The application within.
    token
        What must be shown: as ``?token=…`` once, in the form, or by programs as ``Authorization: Bearer …``.
    wrong_s
        How long a wrong one is thought about.
    """

    def __init__(self, app: ASGIApp, *, token: str, wrong_s: float = WRONG_S) -> None:
        self._app = app
        self._token = _digest(token)
        self._key = hashlib.sha256(b"nightproof session\0" + token.encode()).digest()
        self._wrong_s = wrong_s
        self._thinking = asyncio.Lock()
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or ask for the token."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        answer = await self._at_the_door(request)
        await (answer or self._app)(scope, receive, send)

    async def _at_the_door(self, request: Request) -> Response | None:
        """What is answered instead of a page; ``None`` for whoever may enter."""
        if below_root(request).startswith("/static/"):
            return None  # nobody's data, and the form is made of it
        shown = request.headers.get("authorization", "")
        if shown[:7].lower() == "bearer ":
            return None if self._is_token(shown[7:].strip()) else await self._wrong(request)
        if request.method == "POST" and below_root(request) == "/token":
            form = await _form(request)
            return await self._exchanged(request, form.get("token", ""), _own_path(form.get("next", "")))
        asked = dict(parse_qsl(str(request.url.query), keep_blank_values=True))
        if "token" in asked:
            return await self._exchanged(request, asked["token"], _without_token(own_address(request)))
        return None if self._is_session(request.cookies.get(COOKIE, "")) else self._asked_for(request)

    async def _exchanged(self, request: Request, token: str, then: str) -> Response:
        """The session's cookie for the token, and the same page without it."""
        if not self._is_token(token):
            return await self._wrong(request, then)
        root = request.scope.get("root_path", "").rstrip("/")
        answer = RedirectResponse(then, status_code=HTTPStatus.SEE_OTHER, headers={"Referrer-Policy": "no-referrer"})
        answer.set_cookie(
            COOKIE,
            self._session(int(time.time()) + SESSION_S),
            max_age=SESSION_S,
            path=root or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _wrong(self, request: Request, then: str = "/") -> Response:
        if self._waiting >= WAITING:
            why = "Too many wrong tokens came at once. Try again in some seconds."
            return refused(request, 429, "Too many wrong tokens", why)
        self._waiting += 1
        try:
            async with self._thinking:
                await asyncio.sleep(self._wrong_s)
        finally:
            self._waiting -= 1
        return self._asked_for(request, then=then, wrong=True)

    def _asked_for(self, request: Request, *, then: str | None = None, wrong: bool = False) -> Response:
        why = "That is not the token." if wrong else "The dashboard asks for its token."
        if for_program(request):
            answer = refused(request, 401, "The token is missing", f"{why} Send it as Authorization: Bearer.")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        # A link on another site brings no cookie of the strict kind along: the page asks again by itself, and brings
        # it then.
        again = not wrong and COOKIE not in request.cookies and request.headers.get("sec-fetch-site") == "cross-site"
        return page(
            request, "token", status=401, wrong=wrong, again=again, then=own_address(request) if then is None else then
        )

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(_digest(token), self._token)

    def _session(self, until: int) -> str:
        return f"{until}.{hmac.new(self._key, str(until).encode(), hashlib.sha256).hexdigest()}"

    def _is_session(self, cookie: str) -> bool:
        until, _, _ = cookie.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12):
            return False
        return hmac.compare_digest(cookie.encode(), self._session(int(until)).encode()) and int(until) > time.time()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form; empty where it is none, or longer than any form of the dashboard."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_BYTES:
            return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8")).items()}
    except ValueError:
        return {}


def _without_token(address: str) -> str:
    path, _, query = address.partition("?")
    rest = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "token"]
    return f"{path}?{urlencode(rest)}" if rest else path


def _own_path(address: str) -> str:
    """An address of this server, whatever came: never a host, never a scheme."""
    parts = urlsplit(address.replace("\\", "/")) if address.isprintable() else urlsplit("")
    own = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    return (f"{parts.path}?{parts.query}" if parts.query else parts.path) if own else "/"
