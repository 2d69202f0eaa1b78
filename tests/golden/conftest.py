"""The golden shop built once for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.shop import deliveries
from tests.support.raw import PROJECT, run_dbt, write_raw


@pytest.fixture(scope="session")
def golden_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build file with every table of the golden shop; its dbt tests run in test_golden_shop."""
    file = tmp_path_factory.mktemp("golden_build") / "golden.duckdb"
    write_raw(file, deliveries())
    run_dbt(
        PROJECT, file, "build", "--full-refresh", "--exclude-resource-type", "test", "unit_test"
    )
    return file
