"""The place of the harm: the slice that most of it is concentrated in, if it is."""

from __future__ import annotations

from nightproof.causes.case import Case
from nightproof.checks.slices import worst_slices
from nightproof.metrics.slice_harm import SliceHarm
from nightproof.profiles.spec import OTHER

CONCENTRATED, DENSE = 0.5, 1.5
"""Harm is concentrated in a slice that adds at least so much of it, and so many times what its rows would."""
CONFINED = 0.75
"""Harm of which at least so much lies in less than half of the rows is confined to them."""


def worst_place(case: Case) -> SliceHarm | None:
    """The slice that sets the harm apart best, where most of it is concentrated in one.

    The one with the largest share (1 - share) (its rise - the others')**2: what a first split of a regression tree
    on the rise would explain.
    """
    found = worst_slices(case.current, case.baseline, case.config).worst
    sure = [harm for harm in found if harm.surely_worse and not _many(harm)]
    whole = case.explanation.whole.value if case.explanation else 0.0

    def apart(harm: SliceHarm) -> float:
        rest = (whole - harm.contribution) / (1.0 - harm.share)
        return harm.share * (1.0 - harm.share) * (harm.change.value - rest) ** 2

    dense = [harm for harm in sure if _concentrated(harm, whole)]
    return max(dense, key=apart, default=None)


def _concentrated(harm: SliceHarm, whole: float) -> bool:
    return harm.contribution >= CONCENTRATED * whole and harm.change.value >= DENSE * whole


def is_confined(case: Case) -> bool:
    """Whether nearly all harm lies in one slice, so that what all rows suffer from does not explain it."""
    place = worst_place(case)
    part = None if place is None else case.share(place.contribution)
    return place is not None and part is not None and part >= CONFINED and place.share < 0.5


def _many(harm: SliceHarm) -> bool:
    """Whether it is what is left of a pair of columns, which nobody can look into."""
    return len(harm.segment) > 1 and OTHER in harm.segment.values()
