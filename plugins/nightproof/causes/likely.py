"""The likely causes of a regression, ranked."""

from __future__ import annotations

from collections.abc import Sequence

from nightproof.causes.broken_columns import broken_columns
from nightproof.causes.case import Case, Suspect
from nightproof.causes.groups import moved_groups
from nightproof.causes.missing_labels import missing_labels
from nightproof.causes.moved_rows import moved_rows
from nightproof.causes.scores import broken_scores
from nightproof.causes.sums import moved_sums
from nightproof.causes.torn_columns import torn_columns
from nightproof.causes.versions import new_versions
from nightproof.checks.finding import Finding
from nightproof.config import ModelConfig
from nightproof.profiles import Profile
from nightproof.verdict import Cause

MOST = 4
LEAST_WEIGHT = 0.1
PLAIN = 0.5
"""Weight from which on a fault explains what else is odd about its columns."""
UNKNOWN = Cause(kind="unknown", text="no column, segment, label or version stands out")


def likely_causes(
    current: Profile,
    baseline: Profile,
    findings: Sequence[Finding],
    *,
    config: ModelConfig,
    worst: Finding | None = None,
    new_version: str | None = None,
) -> tuple[Cause, ...]:
    """What may have brought a regression about, the likeliest first, at most four.

    Parameters
    ----------
    current
        The profile that shows the harm: a night's, or a window's.
    baseline
        What it is compared with; of the same spec.
    findings
        Of all families; what has drifted is read from them.
    config
        For the size of groups that are told.
    worst
        The finding that is told of.
    new_version
        The model's version that began on the harm's first night, if one did.

    Returns
    -------
    tuple of Cause
        Plainly broken columns that explain the harm come first, then a new version, then what the attribution
        says of mix, concept and labels by its share; a cause of kind ``unknown`` where there is none.
    """
    if not current.rows or not baseline.rows:
        return (UNKNOWN,)
    if worst is not None and (missing := missing_labels(worst)) is not None:
        return (missing,)
    case = Case(current, baseline, findings, config, worst, new_version)
    broken = [*broken_columns(case), *broken_scores(case)]
    if worst is not None and worst.check == "business":
        # How the labels and the losses moved says nothing of it.
        told = [*broken, *new_versions(case), *moved_sums(case)]
        return _heaviest(told)
    suspects = [
        *broken,
        *torn_columns(case, {name for suspect in broken if suspect.weight >= PLAIN for name in suspect.beneath}),
        *new_versions(case),
        *moved_rows(case),
        *moved_groups(case),
    ]
    return _heaviest(suspects)


def _heaviest(suspects: Sequence[Suspect]) -> tuple[Cause, ...]:
    ranked = sorted(_apart(suspects), key=lambda suspect: -suspect.weight)
    return tuple(suspect.cause for suspect in ranked if suspect.weight >= LEAST_WEIGHT)[:MOST] or (UNKNOWN,)


def _apart(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Suspects without those that a heavier fault of the same columns already tells."""
    kept: list[Suspect] = []
    told: set[str] = set()
    for suspect in sorted(suspects, key=lambda suspect: -suspect.weight):
        # Rows that a broken column sets apart are that column's doing.
        about = set(suspect.cause.columns if suspect.cause.kind == "concept" else suspect.beneath)
        everywhere = suspect.cause.kind == "concept" and not about
        if about & told or (everywhere and _explains_all(kept)):
            continue
        kept.append(suspect)
        if suspect.cause.kind == "data_fault" and suspect.weight >= PLAIN:
            told |= set(suspect.beneath)
    return kept


def _explains_all(kept: Sequence[Suspect]) -> bool:
    """Whether a plain fault of a whole column is among them, which makes all rows worse."""
    return any(s.cause.kind == "data_fault" and s.weight >= PLAIN and s.cause.share is None for s in kept)
