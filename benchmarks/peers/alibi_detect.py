"""alibi-detect's tests of drift in tables, night by night. Runs in alibi-detect's own environment."""

from __future__ import annotations

from benchmarks.alerts import features
from benchmarks.stages import Stages

WATCHED = (features.SCORE, features.LABEL)


def alarms(stages: Stages, *, runs: list[dict[str, str]]) -> list[dict[str, list[bool]]]:
    """Whether each night of each run alarms, by KSDrift (numbers) and TabularDrift (all columns).

    Defaults: p = .05 with Bonferroni's correction over columns. Both get the score and the label too.
    """
    with stages("import"):
        import numpy as np
        import pandas as pd
        from alibi_detect.cd import KSDrift, TabularDrift
    numbers = [*features.NUMERIC, *WATCHED]
    every = [*numbers, *features.CATEGORICAL]
    found = []
    for run in runs:
        with stages("read"):
            then, now = (pd.read_parquet(run[part]) for part in ("reference", "nights"))
            for name in features.CATEGORICAL:
                values = {value: place for place, value in enumerate(sorted({*then[name], *now[name]}))}
                then[name], now[name] = then[name].map(values), now[name].map(values)
        with stages("fit"):
            categories = {len(numbers) + i: None for i in range(len(features.CATEGORICAL))}
            tests = {
                "ks": (KSDrift(then[numbers].to_numpy(np.float32)), numbers),
                "tabular": (TabularDrift(then[every].to_numpy(np.float32), categories_per_feature=categories), every),
            }
        with stages("run"):
            nights = [rows for _, rows in now.groupby(features.NIGHT)]
            found.append(
                {
                    name: [bool(test.predict(rows[names].to_numpy(np.float32))["data"]["is_drift"]) for rows in nights]
                    for name, (test, names) in tests.items()
                }
            )
    return found
