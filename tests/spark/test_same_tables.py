"""Spark builds the golden shop, all data tests passed, into the tables that DuckDB builds of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.build import spark
from tests.support.on_spark import (
    built_here,
    built_there,
    differences,
    settings,
    skip_without_spark,
)

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build file of DuckDB."""
    skip_without_spark()
    return built_here(tmp_path_factory.mktemp("ours"))


def test_every_table_is_equal(ours: Path, tmp_path: Path) -> None:
    configured = settings(tmp_path)
    assert differences(ours, built_there(configured)) == {}
    assert not spark.folder_of(configured).exists()


def test_a_table_that_differs_or_is_missing_is_seen(ours: Path, tmp_path: Path) -> None:
    file = tmp_path / "working.duckdb"
    file.write_bytes(ours.read_bytes())
    with duckdb.connect(file) as con:
        con.execute("drop table marts.dim_date")
        con.execute("update marts.fct_gmv_daily set gmv = gmv + 0.01 where orders = 1")
        con.execute("update marts.fct_gmv_change set gmv_change = gmv_change + 1e-9")
    wrong = {"marts.dim_date", "marts.fct_gmv_daily", "marts.fct_gmv_change"}
    assert set(differences(ours, file)) == wrong
