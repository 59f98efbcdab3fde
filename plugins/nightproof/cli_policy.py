"""`nightproof replay --policy`: what another policy would have paged, beside what did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightproof.config import ModelConfig
from nightproof.night import Night

if TYPE_CHECKING:
    from nightproof.policy import Judged
    from nightproof.results import ModelResults
    from nightproof.verdict import Incident


def replay_policy(
    config: ModelConfig, policy: Path, *, first: str, last: str, results: ModelResults, as_json: bool
) -> None:
    """Judge published nights again, and print the pages of then and of the policy side by side.

    Nothing is written and nobody is told.

    Raises
    ------
    ConfigError
        If the policy is wrong.
    """
    # polars, scipy and boto3 are not needed to print a help text.
    from nightproof.policy import judge_again, read_policy

    other, delay = read_policy(policy, config), config.data.label_delay
    sent = _Sent(results)
    nights = list(judge_again(other, results, first=Night.parse(first, delay), last=Night.parse(last, delay)))
    for judged in nights:
        then, now = judged.pages
        if as_json:
            told = {"then": _side(judged.then.status, then, sent, judged), "policy": _side(judged.now.status, now)}
            print(json.dumps({"model": config.model, "night": judged.night, **told}), flush=True)
        elif then or now:
            print(
                f"{judged.night}  then    {_words(then, sent, judged)}\n            policy  {_words(now)}", flush=True
            )
    if not as_json:
        print(_summary(nights, sent))


class _Sent:
    """Which events Slack was told of."""

    def __init__(self, results: ModelResults) -> None:
        self._results = results
        self._names: dict[str, frozenset[str]] = {}

    def __call__(self, incident: Incident, night: str) -> bool:
        from nightproof.alert.told import read_told

        if incident.id not in self._names:
            folder = f"{self._results.folder}alerts/{incident.id}/"
            self._names[incident.id] = read_told(self._results.store, folder).names
        name = "opened" if incident.event == "opened" else f"{incident.event}-{night}"
        return name in self._names[incident.id]


def _side(
    status: str, pages: Sequence[Incident], sent: _Sent | None = None, judged: Judged | None = None
) -> dict[str, Any]:
    fields = {"id", "event", "check", "metric", "segment", "cause"}
    told = [page.model_dump(include=fields) for page in pages]
    if sent is not None and judged is not None:
        told = [line | {"sent": sent(page, judged.night)} for line, page in zip(told, pages, strict=True)]
    return {"status": status, "pages": told}


def _words(pages: Sequence[Incident], sent: _Sent | None = None, judged: Judged | None = None) -> str:
    said = []
    for page in pages:
        told = " (Slack was told)" if sent is not None and judged is not None and sent(page, judged.night) else ""
        said.append(f"{page.event} {page.id}{told}: {page.cause.split('. ')[0]}")
    return "; ".join(said) or "no page"


def _summary(nights: Sequence[Judged], sent: _Sent) -> str:
    then = [(page, judged.night) for judged in nights for page in judged.pages[0]]
    now = sum(len(judged.pages[1]) for judged in nights)
    told = sum(sent(page, night) for page, night in then)
    both = sum(bool(judged.pages[0]) and bool(judged.pages[1]) for judged in nights)
    return (
        f"{len(nights)} nights: {len(then)} pages then ({told} told by Slack), {now} by the policy; "
        f"{both} nights page in both."
    )
