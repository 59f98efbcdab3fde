"""The report: one Evidently report a night, drawn from the profile and never from rows.

Evidently costs ten CPU seconds to import, so nothing here imports it before :func:`render` is called.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from nightproof.evaluation import Evaluation


@dataclass(frozen=True)
class RenderedReport:
    """A night's report, ready to be stored.

    Parameters
    ----------
    json
        Evidently's snapshot; ``evidently.core.report.Snapshot.loads`` reads it without Nightproof.
    html
        One page that needs nothing else, neither files nor a network.
    """

    json: bytes
    html: bytes


def render(evaluation: Evaluation) -> RenderedReport:
    """Draw the report of one evaluation.

    Parameters
    ----------
    evaluation
        Of any night, a quarantined one included.

    Returns
    -------
    RenderedReport
        The same bytes for the same evaluation, wherever and whenever it is drawn.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")  # read by Evidently on import: no telemetry
    from nightproof.report.page import page
    from nightproof.report.sections import sections
    from nightproof.report.snapshot import Drawing

    drawing = Drawing(evaluation, sections(evaluation))
    return RenderedReport(json=drawing.json(), html=page(evaluation, drawing.widgets()))
