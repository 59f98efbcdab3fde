"""The task before a night's own: earlier nights whose labels came late, evaluated again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from nightproof.config import ModelConfig
from nightproof.operators.night_operator import NightOperator
from nightproof.snapshot import Snapshot

if TYPE_CHECKING:
    from nightproof.alert import Outbox
    from nightproof.evaluation import Evaluation
    from nightproof.resources import Resources
    from nightproof.revise import Revised


class ReviseOperator(NightOperator):
    """Evaluate earlier nights again whose labels were added to, corrected, or are final by now.

    Returns what became of each, oldest first. What a revision has to tell is told by the alert task of tonight,
    or by the fleet's DAG. A night whose data is gone or broken is logged and returned with its error, and does not
    stop tonight's evaluation; where object storage fails the task does, and is tried again.

    Parameters
    ----------
    left_out
        Steps to leave out: ``validate``, ``report``.
    backfills
        Whether revisions that a backfill makes are told too.
    """

    def __init__(self, *, left_out: Sequence[Any] = (), backfills: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.left_out = left_out
        self.backfills = backfills

    def step(self, config: ModelConfig, resources: Resources, context: Context) -> list[dict[str, Any]]:
        """See :func:`nightproof.revise.revise`."""
        from nightproof.revise import changes, revise

        results, now = resources.results(config), datetime.now(UTC)
        found = changes(config, results, open_store=resources.open_store, now=now)
        is_told = self.backfills or context["dag_run"].run_type != "backfill"
        outbox = _outbox(config, resources) if is_told else None
        if outbox is not None and context["ti"].try_number > 1:
            self._ask_again(config, outbox, resources, context)
        return [
            self._said(revised, outbox, resources, context)
            for revised in revise(config, resources, found, left_out=tuple(self.left_out))
        ]

    def _ask_again(self, config: ModelConfig, outbox: Outbox, resources: Resources, context: Context) -> None:
        """Make what an earlier try of this run published due: it may have ended before it could."""
        from nightproof.pipeline import Ticket, read_evaluation

        results, since = resources.results(config), context["dag_run"].start_date
        for entry in reversed(results.log.entries()):
            dossier = results.dossier(entry.night, entry.evaluation_id)
            snapshot = Snapshot.from_bytes(dossier.read("snapshot.json"), name=dossier.url("snapshot.json"))
            if since is None or datetime.fromisoformat(snapshot.listed_at) < since.replace(microsecond=0):
                return
            if entry.supersedes is not None:
                steps = results.verdict(entry).steps_left_out
                ticket = Ticket(
                    model=config.model,
                    night=entry.night,
                    evaluation_id=entry.evaluation_id,
                    config=config.fingerprint,
                    left_out=tuple(step for step in ("report", "validate") if step in steps),
                )
                _ask(outbox, read_evaluation(config, ticket, resources), resources, context)

    def _said(self, revised: Revised, outbox: Outbox | None, resources: Resources, context: Context) -> dict[str, Any]:
        change, evaluation = revised.change, revised.evaluation
        said: dict[str, Any] = {"night": str(change.night), "before": change.entry.evaluation_id}
        if evaluation is None:
            self.log.error("Night %s could not be evaluated again: %s", change.night, revised.error)
            return said | {"error": str(revised.error)}
        self.log.info("Night %s: %s", change.night, evaluation.verdict.headline)
        if outbox is not None:
            _ask(outbox, evaluation, resources, context)
        return said | {
            "evaluation_id": evaluation.id,
            "status": evaluation.verdict.status,
            "labels": evaluation.snapshot.labels,
            "labelled": revised.labelled,
            "labelled_before": revised.labelled_before,
            "incidents": [f"{found.id} {found.event}" for found in evaluation.verdict.incidents],
        }


def _outbox(config: ModelConfig, resources: Resources) -> Outbox | None:
    from nightproof.tell import outbox_of

    is_told = config.alerts.slack is not None or bool(config.alerts.notifiers)
    return outbox_of(config, resources, sender=None) if is_told else None


def _ask(outbox: Outbox, evaluation: Evaluation, resources: Resources, context: Context) -> None:
    """Make a revised night due, with the pages that its messages lead to."""
    from nightproof.alert import Due
    from nightproof.operators.alert import links_of
    from nightproof.pipeline import Ticket

    ticket = Ticket(
        model=evaluation.config.model,
        night=str(evaluation.night),
        evaluation_id=evaluation.id,
        config=evaluation.config.fingerprint,
        left_out=tuple(step for step in ("report", "validate") if step in evaluation.verdict.steps_left_out),
    )
    links = links_of(ticket, evaluation, resources, context)
    outbox.ask(Due.ask(ticket.night, ticket.evaluation_id, links), evaluation.verdict)
