"""Projections: what is made of a model's log alone, for those who read it: the board and the metrics table."""

from __future__ import annotations

import logging
from collections.abc import Callable

from nightproof.board import board_of
from nightproof.board.fill import fill
from nightproof.config import ModelConfig
from nightproof.errors import NightproofError
from nightproof.resources import Resources

_log = logging.getLogger(__name__)


def fill_projections(config: ModelConfig, resources: Resources) -> None:
    """Bring the board and the metrics table up to the model's log.

    The night is published by then, and whoever is to be told of it must not wait for what is made of the log alone:
    a fault of it is logged, and the next night or the maintenance makes it good.
    """
    steps: dict[str, Callable[[ModelConfig, Resources], None]] = {
        "on the board": _board,
        "in the metrics table": _table,
    }
    for where, step in steps.items():
        try:
            step(config, resources)
        except NightproofError as error:
            _log.warning("%s is published, and not yet %s: %s", config.model, where, error)


def _board(config: ModelConfig, resources: Resources) -> None:
    fill(resources.results(config), board_of(config, resources.open_store))


def _table(config: ModelConfig, resources: Resources) -> None:
    if (table := resources.table(config)) is not None:
        # deltalake is imported only where there is a table.
        from nightproof.table.sync import sync

        sync(resources.results(config), table)


_STEPS: dict[str, Callable[[ModelConfig, Resources], None]] = {
    "on the board": _board,
    "in the metrics table": _table,
}
