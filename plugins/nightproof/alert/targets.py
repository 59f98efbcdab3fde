"""Targets: those who are told, and what came of telling them."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightproof.alert.claims import Receipt
from nightproof.alert.plan import Item
from nightproof.alert_sections import Severity
from nightproof.errors import NightproofError


@dataclass(frozen=True)
class Target:
    """One of those who are told: Slack, or a notifier.

    Parameters
    ----------
    mark
        Stands in the names of its claims and receipts; empty for Slack.
    least
        The least severe that it is told of.
    """

    mark: str = ""
    least: Severity = "notice"

    def wants(self, item: Item) -> bool:
        """Whether it is told of an item at all."""
        return item.loud or self.least == "notice"


SLACK = Target()


@dataclass
class Delivery:
    """What came of delivering.

    Parameters
    ----------
    sent
        Receipts of the messages that this call sent.
    waiting
        How many messages wait for the end of quiet hours, by model.
    failures
        What Slack, or a notifier, did not take; it is still due.
    """

    sent: list[Receipt] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    failures: list[NightproofError] = field(default_factory=list)
