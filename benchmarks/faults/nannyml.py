"""NannyML on the same nights, with its defaults. Runs in NannyML's own environment."""

from __future__ import annotations

from typing import Any

from benchmarks.stages import Stages

METRICS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
DAY, FAULT, PREDICTION = "day", "fault", "prediction"


def alarms(
    stages: Stages,
    *,
    reference: str,
    clean: str,
    faulty: str,
    numeric: list[str],
    categorical: list[str],
    score: str,
    label: str,
) -> dict[str, Any]:
    """What alarms on each night: univariate drift of features and score, and realised performance.

    Parameters
    ----------
    reference, clean, faulty
        Parquet files; the last one has the nights of all faults, told apart by ``fault``.

    Returns
    -------
    dict
        Under ``clean`` the names of what alarms by night, under ``faulty`` the same by fault.
    """
    with stages("import"):
        import nannyml
        import pandas as pd
    then, nights, broken = (pd.read_parquet(path) for path in (reference, clean, faulty))
    for frame in (then, nights, broken):
        frame[PREDICTION] = (frame[score] >= 0.5).astype(int)
        frame[DAY] = pd.to_datetime(frame[DAY])
    by_night = {"timestamp_column_name": DAY, "chunk_period": "D"}
    drift = nannyml.UnivariateDriftCalculator(
        column_names=[*numeric, *categorical, score], treat_as_categorical=categorical, **by_night
    )
    performance = nannyml.PerformanceCalculator(
        metrics=METRICS,
        problem_type="classification_binary",
        y_true=label,
        y_pred=PREDICTION,
        y_pred_proba=score,
        **by_night,
    )
    with stages("fit"):
        fitted = [drift.fit(then), performance.fit(then)]
    with stages("run"):
        told = _by_night(fitted, nights)
        found = {str(name): _by_night(fitted, rows) for name, rows in broken.groupby(FAULT)}
    return {"clean": told, "faulty": found}


def _by_night(fitted: list[Any], rows: Any) -> dict[str, list[str]]:
    """Which series alarm on each night of some rows."""
    found: dict[str, list[str]] = {}
    for calculator in fitted:
        table = calculator.calculate(rows.drop(columns=[FAULT], errors="ignore").reset_index(drop=True))
        table = table.filter(period="analysis").to_df()
        starts = table[next(name for name in table.columns if name[-1] == "start_date")]
        for name in (name for name in table.columns if name[-1] == "alert"):
            for start, alert in zip(starts, table[name], strict=True):
                found.setdefault(str(start)[:10], []).extend(
                    [" ".join(name[:-1])] if alert is True or alert == 1 else []
                )
    return found
