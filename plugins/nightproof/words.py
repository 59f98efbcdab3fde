"""Words and numbers as a reader wants them, wherever they are read, and text from data made harmless."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

STATUS = {
    "regression": "✖ Regression",
    "quarantined": "■ Quarantined",
    "watch": "▲ Watch",
    "insufficient_data": "○ Too little data",
    "ok": "✔ OK",
}
"""Each status as a sign and words: nothing is told by colour alone."""
METRICS = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
    "balanced_accuracy": "Balanced accuracy",
    "precision_macro": "Macro precision",
    "recall_macro": "Macro recall",
    "f1_macro": "Macro F1",
    "f1_weighted": "Weighted F1",
    "top_2_accuracy": "Top-2 accuracy",
    "top_3_accuracy": "Top-3 accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "rmse": "Root mean squared error",
    "r2": "R squared",
    "mean_error": "Mean error",
    "mape": "Mean absolute percentage error",
    "wape": "Weighted absolute percentage error",
    "median_absolute_error": "Median absolute error",
    "absolute_error_p90": "90 % quantile of the absolute error",
    "pinball_loss": "Pinball loss",
    "interval_coverage": "Interval coverage",
    "interval_width": "Interval width",
    "ndcg": "NDCG",
    "map": "Mean average precision",
    "recall_at_k": "Recall at k",
    "mrr": "Mean reciprocal rank",
    "psi": "Shift (PSI)",
    "output_shift": "Shift of the output (PSI)",
    "jensen_shannon": "Jensen-Shannon distance",
    "hellinger": "Hellinger distance",
    "cramers_v": "Cramér's V (chi-square)",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov distance",
    "wasserstein": "Wasserstein distance",
    "outside_rate": "Values out of range",
    "vanished_share": "Vanished values",
    "new_distinct_share": "New values among the different ones",
    "reconstruction_error": "Shift of all features together (PCA reconstruction)",
    "missing_rate": "Missing values",
    "label_coverage": "Label coverage",
    "label_coverage_gap": "Label coverage gap",
    "unseen_rate": "Unknown values",
    "selection_rate": "Selection rate",
    "tpr": "True-positive rate",
    "fpr": "False-positive rate",
    "fnr": "False-negative rate",
    "ppv": "Precision",
    "npv": "Negative predictive value",
    "calibration_gap": "Calibration gap",
    "scoring_rate": "Scoring rate",
    "impact_ratio": "Impact ratio",
    "selection_gap": "Selection-rate gap",
    "tpr_gap": "True-positive-rate gap",
    "tpr_ratio": "True-positive-rate ratio",
    "fpr_gap": "False-positive-rate gap",
    "fpr_ratio": "False-positive-rate ratio",
    "ppv_gap": "Precision gap",
    "ppv_ratio": "Precision ratio",
    "accuracy_gap": "Accuracy gap",
    "mean_error_gap": "Mean-error gap",
    "auc_gap": "ROC AUC gap",
    "demographic_parity_difference": "Demographic parity difference",
    "demographic_parity_ratio": "Demographic parity ratio",
    "equal_opportunity": "Equal opportunity difference",
    "equalised_odds": "Equalised odds difference",
    "predictive_parity": "Predictive parity difference",
    "mae": "Mean absolute error",
    "error_rate": "Error rate",
    "slice_loss": "Loss",
    "change": "Change of the mean loss",
    "change_by_mix": "Change explained by the mix",
    "change_by_worsening": "Change at the same mix",
    "estimated_roc_auc": "Estimated ROC AUC",
    "estimated_brier": "Estimated Brier score",
    "estimated_accuracy": "Estimated accuracy",
    "estimated_precision": "Estimated precision",
    "estimated_recall": "Estimated recall",
    "estimated_f1": "Estimated F1",
    "estimated_mae": "Estimated mean absolute error",
    "backtest_roc_auc": "Back-test of the estimated ROC AUC",
    "backtest_brier": "Back-test of the estimated Brier score",
    "backtest_accuracy": "Back-test of the estimated accuracy",
    "backtest_precision": "Back-test of the estimated precision",
    "backtest_recall": "Back-test of the estimated recall",
    "backtest_f1": "Back-test of the estimated F1",
    "backtest_mae": "Back-test of the estimated mean absolute error",
}
NONE = "–"
"""What does not apply."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>&!#|~$^@])")
# Zero-width joiners belong to words in many scripts; other invisible characters only deceive.
_JOINERS = "\u200c\u200d"
_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def plain(text: object, limit: int = 80) -> str:
    """Text from data on one line, without control or direction characters, cut at ``limit``."""
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(_visible(character) for character in shown)
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _visible(character: str) -> str:
    if character in "\t\n\r":
        return " "
    hidden = unicodedata.category(character) in _INVISIBLE and character not in _JOINERS
    return "\N{REPLACEMENT CHARACTER}" if hidden else character


def markdown(text: object, limit: int = 80) -> str:
    """Text from data for a Markdown widget, where an image's address would be fetched."""
    return _MARKDOWN.sub(r"\\\1", plain(text, limit))


def label(text: object, limit: int = 28) -> str:
    """Text from data for a chart, whose labels take a few HTML tags, links among them."""
    return plain(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def number(value: float | None) -> str:
    """Three decimals, fewer for large values; tiny ones are said to be tiny."""
    if value is None:
        return NONE
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001" if value > 0 else "−<0.001"
    text = f"{size:,.0f}" if size >= 1000 else f"{size:.1f}" if size >= 100 else f"{size:.3f}"
    return f"−{text}" if value < 0 else text


def signed(value: float | None) -> str:
    """A change, always with its sign."""
    if value is None:
        return NONE
    return number(value) if value < 0 or value == 0 else f"+{number(value)}"


def ends(interval: tuple[float, float] | None) -> str:
    """The two ends of an interval, on a line of their own below the value."""
    return "" if interval is None else f"\n({number(interval[0])} to {number(interval[1])})"


def percent(share: float) -> str:
    """A share of rows."""
    return f"{100 * share:.1f} %"


def size(count: int) -> str:
    """Bytes in a unit that fits."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def nights(window: int) -> str:
    """A window in words."""
    return "this night" if window == 1 else f"{window} nights"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def metric_title(metric: str) -> str:
    """A metric's name: of the team's own ``revenue_per_decision`` it is ``Revenue per decision``."""
    words = metric.replace("_", " ")
    return METRICS.get(metric, words[:1].upper() + words[1:])


def subject(metric: str, column: str | None, values: Mapping[str, str]) -> str:
    """What a number is about, in words: ``Impact ratio where carrier is UA``."""
    name = metric_title(metric)
    of = f" of {plain(column)}" if column else ""
    return f"{name}{of}" + (f" where {segment(values)}" if values else "")


def segment(values: Mapping[str, str]) -> str:
    """The rows that a number is about."""
    return " and ".join(f"{plain(name)} is {plain(value)}" for name, value in values.items())


def edges(values: Sequence[float]) -> list[str]:
    """Bin edges with as few digits as keep them apart."""
    for digits in range(3, 17):
        texts = [_compact(value, digits) for value in values]
        if len(set(texts)) == len(values):
            break
    return texts if values else []


def _compact(value: float, digits: int) -> str:
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:.{digits}g}".replace("-", "−")
