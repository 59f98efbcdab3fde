"""The command that serves the dashboard without Airflow."""

from __future__ import annotations

import json
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nightproof.catalog import config_paths, models_folder
from nightproof.cli_roots import Models, location_of
from nightproof.errors import ConfigError, Fault

if TYPE_CHECKING:
    from fastapi import FastAPI

TOKEN = "NIGHTPROOF_UI_TOKEN"  # noqa: S105  a variable's name
LONGEST_GOODBYE_S = 3
"""How long an answer that is under way may take once the server is told to stop."""


def ui(
    models: Models = None,
    results: Annotated[
        list[str] | None,
        typer.Option("--results", help="A results root of models without a config here; may be given more than once."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to serve at; others than loopback ask for a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to serve at; 0 for any free one.")] = 8080,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say the address as a line of JSON.")] = False,
) -> None:
    """Serve the dashboard, without Airflow, until Ctrl-C."""
    from nightproof.dashboard.standalone import is_loopback, url_of

    folder, roots = models or models_folder(), tuple(location_of(url) for url in results or ())
    if not roots and not config_paths(folder):
        fault = Fault(None, "", None, "there is no .yaml file in this folder; name a results root with --results")
        raise ConfigError(str(folder), [fault])
    given = _token_given()
    token = given or (None if is_loopback(host) else secrets.token_urlsafe(24))
    app = _app(folder, roots, host=host, token=token)
    with _listening(host, port) as listening:
        url = url_of(host, listening.getsockname()[1])
        entry = f"{url}?token={token}" if token and not given else url
        _say(url, entry, given=bool(given), plain_http=not is_loopback(host), as_json=as_json)
        if open_browser:
            import webbrowser

            # It waits until the server answers: the socket listens already.
            webbrowser.open(entry)
        _serve(app, listening, trust_proxy=token is not None)


def _token_given() -> str | None:
    from nightproof.dashboard.serving.door import SHORTEST

    token = os.environ.get(TOKEN, "").strip()
    if token and len(token) < SHORTEST:
        raise typer.BadParameter(f"it has {len(token)} characters, and must have at least {SHORTEST}", param_hint=TOKEN)
    return token or None


def _app(folder: Path, roots: tuple[str, ...], *, host: str, token: str | None) -> FastAPI:
    from nightproof.dashboard.source import Source
    from nightproof.dashboard.standalone import create_standalone
    from nightproof.storage import open_store

    return create_standalone(Source(open_store, models=folder, results=roots), host=host, token=token)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; a port that is taken, or an address that is not this machine's, is bad usage."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)
        except BaseException:
            listening.close()
            raise
    except OSError as error:
        where = "--host and --port" if isinstance(error, socket.gaierror) else "--port"
        why = f"nothing can be served at {host} port {port}: {error.strerror or error}; choose another one"
        raise typer.BadParameter(why, param_hint=where) from error
    return listening


def _say(url: str, entry: str, *, given: bool, plain_http: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"url": url, "entry": entry}), flush=True)
        return
    print(f"Nightproof's dashboard: {entry}", flush=True)
    if given:
        print(f"It asks for the token in {TOKEN}.", flush=True)
    if plain_http:
        print("It speaks HTTP alone: let a proxy with TLS stand before it where others can listen.", flush=True)
    print("Ctrl-C ends it.", flush=True)


def _serve(app: FastAPI, listening: socket.socket, *, trust_proxy: bool) -> None:
    import uvicorn

    from nightproof.dashboard.arenas import use_few_arenas

    use_few_arenas()
    config = uvicorn.Config(
        app,
        log_level="warning",
        # An address may hold a token: none is logged.
        access_log=False,
        # Whose connection it is must come from the connection, where that is what lets it in.
        proxy_headers=trust_proxy,
        server_header=False,
        timeout_graceful_shutdown=LONGEST_GOODBYE_S,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
