"""Likely causes: each fault is put into rows that a true model scores, and must be the first that is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from nightproof.causes import likely_causes, sentence
from nightproof.causes.units import conversion
from nightproof.checks.drift import check_drift
from nightproof.checks.finding import Finding
from nightproof.checks.performance_family import check_performance_family
from nightproof.config import ModelConfig
from nightproof.profiles import Profile, collect
from nightproof.profiles.infer import infer_spec
from nightproof.profiles.spec import NumericFeature
from nightproof.verdict import Cause
from nightproof.words import plain

DISTANCE = {"ATL": 760.0, "BOS": 187.0, "LAX": 2470.0, "MIA": 1090.0, "ORD": 730.0, "SFO": 2580.0, "DEN": 1620.0}
CARRIER = {"UA": 0.0, "B6": 0.5, "EV": 1.0, "DL": -0.5}
ROWS, REFERENCE = 2500, 12_000
Fault = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def chance(rows: pl.DataFrame, *, load: float = 1.3) -> pl.Series:
    """The model's probability of being late: true where its inputs are, and no failure where they are not."""
    carrier = pl.col("carrier").replace_strict(CARRIER, default=0.0, return_dtype=pl.Float64)
    far = 0.4 * (pl.col("distance").fill_null(1000.0) / 1000.0 - 1.0)
    logit = -1.6 + 0.08 * (pl.col("delay").fill_null(10.0) - 10.0) + load * pl.col("load") + carrier + far
    clock = 0.12 * (pl.col("hour") - 13)
    return rows.select(score=1.0 / (1.0 + (-(logit + clock)).exp())).to_series()


def flights(n: int, *, seed: int, storm: float = 1.0) -> pl.DataFrame:
    """Rows with their true label; ``storm`` is how large delays are."""
    draw = np.random.default_rng(seed)
    rows = pl.DataFrame(
        {
            "id": [f"{seed}-{i}" for i in range(n)],
            "delay": np.round(draw.gamma(1.2, 18.0 * storm, n) - 8.0),
            "load": draw.normal(0.0, 1.0, n),
            "hour": np.clip(np.round(draw.normal(13.0, 4.0, n)), 5, 22).astype(np.int64),
            "carrier": draw.choice(list(CARRIER), n, p=[0.4, 0.3, 0.2, 0.1]),
            "dest": draw.choice(list(DISTANCE), n, p=[0.25, 0.2, 0.15, 0.15, 0.1, 0.1, 0.05]),
            "version": ["13"] * n,
        }
    )
    rows = rows.with_columns(distance=pl.col("dest").replace_strict(DISTANCE, return_dtype=pl.Float64))
    return rows.with_columns(late=pl.Series((draw.random(n) < chance(rows).to_numpy()).astype(np.int64)))


def scored(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(score=chance(rows))


COLUMNS: dict[str, Any] = {
    "score": "score",
    "label": "late",
    "features": {"numeric": ["delay", "load", "hour", "distance"], "categorical": ["carrier", "dest"]},
    "slices": ["carrier"],
    "model_version": "version",
}


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, ModelConfig]:
    path = tmp_path_factory.mktemp("baseline") / "reference.parquet"
    scored(flights(REFERENCE, seed=1)).write_parquet(path)
    config = configured("binary", COLUMNS, id="id", labels="file:///data/l/")
    return collect([path], [], infer_spec(config, [path])), config


def configured(task: str, columns: dict[str, Any], **data: Any) -> ModelConfig:
    return ModelConfig.model_validate(
        {
            "model": "watched",
            "task": task,
            "data": {"predictions": "file:///data/p/", "reference": "file:///data/r/", **data},
            "columns": columns,
            "windows": [1],
        }
    )


@pytest.fixture
def causes_of(baseline: tuple[Profile, ModelConfig], tmp_path: Path) -> Callable[..., tuple[Cause, ...]]:
    """The causes of what is worst on a night."""

    def find(night: pl.DataFrame, *, new_version: str | None = None) -> tuple[Cause, ...]:
        known, config = baseline
        predictions, labels = tmp_path / "predictions.parquet", tmp_path / "labels.parquet"
        night.drop("late").write_parquet(predictions)
        night.select("id", "late").unique("id", maintain_order=True).write_parquet(labels)
        return looked_into(collect([predictions], [labels], known.spec), known, config, new_version)[1]

    return find


def looked_into(
    now: Profile, then: Profile, config: ModelConfig, new_version: str | None = None
) -> tuple[Finding, tuple[Cause, ...]]:
    performance = check_performance_family(now, then, config, window=1)
    found = performance + check_drift(now, then, config, window=1)
    held = [f for f in performance if f.tolerance is not None and not f.segment]
    worst = min(held or performance or found, key=lambda f: 1.0 if f.p_value is None else f.p_value)
    return worst, likely_causes(now, then, found, config=config, worst=worst, new_version=new_version)


# --- Faults -----------------------------------------------------------------------------------------------


def features(**columns: pl.Expr) -> Fault:
    """Features that are wrong before the model sees them."""
    return lambda rows, draw: scored(rows.with_columns(**columns))


def scores(score: pl.Expr) -> Fault:
    """Scores that are wrong after the model has given them."""
    return lambda rows, draw: scored(rows).with_columns(score=score)


def missing(rows: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    lost = pl.Series(draw.random(len(rows)) < 0.3)
    return scored(rows.with_columns(delay=pl.when(lost).then(None).otherwise(pl.col("delay"))))


def shuffled(column: str) -> Fault:
    return lambda rows, draw: scored(rows.with_columns(rows[column].gather(draw.permutation(len(rows)))))


def stale(rows: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    old = flights(len(rows), seed=77)
    names = ["delay", "load", "hour", "carrier", "dest", "distance"]
    return scored(rows.with_columns(old[name] for name in names))


def flipped(share: float) -> Fault:
    def inject(rows: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
        wrong = pl.Series(draw.random(len(rows)) < share)
        return scored(rows).with_columns(late=pl.when(wrong).then(1 - pl.col("late")).otherwise(pl.col("late")))

    return inject


def shuffled_scores(rows: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    rows = scored(rows)
    return rows.with_columns(rows["score"].gather(draw.permutation(len(rows))))


def one_group(rows: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    wrong = pl.Series(draw.random(len(rows)) < 0.5) & (pl.col("carrier") == "EV")
    return scored(rows).with_columns(late=pl.when(wrong).then(1 - pl.col("late")).otherwise(pl.col("late")))


FAULTS: dict[str, tuple[Fault, str, str | None]] = {
    "missing values": (missing, "data_fault", "delay"),
    "never filled": (features(load=pl.lit(0.0)), "data_fault", "load"),
    "all missing": (features(delay=pl.lit(None, dtype=pl.Float64)), "data_fault", "delay"),
    "seconds": (features(delay=pl.col("delay") * 60), "data_fault", "delay"),
    "hours": (features(delay=pl.col("delay") / 60), "data_fault", "delay"),
    "kilometres": (features(distance=pl.col("distance") * 1.609344), "data_fault", "distance"),
    "sign turned": (features(delay=-pl.col("delay")), "data_fault", "delay"),
    "time zone": (features(hour=(pl.col("hour") + 5) % 24), "data_fault", "hour"),
    "renamed": (features(carrier=pl.col("carrier").replace({"EV": "EX"})), "data_fault", "carrier"),
    "small letters": (features(carrier=pl.col("carrier").str.to_lowercase()), "data_fault", "carrier"),
    "new value": (
        features(carrier=pl.when(pl.col("delay") > 15).then(pl.lit("ZZ")).otherwise(pl.col("carrier"))),
        "data_fault",
        "carrier",
    ),
    "one airport dropped": (
        lambda rows, draw: (
            scored(rows.filter(dest="ATL").head(0)) if False else scored(rows.filter(pl.col("dest") != "ATL"))
        ),
        "data_fault",
        "dest",
    ),
    "strong column shuffled": (shuffled("load"), "data_fault", "load"),
    "linked column shuffled": (shuffled("dest"), "data_fault", None),
    "stale features": (stale, "data_fault", "late"),
    "labels flipped": (flipped(0.2), "data_fault", "late"),
    "labels inverted": (flipped(1.1), "data_fault", "late"),
    "classes swapped": (scores(1.0 - pl.col("score")), "data_fault", "score"),
    "scores capped": (scores(pl.col("score").clip(upper_bound=0.4)), "data_fault", "score"),
    "scores rounded": (scores(pl.col("score").round(1)), "data_fault", "score"),
    "one score": (scores(pl.lit(0.3)), "data_fault", "score"),
    "scores shuffled": (shuffled_scores, "data_fault", "score"),
    "one group's labels": (one_group, "concept", "carrier"),
    "logged twice": (lambda rows, draw: pl.concat([scored(rows), scored(rows.head(900))]), "data_fault", "id"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_cause_is_the_fault_and_names_its_column(
    name: str, causes_of: Callable[..., tuple[Cause, ...]]
) -> None:
    inject, kind, column = FAULTS[name]
    for seed in (11, 12):
        causes = causes_of(inject(flights(ROWS, seed=seed), np.random.default_rng(seed)))
        first = causes[0]
        assert first.kind == kind, causes
        assert column is None or column in first.columns, causes
        assert len(causes) <= 4 and not first.text.endswith(".")
        assert all(cause.share is None or 0.0 <= cause.share <= 1.0 for cause in causes)


def test_a_number_that_left_its_ranges_is_broken_though_no_unit_fits(
    causes_of: Callable[..., tuple[Cause, ...]],
) -> None:
    first = causes_of(features(delay=pl.col("delay").clip(0.0, 3.0))(flights(ROWS, seed=15), np.random.default_rng(1)))[
        0
    ]
    assert first.kind == "data_fault" and first.columns == ("delay",) and "only in 0 to 3" in first.text


def test_texts_name_what_is_wrong(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    def text(name: str) -> str:
        return causes_of(FAULTS[name][0](flights(ROWS, seed=13), np.random.default_rng(13)))[0].text

    assert text("missing values").startswith("delay is missing in 3") and "0.0 % on the baseline" in text(
        "missing values"
    )
    assert "60 times as large" in text("seconds") and "seconds in place of minutes" in text("seconds")
    assert "60 times as small" in text("hours")
    assert "1.609 times as large" in text("kilometres") and "kilometres in place of miles" in text("kilometres")
    assert "5 hours later" in text("time zone")
    assert "(EX), and none of EV" in text("renamed") and text("renamed").endswith("renamed")
    assert text("small letters").endswith("written otherwise")
    assert "never above 0.400" in text("scores capped") and text("scores capped").endswith("capped")
    assert "only 11 different values" in text("scores rounded")
    assert "0.300 in every row" in text("one score")
    assert "classes are swapped" in text("classes swapped")
    assert "late is inverted" in text("labels inverted")
    assert "flipped at random in about 2" in text("labels flipped") or "in about 1" in text("labels flipped")


def test_a_fault_that_explains_the_harm_comes_with_its_share(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    first = causes_of(missing(flights(ROWS, seed=14), np.random.default_rng(14)))[0]
    assert first.share is not None and first.share > 0.6
    group = causes_of(one_group(flights(ROWS, seed=14), np.random.default_rng(14)))[0]
    assert group.segment == {"carrier": "EV"} and group.share is not None and group.share > 0.7


def test_other_rows_are_a_mix_and_name_what_moved(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    # More rows of which the model is unsure, each as sure as ever.
    draw, many = np.random.default_rng(3), scored(flights(4 * ROWS, seed=21))
    unsure = many.filter((pl.col("carrier") == "EV") | pl.Series(draw.random(4 * ROWS) < 0.1)).head(ROWS)
    first = causes_of(unsure)[0]
    assert first.kind == "mix" and "carrier" in first.columns
    assert first.share is not None and first.share > 0.5


def test_other_rules_everywhere_are_a_concept(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    rows, draw = flights(ROWS, seed=22), np.random.default_rng(22)
    turned = draw.random(ROWS) < chance(rows, load=-0.2).to_numpy()
    first = causes_of(scored(rows).with_columns(late=pl.Series(turned.astype(np.int64))))[0]
    assert first.kind in ("concept", "data_fault")
    assert first.kind == "concept" or first.columns == ("load",)


def test_labels_that_are_more_often_positive_are_a_shift_of_labels(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    rows, draw = scored(flights(ROWS, seed=23)), np.random.default_rng(23)
    odds = rows["score"] / (1.0 - rows["score"]) * 4.0
    late = draw.random(ROWS) < (odds / (1.0 + odds)).to_numpy()
    causes = causes_of(rows.with_columns(late=pl.Series(late.astype(np.int64))))
    assert "label_shift" in [cause.kind for cause in causes[:2]]


def test_a_version_that_began_with_the_harm_is_named_first(causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    rows = flights(ROWS, seed=24)
    worse = rows.with_columns(version=pl.lit("14"), score=chance(rows, load=0.0))
    first = causes_of(worse, new_version="14")[0]
    assert first.kind == "new_version" and "began with version 14" in first.text, first
    assert all(cause.kind != "new_version" for cause in causes_of(scored(rows))[:1])
    # Half the rows are served by it, and they alone are worse.
    worse = worse.with_columns(score=chance(rows, load=-1.3))
    half = pl.concat([worse.head(ROWS // 2), scored(rows).tail(ROWS // 2)])
    first = causes_of(half, new_version="14")[0]
    assert first.share is not None and first.share > 0.7 and "50.0 % of rows" in first.text


def test_a_broken_column_comes_before_a_version_that_it_came_with(
    causes_of: Callable[..., tuple[Cause, ...]],
) -> None:
    rows = missing(flights(ROWS, seed=25), np.random.default_rng(25)).with_columns(version=pl.lit("14"))
    kinds = [cause.kind for cause in causes_of(rows, new_version="14")]
    assert set(kinds[:2]) == {"data_fault", "new_version"}


def test_a_finding_about_a_group_is_told_what_moved_in_it(
    baseline: tuple[Profile, ModelConfig], tmp_path: Path
) -> None:
    known, config = baseline
    rows, path = scored(flights(ROWS, seed=26)), tmp_path / "p.parquet"
    unfair = pl.when(pl.col("carrier") == "EV").then(pl.col("score") * 0.5).otherwise(pl.col("score"))
    rows.with_columns(score=unfair).drop("late").write_parquet(path)
    rows.select("id", "late").write_parquet(tmp_path / "l.parquet")
    now = collect([path], [tmp_path / "l.parquet"], known.spec)
    gap = finding(check="bias", metric="tpr_gap", segment={"carrier": "EV"})
    causes = likely_causes(now, known, [gap], config=config, worst=gap)
    assert causes[0].kind == "concept" and causes[0].segment == {"carrier": "EV"}
    assert any("of rows are predicted positive" in cause.text for cause in causes)


def test_a_window_of_nights_has_the_causes_of_its_nights(baseline: tuple[Profile, ModelConfig], tmp_path: Path) -> None:
    known, config = baseline
    nights = []
    for seed in (51, 52):
        path = tmp_path / f"{seed}.parquet"
        missing(flights(ROWS, seed=seed), np.random.default_rng(seed)).write_parquet(path)
        nights.append(path)
    first = looked_into(collect(nights, [], known.spec), known, config)[1][0]
    assert first.kind == "data_fault" and first.columns == ("delay",)


def test_weighed_rows_have_causes_too(tmp_path: Path) -> None:
    columns = COLUMNS | {"weight": "w"}
    weight = 1.0 + pl.int_range(pl.len()) % 3
    night = missing(flights(ROWS, seed=27), np.random.default_rng(27)).with_columns(w=weight)
    known = scored(flights(REFERENCE, seed=1)).with_columns(w=weight)
    _, causes = looked_into(*profiles(tmp_path, "binary", columns, night, known))
    assert causes[0].kind == "data_fault" and causes[0].columns == ("delay",)


@pytest.mark.parametrize("seed", range(30, 38))
def test_nights_like_the_baseline_have_no_fault(seed: int, causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    assert "data_fault" not in [cause.kind for cause in causes_of(scored(flights(ROWS, seed=seed)))]


@pytest.mark.parametrize("rows", [0, 1, 2, 31])
def test_hardly_any_rows_are_no_reason_to_fail(rows: int, causes_of: Callable[..., tuple[Cause, ...]]) -> None:
    causes = causes_of(scored(flights(ROWS, seed=40)).head(rows))
    assert causes and all(cause.text for cause in causes)


def test_without_labels_broken_columns_are_named_all_the_same(
    baseline: tuple[Profile, ModelConfig], tmp_path: Path
) -> None:
    known, config = baseline
    path = tmp_path / "p.parquet"
    missing(flights(ROWS, seed=41), np.random.default_rng(1)).with_columns(
        late=pl.lit(None, dtype=pl.Int64)
    ).write_parquet(path)
    now = collect([path], [], known.spec)
    first = likely_causes(now, known, check_drift(now, known, config, window=1), config=config)[0]
    assert first.kind == "data_fault" and first.columns == ("delay",) and first.share is None


# --- Other tasks, hostile names -----------------------------------------------------------------------------


def profiles(
    tmp_path: Path, task: str, columns: dict[str, Any], night: pl.DataFrame, reference: pl.DataFrame
) -> tuple[Profile, Profile, ModelConfig]:
    paths = [tmp_path / "night.parquet", tmp_path / "reference.parquet"]
    for table, path in zip((night, reference), paths, strict=True):
        table.write_parquet(path)
    config = configured(task, columns)
    spec = infer_spec(config, paths[1:])
    return collect(paths[:1], [], spec), collect(paths[1:], [], spec), config


def priced(n: int, *, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    size, kind = draw.gamma(4.0, 25.0, n), draw.choice(["flat", "house"], n)
    worth = 2.0 * size + 50.0 * (kind == "house")
    return pl.DataFrame({"size": size, "kind": kind, "worth": worth + draw.normal(0.0, 10.0, n), "said": worth})


def test_a_regression_names_a_broken_column_and_a_worse_group(tmp_path: Path) -> None:
    columns = {"prediction": "said", "label": "worth", "features": {"numeric": ["size"], "categorical": ["kind"]}}
    night = priced(2000, seed=2)
    broken = night.with_columns(size=pl.col("size") / 1000, said=pl.col("said") * 0.3)
    now, then, config = profiles(tmp_path, "regression", columns, broken, priced(8000, seed=1))
    worst, causes = looked_into(now, then, config)
    assert causes[0].kind == "data_fault" and causes[0].columns == ("size",) and "1000 times as small" in causes[0].text
    assert sentence(worst, causes).count("size") >= 1
    dear = night.with_columns(worth=pl.col("worth") + 40.0 * (pl.col("kind") == "house"))
    _, causes = looked_into(*profiles(tmp_path, "regression", columns, dear, priced(8000, seed=1)))
    assert causes[0].kind == "concept" and causes[0].segment == {"kind": "house"}


def classed(n: int, *, seed: int) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    x = draw.normal(0.0, 1.0, n)
    weight = np.exp(np.column_stack([2.0 * x, -2.0 * x, np.zeros(n)]))
    p = weight / weight.sum(axis=1, keepdims=True)
    label = np.array(["a", "b", "c"])[(p.cumsum(axis=1) < draw.random(n)[:, None]).sum(axis=1)]
    return pl.DataFrame({"pa": p[:, 0], "pb": p[:, 1], "pc": p[:, 2], "x": x, "y": draw.random(n), "label": label})


def test_two_classes_that_are_exchanged_are_named(tmp_path: Path) -> None:
    columns = {"scores": {"a": "pa", "b": "pb", "c": "pc"}, "label": "label"}
    night = classed(1500, seed=2).rename({"pa": "pb", "pb": "pa"})
    _, causes = looked_into(*profiles(tmp_path, "multiclass", columns, night, classed(5000, seed=1)))
    assert causes[0].kind == "data_fault" and set(causes[0].columns) == {"pa", "pb"}
    same = looked_into(*profiles(tmp_path, "multiclass", columns, classed(1500, seed=3), classed(5000, seed=1)))[1]
    assert "data_fault" not in [cause.kind for cause in same]


def test_a_ranking_names_broken_columns_only(tmp_path: Path) -> None:
    def queries(n: int, seed: int) -> pl.DataFrame:
        draw = np.random.default_rng(seed)
        gain = draw.integers(0, 3, 5 * n)
        score = gain + draw.normal(0.0, 1.0, 5 * n)
        query = np.repeat(np.arange(n), 5)
        return pl.DataFrame({"query": query, "score": score, "gain": gain, "x": draw.normal(5.0, 1.0, 5 * n)})

    columns = {"query": "query", "score": "score", "label": "gain", "features": {"numeric": ["x"]}}
    night = queries(300, 1).with_columns(x=pl.col("x") * 1000)
    worst, causes = looked_into(*profiles(tmp_path, "ranking", columns, night, queries(1000, 2)))
    assert causes[0].kind == "data_fault" and causes[0].columns == ("x",)
    assert sentence(worst, causes)


@pytest.mark.parametrize("name", ["a\nb", "<!channel>", "x=y", "\u202eevil", "{}", "*" * 200, "ключ"])
def test_hostile_names_stay_on_one_line(name: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)

    def table(n: int, *, value: str, seed: int) -> pl.DataFrame:
        rows = scored(flights(n, seed=seed)).select("score", "late", "load", "delay")
        kinds = draw.choice([value, "other"], n)
        return rows.with_columns(pl.Series(name, kinds))

    columns = {"score": "score", "label": "late", "slices": [name]}
    night = table(1200, value=name + "!", seed=2)
    worst, causes = looked_into(*profiles(tmp_path, "binary", columns, night, table(4000, value=name, seed=1)))
    assert causes[0].columns == (name,)
    text = sentence(worst, causes)
    assert text == "".join(c for c in text if c.isprintable()) and plain(name) in text and len(text) < 900


# --- Sentences ------------------------------------------------------------------------------------------------


def finding(**changes: Any) -> Finding:
    said: dict[str, Any] = {
        "check": "performance",
        "metric": "roc_auc",
        "column": None,
        "segment": {},
        "window": 1,
        "value": 0.842,
        "interval": (0.83, 0.85),
        "baseline": 0.883,
        "delta": -0.041,
        "delta_interval": (-0.06, -0.03),
        "tolerance": 0.02,
        "n": 900,
        "detectable": 0.01,
        "p_value": 0.001,
        "status": "regression",
        "reason": "It fell.",
    }
    return Finding.model_validate(said | changes)


FAULT = Cause(kind="data_fault", text="dep_delay is missing in 31.0 % of rows, 0.2 % on the baseline", share=0.8)


def test_a_sentence_says_what_regressed_by_how_much_and_why() -> None:
    assert sentence(finding(), (FAULT,)) == (
        "ROC AUC fell by 0.041 to 0.842 (tolerated 0.020). Likely cause: dep_delay is missing in 31.0 % of rows, "
        "0.2 % on the baseline, which explains about 80 % of it."
    )
    gap = finding(check="bias", metric="impact_ratio", segment={"carrier": "UA"}, value=0.62, tolerance=0.8, window=7)
    assert sentence(gap, ()) == (
        "Impact ratio where carrier is UA over 7 nights is 0.620 (the limit is 0.800). No cause stands out in the "
        "data, the labels or the version."
    )


def test_a_second_cause_is_told_where_the_first_leaves_room() -> None:
    mix = Cause(kind="mix", text="more rows than before have carrier EV", share=0.3)
    small = FAULT.model_copy(update={"share": 0.5})
    assert sentence(finding(), (small, mix)).endswith(
        "of it; then: more rows than before have carrier EV (about 30 %)."
    )
    assert "EV" not in sentence(finding(), (FAULT, mix))
    assert sentence(finding(value=None), (Cause(kind="unknown", text="nothing"),)).startswith("ROC AUC is beyond")


# --- Units ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [60, 1 / 60, 100, 0.01, 1000, 0.001, 1.609344, 1 / 1.609344, 3600, 24, 3.28084, -1])
def test_a_unit_is_found_from_histograms(factor: float) -> None:
    draw = np.random.default_rng(5)
    known, night = draw.gamma(2.0, 30.0, 20_000), draw.gamma(2.0, 30.0, 1500) * factor
    edges = np.unique(np.append(np.quantile(known, np.arange(1, 20) / 20), known.max()))
    feature = NumericFeature(
        edges=tuple(edges.tolist()),
        mean=float(known.mean()),
        sd=float(known.std()),
        low=float(known.min()),
        high=float(known.max()),
    )
    counts = [np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) for x in (night, known)]
    found = conversion(counts[0], counts[1], feature, mean=float(night.mean()))
    assert found is not None
    assert ("sign" if factor < 0 else f"is {max(factor, 1 / factor):.4g} times") in found.text
    assert conversion(counts[1], counts[1], feature, mean=60.0) is None
