"""The task that keeps a model's holdout up to its log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from nightproof.config import ModelConfig
from nightproof.operators.night_operator import NightOperator

if TYPE_CHECKING:
    from nightproof.resources import Resources


class HoldoutOperator(NightOperator):
    """Bring the holdout up to the log; returns its version, rows, and whether it is fresh or stale.

    It reads the log as it is, so it needs no ticket, and doing it twice changes nothing.
    """

    def step(self, config: ModelConfig, resources: Resources, context: Context) -> dict[str, Any]:
        """See :func:`nightproof.holdout.update`."""
        from nightproof.holdout import update
        from nightproof.holdout.freshness import freshness, store_freshness

        done = update(config, resources)
        for night, why in done.unreadable.items():
            self.log.warning("%s is left out of the holdout: %s", night, why)
        if done.version is None:
            return {"version": None, "rows": 0, "status": "unknown", "because": ["no night is final yet"]}
        found = freshness(config, resources, done.version)
        if done.is_new:
            store_freshness(config, resources, found)
        self.log.info("Holdout of %s, version %s: %s", config.model, done.version.number, found.status)
        return {
            "version": done.version.number,
            "is_new": done.is_new,
            "rows": done.version.rows,
            "status": found.status,
            "because": list(found.because),
        }
