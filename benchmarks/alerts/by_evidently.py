"""Evidently's drift preset, night by night. Runs in Evidently's own environment."""

from __future__ import annotations

from benchmarks.alerts import features
from benchmarks.stages import Stages


def alarms(stages: Stages, *, runs: list[dict[str, str]]) -> list[dict[str, list[bool]]]:
    """Whether each night of each run has a column that the preset calls drifted, and whether its data set is.

    Defaults: a test or a distance by each column's kind and number of values, a data set drifted where half of
    the columns are. The score and the label are columns too.
    """
    with stages("import"):
        import pandas as pd
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import DriftedColumnsCount
    numbers = [*features.NUMERIC, features.SCORE]
    texts = [*features.CATEGORICAL, features.LABEL]
    meaning = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    found = []
    for run in runs:
        with stages("read"):
            then, now = (pd.read_parquet(run[part]) for part in ("reference", "nights"))
            reference = Dataset.from_pandas(then[[*numbers, *texts]], data_definition=meaning)
            nights = [rows[[*numbers, *texts]] for _, rows in now.groupby(features.NIGHT)]
        told = []
        with stages("run"):
            for rows in nights:
                night = Dataset.from_pandas(rows, data_definition=meaning)
                told.append(_drifted(Report([DriftedColumnsCount()]).run(night, reference).dict()["metrics"]))
        found.append(
            {
                "any column": [drifted > 0 for drifted in told],
                "data set": [drifted >= 0.5 * len([*numbers, *texts]) for drifted in told],
            }
        )
    return found


def _drifted(metrics: list) -> int:
    """How many columns are drifted, as the preset counts them."""
    [value] = [metric["value"] for metric in metrics if metric["metric_name"].startswith("DriftedColumnsCount")]
    return int(value["count"])
