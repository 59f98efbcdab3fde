"""The calibration curve of a night beside its baseline's, from their profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightproof.board import NightLine
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.drawing.charts import Bins, Figure, calibration
from nightproof.dashboard.fleet_pages.fleet_view import View
from nightproof.errors import ObjectMissing
from nightproof.results import ModelResults

if TYPE_CHECKING:
    from nightproof.profiles.sums import Scores

Told = tuple[tuple["Curve", ...], str]


class Curve(View):
    """A reliability diagram; each list has one entry a bin, scores rising."""

    name: str
    score: tuple[float, ...]
    """Mean score of the bin's rows."""
    share: tuple[float, ...]
    """Share of them that came out positive."""
    rows: tuple[float, ...]


class CalibrationView(View):
    """The calibration curve of a night beside its baseline's."""

    model: str
    night: str
    curves: tuple[Curve, ...]
    why: str
    """Why there is none, in a sentence; empty where there is."""

    @property
    def figure(self) -> Figure | None:
        """The chart."""
        bins = [Bins(curve.name, curve.score, curve.share, curve.rows) for curve in self.curves]
        return calibration(bins) if bins else None


def calibration_view(results: ModelResults, line: NightLine) -> CalibrationView:
    """The curve of a night, or why there is none.

    Parameters
    ----------
    results
        The model's.
    line
        The night.
    """
    curves, why = _told(results, line)
    return CalibrationView(model=results.model, night=line.night, curves=curves, why=why)


def _told(results: ModelResults, line: NightLine) -> Told:
    if line.status == "quarantined":
        return (), f"The night {line.night} was quarantined: nothing was computed on it."
    archive = Archive(results)
    try:
        return archive.remembered(("calibration", line.evaluation_id), lambda: _curves(archive, line))
    except ObjectMissing:
        return (), f"Retention deleted the profile of the night {line.night}; its calibration error is kept."


def _curves(archive: Archive, line: NightLine) -> Told:
    from nightproof.profiles.spec import Binary

    name = archive.manifest(line.night, line.evaluation_id).baseline_id
    if name is None:
        return (), "This night was evaluated without a baseline."
    baseline = archive.baseline(name)
    if not isinstance(baseline.spec.task, Binary):
        return (), "A calibration curve is drawn of binary classifiers."
    profile = archive.profile(line.night, line.evaluation_id, baseline.spec)
    tonight = _curve("This night", profile.scores)
    if not tonight.rows:
        return (), f"No row of {line.night} has a label yet."
    before = _curve("Baseline", baseline.profile.scores)
    return (tonight, before) if before.rows else (tonight,), ""


def _curve(name: str, scores: Scores) -> Curve:
    from nightproof.metrics.calibration import reliability

    if not len(scores.cells) or not float(scores.positives.sum() + scores.negatives.sum()):
        return Curve(name=name, score=(), share=(), rows=())
    bins = reliability(scores)
    return Curve(name=name, score=bins.score.tolist(), share=bins.share.tolist(), rows=bins.rows.tolist())
