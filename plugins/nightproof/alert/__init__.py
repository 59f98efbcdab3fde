"""Alert: tell whoever must know, once, whatever is retried, wherever it crashes.

``due`` notes the nights that somebody asked to be told of, ``plan`` says what of them is still to be
told (a pure function of verdicts and receipts), ``outbox`` has it for one model, ``deliver`` sends it
in order, and ``post`` makes one message of each event by claim, post and receipt. Beside Slack,
``notify`` calls Airflow's notifiers.
"""

from __future__ import annotations

from nightproof.alert.claims import CLAIM_SECONDS, Claim, Receipt
from nightproof.alert.client import TRIES, Sender, client_from_environment, post_notice, retry_handlers
from nightproof.alert.deliver import deliver
from nightproof.alert.due import Due
from nightproof.alert.outbox import Draw, Outbox, Read
from nightproof.alert.shared import SharedFaults
from nightproof.alert.targets import SLACK, Delivery, Target
from nightproof.errors import AlertError

__all__ = [
    "CLAIM_SECONDS",
    "SLACK",
    "TRIES",
    "Claim",
    "Delivery",
    "Draw",
    "Due",
    "Outbox",
    "Read",
    "Receipt",
    "Sender",
    "SharedFaults",
    "Target",
    "client_from_environment",
    "deliver",
    "post_notice",
    "raise_failures",
    "retry_handlers",
]


def raise_failures(delivery: Delivery) -> None:
    """Raise what was not told: storage's failure as it is, Slack's all at once."""
    others = [failure for failure in delivery.failures if not isinstance(failure, AlertError)]
    if others:
        raise others[0]
    if delivery.failures:
        raise AlertError("\n".join(dict.fromkeys(str(failure) for failure in delivery.failures)))
