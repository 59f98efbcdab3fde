"""The fleet's page: warm, after a pause, and by a process that knows nothing yet."""

from __future__ import annotations

import statistics
import time

from benchmarks.bench import Bench
from benchmarks.row import Row, seconds
from benchmarks.ui.laying import laid
from benchmarks.ui.serving import Answer, Served, served

WARM, COLD, PAUSES = 30, 3, 3
PAUSE_S = 6.0
"""After it nothing that is known is fresh."""
MOST_WARM_S, MOST_COLD_S = 0.150, 3.0


def row(bench: Bench) -> Row:
    """Start the dashboard a few times, and ask the last one again and again."""
    cold: list[tuple[float, float, float]] = []
    with laid(bench) as fleet:
        for number in range(COLD):
            with served(fleet) as dashboard:
                first = dashboard.get("/")
                cold.append((time.perf_counter() - dashboard.began, dashboard.import_s, dashboard.cpu_s))
                if number < COLD - 1:
                    continue
                dashboard.get("/")
                used = dashboard.cpu_s
                warm = [dashboard.get("/") for _ in range(WARM)]
                used = (dashboard.cpu_s - used) / WARM
                after = [_after_a_pause(dashboard) for _ in range(PAUSES)]
                listed = dashboard.get("/api/v1/models")
                stamp = dashboard.get("/api/v1/fleet/stamp")
    warm_s = statistics.median(answer.seconds for answer in warm)
    cold_s, import_s, cold_cpu_s = (statistics.median(values) for values in zip(*cold, strict=True))
    return Row(
        what=f"fleet page over {fleet.models:,} models",
        target="server time <= 150 ms warm, <= 3 s cold",
        found=f"{warm_s * 1e3:.0f} ms warm, {seconds(cold_s)} cold",
        met=warm_s <= MOST_WARM_S and cold_s <= MOST_COLD_S,
        note=f"{fleet.note}. Warm: median of {WARM} requests one after another, slowest "
        f"{max(answer.seconds for answer in warm) * 1e3:.0f} ms, {used * 1e3:.0f} ms CPU each; after a pause, when all "
        f"has to be read again first, {statistics.median(a.seconds for a in after) * 1e3:.0f} ms. Cold: from "
        f"the start of the process to the answered page, median of {COLD}, of which {seconds(import_s)} imports; "
        f"{seconds(cold_cpu_s)} CPU. The "
        f"page is {len(first.body) / 1e3:.0f} kB, {first.sent / 1e3:.0f} kB packed; the API's first answer "
        f"{listed.seconds * 1e3:.0f} ms and {len(listed.body) / 1e3:.0f} kB, the stamp {stamp.seconds * 1e3:.0f} ms. "
        "No peer: none that we know of shows a fleet of models",
    )


def _after_a_pause(dashboard: Served) -> Answer:
    time.sleep(PAUSE_S)
    return dashboard.get("/")
