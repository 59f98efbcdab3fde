"""Every page of the dashboard, in one place: what is looked at, and by which address."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from .fleet import HOSTILE, WORST, MadeFleet


@dataclass(frozen=True)
class Look:
    """One page to look at.

    Parameters
    ----------
    name
        In a test's name.
    path
        Its address, with ``{…}`` for what :func:`address` fills in.
    model
        Whose it is.
    status
        Of the answer.
    scripts
        Whether its scripts run.
    """

    name: str
    path: str
    model: str = WORST
    status: int = 200
    scripts: bool = True


_OF_MODEL = {
    "model": "/models/{model}",
    "calibration": "/models/{model}/calibration",
    "drift": "/models/{model}/drift",
    "feature": "/models/{model}/features/{column}",
    "category": "/models/{model}/features/{category}",
    "bias": "/models/{model}/bias",
    "slices": "/models/{model}/slices",
    "compare": "/models/{model}/compare?a={first}&b={night}",
    "night": "/models/{model}/nights/{night}",
    "incidents-of-model": "/models/{model}/incidents",
    "incident": "/models/{model}/incidents/{incident}",
}
_BY_OTHER_ADDRESSES = {
    "evaluation": "/models/{model}/nights/{night}/{id}",
    "latest": "/models/{model}/latest",
    "run": "/models/{model}/runs/look-{night}",
    "features": "/models/{model}/features?column={column}",
}
_OF_FLEET = {
    "fleet": "/",
    "fleet-asked": "/?standing=incident&q=churn",
    "fleet-none": "/?q=nothing-is-called-this",
    "incidents": "/incidents",
    "table": "/table",
    "api": "/api",
}
PAGES = (
    *(Look(name, path) for name, path in _OF_FLEET.items()),
    *(Look(name, path) for name, path in _OF_MODEL.items()),
    *(Look(f"model-{model}", "/models/{model}", model) for model in ("quarantined", "blind", "newborn", "unreadable")),
    *(Look(f"night-{model}", "/models/{model}/nights/{night}", model) for model in ("quarantined", "blind")),
    Look("nobody", "/models/nobody", status=404),
    Look("nowhere", "/no/such/page", status=404),
)
OF_MODEL = tuple(Look(name, path) for name, path in (_OF_MODEL | _BY_OTHER_ADDRESSES).items())
"""Every address that tells of one model."""
HOSTILE_PAGES = (
    *(Look(name, path) for name, path in _OF_FLEET.items() if name in ("fleet", "incidents", "table")),
    *(Look(name, path, HOSTILE) for name, path in _OF_MODEL.items()),
)


def address(look: Look, fleet: MadeFleet) -> str:
    """A page's path and query."""
    model = look.model if look.model in fleet.evaluations else WORST
    last = fleet.last(model)
    features, incidents = last.config.columns.features, last.verdict.incidents
    said = {
        "night": str(last.night),
        "first": str(fleet.evaluations[model][0].night),
        "id": last.id,
        "column": features.numeric[0],
        "category": features.categorical[0],
        "incident": incidents[0].id if incidents else "none",
    }
    return look.path.format(model=look.model, **{name: quote(text, safe="") for name, text in said.items()})
