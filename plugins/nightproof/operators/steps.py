"""One operator for each step of the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Context
from airflow.sdk.exceptions import AirflowSkipException

from nightproof.checks.finding import Check
from nightproof.config import ModelConfig
from nightproof.night import Night
from nightproof.operators.night_operator import NightOperator, TicketOperator

if TYPE_CHECKING:
    from nightproof.pipeline import Ticket
    from nightproof.resources import Resources


class PullOperator(NightOperator):
    """Pin the night's objects and name the evaluation; returns its ticket.

    Parameters
    ----------
    night
        The UTC day to evaluate, YYYY-MM-DD.
    left_out
        Steps to leave out: ``validate``, ``report``.
    """

    template_fields: Sequence[str] = (*NightOperator.template_fields, "night")

    def __init__(self, *, night: str = "{{ ds }}", left_out: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.night = night
        self.left_out = left_out

    def step(self, config: ModelConfig, resources: Resources, context: Context) -> dict[str, Any]:
        """See :func:`nightproof.pipeline.pull_night`."""
        from nightproof.pipeline import pull_night

        night = Night.parse(self.night, config.data.label_delay)
        ticket = pull_night(config, night, resources, left_out=self.left_out)
        self.log.info("Night %s of %s is evaluation %s", night, config.model, ticket.evaluation_id)
        return ticket.model_dump(mode="json")


class ValidateOperator(TicketOperator):
    """Decide whether the night may be evaluated; returns the outcome."""

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> str:
        """See :func:`nightproof.pipeline.validate_night`."""
        from nightproof.pipeline import validate_night

        found = validate_night(config, ticket, resources)
        for expectation in found.failed():
            self.log.warning(
                "%s: %s(%s): %s",
                expectation.severity,
                expectation.type,
                expectation.column,
                expectation.observed,
            )
        return found.outcome


class ProfileOperator(TicketOperator):
    """Count the night's rows; returns how many. Skipped, with all checks, on a quarantined night."""

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> int:
        """See :func:`nightproof.pipeline.profile_night`."""
        from nightproof.pipeline import profile_night, validate_night

        if validate_night(config, ticket, resources).outcome == "quarantined":
            raise AirflowSkipException(f"Night {ticket.night} is quarantined: nothing is evaluated on it.")
        return profile_night(config, ticket, resources).rows


class CheckOperator(TicketOperator):
    """One family's findings; returns how many of each status.

    Parameters
    ----------
    family
        ``performance``, ``drift``, ``bias`` or ``business``.
    """

    def __init__(self, *, family: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.family = family

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> dict[str, int]:
        """See :func:`nightproof.pipeline.check_night`."""
        from nightproof.checks.finding import Findings
        from nightproof.pipeline import check_night

        findings = check_night(config, ticket, resources, family=self.family)
        scratch = resources.results(config).scratch(ticket.evaluation_id)
        scratch.write(f"{self.family}.json", Findings(tuple(findings)).to_bytes())
        statuses = [finding.status for finding in findings]
        return {status: statuses.count(status) for status in sorted(set(statuses))}


class DecideOperator(TicketOperator):
    """Settle the findings of the families; returns the verdict in short."""

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> dict[str, Any]:
        """See :func:`nightproof.pipeline.decide_night`."""
        from nightproof.checks.finding import Finding, Findings
        from nightproof.pipeline import decide_night, families_of

        scratch = resources.results(config).scratch(ticket.evaluation_id)
        findings: list[Finding] = []
        for family in families_of(config):
            raw = scratch.find(f"{family}.json")
            findings += Findings.from_bytes(raw, name=scratch.url(f"{family}.json")).all if raw else ()
        verdict = decide_night(config, ticket, resources, findings=findings)
        self.log.info("%s: %s", verdict.status, verdict.headline)
        return {"status": verdict.status, "headline": verdict.headline, "regressions": verdict.regressions}


class ReportOperator(TicketOperator):
    """Render the Evidently report; returns its URL."""

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> str | None:
        """See :func:`nightproof.pipeline.report_night`."""
        from nightproof.pipeline import report_night

        return report_night(config, ticket, resources)


class PublishOperator(TicketOperator):
    """Seal the evaluation and add it to the log; tells its asset, if it has one, the verdict."""

    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> dict[str, Any]:
        """See :func:`nightproof.pipeline.publish_night`."""
        from nightproof.pipeline import publish_night
        from nightproof.snapshot import Snapshot

        entry = publish_night(config, ticket, resources)
        verdict = resources.results(config).verdict(entry)
        dossier = resources.results(config).dossier(entry.night, entry.evaluation_id)
        snapshot = Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))
        told: dict[str, Any] = {
            "night": entry.night,
            "evaluation_id": entry.evaluation_id,
            "status": entry.status,
            "headline": verdict.headline,
            "log_number": entry.number,
            "labels": entry.labels,
            "known_at": snapshot.listed_at,
            "supersedes": entry.supersedes,
            "head": str(resources.results(config).log.link(entry)),
            "results": dossier.url(""),
        }
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra.update(told)
        return told
