"""Memory of the dashboard, over many views of many models."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.row import Row, mib
from benchmarks.ui import made_up
from benchmarks.ui.laying import Laid, laid
from benchmarks.ui.serving import served

VIEWS, LEAST = 1000, 60
MOST_MIB, FLAT_MIB = 400.0, 10.0
STEPS = 10
BESIDE = ("bias", "drift?last=90", "slices", "features/normal_00", "calibration")
"""Pages of models that have dossiers: some of them load SciPy and a night's profile."""


def row(bench: Bench) -> Row:
    """Look at page after page, each time of another model."""
    views = max(LEAST, int(VIEWS * bench.scale))
    with laid(bench) as fleet, served(fleet) as dashboard:
        dashboard.get("/")
        resident = [dashboard.rss_mib]
        for number in range(views):
            dashboard.get(_page(fleet, number))
            if (number + 1) % (views // STEPS) == 0:
                resident.append(dashboard.rss_mib)
    grown = resident[-1] - resident[-2]
    return Row(
        what=f"memory of the app with that fleet, over {views:,} page views",
        target="<= 400 MB, flat",
        found=f"{mib(resident[0])} after the first view, {mib(resident[-1])} after {views:,}",
        met=max(resident) * 2**20 <= MOST_MIB * 1e6 and grown <= FLAT_MIB,
        note=f"Resident set, a tenth of the views apart: {', '.join(f'{value:.0f}' for value in resident)} MiB. Of ten "
        f"views five are a year of a model that was not looked at before; the others are the fleet, its API, the "
        f"incidents, and, of {len(fleet.whole)} models, a night and one of bias, drift, slices, a feature, calibration",
    )


def _page(fleet: Laid, number: int) -> str:
    whole = fleet.whole[number // 10 % len(fleet.whole)]
    return {
        2: "/",
        4: "/api/v1/models",
        5: f"/models/{whole}/nights/{fleet.last}",
        7: f"/models/{whole}/{BESIDE[number // 10 % len(BESIDE)]}",
        9: "/incidents",
    }.get(number % 10, f"/models/{made_up.name_of(_sound(number * 7 % fleet.models))}?last=365")


def _sound(number: int) -> int:
    """A model whose nights are on the board and its config whole."""
    return number if made_up.kind_of(number) != "broken" else number - 1
