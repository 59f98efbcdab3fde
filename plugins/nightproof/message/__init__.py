"""Slack messages: what regressed, by how much, why, since when, and where to look. Composed here, sent elsewhere.

Every function is pure. All text that comes from data, configs or files stays text: it neither
mentions, links nor formats, whatever it holds.
"""

from nightproof.message.blocks import Block, Message
from nightproof.message.digest import DigestIncident, DigestLine, DigestMute, compose_digest
from nightproof.message.failure import compose_failure
from nightproof.message.incident import compose
from nightproof.message.links import Dashboard, Links, dashboard_at, dashboard_of_environment
from nightproof.message.shared import compose_shared

__all__ = [
    "Block",
    "Dashboard",
    "DigestIncident",
    "DigestLine",
    "DigestMute",
    "Links",
    "Message",
    "compose",
    "compose_digest",
    "compose_failure",
    "compose_shared",
    "dashboard_at",
    "dashboard_of_environment",
]
