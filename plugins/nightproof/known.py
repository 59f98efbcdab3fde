"""What is known: how an evaluation is named among those of its night, and which other nights it stands on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nightproof.config import ModelConfig
from nightproof.errors import RecordError
from nightproof.evaluation import evaluation_id
from nightproof.history import History
from nightproof.manifest import Known
from nightproof.night import Night
from nightproof.results import ModelResults
from nightproof.snapshot import Snapshot


def name_among(
    results: ModelResults, snapshot: Snapshot, config: ModelConfig, *, suite: str, left_out: Sequence[str]
) -> str:
    """Name of the evaluation of these inputs, as :func:`~nightproof.evaluation.evaluation_id` gives it.

    Data that is again as it was before a revision gets a new name: without it the revision that the data no
    longer bears out would stay the night's last word.
    """
    named = partial(evaluation_id, snapshot, config, suite=suite, left_out=left_out)
    if results.log.find(named()) is None:
        return named()
    latest = results.log.latest()[snapshot.night]
    if latest.supersedes and latest.evaluation_id == named(after=latest.supersedes):
        return latest.evaluation_id
    if latest.evaluation_id == named() or results.snapshot(latest).content == snapshot.content:
        return named()
    return named(after=latest.evaluation_id)


def history_of(results: ModelResults, night: Night, evaluation_id: str) -> History:
    """What was known of other nights when an evaluation first asked: the same for each of its steps, whenever they run.

    Raises
    ------
    RecordError
        If the chain is no longer the one that it stood on.
    """
    dossier, log = results.dossier(str(night), evaluation_id), results.log
    entries = log.entries()
    raw = dossier.find("history.json")
    if raw is None:
        head_sha256 = log.link(entries[-1]).sha256 if entries else None
        raw = dossier.write("history.json", Known(entries=len(entries), head_sha256=head_sha256).to_bytes())
    then = Known.from_bytes(raw, name=dossier.url("history.json"))
    known = entries[: then.entries]
    if then.head_sha256 != (log.link(known[-1]).sha256 if known else None):
        raise RecordError(
            f"{dossier.url('history.json')} stood on another chain: the log was rewritten. Run nightproof verify."
        )
    return History.of(night, results, [entry for entry in known if entry.evaluation_id != evaluation_id])
