"""Side by side: the checks of a night, with other nights in the place of the baseline.

Profiles add up exactly, so any nights that were counted alike can be merged and held beside any others: each
difference has its interval, as a night's difference from the baseline has.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightproof.board import NightLine
from nightproof.checks.finding import Finding
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.compare_pages.chosen_nights import Chosen
from nightproof.errors import DataError, NightError, ObjectMissing
from nightproof.words import plain

if TYPE_CHECKING:
    from nightproof.config import ModelConfig
    from nightproof.evaluation import Baseline
    from nightproof.profiles import Profile, ProfileSpec

READERS = 8
"""Profiles that are fetched at a time."""
_NAMED = 5


@dataclass(frozen=True)
class Merged:
    """One side: the profile of all its nights.

    Parameters
    ----------
    profile
        Of all its rows.
    nights
        Those that are in it, rising; none for the baseline.
    left_out
        Nights that are not, each with the reason in a sentence.
    """

    profile: Profile
    nights: tuple[NightLine, ...]
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class SideBySide:
    """What the checks say of one side beside the other.

    Parameters
    ----------
    a, b
        The sides.
    baseline_id
        Under whose bins both were counted.
    findings
        Of ``a``, each with ``b`` as its baseline.
    reverse
        Of ``b`` with ``a`` as its baseline: the intervals and rows of the other side.
    faults
        Families that could not be compared, with the reason.
    """

    a: Merged
    b: Merged
    baseline_id: str
    findings: tuple[Finding, ...]
    reverse: tuple[Finding, ...]
    faults: tuple[tuple[str, str], ...]


def side_by_side(archive: Archive, a: Chosen, b: Chosen, config: ModelConfig) -> SideBySide:
    """Compare two choices of nights.

    Parameters
    ----------
    archive
        Where their profiles are.
    a, b
        At most one of them is the baseline.
    config
        Whose tolerances and limits differences are held against.

    Raises
    ------
    NightError
        If they cannot be compared: the sentence says which nights are in the way.
    """
    if a.is_baseline and b.is_baseline:
        raise NightError("The baseline is on both sides: choose nights for one of them.")
    name = _one_baseline(archive, [*a.lines, *b.lines])
    try:
        baseline = archive.baseline(name)
    except ObjectMissing as error:
        raise NightError(f"The baseline {name}, under whose bins these nights were counted, is gone.") from error
    one, other = (_merged(archive, side, baseline) for side in (a, b))
    if one.profile.rows == 0 or other.profile.rows == 0:
        raise NightError("One side has no rows, so there is nothing to compare.")
    pinned = _pinned(config, baseline)
    findings, faults = _checked(one.profile, other.profile, pinned)
    reverse, _ = _checked(other.profile, one.profile, pinned)
    return SideBySide(one, other, name, tuple(findings), tuple(reverse), tuple(faults))


def _pinned(config: ModelConfig, baseline: Baseline) -> ModelConfig:
    """The config with the reference groups that the baseline gives: both sides are compared with the same ones."""
    from nightproof.checks.groups import protected_groupings, reference_group

    settings = config.checks.bias
    single = [columns for columns in protected_groupings(baseline.profile) if len(columns) == 1]
    try:
        named = {columns[0]: reference_group(columns, baseline.profile, settings)[columns[0]] for columns in single}
    except DataError:
        return config  # the check itself says what is wrong
    bias = settings.model_copy(update={"reference_group": named}) if named else settings
    return config.model_copy(update={"checks": config.checks.model_copy(update={"bias": bias})})


def merged_nights(archive: Archive, lines: Sequence[NightLine]) -> tuple[Profile, Baseline, tuple[NightLine, ...]]:
    """Nights as one profile, with their baseline and those of them that still have one; raises ``NightError``."""
    baseline = archive.baseline(_one_baseline(archive, lines))
    profiles, kept, _ = _profiles(archive, lines, baseline.spec)
    from nightproof.profiles import merge

    if not profiles:
        raise NightError("Retention deleted the profiles of all these nights.")
    return merge(profiles), baseline, kept


def _one_baseline(archive: Archive, lines: Sequence[NightLine]) -> str:
    """The baseline that all nights were counted under."""
    with ThreadPoolExecutor(READERS) as readers:
        ids = list(readers.map(lambda line: archive.baseline_of(line.night, line.evaluation_id), lines))
    by_baseline: dict[str, list[str]] = {}
    for line, name in zip(lines, ids, strict=True):
        by_baseline.setdefault(name or "none", []).append(line.night)
    if len(by_baseline) == 1:
        return next(iter(by_baseline))
    told = "; ".join(f"{name}: {_named(nights)}" for name, nights in by_baseline.items())
    raise NightError(
        f"These nights were counted under {len(by_baseline)} baselines, so their bins differ and they cannot be "
        f"merged or compared ({told}). Choose nights of one baseline."
    )


def _named(nights: Sequence[str]) -> str:
    few = ", ".join(nights[:_NAMED])
    return few if len(nights) <= _NAMED else f"{few} and {len(nights) - _NAMED} more"


def _merged(archive: Archive, side: Chosen, baseline: Baseline) -> Merged:
    from nightproof.profiles import merge

    if side.is_baseline:
        return Merged(baseline.profile, (), ())
    profiles, kept, gone = _profiles(archive, side.lines, baseline.spec)
    if not profiles:
        raise NightError(f"Retention deleted the profiles of {plain(str(side.choice), 60)}, so it cannot be compared.")
    told = [(line.night, f"Retention deleted the profile of the night {line.night}.") for line in gone]
    return Merged(merge(profiles), kept, (*side.left_out, *told))


def _profiles(
    archive: Archive, lines: Sequence[NightLine], spec: ProfileSpec
) -> tuple[list[Profile], tuple[NightLine, ...], tuple[NightLine, ...]]:
    def read(line: NightLine) -> Profile | None:
        try:
            return archive.profile(line.night, line.evaluation_id, spec)
        except ObjectMissing:
            return None

    with ThreadPoolExecutor(READERS) as readers:
        found = list(zip(lines, readers.map(read, lines), strict=True))
    return (
        [profile for _, profile in found if profile is not None],
        tuple(line for line, profile in found if profile is not None),
        tuple(line for line, profile in found if profile is None),
    )


def _checked(a: Profile, b: Profile, config: ModelConfig) -> tuple[list[Finding], list[tuple[str, str]]]:
    from nightproof.checks.bias import check_bias
    from nightproof.checks.business import check_business
    from nightproof.checks.drift import check_drift
    from nightproof.checks.performance_family import check_performance_family

    families = {"performance": check_performance_family, "drift": check_drift, "bias": check_bias}
    if config.metrics:
        families["business"] = check_business
    found: list[Finding] = []
    faults: list[tuple[str, str]] = []
    for name, check in families.items():
        try:
            found += check(a, b, config, window=1)
        except DataError as error:
            # Such as a reference group that one side has no row of.
            faults.append((name, f"{name.capitalize()} cannot be compared: {error}"))
    return found, faults
