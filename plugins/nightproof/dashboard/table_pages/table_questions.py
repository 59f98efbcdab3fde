"""The questions that people ask of the metrics table, each with its code for every tool.

The code begins where the table is open as ``metrics`` (as ``table`` in pandas), and leaves what it found in ``answer``;
``«name»`` is filled in by :mod:`nightproof.dashboard.table_pages.table_snippets`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """What somebody wants to know.

    Parameters
    ----------
    name
        As the page's address has it.
    title
        The question.
    about
        What the answer is, in a sentence.
    sql, polars, pandas
        The code, ``«name»`` where something is filled in and ``"name"`` around words that SQL keeps for itself.
    """

    name: str
    title: str
    about: str
    sql: str
    polars: str
    pandas: str


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="worst",
        title="Which models were worst on their last night?",
        about="A row a model, the one with most regressions on top; why is the first finding that regressed.",
        sql="""
SELECT model, night, status_of_night,
       count(*) FILTER (WHERE status = 'regression') AS regressions,
       count(*) FILTER (WHERE status = 'watch') AS watches,
       min_by(reason, ordinal) FILTER (WHERE status = 'regression') AS why
FROM (
    SELECT *, max(night) OVER (PARTITION BY model) AS last_night,
           max(log_number) OVER (PARTITION BY model, night) AS last_entry
    FROM metrics
    WHERE month >= «lately_month»
) AS lately
WHERE night = last_night AND log_number = last_entry
GROUP BY model, night, status_of_night
ORDER BY regressions DESC, watches DESC, model
""",
        polars="""
regressed = pl.col("status") == "regression"
answer = (
    metrics.filter(pl.col("month") >= «lately_month»)
    .filter(pl.col("night") == pl.col("night").max().over("model"))
    .filter(pl.col("log_number") == pl.col("log_number").max().over("model"))
    .sort("ordinal")
    .group_by("model", "night", "status_of_night")
    .agg(
        regressions=regressed.sum(),
        watches=(pl.col("status") == "watch").sum(),
        why=pl.col("reason").filter(regressed).first(),
    )
    .sort("regressions", "watches", "model", descending=[True, True, False])
    .collect()
)
print(answer)
""",
        pandas="""
lately = table.to_pandas(filters=[("month", ">=", «lately_month»)])
last = lately[lately["night"] == lately.groupby("model")["night"].transform("max")]
last = last[last["log_number"] == last.groupby("model")["log_number"].transform("max")].sort_values("ordinal")
last = last.assign(
    regressions=last["status"] == "regression",
    watches=last["status"] == "watch",
    why=last["reason"].where(last["status"] == "regression"),
)
answer = (
    last.groupby(["model", "night", "status_of_night"], as_index=False)
    .agg(regressions=("regressions", "sum"), watches=("watches", "sum"), why=("why", "first"))
    .sort_values(["regressions", "watches", "model"], ascending=[False, False, True])
)
print(answer)
""",
    ),
    Question(
        name="metric",
        title="How did one metric go over a year?",
        about="A row a night, as it is known now: each night's latest evaluation, with its interval.",
        sql="""
SELECT night, value, low, high, baseline, n, status
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «month» AND night >= DATE «since»
) AS nights
WHERE log_number = last_entry AND "check" = 'performance' AND metric = «metric»
      AND "column" IS NULL AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
ORDER BY night
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «month», pl.col("night") >= «since»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "performance",
        pl.col("metric") == «metric»,
        pl.col("column").is_null(),
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .sort("night")
    .select("night", "value", "low", "high", "baseline", "n", "status")
    .collect()
)
print(answer)
""",
        pandas="""
nights = table.to_pandas(filters=[("model", "=", «model»), ("month", ">=", «month»), ("night", ">=", «since»)])
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
whole = nights["column"].isna() & (nights["segment"] == "{}") & (nights["window"] == 1)
wanted = (nights["check"] == "performance") & (nights["metric"] == «metric»)
answer = nights[whole & wanted & (nights["reference"] == "baseline")].sort_values("night")
answer = answer[["night", "value", "low", "high", "baseline", "n", "status"]]
print(answer)
""",
    ),
    Question(
        name="drift",
        title="Which features drifted most over four weeks?",
        about="A row a feature by its distance from the baseline (PSI); moved counts nights worth a look.",
        sql="""
SELECT "column", avg(value) AS mean, max(value) AS most,
       count(*) FILTER (WHERE status IN ('watch', 'regression')) AS moved, count(*) AS nights
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «lately_month» AND night >= DATE «lately»
) AS nights
WHERE log_number = last_entry AND "check" = 'drift' AND metric = 'psi'
      AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
GROUP BY "column"
ORDER BY mean DESC, "column"
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «lately_month», pl.col("night") >= «lately»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "drift",
        pl.col("metric") == "psi",
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .group_by("column")
    .agg(
        mean=pl.col("value").mean(),
        most=pl.col("value").max(),
        moved=pl.col("status").is_in(["watch", "regression"]).sum(),
        nights=pl.len(),
    )
    .sort("mean", "column", descending=[True, False])
    .collect()
)
print(answer)
""",
        pandas="""
filters = [("model", "=", «model»), ("month", ">=", «lately_month»), ("night", ">=", «lately»)]
nights = table.to_pandas(filters=filters)
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
wanted = (nights["check"] == "drift") & (nights["metric"] == "psi") & (nights["segment"] == "{}")
drift = nights[wanted & (nights["window"] == 1) & (nights["reference"] == "baseline")]
drift = drift.assign(moved=drift["status"].isin(["watch", "regression"]))
answer = (
    drift.groupby("column", as_index=False)
    .agg(mean=("value", "mean"), most=("value", "max"), moved=("moved", "sum"), nights=("night", "size"))
    .sort_values(["mean", "column"], ascending=[False, True])
)
print(answer)
""",
    ),
    Question(
        name="groups",
        title="Which groups fared worst over four weeks?",
        about="A row a group by its least selection rate beside the reference group's; below 0.8 asks for a look.",
        sql="""
SELECT segment, min(value) AS least, avg(value) AS mean,
       count(*) FILTER (WHERE status = 'regression') AS regressions, count(*) AS nights
FROM (
    SELECT *, max(log_number) OVER (PARTITION BY night) AS last_entry
    FROM metrics
    WHERE model = «model» AND month >= «lately_month» AND night >= DATE «lately»
) AS nights
WHERE log_number = last_entry AND "check" = 'bias' AND metric = 'impact_ratio'
      AND "window" = 1 AND reference = 'baseline' AND value IS NOT NULL
GROUP BY segment
ORDER BY least, segment
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «lately_month», pl.col("night") >= «lately»)
    .filter(pl.col("log_number") == pl.col("log_number").max().over("night"))
    .filter(
        pl.col("check") == "bias",
        pl.col("metric") == "impact_ratio",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
        pl.col("value").is_not_null(),
    )
    .group_by("segment")
    .agg(
        least=pl.col("value").min(),
        mean=pl.col("value").mean(),
        regressions=(pl.col("status") == "regression").sum(),
        nights=pl.len(),
    )
    .sort("least", "segment")
    .collect()
)
print(answer)
""",
        pandas="""
filters = [("model", "=", «model»), ("month", ">=", «lately_month»), ("night", ">=", «lately»)]
nights = table.to_pandas(filters=filters)
nights = nights[nights["log_number"] == nights.groupby("night")["log_number"].transform("max")]
wanted = (nights["check"] == "bias") & (nights["metric"] == "impact_ratio") & nights["value"].notna()
groups = nights[wanted & (nights["window"] == 1) & (nights["reference"] == "baseline")]
groups = groups.assign(regressed=groups["status"] == "regression")
answer = (
    groups.groupby("segment", as_index=False)
    .agg(least=("value", "min"), mean=("value", "mean"), regressions=("regressed", "sum"), nights=("night", "size"))
    .sort_values(["least", "segment"])
)
print(answer)
""",
    ),
    Question(
        name="revisions",
        title="What did late labels change?",
        about="The nights that were evaluated more than once: the metric by each evaluation, and by how much it moved.",
        sql="""
SELECT night, log_number, labels, n, value,
       value - lag(value) OVER (PARTITION BY night ORDER BY log_number) AS moved
FROM (
    SELECT *, count(*) OVER (PARTITION BY night) AS evaluations
    FROM metrics
    WHERE model = «model» AND month >= «month» AND night >= DATE «since»
          AND "check" = 'performance' AND metric = «metric» AND "column" IS NULL
          AND segment = '{}' AND "window" = 1 AND reference = 'baseline'
) AS nights
WHERE evaluations > 1
ORDER BY night, log_number
""",
        polars="""
answer = (
    metrics.filter(pl.col("model") == «model», pl.col("month") >= «month», pl.col("night") >= «since»)
    .filter(
        pl.col("check") == "performance",
        pl.col("metric") == «metric»,
        pl.col("column").is_null(),
        pl.col("segment") == "{}",
        pl.col("window") == 1,
        pl.col("reference") == "baseline",
    )
    .filter(pl.len().over("night") > 1)
    .sort("night", "log_number")
    .with_columns(moved=pl.col("value") - pl.col("value").shift(1).over("night"))
    .select("night", "log_number", "labels", "n", "value", "moved")
    .collect()
)
print(answer)
""",
        pandas="""
nights = table.to_pandas(filters=[("model", "=", «model»), ("month", ">=", «month»), ("night", ">=", «since»)])
whole = nights["column"].isna() & (nights["segment"] == "{}") & (nights["window"] == 1)
wanted = (nights["check"] == "performance") & (nights["metric"] == «metric»)
known = nights[whole & wanted & (nights["reference"] == "baseline")]
known = known[known.groupby("night")["night"].transform("size") > 1].sort_values(["night", "log_number"])
answer = known.assign(moved=known.groupby("night")["value"].diff())
answer = answer[["night", "log_number", "labels", "n", "value", "moved"]]
print(answer)
""",
    ),
)
