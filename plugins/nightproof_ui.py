"""The Airflow plugin: a shim that serves Nightproof's pages inside Airflow, behind its login."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI


def _app() -> FastAPI:
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from nightproof.dashboard.app import create_app
    from nightproof.operators.connections import store_opener

    return create_app(store_opener("aws_default"), requires_access_dag("GET", DagAccessEntity.RUN))


class NightproofUi(AirflowPlugin):  # type: ignore[misc]
    """Registers the pages, and a tab with the latest report on each DAG's page."""

    name = "nightproof"
    fastapi_apps: list[Any] = [{"app": _app(), "url_prefix": "/nightproof", "name": "Nightproof"}]
    external_views: list[Any] = [
        {
            "name": "Latest report",
            "href": "/nightproof/models/{DAG_ID}/latest/report",
            "destination": "dag",
            "url_route": "nightproof-report",
        }
    ]
