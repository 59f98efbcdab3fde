"""Ratios: what a profile's facts come to for one of the team's own metrics."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from nightproof.profiles.metric_rows import FACT, HALF, PARTS
from nightproof.profiles.profile import ALL, Profile
from nightproof.profiles.sums import RatioSums
from nightproof.profiles.text import segment_text

Parts = dict[str, tuple[int, int]]
"""Rows and the sum, by part."""


def ratio(profile: Profile, name: str, segment: Mapping[str, str] = ALL) -> RatioSums:
    """Sums of one of the team's own metrics; none for an unknown segment or metric.

    Parameters
    ----------
    profile
        Of a night, a window or a baseline.
    name
        The metric's.
    segment
        All rows by default.
    """
    parts = _parts(profile).get((segment_text(segment), name), {})
    sums = {part: parts[part][1] if part in parts else 0 for part in ("x", "y", "xx", "xy", "yy")}
    top, bottom = next((metric.units for metric in profile.spec.metrics if metric.name == name), (1.0, 1.0))
    weighed = profile.spec.weight is not None and "w" in parts
    return RatioSums(
        n=parts["x"][0] if parts else 0,
        **sums,
        unit=top / bottom,
        weight=parts["w"][1] if weighed else None,
        weight_squared=parts["ww"][1] if weighed else None,
        held=parts["held"][0] if "held" in parts else 0,
    )


def _parts(profile: Profile) -> dict[tuple[str, str], Parts]:
    """All of a profile's sums by segment and metric, read once."""
    if "ratios" not in profile.memo:
        profile.memo["ratios"] = _read(profile.facts.filter(pl.col("fact") == FACT))
    found: dict[tuple[str, str], Parts] = profile.memo["ratios"]
    return found


def _read(facts: pl.DataFrame) -> dict[tuple[str, str], Parts]:
    found: dict[tuple[str, str], Parts] = {}
    columns = facts.select("segment", "column", "bin", "count", "total", "squares")
    for segment, name, place, count, total, squares in columns.iter_rows():
        part = PARTS[place]
        # Products were added up in two halves.
        summed = (total << HALF) + squares if len(part) == 2 else total
        found.setdefault((segment, name), {})[part] = (count, summed)
    return found
