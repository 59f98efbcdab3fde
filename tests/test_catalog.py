"""The catalog: each config by itself, found by name and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightproof.catalog import config_paths, find_model, models_folder, read_catalog, suites_folder
from nightproof.config import ModelConfig
from nightproof.errors import ConfigError

GOOD = """\
model: {name}
task: binary
data: {{predictions: "s3://logs/dt=%Y-%m-%d/", reference: "s3://logs/reference/"}}
columns: {{score: p, label: y}}
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "include" / "models"
    folder.mkdir(parents=True)
    for name in ("alpha", "omega"):
        (folder / f"{name}.yaml").write_text(GOOD.format(name=name))
    (folder / "broken.yaml").write_text("model: [")
    (folder / "schema.json").write_text("{}")
    (folder / "notes.txt").write_text("not a model")
    (tmp_path / "secret.yaml").write_text(GOOD.format(name="secret"))
    return folder


def test_a_broken_config_hides_no_other(models: Path) -> None:
    read = dict(read_catalog(models))
    assert [path.name for path in read] == ["alpha.yaml", "broken.yaml", "omega.yaml"]
    assert isinstance(read[models / "alpha.yaml"], ModelConfig)
    assert isinstance(read[models / "broken.yaml"], ConfigError)
    assert isinstance(read[models / "omega.yaml"], ModelConfig)


def test_a_config_with_the_other_ending_is_listed_so_that_it_can_be_told_its_name(models: Path) -> None:
    (models / "beta.yml").write_text(GOOD.format(name="beta"))
    assert models / "beta.yml" in config_paths(models)
    with pytest.raises(ConfigError, match=r"must be beta\.yaml"):
        find_model("beta", models)


def test_a_model_is_found_by_its_name(models: Path) -> None:
    assert find_model("omega", models).model == "omega"


def test_an_unknown_model_is_told_what_there_is_and_the_nearest_name(models: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_model("omga", models)
    assert "alpha, broken, omega" in str(caught.value)
    assert caught.value.faults[0].hint == "omega"


def test_an_empty_or_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \.yaml file"):
        find_model("alpha", tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["../../secret", "../models/alpha", "./alpha", "alpha.yaml", "a/b", "", ".", "..", "alpha\n", "ALPHA", "*"]
)
def test_a_name_with_a_path_in_it_finds_nothing(models: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="there is no such model"):
        find_model(name, models)


def test_a_broken_model_tells_its_own_faults(models: Path) -> None:
    with pytest.raises(ConfigError, match="not YAML"):
        find_model("broken", models)


def test_the_folders_are_those_of_the_environment(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTPROOF_MODELS", str(models))
    assert models_folder() == models
    assert suites_folder(models) == models.parents[1] / "great_expectations" / "expectations"
    monkeypatch.setenv("NIGHTPROOF_SUITES", str(models / "suites"))
    assert suites_folder(models) == models / "suites"


def test_by_default_the_models_are_those_of_the_checkout() -> None:
    assert models_folder() == Path(__file__).resolve().parents[1] / "include" / "models"
