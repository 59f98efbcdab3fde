"""Airflow's simple login, by which one user may not read one DAG; Airflow loads it by its path."""

from __future__ import annotations

import os
from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

USER, DAG = os.environ["HIDDEN_FROM"], os.environ["HIDDEN_DAG"]


class HidingAuthManager(SimpleAuthManager):
    """As the simple one, but for that DAG and that user."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        if user.username == USER and details is not None and details.id == DAG:
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
