"""Policies: what another config would have told of nights that are over, from their readings alone.

A reading is all that a verdict asks of a night, so a year is judged again in seconds. What the readings
do not hold stays as it was: metrics, groups and windows that were not computed then, and quarantines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nightproof.checks.finding import Finding
from nightproof.checks.held import change_of, ends_of
from nightproof.checks.judge import status_of
from nightproof.config import ModelConfig
from nightproof.decide import decide
from nightproof.errors import ConfigError, Fault
from nightproof.faults import explain
from nightproof.metrics.estimate import Estimate
from nightproof.night import Night
from nightproof.past import Past
from nightproof.readings import Reading, Readings
from nightproof.results import ModelResults
from nightproof.verdict import PAGES, Incident, Verdict
from nightproof.yaml_source import read_yaml

KEPT = 130
"""Nights of readings that are kept while judging; a verdict stands on fewer."""
SECTIONS = ("checks", "alerts")
"""What of a config a policy is."""
AGAIN = "Judged again from its reading."


@dataclass(frozen=True)
class Judged:
    """One night under another policy.

    Parameters
    ----------
    night
        Which.
    then
        What its verdict was.
    now
        What it would have been.
    """

    night: str
    then: Verdict
    now: Verdict

    @property
    def pages(self) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
        """What paged then, and what would have."""
        then, now = ([i for i in verdict.incidents if i.event in PAGES] for verdict in (self.then, self.now))
        return tuple(then), tuple(now)


def read_policy(path: Path, config: ModelConfig) -> ModelConfig:
    """A model's config with the sections ``checks`` and ``alerts`` of another file.

    Parameters
    ----------
    path
        YAML with either or both sections, or a whole config, of which only those are read. A key that it
        does not have stays as the model has it.

    Raises
    ------
    ConfigError
        With every fault of the file.
    """
    source = read_yaml(path)
    if not set(source.data) & set(SECTIONS):
        problem = f"a policy has {' or '.join(SECTIONS)}, such as 'alerts: {{false_alarms: 1 per 30 nights}}'"
        raise ConfigError(str(path), [Fault(None, "", None, problem)])
    merged = config.model_dump(mode="json", by_alias=True)
    for section in SECTIONS:
        merged[section] = _over(merged[section], source.data.get(section, {}))
    try:
        return ModelConfig.model_validate(merged)
    except ValidationError as error:
        faults = [explain(detail, ModelConfig, source) for detail in error.errors(include_url=False)]
        raise ConfigError(str(path), faults) from error


def _over(own: Mapping[str, Any], other: Any) -> Any:
    """A section with another's keys in place of its own; of drift and bias, key by key."""
    if not isinstance(other, dict):
        return other
    parts = {key: {**own[key], **value} for key, value in other.items() if _is_part(key, value)}
    return {**own, **other, **parts}


def _is_part(key: str, value: Any) -> bool:
    return key in ("drift", "bias", "slack") and isinstance(value, dict)


def judge_again(
    config: ModelConfig, results: ModelResults, *, first: Night | None = None, last: Night | None = None
) -> Iterator[Judged]:
    """Every published night, in order, judged by ``config``.

    Parameters
    ----------
    config
        The policy: its tolerances, limits and section ``alerts``.
    results
        The model's results, whatever config made them.
    first, last
        Nights that are given; those before them are judged too, as their history.
    """
    past = Past()
    seen: list[Readings] = []
    for entry in results.log.latest().values():
        then, told = results.verdict(entry), results.readings(entry)
        if last is not None and entry.night > str(last):
            return
        now = then if told is None else _judged(config, then, told, past)
        if told is not None:
            troubled = tuple(dict.fromkeys(f for i in now.incidents if i.is_open for f in i.families))
            seen.append(told.model_copy(update={"troubled": troubled}))
        past = Past(now, tuple(seen[-KEPT:]), ())
        if first is None or entry.night >= str(first):
            yield Judged(entry.night, then, now)


def _judged(config: ModelConfig, then: Verdict, told: Readings, past: Past) -> Verdict:
    night = Night.parse(told.night, config.data.label_delay)
    every = [*findings(told, config), _standing(then, told, config)]
    return decide(every, config=config, night=night, past=past, version=told.version)[1]


def _standing(then: Verdict, told: Readings, config: ModelConfig) -> Finding:
    """Whether the night could tell anything at all stays as it was: it may have been a window that is no reading."""
    blank = dict.fromkeys(
        ("column", "value", "interval", "baseline", "delta", "delta_interval", "detectable", "p_value")
    )
    status = "insufficient_data" if then.status == "insufficient_data" else "ok"
    about = {"check": "performance", "metric": "held", "segment": {}, "window": max(config.windows), "tolerance": 1.0}
    return Finding.model_validate({**blank, **about, "n": told.labelled, "status": status, "reason": AGAIN})


def findings(told: Readings, config: ModelConfig) -> list[Finding]:
    """Readings as findings under a config, as far as a verdict asks."""
    return [finding for reading in told.all for finding in _findings(reading, config)]


def _findings(reading: Reading, config: ModelConfig) -> Iterator[Finding]:
    delta = None if reading.baseline is None else reading.value - reading.baseline
    blank = {"delta": delta, "tolerance": None, "detectable": None, "p_value": None, "status": "ok", "reason": AGAIN}
    plain = Finding.model_validate({**reading.model_dump(), **blank})
    ends = ends_of(plain, config)
    if not ends:
        yield plain
    for held in ends:
        value = Estimate(reading.value, *reading.interval, reading.n)
        harm = held.harm(value, change_of(plain))
        told = {"tolerance": held.shown, "status": status_of(harm), "p_value": harm.change.excess_p_value(harm.limit)}
        yield plain.model_copy(update=told)
