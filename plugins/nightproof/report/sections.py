"""The sections of the report, in the order they are read: the verdict first."""

from __future__ import annotations

from nightproof.evaluation import Evaluation
from nightproof.report import bias, business, drift, estimated, evidence, explanation, headline, performance, slices
from nightproof.report.block import Section


def sections(evaluation: Evaluation) -> tuple[Section, ...]:
    """Everything that the report says of one evaluation."""
    told = [headline.verdict(evaluation), headline.regressions(evaluation)]
    if evaluation.profile is not None and evaluation.baseline is not None:
        profile, baseline = evaluation.profile, evaluation.baseline.profile
        told += [
            performance.section(evaluation, profile, baseline),
            business.section(evaluation),
            estimated.section(evaluation, profile, baseline),
            explanation.section(evaluation, profile, baseline),
            drift.section(evaluation, profile, baseline),
            bias.section(evaluation, baseline),
            slices.section(evaluation, profile, baseline),
        ]
    told += [evidence.validation(evaluation), evidence.provenance(evaluation)]
    return tuple(section for section in told if section.blocks)
