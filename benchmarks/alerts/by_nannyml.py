"""NannyML's univariate drift and realised performance, night by night. Runs in NannyML's own environment."""

from __future__ import annotations

from benchmarks.alerts import features
from benchmarks.stages import Stages

METRICS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]


def alarms(stages: Stages, *, runs: list[dict[str, str]]) -> list[dict[str, list[bool]]]:
    """Whether each night of each run has an alert, of drift in any column or of performance in any metric.

    Defaults (Jensen-Shannon's distance beyond .1; metrics beyond mean +- 3 standard deviations of the
    reference's chunks), a chunk being a night.
    """
    with stages("import"):
        import nannyml
        import pandas as pd
    columns = [*features.FEATURES, features.SCORE]
    found = []
    for run in runs:
        with stages("read"):
            then, now = (pd.read_parquet(run[part]) for part in ("reference", "nights"))
            for frame in (then, now):
                frame[features.NIGHT] = pd.to_datetime(frame[features.NIGHT])
        chunks = {"timestamp_column_name": features.NIGHT, "chunk_period": "D"}
        outcome = {
            "y_true": features.LABEL,
            "y_pred": features.PREDICTION,
            "y_pred_proba": features.SCORE,
            "problem_type": "classification_binary",
        }
        calculators = {
            "drift": nannyml.UnivariateDriftCalculator(
                column_names=columns, treat_as_categorical=[*features.CATEGORICAL], **chunks
            ),
            "performance": nannyml.PerformanceCalculator(metrics=METRICS, **outcome, **chunks),
        }
        told = {}
        for name, calculator in calculators.items():
            with stages(name):
                table = calculator.fit(then).calculate(now).filter(period="analysis").to_df()
                alerts = table.loc[:, table.columns.get_level_values(-1) == "alert"]
                told[name] = [bool(value) for value in alerts.any(axis=1)]
        found.append(told | {"any": [a or b for a, b in zip(*told.values(), strict=True)]})
    return found
