"""A fleet to look at: models in every state, evaluated for real, one of them with names that attack whoever shows them.

Only silence is made up: nights cannot be published in the past, so a row's instant is set back.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml
from nightproof.cache import Cache
from nightproof.config import load_config
from nightproof.evaluation import Evaluation
from nightproof.night import Night
from nightproof.pipeline import Step, evaluate
from nightproof.resources import Resources
from nightproof.storage import open_store

FIRST = date(2024, 3, 1)
REFERENCE_ROWS, ROWS = 6_000, 2_000
QUICK: tuple[Step, ...] = ("report", "validate")
"""Left out of most nights: each imports a library that takes seconds."""
WORST, HOSTILE, HIDDEN = "churn", "hostile", "salaries"
"""A model with an incident, one that attacks, and one that not everybody may read."""
HIDDEN_OWNER, HIDDEN_TAG, HIDDEN_GROUP = "payroll-only", "confidential", "executives"

IMAGE, CLOSING, SCRIPT = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "</script><script>alert(2)</script>",
)
ATTACKS = {
    "numeric": (IMAGE, "javascript:alert(3)", "{{7*7}}"),
    "categorical": (CLOSING,),
    "groups": (SCRIPT, "\u202e" + "evil" * 20, "x" * 300, "<b>bold</b> ${7*7} %s ../../etc"),
}
PLANTED = """<!doctype html><html lang=en><title>The report</title><h1 id=said>nothing</h1><script>
const told = [];
const attempt = (name, act) => {
  try { act(); told.push(name + " worked"); } catch (error) { told.push(name + " failed"); }
};
attempt("cookie", () => document.cookie);
attempt("storage", () => localStorage.length);
attempt("parent", () => parent.document.title);
attempt("alert", () => { if (parent !== self) parent.alert(4); });
const ask = new XMLHttpRequest();
attempt("request", () => { ask.open("GET", "/api/v1/models", false); ask.send(); });
document.getElementById("said").textContent = told.join(", ");
</script></html>"""


@dataclass
class MadeFleet:
    """The fleet's folder and what was evaluated in it.

    Parameters
    ----------
    folder
        Configs, suites, data, caches and results lie below it.
    """

    folder: Path
    evaluations: dict[str, list[Evaluation]] = field(default_factory=dict)

    @property
    def models(self) -> Path:
        """Folder of the configs."""
        return self.folder / "include" / "models"

    @property
    def suites(self) -> Path:
        """Folder of the suites: there are none, a config implies enough."""
        return self.folder / "expectations"

    def last(self, model: str) -> Evaluation:
        """A model's last evaluation."""
        return self.evaluations[model][-1]

    def environment(self) -> dict[str, str]:
        """Variables by which another process finds it."""
        return {
            "NIGHTPROOF_MODELS": str(self.models),
            "NIGHTPROOF_SUITES": str(self.suites),
            "NIGHTPROOF_CACHE": str(self.folder / "cache"),
        }


def make_fleet(folder: Path) -> MadeFleet:
    """Evaluate it all."""
    fleet = MadeFleet(folder)
    fleet.models.mkdir(parents=True)
    fleet.suites.mkdir(parents=True)
    good, bad = {"seed": 0}, {"noise": 0.9, "unfair": 0.25}
    _add(fleet, WORST, [good] * 11 + [bad, bad], owner="growth", tags=["revenue"], show=True)
    _add(fleet, "prices", [good] * 3, owner="growth", description="What will a customer pay?")
    _add(fleet, "drifting", [good] * 3 + [{"drift": 0.8}], owner="risk")
    _add(fleet, "quarantined", [good, good, {"broken": True}], owner="risk", validate_last=True)
    _add(fleet, "blind", [{"count": 12}] * 2, owner="risk")
    mute = [
        {"until": "2999-01-01", "reason": "The campaign is known", "check": name}
        for name in ("performance", "bias", "drift")
    ]
    _add(fleet, "muted", [good] * 7 + [bad, bad], owner="growth", mute=mute)
    _add(fleet, HIDDEN, [good, {"noise": 1.0}], owner=HIDDEN_OWNER, tags=[HIDDEN_TAG], groups=(HIDDEN_GROUP, "staff"))
    _add(fleet, "stopped", [good] * 3, owner="risk", description="Its nights have stopped.")
    _set_back(fleet, "stopped")
    _add_hostile(fleet)
    _configure(fleet, "newborn", owner="growth")
    (fleet.models / "unreadable.yaml").write_text("model: unreadable\ntask: oracle\n", "utf-8")
    return fleet


def _add_hostile(fleet: MadeFleet) -> None:
    said = f"{IMAGE} {CLOSING} {{{{7*7}}}} \u202e{'y' * 300}"
    bad = {"noise": 0.9, "unfair": 0.3, "drift": 1.5, "version": CLOSING}
    nights = [{"version": IMAGE}] * 6 + [bad, bad]
    names = {"x": ATTACKS["numeric"][0], "y": ATTACKS["numeric"][1], "z": ATTACKS["numeric"][2], "group": CLOSING}
    about = {"owner": IMAGE[:100], "tags": [CLOSING, "javascript:alert(5)"], "description": said}
    _add(fleet, HOSTILE, nights, names=names, groups=ATTACKS["groups"], **about)
    last = fleet.last(HOSTILE)
    dossier = _resources(fleet).results(last.config).dossier(str(last.night), last.id)
    dossier.write("report.html.gz", gzip.compress(PLANTED.encode()))


def _add(
    fleet: MadeFleet,
    model: str,
    nights: list[dict[str, Any]],
    *,
    names: Mapping[str, str] | None = None,
    groups: tuple[str, ...] = ("north", "south", "west"),
    show: bool = False,
    validate_last: bool = False,
    **about: Any,
) -> None:
    names = dict(names or {"x": "income", "y": "visits", "z": "age", "group": "region"})
    _configure(fleet, model, names=names, **about)
    config = load_config(fleet.models / f"{model}.yaml")
    logs = fleet.folder / "logs" / model
    _write(logs / "reference", _rows(REFERENCE_ROWS, model, seed=1, groups=groups).rename(names).drop("id"))
    resources = _resources(fleet)
    for number, knobs in enumerate(nights):
        night = FIRST + timedelta(days=number)
        rows = _rows(**{"count": ROWS, "model": model, "groups": groups} | knobs | {"seed": number + 2}).rename(names)
        _write(logs / f"predictions/dt={night}", rows.drop("label"))
        _write(logs / f"labels/dt={night}", rows.select("id", "label"))
        is_last = number == len(nights) - 1
        left_out = () if show and is_last else ("report",) if validate_last and is_last else QUICK
        told = evaluate(config, Night.parse(str(night), config.data.label_delay), resources, left_out=left_out)
        fleet.evaluations.setdefault(model, []).append(told)


def _configure(
    fleet: MadeFleet, model: str, *, names: Mapping[str, str] | None = None, mute: Any = (), **about: Any
) -> None:
    names = names or {"x": "income", "y": "visits", "z": "age", "group": "region"}
    logs = f"file://{fleet.folder}/logs/{model}"
    said = {
        "model": model,
        **about,
        "task": "binary",
        "data": {
            "predictions": f"{logs}/predictions/dt=%Y-%m-%d/",
            "labels": f"{logs}/labels/dt=%Y-%m-%d/",
            "reference": f"{logs}/reference/",
            "id": "id",
        },
        "results": f"file://{fleet.folder}/results/",
        "columns": {
            "score": "score",
            "label": "label",
            "features": {"numeric": [names["x"], names["y"], names["z"]], "categorical": [names["group"]]},
            "protected": [names["group"]],
            "slices": [names["group"]],
            "model_version": "version",
            "latency_ms": "latency_ms",
        },
        "windows": [1, 7],
        "alerts": {"slack": {"channel": "#ml"}, "mute": list(mute)},
    }
    (fleet.models / f"{model}.yaml").write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True), "utf-8")


def _rows(
    count: int,
    model: str,
    *,
    seed: int,
    groups: tuple[str, ...],
    noise: float = 0.0,
    drift: float = 0.0,
    unfair: float = 0.0,
    broken: bool = False,
    version: str = "v1",
) -> pl.DataFrame:
    """Labelled predictions; ``noise`` takes their skill, ``unfair`` the second group's scores."""
    draw = np.random.default_rng([seed, *model.encode()])
    x, y, z = draw.normal(drift, 1.0, count), draw.poisson(3, count), draw.integers(18, 90, count)
    group = draw.choice(len(groups), count)
    truth = 1.0 / (1.0 + np.exp(-2.0 * (x - drift)))
    score = (1.0 - noise) * truth + noise * draw.random(count) - unfair * (group == 1)
    return pl.DataFrame(
        {
            "id": [f"{seed}-{number}" for number in range(count)],
            "score": np.clip(score, 0.0, 1.0) + 7.0 * broken,
            "label": (draw.random(count) < truth).astype(np.int64),
            "x": x,
            "y": y,
            "z": z,
            "group": [groups[number] for number in group],
            "version": [version] * count,
            "latency_ms": draw.gamma(4.0, 8.0, count),
        }
    )


def _write(folder: Path, rows: pl.DataFrame) -> None:
    buffer = BytesIO()
    rows.write_parquet(buffer)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "part-0.parquet").write_bytes(buffer.getvalue())


def _resources(fleet: MadeFleet) -> Resources:
    return Resources(cache=Cache(fleet.folder / "cache"), suites=fleet.suites, open_store=open_store)


def _set_back(fleet: MadeFleet, model: str) -> None:
    """Make the last night's publication one of long ago."""
    for path in (fleet.folder / "results" / "board" / "v1" / "rows").glob(f"{model}.*.json.gz"):
        row = json.loads(gzip.decompress(path.read_bytes()))
        path.write_bytes(gzip.compress(json.dumps(row | {"evaluated_at": "2024-03-04T04:10:00+00:00"}).encode()))
