"""Changes: what of the config, the code and the libraries moved in a period, and on which night."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nightproof.audit.period import Evaluated

NOTHING = "not set"


@dataclass(frozen=True)
class Change:
    """One key that is another than on the night before.

    Parameters
    ----------
    night
        The first evaluation with it, by its night.
    published_at
        When that was published.
    key
        Dotted path in the config, or the name of a library.
    before, after
        As text.
    """

    night: str
    published_at: str
    key: str
    before: str
    after: str


def config_changes(evaluated: Sequence[Evaluated]) -> list[Change]:
    """What moved between the configs of evaluations that follow each other in the log."""
    return list(_changes(evaluated, [flat(found.manifest.config) for found in evaluated]))


def version_changes(evaluated: Sequence[Evaluated]) -> list[Change]:
    """What moved between the code and the libraries of evaluations that follow each other in the log."""
    return list(_changes(evaluated, [dict(found.manifest.environment) for found in evaluated]))


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """A config by dotted paths; lists and values as JSON."""
    found: dict[str, str] = {}
    for key, value in config.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{path}.")
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found


def _changes(evaluated: Sequence[Evaluated], states: Sequence[Mapping[str, str]]) -> Iterator[Change]:
    for place in range(1, len(states)):
        before, after, found = states[place - 1], states[place], evaluated[place]
        for key in sorted(before.keys() | after.keys()):
            was, is_now = before.get(key, NOTHING), after.get(key, NOTHING)
            if was != is_now:
                yield Change(found.night, found.manifest.evaluated_at, key, was, is_now)
