"""A model's page: a year of 40 features."""

from __future__ import annotations

import statistics

from benchmarks.bench import Bench
from benchmarks.measure import Failed
from benchmarks.row import Row
from benchmarks.ui import made_up
from benchmarks.ui.laying import laid
from benchmarks.ui.serving import Served, served

WARM, OTHERS = 20, 5
MOST_S, MOST_BYTES = 0.200, 600_000
BESIDE = ("drift?last=365", "bias?last=365", "slices", "")
"""Further pages of a model, told in the note where they are there."""


def row(bench: Bench) -> Row:
    """Ask for one model again and again, and for others for the first time."""
    with laid(bench) as fleet, served(fleet) as dashboard:
        dashboard.get("/")
        path = f"/models/{fleet.whole[0]}?last=365"
        cold = [dashboard.get(f"/models/{made_up.name_of(n)}?last=365") for n in _others(fleet.models)]
        dashboard.get(path)
        used = dashboard.cpu_s
        warm = [dashboard.get(path) for _ in range(WARM)]
        used = (dashboard.cpu_s - used) / WARM
        bad = dashboard.get(f"/models/{made_up.name_of(0)}?last=365")
        beside = [_beside(dashboard, f"/models/{fleet.whole[0]}/{page}".rstrip("/")) for page in BESIDE]
    warm_s, size = statistics.median(answer.seconds for answer in warm), len(warm[0].body)
    return Row(
        what="model page, a year of 40 features",
        target="<= 200 ms warm, page <= 600 kB",
        found=f"{warm_s * 1e3:.0f} ms warm, {size / 1e3:.0f} kB",
        met=warm_s <= MOST_S and max(size, len(bad.body)) <= MOST_BYTES,
        note=f"Median of {WARM} requests, slowest {max(answer.seconds for answer in warm) * 1e3:.0f} ms, "
        f"{used * 1e3:.0f} ms CPU each; {warm[0].sent / 1e3:.0f} kB packed; one with an incident "
        f"{len(bad.body) / 1e3:.0f} kB. A model that nobody has looked at, its 13 months read from S3: "
        f"{statistics.median(answer.seconds for answer in cold) * 1e3:.0f} ms. Second request for further pages of a "
        f"model: {', '.join(beside)}",
    )


def _others(models: int) -> list[int]:
    return [number for number in range(models) if made_up.kind_of(number) in ("ok", "watch")][-OTHERS:]


def _beside(dashboard: Served, path: str) -> str:
    name = path.split("/", 3)[-1] if path.count("/") > 2 else "model, 30 nights"
    try:
        dashboard.get(path)
        answer = dashboard.get(path)
    except Failed as error:
        return f"{name} failed ({str(error)[:60]})"
    return f"{name} {answer.seconds * 1e3:.0f} ms, {len(answer.body) / 1e3:.0f} kB"
