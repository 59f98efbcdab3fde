"""Runs: which night an Airflow run was of."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

NightOfRun = Callable[[str, str], str | None]
"""The night, ``YYYY-MM-DD``, of a model's run by its run id; ``None`` where there is no such run."""
_DATE = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)


def night_named(model: str, run_id: str) -> str | None:  # noqa: ARG001  as NightOfRun
    """The first date in a run id, where there is no Airflow to ask.

    Examples
    --------
    >>> night_named("flight_delay", "scheduled__2013-12-14T04:00:00+00:00")
    '2013-12-14'
    """
    for found in _DATE.findall(run_id):
        try:
            return str(date.fromisoformat(found))
        except ValueError:
            continue
    return None
