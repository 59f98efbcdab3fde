"""Who may look at what inside Airflow: its login, and its authorisation per DAG."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends

from nightproof.dashboard.access import Viewer


def airflow_viewer(user: Annotated[Any, Depends(get_user)]) -> Viewer:
    """The viewer by Airflow's login: a model is as readable as its DAG."""
    readable = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    return Viewer(name=user.get_name(), readable=frozenset(readable))
