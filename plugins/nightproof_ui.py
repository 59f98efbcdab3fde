"""The Airflow plugin: a shim that serves Nightproof's dashboard inside Airflow, behind its login."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI


def _app() -> FastAPI:
    from nightproof.dashboard.app import create_app
    from nightproof.dashboard.source import Source
    from nightproof.operators.connections import store_opener
    from nightproof.operators.dashboard_access import airflow_viewer

    return create_app(Source(store_opener("aws_default")), airflow_viewer)


class NightproofUi(AirflowPlugin):  # type: ignore[misc]
    """Registers the pages, an entry in the navigation, and tabs on the pages of a DAG and of its runs."""

    name = "nightproof"
    fastapi_apps: list[Any] = [{"app": _app(), "url_prefix": "/nightproof", "name": "Nightproof"}]
    external_views: list[Any] = [
        {"name": "Nightproof", "href": "/nightproof/", "destination": "nav", "url_route": "nightproof"},
        {
            "name": "Model health",
            "href": "/nightproof/models/{DAG_ID}",
            "destination": "dag",
            "url_route": "nightproof-model",
        },
        {
            "name": "Verdict",
            "href": "/nightproof/models/{DAG_ID}/runs/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "nightproof-run",
        },
    ]
