"""Evaluations that nobody measured, published as the pipeline publishes them: what storage costs, without the rest."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from nightproof.manifest import LogEntry, Manifest
from nightproof.readings import Readings
from nightproof.record import canonical
from nightproof.results import ModelResults

FIRST = date(2024, 1, 1)
CONFIG = {"task": "binary", "columns": {"features": {"numeric": [f"feature_{i}" for i in range(30)]}}}
GROUPS = [
    {},
    *({"carrier": c} for c in ("AA", "B6", "DL", "EV", "MQ", "UA", "US", "WN")),
    {"origin": "JFK", "hour": "7"},
]


def night_of(number: int) -> str:
    """The night of so many days after the first."""
    return str(FIRST + timedelta(days=number))


def findings(count: int, *, seed: int) -> list[dict[str, object]]:
    """So many findings as `findings.json` has them, with floats of all digits."""
    draw = random.Random(seed)
    return [_finding(i, draw) for i in range(count)]


def _finding(i: int, draw: random.Random) -> dict[str, object]:
    value, baseline, arm = draw.random(), draw.random(), draw.random() / 50
    delta, known = value - baseline, draw.random() > 0.05
    return {
        "check": ("performance", "drift", "bias")[i % 3],
        "metric": ("roc_auc", "brier", "psi", "wasserstein", "impact_ratio", "tpr_gap")[i % 6],
        "column": f"feature_{i % 30}" if i % 3 == 1 else None,
        "segment": GROUPS[i % len(GROUPS)] if i % 3 != 1 else {},
        "window": (1, 7, 28)[i % 3],
        "value": value if known else None,
        "interval": [value - arm, value + arm] if known else None,
        "baseline": baseline,
        "delta": delta if known else None,
        "delta_interval": [delta - arm, delta + arm] if known else None,
        "tolerance": 0.02,
        "n": draw.randrange(100, 100_000),
        "detectable": draw.random() / 10 if known else None,
        "p_value": draw.random() if known else None,
        "status": "ok" if known else "insufficient_data",
        "reason": f"{value:.3f} ({value - arm:.3f} to {value + arm:.3f}), {delta:+.3f} from the baseline's "
        f"{baseline:.3f}: within the tolerance of 0.02."
        if known
        else "Too few rows to tell.",
    }


def publish_made_up(results: ModelResults, number: int, *, count: int, seed: int) -> LogEntry:
    """Publish a night of so many findings: files, manifest, log."""
    night, name = night_of(number), f"{seed:08x}{number:08x}"
    dossier = results.dossier(night, name)
    dossier.write("findings.json", canonical(findings(count, seed=seed * 100_003 + number)))
    dossier.write("readings.json", Readings(night=night, version="v7", rows=count, labelled=count, all=()).to_bytes())
    now = datetime.now(UTC).isoformat(timespec="seconds")
    manifest = Manifest(
        model=results.model,
        night=night,
        evaluation_id=name,
        status="ok",
        evaluated_at=now,
        baseline_id=None,
        files=dossier.stored(["findings.json", "readings.json"]),
        config=CONFIG,
        environment={"nightproof": "made up"},
        steps_left_out=(),
        known_at=now,
    )
    return results.log.append(manifest, dossier.write("manifest.json", manifest.to_bytes()))
