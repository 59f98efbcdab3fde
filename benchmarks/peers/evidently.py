"""Evidently's drift and classification presets. Runs in Evidently's own environment."""

from __future__ import annotations

from benchmarks import columns
from benchmarks.stages import Stages


def presets(stages: Stages, *, reference: list[str], current: list[str]) -> dict[str, str]:
    """Both presets on a night against its reference, with the library's default settings."""
    with stages("import"):
        import pandas as pd
        from evidently import BinaryClassification, DataDefinition, Dataset, Report
        from evidently.presets import ClassificationPreset, DataDriftPreset
    wanted = [*columns.NUMERIC, *columns.CATEGORICAL, columns.SCORE, columns.LABEL]
    with stages("read"):
        frames = [pd.read_parquet(files, columns=wanted) for files in (reference, current)]
    with stages("run"):
        meaning = DataDefinition(
            numerical_columns=[*columns.NUMERIC, columns.SCORE],
            categorical_columns=[*columns.CATEGORICAL],
            classification=[BinaryClassification(target=columns.LABEL, prediction_probas=columns.SCORE, pos_label=1)],
        )
        then, now = (Dataset.from_pandas(frame, data_definition=meaning) for frame in frames)
        report = Report([DataDriftPreset(), ClassificationPreset()]).run(now, then)
        metrics = len(report.dict()["metrics"])
    return {"metrics": str(metrics), "pandas": pd.__version__}
