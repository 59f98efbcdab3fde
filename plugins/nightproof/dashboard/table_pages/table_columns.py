"""The metrics table's columns, as ``docs/table.md`` tells them."""

from __future__ import annotations

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("model", "text", "Name of the model."),
    ("night", "date", "UTC day that was evaluated."),
    (
        "month",
        "text",
        "Its month, such as 2026-11: the table's partition. Filter on it, and other months' files stay shut.",
    ),
    ("evaluation_id", "text", "The evaluation: all results of one night by one set of inputs."),
    (
        "log_number",
        "int64",
        "Number of its entry in the model's log; of one night's evaluations the largest is the latest.",
    ),
    (
        "ordinal",
        "int32",
        "Place of the finding in the evaluation's findings; -1: the evaluation has none, as of a quarantined night.",
    ),
    ("evaluated_at", "instant, UTC", "When it was published."),
    ("known_at", "instant, UTC", "When the night's data was listed: what came later is not in it."),
    ("labels", "text", "provisional or final: whether labels could still come when the data was listed."),
    ("supersedes", "text", "Evaluation of the same night that was the latest before this one; null for the first."),
    ("status_of_night", "text", "The verdict's status."),
    ("model_version", "text", "Version that made most of the night's predictions; null where no column tells."),
    ("check", "text", "Family of the finding: performance, drift, bias and so on."),
    ("metric", "text", "Such as roc_auc."),
    ("column", "text", "Feature or protected column that it is about."),
    ("segment", "text", "The rows that it is about: JSON with sorted keys, {} for all rows."),
    ("window", "int32", "Nights merged, night the last."),
    ("value", "float64", "The value."),
    ("low", "float64", "Lower end of its 95 % interval."),
    ("high", "float64", "Upper end of its 95 % interval."),
    ("baseline", "float64", "The same metric on what it is compared with."),
    ("delta", "float64", "Value less baseline."),
    ("delta_low", "float64", "Lower end of the change's 95 % interval."),
    ("delta_high", "float64", "Upper end of the change's 95 % interval."),
    ("tolerance", "float64", "What it is held against."),
    ("n", "int64", "Rows that the value stands on."),
    ("detectable", "float64", "The smallest harmful change that this much data would have shown with 80 % power."),
    (
        "p_value",
        "float64",
        "Probability of so much harm beyond its tolerance by chance; null where it is not judged so.",
    ),
    ("status", "text", "ok, watch, regression or insufficient_data."),
    ("reason", "text", "One sentence."),
    ("reference", "text", "What it is compared with: baseline, trailing 28 nights and so on."),
)
"""Name, type and meaning, in the table's order."""
