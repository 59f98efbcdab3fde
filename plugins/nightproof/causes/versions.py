"""Versions: whether the harm came with another version of the model."""

from __future__ import annotations

from collections.abc import Iterator

from nightproof.causes.case import LEAST_SHARE, Case, Suspect
from nightproof.metrics.estimate import Estimate, Unknown, difference
from nightproof.metrics.rates import wilson
from nightproof.profiles import Profile
from nightproof.profiles.spec import Binary, Multiclass
from nightproof.verdict import Cause
from nightproof.words import percent, plain

BEGAN = 0.9
"""Weight of a version that began on the harm's first night: only a plainly broken column comes before it."""
SOME_TIME = 0.3
"""… of one that the baseline does not know, and that may have been there for long."""


def new_versions(case: Case) -> Iterator[Suspect]:
    """The version that came when the harm did, or else the largest that the baseline does not know."""
    versions = case.current.versions()
    if case.new_version is not None:
        yield _came(case, case.new_version, versions.get(case.new_version, 0), weight=BEGAN)
        return
    known = case.baseline.versions()
    new = next((version for version in versions if known and version not in known), None)
    if new is not None:
        yield _came(case, new, versions[new], weight=SOME_TIME)


def _came(case: Case, version: str, rows: int, *, weight: float) -> Suspect:
    column = next((g.columns[0] for g in case.current.spec.groupings if "version" in g.uses), None)
    by_errors = case.worst is None or case.worst.check != "business"
    share = _share(case, column, version) if column and by_errors else None
    part = rows / max(case.current.rows, 1)
    how = "it began with" if weight == BEGAN else "the baseline does not know"
    served = f", which served {percent(part)} of rows" if 0.0 < part < 1.0 else ""
    # What other versions' rows show too is not this one's doing.
    weight = weight if share is None or share >= LEAST_SHARE else 0.2
    cause = Cause(
        kind="new_version",
        text=f"{how} version {plain(version)}{served}",
        share=share,
        columns=(column,) if column else (),
        segment={column: version} if column else {},
    )
    return Suspect(cause, weight)


def _share(case: Case, column: str, version: str) -> float | None:
    """What of the error rate's rise is gone when the version's rows err as the others do.

    Versions are counted by outcome alone, so that the share is of the error rate. ``None`` where that did not
    surely rise, where hardly any rows are of other versions, and for regression and ranking.
    """
    now, then = _wrong(case.current, {}), _wrong(case.baseline, {})
    own = _wrong(case.current, {column: version})
    if now is None or then is None or own is None:
        return None
    rest = (now[0] - own[0], now[1] - own[1])
    rates = [wilson(*side) for side in (now, then)]
    if own[1] < 1 or rest[1] < case.config.checks.bias.min_group or any(isinstance(r, Unknown) for r in rates):
        return None
    rise = difference(*(r for r in rates if isinstance(r, Estimate)))
    part = own[1] / now[1] * (own[0] / own[1] - rest[0] / rest[1])
    return min(max(part / rise.value, 0.0), 1.0) if rise.low > 0.0 else None


def _wrong(profile: Profile, rows: dict[str, str]) -> tuple[float, float] | None:
    """Labelled rows that a classifier predicted wrong, and all labelled rows."""
    if isinstance(profile.spec.task, Binary):
        outcomes = profile.outcomes(rows)
        return outcomes.fp + outcomes.fn, outcomes.labelled
    if isinstance(profile.spec.task, Multiclass):
        table = profile.confusion(rows)
        return float(table.sum() - table.trace()), float(table.sum())
    return None
