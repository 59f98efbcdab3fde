"""The house: imports run one way, nothing heavy is loaded before it is needed, modules stay readable."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "plugins" / "nightproof"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {
    "airflow",
    "boto3",
    "botocore",
    "evidently",
    "great_expectations",
    "numpy",
    "pandas",
    "plotly",
    "polars",
    "pyarrow",
    "scipy",
    "sklearn",
    "slack_sdk",
}
MOST_LINES = 400
SKIPPED = {"__init__", "__main__"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has after a statement."""
    script = f"import json, sys\ntry:\n    {statement}\nexcept SystemExit:\n    pass\n"
    script += "print(chr(10) + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_imports_run_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "0 broken" in ran.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import nightproof.catalog",
        "from nightproof.cli import app; app(['--help'], prog_name='nightproof')",
        "from nightproof.cli import app; app(['evaluate', '--help'], prog_name='nightproof')",
    ],
)
def test_nothing_heavy_is_loaded_to_read_the_catalog_or_a_help_text(statement: str) -> None:
    loaded = loaded_by(statement)
    assert "nightproof" in loaded and "pydantic" in loaded
    assert loaded & HEAVY == set()


def test_the_pipeline_loads_neither_of_the_two_that_take_seconds() -> None:
    loaded = loaded_by("import nightproof.pipeline")
    assert "polars" in loaded
    assert loaded & {"airflow", "boto3", "evidently", "great_expectations", "pandas", "slack_sdk"} == set()


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    # Airflow puts the plugins folder on the path: a `profile.py` there would stand in for Python's own.
    shims = [*(ROOT / "plugins").glob("*.py"), *(ROOT / "dags").glob("*.py")]
    named = {path.stem for path in [*shims, *PACKAGE.glob("*.py")]} - SKIPPED
    named |= {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {"catalog", "profiles"} <= named
    assert named & sys.stdlib_module_names == set()


def test_airflow_does_not_look_for_plugins_in_the_package() -> None:
    lines = (ROOT / "plugins" / ".airflowignore").read_text().split()
    assert "nightproof/" in lines


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert text.startswith('"""') or path.stem in SKIPPED


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert {path.stem for path in MODULES} & {
        "utils",
        "util",
        "common",
        "helpers",
        "helper",
        "manager",
        "misc",
    } == set()
