"""Links: where the reader of a message can look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Links:
    """Where the reader of a message can look; any but the location may be missing.

    Parameters
    ----------
    location
        The evaluation's folder in object storage.
    report
        The Evidently report, as a page.
    data_docs
        What Great Expectations found, as a page.
    run
        The Airflow run.
    dashboard
        The model's page on the dashboard.
    """

    location: str
    report: str | None = None
    data_docs: str | None = None
    run: str | None = None
    dashboard: str | None = None
