"""Who may look at what inside Airflow: its login, and its authorisation per DAG."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, timedelta
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlencode

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi import Depends, Request
from sqlalchemy import select

from nightproof.dashboard.serving.access import Viewer
from nightproof.dashboard.serving.refusals import own_address
from nightproof.errors import NightError
from nightproof.night import Night

FRESH_S = 5.0
"""Seconds for which a user's rights are taken as they were: a page and its parts ask once, a change shows soon."""
KEPT = 1000
"""Users whose rights are remembered."""


def airflow_viewer(user: Annotated[Any, Depends(get_user)]) -> Viewer:
    """The viewer by Airflow's login: a model is as readable as the runs of its DAG.

    Not a coroutine on purpose: FastAPI asks Airflow's database in a worker thread.
    """
    return Viewer(name=user.get_name(), readable=_RIGHTS.of(_identity(user), lambda: readable_dags(user)))


def readable_dags(user: Any) -> frozenset[str]:
    """DAGs whose runs a user may read, as ``requires_access_dag("GET", DagAccessEntity.RUN)`` would let them."""
    manager = get_auth_manager()
    dags = manager.get_authorized_dag_ids(user=user, method="GET")
    teams = DagModel.get_dag_id_to_team_name_mapping(list(dags))

    def may_read_runs(dag: str) -> bool:
        details = DagDetails(id=dag, team_name=teams.get(dag))
        return bool(
            manager.is_authorized_dag(method="GET", access_entity=DagAccessEntity.RUN, details=details, user=user)
        )

    return frozenset(dag for dag in dags if may_read_runs(dag))


def airflow_login(request: Request) -> str:
    """Airflow's login, which leads back to what was asked for: only its own paths are ever named."""
    root = request.scope.get("app_root_path", "").rstrip("/")
    return f"{root}/api/v2/auth/login?{urlencode({'next': own_address(request)})}"


def night_of_run(dag_id: str, run_id: str) -> str | None:
    """The night of a run as :data:`nightproof.operators.dag.NIGHT` has it; ``None`` where there is no such run."""
    told = select(DagRun.conf, DagRun.logical_date, DagRun.run_after)
    with create_session() as session:
        found = session.execute(told.where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).first()
    if found is None:
        return None
    conf, logical, after = found
    asked = conf.get("night") if isinstance(conf, dict) else None
    if asked:
        try:
            return str(Night.parse(str(asked)))
        except NightError:
            return None  # the run failed for it
    day = logical or after - timedelta(days=1)
    return str(day.astimezone(UTC).date())


def _identity(user: Any) -> str:
    """All that a token says of a user: two tokens of one user may not grant the same."""
    said = get_auth_manager().serialize_user(user)
    return f"{type(user).__qualname__} {json.dumps(said, sort_keys=True, default=str)}"


class _Rights:
    """What users may read, for a few seconds."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, identity: str, ask: Callable[[], frozenset[str]]) -> frozenset[str]:
        """A user's rights, asked for where they are not known or no longer fresh."""
        with self._lock:
            asked_at, known = self._known.get(identity, (0.0, frozenset()))
        now = monotonic()
        if asked_at and now - asked_at <= FRESH_S:
            return known
        found = ask()
        with self._lock:
            # As of before it was asked: what was taken away meanwhile is not kept longer for it.
            self._known[identity] = (now, found)
            self._known.move_to_end(identity)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found


_RIGHTS = _Rights()
