"""NannyML's univariate drift, estimated and realised performance. Runs in NannyML's own environment."""

from __future__ import annotations

from benchmarks import columns
from benchmarks.stages import Stages

METRICS = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
PREDICTION = "prediction"


def monitoring(stages: Stages, *, reference: list[str], current: list[str]) -> dict[str, str]:
    """The three calculators on a night against its reference, with the library's default chunks and methods."""
    with stages("import"):
        import nannyml
        import pandas as pd
    features = [*columns.NUMERIC, *columns.CATEGORICAL]
    wanted = [*features, columns.SCORE, columns.LABEL]
    with stages("read"):
        frames = [pd.read_parquet(files, columns=wanted) for files in (reference, current)]
        for frame in frames:
            frame[PREDICTION] = (frame[columns.SCORE] >= 0.5).astype(int)
    then, now = frames
    outcome = {"y_true": columns.LABEL, "y_pred": PREDICTION, "y_pred_proba": columns.SCORE}
    calculators = {
        "drift": nannyml.UnivariateDriftCalculator(
            column_names=[*features, columns.SCORE], treat_as_categorical=[*columns.CATEGORICAL]
        ),
        "CBPE": nannyml.CBPE(metrics=METRICS, problem_type="classification_binary", **outcome),
        "performance": nannyml.PerformanceCalculator(metrics=METRICS, problem_type="classification_binary", **outcome),
    }
    for name, calculator in calculators.items():
        with stages(f"fit {name}"):
            calculator.fit(then)
        with stages(f"run {name}"):
            found = calculator.estimate(now) if name == "CBPE" else calculator.calculate(now)
            found.to_df()
    return {"calculators": str(len(calculators)), "pandas": pd.__version__}
