"""The twenty faults, and the nights on which they may begin."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import date, timedelta

from benchmarks.faults import feature_faults, label_faults, row_faults, score_faults
from benchmarks.faults.fault import Expected, Fault
from benchmarks.faults.frames import ID, LABEL, SCORE, VERSION

FIRST_BEGIN, APART = date(2013, 4, 22), timedelta(days=11)
"""Three weeks after the model went live; then every eleventh night, so that each fault meets another season."""
NIGHTS = 14
"""How long each lasts."""
WITHIN = 2
"""Found within so many nights, its first included, is found in time."""


def _broken(*columns: str) -> Expected:
    return Expected(("data_fault",), columns)


_NOISE = (_broken(LABEL), Expected(("concept", "label_shift")))
_TORN = ("data_fault", "concept")
_TRUTH = ("concept", "label_shift")

FAULTS = (
    Fault("30 % of dep_delay missing", feature_faults.missing("dep_delay", share=0.3), (_broken("dep_delay"),)),
    Fault("all of distance missing", feature_faults.missing("distance", share=1.0), (_broken("distance"),)),
    Fault(
        "dep_delay in hours, not minutes", feature_faults.scaled("dep_delay", factor=1 / 60), (_broken("dep_delay"),)
    ),
    Fault("distance in km, not miles", feature_faults.scaled("distance", factor=1.609344), (_broken("distance"),)),
    Fault("dep_delay shuffled among rows", feature_faults.shuffled("dep_delay"), (Expected(_TORN, ("dep_delay",)),)),
    Fault("dest shuffled among rows", feature_faults.shuffled("dest"), (Expected(_TORN, ("dest",)),)),
    Fault("25 % of labels flipped", label_faults.flipped(0.25), _NOISE),
    Fault(
        "every label of carrier UA positive",
        label_faults.all_positive("carrier", "UA"),
        (Expected((*_TRUTH, "data_fault"), segment={"carrier": "UA"}),),
    ),
    Fault("features of a week ago", feature_faults.stale, (_broken("dep_delay", ID, LABEL),)),
    Fault(
        "airport LGA dropped",
        row_faults.dropped("origin", "LGA"),
        (Expected(("data_fault", "mix"), ("origin",), {"origin": "LGA"}),),
    ),
    Fault("classes swapped", score_faults.swapped_classes, (_broken(SCORE),)),
    Fault("scores capped at 0.3", score_faults.capped(0.3), (_broken(SCORE),)),
    Fault("scores rounded to 0 or 1", score_faults.rounded, (_broken(SCORE),)),
    Fault("every score 0.2", score_faults.same(0.2), (_broken(SCORE),)),
    Fault("carrier codes lower-cased", feature_faults.lower_cased("carrier"), (_broken("carrier"),)),
    Fault("hour always 0", feature_faults.constant("hour", value=0), (_broken("hour"),)),
    Fault("hour five hours on", feature_faults.clock_shifted("hour", hours=5), (_broken("hour"),)),
    Fault("airport JFK logged twice", row_faults.duplicated("origin", "JFK"), (_broken(ID),)),
    Fault(
        "a worse version (trained on 200 rows)", score_faults.worse_version, (Expected(("new_version",), (VERSION,)),)
    ),
    Fault(
        "airport EWR late after 5 minutes, not 15",
        label_faults.late_sooner("origin", "EWR", minutes=5),
        (Expected(_TRUTH, segment={"origin": "EWR"}),),
    ),
)
"""In the order in which they begin."""


def beginnings(uneasy: AbstractSet[date], *, last: date) -> list[date]:
    """The night on which each fault begins.

    The first from its place in the calendar on that is quiet by itself, so that what is found is the fault, and
    that no other has.

    Parameters
    ----------
    uneasy
        Nights on which something is open, or is told of, with nothing injected.
    last
        The last night that there is.

    Raises
    ------
    ValueError
        If there is no such night.
    """
    found: list[date] = []
    for place in range(len(FAULTS)):
        night = FIRST_BEGIN + place * APART
        while night in found or not uneasy.isdisjoint(night + timedelta(days=after) for after in range(-1, WITHIN)):
            night += timedelta(days=1)
        if night + timedelta(days=NIGHTS - 1) > last:
            raise ValueError(f"{FAULTS[place].name!r} has no quiet night to begin on.")
        found.append(night)
    return found
