"""The performance family: its metrics, estimates until labels come, the worst slices, and what explains a change."""

from __future__ import annotations

from nightproof.checks.estimated import check_estimated
from nightproof.checks.explanation import check_change
from nightproof.checks.finding import Finding
from nightproof.checks.performance import check_performance
from nightproof.checks.slices import check_slices
from nightproof.config import ModelConfig
from nightproof.profiles import Profile


def check_performance_family(current: Profile, baseline: Profile, config: ModelConfig, *, window: int) -> list[Finding]:
    """Findings of all four checks; slices and explanations are of the night itself alone."""
    checks = [check_performance, check_estimated]
    if window == 1:
        checks += [check_change, check_slices]
    return [finding for check in checks for finding in check(current, baseline, config, window=window)]
