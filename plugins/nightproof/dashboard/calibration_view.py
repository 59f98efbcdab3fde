"""The calibration curve of a night beside its baseline's, from their profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nightproof.board import NightLine
from nightproof.dashboard.archive import Archive
from nightproof.dashboard.charts import Bins, Figure, calibration
from nightproof.errors import ObjectMissing
from nightproof.results import ModelResults

if TYPE_CHECKING:
    from nightproof.profiles.sums import Scores


def calibration_curve(results: ModelResults, line: NightLine) -> tuple[Figure | None, str]:
    """The curve, or why there is none in a sentence.

    Parameters
    ----------
    results
        The model's.
    line
        The night.
    """
    if line.status == "quarantined":
        return None, f"The night {line.night} was quarantined: nothing was computed on it."
    archive = Archive(results)

    def made() -> tuple[Figure | None, str]:
        return _curve(archive, line)

    try:
        return archive.remembered(("calibration", line.evaluation_id), made)
    except ObjectMissing:
        return None, f"Retention deleted the profile of the night {line.night}; its calibration error is kept."


def _curve(archive: Archive, line: NightLine) -> tuple[Figure | None, str]:
    from nightproof.profiles.spec import Binary

    name = archive.manifest(line.night, line.evaluation_id).baseline_id
    if name is None:
        return None, "This night was evaluated without a baseline."
    baseline = archive.baseline(name)
    if not isinstance(baseline.spec.task, Binary):
        return None, "A calibration curve is drawn of binary classifiers."
    profile = archive.profile(line.night, line.evaluation_id, baseline.spec)
    curves = [_bins("This night", profile.scores), _bins("Baseline", baseline.profile.scores)]
    told = [bins for bins in curves if bins.rows]
    if not told or told[0].name != "This night":
        return None, f"No row of {line.night} has a label yet."
    return calibration(told), ""


def _bins(name: str, scores: Scores) -> Bins:
    from nightproof.metrics.calibration import reliability

    if not len(scores.cells) or not float(scores.positives.sum() + scores.negatives.sum()):
        return Bins(name)
    bins = reliability(scores)
    return Bins(name, bins.score.tolist(), bins.share.tolist(), bins.rows.tolist())
