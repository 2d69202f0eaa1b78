"""The command line: errors with their exit codes, a fast help, JSON on request."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.shop import kpi, process


@pytest.fixture
def empty_shop(tmp_path: Path) -> Path:
    """A data folder of a shop without sources, before its first run."""
    text = "shop: {name: Real, currency: EUR, timezone: UTC}\nsources: {}\n"
    (tmp_path / "shop.yml").write_text(text)
    return tmp_path


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from orchestration.cli.main import"
        " app; assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        " print([m for m in ('dagster', 'dbt', 'duckdb', 'polars', 'pandera', 'plotly',"
        " 'great_expectations', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_answers_within_its_budget(tmp_path: Path) -> None:
    best = min(_seconds(tmp_path) for _ in range(5))
    assert best < 0.7


def _seconds(home: Path) -> float:
    started = time.perf_counter()
    assert process(home, "--help").returncode == 0
    return time.perf_counter() - started


@pytest.mark.parametrize("command", [["run"], ["status"], ["sql", "select 1"], ["doctor"]])
def test_without_a_shop_every_command_says_what_to_do(tmp_path: Path, command: list[str]) -> None:
    done = kpi(tmp_path, *command)
    assert done.returncode == 3
    assert "kpi demo" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["sql", "select 1"], ["status"], ["explain"], ["serve"]])
def test_before_the_first_run_commands_say_so(empty_shop: Path, command: list[str]) -> None:
    done = kpi(empty_shop, *command)
    assert done.returncode == 2
    assert "kpi run" in done.stderr


def test_json_is_one_document(tmp_path: Path) -> None:
    done = kpi(tmp_path, "--json", "version")
    assert json.loads(done.stdout)["duckdb"].startswith("2.")


def test_the_demo_does_not_touch_a_real_shop(empty_shop: Path) -> None:
    done = kpi(empty_shop, "demo")
    assert done.returncode == 3 and "another folder" in done.stderr
    assert not (empty_shop / "data/inbox").exists()
