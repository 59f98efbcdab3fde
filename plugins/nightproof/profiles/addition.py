"""Addition: the law by which profiles become the profile of all their rows together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from nightproof.profiles.distinct import merge_sketches
from nightproof.profiles.profile import KEYS, Profile


def merge(profiles: Sequence[Profile]) -> Profile:
    """The profile of all rows of some profiles together.

    Raises
    ------
    ValueError
        If there is none to merge, or they were counted by different specs.
    """
    if not profiles:
        raise ValueError("There is no profile to merge.")
    spec = profiles[0].spec
    if any(other.spec.fingerprint != spec.fingerprint for other in profiles[1:]):
        raise ValueError("Profiles of different specs cannot be merged: their bins differ.")
    if len(profiles) == 1:
        return profiles[0]
    return Profile(spec, add_facts([profile.facts for profile in profiles]))


def add_facts(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Facts of several tables added key by key, sorted by key."""
    return (
        merge_sketches(pl.concat(tables))
        .group_by(KEYS)
        .agg(
            pl.col("count").sum(),
            pl.col("total").sum(),
            pl.col("squares").sum(),
            pl.col("low").min(),
            pl.col("high").max(),
        )
        .sort(KEYS)
    )
