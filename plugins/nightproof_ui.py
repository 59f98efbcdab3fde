"""The Airflow plugin: a shim that serves Nightproof's dashboard inside Airflow, behind its login."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/nightproof"


class Dashboard:
    """The dashboard as an ASGI application, made when it is first asked for.

    Airflow loads its plugins in schedulers, triggerers, workers and every task as well, and those never ask.
    """

    def __init__(self) -> None:
        self._app: Any = None
        self._making = threading.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if self._app is None:
            await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)

    def _make(self) -> None:
        with self._making:
            if self._app is not None:
                return
            from nightproof.dashboard.app import create_app
            from nightproof.dashboard.source import Source
            from nightproof.operators.connections import store_opener
            from nightproof.operators.dashboard_access import airflow_login, airflow_viewer, night_of_run

            source = Source(store_opener("aws_default"))
            self._app = create_app(source, airflow_viewer, login=airflow_login, night_of_run=night_of_run)


def _href(path: str) -> str:
    """An address below Airflow's own root: it puts hrefs of views into its pages as they are."""
    root = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{root}{PREFIX}{path}"


class NightproofUi(AirflowPlugin):  # type: ignore[misc]
    """Registers the pages, an entry in the navigation, and tabs on the pages of a DAG and of its runs."""

    name = "nightproof"
    fastapi_apps: list[Any] = [{"app": Dashboard(), "url_prefix": PREFIX, "name": "Nightproof"}]
    external_views: list[Any] = [
        {"name": "Nightproof", "href": _href("/"), "destination": "nav", "url_route": "nightproof"},
        {
            "name": "Model health",
            "href": _href("/models/{DAG_ID}"),
            "destination": "dag",
            "url_route": "nightproof-model",
        },
        {
            "name": "Verdict",
            "href": _href("/models/{DAG_ID}/runs/{RUN_ID}"),
            "destination": "dag_run",
            "url_route": "nightproof-run",
        },
    ]
