"""Small cells: what a profile would say of one person is left out before it is stored.

A profile is counts, and a count of a few rows under a name that the rows themselves brought (a value that the
baseline does not know, a version) tells that name. Such names are kept only from ``least`` rows on. The least and the
largest value of a number are one row's: they are kept as the outer ends of the classes that they lie in, an eighth of
the baseline's standard deviation wide near its mean and about a fifth of the distance from it farther out.

All facts that are added up stay as they are: sums over many rows, and counts under names that the reference gave.
"""

from __future__ import annotations

import math
from decimal import ROUND_FLOOR, Decimal

import polars as pl

from nightproof.profiles.profile import KEYS, Profile
from nightproof.profiles.spec import OTHER, NumericFeature, ProfileSpec
from nightproof.profiles.text import segment_text

NEAR = 8
"""Values within one standard deviation of the mean lie in classes of one eighth of it."""
FAR = 4
"""Beyond, every doubling of the distance from the mean is cut into so many classes."""
LARGEST = 1.7e308
_SLACK = 1e-9


def without_small_cells(profile: Profile, *, least: int) -> Profile:
    """A profile as it may be stored.

    Parameters
    ----------
    profile
        Of a night or of a reference.
    least
        Rows from which on a name that the rows brought is kept, `checks.bias.min_group`.

    Returns
    -------
    Profile
        The same one where there is nothing to leave out. Doing it twice changes nothing.
    """
    facts = profile.facts.filter((pl.col("fact") != "unseen") | (pl.col("count") >= least))
    facts = _without_versions(facts, profile, least)
    return Profile(profile.spec, _coarse_ranges(facts, profile.spec, least))


def _without_versions(facts: pl.DataFrame, profile: Profile, least: int) -> pl.DataFrame:
    """Versions of a few rows under one name; the one that most rows have is not of a few."""
    grouping = next((found for found in profile.spec.groupings if "version" in found.uses), None)
    if grouping is None:
        return facts
    rows = profile.versions()
    few = [name for place, (name, count) in enumerate(rows.items()) if count < least and (place or count == 1)]
    if not few or few == [OTHER]:
        return facts
    [column] = grouping.columns
    names = {segment_text({column: name}): segment_text({column: OTHER}) for name in few}
    kept = facts.with_columns(pl.col("segment").replace(names))
    added = [pl.col(name).sum() for name in ("count", "total", "squares")]
    return kept.group_by(KEYS).agg(*added, pl.col("low").min(), pl.col("high").max()).select(facts.columns).sort(KEYS)


def _coarse_ranges(facts: pl.DataFrame, spec: ProfileSpec, least: int) -> pl.DataFrame:
    ranges = facts.filter(pl.col("fact") == "range")
    if ranges.is_empty():
        return facts
    ends = [
        # One value in many rows is not one row's.
        (low, high) if low == high and count >= least else _ends(low, high, spec.numeric[column])
        for column, count, low, high in ranges.select("column", "count", "low", "high").iter_rows()
    ]
    told = {
        name: pl.Series(name, values, dtype=pl.Float64)
        for name, values in zip(("low", "high"), zip(*ends, strict=True), strict=True)
    }
    return pl.concat([facts.filter(pl.col("fact") != "range"), ranges.with_columns(**told)]).sort(KEYS)


def _ends(low: float | None, high: float | None, feature: NumericFeature) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return low, high
    least, most = below(low, mean=feature.mean, sd=feature.sd), -below(-high, mean=-feature.mean, sd=feature.sd)
    # Within the baseline's range its ends, which are known, are the nearer bound.
    least = max(least, feature.low) if low >= feature.low else least
    return least, min(most, feature.high) if high <= feature.high else most


def below(value: float, *, mean: float, sd: float) -> float:
    """The lower end of the class that a value lies in.

    Rising in ``value``, and at most ``value`` but for rounding; what is an end already stays one, and 0 stays 0.

    Parameters
    ----------
    value
        Any finite number.
    mean, sd
        The baseline's.

    Examples
    --------
    >>> below(41.3, mean=40.0, sd=8.0), below(97.0, mean=40.0, sd=8.0)
    (41.0, 85.25483399593904)
    """
    distance = (value - mean) / sd
    if value == 0.0:
        return 0.0
    if not math.isfinite(distance):
        return math.copysign(LARGEST, value)
    if abs(distance) <= 1.0:
        step = math.floor(distance * NEAR + _SLACK) / NEAR
    elif distance > 0.0:
        step = 2.0 ** (math.floor(math.log2(distance) * FAR + _SLACK) / FAR)
    else:
        step = -(2.0 ** (math.ceil(math.log2(-distance) * FAR - _SLACK) / FAR))
    return max(-LARGEST, min(mean + step * sd, LARGEST))


def rounded_down(value: float) -> float:
    """A number rounded towards less to two significant digits: an end of a range that is no one row's value.

    Examples
    --------
    >>> rounded_down(301.0), -rounded_down(-301.0), rounded_down(-0.1234), rounded_down(23.0)
    (300.0, 310.0, -0.13, 23.0)
    """
    if value == 0.0 or not math.isfinite(value):
        return value
    digits = 1 - math.floor(math.log10(abs(value)))
    exact = Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR)
    return float(exact)
