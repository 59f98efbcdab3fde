"""A place: where one model's config and results lie."""

from __future__ import annotations

from dataclasses import dataclass

from nightproof.config import ModelConfig


@dataclass(frozen=True)
class Place:
    """Where a model's config and results lie.

    Parameters
    ----------
    results_url
        Its results root; empty where its file is broken and nothing of it is on a board that is known.
    config
        ``None`` where only results are there, or the file is broken.
    fault
        What is wrong with its file, in words.
    gone
        Whether it is on the board of a root that only other models' configs name: its own was deleted, or is
        in another folder than this one.
    unread
        Why its newest row cannot be read, in words; an older one may still be shown.
    """

    results_url: str
    config: ModelConfig | None = None
    fault: str = ""
    gone: bool = False
    unread: str = ""
