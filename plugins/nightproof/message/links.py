"""Links: where the reader of a message can look."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

VARIABLE = "NIGHTPROOF_DASHBOARD_URL"
"""Environment variable that says where people open the dashboard, such as ``https://airflow.example/nightproof``."""

log = logging.getLogger(__name__)


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
        The model's page on the dashboard; the pages of its nights and incidents lie below it.
    """

    location: str
    report: str | None = None
    data_docs: str | None = None
    run: str | None = None
    dashboard: str | None = None

    def night(self, night: str, evaluation_id: str) -> str | None:
        """The page of one evaluation of a night."""
        return (
            f"{self.dashboard}/nights/{quote(night, safe='')}/{quote(evaluation_id, safe='')}"
            if self.dashboard
            else None
        )

    def incident(self, incident_id: str) -> str | None:
        """An incident's page."""
        return f"{self.dashboard}/incidents/{quote(incident_id, safe='')}" if self.dashboard else None


@dataclass(frozen=True)
class Dashboard:
    """The addresses of the dashboard's pages.

    Parameters
    ----------
    url
        Where people open it, without a slash at its end.
    """

    url: str

    def model(self, model: str) -> str:
        """A model's page."""
        return f"{self.url}/models/{quote(model, safe='')}"

    def incident(self, model: str, incident_id: str) -> str:
        """An incident's page."""
        return f"{self.model(model)}/incidents/{quote(incident_id, safe='')}"

    def fleet(self, **filters: str) -> str:
        """The fleet's page, of those models that all filters fit; empty ones are left out."""
        return f"{self.url}/{_asked(filters)}"

    def incidents(self, **filters: str) -> str:
        """The incidents' page, likewise."""
        return f"{self.url}/incidents{_asked(filters)}"

    def links(
        self,
        model: str,
        night: str,
        evaluation_id: str,
        *,
        location: str,
        report: bool = False,
        data_docs: bool = False,
        run: str | None = None,
    ) -> Links:
        """Where the reader of a night's messages can look.

        Parameters
        ----------
        model, night, evaluation_id
            Which evaluation.
        location
            Its folder in object storage.
        report, data_docs
            Whether it has these pages.
        run
            The Airflow run.
        """
        links = Links(location, run=run, dashboard=self.model(model))
        page = links.night(night, evaluation_id)
        return Links(
            location,
            report=f"{page}/report" if report else None,
            data_docs=f"{page}/data-docs" if data_docs else None,
            run=run,
            dashboard=links.dashboard,
        )


def dashboard_at(url: str | None) -> Dashboard | None:
    """The dashboard at an address; ``None`` where there is none, or it is no address that Slack would take.

    Slack refuses a whole message for one link that is none: a page must not be lost to a mistyped variable.

    Examples
    --------
    >>> dashboard_at("https://airflow.example/nightproof/").model("flight_delay")
    'https://airflow.example/nightproof/models/flight_delay'
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits or any(character.isspace() or character in '<>|"' for character in url):
        log.warning(
            "%s is no address such as https://airflow.example/nightproof: messages go without links to it.", VARIABLE
        )
        return None
    return Dashboard(url.rstrip("/"))


def dashboard_of_environment() -> Dashboard | None:
    """The dashboard that ``NIGHTPROOF_DASHBOARD_URL`` names, if it names one."""
    return dashboard_at(os.environ.get(VARIABLE, "").strip())


def _asked(filters: dict[str, str]) -> str:
    asked = urlencode({name: value for name, value in filters.items() if value})
    return f"?{asked}" if asked else ""
