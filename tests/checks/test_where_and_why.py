"""Discovered slices, what explains a change, and estimates, from profiles of raw rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.checks.estimated import check_estimated
from nightproof.checks.explanation import check_change, sentence
from nightproof.checks.finding import Finding
from nightproof.checks.performance_family import check_performance_family
from nightproof.checks.slices import check_slices, worst_slices
from nightproof.config import ModelConfig
from nightproof.metrics.estimate import Unknown
from nightproof.metrics.mix import Explanation, explain
from nightproof.metrics.partition import features, groupings, readable
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec

Profiled = Callable[..., tuple[Profile, Profile, ModelConfig]]
OUTPUT = {
    "binary": {"score": "score"},
    "multiclass": {"scores": {"a": "pa", "b": "pb", "c": "pc"}},
    "regression": {"prediction": "prediction"},
    "ranking": {"query": "query", "score": "score"},
}


@pytest.fixture
def profiled(tmp_path: Path) -> Profiled:
    """The profiles of a night and a reference, and their config."""

    def make(
        night: pl.DataFrame, reference: pl.DataFrame, task: str = "binary", *, checks: Any = None, **columns: Any
    ) -> tuple[Profile, Profile, ModelConfig]:
        paths = [tmp_path / "night.parquet", tmp_path / "reference.parquet"]
        for table, path in zip((night, reference), paths, strict=True):
            table.write_parquet(path)
        config = ModelConfig.model_validate(
            {
                "model": "checked",
                "task": task,
                "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/"},
                "columns": {"label": "label", **OUTPUT[task], **columns},
                "checks": checks or {},
                "windows": [1],
            }
        )
        spec = infer_spec(config, paths[1:])
        return collect(paths[:1], [], spec), collect(paths[1:], [], spec), config

    return make


def binary(n: int, *, seed: int, shift: float = 0.0, wrong: float = 0.0, labelled: float = 1.0) -> pl.DataFrame:
    """Calibrated scores; in the region ``south`` a share of the labels is ``wrong``; ``delay`` blurs the score."""
    draw = np.random.default_rng(seed)
    delay, other = draw.normal(shift, 1.0, n), draw.normal(0.0, 1.0, n)
    region = draw.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2])
    sharp = np.exp(1.5 - np.clip(delay, -2.0, 2.0))
    score = 1.0 / (1.0 + np.exp(-sharp * draw.normal(0.0, 1.0, n)))
    label = draw.random(n) < score
    flipped = (draw.random(n) < wrong) & (region == "south")
    delay[draw.random(n) < 0.05] = np.nan
    table = pl.DataFrame(
        {"score": score, "label": np.where(flipped, ~label, label).astype(np.int64), "delay": delay, "other": other}
    )
    table = table.with_columns(pl.Series("region", region), pl.col("delay").fill_nan(None))
    return table.with_columns(pl.when(pl.Series(draw.random(n) < labelled)).then(pl.col("label")).alias("label"))


def numbers(n: int, *, seed: int, shift: float = 0.0, harm: float = 0.0, labelled: float = 1.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    x, z = draw.normal(shift, 1.0, n), draw.normal(0.0, 1.0, n)
    kind = draw.choice(["p", "q"], n)
    error = draw.normal(0.0, 1.0, n) * (np.exp(0.7 * x) + harm * (kind == "q"))
    table = pl.DataFrame({"prediction": 50 + 9 * x, "label": 50 + 9 * x + error, "x": x, "z": z, "kind": kind})
    return table.with_columns(pl.when(pl.Series(draw.random(n) < labelled)).then(pl.col("label")).alias("label"))


def loss_of(table: pl.DataFrame) -> pl.Expr:
    if "prediction" in table.columns:
        return (pl.col("prediction") - pl.col("label")).abs()
    return (pl.col("score") - pl.col("label")) ** 2


def explained(now: Profile, then: Profile, **which: Any) -> Explanation:
    found = explain(now, then, **which)
    assert not isinstance(found, Unknown)
    return found


@pytest.mark.parametrize(("rows", "task"), [(binary, "binary"), (numbers, "regression")])
def test_every_partition_holds_the_same_rows_and_losses(rows: Any, task: str, profiled: Profiled) -> None:
    night, known = rows(900, seed=1, labelled=0.7), rows(3000, seed=2)
    own = ["region"] if task == "binary" else ["kind"]
    now, then, _ = profiled(night, known, task, slices=[own], protected=[])
    loss = "brier" if task == "binary" else "absolute"
    labelled = night.filter(pl.col("label").is_not_null())
    cuts = features(now, then, loss) + groupings(now, then, loss)
    assert len(cuts) > 4  # features, the slice and discovered pairs
    for cut in [*cuts, *(readable(cut) for cut in cuts)]:
        assert cut.now.n.sum() == labelled.height and cut.then.n.sum() == 3000
        assert cut.now.total.sum() == pytest.approx(labelled.select(loss_of(night).sum()).item(), rel=1e-5)
        assert cut.now.squares.sum() == pytest.approx(labelled.select((loss_of(night) ** 2).sum()).item(), rel=1e-4)
        assert len(cut.values) == len(cut.bounds) == len(cut.now.n) == len(set(cut.values))


def test_listed_slices_are_what_their_rows_say(profiled: Profiled) -> None:
    night, known = binary(1500, seed=1, wrong=0.6), binary(6000, seed=2)
    now, then, config = profiled(night, known)
    found = worst_slices(now, then, config)
    assert found.looked_at > 10 and found.worst[0].segment == {"region": "south"}
    for harm in found.worst:
        picked = [table.filter(within(harm.segment)) for table in (night, known)]
        means = [table.select(loss_of(table).mean()).item() for table in picked]
        rounded = 0.02 if any(character.isdigit() for character in "".join(harm.segment.values())) else 1e-5
        assert (harm.now.value, harm.then.value) == pytest.approx(means, rel=rounded)
        assert (harm.now.n, harm.share) == pytest.approx((picked[0].height, picked[0].height / 1500), rel=rounded)
        assert harm.contribution == pytest.approx(harm.share * (harm.now.value - harm.then.value))
    contributions = [harm.contribution for harm in found.worst if harm.surely_worse]
    assert contributions == sorted(contributions, reverse=True)


def within(segment: dict[str, str]) -> pl.Expr:
    """Rows of a slice, from its words alone; their digits are all the edges have, or rounded."""
    parts = []
    for name, value in segment.items():
        column, words = pl.col(name), value.split()
        if value == "(missing)":
            parts.append(column.is_null())
        elif words[0] == "over":
            parts.append(column > float(words[1]))
            parts += [column <= float(words[3])] if len(words) == 4 else []
        else:
            parts.append(column <= float(words[2]) if words[0] == "up" else column == value)
    return pl.all_horizontal(parts)


def test_a_harmed_slice_is_a_watch_that_never_pages(profiled: Profiled) -> None:
    now, then, config = profiled(binary(1500, seed=1, wrong=0.6), binary(6000, seed=2))
    found = check_slices(now, then, config, window=1)
    worst = found[0]
    assert (worst.metric, worst.segment, worst.status) == ("slice_loss", {"region": "south"}, "watch")
    assert worst.reason.startswith("Brier score 0.") and "where region is south (" in worst.reason
    assert "% of rows), 0." in worst.reason and "on the baseline: adds 0." in worst.reason
    assert "not chance among the" in worst.reason and "(adjusted p < 0.001)" in worst.reason
    assert len(found) <= 20 and all(f.p_value is None and f.tolerance is None for f in found)
    assert worst.delta == pytest.approx(worst.value - worst.baseline) and worst.delta_interval[0] > 0


def test_the_same_rows_have_no_slice_that_is_surely_worse(profiled: Profiled) -> None:
    found = check_slices(*profiled(binary(1500, seed=1), binary(6000, seed=2)), window=1)
    assert 0 < len(found) <= 5 and {f.status for f in found} == {"ok"}
    assert all("may be chance" in f.reason for f in found)


def test_small_groups_are_never_slices(profiled: Profiled) -> None:
    def tagged(table: pl.DataFrame, every: int) -> pl.DataFrame:
        rare = pl.int_range(pl.len()) % every == 0
        table = table.with_columns(tag=pl.when(rare).then(pl.lit("rare")).otherwise(pl.lit("common")))
        return table.with_columns(pl.when(rare).then(1 - pl.col("label")).otherwise(pl.col("label")).alias("label"))

    night, known = tagged(binary(1000, seed=1), 40), tagged(binary(3000, seed=2), 1000).with_columns(tag=pl.lit("rare"))
    now, then, config = profiled(night, known, protected=["tag"])
    assert not any(f.segment.get("tag") == "rare" for f in check_slices(now, then, config, window=1))


@pytest.mark.parametrize("which", [{}, {"loss": "error_rate"}])
def test_every_column_splits_the_same_change(which: Any, profiled: Profiled) -> None:
    night, known = binary(1200, seed=1, shift=0.8, wrong=0.3), binary(4000, seed=2)
    now, then, _ = profiled(night, known, slices=["region"])
    found = explained(now, then, **which)
    wrong = (pl.col("score") >= 0.5) != (pl.col("label") == 1)
    loss = wrong.cast(pl.Float64) if which else loss_of(night)
    means = [table.select(loss.mean()).item() for table in (night, known)]
    assert (found.now.value, found.then.value) == pytest.approx(means, rel=1e-5)
    assert {part.columns for part in found.parts} >= {("delay",), ("other",), ("region",)}
    for part in found.parts:
        assert part.mix.value + part.worsening.value == pytest.approx(found.whole.value, abs=1e-12)
    by_mix = [part.mix.value for part in found.parts]
    assert by_mix == sorted(by_mix, reverse=True)


def test_a_moved_mix_is_named_and_a_worse_model_is_not_blamed_on_it(profiled: Profiled) -> None:
    now, then, _ = profiled(binary(4000, seed=1, shift=1.0), binary(6000, seed=2))
    moved = explained(now, then)
    assert moved.leading(1)[0].columns[0] == "delay" and len(moved.leading(1)[0].columns) == 1
    assert "because more rows have delay over" in sentence(moved)
    worse = explained(*profiled(binary(4000, seed=1, wrong=0.8), binary(6000, seed=2))[:2])
    assert "because rows like before are predicted worse" in sentence(worse) and worse.leading(5) == ()


def test_an_explanation_is_watched_only_with_its_metric(profiled: Profiled) -> None:
    tables = binary(4000, seed=1, shift=1.0), binary(6000, seed=2)
    told = {}
    for limit in (0.005, 0.5):
        found = check_change(*profiled(*tables, checks={"performance": {"brier": {"max_rise": limit}}}), window=1)
        told[limit] = {(f.metric, f.column): f for f in found}
        whole = told[limit]["change", None]
        mix, rest = (told[limit][name, "delay"] for name in ("change_by_mix", "change_by_worsening"))
        assert mix.value + rest.value == pytest.approx(whole.delta, abs=1e-12)
        assert len(found) <= 11 and all(f.p_value is None for f in found)
    assert told[0.005]["change", None].status == told[0.005]["change_by_mix", "delay"].status == "watch"
    assert {f.status for f in told[0.5].values()} == {"ok"}


def test_chance_is_not_explained(profiled: Profiled) -> None:
    found = check_change(*profiled(binary(800, seed=3), binary(4000, seed=2)), window=1)
    assert [f.metric for f in found] == ["change"] and "may be chance" in found[0].reason


def test_estimates_until_labels_come_and_back_tests_after(profiled: Profiled) -> None:
    checks = {"performance": {"roc_auc": {"max_drop": 0.02}, "brier": {"max_rise": 0.01}}}
    reference = binary(6000, seed=2)
    waiting = by_metric(
        check_estimated(*profiled(binary(3000, seed=1, shift=1.5, labelled=0.0), reference, checks=checks), window=1)
    )
    names = {"roc_auc", "brier", "accuracy", "precision", "recall", "f1"}
    assert set(waiting) == {f"estimated_{name}" for name in names}
    assert all(f.reason.startswith("Estimated without labels:") and f.p_value is None for f in waiting.values())
    assert {name for name, f in waiting.items() if f.status == "watch"} == {"estimated_roc_auc", "estimated_brier"}
    assert waiting["estimated_roc_auc"].n == 3000 and waiting["estimated_roc_auc"].delta < -0.02

    partly = by_metric(
        check_estimated(*profiled(binary(3000, seed=1, labelled=0.5), reference, checks=checks), window=7)
    )
    assert all("labelled rows it says" in f.reason and f.window == 7 for f in partly.values())

    night = binary(3000, seed=6, shift=1.5)
    now, then, config = profiled(night, reference, checks=checks)
    there = by_metric(check_estimated(now, then, config, window=1))
    assert set(there) == {"backtest_roc_auc", "backtest_brier"}
    brier = there["backtest_brier"]
    assert brier.baseline == pytest.approx(night.select(loss_of(night).mean()).item(), rel=1e-4)
    assert brier.delta == pytest.approx(brier.value - brier.baseline)
    assert brier.delta_interval[0] <= 0 <= brier.delta_interval[1] and "as chance allows" in brier.reason
    # Scores mean another thing tonight: no estimate can know, and the back-test tells.
    drifted = by_metric(check_estimated(*profiled(binary(3000, seed=1, wrong=0.9), reference), window=1))
    assert "more than chance allows" in drifted["backtest_brier"].reason


def by_metric(found: list[Finding]) -> dict[str, Finding]:
    assert len({f.metric for f in found}) == len(found)
    return {f.metric: f for f in found}


def test_the_error_of_a_regression_is_estimated_from_its_leaves(profiled: Profiled) -> None:
    checks = {"performance": {"mae": {"max_rise": 0.2}}}
    night = numbers(2000, seed=1, shift=0.6)
    hidden = night.with_columns(label=pl.lit(None, dtype=pl.Float64))
    waiting = check_estimated(*profiled(hidden, numbers(8000, seed=2), "regression", checks=checks), window=1)
    assert [(f.metric, f.status) for f in waiting] == [("estimated_mae", "watch")]
    truth = night.select(loss_of(night).mean()).item()
    assert waiting[0].value == pytest.approx(truth, rel=0.1)
    (tested,) = check_estimated(*profiled(night, numbers(8000, seed=2), "regression", checks=checks), window=1)
    assert tested.metric == "backtest_mae" and tested.baseline == pytest.approx(truth, rel=1e-4)


def test_a_regression_has_slices_and_an_explanation_in_its_own_unit(profiled: Profiled) -> None:
    night, known = numbers(2000, seed=1, harm=2.0), numbers(6000, seed=2)
    now, then, config = profiled(night, known, "regression")
    worst = check_slices(now, then, config, window=1)[0]
    assert worst.segment == {"kind": "q"} and worst.reason.startswith("Mean absolute error ")
    assert worst.value == pytest.approx(night.filter(kind="q").select(loss_of(night).mean()).item(), rel=1e-4)
    found = explained(now, then)
    assert found.whole.value == pytest.approx(
        night.select(loss_of(night).mean()).item() - known.select(loss_of(known).mean()).item(), rel=1e-3
    )


def test_a_multiclass_model_has_slices_an_explanation_and_no_estimates(profiled: Profiled) -> None:
    def rows(n: int, seed: int, wrong: float) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        p = draw.dirichlet((1.0, 1.0, 1.0), n)
        truth = (draw.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
        x = draw.normal(0.0, 1.0, n)
        truth = np.where((draw.random(n) < wrong) & (x > 1.0), p.argmin(axis=1), np.minimum(truth, 2))
        kinds = pl.Series("label", np.array(["a", "b", "c"])[truth])
        return pl.DataFrame({"pa": p[:, 0], "pb": p[:, 1], "pc": p[:, 2], "x": x, "y": draw.random(n)}).with_columns(
            kinds
        )

    now, then, config = profiled(rows(1500, 1, 0.9), rows(5000, 2, 0.0), "multiclass")
    worst = check_slices(now, then, config, window=1)[0]
    assert worst.status == "watch" and "x" in worst.segment
    assert check_change(now, then, config, window=1)[0].delta > 0
    assert check_estimated(now, then, config, window=1) == []


def test_weighed_rows_have_features_as_slices_and_no_estimates(profiled: Profiled) -> None:
    night, known = (
        binary(n, seed=seed, wrong=wrong).with_columns(w=1.0 + (pl.int_range(pl.len()) % 3))
        for n, seed, wrong in ((1500, 1, 0.6), (6000, 2, 0.0))
    )
    now, then, config = profiled(night, known, weight="w", slices=[["region", "other"]])
    found = check_slices(now, then, config, window=1)
    assert found[0].segment == {"region": "south"} and all(len(f.segment) == 1 for f in found)
    part = explained(now, then).parts[0]
    assert part.mix.value + part.worsening.value == pytest.approx(explained(now, then).whole.value, abs=1e-12)
    assert check_estimated(now, then, config, window=1) == []


def test_a_ranking_has_none_of_them(profiled: Profiled) -> None:
    draw = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "query": np.repeat(np.arange(100), 5),
            "score": draw.random(500),
            "label": draw.integers(0, 2, 500),
            "x": draw.random(500),
        }
    )
    now, then, config = profiled(table, table, "ranking")
    for check in (check_slices, check_change, check_estimated):
        assert check(now, then, config, window=1) == []


@pytest.mark.parametrize("rows", [0, 1, 2, 40])
@pytest.mark.parametrize("labelled", [0.0, 1.0])
@pytest.mark.parametrize(("make", "task"), [(binary, "binary"), (numbers, "regression")])
def test_hardly_any_rows_are_no_reason_to_fail(
    make: Any, task: str, labelled: float, rows: int, profiled: Profiled
) -> None:
    now, then, config = profiled(make(rows, seed=1, labelled=labelled), make(300, seed=2), task)
    for window in (1, 7):
        for finding in check_performance_family(now, then, config, window=window):
            for number in (finding.value, finding.baseline, finding.delta, *(finding.interval or ())):
                assert number is None or np.isfinite(number)


def test_a_model_without_features_has_nothing_to_look_into(profiled: Profiled) -> None:
    table = binary(500, seed=1).select("score", "label")
    now, then, config = profiled(table, table)
    assert check_slices(now, then, config, window=1) == check_change(now, then, config, window=1) == []


def test_longer_windows_have_estimates_alone(profiled: Profiled) -> None:
    found = check_performance_family(*profiled(binary(500, seed=1, wrong=0.5), binary(2000, seed=2)), window=7)
    names = {f.metric for f in found}
    assert "backtest_roc_auc" in names and "roc_auc" in names
    assert not names & {"slice_loss", "change", "change_by_mix"}


def test_rare_values_are_one_slice(profiled: Profiled) -> None:
    def spread(n: int, seed: int) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        many = [f"city {i}" for i in np.minimum(draw.zipf(1.4, n), 900)]
        return binary(n, seed=seed).with_columns(pl.Series("city", many))

    now, then, _ = profiled(spread(1500, 1), spread(6000, 2))
    (city,) = (cut for cut in features(now, then, "brier") if cut.columns == ("city",))
    assert city.values[-2:] == (("(a rare value)",), ("(missing)",)) and city.now.n.sum() == 1500
