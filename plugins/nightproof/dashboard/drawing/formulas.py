"""Formulas: how each number is made, in one sentence; ``docs/methodology.md`` has the whole of it."""

from __future__ import annotations

_BASE: dict[str, str] = {
    # Performance of a classifier.
    "roc_auc": "P(a positive scores above a negative), ties counting ½; of several classes the mean of each against "
    "the rest.",
    "pr_auc": "average precision: the mean, over the positives, of the precision at each one's score.",
    "accuracy": "labelled rows that were predicted right / labelled rows.",
    "precision": "TP / (TP + FP), a positive being a score at or above the threshold.",
    "recall": "TP / (TP + FN), a positive being a score at or above the threshold.",
    "f1": "2 TP / (2 TP + FP + FN).",
    "log_loss": "mean of −ln(the probability that the true class was given), held off 0 and 1 by 1e-15.",
    "brier": "mean of (score − label)²; of several classes the squared distance over all of them, 0 to 2.",
    "calibration_error": "√ of the mean of (mean score − share of positives)² over ten bins of equal size, less each "
    "bin's sampling variance.",
    "balanced_accuracy": "mean, over the classes that occur in truth, of each one's recall.",
    "precision_macro": "mean, over the classes that occur, of TP / (TP + FP).",
    "recall_macro": "mean, over the classes that occur, of TP / (TP + FN).",
    "f1_macro": "mean, over the classes that occur, of 2 TP / (2 TP + FP + FN).",
    "f1_weighted": "mean of the classes' F1, weighted by each class's rows.",
    "top_2_accuracy": "labelled rows whose true class is among the two most probable / labelled rows.",
    "top_3_accuracy": "labelled rows whose true class is among the three most probable / labelled rows.",
    "top_5_accuracy": "labelled rows whose true class is among the five most probable / labelled rows.",
    "error_rate": "labelled rows that were predicted wrong / labelled rows.",
    # Of a regression.
    "mae": "mean of |prediction − label|.",
    "rmse": "√ of the mean of (prediction − label)².",
    "r2": "1 − mean of (prediction − label)² / variance of the label.",
    "mean_error": "mean of (prediction − label); it harms by its distance from 0.",
    "mape": "mean of |prediction − label| / |label|, rows with a label of 0 left out.",
    "wape": "Σ |prediction − label| / Σ |label|.",
    "median_absolute_error": "median of |prediction − label|.",
    "absolute_error_p90": "90 % quantile of |prediction − label|.",
    "pinball_loss": "mean of the pinball losses of the prediction interval's two ends.",
    "interval_coverage": "labels within their prediction interval / labelled rows.",
    "interval_width": "mean of (upper end − lower end) of the prediction interval.",
    # Of a ranking, over queries with a relevant candidate.
    "ndcg": "mean over queries of Σ gain / log₂(place + 1) over the first k places, divided by the best order's.",
    "map": "mean over queries of Σ precision at each relevant one of the first k places / min(relevant ones, k).",
    "recall_at_k": "mean over queries of relevant candidates in the first k places / relevant candidates.",
    "mrr": "mean over queries of 1 / place of the first relevant candidate, 0 beyond k.",
    # Distances of tonight's distribution p from the baseline's q, over the baseline's bins.
    "psi": "Σ (p − q) ln(p / q) over the baseline's bins, half a row added to each, less what sampling alone adds.",
    "output_shift": "the PSI of one of the model's own outputs: Σ (p − q) ln(p / q) over the baseline's bins, less "
    "what sampling alone adds.",
    "jensen_shannon": "√((KL(p‖r) + KL(q‖r)) / 2), r the mean of p and q, logarithms to base 2, corrected for "
    "sampling.",
    "hellinger": "√(½ Σ (√p − √q)²) over the baseline's bins, corrected for sampling.",
    "cramers_v": "√(χ² / N) of the table of tonight and baseline by bin, corrected for sampling.",
    "kolmogorov_smirnov": "largest |F(x) − G(x)| of the two distribution functions at the bins' edges, corrected for "
    "sampling.",
    "wasserstein": "∫ |F − G| dx in standard deviations of the baseline (of a probability, as it is), corrected for "
    "sampling.",
    "reconstruction_error": "mean squared distance of a row's standardised features from their projection on the "
    "baseline's principal components.",
    # Of the data.
    "missing_rate": "rows that are null or NaN / rows.",
    "unseen_rate": "values that the baseline does not know / values.",
    "outside_rate": "values outside the baseline's least to largest / values.",
    "vanished_share": "the baseline's share of those values that no row has any more, where that is beyond chance.",
    "new_distinct_share": "tonight's different values that the baseline has not / tonight's different values, by "
    "theta sketches.",
    "label_coverage": "rows that have a label / rows; beside nights whose labels were counted at the same age.",
    "label_coverage_gap": "label coverage of all rows − that of the group; beside the same gap of earlier nights.",
    # Of one group of rows.
    "selection_rate": "rows that were predicted positive / rows, labelled or not.",
    "tpr": "positive labels that were predicted positive / positive labels.",
    "fpr": "negative labels that were predicted positive / negative labels.",
    "fnr": "positive labels that were predicted negative / positive labels.",
    "ppv": "positive predictions that were right / labelled positive predictions.",
    "npv": "negative predictions that were right / labelled negative predictions.",
    "calibration_gap": "the group's mean score − its share of positive labels.",
    "scoring_rate": "labelled rows that score above the median of all labelled rows / labelled rows.",
    # Beside the reference group: above 0, or below 1, the group is served worse.
    "impact_ratio": "the group's selection rate / the reference group's; the four-fifths rule asks for 0.8.",
    "selection_gap": "the reference group's selection rate − the group's.",
    "tpr_gap": "the reference group's true-positive rate − the group's.",
    "tpr_ratio": "the group's true-positive rate / the reference group's.",
    "fpr_gap": "the group's false-positive rate − the reference group's.",
    "fpr_ratio": "the group's false-positive rate / the reference group's.",
    "ppv_gap": "the reference group's precision − the group's.",
    "ppv_ratio": "the group's precision / the reference group's.",
    "accuracy_gap": "the reference group's accuracy − the group's.",
    "mean_error_gap": "the group's mean of (prediction − label) − the reference group's.",
    "auc_gap": "the reference group's ROC AUC − the group's.",
    # Of the two groups that are furthest apart.
    "demographic_parity_difference": "largest − smallest selection rate of the column's groups.",
    "demographic_parity_ratio": "smallest / largest selection rate of the column's groups.",
    "equal_opportunity": "largest − smallest true-positive rate of the column's groups.",
    "equalised_odds": "the larger of the groups' largest gaps in true-positive rate and in false-positive rate.",
    "predictive_parity": "largest − smallest precision of the column's groups.",
    # Where, and why: m the mean loss, p the share of rows, of a bin, now (1) and on the baseline (0).
    "slice_loss": "mean of (score − label)² over the slice's labelled rows; of a regression of |prediction − label|.",
    "change": "M₁ − M₀: mean loss (Brier score, absolute error) now − that of the baseline.",
    "change_by_mix": "Σ (p₁ − p₀)(m₁ + m₀) / 2 over the column's bins, p their share of rows, m their mean loss.",
    "change_by_worsening": "Σ (m₁ − m₀)(p₁ + p₀) / 2 over the column's bins, p their share of rows, m their mean loss.",
}
_ESTIMATED: dict[str, str] = {
    "roc_auc": "the expected share of (positive, negative) pairs in order",
    "brier": "the expected mean of (score − label)²",
    "accuracy": "the expected share of rows predicted right",
    "precision": "expected TP / expected (TP + FP)",
    "recall": "expected TP / expected (TP + FN)",
    "f1": "2 TP / (2 TP + FP + FN) of the expected counts",
}
_BY_SCORE = ", of all rows, each label as probable as such a score was on the baseline (without labels of the night)."
_BY_LEAF = (
    "mean, over all rows, of the baseline's |prediction − label| in the leaf of a regression tree that the row falls "
    "into (without labels of the night)."
)


def _estimates() -> dict[str, str]:
    found = {name: text + _BY_SCORE for name, text in _ESTIMATED.items()} | {"mae": _BY_LEAF}
    back = "the estimate on the labelled rows, beside the realised value as its baseline: "
    return {f"estimated_{name}": text for name, text in found.items()} | {
        f"backtest_{name}": back + text for name, text in found.items()
    }


FORMULAS: dict[str, str] = _BASE | _estimates()
"""By metric."""
OWN = "Σ of what the metric adds up / Σ of what it is over (the rows, where the config names no column)."
"""Of a team's own metric, which has the name that its config gives it."""


def formula(metric: str) -> str:
    """How a metric is made; of a name that is not built in, how a team's own is."""
    return FORMULAS.get(metric, OWN)
