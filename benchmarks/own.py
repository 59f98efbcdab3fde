"""Nightproof's side: what the rows measure of it, each function in a process of its own.

The imports are a stage of their own, so that a figure can be given with them and without.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import columns
from benchmarks.stages import Stages

if TYPE_CHECKING:
    from nightproof.checks.finding import Finding
    from nightproof.config import ModelConfig
    from nightproof.profiles import Profile
    from nightproof.verdict import Verdict

SPEC, BASELINE = "spec.json", "baseline.parquet"
NIGHT = "2026-01-31"


def config() -> ModelConfig:
    """The wide model's config."""
    from nightproof.config import ModelConfig

    return ModelConfig.model_validate(columns.wide(Path("/data")))


def reference(stages: Stages, *, files: list[str], to: str) -> dict[str, Any]:
    """Profile the reference and store it: once in a model's life, not once a night."""
    with stages("import"):
        from nightproof.profiles import collect
        from nightproof.profiles.infer import infer_spec

        settings = config()
    with stages("infer"):
        spec = infer_spec(settings, [Path(file) for file in files])
    with stages("profile"):
        raw = collect([Path(file) for file in files], [], spec).to_bytes()
        Path(to, SPEC).write_bytes(spec.to_bytes())
        Path(to, BASELINE).write_bytes(raw)
    return {"bytes": len(raw), "columns": [*spec.columns, spec.label]}


def profile(stages: Stages, *, nights: list[list[str]], baseline: str, to: list[str]) -> dict[str, Any]:
    """Profile nights, each a list of files, and store each."""
    with stages("import"):
        from nightproof.profiles import collect
    with stages("baseline"):
        spec = read(baseline, BASELINE).spec
    sizes = []
    for files, place in zip(nights, to, strict=True):
        with stages("profile"):
            sizes.append(Path(place).write_bytes(collect([Path(file) for file in files], [], spec).to_bytes()))
    return {"bytes": max(sizes)}


def night(stages: Stages, *, files: list[str], baseline: str) -> dict[str, Any]:
    """A night from its rows to its decision, on a stored baseline."""
    with stages("import"):
        _import_checks()
        from nightproof.profiles import collect

        settings = config()
    with stages("baseline"):
        known = read(baseline, BASELINE)
    with stages("profile"):
        tonight = collect([Path(file) for file in files], [], known.spec)
    settled, verdict = _judge(stages, known, {1: tonight}, settings=settings)
    return {"findings": len(settled), "status": verdict.status}


def judge(stages: Stages, *, stored: str, baseline: str, windows: Sequence[int]) -> dict[str, Any]:
    """The checks and the decision, on stored profiles."""
    with stages("import"):
        _import_checks()
        from nightproof.profiles import merge

        settings = config()
    with stages("read"):
        known, tonight = read(baseline, BASELINE), read(baseline, stored)
        # What a check costs depends on how many facts there are, not on which nights they come from.
        merged = {window: merge([tonight] * window) for window in windows}
    settled, verdict = _judge(stages, known, merged, settings=settings)
    return {"findings": len(settled), "status": verdict.status}


def window(stages: Stages, *, stored: list[str], baseline: str) -> dict[str, Any]:
    """Read the stored profiles of some nights and merge them."""
    with stages("import"):
        from nightproof.profiles import merge
    with stages("baseline"):
        read(baseline, BASELINE)
    with stages("read"):
        profiles = [read(baseline, name) for name in stored]
    with stages("merge"):
        merged = merge(profiles)
    return {"rows": merged.rows}


def report(stages: Stages, *, stored: str, baseline: str) -> dict[str, Any]:
    """The Evidently report of a night, from its profile."""
    with stages("import"):
        _import_checks()
        import nightproof.report.snapshot  # noqa: F401  (imports Evidently)
        from nightproof.evaluation import Baseline, Evaluation
        from nightproof.night import Night
        from nightproof.report import render
        from nightproof.snapshot import Snapshot
        from nightproof.validation import Validation

        settings = config()
    known, tonight = read(baseline, BASELINE), read(baseline, stored)
    settled, verdict = _judge(stages, known, {1: tonight}, settings=settings)
    evaluation = Evaluation(
        config=settings,
        night=Night.parse(NIGHT),
        id="0123456789abcdef",
        snapshot=Snapshot(model=settings.model, night=NIGHT, objects=()),
        validation=Validation(
            outcome="skipped", rows=tonight.rows, labelled=tonight.rows, expectations=(), engine="none"
        ),
        profile=tonight,
        baseline=Baseline(id="0" * 16, spec=known.spec, profile=known, origin=()),
        findings=settled,
        verdict=verdict,
    )
    with stages("report"):
        found = render(evaluation)
    return {"findings": len(settled), "html": len(found.html), "json": len(found.json)}


def read(folder: str, name: str) -> Profile:
    """A stored profile; its spec lies beside it."""
    from nightproof.profiles import Profile, ProfileSpec

    spec = ProfileSpec.from_bytes(Path(folder, SPEC).read_bytes(), name=SPEC)
    return Profile.from_bytes(Path(folder, name).read_bytes(), spec=spec, name=name)


def _import_checks() -> None:
    import nightproof.checks.bias
    import nightproof.checks.drift
    import nightproof.checks.performance
    import nightproof.decide  # noqa: F401


def _judge(
    stages: Stages, known: Profile, windows: dict[int, Profile], *, settings: ModelConfig
) -> tuple[tuple[Finding, ...], Verdict]:
    from nightproof.checks.bias import check_bias
    from nightproof.checks.drift import check_drift
    from nightproof.checks.performance import check_performance
    from nightproof.decide import decide
    from nightproof.night import Night

    families = {"performance": check_performance, "drift": check_drift, "bias": check_bias}
    findings = []
    for length, rows in windows.items():
        for family, check in families.items():
            if length > 1 and family == "drift":
                continue  # as in the pipeline, a question of the night itself
            with stages(f"{family} of {length}" if len(windows) > 1 else family):
                findings += check(rows, known, settings, window=length)
    with stages("decide"):
        return decide(findings, config=settings, night=Night.parse(NIGHT))
