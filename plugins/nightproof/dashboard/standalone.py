"""The dashboard alone: for its owner on a loopback address, for whoever has the token elsewhere."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

from fastapi import FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from nightproof.dashboard.app import create_app
from nightproof.dashboard.serving.answers import Answers
from nightproof.dashboard.serving.door import Door
from nightproof.dashboard.serving.neighbours import is_neighbour
from nightproof.dashboard.serving.refusals import refused
from nightproof.dashboard.source import Source

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def create_standalone(source: Source, *, host: str, token: str | None) -> FastAPI:
    """The dashboard without Airflow.

    Parameters
    ----------
    source
        What it shows.
    host
        The address that it is served at.
    token
        What must be shown; ``None`` on a loopback address alone, where only its owner's own browser may ask.
    """
    app = create_app(source)
    if token is not None:
        app.add_middleware(Door, token=token)
    elif is_loopback(host):
        app.add_middleware(OwnersOnly, names=(*LOOPBACK_NAMES, _in_url(host)))
    else:
        raise ValueError(f"{host} is no loopback address: a token is needed.")
    # Once more, around what refuses: its answers have the same headers.
    app.add_middleware(Answers)
    # Pages are text, and repeat themselves: the lowest level packs a fleet of 1,000 to a tenth.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)
    return app


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def url_of(host: str, port: int) -> str:
    """Where a browser finds a server that listens at an address, ending in a slash."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return f"http://{socket.gethostname() if everywhere else _in_url(host)}:{port}/"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class OwnersOnly:
    """Refuses what is not asked by the owner of this process under a name of this machine.

    A page of another site may have its own name lead to 127.0.0.1, and would then be of the same origin as the
    dashboard; its name gives it away.

    Parameters
    ----------
    app
        The application within.
    names
        Hosts that may be asked for, without a port.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http" and (why := self._why_not(scope)):
            refusal = refused(Request(scope), 403, "Not for this address", why)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _why_not(self, scope: Scope) -> str | None:
        asked = Request(scope).headers.get("host", "")
        if _without_port(asked) not in self._names:
            return "This dashboard is for its own machine: ask for it as localhost, or start it with a token."
        client, server = scope.get("client"), scope.get("server")
        if client and server and server[1] and is_neighbour(client, server):
            return "This dashboard belongs to another user of this machine. Its owner can start it with a token."
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
