"""The rules that are compared: the product's own, and its rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.alerts import incidents, rivals
from benchmarks.alerts.incidents import Flags
from benchmarks.alerts.product import product
from benchmarks.alerts.series import Series

Rule = Callable[[Series, float], Flags]
"""From the paging series and a budget, in false pages a night, to pages by run and night."""


@dataclass(frozen=True)
class Named:
    """A rule under the name that the table has for it.

    Parameters
    ----------
    name
        In words.
    rule
        What it does.
    budgeted
        Whether it keeps to a budget; else it is told none and stands once in the table.
    """

    name: str
    rule: Rule
    budgeted: bool = True


PRODUCT = "nightproof"


def _opened(evidence: Rule) -> Rule:
    return lambda series, budget: incidents.pages(evidence(series, budget))


RULES: Mapping[str, Named] = {
    PRODUCT: Named("Nightproof", product),
    "holm": Named("Holm over series and windows, rows taken for independent", _opened(rivals.holm)),
    "bh": Named("Benjamini-Hochberg over the same", _opened(rivals.benjamini_hochberg)),
    "e_detector": Named("Shiryaev-Roberts e-detector, averaged over series", _opened(rivals.e_detector)),
    "nightly": Named("nightly test of each series at 1 %", _opened(rivals.nightly_test), budgeted=False),
    "three_sigma": Named("mean +- 3 sd of the reference's nights", _opened(rivals.three_sigma), budgeted=False),
}
