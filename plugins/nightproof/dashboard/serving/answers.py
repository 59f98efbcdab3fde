"""Answers: what holds for each of them, whichever page it is of."""

from __future__ import annotations

import logging
from secrets import token_hex

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nightproof.dashboard.serving.refusals import refused
from nightproof.dashboard.serving.render import HEADERS

_log = logging.getLogger(__name__)


class Answers:
    """Every answer has the dashboard's headers, HEAD is answered as GET is, and no traceback leaves the server.

    Parameters
    ----------
    app
        The application within.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head, started = scope["method"] == "HEAD", False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app({**scope, "method": "GET"} if head else scope, receive, answer)
        except Exception:
            if started:
                raise
            reference = token_hex(4)
            # Handled here: what leaves a mounted application is answered again by the one around it.
            _log.exception("%s %s failed, reference %s", scope["method"], ascii(scope["path"]), reference)
            why = f"This is a fault of the server, written to its log under the reference {reference}."
            await refused(Request(scope), 500, "Something went wrong here", why)(scope, receive, answer)
